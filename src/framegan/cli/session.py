"""One training of a run in this process: its data, networks and trainer, and what it prints."""

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig

from framegan import own_code
from framegan.cli import (
    about,
    announcement,
    class_checks,
    classifier,
    compose,
    errors,
    generator,
    image_generator,
    resume,
    run_data,
    sweep,
)
from framegan.runs import run_folder
from framegan.runs.records import Origin, TrainedOn
from framegan.runs.run_files import RunFiles


class Session:
    """Data, networks and trainer, built to fit, whatever other processes do beside this one.

    Args:
        cfg: what only the data can tell is filled in.
        checkpoint: to resume from. None = from the beginning.
    """

    def __init__(self, cfg: DictConfig, folder: Path, checkpoint: Path | None):
        import torch
        from lightning.pytorch.utilities.exceptions import MisconfigurationException

        from framegan import contracts
        from framegan.runs import checkpoint as checkpoints

        be_quiet()
        self.cfg, self.folder, self.checkpoint = cfg, folder, checkpoint
        self.changes: list[str] = []
        self.origin: Origin | None = None
        self.images: Origin | None = None
        self.loaded: list[str] = []
        self.earlier: list[TrainedOn] = []
        with errors.plain_errors(MisconfigurationException):
            of_then = {"shape": None, "num_classes": None} if checkpoint else {}  # not to be held against the data now
            self.datamodule = compose.build(cfg.data.datamodule, **of_then)
            if not checkpoint:
                check_speed(cfg, self.datamodule)
            fill_in(cfg, self.datamodule)
            images = image_generator.fill_in(cfg, checkpoint, self.datamodule.classes)
            if checkpoint:
                self.changes += resume.check_changes(cfg, checkpoint, self.datamodule)
            torch.manual_seed(cfg.seed)
            self.model = self._model(images)
            if not checkpoint:
                class_checks.check_both_are_given(self.model)
                class_checks.check_class_settings(self.model, sweep.settings_judged())
                class_checks.check_names(self.model, self.datamodule.classes)
            contracts.check_shape(self.model.generator, self.datamodule.shape)
            contracts.check_given(self.model.generator, cfg.data.get("given_frames", 0))
            self._take_origins(images)
            self.trainer = self._trainer()
            self.datamodule.check_batch_fits(self.trainer.world_size)
            self.model.check_pieces(self.trainer.micro_batches)
            self.model.is_replayed(self.trainer)
            if checkpoint:
                self.changes += checkpoints.check(
                    checkpoint, self.model, self.datamodule.classes, self.trainer.world_size
                )

    def fit(self) -> Any:
        """Train, and return the `framegan.runs.rollback.Ending` where that has gone wrong, else None."""
        from framegan.loggers.run_logger import RefusedError
        from framegan.metrics.classifier import NoClassifierError
        from framegan.runs.checkpoint import clock_of
        from framegan.runs.rollback import Ending, TrainingEndedError

        loggers, status = self.trainer.run_loggers, "failed"
        try:
            with errors.plain_errors():
                settings = compose.as_shown(self.cfg) | about.choices_of(self.folder)
            if self.trainer.is_global_zero:
                print(announcement.beginning(self), flush=True)
            for logger in loggers:
                logger.log_hyperparams(settings)
                if self.checkpoint:
                    logger.log_origin(self.checkpoint, clock_of(self.checkpoint))
            self.trainer.fit(self.model, datamodule=self.datamodule, ckpt_path=self.checkpoint, weights_only=True)
            status = "success"
        except TrainingEndedError as ended:
            if isinstance(ended.__cause__, NoClassifierError):
                chosen = about.choices_of(self.folder)
                how = classifier.how_to_train(chosen["overrides"], chosen["choices"].get("data"), self.cfg)
                return Ending(f"{ended.ending.message}; {how}")
            if ended.__cause__ and (place := own_code.told(ended.__cause__, installed=False)[1]):
                return replace(ended.ending, message=f"{ended.ending.message}\n  in {place}")
            return ended.ending
        except RefusedError as refused:
            return Ending(str(refused))
        except SystemExit as end:
            if isinstance(end.__context__, KeyboardInterrupt):  # Lightning would end the process of whoever calls this
                raise end.__context__ from None
            raise
        finally:
            for logger in loggers:
                logger.finalize(status)
            self.model.replays = None  # they hold all memory of a step
        return None

    def _model(self, images: generator.Loaded | None) -> Any:
        """Build the networks and what trains them; an error names the model that was chosen.

        Args:
            images: the trained image generator that the generator is given.
        """
        from framegan.runs.rollback import learning_rate_factor

        given = {"generator": {"image_generator": images.generator}} if images else {}
        try:
            return compose.build(self.cfg.model, learning_rate_factor=learning_rate_factor(self.folder), **given)
        except ValueError as error:
            chosen = compose.typed()["choices"].get("model")
            raise ValueError(f"model={chosen}: {error}" if chosen else str(error)) from error

    def _take_origins(self, images: generator.Loaded | None) -> None:
        """Load what a new run starts from; one that is resumed has it in its checkpoint."""
        from framegan.processes.ranks import from_rank_zero
        from framegan.runs import origin

        if self.checkpoint:
            kept = RunFiles(self.folder).about
            self.origin, self.images = kept.origin, kept.images
            self._take_earlier(self.folder)
            return
        if images:
            self.images = Origin(checkpoint=str(images.checkpoint), samples_seen=images.samples_seen)
        if self.cfg.init_from is not None:
            weights = from_rank_zero(lambda: origin.of(str(self.cfg.init_from)))  # one that still trains may replace it
            self.loaded = origin.load(weights, self.model, self.datamodule.classes)
            self.origin = Origin(checkpoint=str(weights.checkpoint), samples_seen=weights.samples_seen)
            self._take_earlier(weights.checkpoint.parent.parent, weights.fingerprint)

    def _take_earlier(self, folder: Path, fingerprint: str | None = None) -> None:
        """Learn what weights were trained on, and what of it is held out from the data now.

        Args:
            folder: that of their run.
            fingerprint: of the data that their checkpoint names, which may lie in no run folder.
        """
        from framegan.data.held_out import held_out
        from framegan.processes.ranks import from_rank_zero

        data = self.datamodule
        earlier, seen = from_rank_zero(lambda: run_data.trained_on_in(folder))
        now = run_data.told_of(data.source, data.held_out, data.inventory, data.identities)
        judged = None if data.identities is None else data.identities[held_out(data.source, data.held_out)]
        data.trained_on_before = run_data.had(earlier, now, judged) or (self.checkpoint and seen) or ""
        if not earlier and fingerprint is not None and fingerprint == data.fingerprint:
            data.trained_on_before = "unknown parts"  # as its data.json isn't there
        self.earlier = run_data.besides(earlier, now)

    def _trainer(self) -> Any:
        from lightning.pytorch.callbacks import Callback, LambdaCallback

        from framegan.loggers.run_logger import RunLogger

        callbacks = built(Callback, "callbacks", self.cfg.callbacks)
        return compose.build(
            self.cfg.trainer,
            callbacks=[*callbacks, LambdaCallback(on_train_start=self._keep_settings)],
            loggers=built(RunLogger, "logger", self.cfg.logger, folder=str(self.folder)),
            folder=str(self.folder),
        )

    def _keep_settings(self, *_: Any) -> None:
        """Save what is trained with; what stops a run before it begins leaves the settings as they were."""
        from framegan import devices

        if self.trainer.is_global_zero:
            run_folder.save_config(self.cfg, self.folder)
            run_data.write(self.folder, self.datamodule, self.earlier)
            device = devices.name_of(self.trainer.strategy.root_device, self.trainer.world_size)
            resumed = about.resumed_by(self.folder, int(self.model.samples_seen)) if self.checkpoint else []
            origins = self.origin, self.images
            about.write(self.cfg, self.folder, device, self.trainer.precision_used, *origins, resumed)


