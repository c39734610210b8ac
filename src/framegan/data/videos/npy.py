"""Videos in one NumPy array on the disk, such as Moving MNIST (Srivastava et al. 2015)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from framegan.data.contents import file_inventory
from framegan.data.files import is_junk, root_of
from framegan.data.images.image_file import Filter, Fit, Resize
from framegan.data.labels import NO_CLASSES
from framegan.data.resolution import Resolution, sides_of
from framegan.data.source import Inventory
from framegan.spread import spread

Layout = Literal["auto", "TNHW", "NTHW", "NTHWC", "NTCHW", "NCTHW", "TNHWC", "TNCHW"]

NUM_LOOKED_AT = 16
"""Frames of which one has to be brighter than 1, unless all are black: masks are often kept as 0 and 1."""
FEW_FRAMES = 10
"""An array of N by T, N at least this many times T, holds N videos of T frames; videos come first in most files."""
MOVING_MNIST = (20, 10_000)
"""Frames and videos of the one published array that has frames first; another one may hold a few long videos."""


class NpyVideos:
    """The videos of a .npy file of uint8; see `framegan.data.video_set.FileVideos`. They have no classes.

    The file is mapped into memory and never read as a whole.

    Args:
        root: the file, or a folder that holds one .npy file.
        channels: 1 grey, 3 colour; grey videos become colour by repetition, colour ones grey by brightness.
        layout: order of the array's axes; TNHW is how Moving MNIST is published. auto: by its shape, where it is clear:
            where many more videos than frames come first, or it is that of Moving MNIST.
        resize: what to do with frames of another shape: crop, pad with black, or stretch.

    Raises:
        ValueError: there is no such file, or it holds something else.
    """

    num_classes = 1
    classes = (NO_CLASSES,)
    split = "all"

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Literal[1, 3] = 1,
        layout: Layout = "auto",
        resize: Resize = "crop",
        filter: Filter = "area",
    ):
        self.file = _file(root_of(root))
        self.root = root_of(root)
        self.fit = Fit(resolution, channels, resize, filter)
        self.resolution, self.channels = self.fit.resolution, channels
        array = _open(self.file)
        self.layout = _layout(array.shape, self.file) if layout == "auto" else layout
        if len(self.layout) != array.ndim:
            raise ValueError(f"data.layout={layout} has {len(layout)} axes, but {self.file} is {array.shape}")
        sizes = dict(zip(self.layout, array.shape, strict=True))
        if sizes.get("C", 1) not in (1, 3):
            raise ValueError(f"{self.file} is {array.shape}: {sizes['C']} channels as {self.layout}; set data.layout")
        self.num_videos, self.length = sizes["N"], sizes["T"]
        self.array: np.ndarray | None = None
        """The file as this process has it open, (N, T, H, W, C). A pickled memory map would be a copy of it."""
        some = spread(NUM_LOOKED_AT, self.num_videos * self.length)
        if max(self._frames(*divmod(place, self.length)).max() for place in some) == 1:
            rule = "videos are from 0 to 255. Save it again: np.save(path, array * 255)"
            raise ValueError(f"{self.file} holds 0 and 1 alone, as far as {len(some)} of its frames show; {rule}")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "array": None}

    @property
    def recipe(self) -> dict[str, Any]:
        return {**asdict(self.fit), "layout": self.layout}

    def __len__(self) -> int:
        return self.num_videos

    def name(self, index: int) -> str:
        return f"{self.file.name}[{index}]"

    def label(self, index: int) -> int:
        return 0

    def stamp(self, index: int) -> tuple[int, int]:
        status = self.file.stat()
        return status.st_size, status.st_mtime_ns

    def num_frames(self, index: int) -> int:
        return self.length

    def frame_times(self, index: int) -> np.ndarray | None:
        return None

    def inventory(self) -> Inventory:
        return file_inventory(self.root, {self.file.name: [self.file]}, [0], self.classes, self.recipe)

    def read(self, index: int, frames: Sequence[int]) -> np.ndarray:
        return np.stack([self._fit(frame) for frame in self._frames(index, list(frames))])

    def _frames(self, index: int, frames: int | list[int]) -> np.ndarray:
        """Return a frame (H, W, C) of a video as it is kept, or several (T, H, W, C)."""
        if self.array is None:
            array = _open(self.file).transpose([self.layout.index(axis) for axis in "NTHWC" if axis in self.layout])
            self.array = array if array.ndim == 5 else array[..., None]
        return self.array[index, frames]

    def _fit(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame (H, W, 1 or 3) in the size and the channels asked for."""
        if frame.shape == (*sides_of(self.resolution), self.channels):
            return frame
        image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else np.ascontiguousarray(frame))
        return self.fit(image.convert("L" if self.channels == 1 else "RGB"))


