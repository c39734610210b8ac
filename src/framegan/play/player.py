"""A trained generator as the page shows it: what can be chosen, and the frames of a choice."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from framegan import inputs, interpolation, media, sampling
from framegan.play import directions
from framegan.play.directions import Directions
from framegan.play.wanted import Point, Wanted

MOST_BYTES = 48 << 20
"""Of the frames of one answer."""
MOST_FRAMES = 10_000
MOST_ON_A_WALK = 200_000
"""Frames that are made for its video, of which each step shows one."""
BETWEEN_IMAGES = 24
"""Frames of a video from one pinned image to the next."""


@dataclass(frozen=True)
class Player:
    """A generator, and what the page says of it.

    Args:
        generator: in evaluation mode, on its device.
        name: of the run.
        checkpoint: its file's name.
        samples_seen: real samples that it was trained with.
        frames_per_second: at which its clips play as fast as the data.
        origin: whatever the notes in files need to know of it; nothing here looks into it.
        along: the directions of the sliders. None = those of the generator itself.
    """

    generator: nn.Module
    name: str
    checkpoint: str
    samples_seen: int
    frames_per_second: float
    origin: Any = None
    along: Mapping[str, Directions] = field(default_factory=dict)

    @property
    def makes_clips(self) -> bool:
        return len(self.generator.shape) == 4  # type: ignore[arg-type]

    @cached_property
    def parts(self) -> list[str]:
        """The parts of the latents, each of which has a seed."""
        return [*inputs.holdable(inputs.parts_of(self.generator))]

    @property
    def takes_truncation(self) -> bool:
        return "truncation" in inspect.signature(self.generator.forward).parameters

    @property
    def most_frames(self) -> int:
        """Frames of the longest clip that is sent."""
        channels, *size = self.generator.shape  # type: ignore[misc]
        return min(MOST_FRAMES, max(size[0], MOST_BYTES // (channels * math.prod(size[-2:])))) if len(size) > 2 else 1

    @property
    def least_frames(self) -> int:
        return int(getattr(self.generator, "given_frames", 0)) + 1

    def frames_of(self, wanted: Wanted, *, exactly: bool = False) -> np.ndarray:
        """Return the (T, H, W, C) uint8 frames of what is wanted, one of an image.

        Args:
            exactly: to the last bit as `framegan generate` makes it, which makes a whole batch for it.

        Raises:
            ValueError: this generator has no such part, class, length or truncation.
        """
        self.check(wanted)
        options = inputs.options_of(self.generator, wanted.num_frames, wanted.truncation)
        latents, labels = self.latents(wanted)
        size = None if exactly else 1

        def drawn(rows: Sequence[int]) -> tuple[Tensor, Tensor]:
            return latents.expand(len(rows), -1), labels.expand(len(rows))

        with directions.moved(self.generator, self.along, self.moves(wanted)):
            ((_, samples),) = sampling.in_batches(self.generator, drawn, 1, size, options)
        (pixels,) = media.to_frames(samples)
        return pixels if self.makes_clips else pixels[np.newaxis]

    def walk(self, wanted: Wanted) -> Iterator[np.ndarray]:
        """Yield the frames (H, W, C) of a video over all pins: of clips at each step the next frame, to and fro."""
        length = (wanted.num_frames or self.generator.shape[1]) if self.makes_clips else 0  # type: ignore[index]
        steps = max(1, 2 * length - 2) if self.makes_clips else BETWEEN_IMAGES
        number = steps * (len(wanted.pins) - 1) + 1
        if number * max(1, length) > MOST_ON_A_WALK:
            raise ValueError(f"the way has {number} steps of {length} frames each; pin fewer, or set fewer frames")
        for step in range(number):
            frames = self.frames_of(wanted.model_copy(update={"place": step / steps}))
            last = len(frames) - 1
            yield frames[last - abs(last - step % max(1, 2 * last))]

    def check(self, wanted: Wanted) -> None:
        """Raise ValueError where that can't be made."""
        if len(wanted.pins) > 1:
            interpolation.check_between(self.generator)
        for point in (wanted.point, *wanted.pins):
            if point.seeds.keys() != set(self.parts) or not point.moves.keys() <= set(self.parts):
                raise ValueError(f"the seeds are those of {sorted(point.seeds)}, and the parts are {self.parts}")
        if wanted.num_frames is not None and wanted.num_frames > self.most_frames:
            raise ValueError(f"num_frames={wanted.num_frames} is too many for a page; set at most {self.most_frames}")

    def latents(self, wanted: Wanted) -> tuple[Tensor, Tensor]:
        """Return the latents (1, D) and the class (1,) of what is wanted, moved as far as latents are."""
        first, second, share = wanted.between()
        latents, labels = self._drawn(first, wanted)
        if first is not wanted.point:
            labels = self._drawn(wanted.pins[0], wanted)[1]  # one class on the whole way
        parts = inputs.parts_of(self.generator, wanted.num_frames)
        pieces = [*latents.split([*parts.values()], dim=1)]
        if share:
            others = self._drawn(second, wanted)[0].split([*parts.values()], dim=1)
            between = torch.lerp if wanted.interpolation == "linear" else interpolation.arc
            moment = torch.tensor([[share]])
            stays = "content" if getattr(self.generator, "given_frames", 0) else ""  # a clip's number has no between
            pairs = zip(parts, pieces, others, strict=True)
            pieces = [one if part == stays else between(one, other, moment) for part, one, other in pairs]
        moves = self.moves(wanted)
        added = (
            directions.add(piece, self.along.get(part), moves.get(part, ()))
            for part, piece in zip(parts, pieces, strict=True)
        )
        return torch.cat([*added], dim=1), labels

    def moves(self, wanted: Wanted) -> dict[str, list[float]]:
        """Return how far each part of what is wanted is moved."""
        first, second, share = wanted.between()
        found = {}
        for part in first.moves.keys() | second.moves.keys():
            pair = [[*point.moves.get(part, [])] for point in (first, second)]
            length = max(map(len, pair))
            begin, end = ([*values, *[0.0] * (length - len(values))] for values in pair)
            found[part] = [(1 - share) * one + share * other for one, other in zip(begin, end, strict=True)]
        return found

    def _drawn(self, point: Point, wanted: Wanted) -> tuple[Tensor, Tensor]:
        category = None if wanted.category is None else f"number:{wanted.category}"
        seed = point.seeds[self.parts[-1]]
        return inputs.draw(self.generator, [seed], category, wanted.num_frames, point.seeds)

    def about(self) -> dict[str, Any]:
        """Return what the page is told."""
        generator = self.generator
        continues = hasattr(generator, "onward")
        return {
            "name": self.name,
            "checkpoint": self.checkpoint,
            "samples_seen": self.samples_seen,
            "shape": [*generator.shape],  # type: ignore[misc]
            "makes_clips": self.makes_clips,
            "classes": _class_names(generator),
            "parts": [
                {"name": part, "source": one.source if one else "", "directions": len(one.vectors) if one else 0}
                for part, one in ((part, self.along.get(part)) for part in self.parts)
            ],
            "takes_truncation": self.takes_truncation,
            "least_frames": self.least_frames,
            "most_frames": self.most_frames,
            "frames_per_second": self.frames_per_second,
            "longer_clips": str(getattr(generator, "longer_clips", "")),
            "continues": continues,
        }


def shown(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels (..., C) as the page draws them: grey, or the first three channels, over white."""
    return np.ascontiguousarray(media.laid_over(pixels, 255)[..., :3])


def _class_names(generator: nn.Module) -> list[str]:
    number = int(getattr(generator, "num_classes", 0))
    names = [*getattr(generator, "class_names", ())]
    return [names[k] if k < len(names) else str(k) for k in range(number)]
