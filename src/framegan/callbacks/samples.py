"""Pictures and clips of what the generator makes, from the same seeds every time, beside real data."""

import math
import os
from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from framegan import inputs, interpolation, media, showing, terminal_pictures, video_files, video_formats
from framegan.callbacks.every import Every
from framegan.data.source import classes_of
from framegan.files import live, strict_json
from framegan.spread import spread
from framegan.strategy import average_buffers

EARLY = (500, 1_000, 2_000, 5_000, 10_000)
"""Of a run whose first interval takes half an hour."""
PREDICTED = 4
"""Clips that are shown as they went on, and as predicted."""
ENLARGED = 8
"""Samples that are shown reduced, enlarged and as they are."""
CLIPS_IN_GRID = 16
CLIPS_IN_STRIPS = 8
TABLE = 6
OF_A_MOMENT = "(?:fake|content_motion|composition|reconstruction|interpolation|prediction|enlarged)_([0-9]+)"
"""Names, without their endings, of the files that are written each time samples are due; the number is samples_seen."""
FEWEST_ROWS, MOST_ROWS = 6, 16
"""Lines of text as high as a picture in the terminal."""


class Samples(Every):
    """Writes samples/real.* once and samples/fake_<samples_seen>.* at the start, soon, every so often and at the end.

    Real ones are spread over the data, with the rows of the fake ones where these have one for each class. With `every`
    None there are no fake ones.

    Images make a .png grid. Clips make a .png with a row for each clip and a column for each frame, and a grid as .mp4
    and .webp. Where the generator has them, there are also content_motion_<samples_seen>.webp, a row for each content
    and a column for each motion, and composition_<samples_seen>.webp, what each clip is put together from; and of one
    that encodes samples reconstruction_<samples_seen> and interpolation_<samples_seen>, .png or of clips .webp. Of one
    that continues given frames, prediction_<samples_seen> has a row for each clip, the true one beside it; given
    frames have an orange margin. Of one that enlarges, enlarged_<samples_seen> has a row for each sample: the small
    one, bicubic, the model's, and the true one.

    Args:
        num_samples: the most samples in a grid; of clips there are 16 at most. Fake ones are made by the averaged
            generator from seeds 0, 1, 2, ...; one with classes has a row for each class, from the same seeds.
            samples/tiles.json has the seed and the class of each tile.
        frames_per_second: rate at which clips are shown. None = that of the data, or 8 where they know none.
        shown: terminal = the grids of fake samples are drawn in the terminal too, where it can show pictures.
        early: after how many samples there are some too, if that is before the first interval has passed.
    """

    phase = "samples"
    what = "the samples"
    is_evaluation = True

    def __init__(
        self,
        every: PositiveInt | None,
        num_samples: PositiveInt = 64,
        frames_per_second: PositiveFloat | None = None,
        shown: Literal["files", "terminal"] = "files",
        early: Sequence[PositiveInt] = EARLY,
    ):
        super().__init__(every)
        video_formats.check_rate(".mp4", frames_per_second or video_formats.FRAMES_PER_SECOND)
        self.early = [count for count in early if every and count < every]
        self.num_samples = num_samples
        self.frames_per_second = frames_per_second
        self.shown = shown
        self.way: terminal_pictures.Way | None = None

    def begin(self) -> None:
        self.remove_later("samples", OF_A_MOMENT)
        data = self.trainer.datamodule
        are_clips = len(data.shape) == 4
        self.given_frames = getattr(self.model.generator, "given_frames", 0)
        self.num_shown = min(CLIPS_IN_GRID, self.num_samples) if are_clips else self.num_samples
        slowest, fastest = video_formats.RATES[".mp4"]
        of_data = data.frames_per_second or video_formats.FRAMES_PER_SECOND
        self.rate = self.frames_per_second or min(max(slowest, of_data), fastest)
        self.in_webp = self.rate <= video_formats.RATES[".webp"][1]
        if self.trainer.is_global_zero:
            if are_clips and not self.in_webp:
                most = f"a .webp shows {video_formats.RATES['.webp'][1]:g}"
                print(f"samples  .mp4 alone: the data have {self.rate:g} frames a second, {most}")
            if self.shown == "terminal":
                self.way = terminal_pictures.way_of(os.environ)
                if self.way is None:
                    print("samples  no pictures here: the terminal isn't kitty, iTerm2 or one with sixels")
            classes, columns = self._layout()
            rows = None if columns is None else data.examples.rows(classes, columns)
            real, _ = rows or data.examples.real(self.num_shown)
            self._show("real", "real", real, columns if rows else None, "real samples")
            self._write_tiles()
        if self.every and self.samples_seen == 0:
            self.act_timed()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        self.run.moments += self.early

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        super().after_batch(outputs, batch, batch_idx)
        if any(self.reaches(count, batch) for count in self.early) and self.acted_at != self.samples_seen:
            self.act_timed()
            self.run.page_is_due = True

    def end(self) -> None:
        if self.every and self.acted_at != self.samples_seen:
            self.act_timed()

    def act(self) -> None:
        now, generator = self.samples_seen, self.model.generator_ema
        average_buffers(generator)
        if not self.trainer.is_global_zero:
            return
        classes, columns = self._layout()
        fake = showing.of_classes(generator, classes, range(columns or self.num_shown))
        self._show("fake", f"fake_{now}", fake, columns, self._caption(classes, columns))
        if {"content", "motion"} <= inputs.parts_of(generator).keys():
            table = showing.content_motion_table(generator, range(TABLE), range(TABLE))
            said = f"{now:,} samples seen; a row for each content, a column for each motion, of seeds 0 to {TABLE - 1}"
            self._animate("content_motion", f"content_motion_{now}", table, TABLE, said)
        if hasattr(generator, "encode"):
            self._show_codes(now)
        if self.given_frames:
            self._show_predictions(now)
        if hasattr(generator, "enlarged"):
            self._show_enlarged(now)
        if hasattr(generator, "composition"):
            parts = showing.composition(generator, range(TABLE))
            said = f"{now:,} samples seen; a row for each of seeds 0 to {TABLE - 1}: what the clip is put together from"
            self._animate("composition", f"composition_{now}", parts, len(parts) // TABLE, said)

    def _show_codes(self, now: int) -> None:
        """Show what the generator makes of real samples, unseen ones if there are any, and of what lies between two."""
        data = self.trainer.datamodule
        real, labels = data.examples.unseen(2 * TABLE)
        which = "real" if data.trained_on is None else "unseen real"
        show = self._animate if real.ndim == 5 else self._show
        known, between = showing.reconstructions(self.model.generator_ema, real, labels)
        said = f"{now:,} samples seen; a column for each {which} sample, above what its latents give"
        show("reconstruction", f"reconstruction_{now}", known, len(real), said)
        said = f"{now:,} samples seen; a row for each two {which} samples, and what lies between their latents"
        show("interpolation", f"interpolation_{now}", between, interpolation.STEPS, said)

    def _show_predictions(self, now: int) -> None:
        """Show how real clips went on, unseen ones if there are any, and how the generator continues them."""
        data = self.trainer.datamodule
        real, labels = data.examples.unseen(PREDICTED)
        which = "real" if data.trained_on is None else "unseen"
        made = showing.continued(self.model.generator_ema, real, labels, range(len(real)))
        pairs = torch.stack([real.to(made), made], dim=1).flatten(0, 1)
        said = f"{now:,} samples seen; of {which} clips the true one and then the prediction; orange: given"
        self._show("prediction", f"prediction_{now}", pairs, 2, said)

    def _show_enlarged(self, now: int) -> None:
        """Show what is made of reduced samples, unseen ones if there are any, beside bicubic and the true ones."""
        data = self.trainer.datamodule
        real, _ = data.examples.unseen(ENLARGED)
        small, made, bicubic, _ = showing.enlarged_again(self.model.generator_ema, real)
        scale = real.shape[-1] // small.shape[-1]
        pixels = small.repeat_interleave(scale, -1).repeat_interleave(scale, -2)
        beside = torch.stack([pixels, bicubic, made, real.to(made)], dim=1).flatten(0, 1)
        which = "real" if data.trained_on is None else "unseen real"
        said = f"{now:,} samples seen; of {which} samples the small one, bicubic, the model's, and the true one"
        show = self._animate if real.ndim == 5 else self._show
        show("enlarged", f"enlarged_{now}", beside, 4, said)

    def _layout(self) -> tuple[list[int | None], int | None]:
        """Return the classes that are shown, and how many of each stand in its row; neither without classes."""
        classes = sorted(inputs.kept_classes(self.model.generator))
        if len(classes) < 2:
            return [None], None
        rows = min(len(classes), self.num_shown)
        return [classes[place] for place in spread(rows, len(classes))], self.num_shown // rows

    def _caption(self, classes: list[int | None], columns: int | None) -> str:
        """Return what a grid of fake samples is made from, for those who see it elsewhere."""
        seeds = f"{self.samples_seen:,} samples seen; seeds 0 to {(columns or self.num_shown) - 1}"
        names = classes_of(self.trainer.datamodule.source)
        rows = [names[category] for category in classes if category is not None]
        return f"{seeds}, a row for each class: {', '.join(rows)}" if rows else seeds

    def _write_tiles(self) -> None:
        """Write samples/tiles.json: of every tile of a grid of fake samples its seed and class, for the page."""
        classes, columns = self._layout()
        names = classes_of(self.trainer.datamodule.source)
        tiles = [
            {"seed": seed, "class": None if category is None else names[category]}
            for category in classes
            for seed in range(columns or self.num_shown)
        ]
        are_clips = len(self.trainer.datamodule.shape) == 4
        shown = [tiles[index] for index in spread(CLIPS_IN_STRIPS, len(tiles))] if are_clips else tiles
        columns = 1 if are_clips else columns or math.ceil(math.sqrt(len(tiles)))
        strict_json.write(self.trainer.folder / "samples" / "tiles.json", {"columns": columns, "tiles": shown})

    def _show(self, name: str, stem: str, samples: Tensor, columns: int | None = None, caption: str = "") -> None:
        are_clips = samples.ndim == 5
        some = samples[spread(CLIPS_IN_STRIPS, len(samples))]
        given = 0 if name == "real" else self.given_frames
        image = media.strips(some, given) if are_clips else media.grid(samples, columns)
        path = self.trainer.folder / "samples" / f"{stem}.png"
        path.parent.mkdir(exist_ok=True)
        media.write_png(path, image)
        if self.way and name == "fake":
            rows = max(FEWEST_ROWS, min(MOST_ROWS, os.get_terminal_size(1).lines - FEWEST_ROWS))
            live.draw(terminal_pictures.drawn(media.enlarged(image, side=320), self.way, rows))
        for logger in self.trainer.run_loggers:
            frames = f"; {len(some)} of them, a row for each, its frames from left to right" if are_clips else ""
            over_white = media.enlarged(media.laid_over(image, 255))
            logger.log_image(f"samples/{name}", over_white, self.samples_seen, caption + frames)
        if are_clips:
            self._animate(f"{name}_clips", stem, samples, columns, caption)

    def _animate(self, name: str, stem: str, clips: Tensor, columns: int | None, caption: str) -> None:
        given = 0 if name == "real_clips" else self.given_frames
        video = media.enlarged(media.grid(clips, columns, given))
        path = self.trainer.folder / "samples" / f"{stem}.mp4"
        video_files.write(path, video, self.rate)
        if self.in_webp:
            video_files.write(path.with_suffix(".webp"), video, self.rate)
        for logger in self.trainer.run_loggers:
            logger.log_video(f"samples/{name}", path, self.samples_seen, caption)
