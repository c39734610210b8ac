"""Where samples go: a file for each in a folder, an array or a tar of all, or one picture or video.

A sample is uint8 pixels: an image (H, W, C) or a clip (T, H, W, C). A long clip may be an iterator of frames instead,
which a folder of videos takes as they come.
"""

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from framegan import media, video_files, video_formats
from framegan.files import atomic
from framegan.files.at_once import in_background

Format = Literal["png", "mp4", "webm", "gif", "webp", "apng", "npy", "frames", "auto"]
OF_IMAGES, OF_CLIPS = ("png", "npy"), ("mp4", "webm", "gif", "webp", "apng", "npy", "frames")
"""What the file of each sample can be; the first is what "auto" means."""
ARRAYS = (".npz", ".npy")
Sample = np.ndarray | Iterator[np.ndarray]
Add = Callable[[str, int, Sample, int, str], None]
"""Takes one sample: the name of its row, its number, its pixels, its class and its note."""


@dataclass(frozen=True)
class Target:
    """What `out` means.

    Args:
        path: the file, or the folder.
        kind: each = a file for each sample, in a folder or a tar.
        format: of these files; "" where there are none.
    """

    path: Path
    kind: Literal["each", "tar", "array", "picture", "video"]
    format: str

    def grid(self, *, is_video: bool) -> Path:
        """Return where the samples are shown side by side: beside the folder, under its name."""
        return self.path.with_name(f"{self.path.name}_grid{'.mp4' if is_video else '.png'}")

    def plays(self, *, has_grid: bool) -> bool:
        """Return whether any file of clips says how fast they play."""
        in_files = self.kind in ("each", "tar") and self.format not in ("npy", "frames")
        return self.kind == "video" or in_files or has_grid


@dataclass(frozen=True)
class Style:
    """How videos are written; see `framegan.video_files`."""

    frames_per_second: float
    encoding: video_formats.Encoding = video_formats.AS_EVER


def target(out: str | None, format: Format, folder: Path, *, makes_clips: bool, moves: bool) -> Target:
    """Return what `out` means; raise ValueError where that can't hold what is made, or its files have another format.

    Args:
        folder: of the run, where `generated` is made if out is None.
        moves: whether a video can be made: of clips, and of what lies between images.
    """
    path = Path(out) if out else folder / "generated"
    if path.name in ("", ".."):  # the grid is written beside the folder, under its name
        path = path.resolve()
    if not path.name:
        raise ValueError(f"out={out} has no folder above it, where the grid is written; set out to another folder")
    ending = "" if path.is_dir() else path.suffix
    made = "clips" if makes_clips else "images"
    pictured = (".png", *video_formats.RATES) if moves else (".png",)
    if ending and ending not in (*pictured, *ARRAYS, ".tar"):
        raise ValueError(
            f"out got {path}; {made} go to a file that ends in {', '.join(pictured)}, .npz, .npy or .tar; other names "
            "are folders, and one with a dot in it has to exist"
        )
    if ending in ("", ".tar"):
        return Target(path, "tar" if ending else "each", _format(format, made, OF_CLIPS if makes_clips else OF_IMAGES))
    if format != "auto":
        raise ValueError(f"out={path} is one file, and its ending says its format; leave out format={format}")
    kinds: dict[str, Any] = {".png": "picture", **dict.fromkeys(ARRAYS, "array")}
    return Target(path, kinds.get(ending, "video"), "")


def _format(format: Format, made: str, allowed: Sequence[str]) -> str:
    if format != "auto" and format not in allowed:
        raise ValueError(f"format={format}, but this generator makes {made}; set format to {' or '.join(allowed)}")
    return allowed[0] if format == "auto" else format


def name_of(number: int, noun: str) -> str:
    """Return the name of a sample, which sorts by its number: "seed_000007"."""
    return f"{noun}_{number:06}"


def there_already(
    to: Target, rows: Sequence[str], numbers: Sequence[int], noun: str, others: Sequence[Path]
) -> Path | None:
    """Return a file or a folder that would be overwritten, None where there is none.

    Args:
        others: files beside those of the samples.
    """
    if to.kind != "each":
        others = [to.path, *others]
    else:
        ending = "" if to.format == "frames" else f".{to.format}"
        for folder in (to.path / row for row in rows):
            found = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
            names = (f"{name_of(number, noun)}{ending}" for number in (numbers if found else ()))
            others = [*(folder / name for name in names if name in found), *others]
    return next((path for path in others if path.exists()), None)


