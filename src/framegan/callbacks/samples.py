"""Pictures and clips of what the generator makes, from the same seeds every time, beside real data."""

from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from framegan import media, sampling
from framegan.callbacks.every import Every
from framegan.gan import GAN
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer

CLIPS_IN_GRID = 16
CLIPS_IN_STRIPS = 8
TABLE = 6


class Samples(Every):
    """Writes samples/real.* once and samples/fake_<samples_seen>.* at the start, every so often and at the end.

    Images make a .png grid. Clips make a .png with a row for each clip and a column for each frame, and a grid as .mp4
    and .webp. Where the generator has them, there are also content_motion_<samples_seen>.webp, a row for each content
    and a column for each motion, and composition_<samples_seen>.webp, what each clip is put together from.

    Args:
        num_samples: samples in a grid of images; fake ones are of seeds 0, 1, 2, ... of the averaged generator.
        frames_per_second: rate at which clips are shown.
    """

    is_evaluation = True

    def __init__(
        self, every: PositiveInt | None, num_samples: PositiveInt = 64, frames_per_second: PositiveFloat = 8.0
    ):
        super().__init__(every)
        self.num_samples = num_samples
        self.frames_per_second = frames_per_second
        self.last_drawn: int | None = None

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if trainer.is_global_zero:
            real, _ = trainer.datamodule.real_batch(self.num_samples)
            self._show(trainer, gan, "real", "real", real)
        if int(gan.samples_seen) == 0:
            self.act_timed(trainer, gan)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if self.last_drawn != int(gan.samples_seen):
            self.act_timed(trainer, gan)

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        self.last_drawn = int(gan.samples_seen)
        average_buffers(gan.generator_ema)
        if not trainer.is_global_zero:
            return
        self._show(trainer, gan, "fake", f"fake_{self.last_drawn}", gan.sample(range(self.num_samples)))
        if {"content", "motion"} <= sampling.parts_of(gan.generator_ema).keys():
            table = sampling.content_motion_table(gan.generator_ema, range(TABLE), range(TABLE))
            self._animate(trainer, gan, "content_motion", table, columns=TABLE)
        if hasattr(gan.generator_ema, "composition"):
            parts = sampling.composition(gan.generator_ema, range(TABLE))
            self._animate(trainer, gan, "composition", parts, columns=len(parts) // TABLE)

    def _show(self, trainer: GANTrainer, gan: GAN, name: str, stem: str, samples: Tensor) -> None:
        """Write and log the files of some samples."""
        folder = trainer.folder / "samples"
        folder.mkdir(exist_ok=True)
        are_clips = samples.ndim == 5
        image = media.strips(samples[:CLIPS_IN_STRIPS]) if are_clips else media.grid(samples)
        media.write_png(folder / f"{stem}.png", image)
        for logger in trainer.run_loggers:
            logger.log_image(f"samples/{name}", image, step=int(gan.samples_seen))
        if are_clips:
            video = media.enlarged(media.grid(samples[:CLIPS_IN_GRID]))
            media.write_video(folder / f"{stem}.webp", video, self.frames_per_second)
            media.write_video(folder / f"{stem}.mp4", video, self.frames_per_second)
            for logger in trainer.run_loggers:
                logger.log_video(f"samples/{name}_clips", folder / f"{stem}.mp4", step=int(gan.samples_seen))

    def _animate(self, trainer: GANTrainer, gan: GAN, name: str, clips: Tensor, columns: int) -> None:
        """Write and log a table of clips."""
        video = media.enlarged(media.grid(clips, columns))
        stem = trainer.folder / "samples" / f"{name}_{self.last_drawn}"
        media.write_video(stem.with_suffix(".webp"), video, self.frames_per_second)
        media.write_video(stem.with_suffix(".mp4"), video, self.frames_per_second)
        for logger in trainer.run_loggers:
            logger.log_video(f"samples/{name}", stem.with_suffix(".mp4"), step=int(gan.samples_seen))
