"""Images in tar files, as WebDataset has them: many files as few, read where they lie."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from framegan import noise
from framegan.data.bad_files import BadFiles, OnError, Share
from framegan.data.cache_places import beside
from framegan.data.contents import digests
from framegan.data.files import class_name, files_of_split, root_of
from framegan.data.images.file import TarMember
from framegan.data.images.image_file import Channels, Resize
from framegan.data.images.image_files import ImageFiles
from framegan.data.images.tar_index import TarIndex, index_of, key_of
from framegan.data.labels import Classes, Labels, labels_of, numbered, of_classes
from framegan.data.resolution import Resolution, simplest
from framegan.data.source import Inventory, digest_of
from framegan.files.at_once import try_all
from framegan.quoting import first_names, printable

NAMED = 3


class ImageTars(ImageFiles):
    """The images in all tar files below a folder, in the order of their paths and in theirs, uint8 (C, H, W).

    Only where each image lies is found before training, not what it is: one that can't be decoded is named then and
    replaced, as in a folder. They are read in any order, as those of a folder are.

    Args:
        root: a folder, or one tar file.
        labels: "cls": the .cls beside an image holds its class, a number or a name; "folder": the first folder of its
            path in the tar file does; None: there are none; or the path of a csv or json that names images so.
        ending: which of a sample's files is read, such as jpg, where several are images.
        channels: 1 grey, 3 colour, 2 and 4 the same with alpha.
        resolution, resize, scaled_decode, split, classes, on_error, max_bad_fraction, seed: as of an `ImageFolder`.

    Raises:
        ValueError: there are no images, or their classes aren't known, or a tar file can't be read.
    """

    def __init__(
        self,
        root: str,
        resolution: Resolution,
        channels: Channels = 3,
        resize: Resize = "crop",
        scaled_decode: bool = False,
        split: str | None = None,
        labels: str | None = "cls",
        classes: Classes | None = None,
        ending: str | None = None,
        on_error: OnError = "raise",
        max_bad_fraction: Share = 0.01,
        seed: noise.Seed = 0,
    ):
        self.root = root_of(root)
        if self.root.is_file():
            self.folder, self.tars = self.root.parent, [self.root.name]
        else:
            self.folder, self.tars = files_of_split(root, split, (".tar",), "tar files", None)
        self.resolution, self.channels, self.resize = simplest(resolution), channels, resize
        self.scaled_decode, self.seed = scaled_decode, seed
        self.split = split if split not in (None, "auto") else "all"
        found = self._found()
        names = [f"{tar}/{name}" for tar, one in found.items() for name in one.names]
        rows = self._chosen(names, ending)
        if labels == "cls":
            said = [text for one in found.values() for text in one.classes]
            labelled = _said([names[row] for row in rows], [said[row] for row in rows])
        elif labels == "folder":
            inside = [name for one in found.values() for name in one.names]
            labelled = numbered([class_name(inside[row]) for row in rows])
        else:
            labelled = labels_of([names[row] for row in rows], self.folder, labels)
        rows, (self.labels, self.classes) = of_classes(rows, labelled, classes)
        self.files = [names[row] for row in rows]
        self._tar_of = np.repeat(np.arange(len(found)), [len(one.names) for one in found.values()])[rows]
        self._starts = np.concatenate([one.starts for one in found.values()])[rows]
        self._sizes = np.concatenate([one.sizes for one in found.values()])[rows]
        self.bad = BadFiles(len(self.files), f"images in the tar files of {self.root}", on_error, max_bad_fraction)

    def inventory(self) -> Inventory:
        recipe = {"resolution": self.resolution, "channels": self.channels, "resize": self.resize, **self._decoded_as}
        read = digest_of(np.stack([self._tar_of, self._starts, self.labels]))
        files = digests(self.root, {tar: [self.folder / tar] for tar in self.tars})
        return {**recipe, "classes": self.classes, "read": read, "files": files}

    def _found(self) -> dict[str, TarIndex]:
        """Return what is in each tar file."""
        store = beside(self.root) / "tars"
        found, problems = try_all(lambda tar: index_of(self.folder / tar, store), self.tars, "looking into tar files")
        if problems:
            raise ValueError("; ".join(f"{self.folder / tar}: {reason}" for tar, reason in problems.items()))
        return found

    def _chosen(self, names: Sequence[str], ending: str | None) -> list[int]:
        """Return which images are read, one of each sample."""
        wanted = f".{ending.lower().removeprefix('.')}" if ending else ""
        rows = [row for row, name in enumerate(names) if name.lower().endswith(wanted)]
        if not rows:
            which = f" that end in {wanted}, as data.ending says" if wanted else ""
            raise ValueError(f"no images{which} in the tar files of {self.root}")
        numbers = Counter(key_of(names[row]) for row in rows)
        if several := [key for key, number in numbers.items() if number > 1]:
            endings = sorted(name.removeprefix(f"{several[0]}.") for name in names if key_of(name) == several[0])
            rule = f"set data.ending to the one that is meant, of {', '.join(map(printable, endings))}"
            raise ValueError(f"{len(several):,} samples have several images, such as {printable(several[0])}; {rule}")
        return rows

    def _file(self, index: int) -> TarMember:
        tar = self.tars[self._tar_of[index]]
        start, size = int(self._starts[index]), int(self._sizes[index])
        return TarMember(self.folder / tar, self.files[index], start, size)

    def _num_bytes(self) -> int:
        return int(self._sizes.sum())


def _said(names: Sequence[str], said: Sequence[str]) -> Labels:
    """Return the class number of each image, and the names of the classes, as the .cls beside the images say."""
    if missing := [name for name, text in zip(names, said, strict=True) if not text]:
        there = f"{len(missing):,} of {len(names):,} images have no .cls beside them"
        named = first_names(map(printable, missing), NAMED)
        raise ValueError(f"{there}: {named}; set data.labels to folder, to a list, or to null for no classes")
    return numbered(said)
