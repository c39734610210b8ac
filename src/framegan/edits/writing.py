"""What is written of edited pictures: one file, whole or not at all, with its sound where that still fits."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from framegan import media, video_files, video_formats
from framegan.edits import plan, reading, words
from framegan.edits.outline import Edit, Frames, Outline
from framegan.edits.plan import Source
from framegan.files import atomic, live
from framegan.processes.lifetime import undone
from framegan.video_files import Timing
from framegan.video_formats import Encoding

PICTURES = (".png", ".jpg", ".jpeg")
WITH_ALPHA = (".png", ".webp", ".apng", ".npy")
HELD = (".gif", ".webp", ".npy")
"""Files whose frames are in memory together."""
SOUNDS = {
    ".mp4": {"aac", "mp3", "mp3float", "ac3", "eac3", "opus", "flac", "alac"},
    ".webm": {"opus", "vorbis", "libopus", "libvorbis"},
}
"""What a file can hold, by FFmpeg's names."""
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Work:
    """A file that is made of others.

    Args:
        edits: in their order.
        note: what the file says of itself, see `framegan.notes`.
    """

    files: Sequence[Path]
    out: Path
    edits: Sequence[Edit]
    encoding: Encoding = video_formats.AS_EVER
    note: str = ""

    def write(self, *, overwrite: bool = False) -> str:
        """Write it, and return what there is now.

        Raises:
            ValueError: something doesn't fit, or can't be read or written; nothing has changed then.
        """
        self._check_places(overwrite=overwrite)
        sources = [reading.source_of(file) for file in self.files]
        made = plan.edited(sources, self.edits)
        check(self.out, made.outline, self.encoding)
        codecs = [reading.sound_codec(file) for file in self.files]
        codec = next(filter(None, codecs), None)
        silent = self._why_silent(codec)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with_sound = codec is not None and not silent
        track = reading.sound(self.files[0], sources[0].begin) if with_sound else nullcontext()
        with track as sound, undone() as stack:
            stack.callback(atomic.part_of(self.out).unlink, missing_ok=True)
            number, end = _write(self.out, made, self.encoding, self.note, sound)
        lines = [_said(self.out, made.outline, number, end)]
        lines += [f"the sound is left out: {silent}"] if silent else []
        return "\n".join(lines)

    def _check_places(self, *, overwrite: bool) -> None:
        for file in self.files:
            if self.out.exists() and file.exists() and self.out.samefile(file):
                raise ValueError(
                    f"{self.out} is read and can't be written at the same time; name another file to write"
                )
        if self.out.is_dir():
            raise ValueError(f"{self.out} is a folder; name a file, such as {self.out / self.files[0].name}")
        if self.out.exists() and not overwrite:
            raise ValueError(f"{self.out} is there already; set overwrite=true, or name another file")

    def _why_silent(self, codec: str | None) -> str:
        """Return why a sound track is left out; "" where there is none, or it is kept."""
        if codec is None:
            return ""
        if len(self.files) > 1:
            return "it is kept of one clip alone"
        for edit in self.edits:
            if edit.changes_timing and not edit.keeps_pace:
                return f"{words.name_of(edit)} changes when frames are shown, and not the sound"
        ending = self.out.suffix
        if codec not in SOUNDS.get(ending, ()):
            holds = ", ".join(sorted(SOUNDS[ending])) if ending in SOUNDS else "no sound"
            return f"it is {codec}, and a {ending} holds {holds}"
        return ""


def check(out: Path, made: Outline, encoding: Encoding) -> None:
    """Raise ValueError where a file can't hold such pictures."""
    ending = out.suffix
    if ending in PICTURES:
        if made.num_frames > 1:
            raise ValueError(_too_many(out, f"{made.num_frames:,}"))
        video_formats.check(ending, 1.0, encoding, (made.height, made.width))
        return
    if ending not in video_formats.ENDINGS:
        ends = ", ".join((*PICTURES, *video_formats.ENDINGS))
        raise ValueError(f"{out} can't be written; the name of a file ends in one of: {ends}")
    try:
        video_formats.check(ending, float(made.rate), encoding, (made.height, made.width))
    except ValueError as error:  # which speaks of the settings of framegan generate
        said = str(error).replace("set frames_per_second=", "set rate=").replace("size=128", "scale=128x128")
        raise ValueError(said.replace(f"{made.height}x{made.width}", made.size)) from None
    if ending in HELD:
        made.require_memory(f"a {ending}", "write .mp4 or .webm, or take a part by trim")


def _too_many(out: Path, number: str) -> str:
    return (
        f"{out} holds one picture, and there are {number} frames; name a .mp4, .webm, .gif, .webp or .apng, or take "
        "one by trim"
    )


def _write(
    out: Path, made: Source, encoding: Encoding, note: str, sound: video_files.Sound | None
) -> tuple[int, Fraction]:
    """Write the frames; return how many there were, and when the last one ends."""
    seen, end = 0, Fraction()

    def counted(frames: Frames) -> Frames:
        nonlocal seen, end
        total = made.outline.num_frames
        with live.bar(total, lambda done: f"frames {done:,} / {max(done, total):,}") as advance:
            for shown in frames:
                yield shown._replace(pixels=_for(out, shown.pixels))
                seen, end = seen + 1, shown.start + shown.duration
                advance(1)

    frames = counted(made.frames())
    if out.suffix in PICTURES:
        shown = next(frames)
        if next(frames, None) is not None:  # of variable length, so that their number was an estimate
            raise ValueError(_too_many(out, "several"))
        _write_picture(out, shown.pixels, note)
        return 1, end
    timing = Timing(made.outline.rate, made.outline.tick)
    video_files.write_shown(out, frames, float(timing.rate), timing, encoding, note, sound)
    return seen, end


def _for(out: Path, pixels: np.ndarray) -> np.ndarray:
    """Return pixels as a file can hold them: what is transparent over black where it keeps no alpha."""
    return pixels if out.suffix in WITH_ALPHA else media.laid_over(pixels, 0)


def _write_picture(out: Path, pixels: np.ndarray, note: str) -> None:
    if out.suffix == ".png":
        media.write_png(out, pixels, note)
        return
    with atomic.new_file(out, synced=False) as part:
        media.picture(pixels).save(part, format="JPEG", quality=JPEG_QUALITY, subsampling=0)


def _said(out: Path, made: Outline, number: int, end: Fraction) -> str:
    if made.still or out.suffix in PICTURES:
        return f"{out} has {made.size} pixels"
    frames = f"{number:,} frame{'s' * (number != 1)} of {made.size}"
    return f"{out} has {frames}: {float(end):.4g} s at {float(number / end):.4g} frames a second"