def built(kind: type, key: str, nodes: DictConfig, **arguments: Any) -> list[Any]:
    """Return what the nodes below a key build; raise ValueError where one names a class of another kind."""
    for name, node in nodes.items():
        target = get_object(node._target_)
        if isinstance(target, type) and not issubclass(target, kind):
            raise ValueError(f"{key}.{name!s} is a {target.__name__}; it should be a {kind.__name__}")
    return [compose.build(node, **arguments) for node in nodes.values()]


def check_speed(cfg: DictConfig, datamodule: Any) -> None:
    """Raise ValueError where clips are to play at another speed than the data's, which follows from these."""
    wanted, of_data = cfg.data.get("frames_per_second"), datamodule.frames_per_second
    if wanted not in (None, of_data):
        known = "the data know none" if of_data is None else f"the data have {of_data:g}"
        raise ValueError(
            f"data.frames_per_second got {wanted}, and {known}; leave it out. callbacks.samples.frames_per_second and "
            "frames_per_second of generate say how fast clips play, and data.target_fps takes other frames of videos"
        )


def fill_in(cfg: DictConfig, datamodule: Any) -> None:
    """Write into the configuration what only the data could tell, for the networks and for the run folder."""
    cfg.data.shape = list(datamodule.shape)
    cfg.data.num_classes = datamodule.num_classes
    cfg.data.fingerprint = datamodule.fingerprint
    if datamodule.frames_per_second is not None:
        cfg.data.frames_per_second = datamodule.frames_per_second
    if cfg.data.get("split") == "auto":
        cfg.data.split = datamodule.split


def be_quiet() -> None:
    """Silence what Lightning says about choices that are made on purpose here."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    silenced = "many workers|log_every_n_steps|in eval mode|treespec|broadcast_buffers|capturable=True"
    warnings.filterwarnings("ignore", f".*({silenced})")
