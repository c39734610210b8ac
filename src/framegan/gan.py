"""The adversarial training step, and nothing but the step: images and clips alike.

Samples are float32 (N, *shape) in [-1, 1]; higher logits mean "more real". The clock is `samples_seen`: real samples
shown to the discriminator, over all ranks. All noise is a function of (seed, samples_seen), drawn for the global batch
of which each rank takes its own rows, so that a resumed run, or one on more ranks, sees the same numbers.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import compress
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer

from framegan import contracts, noise
from framegan.losses import Loss
from framegan.regularizers import Regularizer
from framegan.runs.checkpoint import Weights, additions, keep_settings, metrics_in
from framegan.sampling import sample, uncompiled
from framegan.schedules import Constant
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer

Network = Literal["generator", "discriminator"]
NETWORKS: tuple[Network, Network] = ("generator", "discriminator")

WATCHED = ("discriminator loss", "discriminator gradient", "generator loss", "generator gradient")
"""What the step watches, in the order in which it happens."""
NEVER = 2**62
"""What `GAN.first_non_finite` says of what has always been finite."""
ALWAYS_MEASURED = ("discriminator/loss", "generator/loss")
"""What is measured in every step, for the screen; the rest only on the steps that are logged."""


class GAN(LightningModule):
    """A generator and a discriminator trained against each other.

    Args:
        generator: (N, latent_dim) latents and (N,) labels -> (N, *shape) samples. One that leaves a (N,) `penalty` of
            its last forward adds it to its own loss.
        discriminator: (N, *shape) samples and (N,) labels -> (N, K) logits by head. Under "class" it may give (N,
            num_classes) logits of the class, which are trained on real and on fake samples (Odena et al. 2017).
        generator_optimizer: called with the generator's parameters.
        discriminator_optimizer: called with the discriminator's parameters.
        regularizers: penalties and constraints of the discriminator, by the name they are logged under.
        discriminator_steps: discriminator steps (each with its own batch) for one step of the generator.
        head_weights: weight of each of the discriminator's heads but "class". None = 1 each.
        class_weight: weight of the class's cross-entropy in both networks' losses.
        generator_clip_norm: largest norm of the generator's gradient. None = unclipped; likewise the discriminator's.
        ema_half_life: samples over which the averaged generator forgets half of the past. 0 = no averaging.
        ema_rampup: the half-life is at most this share of samples_seen (Karras et al. 2020), so that the average
            leaves the random start behind quickly.
        compile_networks: run both networks through torch.compile; the first steps take longer. A critic that
            is differentiated twice, on the steps of a penalty, stays uncompiled: torch.compile can't do that.
        learning_rate_factor: multiplies both scheduled learning rates; see `framegan.runs.rollback`.
        seed: key of all noise.
    """

    samples_seen: Tensor
    first_non_finite: Tensor
    """(4,): samples_seen at which each of WATCHED was first not finite."""
    trainer: GANTrainer  # type: ignore[override]

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        generator_optimizer: Callable[..., Optimizer],
        discriminator_optimizer: Callable[..., Optimizer],
        loss: Loss,
        regularizers: Mapping[str, Regularizer] | None = None,
        generator_schedule: Callable[[int], float] = Constant(),
        discriminator_schedule: Callable[[int], float] = Constant(),
        discriminator_steps: PositiveInt = 1,
        head_weights: Mapping[str, NonNegativeFloat] | None = None,
        class_weight: NonNegativeFloat = 1.0,
        generator_clip_norm: PositiveFloat | None = None,
        discriminator_clip_norm: PositiveFloat | None = None,
        ema_half_life: NonNegativeInt = 10_000,
        ema_rampup: PositiveFloat = 0.05,
        compile_networks: bool = False,
        learning_rate_factor: PositiveFloat = 1.0,
        seed: noise.Seed = 0,
    ):
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.discriminator = generator, discriminator
        self.make_optimizers = {"generator": generator_optimizer, "discriminator": discriminator_optimizer}
        self.schedules = {"generator": generator_schedule, "discriminator": discriminator_schedule}
        self.clip_norms = {"generator": generator_clip_norm, "discriminator": discriminator_clip_norm}
        self.loss, self.regularizers = loss, dict(regularizers or {})
        self.discriminator_steps = discriminator_steps
        self.head_weights, self.class_weight = head_weights, class_weight
        self.ema_half_life, self.ema_rampup = ema_half_life, ema_rampup
        self.compile_networks = compile_networks
        self.learning_rate_factor, self.seed = learning_rate_factor, seed
        self.heads = self._checked_heads()
        self._begin()

    def _checked_heads(self) -> list[str]:
        """Return the names of the discriminator's heads; ValueError: a part isn't what its place asks for."""
        contracts.check_loss(self.loss)
        contracts.check_regularizers(self.regularizers)
        logits = contracts.check_networks(self.generator, self.discriminator)
        for name in NETWORKS:
            contracts.check_optimizer(name, self.make_optimizers[name], getattr(self, name))
            contracts.check_schedule(name, self.schedules[name])
        self.configure_optimizers()  # a bad learning rate stops here, before the first batch
        heads = [head for head in logits if head != "class"]
        if self.head_weights is not None and self.head_weights.keys() != set(heads):
            raise ValueError(
                f"model.head_weights names {sorted(self.head_weights)}; the discriminator's heads are {sorted(heads)}"
            )
        return heads

    def _begin(self) -> None:
        """Set up the average, the clock, and what a step leaves for others to read."""
        self.generator_ema = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.register_buffer("samples_seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("first_non_finite", torch.full((len(WATCHED),), NEVER), persistent=False)
        self._ddp_params_and_buffers_to_ignore = ["samples_seen", "first_non_finite"]
        self.wrappers: dict[str, nn.Module] = {}  # of a distributed strategy; a plain dict isn't in the state dict
        self.measured: dict[str, Tensor] | None = None  # what this step logs, on the device; None: it logs nothing
        self.recent: dict[str, tuple[Tensor | float, float]] = {}
        """By key of ALWAYS_MEASURED: the sum of the steps' means and their number, since a reader emptied it."""
        self.batch_size = 1

    def configure_optimizers(self) -> tuple[Optimizer, Optimizer]:
        generator, discriminator = (self.make_optimizers[name](getattr(self, name).parameters()) for name in NETWORKS)
        for group in (*generator.param_groups, *discriminator.param_groups):
            group["initial_lr"] = group["lr"]
        return generator, discriminator

    def setup(self, stage: str) -> None:
        if self.compile_networks:
            self.generator.compile()
            self.discriminator.compile()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint.update(additions(self.trainer.run.metrics, self.trainer.world_size))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the optimizers' settings as they are configured now; only what they have gathered is loaded."""
        self.trainer.run.metrics = metrics_in(checkpoint)
        keep_settings(checkpoint, self.configure_optimizers())

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor] | None:
        real, labels = batch
        samples_seen, batch_size = int(self.samples_seen), len(real) * self.trainer.world_size
        step = samples_seen // batch_size
        self.batch_size = len(real)
        self.measured = {} if self._is_logged(step) else None
        self._seed_modules(samples_seen)

        self._descend("discriminator", self.discriminator_loss, real, labels, step)
        if self._moves_generator(step):
            with frozen(self.discriminator):
                self._descend("generator", self.generator_loss, real, labels, step)
            self._update_ema(samples_seen, batch_size * self.discriminator_steps)

        self.samples_seen += batch_size
        return self.measured

    def discriminator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        """Return the loss the discriminator descends, (N,).

        Args:
            real: (N, *shape) samples; fake ones are made of the (N, latent_dim) latents.
            labels: (N,) classes of the real samples, and those asked of the fake ones.
            mixing: (N,) in [0, 1): where between a real and a fake sample the penalties "between" are taken.
            step: number of the discriminator step, which decides the penalties that are due.
        """
        penalties = {name: r for name, r in self.regularizers.items() if r.at and r.due(step)}
        places = {regularizer.at for regularizer in penalties.values()}
        with torch.no_grad():
            fake = self.generator(latents, labels).to(real.dtype)  # (N, *shape); half as precise, where the forward was
        real = real.detach().requires_grad_("real" in places)
        fake.requires_grad_("fake" in places)
        critic = self._trained("discriminator")
        # all of a step with a penalty is uncompiled: compiled forwards would overwrite the others' running averages
        with uncompiled() if places else nullcontext():
            real_logits, real_classes = self._judged(critic, real, labels)  # {head: (N, K)}, (N, num_classes)
            fake_logits, fake_classes = self._judged(critic, fake, labels)
            points = {"real": (real, real_logits), "fake": (fake, fake_logits)}
            if "between" in places:
                between = real.lerp(fake, mixing.view(-1, *[1] * (real.ndim - 1))).requires_grad_()
                points["between"] = between, self._judged(critic, between, labels)[0]
        class_loss = self._class_loss("real", real_classes, labels) + self._class_loss("fake", fake_classes, labels)

        loss = self._weighted({h: self.loss.discriminator(real_logits[h], fake_logits[h]) for h in self.heads})  # (N,)
        self._measure("discriminator/loss", loss)
        self._measure_logits(real_logits, fake_logits)
        for name, regularizer in penalties.items():
            samples, logits = points[str(regularizer.at)]
            penalty = self._weighted({head: regularizer.penalty(samples, logits[head]) for head in self.heads})  # (N,)
            self._measure(f"penalty/{name}", penalty)
            loss = loss + regularizer.weight * regularizer.every * penalty
        return loss + self.class_weight * class_loss

    def generator_loss(self, real: Tensor, labels: Tensor, latents: Tensor, mixing: Tensor, step: int) -> Tensor:
        """Return the loss the generator descends, (N,); arguments as in `discriminator_loss`."""
        fake = self._trained("generator")(latents, labels)  # (N, *shape)
        fake_logits, fake_classes = self._judged(self.discriminator, fake, labels)  # {head: (N, K)}, (N, num_classes)
        class_loss = self._class_loss("generator", fake_classes, labels)
        real_logits: Mapping[str, Tensor | None] = dict.fromkeys(self.heads)
        if self.loss.generator_sees_real:
            real_logits, _ = self._judged(self.discriminator, real, labels)
        loss = self._weighted({h: self.loss.generator(real_logits[h], fake_logits[h]) for h in self.heads})  # (N,)
        self._measure("generator/loss", loss)
        penalty = getattr(self.generator, "penalty", None)
        if penalty is not None:
            self._measure("penalty/generator", penalty)
            loss = loss + penalty
        return loss + self.class_weight * class_loss

    def sample(self, seeds: Sequence[int], weights: Weights = "ema", **choices: Any) -> Tensor:
        """Return one sample for each seed, (N, *shape) in [-1, 1]; see `framegan.sampling.sample`."""
        return sample(self.generator_ema if weights == "ema" else self.generator, seeds, **choices)

    def _descend(self, name: Network, loss_of: Callable[..., Tensor], real: Tensor, labels: Tensor, step: int) -> None:
        """Take one optimizer step of a network down the mean of its loss."""
        network, optimizer = getattr(self, name), self._optimizer(name)
        latents, mixing = self._noise_like(real, stream=name)
        pieces = list(zip(*(x.chunk(self.trainer.micro_batches) for x in (real, labels, latents, mixing)), strict=True))
        buffers = PieceBuffers(len(pieces), self.generator, self.discriminator)
        optimizer.zero_grad()
        total = torch.zeros((), device=real.device)
        for piece in pieces:
            loss = loss_of(*piece, step).sum() / len(real)
            self.manual_backward(loss)
            total += loss.detach()
            buffers.start_over()
        buffers.average()
        self._note_non_finite(name, total, self._clip(name, network))
        optimizer.step()
        for regularizer in self.regularizers.values():
            if name == "discriminator" and regularizer.due(step):
                if regularizer.reads_buffers:
                    average_buffers(network)
                regularizer.constrain(network)

    def _noise_like(self, real: Tensor, stream: Network) -> tuple[Tensor, Tensor]:
        """Return this rank's rows of the global batch's (N, latent_dim) latents and (N,) mixing in [0, 1)."""
        rank, num_ranks, size = self.trainer.global_rank, self.trainer.world_size, len(real)
        rows = slice(rank * size, (rank + 1) * size)
        key = {"seed": self.seed, "counter": int(self.samples_seen)}
        shape = (num_ranks * size, int(self.generator.latent_dim))  # type: ignore[arg-type]
        latents = noise.normal(shape, stream=noise.LATENTS[stream], **key)
        mixing = noise.uniform((num_ranks * size,), stream=noise.MIXING, **key)
        return latents[rows].to(real), mixing[rows].to(real)

    def _seed_modules(self, samples_seen: int) -> None:
        """Make what modules draw themselves (dropout) a function of the clock and the rank too."""
        key = noise.generator(self.seed, noise.MODULES + self.trainer.global_rank, samples_seen)
        torch.manual_seed(int(key.integers(2**63)))

    def _trained(self, name: str) -> nn.Module:
        """Return the network whose gradients the strategy averages over the ranks; forwards to train go through it."""
        return self.wrappers.get(name, getattr(self, name))

    def _optimizer(self, name: str) -> Any:
        """Return the network's optimizer with its learning rate set for this point of the schedule."""
        both: Any = self.optimizers()
        optimizer = both[NETWORKS.index(name)]
        factor = self.schedules[name](int(self.samples_seen)) * self.learning_rate_factor
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        return optimizer

    def _clip(self, name: Network, network: nn.Module) -> Tensor:
        """Clip the network's gradient where it has a limit, and return its norm before that."""
        limit, parameters = self.clip_norms[name], list(network.parameters())
        norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        self._measure(f"{name}/gradient_norm", norm)
        if limit is not None:
            clip_grads_with_norm_(parameters, limit, norm)
        return norm

    def _note_non_finite(self, name: Network, loss: Tensor, gradient_norm: Tensor) -> None:
        """Remember on the device, without waiting for it, when one of the two was first not finite."""
        place = WATCHED.index(f"{name} loss")
        first = self.first_non_finite[place : place + 2]
        is_finite = torch.stack([loss.isfinite(), gradient_norm.isfinite()])
        torch.minimum(first, torch.where(is_finite, NEVER, int(self.samples_seen)), out=first)

    def _weighted(self, by_head: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum over the discriminator's heads: (N,) each -> (N,)."""
        weights = self.head_weights or dict.fromkeys(by_head, 1.0)
        return torch.stack([weights[head] * value for head, value in by_head.items()]).sum(0)

    def _judged(
        self, discriminator: nn.Module, samples: Tensor, labels: Tensor
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return the (N, K) logits by head, and apart from them the (N, num_classes) ones of the class, if any."""
        logits = discriminator(samples, labels)
        return {head: logits[head] for head in self.heads}, logits.get("class")

    def _class_loss(self, name: str, logits: Tensor | None, labels: Tensor) -> Tensor:
        """Return the cross-entropy of (N, num_classes) logits of the class, (N,); zeros where there are none."""
        if logits is None:
            return torch.zeros(len(labels), device=labels.device)
        self._measure(f"class_accuracy/{name}", (logits.argmax(1) == labels).float())
        return F.cross_entropy(logits, labels, reduction="none")

    def _is_logged(self, step: int) -> bool:
        """Say whether a step makes a row; where the generator moves only every few, its next step makes one too."""
        since_generator = range(step + 1 - self.discriminator_steps, step) if self._moves_generator(step) else ()
        return any(map(self.trainer.is_logged, (*since_generator, step)))

    def _moves_generator(self, step: int) -> bool:
        return (step + 1) % self.discriminator_steps == 0

    def _measure(self, name: str, values: Tensor) -> None:
        """Keep the mean of what this step measures: of a (n,) piece of the batch, or a norm of the whole."""
        if self.measured is None and name not in ALWAYS_MEASURED:
            return
        share = len(values) / self.batch_size if values.ndim else 1.0
        mean = values.detach().mean() * share
        if self.measured is not None:
            self.measured[name] = self.measured.get(name, 0.0) + mean
        if name in ALWAYS_MEASURED:
            total, steps = self.recent.get(name, (0.0, 0.0))
            self.recent[name] = total + mean, steps + share

    def _measure_logits(self, real_logits: Mapping[str, Tensor], fake_logits: Mapping[str, Tensor]) -> None:
        if self.measured is None:
            return
        for head, real in real_logits.items():
            prefix = "discriminator" if len(real_logits) == 1 else f"discriminator/{head}"
            self._measure(f"{prefix}/real_logit", real)
            self._measure(f"{prefix}/fake_logit", fake_logits[head])
            self._measure(f"{prefix}/real_accuracy", (real > 0).float())
            self._measure(f"{prefix}/fake_accuracy", (fake_logits[head] < 0).float())

    @torch.no_grad()
    def _update_ema(self, samples_seen: int, num_samples: int) -> None:
        """Move the averaged generator towards the live one, as far as `num_samples` new samples warrant."""
        half_life = min(self.ema_half_life, self.ema_rampup * samples_seen)
        weight = 1 - 0.5 ** (num_samples / half_life) if half_life > 0 else 1.0
        averages = [*self.generator_ema.parameters(), *self.generator_ema.buffers()]
        values = [*self.generator.parameters(), *self.generator.buffers()]
        floating = [average.is_floating_point() for average in averages]
        torch._foreach_lerp_(list(compress(averages, floating)), list(compress(values, floating)), weight)
        for average, value in zip(averages, values, strict=True):
            if not average.is_floating_point():
                average.copy_(value)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.generator_ema.eval()
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move everything but the clock, which stays on the CPU: reading it must not wait for the device."""
        super()._apply(fn, recurse)
        self.samples_seen = self.samples_seen.cpu()
        return self


class PieceBuffers:
    """The networks' buffers while a batch is taken piece by piece: each piece finds them as the first one did.

    They end as their mean over the pieces, as over ranks.
    """

    def __init__(self, num_pieces: int, *networks: nn.Module):
        buffers = [buffer for network in networks for buffer in network.buffers() if buffer.is_floating_point()]
        self.buffers = [(b, b.clone(), torch.zeros_like(b)) for b in buffers if num_pieces > 1]
        self.num_pieces = num_pieces

    def start_over(self) -> None:
        """Keep what a piece has made of the buffers, and put them back."""
        for buffer, before, total in self.buffers:
            total += buffer
            buffer.copy_(before)

    def average(self) -> None:
        for buffer, _, total in self.buffers:
            buffer.copy_(total / self.num_pieces)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Hold the network's trainable parameters still."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
