"""Frames painted one after the other, so that what stays or moves along keeps its strokes.

In the manner of Ruder et al. 2016, "Artistic style transfer for videos": the last painted frame is carried along the
motion, and a term holds what is known. Where the frame itself is as it was, its strokes are kept as they are.
"""

from torch import Tensor

from framegan.style.motion import averaged, carried, motion
from framegan.style.painting import Kept, Painter

SAME, OTHER = 3 / 255, 12 / 255
"""Mean differences around a pixel below which it counts as the same, and above which as another one."""


class Steady:
    """Paints the frames of one clip.

    What a frame is compared with is not the one before but what was seen when its strokes were painted: slow changes
    add up until they count.
    """

    def __init__(self, painter: Painter):
        self.painter = painter
        self.seen: Tensor | None = None
        self.painted: Tensor | None = None

    def paint(self, frame: Tensor) -> Tensor:
        """Return the next frame (1, 3, H, W), painted."""
        if self.seen is None or self.painted is None:
            self.seen, self.painted = frame, self.painter.paint(frame)
            return self.painted
        moved = motion(self.seen, frame)
        seen, painted = carried(self.seen, moved), carried(self.painted, moved)
        share = known(seen, frame)
        if share.min() < 1:
            painted = self.painter.paint(frame, Kept(painted, share)).lerp(painted, share)
            seen = frame.lerp(seen, share)
        self.seen, self.painted = seen, painted
        return painted


def known(seen: Tensor, frame: Tensor) -> Tensor:
    """Return how far the pixels of a frame are as they were seen, (1, 1, H, W) from 0, not at all, to 1."""
    differs = averaged((seen - frame).abs().mean(1, keepdim=True), 3)
    return ((OTHER - differs) / (OTHER - SAME)).clamp(0, 1)
