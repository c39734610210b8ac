"""Embeddings: pixels in, features out. Generative metrics compare the features of real and of fake samples."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from framegan.metrics.features import full_precision

WITH_ALPHA = (2, 4)
"""How many channels samples have whose last one is alpha."""


class Embedding(nn.Module):
    """A frozen network that describes samples: uint8 pixels (N, C, H, W) or (N, C, T, H, W) -> float32 (N, D).

    It works in float32 and evaluation mode whatever surrounds it: no gradients, no autocast, no TF32, and `train()` and
    `to(torch.bfloat16)` don't change it.

    Attributes:
        name: what the keys of metrics call it, e.g. "inception".
        fingerprint: 8 hexadecimal digits that identify the weights; a part of the keys too. Features of real samples
            are kept by both: whatever else decides features is in one of them.
        num_features: D.
        takes: what one sample is.
        min_frames: the shortest clip it can take.
        frames_at_once: how many images, or frames of whole clips, are embedded at a time.
        classes: the names of the classes that `logits` are of, in their order; none where they aren't known.
        about: what records say of it besides its name and fingerprint; JSON-serialisable.
        frechet_name: what a Fréchet distance of its features is called; only the published ones are FID and FVD.
        kernel_name: likewise a kernel distance.
    """

    name: str
    fingerprint: str
    num_features: int
    takes: Literal["images", "clips"]
    min_frames: int = 1
    frames_at_once: int = 1 << 30
    classes: Sequence[str] = ()
    about: Mapping[str, Any] = MappingProxyType({})
    frechet_name: Literal["fid", "fvd", "fd"] = "fd"
    kernel_name: Literal["kid", "kvd", "kd"] = "kd"

    @staticmethod
    def program_in(arguments: Mapping[str, Any]) -> str | None:
        """Return which of its arguments names a TorchScript file, which is a program; None where none of these does."""
        return None

    def embed(self, pixels: Tensor) -> Tensor:
        """Return the features of pixels; `check` has passed and the precision is set."""
        raise NotImplementedError

    def logits(self, features: Tensor) -> Tensor:
        """Return the class logits (N, K) that go with features (N, D).

        Raises:
            ValueError: the embedding has no classes.
        """
        raise ValueError(f"the embedding {self.name} has no classes, so that it can't give a classifier score")

    def for_data(self, fingerprint: str | None) -> "Embedding":
        """Return the embedding to use beside real samples with a fingerprint, by default itself.

        Raises:
            ValueError: there is none for them.
        """
        return self

    def of(self, shape: Sequence[int]) -> "Embedding":
        """Return the embedding to use for samples of this shape, by default itself.

        One of images is used on clips too, on one frame of each, and what is transparent is laid over white.

        Raises:
            ValueError: they can't be embedded.
        """
        shape = without_alpha(shape)
        is_of_frames = self.takes == "images" and len(shape) == 4
        self.check((shape[0], *shape[2:]) if is_of_frames else shape)
        return self

    def check(self, shape: Sequence[int]) -> None:
        """Raise ValueError where samples of this shape, (C, H, W) or (C, T, H, W), can't be embedded."""
        are = {3: "images", 4: "clips"}.get(len(shape), f"of {len(shape)} dimensions")
        if are != self.takes:
            raise ValueError(f"the embedding {self.name} takes {self.takes}; these samples are {are}: {list(shape)}")
        if shape[0] not in (1, 3):
            raise ValueError(f"the embedding {self.name} takes 1 or 3 channels, got {shape[0]} in {list(shape)}")
        if self.takes == "clips" and shape[1] < self.min_frames:
            raise ValueError(
                f"the embedding {self.name} needs clips of at least {self.min_frames} frames, these have {shape[1]}; "
                f"set data.num_frames={max(16, self.min_frames)}, or metrics=random_conv"
            )

    @torch.no_grad()
    def forward(self, pixels: Tensor) -> Tensor:
        if pixels.dtype != torch.uint8:
            raise ValueError(f"the embedding {self.name} takes uint8 pixels in [0, 255], got {pixels.dtype}")
        pixels = laid_over(pixels)
        self.check(pixels.shape[1:])
        size = max(1, self.frames_at_once // math.prod(pixels.shape[2:-2]))  # the product of () is 1
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        with torch.autocast(pixels.device.type, enabled=False), exact, full_precision():
            return torch.cat([self.embed(some) for some in pixels.split(size)])

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        return super()._apply(moving_alone(fn), recurse)

    def frozen(self) -> Self:
        """Return itself, in evaluation mode and without gradients; what every constructor ends with."""
        return self.train(False).requires_grad_(False)


def moving_alone(fn: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return what moves a tensor to the device that a function moves it to, and never changes its type."""
    return lambda tensor: tensor.to(fn(tensor.new_empty(0)).device)


def fingerprint_of(state: Mapping[str, Any]) -> str:
    """Return 8 hexadecimal digits of the SHA-256 of a state dict's names, shapes and bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def without_alpha(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a sample (C, ...) once it is laid over white."""
    return (shape[0] - (shape[0] in WITH_ALPHA), *shape[1:])


def laid_over(pixels: Tensor, ground: int = 255) -> Tensor:
    """Return uint8 pixels (N, C, ...) over white or a grey, without their alpha; those that have none as they are."""
    if pixels.shape[1] not in WITH_ALPHA:
        return pixels
    colours, alpha = pixels[:, :-1].float(), pixels[:, -1:].float() / 255
    return (colours * alpha + ground * (1 - alpha)).round_().to(torch.uint8)


def to_rgb(pixels: Tensor) -> Tensor:
    """Return pixels with three channels: grey ones are repeated."""
    return pixels.expand(-1, 3, *pixels.shape[2:])


def resized(samples: Tensor, size: Sequence[int], **how: Any) -> Tensor:
    """Return samples of another height and width, (N, C, ..., H, W) -> (N, C, ..., *size); how as in F.interpolate."""
    planes = samples.flatten(0, -3).unsqueeze(1)
    return F.interpolate(planes, tuple(size), **how).view(*samples.shape[:-2], *size)
