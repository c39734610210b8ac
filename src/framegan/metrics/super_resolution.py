"""How near enlarged samples come to the ones that they were reduced from, beside what kernels make of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.files.live import track
from framegan.media import to_pixels, to_samples
from framegan.metrics.accumulate import FeatureBank
from framegan.metrics.estimate import Estimate
from framegan.metrics.record import Record
from framegan.metrics.sample_set import SampleSet, check_shapes
from framegan.metrics.similarity import psnr, ssim, window_of
from framegan.metrics.subsets import subsets
from framegan.metrics.unseen import check_unseen, unseen
from framegan.processes.ranks import from_rank_zero, rank_and_number

CHUNK = 16
"""Samples that are judged at a time. Chunk by chunk they are dealt out to the processes."""
WAYS = ("", "_bicubic", "_lanczos")
"""Of enlarging; the first one is the model's."""


@dataclass(frozen=True)
class SuperResolution:
    """The likeness of enlarged samples to the true ones, of samples that training has left out; higher is nearer.

    The keys of its values are <value>[_<kernel>]_<scale>x_<which samples>_<how many>, such as psnr_2x_held_out_500 and
    psnr_bicubic_2x_held_out_500. Values are "psnr" in dB and "ssim", means over the samples, of clips over all frames.
    The model, and without it the bicubic and the Lanczos kernel, enlarge the same small samples: the true ones, reduced
    by an antialiased bicubic kernel and rounded to 8 bits.

    Args:
        num_samples: of those there are, at most.
        held_out: share of the data that training leaves out; the configuration of the data reads it from here.
    """

    num_samples: PositiveInt = 500
    held_out: float = 0.1

    def with_num_samples(self, num_samples: int) -> "SuperResolution":
        return replace(self, num_samples=num_samples)

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        if not hasattr(getattr(fake, "generator", None), "enlarged"):
            raise ValueError(
                "metrics=super_resolution judges models that enlarge, model=espcn or espcn_gan; choose other metrics"
            )
        check_shapes(real, fake)
        check_unseen(real, fake, "super_resolution")

    def names(self, fake: SampleSet) -> list[str]:
        return list(_values())

    def __call__(self, real: SampleSet, fake: Any) -> list[Record]:
        which, numbers = unseen(real, self.num_samples)
        bank = FeatureBank(len(list(_values()))).to(fake.device)
        rank, num_ranks = rank_and_number()
        starts = range(rank * CHUNK, len(numbers), num_ranks * CHUNK)
        for start in track(starts, "super-resolution", len(starts)) if rank == 0 else starts:
            pixels, _ = real.batch(numbers[start : start + CHUNK])
            made = fake.enlarged_again(to_samples(pixels.to(fake.device)))
            found = [likeness(to_pixels(samples), pixels.to(fake.device)) for samples in made[1:]]
            bank.update(torch.cat(found, dim=1), torch.arange(start, start + len(pixels)))
        of_all = bank.compute()
        return from_rank_zero(lambda: self._records(of_all.double().cpu(), which, real, fake))

    def _records(self, values: Tensor, which: str, real: Any, fake: Any) -> list[Record]:
        number, scale = len(values), fake.generator.scale
        settings = {
            "shape": list(fake.shape),
            "scale": scale,
            "reduced_by": "bicubic, a = -0.5, antialiased, rounded to 8 bits",
            "pixels": "0 to 255, rounded",
            "ssim_window": window_of(fake.shape[-2:]),
        }
        short = f"{number // 1000}k" if number % 1000 == 0 else str(number)
        sides = {"num_real": number, "num_fake": number, "real": real.origin, "fake": fake.origin}
        records = []
        for name, column in zip(_values(), values.unbind(1), strict=True):
            parts = [column[some].mean().item() for some in subsets(number, least=2)]
            estimate = Estimate.of(column.mean().item(), parts, "higher")
            key = f"{name}_{scale}x_{which}_{short}"
            records.append(Record(key=key, protocol=settings, **sides, **vars(estimate)))
        return records


def likeness(made: Tensor, true: Tensor) -> Tensor:
    """Return PSNR and SSIM of uint8 (N, C, H, W) images or (N, C, T, H, W) clips, (N, 2), of clips that of a frame."""
    if true.ndim == 4:
        return torch.stack([psnr(made, true), ssim(made, true)], dim=1).float()
    of_frames = [likeness(*frames) for frames in zip(made.unbind(2), true.unbind(2), strict=True)]
    return torch.stack(of_frames).mean(0)


def _values() -> Iterator[str]:
    """Yield the names of the values, in the order in which they are measured."""
    for way in WAYS:
        yield f"psnr{way}"
        yield f"ssim{way}"
