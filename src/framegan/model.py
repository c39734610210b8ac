"""What trains, as everything around it knows it: the trainer, callbacks, checkpoints, announcements and metrics.

`framegan.gan.GAN` is one kind of training and `framegan.maximum_likelihood.MaximumLikelihood` another. The clock is
`samples_seen`: real samples trained with, over all ranks. All noise is a function of (seed, samples_seen), drawn for
the global batch of which each rank takes its own rows, so that a resumed run, or one on more ranks, sees the same
numbers.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer

from framegan import contracts
from framegan.devices import put
from framegan.measured import Measured
from framegan.network_state import Average, hold_still, lay_channels_last, stay_frozen
from framegan.phases import Phases
from framegan.replays import Replays, are_replayed, let_rates_vary
from framegan.runs.checkpoint import Weights, additions, keep_settings, metrics_in
from framegan.sampling import sample
from framegan.schedules import set_rates
from framegan.trainer import GANTrainer


class Model(LightningModule):
    """Networks that train, the average of the first one, which is the generator, and the clock.

    A kind of training names its `networks`: they are its attributes of these names, and each has an optimizer. In each
    step it moves the average (`average`) and the clock, and leaves what is logged in `measured`, and in `watched` the
    loss and the gradient's norm of each network, which have to be finite.

    Args:
        networks: by name, in the order of the class's `networks`.
        optimizers: called with the parameters of the network of that name.
        schedules: likewise, from samples seen to a factor of the learning rate.
        clip_norms: likewise, largest norm of the gradient. None = unclipped.
    """

    networks: ClassVar[tuple[str, ...]] = ("generator",)
    samples_seen: Tensor
    generator: nn.Module
    trainer: GANTrainer  # type: ignore[override]
    rate_factor = 1.0
    """What the learning rates are multiplied by because of the size of the samples."""

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Callable[..., Optimizer]],
        schedules: Mapping[str, Callable[[int], float]],
        clip_norms: Mapping[str, float | None],
        beta2_schedule: Callable[[int], float] | None,
        ema_half_life: int,
        ema_rampup: float,
        conditional: bool | Literal["auto"],
        compile_networks: bool,
        learning_rate_factor: float,
        seed: int,
    ):
        super().__init__()
        for name, network in networks.items():
            setattr(self, name, network)
        self.make_optimizers, self.schedules, self.clip_norms = optimizers, schedules, clip_norms
        self.beta2_schedule = beta2_schedule
        self.ema_half_life, self.ema_rampup = ema_half_life, ema_rampup
        self.conditional, self.compile_networks = conditional, compile_networks
        self.learning_rate_factor, self.seed = learning_rate_factor, seed

    def begin(self, freeze: Sequence[str] | None) -> None:
        """Hold layers still, check what trains, and set up the average, the clock, and what a step leaves behind."""
        hold_still(self.of_name(), freeze or ())
        contracts.check_training(self)
        self.configure_optimizers()  # a bad learning rate stops here, before the first batch
        shared = {id(part): part for part in self.generator.modules() if getattr(part, "is_given", False)}
        self.generator_ema = copy.deepcopy(self.generator, shared).eval().requires_grad_(False)
        self.register_buffer("samples_seen", torch.zeros((), dtype=torch.int64))
        self._ddp_params_and_buffers_to_ignore = ["samples_seen", "augmentation.count"]  # which stay on the CPU
        self.wrappers: dict[str, nn.Module] = {}  # of a distributed strategy; a plain dict isn't in the state dict
        self.measured, self.watched = Measured(), dict[str, Tensor]()  # in this step
        self.phases = Phases()
        self.replays: Replays | None = None

    def of_name(self) -> dict[str, nn.Module]:
        """Return the networks that train by their names."""
        return {name: getattr(self, name) for name in self.networks}

    @property
    def names_watched(self) -> tuple[str, ...]:
        """What each step leaves to be watched, in the order in which it happens; the generator comes last."""
        return tuple(f"{name} {what}" for name in reversed(self.networks) for what in ("loss", "gradient"))

    def configure_optimizers(self) -> list[Optimizer]:
        optimizers = [self._optimizer(name, network) for name, network in self.of_name().items()]
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group |= {"initial_lr": group["lr"], "initial_betas": group.get("betas")}
            if self.beta2_schedule is not None:
                contracts.check_betas(group["initial_betas"])
        return optimizers

    def _optimizer(self, name: str, network: nn.Module) -> Optimizer:
        try:
            return self.make_optimizers[name](network.parameters())
        except ValueError as error:
            rule = "; betas are at least 0 and below 1, other numbers at least 0" if "Invalid" in str(error) else ""
            raise ValueError(f"model.{name}_optimizer: {error}{rule}") from error

    def check_pieces(self, micro_batches: int) -> None:
        """Raise ValueError where a batch can't be split into as many pieces as trainer.micro_batches says."""

    def why_not_replayed(self) -> str:
        """Return why a GPU can't replay the steps (see `framegan.replays`), "" where it can."""
        return "only steps of two networks can be replayed"

    @property
    def parts(self) -> list[Any]:
        """What a step is made of: objects whose code it runs."""
        return [*self.modules(), *self.configure_optimizers()]

    def is_replayed(self, trainer: GANTrainer) -> bool:
        """Say whether a GPU replays the steps under a trainer.

        Raises:
            ValueError: trainer.cuda_graphs=true, and it can't.
        """
        device, is_exchanged = trainer.strategy.root_device, isinstance(trainer.strategy, DDPStrategy)
        parts = [*self.parts, *trainer.callbacks]  # a callback may set what a step goes by
        return are_replayed(trainer.cuda_graphs, device, is_exchanged, self.why_not_replayed(), parts)

    def setup(self, stage: str) -> None:
        self.check_pieces(self.trainer.micro_batches)
        device = self.trainer.strategy.root_device
        self.replays = Replays(device) if self.is_replayed(self.trainer) else None
        for network in self.of_name().values():
            is_laid = self.compile_networks and device.type == "cuda"  # by the compiler, as it sees fit
            if self.trainer.channels_last and not is_laid:
                lay_channels_last(network)
            if self.compile_networks:
                network.compile()

    def on_fit_start(self) -> None:
        """Keep what samples begin with where the generator continues frames: of data that training leaves out."""
        kept: Any = [getattr(network, "beginnings", None) for network in (self.generator, self.generator_ema)]
        data: Any = getattr(self.trainer, "datamodule", None)
        if kept[0] is not None and data is not None and self.samples_seen == 0:
            has_classes = getattr(self.generator, "num_classes", 0) > 1
            clips, labels = data.examples.unseen(len(kept[0]), of_every_class=has_classes)
            for beginnings in kept:
                beginnings.fill(clips, labels)

    def on_train_start(self) -> None:
        self.averaged = Average(self.generator_ema, self.generator)
        if self.replays is not None:
            for optimizer in self.trainer.optimizers:
                let_rates_vary(optimizer)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint.update(additions(self.trainer.run.metrics, self.trainer.world_size))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the optimizers' settings as they are configured now; only what they have gathered is loaded."""
        self.trainer.run.metrics = metrics_in(checkpoint)
        keep_settings(checkpoint, self.configure_optimizers())

    def sample(self, seeds: Sequence[int], weights: Weights = "ema", **choices: Any) -> Tensor:
        """Return one sample for each seed, (N, *shape) in [-1, 1]; see `framegan.sampling.sample`."""
        return sample(self.generator_ema if weights == "ema" else self.generator, seeds, **choices)

    def set_rates(self, name: str, optimizer: Any) -> None:
        """Set the learning rate of a network's optimizer, and its beta2, as the schedules say."""
        set_rates(optimizer.param_groups, *self.rates(name))

    def rates(self, name: str) -> tuple[float, float | None]:
        """Return the factors of a network's learning rate, and of 1 - beta2 if that is scheduled, as they are now."""
        now, scheduled = int(self.samples_seen), self.beta2_schedule
        factor = self.schedules[name](now) * self.learning_rate_factor * self.rate_factor
        return factor, None if scheduled is None else scheduled(now)

    def watch(self, name: str, loss: Tensor) -> None:
        """Note a network's whole loss and the norm of its gradient, and clip the gradient."""
        parameters = list(getattr(self, name).parameters())
        norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        self.measured.mean(f"{name}/gradient_norm", norm)
        self.watched |= {f"{name} loss": loss, f"{name} gradient": norm}
        if (limit := self.clip_norms[name]) is not None:
            clip_grads_with_norm_(parameters, limit, norm)

    def average(self, num_samples: int) -> None:
        """Move the averaged generator towards the generator, after a step of it that took `num_samples` samples."""
        half_life = min(self.ema_half_life, self.ema_rampup * int(self.samples_seen))
        with self.phases.of("average"):
            self.averaged.move(num_samples, half_life)

    def own_rows(self, values: Tensor, real: Tensor) -> Tensor:
        """Return this rank's rows of what was drawn for the global batch, like its (N, *shape) real samples."""
        own = values.chunk(self.trainer.world_size)[self.trainer.global_rank]
        return put(own, real.device).to(real.dtype)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.generator_ema.eval()
        stay_frozen(*self.of_name().values())
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move everything but the clock, which stays on the CPU: reading it must not wait for the device."""
        super()._apply(fn, recurse)
        self.samples_seen = self.samples_seen.cpu()
        return self
