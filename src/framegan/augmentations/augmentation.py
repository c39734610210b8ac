"""What the training step asks of an augmentation."""

import torch
from torch import Tensor, nn

from framegan import noise


class Augmentation(nn.Module):
    """Random transforms of whatever the discriminator judges, differentiable, on the device, by itself off.

    All frames of a clip are transformed alike. The random numbers are a function of each sample's key, so that they
    are the same on any number of ranks; what it learns from the logits is kept in buffers, and so in checkpoints.
    """

    num_random = 0
    """How many random numbers `transformed` takes for a sample."""

    def forward(self, samples: Tensor, keys: Tensor, place: int) -> Tensor:
        """Return transformed samples, as large as they were.

        Args:
            samples: (N, C, [T,] H, W), about [-1, 1].
            keys: (N,) in [0, 1): one key gives one transform.
            place: which samples these are; those of different places are transformed differently.
        """
        random = noise.uniform_of_keys(keys, self.num_random, place).to(samples)  # (N, num_random)
        frames = samples.movedim(1, 2) if samples.ndim == 5 else samples.unsqueeze(1)  # (N, T, C, H, W)
        with torch.autocast(samples.device.type, enabled=False):  # which would round the places of pixels
            frames = self.transformed(frames, random)
        return frames.movedim(2, 1) if samples.ndim == 5 else frames.squeeze(1)

    def transformed(self, frames: Tensor, random: Tensor) -> Tensor:
        """Return (N, T, C, H, W) frames, those of each row transformed alike by its (N, num_random) in (0, 1)."""
        raise NotImplementedError

    def observe(self, margins: Tensor) -> None:
        """Take note of the (N, K) `framegan.losses.margins` of real samples, positive where they are taken for real.

        By default nothing depends on them.
        """

    def adapt(self, num_samples: int) -> None:
        """Adjust to what was observed, after a step of this many samples over all ranks; every rank calls it."""

    def measured(self) -> dict[str, Tensor]:
        """Return what loggers are to show."""
        return {}


def per_frame(values: Tensor) -> Tensor:
    """Return (N,) values as (N, 1, 1, 1, 1), to go with (N, T, C, H, W) frames."""
    return values.view(-1, 1, 1, 1, 1)


def without_alpha(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Return the colours of (N, T, C, H, W) frames, and their last channel where C is 2 or 4, which has none."""
    channels = frames.shape[2]
    return frames.split([channels - 1, 1] if channels in (2, 4) else [channels, 0], dim=2)


def warped(frames: Tensor, matrices: Tensor, padding: str) -> Tensor:
    """Return frames whose pixel at position p is what was at matrix @ (p, 1), bilinearly between pixels.

    Args:
        frames: (N, T, C, H, W).
        matrices: (N, 3, 3), of (x, y, 1) in pixels from the middle of the picture.
        padding: what is beyond the edges: "zeros" or "reflection".
    """
    num_frames, channels, height, width = frames.shape[1:]
    to_pixels = torch.stack([frames.new_full((), number) for number in (width / 2, height / 2, 1.0)])
    normalized = (to_pixels.reciprocal().unsqueeze(1) * matrices * to_pixels)[:, :2]  # (N, 2, 3)
    size = [len(frames), num_frames * channels, height, width]
    grid = nn.functional.affine_grid(normalized, size, align_corners=False)  # (N, H, W, 2)
    return _Sampled.apply(frames.flatten(1, 2), grid, padding).view_as(frames)


PADDINGS = {"zeros": 0, "border": 1, "reflection": 2}


class _Sampled(torch.autograd.Function):
    """Bilinear sampling; its gradient can be differentiated again, which PyTorch's own can't be."""

    @staticmethod
    def forward(ctx, images: Tensor, grid: Tensor, padding: str) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(images, grid)
        ctx.padding = padding
        return nn.functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        images, grid = ctx.saved_tensors
        return _SampledBack.apply(gradient, images, grid, ctx.padding), None, None


class _SampledBack(torch.autograd.Function):
    """The adjoint of `_Sampled`, which is linear in the images: the gradient of the one is the other."""

    @staticmethod
    def forward(ctx, gradient: Tensor, images: Tensor, grid: Tensor, padding: str) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(grid)
        ctx.padding = padding
        back = torch.ops.aten.grid_sampler_2d_backward
        return back(gradient, images, grid, 0, PADDINGS[padding], False, [True, False])[0]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[no-untyped-def]
        (grid,) = ctx.saved_tensors
        return _Sampled.apply(gradient, grid, ctx.padding), None, None, None
