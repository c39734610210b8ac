"""Adaptive augmentation: each transform with a probability that follows how much the critic overfits.

From Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", Sections 2 and 3 and Appendix B.
Pixels are sampled bilinearly, without the paper's wavelet filters.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Annotated, Any, Literal, Self, get_args

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from framegan.augmentations.augmentation import Augmentation, per_frame, warped, without_alpha
from framegan.noise import normal_of_uniform
from framegan.strategy import average_buffers

Geometry = Literal["flip", "turn", "shift", "scale", "rotate", "stretch"]
Colour = Literal["brightness", "contrast", "inversion", "hue", "saturation"]
GEOMETRY, COLOURS = get_args(Geometry), get_args(Colour)
TRANSFORMS = (*GEOMETRY, *COLOURS)
OF_COLOURED = {"hue", "saturation"}
"""Those that leave grey as it is."""


class Adaptive(Augmentation):
    """Geometry and colour, each transform of each sample by itself with probability p.

    The heuristic is r = E[sign(D(real))] (Equation 1), observed over `interval` steps: p rises while it is above the
    target, and falls while it is below. Of losses to which only the differences of logits matter, relativistic and
    Wasserstein's, it is r = E[sign(D(real) - D(fake))], of pairs.

    Args:
        target: of r.
        samples_to_certainty: samples over which p can go from 0 to 1.
        interval: steps from one adjustment to the next.
        probability: p at the start; with target=null it stays so, and has to be above 0.
        largest: p is at most this; far above .8 augmentations leak into what is generated (Section 2.2).
        transforms: which; flips and turns change what letters and digits mean.
    """

    num_random = 2 * len(TRANSFORMS) + 2  # whether and how, of each; two have a second number
    probability: Tensor
    signs: Tensor
    count: Tensor

    def __init__(
        self,
        target: Annotated[float, Field(ge=-1, le=1)] | None = 0.6,
        samples_to_certainty: PositiveInt = 500_000,
        interval: PositiveInt = 4,
        probability: Annotated[float, Field(ge=0, le=1)] = 0.0,
        largest: Annotated[float, Field(ge=0, le=1)] = 0.8,
        transforms: Annotated[Sequence[Geometry | Colour], Field(min_length=1)] = TRANSFORMS,
    ):
        super().__init__()
        if probability > largest:
            said = f"model.augmentation.probability={probability} is above largest={largest}"
            raise ValueError(f"{said}, which it may not exceed; set it lower")
        if target is None and probability == 0:
            raise ValueError(
                "model.augmentation.target=null leaves the probability where it is, which is 0: nothing would be "
                "augmented. Set model.augmentation.probability above 0"
            )
        self.target, self.samples_to_certainty, self.interval = target, samples_to_certainty, interval
        self.largest, self.transforms = largest, tuple(transforms)
        self.register_buffer("probability", torch.tensor(float(probability), dtype=torch.float64))
        self.register_buffer("signs", torch.zeros(2, dtype=torch.float64))  # their sum, and how many, since then
        self.register_buffer("count", torch.zeros(2, dtype=torch.int64))  # steps and samples since the last adjustment
        self.is_summing = False

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take what a checkpoint has, but for a probability that is set rather than found."""
        kept = {} if self.target is not None else {f"{prefix}probability": self.probability}
        super()._load_from_state_dict(state | kept, prefix, *rest)

    def transformed(self, frames: Tensor, random: Tensor) -> Tensor:
        whether, how = random.split([len(TRANSFORMS), len(TRANSFORMS) + 2], dim=1)
        drawn = dict(zip(TRANSFORMS, (whether < self.probability).to(random).T, strict=True))  # each (N,): 1 or 0
        numbers = dict(zip((*TRANSFORMS, "along y", "axis"), how.T, strict=True))  # each (N,) in (0, 1)
        if geometry := [name for name in GEOMETRY if name in self.transforms]:
            sides = frames.shape[-1], frames.shape[-2]
            steps = [_placed(name, drawn[name], numbers, sides) for name in geometry]  # each (N, 3, 3)
            frames = warped(frames, reduce(torch.matmul, steps), "reflection")
        colours, alpha = without_alpha(frames)
        if colours.shape[2] == 1 and OF_COLOURED.issuperset(self.transforms):
            said = f"model.augmentation.transforms=[{','.join(self.transforms)}] leaves grey samples as they are"
            raise ValueError(f"{said}; choose from {', '.join(name for name in TRANSFORMS if name not in OF_COLOURED)}")
        for name in COLOURS:
            if name in self.transforms:
                colours = _coloured(name, colours, drawn[name], numbers[name])
        return torch.cat([colours, alpha], dim=2)

    def observe(self, margins: Tensor) -> None:
        if not self.is_summing and int(self.count[0]) == 0:
            self.signs.zero_()
        self.is_summing = True
        signs = margins.detach().double().sign()
        self.signs += torch.stack([signs.mean(1).sum(), signs.new_full((), len(signs))])

    def adapt(self, num_samples: int) -> None:
        self.count += torch.tensor([1, num_samples])
        if int(self.count[0]) < self.interval:
            return
        average_buffers(self)
        self.signs /= self.signs[1].clone()  # r and 1, which go on being shown
        if self.target is not None:
            direction = (self.signs[0] - self.target).sign()
            self.probability += direction * self.count[1] / self.samples_to_certainty
            self.probability.clamp_(0, self.largest)
        self.count.zero_()
        self.is_summing = False

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move everything but the count, which stays on the CPU: reading it must not wait for the device."""
        super()._apply(fn, recurse)
        self.count = self.count.cpu()
        return self

    def measured(self) -> dict[str, Tensor]:
        """Return p, and r since the adjustment before."""
        return {"augmentation/probability": self.probability, "augmentation/heuristic": self.signs[0] / self.signs[1]}


def _placed(name: str, drawn: Tensor, numbers: Mapping[str, Tensor], sides: tuple[int, int]) -> Tensor:
    """Return the (N, 3, 3) matrices from a place in the new picture to the place in the old one."""
    u, width, height = numbers[name], *sides
    match name:
        case "flip":
            return _scaling(1 - 2 * (2 * u).floor() * drawn, torch.ones_like(u))
        case "turn":
            return _rotation((4 * u).floor() * drawn * math.pi / 2)
        case "shift":
            along_x, along_y = (2 * u - 1) * width / 8, (2 * numbers["along y"] - 1) * height / 8
            return _shift(along_x.round() * drawn, along_y.round() * drawn)
        case "scale":
            factor = torch.exp2(0.2 * normal_of_uniform(u) * drawn)
            return _scaling(factor, factor)
        case "rotate":
            return _rotation((2 * u - 1) * math.pi * drawn)
        case _:  # stretch
            factor, axis = torch.exp2(0.2 * normal_of_uniform(u) * drawn), numbers["axis"] * math.pi
            return _rotation(axis) @ _scaling(factor, 1 / factor) @ _rotation(-axis)


def _coloured(name: str, colours: Tensor, drawn: Tensor, u: Tensor) -> Tensor:
    """Return (N, T, C, H, W) colours, changed where `drawn` is 1."""
    grey = colours.mean(2, keepdim=True)
    match name:
        case "brightness":
            return colours + per_frame(0.2 * normal_of_uniform(u) * drawn)
        case "contrast":
            return colours * per_frame(torch.exp2(0.5 * normal_of_uniform(u) * drawn))
        case "inversion":  # of the luma: the reflection along (1, 1, 1)
            return colours - 2 * grey * per_frame((2 * u).floor() * drawn)
        case "hue":
            return _hue_rotated(colours, (2 * u - 1) * math.pi * drawn) if colours.shape[2] == 3 else colours
        case _:  # saturation
            return grey + (colours - grey) * per_frame(torch.exp2(normal_of_uniform(u) * drawn))


def _matrix(*rows: Sequence[Tensor]) -> Tensor:
    return torch.stack([torch.stack(list(row), dim=-1) for row in rows], dim=-2)  # (N, 3, 3)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix((x, zero, zero), (zero, y, zero), (zero, zero, one))


def _shift(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix((one, zero, x), (zero, one, y), (zero, zero, one))


def _rotation(angle: Tensor) -> Tensor:
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    return _matrix((angle.cos(), -angle.sin(), zero), (angle.sin(), angle.cos(), zero), (zero, zero, one))


def _hue_rotated(colours: Tensor, angle: Tensor) -> Tensor:
    """Turn (N, T, 3, H, W) colours around the axis of grey by (N,) angles (Rodrigues' formula)."""
    cosine, sine = per_frame(angle.cos()), per_frame(angle.sin())
    grey = colours.mean(2, keepdim=True)
    across = (colours.roll(1, 2) - colours.roll(-1, 2)) / math.sqrt(3)  # the cross product with (1, 1, 1) / sqrt(3)
    return colours * cosine + across * sine + grey * (1 - cosine)