def arrays_in(root: Path) -> list[Path]:
    """Return the file that this is, or the .npy files in this folder."""
    return (
        [root]
        if root.is_file()
        else sorted(file for file in root.glob("*.npy") if file.is_file() and not is_junk(file.name))
    )


def _file(root: Path) -> Path:
    files = arrays_in(root)
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise ValueError(f"data.root={root} should be a .npy file, or a folder that holds one; found: {found}")
    return files[0].absolute()


def _open(file: Path) -> np.ndarray:
    array = mapped(file)
    if array.dtype != np.uint8:
        ways = {"0 to 255": "array", "0 to 1": "(array * 255).round()", "-1 to 1": "((array + 1) * 127.5).round()"}
        ways["0 to 65535"] = "(array >> 8)"
        fitting = {"b": ["0 to 1"], "f": ["0 to 1", "-1 to 1", "0 to 255"], "u": ["0 to 65535", "0 to 255"]}
        lines = [
            f"np.save(path, {ways[values]}.astype(np.uint8)) for values from {values}"
            for values in fitting.get(array.dtype.kind, ["0 to 255"])
        ]
        rule = "videos are uint8 from 0 to 255. Save it again: "
        raise ValueError(f"{file} holds {array.dtype}; {rule}{', or '.join(lines)}")
    if 0 in array.shape:
        raise ValueError(f"{file} is {array.shape}: it holds no pixels; save videos that have some")
    return array


def mapped(file: Path) -> np.ndarray:
    """Return the array in a file, which stays on the disk until it is used.

    Raises:
        ValueError: there is none, or it would have to be unpickled.
    """
    try:
        with file.open("rb") as start:
            if not start.read(6).startswith((b"\x93NUMPY", b"PK")):  # NumPy would take it for pickled objects
                raise ValueError("it doesn't begin as a .npy file does")
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is parsed as Python, which may stumble over anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{file} can't be read as an array: {reason:.100}; save it again with np.save") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{file} is an archive of {', '.join(array.files)}; save the videos alone with np.save")
    return array


def layouts_of(shape: Sequence[int]) -> list[str]:
    """Return the orders of axes that a shape may have, by where its channels are, those with videos first."""
    channels = [place for place in (1, 2, len(shape) - 1) if 0 < place < len(shape) and shape[place] in (1, 3)]
    as_long = [name for name in get_args(Layout)[1:] if len(name) == len(shape)]
    return sorted(name for name in as_long if channels == [name.index(axis) for axis in "C" if axis in name])


def _layout(shape: tuple[int, ...], file: Path) -> str:
    """Return the order of axes that a shape implies: by where its channels are, and by videos outnumbering frames."""
    fitting = layouts_of(shape)
    if len(fitting) == 1 or (fitting and shape[0] >= shape[1] * FEW_FRAMES):
        return fitting[0]
    if fitting and shape[:2] == MOVING_MNIST:
        return fitting[1]
    layouts = get_args(Layout)[1:]
    choices = " or ".join(fitting or [name for name in layouts if len(name) == len(shape)] or layouts)
    raise ValueError(
        f"{file} is {shape}, whose axes are ambiguous; set data.layout to {choices}: N videos, T frames, C channels, "
        "H high, W wide"
    )
