"""Training by maximum likelihood, which one optimizer of one network does: autoencoders and flows.

Its clock, noise and what the rest of a run knows of it are those of `framegan.model`. Losses are in nats of a whole
sample.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from pydantic import NonNegativeInt, PositiveFloat
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.checkpoint import checkpoint

from framegan import contracts, noise
from framegan.measured import Measured
from framegan.model import Model
from framegan.network_state import moving_buffers
from framegan.schedules import Constant

FEWEST, MOST, VALUES = 16, 256, 2**20
"""How many samples a generator may start from, the same on every rank: of as many values as memory has room for."""


class MaximumLikelihood(Model):
    """A generator that knows, or bounds, how probable real samples are.

    Args:
        generator: makes samples of latents as that of a `framegan.gan.GAN` does, and has:
            observed(samples, keys): what the likelihood is of, (N, *shape), with the noise of (N,) keys in [0, 1);
            loss(observed, labels, keys): a dictionary of (N,) values, of which "loss" is descended;
            log_weights(observed, labels, keys): (N,) log-probabilities in nats, or unbiased estimates of these after
            exp; `is_exact` says which;
            encode(samples, labels): (N, latent_dim) latents that come near to the samples;
            protocol: what is observed, for the keys of metrics; is_8_bit: whether that are 8-bit values;
            begin(samples), if it starts from samples of the data.
        generator_optimizer: called with the generator's parameters.
        beta2_schedule: factor of 1 - beta2 of the optimizer, which is of Adam's kind. None = as given.
        conditional: the generator has to take the class.
        generator_clip_norm: largest norm of the gradient. None = unclipped.
        ema_half_life: samples over which the averaged generator forgets half of the past. 0 = no averaging.
        ema_rampup: the half-life is at most this share of samples_seen.
        freeze: names of layers that are held still, see `framegan.network_state.hold_still`. None = none.
        learning_rate_factor: multiplies the scheduled learning rate; see `framegan.runs.rollback`.
        seed: key of all noise.
    """

    def __init__(
        self,
        generator: nn.Module,
        generator_optimizer: Callable[..., Optimizer],
        generator_schedule: Callable[[int], float] = Constant(),
        beta2_schedule: Callable[[int], float] | None = None,
        conditional: bool = False,
        generator_clip_norm: PositiveFloat | None = None,
        ema_half_life: NonNegativeInt = 10_000,
        ema_rampup: PositiveFloat = 0.05,
        freeze: Sequence[str] | None = None,
        learning_rate_factor: PositiveFloat = 1.0,
        seed: noise.Seed = 0,
    ):
        super().__init__(
            {"generator": generator},
            {"generator": generator_optimizer},
            {"generator": generator_schedule},
            {"generator": generator_clip_norm},
            beta2_schedule,
            ema_half_life,
            ema_rampup,
            conditional,
            False,
            learning_rate_factor,
            seed,
        )
        self.check_generator(generator)
        self.begin(freeze)

    def check_generator(self, generator: Any) -> None:
        """Raise ValueError where a generator can't be trained so."""
        contracts.check_likelihood(generator)

    def check_pieces(self, micro_batches: int) -> None:
        if micro_batches > 1 and moving_buffers(self.generator):
            raise ValueError(
                f"trainer.micro_batches={micro_batches} computes each piece twice, and the generator gathers running "
                "averages as it does; set it to 1, or leave out batch normalisation"
            )

    def on_fit_start(self) -> None:
        super().on_fit_start()
        data: Any = getattr(self.trainer, "datamodule", None)
        begin: Any = getattr(self.generator, "begin", None)
        if data is not None and self.samples_seen == 0 and begin is not None:
            samples, _ = data.examples.trained(min(MOST, max(FEWEST, VALUES // math.prod(data.shape))))
            begin(samples.to(self.device))
            self.generator_ema.load_state_dict(self.generator.state_dict())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        real, labels = batch  # (N, *shape), (N,): this rank's
        samples_seen, num_samples = int(self.samples_seen), len(real) * self.trainer.world_size
        self.measured = Measured(len(real), self.trainer.is_logged(samples_seen // num_samples))
        with self.phases.of("noise"):
            noise.seed_modules(self.seed, self.trainer.global_rank, samples_seen)
            keys = noise.uniform((num_samples,), seed=self.seed, stream=noise.MIXING, counter=samples_seen)
        pieces = [values.chunk(self.trainer.micro_batches) for values in (real, labels, self.own_rows(keys, real))]
        loss = torch.stack([self._loss(*piece) for piece in zip(*pieces, strict=True)]).sum() / len(real)
        self.watched = {"generator loss": loss.detach()}
        return loss

    def losses(self, real: Tensor, labels: Tensor, keys: Tensor) -> dict[str, Tensor]:
        """Return what is measured of each of (N, *shape) samples, (N,) by name; "loss" is descended."""
        observed = self.generator.observed(real, keys)  # type: ignore[operator]
        return self.generator.loss(observed, labels, keys)  # type: ignore[operator]

    def _loss(self, real: Tensor, labels: Tensor, keys: Tensor) -> Tensor:
        """Return the sum of a piece's losses; of one of several what is in between is computed again, not kept."""
        if self.trainer.micro_batches > 1:
            found = checkpoint(self.losses, real, labels, keys, use_reentrant=False)
        else:
            found = self.losses(real, labels, keys)
        for name, values in found.items():
            self.measured.mean(f"generator/{name}", values)
        return found["loss"].sum()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.watch("generator", self.watched["generator loss"])

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Take one step, and move the average and the clock, which callbacks read at the end of the batch."""
        self.set_rates("generator", optimizer)
        with self.phases.of("generator"):
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        num_samples = self.measured.batch_size * self.trainer.world_size
        self.average(num_samples)
        self.samples_seen += num_samples
