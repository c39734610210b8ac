"""Makes the samples that were asked for, and writes them: each by itself, side by side, or as one video."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framegan import media, outputs, video_files, video_formats
from framegan.cli import generate_real, generate_rows
from framegan.cli.generate_rows import Row, Walk
from framegan.cli.made_with import Notes
from framegan.files import live
from framegan.outputs import Style, Target

if TYPE_CHECKING:
    from framegan.cli.generate import Settings
    from framegan.edits.samples import Postprocess


@dataclass(frozen=True)
class Work:
    """What is made, and how it is written.

    Args:
        numbers: the seeds of each row, or the way between some.
        to: where it goes.
        size: (H, W) of a sample.
        choices: of `framegan.sampling.batches`.
        edits: of each sample at its size; None = there are none.
    """

    settings: "Settings"
    rows: Sequence[Row]
    numbers: Sequence[int] | Walk
    to: Target
    style: Style
    size: tuple[int, int]
    choices: dict[str, Any]
    notes: Notes
    edits: "Postprocess | None" = None

    @property
    def makes_clips(self) -> bool:
        return len(self.rows[0].run.generator.shape) == 4

    @property
    def shape(self) -> tuple[int, ...]:
        """That of a sample as it is made, (C, H, W) or (C, T, H, W)."""
        channels, *rest = self.rows[0].run.generator.shape
        return (channels, self.settings.num_frames or rest[0], *rest[1:]) if self.makes_clips else (channels, *rest)

    @property
    def margin(self) -> int:
        """Pixels between samples that are side by side."""
        return media.MARGIN if self.settings.margin is None else self.settings.margin

    @property
    def noun(self) -> str:
        """What a sample's number counts."""
        return "step" if isinstance(self.numbers, Walk) else "seed"

    @property
    def num_shown(self) -> int:
        """How many samples of a row are side by side: its share of `grid_samples`, and at least one."""
        if isinstance(self.numbers, Walk):
            return len(self.numbers) if self.to.kind == "picture" else 0
        if self._is_long and self.to.kind == "each":
            return 0
        wanted = self.settings.grid_samples
        return min(len(self.numbers), max(1, wanted // len(self.rows))) if wanted else 0

    def check_size(self) -> None:
        """Raise ValueError where one video can't hold what is side by side in it."""
        if self.to.kind != "video":
            return
        number, columns = self._tiles
        blank = np.empty((*self._size_of_each, 0), np.uint8)
        grid = blank if number == 1 else media.tiled([blank] * number, columns, margin=self.margin)
        if not isinstance(self.numbers, Walk):
            grid = self._for_the_eye(grid, number)
        size, ending = (grid.shape[0], grid.shape[1]), self.to.path.suffix
        try:
            video_formats.check(ending, self.style.frames_per_second, self.style.encoding, size)
        except ValueError as error:  # which speaks of one sample
            even = "scale=2 margin=2" if self.margin % 2 and number > 1 else "scale=2"
            raise ValueError(str(error).replace("scale=2", even)) from None

    @property
    def _tiles(self) -> tuple[int, int | None]:
        """How many are side by side in one video, and how many of them in a row; None = as square as possible."""
        if isinstance(self.numbers, Walk):
            return len(self.rows), None
        if self.settings.neighbours is not None:
            columns = 1 + 2 * self.settings.neighbours
            return self.num_shown * columns, columns
        rows = len(self.rows) + (len({row.category for row in self.rows}) if self.settings.real else 0)
        return rows * self.num_shown, self.num_shown if rows > 1 else None

    @property
    def _size_of_each(self) -> tuple[int, int]:
        """(H, W) of a sample, edited."""
        return (self.edits.after.height, self.edits.after.width) if self.edits else self.size

    def refuse_to_overwrite(self) -> None:
        """Raise ValueError where a file is there already that would be written."""
        grid = [self._grid()] if self._has_grid else []
        grid += [generate_real.distances_of(self)] if self.settings.neighbours is not None else []
        numbers = range(len(self.numbers)) if isinstance(self.numbers, Walk) else self.numbers
        found = outputs.there_already(self.to, [row.name for row in self.rows], numbers, self.noun, grid)
        if found is not None:
            more = " (grid_samples=0 writes no grid)" if found in grid else ""
            raise ValueError(f"{found} is there already; set overwrite=true, or out to another place{more}")

    @property
    def _has_grid(self) -> bool:
        return self.to.kind == "each" and self.num_shown > 0

    def _grid(self) -> Path:
        return self.to.grid(is_video=self.makes_clips)

    def write(self) -> str:
        """Write all files, and return what there is now."""
        if self.to.kind == "video" and (isinstance(self.numbers, Walk) or self._is_long):
            if isinstance(self.numbers, Walk):
                frames = self._to_and_fro(self._frames_of_walk(self.numbers))
            else:
                frames = self._tracked(self._long_clips_side_by_side(self.numbers), "frame")
            self.to.path.parent.mkdir(parents=True, exist_ok=True)
            rate, encoding, note = self.style.frames_per_second, self.style.encoding, self.notes.of_all()
            video_files.write(self.to.path, frames, rate, encoding, note)
            return f"{self.to.path} shows {self._said()}"
        if self.settings.neighbours is not None:
            return generate_real.write_neighbours(self)
        if self.to.kind in ("picture", "video"):
            real = generate_real.rows_of(self) if self.settings.real else []
            shown = [[pixels for _, pixels in self._samples(row, self.num_shown)] for row in self.rows]
            self.write_grid([*shown, *real], self.to.path, self.style.encoding)
            return f"{self.to.path} shows {self._said()}{', and real ones below' if real else ''}"
        return self._write_each()

    def _write_each(self) -> str:
        total = len(self.rows) * len(self.numbers)
        shown: list[list[np.ndarray]] = []
        classes = getattr(self.rows[0].run.generator, "class_names", ())
        with outputs.opened(self.to, self.style, self.noun, total, classes) as add:
            for row in self.rows:
                shown.append([])
                for number, pixels in self._long_clips(row) or self._samples(row, len(self.numbers)):
                    label = 0
                    if self.to.kind != "each":
                        held, is_given = self.choices["held"], "given" in self.choices
                        label = generate_rows.class_of(row, self.numbers, number, held, is_given=is_given)
                    elif isinstance(pixels, np.ndarray) and len(shown[-1]) < self.num_shown:
                        shown[-1].append(pixels)
                    add(row.name, number, pixels, label, self.notes.of_one(row, number))
        if self.to.kind != "each":
            return f"{self.to.path} holds {total:,} sample{'s' * (total > 1)}{self._speed()}"
        if not self.num_shown:
            return f"{self._others(total)}{self._speed()}"
        self.write_grid(shown, self._grid(), video_formats.AS_EVER)
        return f"{self._grid()} shows {self._said()}; {self._others(total)}"

    def _samples(self, row: Row, number: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first numbers and samples of a row, at their size, and show how far it is."""
        numbers = self.numbers if isinstance(self.numbers, Walk) else self.numbers[:number]
        made = generate_rows.samples_of(row, numbers, self.settings.batch_size, **self.choices)
        what = row.name or "samples"
        with live.bar(number, lambda done: f"{what} {done:,} / {number:,}") as advance:
            for places, samples in made:
                for place, pixels in zip(places, media.to_frames(samples), strict=True):
                    yield place, self.finished(pixels)
                    advance(1)

    @property
    def _is_long(self) -> bool:
        """Whether clips are made some frames at a time."""
        from framegan import sampling

        generator, length = self.rows[0].run.generator, self.settings.num_frames
        if isinstance(self.numbers, Walk) or self.settings.needs_data:
            return False
        return sampling.frames_at_once(generator, length) is not None

    @property
    def _num_frames(self) -> int:
        if self.edits:
            return self.edits.after.num_frames
        return self.settings.num_frames or self.rows[0].run.generator.shape[1]

    @property
    def _given_frames(self) -> int:
        """How many frames at the start were given, as far as edits leave them there."""
        is_elsewhere = self.edits is not None and self.edits.changes_timing
        return 0 if is_elsewhere else getattr(self.rows[0].run.generator, "given_frames", 0)

    def _long_clips(self, row: Row) -> Iterator[tuple[int, outputs.Sample]] | None:
        """Return the seeds and clips of a row, whose frames are made as they are taken; None = they are made whole."""
        if isinstance(self.numbers, Walk) or not self._is_long or self.to.kind != "each" or self.to.format == "npy":
            return None
        name = row.name or "frame"
        return ((seed, self._tracked(self._long_clip(row, seed), f"seed {seed}, {name}")) for seed in self.numbers)

    def _tracked(self, frames: Iterable[np.ndarray], what: str) -> Iterator[np.ndarray]:
        yield from self._to_and_fro(live.track(frames, what, self._num_frames))

    def _long_clip(self, row: Row, seed: int) -> Iterator[np.ndarray]:
        from framegan import sampling

        pieces = sampling.frames_of(row.run.generator, seed, category=row.category, **self.choices)
        frames = (frame for piece in pieces for frame in media.to_frames(piece.unsqueeze(0))[0])
        return self._edited(map(self._resized, frames))

    def _edited(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        return self.edits.frames(frames) if self.edits else frames

    def finished(self, pixels: np.ndarray) -> np.ndarray:
        """Return a sample at its size, edited, a clip to and fro where that is asked for."""
        made = self._resized(pixels)
        return self._looped(self.edits(made) if self.edits else made)

    def _resized(self, pixels: np.ndarray) -> np.ndarray:
        return media.resized(pixels, *self.size, self.settings.resampling or "nearest")

    def _looped(self, frames: np.ndarray) -> np.ndarray:
        to_and_fro = self.settings.loop == "pingpong" and self.makes_clips
        return np.concatenate([frames, frames[-2:0:-1]]) if to_and_fro else frames

    def _to_and_fro(self, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield frames, and for loop=pingpong go back through them, but for the first and the last one."""
        kept: list[np.ndarray] = []
        for frame in frames:
            yield frame
            if self.settings.loop == "pingpong":
                kept.append(frame)
        yield from kept[-2:0:-1]

    def _frames_of_walk(self, walk: Walk) -> Iterator[np.ndarray]:
        """Yield what is seen on the way, row beside row: at each step one frame, of clips the next one, to and fro."""
        number = self.edits.after.num_frames if self.edits else len(walk)
        with live.bar(number, lambda done: f"frames {done:,} / {number:,}") as advance:
            for frames in zip(*(self._edited(self._row_of_walk(row, walk)) for row in self.rows), strict=True):
                yield frames[0] if len(frames) == 1 else media.tiled(frames, margin=self.margin)
                advance(1)

    def _long_clips_side_by_side(self, seeds: Sequence[int]) -> Iterator[np.ndarray]:
        """Yield frames in which the clips of each row are side by side."""
        given, columns = self._given_frames, len(self.rows) > 1 and self.num_shown
        clips = [self._long_clip(row, seed) for row in self.rows for seed in seeds[: self.num_shown]]
        for moment, frames in enumerate(zip(*clips, strict=True)):
            in_colour = len(frames) + 1 if moment < given else 0  # all columns, and what is right of them
            grid = frames[0] if len(frames) == 1 else media.tiled(frames, columns or None, in_colour, self.margin)
            yield self._for_the_eye(grid, len(frames))

    def _row_of_walk(self, row: Row, walk: Walk) -> Iterator[np.ndarray]:
        for places, samples in generate_rows.samples_of(row, walk, self.settings.batch_size, **self.choices):
            for place, pixels in zip(places, media.to_frames(samples), strict=True):
                frame = pixels
                if self.makes_clips:
                    last = len(pixels) - 1
                    frame = pixels[last - abs(last - place % max(1, 2 * last))]
                yield self._resized(frame)

    def write_grid(
        self,
        rows: Sequence[Sequence[np.ndarray]],
        path: Path,
        encoding: video_formats.Encoding,
        columns: int | None = None,
    ) -> None:
        tiles, columns = [one for row in rows for one in row], columns or (len(rows[0]) if len(rows) > 1 else None)
        is_video, given = path.suffix != ".png", self._given_frames
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(self.numbers, Walk) and not self.makes_clips:
            tiles, columns = _of_pairs(rows, self.numbers), self.numbers.steps + 1
        if self.makes_clips and not is_video:
            tiles, columns = [frame for clip in tiles for frame in clip], len(tiles[0])
        grid = tiles[0] if len(tiles) == 1 else media.tiled(tiles, columns, given, self.margin)
        if not is_video:
            media.write_png(path, grid, self.notes.of_all())
            return
        grid = self._for_the_eye(grid, len(tiles))
        note = self.notes.of_all(as_encoded=self.to.kind != "each")
        video_files.write(path, grid, self.style.frames_per_second, encoding, note)

    def _for_the_eye(self, grid: np.ndarray, number: int) -> np.ndarray:
        """Return a video of `number` samples side by side, or a frame of it, enlarged unless a size was asked for."""
        as_made = self._size_of_each == tuple(self.rows[0].run.generator.shape[-2:])
        return media.enlarged(grid) if as_made and number > 1 else grid

    def _said(self) -> str:
        number, of_each = self.num_shown, ""
        if len(self.rows) > 1:
            of_each = f" of each of {len(self.rows)} {'categories' if self._one_run() else 'rows'}"
        what = f"{number} sample{'s' * (number > 1)}"
        if isinstance(self.numbers, Walk):
            what = f"{len(self.numbers)} steps from seed to seed: {', '.join(map(str, self.numbers.seeds))}"
        return f"{what}{of_each}{self._speed()}"

    def _speed(self) -> str:
        moves = self.to.plays(has_grid=self._has_grid) if self.makes_clips else self.to.kind == "video"
        return f" at {self.style.frames_per_second:g} frames a second" if moves else ""

    def _others(self, total: int) -> str:
        """Return where the samples are, and beside how many files that were there."""
        folders = [self.to.path / row.name for row in self.rows]
        others, which = sum(len(list(folder.iterdir())) for folder in folders) - total, f"all {total:,} are"
        where = f"{self.to.path}, a folder for each {'category' if self._one_run() else 'row'}"
        return f"{'it is' if total == 1 else which} in {where if len(folders) > 1 else self.to.path}" + (
            f", beside {others:,} that were there" if others else ""
        )

    def _one_run(self) -> bool:
        return self.rows[0].run is self.rows[-1].run


def _of_pairs(rows: Sequence[Sequence[np.ndarray]], walk: Walk) -> list[np.ndarray]:
    """Return the samples of walks so that each pair of seeds has a row: from the one to the other, both shown."""
    pairs = len(walk.seeds) if walk.closed else len(walk.seeds) - 1
    places = [(pair * walk.steps + step) % len(walk) for pair in range(pairs) for step in range(walk.steps + 1)]
    return [row[place] for row in rows for place in places]
