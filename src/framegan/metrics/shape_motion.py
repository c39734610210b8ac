"""Measures of clips in which one bright shape moves over black: is it one shape, does it keep its colour, does it move.

After the average content distance of Tulyakov et al. 2018 (Section 4.2). Clips are (N, C, T, H, W) in [-1, 1]; colours
are in [0, 255], distances on the picture in pixels. A generator that collapsed to a grey blob has a small content
distance, so that it is never reported alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor

from framegan.media import to_samples
from framegan.metrics.embedding import laid_over
from framegan.metrics.record import Record
from framegan.metrics.sample_set import SampleSet, check_number, check_shapes, given_in
from framegan.processes.ranks import say

THRESHOLD = 30
"""Where the brightest channel of a pixel is above this, of 255, it belongs to a shape."""
AXES = torch.tensor([(1.0, 0.0), (0.0, 1.0), (math.sqrt(0.5), math.sqrt(0.5)), (-math.sqrt(0.5), math.sqrt(0.5))])
"""Unit vectors (down, right) of the motions that can be recognised: vertical, horizontal, falling, rising."""
BORNE_OUT = 2 / 3
"""Share of the real clips of a class that has to move along its axis, at least, for a fake one to be judged by it."""


@dataclass(frozen=True)
class ShapeMotion:
    """Compares clips of moving shapes with real ones, on which alone the areas that count as a shape depend.

    Args:
        num_samples: of either side.
    """

    num_samples: PositiveInt = 256

    def with_num_samples(self, num_samples: int) -> "ShapeMotion":
        return ShapeMotion(num_samples)

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        check_shapes(real, fake)
        check_number(fake, self.num_samples)
        if real.num_samples:
            _check_shapes_shown(_clips(real, real.chosen(self.num_samples))[0])

    def names(self, fake: SampleSet) -> list[str]:
        return ["shape_motion"]

    def __call__(self, real: SampleSet, fake: SampleSet) -> list[Record]:
        """Return what `describe` finds of the fake clips, and the shares of the real ones that two of them reach.

        Where the fake clips were not asked for by these classes, or the classes aren't motions, no motion is right.
        """
        assert real.num_samples is not None
        numbers = real.chosen(self.num_samples)
        values = compare(*_clips(real, numbers), *_clips(fake, fake.chosen(self.num_samples)))
        names = list(real.classes), list(fake.classes or real.classes)
        fewer = f"_vs_{len(numbers)}" if len(numbers) != self.num_samples else ""
        if fake.num_classes != real.num_classes or real.num_classes == 1 or names[0] != names[1]:
            values.pop("motion_accuracy", None)
        elif "motion_accuracy" not in values:
            rule = "two thirds of the real clips of each class should move along an axis of its own"
            say(f"left out motion_accuracy: {rule}")
        return [
            Record(
                key=f"shape_motion_{self.num_samples}{fewer}{given_in(fake)}/{key}",
                value=value,
                interval=None,
                better="lower" if key == "content_distance" else "higher",
                num_real=len(numbers),
                num_fake=self.num_samples,
                protocol={"threshold": THRESHOLD, "axes": "of the real clips"},
                real=real.origin,
                fake=fake.origin,
                why_no_interval="none is computed",
            )
            for key, value in values.items()
        ]


def compare(real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor) -> dict[str, float]:
    """Return what `describe` finds of fake clips, and the shares of real ones that two of its measures reach."""
    num_classes = int(torch.cat([real_labels, fake_labels]).max()) + 1
    axes = axes_of(real, real_labels, num_classes)
    _check_shapes_shown(real)
    _, areas, _ = shapes(real)
    bounds = areas[areas > 0].min().item() / 2, areas.max().item() * 2
    expected = describe(real, real_labels, axes, bounds)
    found = describe(fake, fake_labels, axes, bounds)
    compared = [key for key in ("displacement", "colour_diversity") if expected[key]]
    return found | {f"{key}_ratio": found[key] / expected[key] for key in compared}


def _check_shapes_shown(real: Tensor) -> None:
    if not _bright(real).any():
        raise ValueError(f"the real clips show no shape: no pixel is above {THRESHOLD} of 255; choose other metrics")


def _clips(samples: SampleSet, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return clips (N, C, T, H, W) in [-1, 1] over black and their labels; images are clips of one frame."""
    pixels, labels = samples.batch(numbers)
    clips = to_samples(laid_over(pixels.cpu(), ground=0))
    return clips if clips.ndim == 5 else clips.unsqueeze(2), labels.cpu()


def axes_of(clips: Tensor, labels: Tensor, num_classes: int) -> Tensor | None:
    """Return (down, right) of the axis along which clips of each class move, (K, 2); None where they don't.

    An axis is that of one class alone, and of every class there have to be clips.
    """
    along = (moves(clips) @ AXES.T).abs()
    axes = AXES[torch.stack([along[labels == number].mean(0).argmax() for number in range(num_classes)])]
    is_right = moves_along(clips, labels, axes).float()
    shares = [float(is_right[labels == number].mean()) for number in range(num_classes)]  # NaN where there are none
    return axes if all(share >= BORNE_OUT for share in shares) else None


