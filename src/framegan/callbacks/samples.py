"""Pictures of what the generator makes, from the same seeds every time, beside real data."""

from pydantic import PositiveInt
from torch import Tensor

from framegan import media
from framegan.callbacks.every import Every
from framegan.gan import GAN
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer


class SampleGrid(Every):
    """Writes samples/real.png once and samples/fake_<samples_seen>.png at the start, every so often and at the end.

    Args:
        num_samples: samples in a grid; fake ones are of seeds 0, 1, 2, ... of the averaged generator.
    """

    is_evaluation = True

    def __init__(self, every: PositiveInt | None, num_samples: PositiveInt = 64):
        super().__init__(every)
        self.num_samples = num_samples
        self.last_drawn: int | None = None

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if trainer.is_global_zero:
            real, _ = trainer.datamodule.real_batch(self.num_samples)
            self._show(trainer, gan, "real", "real.png", real)
        if int(gan.samples_seen) == 0:
            self.act_timed(trainer, gan)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if self.last_drawn != int(gan.samples_seen):
            self.act_timed(trainer, gan)

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        self.last_drawn = int(gan.samples_seen)
        average_buffers(gan.generator_ema)
        if trainer.is_global_zero:
            fake = gan.sample(range(self.num_samples))
            self._show(trainer, gan, "fake", f"fake_{self.last_drawn}.png", fake)

    def _show(self, trainer: GANTrainer, gan: GAN, name: str, file: str, samples: Tensor) -> None:
        folder = trainer.folder / "samples"
        folder.mkdir(exist_ok=True)
        image = media.grid(samples)
        media.write_png(folder / file, image)
        for logger in trainer.run_loggers:
            logger.log_image(f"samples/{name}", image, step=int(gan.samples_seen))
