"""Pictures and clips of what the generator makes, from the same seeds every time, beside real data."""

from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from framegan import media, sampling
from framegan.callbacks.every import Every
from framegan.gan import GAN
from framegan.spread import spread
from framegan.strategy import average_buffers
from framegan.trainer import GANTrainer

CLIPS_IN_GRID = 16
CLIPS_IN_STRIPS = 8
TABLE = 6


class Samples(Every):
    """Writes samples/real.* once and samples/fake_<samples_seen>.* at the start, every so often and at the end.

    Real ones are spread over the classes and over the data. With `every` None there are no fake ones.

    Images make a .png grid. Clips make a .png with a row for each clip and a column for each frame, and a grid as .mp4
    and .webp. Where the generator has them, there are also content_motion_<samples_seen>.webp, a row for each content
    and a column for each motion, and composition_<samples_seen>.webp, what each clip is put together from.

    Args:
        num_samples: samples in a grid of images; fake ones are of seeds 0, 1, 2, ... of the averaged generator.
            Of clips there are 16.
        frames_per_second: rate at which clips are shown. None = that of the data, or 8 where they know none.
    """

    is_evaluation = True

    def __init__(
        self, every: PositiveInt | None, num_samples: PositiveInt = 64, frames_per_second: PositiveFloat | None = None
    ):
        super().__init__(every)
        media.check_rate(".mp4", frames_per_second or media.FRAMES_PER_SECOND)
        self.num_samples = num_samples
        self.frames_per_second = frames_per_second
        self.last_drawn: int | None = None
        self.num_shown, self.rate = num_samples, frames_per_second or media.FRAMES_PER_SECOND

    def on_train_start(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        are_clips = len(trainer.datamodule.shape) == 4
        self.num_shown = min(CLIPS_IN_GRID, self.num_samples) if are_clips else self.num_samples
        slowest, fastest = media.RATES[".mp4"]
        of_data = trainer.datamodule.frames_per_second or media.FRAMES_PER_SECOND
        self.rate = self.frames_per_second or min(max(slowest, of_data), fastest)
        if trainer.is_global_zero:
            if are_clips:
                self._say_rate()
            real, _ = trainer.datamodule.real_batch(self.num_shown)
            self._show(trainer, gan, "real", "real", real)
        if self.every and int(gan.samples_seen) == 0:
            self.act_timed(trainer, gan)

    def on_train_end(self, trainer: GANTrainer, gan: GAN) -> None:  # type: ignore[override]
        if self.every and self.last_drawn != int(gan.samples_seen):
            self.act_timed(trainer, gan)

    def act(self, trainer: GANTrainer, gan: GAN) -> None:
        self.last_drawn = int(gan.samples_seen)
        average_buffers(gan.generator_ema)
        if not trainer.is_global_zero:
            return
        self._show(trainer, gan, "fake", f"fake_{self.last_drawn}", gan.sample(range(self.num_shown)))
        if {"content", "motion"} <= sampling.parts_of(gan.generator_ema).keys():
            table = sampling.content_motion_table(gan.generator_ema, range(TABLE), range(TABLE))
            self._animate(trainer, gan, "content_motion", f"content_motion_{self.last_drawn}", table, columns=TABLE)
        if hasattr(gan.generator_ema, "composition"):
            parts = sampling.composition(gan.generator_ema, range(TABLE))
            self._animate(trainer, gan, "composition", f"composition_{self.last_drawn}", parts, len(parts) // TABLE)

    def _show(self, trainer: GANTrainer, gan: GAN, name: str, stem: str, samples: Tensor) -> None:
        are_clips = samples.ndim == 5
        some = samples[spread(CLIPS_IN_STRIPS, len(samples))]
        image = media.strips(some) if are_clips else media.grid(samples)
        path = trainer.folder / "samples" / f"{stem}.png"
        path.parent.mkdir(exist_ok=True)
        media.write_png(path, image)
        for logger in trainer.run_loggers:
            logger.log_image(f"samples/{name}", image, step=int(gan.samples_seen))
        if are_clips:
            self._animate(trainer, gan, f"{name}_clips", stem, samples)

    def _animate(
        self, trainer: GANTrainer, gan: GAN, name: str, stem: str, clips: Tensor, columns: int | None = None
    ) -> None:
        video = media.enlarged(media.grid(clips, columns))
        path = trainer.folder / "samples" / f"{stem}.mp4"
        media.write_video(path, video, self.rate)
        if self.rate <= media.RATES[".webp"][1]:
            media.write_video(path.with_suffix(".webp"), video, self.rate)
        for logger in trainer.run_loggers:
            logger.log_video(f"samples/{name}", path, step=int(gan.samples_seen))

    def _say_rate(self) -> None:
        """Say so where a .webp isn't shown as fast as the clips."""
        fastest = media.RATES[".webp"][1]
        if self.rate > fastest:
            print(f"samples  .mp4 alone: the data have {self.rate:g} frames a second, a .webp shows {fastest:g}")
