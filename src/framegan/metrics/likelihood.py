"""How probable a model takes samples to be that it hasn't seen."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from pydantic import PositiveInt
from torch import Tensor

from framegan import noise
from framegan.files.live import track
from framegan.media import to_samples
from framegan.metrics.accumulate import FeatureBank
from framegan.metrics.estimate import Estimate
from framegan.metrics.record import Record
from framegan.metrics.sample_set import SampleSet, check_shapes
from framegan.metrics.subsets import subsets
from framegan.metrics.unseen import check_unseen, told_class, unseen
from framegan.processes.ranks import from_rank_zero, rank_and_number

CHUNK = 64
"""Samples that are judged at a time. Chunk by chunk they are dealt out to the processes."""


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of held-out samples under the averaged generator, or bounds of it; the smaller the better.

    The keys of its values are <value>_<what is observed>_<which samples>_<how many>. Values in nats of a whole sample:
    "negative_elbo" and "negative_iwae_50", the bound of 50 importance samples (Burda et al. 2016), of the same
    latents; of an exact likelihood "negative_log_likelihood". Where 8-bit values are observed, each is there in
    "bits_per_dim" too, bits of each of their values. Observed is "8bit", "8bit_uniform" (dequantised by uniform noise,
    drawn once for each sample) or "binarized" (drawn once likewise). A conditional model, which is given the class of
    each sample, has "given_class" behind that. Samples are "held_out" from training, or those of the split of data that
    were named, such as "test".

    Args:
        num_samples: of those there are, at most.
        importance_samples: latents of each.
        held_out: share of the data that training leaves out; the configuration of the data reads it from here.
    """

    num_samples: PositiveInt = 500
    importance_samples: PositiveInt = 50
    held_out: float = 0.1

    def with_num_samples(self, num_samples: int) -> "Likelihood":
        return replace(self, num_samples=num_samples)

    def check(self, real: SampleSet, fake: SampleSet) -> None:
        if not hasattr(getattr(fake, "generator", None), "log_weights"):
            raise ValueError(
                "metrics=likelihood judges models that have one, model=vae, realnvp or glow; choose other metrics here"
            )
        check_shapes(real, fake)
        check_unseen(real, fake, "likelihood")

    def names(self, fake: SampleSet) -> list[str]:
        return [name for name, _ in self._values(_generator_of(fake))]

    def __call__(self, real: SampleSet, fake: SampleSet) -> list[Record]:
        generator = _generator_of(fake)
        which, numbers = unseen(real, self.num_samples)
        bank = FeatureBank(2 if not generator.is_exact else 1).to(fake.device)
        rank, num_ranks = rank_and_number()
        starts = range(rank * CHUNK, len(numbers), num_ranks * CHUNK)
        for start in track(starts, "likelihood", len(starts)) if rank == 0 else starts:
            chosen = numbers[start : start + CHUNK]
            pixels, labels = real.batch(chosen)
            found = self.bounds(generator, to_samples(pixels.to(fake.device)), labels.to(fake.device), chosen)
            bank.update(found, torch.arange(start, start + len(chosen)))
        of_all = bank.compute()
        return from_rank_zero(lambda: self._records(of_all.double().cpu(), which, generator, real, fake))

    @torch.no_grad()
    def bounds(self, generator: Any, samples: Tensor, labels: Tensor, numbers: Sequence[int]) -> Tensor:
        """Return the negative ELBO and IWAE bound in nats of each sample, (N, 2); (N, 1) of an exact likelihood.

        Args:
            numbers: of the samples, which the noise is a function of.
        """
        number = 1 if generator.is_exact else self.importance_samples
        drawn = [noise.uniform((number + 1,), seed=n, stream=noise.IMPORTANCE, counter=0) for n in numbers]
        keys = torch.stack(drawn).to(samples.device)  # (N, number + 1)
        was_training = generator.training
        generator.eval()
        with torch.autocast(samples.device.type, enabled=False):
            observed = generator.observed(samples, keys[:, -1])
            weights = [generator.log_weights(observed, labels, keys[:, k]).double() for k in range(number)]
        generator.train(was_training)
        log_weights = torch.stack(weights, dim=1)  # (N, number)
        elbo, iwae = log_weights.mean(1), log_weights.logsumexp(1) - math.log(number)
        return -torch.stack([elbo] if generator.is_exact else [elbo, iwae], dim=1).float()

    def _values(self, generator: Any) -> Iterator[tuple[str, float]]:
        """Yield the names of the values of each bound, and what nats are multiplied by for them."""
        bits = 1 / (math.log(2) * math.prod(generator.shape))
        for bound in ("elbo", f"iwae_{self.importance_samples}") if not generator.is_exact else ("log_likelihood",):
            yield f"negative_{bound}", 1.0
            if generator.is_8_bit:
                yield f"bits_per_dim_{bound}" if not generator.is_exact else "bits_per_dim", bits

    def _records(self, nats: Tensor, which: str, generator: Any, real: SampleSet, fake: SampleSet) -> list[Record]:
        number = len(nats)
        short = f"{number // 1000}k" if number % 1000 == 0 else str(number)
        settings = {"shape": list(fake.shape), "observed": generator.protocol, "importance_samples": 1}
        if not generator.is_exact:
            settings["importance_samples"] = self.importance_samples
        each = len(list(self._values(generator))) // nats.shape[1]
        records = []
        for place, (name, factor) in enumerate(self._values(generator)):
            values = nats[:, place // each] * factor
            parts = [values[some].mean().item() for some in subsets(number, least=2)]
            estimate = Estimate.of(values.mean().item(), parts)
            key = f"{name}_{generator.protocol}_{told_class(fake)}{which}_{short}"
            sides = {"num_real": number, "num_fake": 0, "real": real.origin, "fake": fake.origin}
            records.append(Record(key=key, protocol=settings, **sides, **vars(estimate)))  # type: ignore[arg-type]
        return records


def _generator_of(fake: Any) -> Any:
    return fake.generator
