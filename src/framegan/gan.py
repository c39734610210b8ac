"""The adversarial training step, and nothing but the step: images and clips alike.

Samples are float32 (N, *shape) in [-1, 1]; higher logits mean "more real". The clock, the noise and what the rest of a
run knows of the networks are those of `framegan.model`.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.optim import Optimizer

from framegan import contracts, noise
from framegan.augmentations.augmentation import Augmentation
from framegan.generator_regularizers import GeneratorRegularizer
from framegan.losses import Loss, margins
from framegan.measured import Measured
from framegan.model import Model
from framegan.network_state import frozen_kept, in_pieces
from framegan.reconstruction import Reconstruction
from framegan.regularizers import Regularizer, due
from framegan.sampling import uncompiled
from framegan.schedules import Constant
from framegan.strategy import average_buffers

PLACES = ("real", "fake", "between", "generator")
"""Which samples the discriminator judges; the generator's are those of its own step."""
DRAWN = 1 << 8
"""Parts of the noise of a key from here on, by place: what the discriminator draws; others have those before."""


class GAN(Model):
    """A generator and a discriminator trained against each other.

    Args:
        generator: (N, latent_dim) latents and (N,) labels -> (N, *shape) samples. One that leaves a (N,) `penalty` of
            its last forward adds it to its own loss.
        discriminator: (N, *shape) samples and (N,) labels -> (N, K) logits by head. Under "class" it may give (N,
            num_classes) logits of the class, which are trained on real and on fake samples (Odena et al. 2017), and
            under "penalty" a (N, 1) loss of its own, which counts for real samples. One that draws in training may take
            `keys` too, (N,) in [0, 1), see `framegan.networks.drawing`: the same for any number of processes.
        generator_optimizer: called with the generator's parameters; likewise the discriminator's.
        regularizers: penalties and constraints of the discriminator, by the name they are logged under.
        generator_regularizers: likewise penalties of a generator that has styles.
        reconstruction: distance from the real samples, of a generator that is given a part of them. None = unasked.
        augmentation: of all that the discriminator judges. None = it sees the samples as they are.
        beta2_schedule: factor of 1 - beta2 of both optimizers, which are of Adam's kind (Huang et al. 2024 raise beta2
            as the learning rate falls). None = as given.
        discriminator_steps: discriminator steps (each with its own batch) for one step of the generator.
        share_fakes: make the fake samples of a step once, so that the generator descends by those that the
            discriminator has just been trained with. That saves a forward; both gradients are of the same latents then.
        head_weights: weight of each of the discriminator's heads but "class". None = 1 each.
        class_weight: weight of the class's cross-entropy in the discriminator's loss.
        generator_class_weight: likewise in the generator's. None = class_weight.
        class_loss_on_fake: have the discriminator learn the class of fake samples too, as Odena et al. did; it then
            comes to reward what is easily told apart, and samples of one class grow alike (Gong et al. 2019).
        conditional: True = the generator has to take the class.
        generator_clip_norm: largest norm of the generator's gradient. None = unclipped; likewise the discriminator's.
        ema_half_life: samples over which the averaged generator forgets half of the past. 0 = no averaging.
        ema_rampup: the half-life is at most this share of samples_seen (Karras et al. 2020), so that the average
            leaves the random start behind quickly.
        freeze: names of layers that are held still, see `framegan.network_state.hold_still`. None = none.
        compile_networks: run both networks through torch.compile; the first steps take longer. A critic that
            is differentiated twice, on the steps of a penalty, stays uncompiled: torch.compile can't do that.
        tuned_side: side in pixels of the samples that the learning rates and gamma of R1 and R2 are for. Of larger ones
            the rates are divided by how much longer a side is, and gamma multiplied by how many more pixels there are
            (in proportion to them, as Karras et al. 2020 choose it). None = they are for any.
        learning_rate_factor: multiplies both scheduled learning rates; see `framegan.runs.rollback`.
        seed: key of all noise.
    """

    networks = ("generator", "discriminator")
    generator_regularizers: Mapping[str, GeneratorRegularizer]
    discriminator: nn.Module

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        generator_optimizer: Callable[..., Optimizer],
        discriminator_optimizer: Callable[..., Optimizer],
        loss: Loss,
        regularizers: Mapping[str, Regularizer] | None = None,
        generator_regularizers: Mapping[str, GeneratorRegularizer] | None = None,
        reconstruction: Reconstruction | None = None,
        augmentation: Augmentation | None = None,
        generator_schedule: Callable[[int], float] = Constant(),
        discriminator_schedule: Callable[[int], float] = Constant(),
        beta2_schedule: Callable[[int], float] | None = None,
        discriminator_steps: PositiveInt = 1,
        share_fakes: bool = False,
        head_weights: Mapping[str, NonNegativeFloat] | None = None,
        class_weight: NonNegativeFloat = 1.0,
        generator_class_weight: NonNegativeFloat | None = None,
        class_loss_on_fake: bool = True,
        conditional: bool | Literal["auto"] = "auto",
        generator_clip_norm: PositiveFloat | None = None,
        discriminator_clip_norm: PositiveFloat | None = None,
        ema_half_life: NonNegativeInt = 10_000,
        ema_rampup: PositiveFloat = 0.05,
        freeze: Sequence[str] | None = None,
        compile_networks: bool = False,
        tuned_side: PositiveInt | None = None,
        learning_rate_factor: PositiveFloat = 1.0,
        seed: noise.Seed = 0,
    ):
        super().__init__(
            {"generator": generator, "discriminator": discriminator},
            {"generator": generator_optimizer, "discriminator": discriminator_optimizer},
            {"generator": generator_schedule, "discriminator": discriminator_schedule},
            {"generator": generator_clip_norm, "discriminator": discriminator_clip_norm},
            beta2_schedule,
            ema_half_life,
            ema_rampup,
            conditional,
            compile_networks,
            learning_rate_factor,
            seed,
        )
        self.automatic_optimization = False
        self.loss, self.regularizers, self.augmentation = loss, dict(regularizers or {}), augmentation
        found = contracts.check_generator_regularizers(generator, generator_regularizers or {})
        self.generator_regularizers = found  # type: ignore[assignment]  # a ModuleDict: their buffers are saved
        self.reconstruction, self.discriminator_steps = reconstruction, discriminator_steps
        self.share_fakes = share_fakes
        self.made: Tensor | None = None
        """The (N, *shape) fake samples of this step, where both networks share them."""
        self.class_weight, self.class_loss_on_fake = class_weight, class_loss_on_fake
        self.generator_class_weight = class_weight if generator_class_weight is None else generator_class_weight
        contracts.check_reconstruction(generator, reconstruction)
        self.head_weights = contracts.check_parts(self, head_weights)
        pixels = math.prod(generator.shape[-2:])  # type: ignore[index]
        self.pixel_factor = 1.0 if tuned_side is None else max(1.0, pixels / tuned_side**2)
        self.rate_factor = self.pixel_factor**-0.5
        self.begin(freeze)

    def check_pieces(self, micro_batches: int) -> None:
        if self.share_fakes and micro_batches > 1:
            raise ValueError(
                "model.share_fakes=true keeps all fake samples of a step, "
                f"trainer.micro_batches={micro_batches} only some; "
                "set trainer.micro_batches=1 or model.share_fakes=false"
            )

    def why_not_replayed(self) -> str:
        told = {type(of).__name__ for of in self.configure_optimizers() if "capturable" not in of.defaults}
        if told:
            return f"steps of {' and '.join(sorted(told))} can't be replayed"
        if self.augmentation is not None and type(self.augmentation).adapt is not Augmentation.adapt:
            return "this augmentation counts steps on the CPU, which a replay leaves out"
        constraints = [name for name, regularizer in self.regularizers.items() if regularizer.at is None]
        return f"{', '.join(constraints)} can't be replayed" if constraints else ""

    @property
    def parts(self) -> list[Any]:
        return [*super().parts, self.loss, self.reconstruction, *self.regularizers.values()]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor] | None:
        real, labels = batch  # (N, *shape), (N,): this rank's
        samples_seen, num_samples = int(self.samples_seen), len(real) * self.trainer.world_size
        step = samples_seen // num_samples
        moves_generator = (step + 1) % self.discriminator_steps == 0
        since = self.discriminator_steps if moves_generator else 1  # a row that was due gets the generator's next step
        is_logged = any(map(self.trainer.is_logged, range(step + 1 - since, step + 1)))
        with self.phases.of("noise"):
            noise.seed_modules(self.seed, self.trainer.global_rank, samples_seen)
            latents, mixing = self._noise_like(real, moves_generator)
        for name, optimizer in zip(self.networks, self.trainer.optimizers, strict=True):
            self.set_rates(name, optimizer)
        with torch.autograd.set_multithreading_enabled(False):  # a GPU's thread sums gradients in an order that changes
            if self.replays is None:
                self._play(step, moves_generator, is_logged, real, labels, mixing, *latents)
            else:
                play = partial(self._play, step, moves_generator, True)
                with self.phases.of("replays"):
                    key = self._numbers(step, moves_generator), real.shape
                    self.measured, self.watched = self.replays(key, play, real, labels, mixing, *latents)
                self.measured.is_logged = is_logged
        if moves_generator:
            self.average(num_samples * self.discriminator_steps)
        self.samples_seen += num_samples
        return (
            {name: value.clone() for name, value in self.measured.items()} if is_logged else None
        )  # replays overwrite them

    def _play(
        self,
        step: int,
        moves_generator: bool,
        is_logged: bool,
        real: Tensor,
        labels: Tensor,
        mixing: Tensor,
        *latents: Tensor,
    ) -> tuple[Measured, dict[str, Tensor]]:
        """Take a step of the discriminator, and of the generator if that moves; return what they leave behind.

        Args:
            latents: (N, latent_dim) of the discriminator's fake samples, and of the generator's if it has its own.
        """
        self.measured, self.watched = Measured(len(real), is_logged), {}
        of_generator = step // self.discriminator_steps
        if self.share_fakes and moves_generator:
            with self.phases.of("generator"):
                self.made = self._make(real, labels, latents[0], of_generator)
        with self.phases.of("discriminator"):
            self._descend("discriminator", self.discriminator_loss, (real, labels, latents[0], mixing), step)
            self._constrain_discriminator(step)
        if self.augmentation is not None:
            self.augmentation.adapt(len(real) * self.trainer.world_size)
            self.measured.update(self.augmentation.measured())
        if moves_generator:
            with self.phases.of("generator"):
                self._descend("generator", self.generator_loss, (real, labels, latents[-1], mixing), of_generator)
            for regularizer in due(self.generator_regularizers, of_generator).values():
                regularizer.adapt()
        self.made = None
        return self.measured, self.watched

    def _numbers(self, step: int, moves_generator: bool) -> Hashable:
        """Return all that a step goes by beside tensors; steps of the same do the same operations."""
        now, of_generator = int(self.samples_seen), step // self.discriminator_steps
        of_its_own = due(self.generator_regularizers, of_generator) if moves_generator else {}
        penalties = [*due(self.regularizers, step).items(), *of_its_own.items()]
        strengths = tuple((name, penalty.strength(now)) for name, penalty in penalties)
        return moves_generator, strengths, *(self.rates(name)[1] for name in self.networks)

    def discriminator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        """Return the loss the discriminator descends, (N,).

        Args:
            real: (N, *shape) samples; fake ones are made of the (N, latent_dim) latents.
            labels: (N,) classes of the real samples, and those asked of the fake ones.
            mixing: (N,) in [0, 1): where between a real and a fake sample the penalties "between" are taken; and the
                keys of the augmentation and of what the discriminator draws.
            step: number of this network's step, which decides the penalties that are due.
        """
        penalties = {name: r for name, r in due(self.regularizers, step).items() if r.at}
        places = {str(regularizer.at) for regularizer in penalties.values()}
        with torch.no_grad():
            fake = self.generator(latents, labels, **self._given(real)) if self.made is None else self.made.detach()
        fake = fake.to(real.dtype)  # (N, *shape); half as precise, where the forward was
        samples = {"real": real.detach(), "fake": fake}
        if "between" in places:
            samples["between"] = real.lerp(fake, mixing.view(-1, *[1] * (real.ndim - 1)))  # (N, *shape)
        for place in places:
            samples[place].requires_grad_()
        # all of a step with a penalty is uncompiled: compiled forwards would overwrite the others' running averages
        with uncompiled() if places else nullcontext():
            critic = self._trained("discriminator")
            logits = {place: self._judged(critic, values, labels, mixing, place) for place, values in samples.items()}
        if self.augmentation is not None:
            sides = ((logits["real"][head], logits["fake"][head]) for head in self.head_weights)
            self.augmentation.observe(torch.cat([margins(self.loss, *side)[0] for side in sides], dim=1))
        on_real, on_fake = (self._class_loss(place, logits[place], labels) for place in ("real", "fake"))
        class_loss = on_real + on_fake * self.class_loss_on_fake
        loss = self._over_heads(self.loss.discriminator, logits["real"], logits["fake"])  # (N,)
        self.measured.mean("discriminator/loss", loss)
        loss = loss + self._penalty("discriminator", logits["real"].get("penalty"))
        self.measured.logits(self.loss, self.head_weights, logits["real"], logits["fake"])
        for name, regularizer in penalties.items():
            place = str(regularizer.at)
            with self.phases.of("penalties"):
                penalty = self._over_heads(partial(regularizer.penalty, samples[place]), logits[place])  # (N,)
            strength = regularizer.strength(int(self.samples_seen)) * self.pixel_factor**regularizer.pixel_power
            loss = loss + self._penalty(name, penalty, strength)
        return loss + self.class_weight * class_loss

    def generator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        """Return the loss the generator descends, (N,); arguments as in `discriminator_loss`."""
        penalties = due(self.generator_regularizers, step)
        fake = self._make(real, labels, latents, step) if self.made is None else self.made
        fake = fake.to(real.dtype)  # (N, *shape)
        fake_logits = self._judged(self.discriminator, fake, labels, mixing, "generator")
        class_loss = self._class_loss("generator", fake_logits, labels)
        real_logits: Mapping[str, Tensor | None] = dict.fromkeys(self.head_weights)
        if self.loss.generator_sees_real:
            real_logits = self._judged(self.discriminator, real, labels, mixing, "real")
        loss = self._over_heads(self.loss.generator, real_logits, fake_logits)  # (N,)
        self.measured.mean("generator/loss", loss)
        loss = loss + self._penalty("generator", getattr(self.generator, "penalty", None))
        if self.reconstruction is not None:
            distance = self.reconstruction(self.generator, fake, real, labels, latents, mixing)  # (N,)
            loss = loss + self._penalty("reconstruction", distance, self.reconstruction.weight)
        for name, regularizer in penalties.items():
            with self.phases.of("penalties"):
                penalty = regularizer.penalty(fake, self.generator.styles, mixing)  # type: ignore[arg-type]  # (N,)
            loss = loss + self._penalty(name, penalty, regularizer.strength(int(self.samples_seen)))
        return loss + self.generator_class_weight * class_loss

    def _make(self, real: Tensor, labels: Tensor, latents: Tensor, step: int) -> Tensor:
        """Return the (N, *shape) samples that a step of the generator goes by; arguments as in `discriminator_loss`."""
        with uncompiled() if due(self.generator_regularizers, step) else nullcontext():
            return self._trained("generator")(latents, labels, **self._given(real))

    def _descend(self, name: str, loss_of: Callable[..., Tensor], batch: tuple[Tensor, ...], step: int) -> None:
        """Take one optimizer step of a network down the mean of its loss, as its schedules say.

        Args:
            batch: what `discriminator_loss` takes, but for the step.
        """
        optimizer: Any = self.optimizers()[self.networks.index(name)]  # type: ignore[index]
        optimizer.zero_grad()
        losses = []
        with self.toggled_optimizer(optimizer):  # the other network is held still
            for piece in in_pieces(batch, self.trainer.micro_batches, self.generator, self.discriminator):
                loss = loss_of(*piece, step).sum() / len(batch[0])
                self.manual_backward(loss)
                losses.append(loss.detach())
        self.watch(name, torch.stack(losses).sum())
        optimizer.step()

    def _constrain_discriminator(self, step: int) -> None:
        for regularizer in due(self.regularizers, step).values():
            if regularizer.reads_buffers:
                average_buffers(self.discriminator)
            with frozen_kept(self.discriminator):
                regularizer.constrain(self.discriminator)

    def _noise_like(self, real: Tensor, moves_generator: bool) -> tuple[list[Tensor], Tensor]:
        """Return this rank's rows of the global batch's latents, (N, latent_dim) for each network that has fake samples
        of its own, and of its (N,) mixing in [0, 1)."""
        num_samples, latent_dim = self.trainer.world_size * len(real), int(self.generator.latent_dim)  # type: ignore[arg-type]
        key = {"seed": self.seed, "counter": int(self.samples_seen)}
        streams = ["discriminator", *["generator"] * (moves_generator and not self.share_fakes)]
        latents = [noise.normal((num_samples, latent_dim), stream=noise.LATENTS[name], **key) for name in streams]
        mixing = noise.uniform((num_samples,), stream=noise.MIXING, **key)
        return [self.own_rows(values, real) for values in latents], self.own_rows(mixing, real)

    def _given(self, real: Tensor) -> dict[str, Tensor]:
        """Return the (N, *shape) real samples for a generator that goes on from a part of them, if it does."""
        return {"given": real} if contracts.is_given_real(self.generator) else {}

    def _trained(self, name: str) -> nn.Module:
        """Return the network whose gradients the strategy averages over the ranks; forwards to train go through it."""
        return self.wrappers.get(name, getattr(self, name))

    def _judged(
        self, critic: nn.Module, samples: Tensor, labels: Tensor, keys: Tensor, place: str
    ) -> dict[str, Tensor]:
        """Return the (N, K) logits of each head of (N, *shape) samples, augmented, each place in its own way.

        They are as precise as the samples are: losses have no halved ones.
        """
        seen = samples if self.augmentation is None else self.augmentation(samples, keys, PLACES.index(place))
        logits = critic(seen, labels, **self._drawing(keys, place))
        return {head: values.to(samples.dtype) for head, values in logits.items()}

    def _drawing(self, keys: Tensor, place: str) -> dict[str, Tensor]:
        """Return the (N,) keys of a place for a discriminator that draws by them, if it does."""
        if not noise.takes_keys(self.discriminator):
            return {}
        return {"keys": noise.other_keys(keys, 1, DRAWN + PLACES.index(place))[:, 0]}

    def _over_heads(self, function: Callable[..., Tensor], *logits: Mapping[str, Tensor | None]) -> Tensor:
        """Return the weighted sum over the discriminator's heads of a function of their (N, K) logits, (N,)."""
        of_heads = ((function(*(given[head] for given in logits)), by) for head, by in self.head_weights.items())
        terms = [values if by == 1 else by * values for values, by in of_heads]
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum(0)  # (heads, N) -> (N,)

    def _class_loss(self, name: str, logits: Mapping[str, Tensor], labels: Tensor) -> Tensor | float:
        """Return the cross-entropy of the (N, num_classes) logits of the class, (N,); 0 where there are none."""
        if "class" not in logits:
            return 0.0
        self.measured.mean(f"class_accuracy/{name}", (logits["class"].argmax(1) == labels).float())
        return F.cross_entropy(logits["class"], labels, reduction="none")

    def _penalty(self, name: str, penalty: Tensor | None, strength: float = 1.0) -> Tensor | float:
        """Return a (N,) or (N, 1) penalty as a part of the loss, (N,); 0 where a network gives itself none."""
        if penalty is None:
            return 0.0
        self.measured.mean(f"penalty/{name}", penalty)
        return strength * penalty.flatten()
