"""A protocol: which samples are compared, in which features, by which scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, PositiveInt

from framegan.by_class import OfClass
from framegan.files.live import track
from framegan.metrics import statistics_cache
from framegan.metrics.accumulate import FeatureBank
from framegan.metrics.class_values import by_class, estimates, needs_classes
from framegan.metrics.embedding import Embedding
from framegan.metrics.estimate import Estimate
from framegan.metrics.record import Record
from framegan.metrics.sample_set import SampleSet, check_number, check_shapes, given_in
from framegan.metrics.scores import Features, Score
from framegan.processes.ranks import from_rank_zero, rank_and_number
from framegan.quoting import without_addresses

CHUNK = 64
"""How many samples are embedded at a time. Chunk by chunk they are dealt out to the processes."""


@dataclass(eq=False)
class Comparison:
    """Compares the features of real and fake samples, as a `Measure`; one pass over either set feeds all scores.

    The keys of its values are <score>_<embedding>_<fingerprint>_<protocol>, where the protocol reads as follows:
    "10k" 10,000 fake and as many real samples, "10k_vs_1797" fewer real ones, since there are no more, "50k_full"
    against all there are, "2048_16f" clips of 16 frames, "2048_16f_stride8" every 8th frame, "10k_1f" a frame of each,
    "10k_1f_given4" of clips that begin with as many frames of real ones.

    Args:
        scores: by any name.
        by_class: the names of those that are given for each class too, where the generator was asked for classes.
        num_fake: how many fake samples.
        num_real: how many real ones, drawn at random. None = all.
        num_frames: of the clips; one real clip of each video. None = as the samples are.
        frame_stride: frames from one to the next, counted in those of the samples. Needs num_frames.
        family: says whose settings these are where others do it in another way.
    """

    embedding: Embedding
    scores: Mapping[str, Score]
    num_fake: Annotated[int, Field(ge=2)]
    num_real: Annotated[int, Field(ge=2)] | None = None
    num_frames: PositiveInt | None = None
    frame_stride: PositiveInt = 1
    family: str | None = None
    by_class: Sequence[str] = ()

    def __post_init__(self) -> None:
        if unknown := [name for name in self.by_class if name not in self.scores]:
            raise ValueError(
                f"by_class got {unknown[0]!r}; it should name some of the scores: {', '.join(self.scores)}"
            )
        if self.frame_stride > 1 and self.num_frames is None:
            raise ValueError(
                f"frame_stride={self.frame_stride} needs num_frames, those of the clips that are compared; set it, or "
                "leave frame_stride out"
            )
        for name, score in self.scores.items():
            if not callable(score):
                raise ValueError(f"the score {name!r} can't be called: its class needs __call__(real, fake, embedding)")

    def with_num_samples(self, num_samples: int) -> "Comparison":
        """Return the same comparison of another number of samples; all real ones stay all."""
        return replace(self, num_fake=num_samples, num_real=None if self.num_real is None else num_samples)

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        real, fake = self._cut(real), self._cut(fake)
        check_shapes(real, fake)
        check_number(fake, self.num_fake)
        wanted = min(self.num_fake, self.num_real or self.num_fake)
        embedding = self.embedding.for_data(real.fingerprint).of(fake.shape)
        file, with_classes = self._file(real, embedding), self._goes_by_class(fake)
        is_kept = from_rank_zero(lambda: statistics_cache.is_kept(file, with_classes=with_classes))
        num_real = wanted if is_kept else real.num_samples  # where they are unavailable, or too short, this says so
        for score in self.scores.values():
            least, name = getattr(score, "least_samples", 2), type(score).__name__
            if wanted < least:
                raise ValueError(f"{name} needs {least} samples, got {wanted}; set num_samples or num_fake higher")
            if num_real is not None and num_real < least:
                raise ValueError(f"{name} needs {least} samples, and there are {num_real} real ones; choose other data")

    def names(self, fake: SampleSet) -> list[str] | None:
        """Return how the keys begin that it will give of fake samples; None where a score doesn't say."""
        scores = [score for score in self.scores.values() if fake.classes or not needs_classes(score)]
        said = [score.names(self.embedding) if hasattr(score, "names") else None for score in scores]
        return None if None in said else [name for names in said if names for name in names]

    def keys(self, real: SampleSet, fake: SampleSet) -> list[str]:
        """Return the keys of the records that a call gives; none where a score has no `names`."""
        cut = self._cut(fake)
        ending = self._ending(self.num_real or 0, cut, self.embedding.for_data(real.fingerprint).of(cut.shape))
        return [f"{name}_{ending}" for name in self.names(fake) or ()]

    def __call__(self, real: SampleSet, fake: SampleSet) -> list[Record]:
        real, fake = self._cut(real), self._cut(fake)
        embedding = self.embedding.for_data(real.fingerprint).of(fake.shape).to(fake.device)
        of_real = self._real_features(real, embedding, fake.device, self._goes_by_class(fake))
        of_fake = _features_of(fake, fake.chosen(self.num_fake), embedding, fake.device)
        return from_rank_zero(lambda: self._scored(of_real, of_fake, embedding, real, fake))

    def _scored(
        self, of_real: Features | None, of_fake: Features, embedding: Embedding, real: SampleSet, fake: SampleSet
    ) -> list[Record]:
        assert of_real is not None
        of_real = of_real.to(of_fake.bank.device)
        settings = {
            "shape": list(fake.shape),
            "embedding": embedding.name,
            "fingerprint": embedding.fingerprint,
            **embedding.about,
            "num_frames": self.num_frames,
            "frame_stride": self.frame_stride,
            "family": self.family,
        }
        ending = self._ending(len(of_real.bank), fake, embedding)
        values: dict[str, Estimate] = {}
        made_by: dict[str, dict[str, str]] = {}
        of_classes: dict[str, dict[str, OfClass]] = {}
        for called, score in self.scores.items():
            found = estimates(score, of_real, of_fake, embedding)
            values |= found
            made_by |= {name: {called: without_addresses(repr(score))} for name in found}
            if called in self.by_class and fake.classes:
                of_classes |= by_class(score, of_real, of_fake, embedding, list(found))
        return [
            Record(
                key=f"{name}_{ending}",
                num_real=len(of_real.bank),
                num_fake=len(of_fake.bank),
                protocol=settings | {"scores": made_by[name]},
                real=real.origin,
                fake=fake.origin,
                by_class=of_classes.get(name, {}),
                **vars(estimate),
            )
            for name, estimate in values.items()
        ]

    def _goes_by_class(self, fake: SampleSet) -> bool:
        return bool(self.by_class and fake.classes)

    def _cut(self, samples: SampleSet) -> SampleSet:
        return samples if self.num_frames is None else samples.cut(self.num_frames, self.frame_stride)

    def _ending(self, num_real: int, fake: SampleSet, embedding: Embedding) -> str:
        """Return the part of the keys that says what was compared, in which features."""
        parts = [embedding.name, embedding.fingerprint, self.family or "", _short(self.num_fake)]
        if self.num_real is None:
            parts.append("full")
        elif num_real != self.num_fake:
            parts.append(f"vs_{_short(num_real)}")
        if len(fake.shape) == 4:
            parts.append("1f" if embedding.takes == "images" else f"{fake.shape[1]}f")
        if self.frame_stride > 1:
            parts.append(f"stride{self.frame_stride}")
        return "_".join(filter(None, parts)) + given_in(fake)

    def _file(self, real: SampleSet, embedding: Embedding) -> Path | None:
        """Return the file for the features of the real samples; None = they aren't kept."""
        if real.fingerprint is None:
            return None
        return statistics_cache.path_of(
            f"{real.fingerprint}-{embedding.name}-{embedding.fingerprint}-{self.num_real or 'all'}"
        )

    def _real_features(
        self, real: SampleSet, embedding: Embedding, device: torch.device, with_classes: bool
    ) -> Features | None:
        """Return the features of the real samples; where they were kept, other ranks than 0 get none."""
        file = self._file(real, embedding)
        kept = statistics_cache.kept(file, with_classes=with_classes) if rank_and_number()[0] == 0 else None
        if from_rank_zero(lambda: kept is not None):
            return Features(*kept) if kept else None
        assert real.num_samples is not None
        features = _features_of(real, real.chosen(self.num_real or real.num_samples), embedding, device)
        if file is not None:
            from_rank_zero(lambda: statistics_cache.keep(file, features.bank, features.labels, features.classes))
        return features


def _features_of(samples: SampleSet, numbers: Sequence[int], embedding: Embedding, device: torch.device) -> Features:
    """Return the features of samples and their classes; every rank embeds its share of the chunks."""
    bank = FeatureBank(embedding.num_features + 1)  # a label is a feature more: exact up to 2^24
    has_float64 = device.type != "mps"
    bank.to(device if has_float64 else "cpu")
    rank, num_ranks = rank_and_number()
    starts = range(rank * CHUNK, len(numbers), num_ranks * CHUNK)
    for start in track(starts, "features", len(starts)) if rank == 0 else starts:
        pixels, labels = samples.batch(numbers[start : start + CHUNK])
        places = torch.arange(start, start + len(pixels))
        if embedding.takes == "images" and pixels.ndim == 5:
            pixels = pixels[torch.arange(len(pixels)), :, places % pixels.shape[2]]
        features = embedding(pixels.to(device)).to(bank.device)
        bank.update(torch.cat([features, labels.to(features).unsqueeze(1)], dim=1), places)
    features, labels = bank.compute().split([embedding.num_features, 1], dim=1)
    return Features(features.contiguous(), labels.squeeze(1).long(), samples.classes)


def _short(count: int) -> str:
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)
