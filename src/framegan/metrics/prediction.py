"""How near a model that continues given frames comes to how the clips really went on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan.by_class import OfClass
from framegan.files.live import track
from framegan.media import to_pixels, to_samples
from framegan.metrics.accumulate import FeatureBank
from framegan.metrics.embedding import Embedding
from framegan.metrics.estimate import Better, Estimate
from framegan.metrics.record import Record
from framegan.metrics.sample_set import SampleSet, check_shapes
from framegan.metrics.similarity import psnr, ssim, window_of
from framegan.metrics.subsets import subsets
from framegan.metrics.unseen import check_unseen, told_class, unseen
from framegan.processes.ranks import from_rank_zero, rank_and_number

CHUNK = 16
"""Clips that are judged at a time. Chunk by chunk they are dealt out to the processes."""


@dataclass(frozen=True)
class Prediction:
    """The likeness of predicted frames to the true ones, of clips that training has left out.

    The keys of its values are <value>_<of what>_<given>to<predicted>_<which clips>_<how many>, such as
    psnr_4to4_held_out_100, or psnr_4to4_given_class_held_out_100 of a conditional model. Values are "psnr"
    in dB, "ssim", and the distance (Euclidean) between the features of the two frames, called after the embedding. They
    are of one prediction, of the "best_of_10", which is that with the highest mean PSNR of its clip, and of a "copy" of
    the last given frame. A value is the mean over the predicted frames and the clips; records have that of each frame
    too, by its number in the clip, from 1.

    Args:
        embedding: of images.
        num_samples: clips, at most.
        best_of: predictions of each.
        held_out: share of the data that training leaves out; the configuration of the data reads it from here.
    """

    embedding: Embedding
    num_samples: PositiveInt = 100
    best_of: PositiveInt = 10
    held_out: float = 0.1

    def with_num_samples(self, num_samples: int) -> "Prediction":
        return replace(self, num_samples=num_samples)

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        if not getattr(getattr(fake, "generator", None), "given_frames", 0):
            raise ValueError(
                "metrics=prediction judges models that continue given frames, model=predictor; choose other metrics"
            )
        check_shapes(real, fake)
        check_unseen(real, fake, "prediction")
        self.embedding.of(fake.shape)

    def names(self, fake: SampleSet) -> list[str]:
        return [name for name, *_ in self._values()]

    def __call__(self, real: SampleSet, fake: Any) -> list[Record]:
        which, numbers = unseen(real, self.num_samples)
        embedding = self.embedding.of(fake.shape).to(fake.device)
        given: int = fake.generator.given_frames
        num_values = len(list(self._values())) * (fake.shape[1] - given)
        bank = FeatureBank(num_values).to(fake.device)
        rank, num_ranks = rank_and_number()
        starts = range(rank * CHUNK, len(numbers), num_ranks * CHUNK)
        for start in track(starts, "prediction", len(starts)) if rank == 0 else starts:
            chosen = numbers[start : start + CHUNK]
            clips, labels = real.batch(chosen)
            clips, labels = clips.to(fake.device), labels.to(fake.device)
            seeds = [number * self.best_of + draw for number in chosen for draw in range(self.best_of)]
            each = [values.repeat_interleave(self.best_of, 0) for values in (to_samples(clips), labels)]
            made = to_pixels(fake.continued(*each, seeds)).unflatten(0, (len(chosen), self.best_of))
            found = measured(clips, made, given, embedding)
            bank.update(found.flatten(1), torch.arange(start, start + len(chosen)))
        of_all = bank.compute()
        return from_rank_zero(lambda: self._records(of_all.double().cpu(), which, real, fake, embedding))

    def _values(self) -> Iterator[tuple[str, Better]]:
        """Yield the names of the values of each frame, in the order of `measured`, and which direction is better."""
        for of_what in ("", f"_best_of_{self.best_of}", "_copy"):
            yield f"psnr{of_what}", "higher"
            yield f"ssim{of_what}", "higher"
            distance = f"{self.embedding.name}_{self.embedding.fingerprint}_distance"
            yield f"{distance}{of_what}", "lower"

    def _records(self, values: Tensor, which: str, real: Any, fake: Any, embedding: Embedding) -> list[Record]:
        """Return the records of (N, values * frames) values."""
        number, given = len(values), fake.generator.given_frames
        settings = {
            "shape": list(fake.shape),
            "given": given,
            "predicted": fake.shape[1] - given,
            "best_of": self.best_of,
            "pixels": "0 to 255, rounded",
            "ssim_window": window_of(fake.shape[-2:]),
            "embedding": embedding.name,
            "fingerprint": embedding.fingerprint,
        }
        short = f"{number // 1000}k" if number % 1000 == 0 else str(number)
        ending = f"{given}to{fake.shape[1] - given}_{told_class(fake)}{which}_{short}"
        sides = {"num_real": number, "num_fake": number * self.best_of, "real": real.origin, "fake": fake.origin}
        records = []
        of_each = values.unflatten(1, (-1, fake.shape[1] - given)).unbind(1)  # (N, frames) of each value
        for (name, better), of_frames in zip(self._values(), of_each, strict=True):
            estimates = [_estimate(column, better) for column in (of_frames.mean(1), *of_frames.unbind(1))]
            frames = {
                str(given + 1 + place): OfClass(one.value, one.interval, number, number * self.best_of)
                for place, one in enumerate(estimates[1:])
            }
            records.append(
                Record(key=f"{name}_{ending}", protocol=settings, by_class=frames, **sides, **vars(estimates[0]))
            )
        return records


def measured(clips: Tensor, made: Tensor, given: int, embedding: Embedding) -> Tensor:
    """Return PSNR, SSIM and distance of one prediction, of the best one, and of copying the last frame, in this order.

    Args:
        clips: uint8 (N, C, T, H, W), the true ones.
        made: uint8 (N, best_of, C, T, H, W), which begin with their given frames; the first one is the "one".

    Returns:
        (N, 9, T - given).
    """
    number, frames = len(clips), clips.shape[2] - given
    true = _frames(clips[:, :, given:])  # (N * frames, C, H, W)
    likeness = torch.stack([psnr(_frames(one[:, :, given:]), true) for one in made.unbind(1)])  # (best_of, N * frames)
    best = likeness.view(-1, number, frames).mean(2).argmax(0)  # (N,)
    copy = clips[:, :, given - 1 : given].expand(-1, -1, frames, -1, -1)
    rows = torch.arange(number, device=clips.device)
    shown = [_frames(one) for one in (made[:, 0, :, given:], made[rows, best][:, :, given:], copy)]
    features = embedding(true)
    found = [
        value
        for one in shown
        for value in (psnr(one, true), ssim(one, true), (embedding(one) - features).norm(dim=1).double())
    ]
    return torch.stack(found).view(-1, number, frames).transpose(0, 1)


def _frames(clips: Tensor) -> Tensor:
    """Return the frames of (N, C, T, H, W) clips as (N * T, C, H, W)."""
    return clips.transpose(1, 2).flatten(0, 1)


def _estimate(values: Tensor, better: Better) -> Estimate:
    """Return the mean of (N,) values."""
    parts = [values[some].mean().item() for some in subsets(len(values), least=2)]
    return Estimate.of(values.mean().item(), parts, better)
