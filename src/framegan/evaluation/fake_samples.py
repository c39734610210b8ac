"""The samples of a generator as metrics see them; see `framegan.metrics.sample_set`."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from framegan import inputs, sampling, showing
from framegan.media import to_pixels


class FakeSamples:
    """What a generator makes of the seeds first_seed, first_seed + 1, ..., as pixels, the way they would be published.

    Args:
        origin: how records call it.
        class_counts: how many samples of each class the data have; a class-conditional generator is asked for
            the classes in these proportions. None = for all classes alike.
        classes: the names of its classes; none where they aren't known.
        num_frames: frames of a clip that is made. None = as trained.
        frame_stride: one in this many is kept.
    """

    fingerprint = None
    num_samples = None

    def __init__(
        self,
        generator: nn.Module,
        origin: dict[str, Any],
        first_seed: int = 0,
        class_counts: Sequence[int] | None = None,
        classes: Sequence[str] = (),
        num_frames: int | None = None,
        frame_stride: int = 1,
    ):
        self.generator = generator
        self.class_counts = list(class_counts) if class_counts and self.num_classes > 1 else None
        if self.class_counts is not None and len(self.class_counts) > self.num_classes:
            raise ValueError(
                f"the generator makes {self.num_classes} classes and the data have {len(self.class_counts)}, so it "
                "can't be asked for them in their proportions; set data=NAME to data with the classes it was trained on"
            )
        self.origin = origin | {"first_seed": first_seed}
        if self.given_frames:
            number = generator.beginnings.num_different  # type: ignore[union-attr]
            self.origin["given"] = {"frames": self.given_frames, "beginnings": number}
        if self.enlarged_by:
            number = generator.beginnings.num_different  # type: ignore[union-attr]
            self.origin["enlarged"] = {"scale": self.enlarged_by, "small_samples": number}
        if self.num_classes > 1:
            self.origin["class_counts"] = self.class_counts or "all alike"
        self.first_seed = first_seed
        self.classes = classes if self.num_classes > 1 else ()
        self.num_frames = num_frames
        self.frame_stride = frame_stride

    @property
    def given_frames(self) -> int:
        """How many frames of each clip are real ones, which the generator continues."""
        return getattr(self.generator, "given_frames", 0)

    @property
    def enlarged_by(self) -> int:
        """How many times larger samples are than the small ones of real samples of which they are made; 0 = of none."""
        return int(self.generator.scale) if hasattr(self.generator, "enlarged") else 0  # type: ignore[arg-type]

    @property
    def shape(self) -> tuple[int, ...]:
        shape = tuple(self.generator.shape)  # type: ignore[arg-type]
        if self.num_frames is None:
            return shape
        return shape[0], -(-self.num_frames // self.frame_stride), *shape[2:]

    @property
    def device(self) -> torch.device:
        return next(self.generator.parameters()).device

    @property
    def num_classes(self) -> int:
        return max(1, getattr(self.generator, "num_classes", 0))

    def chosen(self, num_wanted: int) -> Sequence[int]:
        return range(num_wanted)

    def cut(self, num_frames: int, frame_stride: int) -> "FakeSamples":
        if len(self.shape) == 3:
            raise ValueError(f"clips of {num_frames} frames are to be compared, and this generator makes images")
        made, trained = (num_frames - 1) * frame_stride + 1, int(self.shape[1])
        if made > trained and not inputs.takes_length(self.generator):
            raise ValueError(
                f"clips of {num_frames} frames at frame_stride={frame_stride} are to be compared, and this generator "
                f"makes clips of {trained} frames only; set fewer num_frames below metrics.NAME"
            )
        longer = {"trained_frames": trained} if made > trained else {}
        of_classes = self.class_counts, self.classes
        cut = FakeSamples(self.generator, self.origin | longer, self.first_seed, *of_classes, made, frame_stride)
        cut.batch([0])  # not every length may be possible
        return cut

    def continued(self, clips: Tensor, labels: Tensor, numbers: Sequence[int]) -> Tensor:
        """Return how samples of these numbers continue (N, C, T, H, W) clips of (N,) labels, of the same shape."""
        return showing.continued(self.generator, clips, labels, [self.first_seed + number for number in numbers])

    def enlarged_again(self, real: Tensor) -> list[Tensor]:
        """Return (N, *shape) samples reduced, and enlarged; see `framegan.showing.enlarged_again`."""
        return showing.enlarged_again(self.generator, real)

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        seeds = [self.first_seed + number for number in numbers]
        choices: dict[str, Any] = {"class_counts": self.class_counts}
        if self.num_frames is not None and inputs.takes_length(self.generator):
            choices["num_frames"] = self.num_frames
        batches = sampling.batches(self.generator, seeds, **choices)
        pixels = torch.cat([to_pixels(samples) for _, samples in batches])
        if self.num_frames is not None:
            pixels = pixels[:, :, : self.num_frames : self.frame_stride]
        return pixels, inputs.draw(self.generator, seeds, class_counts=self.class_counts)[1]