def opened(to: Target, style: Style, noun: str, number: int, classes: Sequence[str]) -> AbstractContextManager[Add]:
    """Return where samples go, `number` of them in all, of classes with these names; () = they have none."""
    if to.kind == "array":
        return _array(to.path, noun, number, classes)
    return _tar(to, style, noun, classes) if to.kind == "tar" else _files(to.path, to.format, style, noun)


@contextmanager
def _files(folder: Path, format: str, style: Style, noun: str) -> Iterator[Add]:
    with in_background() as call:

        def add(row: str, number: int, pixels: Sample, label: int, note: str) -> None:
            place = folder / row
            place.mkdir(parents=True, exist_ok=True)
            what = place / name_of(number, noun), pixels, format, style, note
            if isinstance(pixels, np.ndarray):
                call(_write_one, *what)
            else:
                _write_one(*what)

        yield add


@contextmanager
def _tar(to: Target, style: Style, noun: str, classes: Sequence[str]) -> Iterator[Add]:
    """Write a tar as WebDataset reads it: of each sample its file, and the name or number of its class in .cls."""
    to.path.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic.new_file(to.path, synced=False) as part,
        tarfile.open(part, "w") as archive,
        atomic.new_folder() as place,
    ):

        def add(row: str, number: int, pixels: Sample, label: int, note: str) -> None:
            stem = place / row / name_of(number, noun)
            stem.parent.mkdir(parents=True, exist_ok=True)
            _write_one(stem, pixels, to.format, style, note)
            stem.with_suffix(".cls").write_text(classes[label] if classes else str(label), encoding="utf-8")
            for file in sorted(path for path in stem.parent.rglob("*") if path.is_file()):
                name = file.name if file.parent == stem.parent else f"{stem.name}.{file.name}"  # of a clip's frames
                archive.add(file, (Path(row) / name).as_posix(), filter=_of_nobody)
                file.unlink()

        yield add


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who has made it, and when: the same samples are the same file."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


@contextmanager
def _array(path: Path, noun: str, number: int, classes: Sequence[str]) -> Iterator[Add]:
    """Write .npy: pixels (N, [T,] H, W, C); .npz: these as "samples", and the "seeds" and "labels" (N,), int64.

    Of what lies between seeds "steps" have the place of the seeds.

    An .npz has the names of the classes too, as "classes", and of several rows their names, as "rows" (N,).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers, rows = list[tuple[int, int]](), list[str]()
    with atomic.new_file(path, synced=False) as part, ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(part, "w")) if path.suffix == ".npz" else None
        member = zipfile.ZipInfo  # without a time: the same samples are the same file
        with archive.open(member("samples.npy"), "w", force_zip64=True) if archive else part.open("wb") as stream:

            def add(row: str, seed: int, pixels: Sample, label: int, note: str) -> None:
                assert isinstance(pixels, np.ndarray)
                if not numbers:
                    shape = {"descr": "|u1", "fortran_order": False, "shape": (number, *pixels.shape)}
                    np.lib.format.write_array_header_1_0(stream, shape)
                stream.write(np.ascontiguousarray(pixels).tobytes())
                numbers.append((seed, label))
                rows.append(row)

            yield add
        seeds, labels = np.array(numbers, dtype=np.int64).T
        beside = {f"{noun}s": seeds, "labels": labels}
        beside |= {name: np.array(texts) for name, texts in (("classes", classes), ("rows", rows)) if any(texts)}
        for name, values in beside.items():
            if archive:
                with archive.open(member(f"{name}.npy"), "w") as file:
                    np.lib.format.write_array(file, values.copy())


def _write_one(stem: Path, pixels: Sample, format: str, style: Style, note: str) -> None:
    file = stem.with_name(f"{stem.name}.{format}")
    if format == "frames":
        stem.mkdir(exist_ok=True)
        files = (stem / f"frame_{number:06}.png" for number in count())
        for frame, file in zip(pixels, files, strict=False):
            media.write_png(file, frame, note)
        for left in takewhile(Path.exists, files):
            left.unlink()  # of a longer clip that was there
    elif format == "npy":
        assert isinstance(pixels, np.ndarray)
        media.write_npy(file, pixels)
    elif format == "png":
        assert isinstance(pixels, np.ndarray)
        media.write_png(file, pixels, note)
    else:
        video_files.write(file, pixels, style.frames_per_second, style.encoding, note)