def moves_along(clips: Tensor, labels: Tensor, axes: Tensor) -> Tensor:
    """Return in which clips the shape moves along the axis of the class, by a pixel at least: bool (N,)."""
    move = moves(clips)
    return ((move @ axes.T).abs().argmax(1) == labels) & (move.norm(dim=1) >= 1)


def moves(clips: Tensor) -> Tensor:
    """Return how far (down, right) the shape of each clip gets from the first to the last frame, (N, 2) pixels.

    A clip that begins or ends without a shape gets nowhere.
    """
    _, areas, centres = shapes(clips)
    is_there = (areas[:, 0] > 0) & (areas[:, -1] > 0)
    return (centres[:, -1] - centres[:, 0]) * is_there.unsqueeze(1)


def describe(clips: Tensor, labels: Tensor, axes: Tensor | None, bounds: tuple[float, float]) -> dict[str, float]:
    """Return the measures of (N, C, T, H, W) clips of which motions (N,) were asked.

    Args:
        axes: (down, right) of each class, (K, 2). None = the classes aren't motions.
        bounds: smallest and largest area in pixels that counts as a shape.

    Returns:
        frame_validity: share of the frames with exactly one shape; the first, as it tells best how far a run is.
        clip_validity: share of the clips all of whose frames have exactly one.
        content_distance: mean over the clips of the mean distance of any two frames' colours; real clips: 0.
        displacement: mean distance between the shape's places in the first and the last frame; 0 where one has none.
        motion_accuracy: share of the clips whose shape moves along the axis asked for; only where there are axes.
        colour_diversity: mean distance of any two clips' colours, where they show a shape; of one that never does it
            is 0 from all others.
    """
    colours, areas, _ = shapes(clips)
    is_valid = (areas >= bounds[0]) & (areas <= bounds[1]) & (num_components(clips) == 1)
    motions = {} if axes is None else {"motion_accuracy": moves_along(clips, labels, axes).float().mean()}
    values = {
        "frame_validity": is_valid.float().mean(),
        "clip_validity": is_valid.all(1).float().mean(),
        "content_distance": torch.stack([_mean_distance(of_clip) for of_clip in colours]).mean(),
        "displacement": moves(clips).norm(dim=1).mean(),
        **motions,
        "colour_diversity": _diversity(colours, areas > 0),
    }
    return {key: float(value) for key, value in values.items()}


def shapes(clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is bright in each frame: mean colours (N, T, 3), areas (N, T) and centres (N, T, 2) (down, right).

    A frame with nothing bright has the colour black, no area, and its centre in the middle.
    """
    pixels = ((clips.cpu().float() + 1) * 127.5).transpose(1, 2)  # (N, T, C, H, W)
    bright = (pixels.amax(2) > THRESHOLD).float()
    areas = bright.sum((2, 3))
    share = bright / areas.clamp(min=1).unsqueeze(-1).unsqueeze(-1)
    colours = (pixels * share.unsqueeze(2)).sum((3, 4))
    height, width = bright.shape[2:]
    down = (share.sum(3) * torch.arange(height)).sum(2)
    right = (share.sum(2) * torch.arange(width)).sum(2)
    middle = torch.tensor([(height - 1) / 2, (width - 1) / 2])
    centres = torch.where((areas > 0).unsqueeze(2), torch.stack([down, right], dim=2), middle)
    return colours.expand(-1, -1, 3), areas, centres


def _bright(clips: Tensor) -> Tensor:
    """Return which pixels belong to a shape: (N, T, H, W)."""
    return (clips.cpu().amax(1) + 1) * 127.5 > THRESHOLD


def num_components(clips: Tensor) -> Tensor:
    """Return how many connected bright parts each frame has, diagonal neighbours included: (N, T)."""
    bright = _bright(clips)
    mask = bright.flatten(0, 1).unsqueeze(1).float()
    own = torch.arange(1, mask[0].numel() + 1, dtype=torch.float32).view(mask.shape[1:])
    names, before = own * mask, torch.zeros_like(mask)
    while not torch.equal(names, before):  # every pixel takes the largest name among its neighbours
        before, names = names, F.max_pool2d(names, 3, stride=1, padding=1) * mask
    return ((names == own) & (mask > 0)).sum((1, 2, 3)).view(bright.shape[:2])


def _diversity(colours: Tensor, is_there: Tensor) -> Tensor:
    """Return the mean distance of the (N, T, D) colours of any two clips, of the frames (N, T) that have one."""
    shares = is_there / is_there.sum(1, keepdim=True).clamp(min=1)
    of_clips = (colours * shares.unsqueeze(2)).sum(1)[is_there.any(1)]
    pairs, all_pairs = (number * (number - 1) for number in (len(of_clips), len(colours)))
    return _mean_distance(of_clips) * (pairs / max(1, all_pairs))


def _mean_distance(points: Tensor) -> Tensor:
    """Return the mean distance of any two of (N, D) points."""
    return F.pdist(points).mean() if len(points) > 1 else points.new_zeros(())
