"""Random transforms of the samples that a GAN is trained on: those of kornia.augmentation, or functions of your own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from framegan import noise
from framegan.data.stream import Ticket
from framegan.rules import kind_of, require

Transform = Callable[[Tensor], Tensor]
"""Float32 frames (T, C, H, W) in [0, 1], of an image T = 1, to as many; what is random, it draws from PyTorch."""
EPOCHS_TRIED = 3


class Transforms:
    """Transforms of samples on the CPU, one after the other, each a function of the seed, the epoch and the sample.

    All frames of a clip are transformed alike: they come at once, and transforms that could draw for each (kornia's
    `same_on_batch`) draw once.

    Args:
        transforms: one, or several; each as `Transform` says.
        seed: key of all that they draw.
    """

    def __init__(self, transforms: Transform | Sequence[Transform], seed: int):
        self.transforms = [transforms] if callable(transforms) else transforms
        self.seed = seed
        for transform in self.transforms:
            is_one = callable(transform) and not isinstance(transform, type)
            rule = "it should be a list of functions of frames (T, C, H, W) in [0, 1]: docs/data.md has examples"
            require(is_one, f"data.transforms has {kind_of(transform)}", rule)
            for module in transform.modules() if isinstance(transform, nn.Module) else ():
                if hasattr(module, "same_on_batch"):
                    module.same_on_batch = True  # type: ignore[assignment]

    def __call__(self, samples: Tensor, tickets: Sequence[Ticket]) -> Tensor:
        """Return the uint8 (N, C, [T,] H, W) samples of these tickets transformed, and uint8 too."""
        return torch.stack([self._one(*pair) for pair in zip(samples, tickets, strict=True)])

    def check(self, sample: Tensor) -> None:
        """Raise ValueError where a sample isn't transformed, or in two ways by the same random numbers."""
        for epoch in range(EPOCHS_TRIED):
            first, second = (self._one(sample, (0, epoch)) for _ in range(2))
            said = "data.transforms made two samples of one by the same random numbers"
            require(torch.equal(first, second), said, "draw from PyTorch's generator alone: torch.rand and the like")

    @torch.no_grad()
    def _one(self, sample: Tensor, ticket: Ticket) -> Tensor:
        index, epoch = ticket
        frames = sample.cpu().float().div(255)
        frames = frames.unsqueeze(0) if sample.ndim == 3 else frames.transpose(0, 1)  # (T, C, H, W)
        with torch.random.fork_rng(devices=[]):
            random = noise.generator(self.seed, noise.TRANSFORMS, epoch, index)
            torch.default_generator.manual_seed(int(random.integers(2**63)))
            for transform in self.transforms:
                frames = _made(transform, frames)
        frames = frames.mul(255).round().clamp(0, 255).to(torch.uint8)
        return frames.squeeze(0) if sample.ndim == 3 else frames.transpose(0, 1)


def _made(transform: Transform, frames: Tensor) -> Tensor:
    name = getattr(transform, "__name__", type(transform).__name__)
    try:
        made = transform(frames)
    except Exception as error:
        raise ValueError(f"data.transforms: {name} can't take {kind_of(frames)}: {error}") from error
    fits = isinstance(made, Tensor) and made.shape == frames.shape and bool(made.isfinite().all())
    rule = "it should make as many finite numbers of the same shape"
    require(fits, f"data.transforms: {name} made {kind_of(made)} of {kind_of(frames)}", rule)
    return made
