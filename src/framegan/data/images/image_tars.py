"""Images in tar files, as WebDataset has them: many files as few, read where they lie."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from framegan import noise
from framegan.data.bad_files import BadFiles, OnError, Share
from framegan.data.cache_places import beside
from framegan.data.contents import digests, digits_of, told_apart
from framegan.data.files import (
    PART,
    class_name,
    counted_endings,
    files_of_split,
    groups_of_same,
    misplaced,
    root_of,
    walk,
)
from framegan.data.images.file import TarMember
from framegan.data.images.image_file import Channels, Resize
from framegan.data.images.image_files import ImageFiles
from framegan.data.images.tar_index import TarIndex, index_of, key_and_field
from framegan.data.labels import Classes, Labels, labels_of, numbered, of_classes
from framegan.data.resolution import Resolution, simplest
from framegan.data.source import Inventory, digest_of
from framegan.files.at_once import try_all
from framegan.processes.ranks import say
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
        ending: which of a sample's files is read, where several are images: what follows the first dot, such as jpg.
        channels: 1 grey, 3 colour, 2 and 4 the same with alpha.
        split: a folder below root to read instead of it, or how the names of the tar files begin that are read.
        on_error: as of an `ImageFolder`, of tar files and of images; so are resolution, resize, scaled_decode, classes,
            max_bad_fraction and seed.

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
        self.folder, tars = _tars_of(self.root, split)
        self.resolution, self.channels, self.resize = simplest(resolution), channels, resize
        self.scaled_decode, self.seed = scaled_decode, seed
        self.split = split if split not in (None, "auto") else "all"
        store = beside(self.root) / "tars"
        found, problems = try_all(lambda tar: index_of(self.folder, tar, store), tars, "looking into tar files")
        BadFiles(len(tars), f"tar files of {self.root}", on_error, max_bad_fraction).add(problems)
        self.tars, self._stamps = list(found), [one.stamp for one in found.values()]
        inside = [name for one in found.values() for name in one.names]
        names = [f"{tar}/{name}" for tar, one in found.items() for name in one.names]
        said = [text for one in found.values() for text in one.classes]
        places = np.concatenate([_places(tar, one) for tar, one in enumerate(found.values())])
        rows = self._chosen(names, sum((Counter(one.others) for one in found.values()), Counter()), ending)
        inside, names, said = ([texts[row] for row in rows] for texts in (inside, names, said))
        self._check_one_each(names)
        labelled = self._labelled(labels, names, inside, said, is_meant=split == "all")
        kept, (self.labels, self.classes) = of_classes(range(len(names)), labelled, classes)
        self.files, self._places = [names[row] for row in kept], places[rows][kept]
        self.bad = BadFiles(len(self.files), f"images in the tar files of {self.root}", on_error, max_bad_fraction)

    @cached_property
    def groups(self) -> list[int] | None:
        """All members of the same contents are held out, or none; those as large as another are looked into."""
        alike = told_apart(self._places[:, 2].tolist(), lambda index: digits_of(self._file(index).read_middle()))
        return groups_of_same(told_apart(alike, lambda index: digits_of(self._file(index).read_bytes())))

    def inventory(self) -> Inventory:
        recipe = {"resolution": self.resolution, "channels": self.channels, "resize": self.resize, **self._decoded_as}
        read = digest_of(np.column_stack([self._places, self.labels]))
        files = digests(self.root, {tar: [self.folder / tar] for tar in self.tars})
        return {**recipe, "classes": self.classes, "read": read, "files": files}

    def _chosen(self, names: Sequence[str], others: Counter[str], ending: str | None) -> list[int]:
        """Return which images are read, and say what isn't."""
        wanted, rows = ending.lower().removeprefix(".") if ending else None, list(range(len(names)))
        if wanted is not None:
            rows = [row for row in rows if key_and_field(names[row])[1].lower() == wanted]
            gone = {key_and_field(name)[0] for name in names} - {key_and_field(names[row])[0] for row in rows}
            if rows and gone:
                say(f"left out {len(gone):,} samples without .{wanted}")
        if not rows:
            which = f" that are NAME.{wanted}, as data.ending says" if wanted else ""
            there = f"; they hold {counted_endings(others)}" if others else ""
            raise ValueError(f"no images{which} in the tar files of {self.root}{there}")
        if others:
            say(f"left out {counted_endings(others)}: not read as images")
        return rows

    def _check_one_each(self, names: Sequence[str]) -> None:
        """Raise ValueError where a sample has several images."""
        numbers = Counter(key_and_field(name)[0] for name in names)
        if several := [key for key, number in numbers.items() if number > 1]:
            endings = [name.removeprefix(f"{several[0]}.") for name in names if key_and_field(name)[0] == several[0]]
            number = f"{len(several):,} samples have" if len(several) > 1 else "a sample has"
            such = f"{number} several images, such as {printable(several[0])}"
            which = f"set data.ending to the one that is meant, of {first_names(map(printable, endings), NAMED)}"
            raise ValueError(f"{such}; {which}. Where each is a sample, name them so that they differ before a dot")

    def _labelled(
        self,
        labels: str | None,
        names: Sequence[str],
        inside: Sequence[str],
        said: Sequence[str],
        *,
        is_meant: bool,
    ) -> Labels:
        """Return the class number of each image, and the names of the classes in order.

        Args:
            names: of the images; inside: in their tar files; said: what the .cls beside each says.
            is_meant: folders that look like parts of the data, or like one above them, are classes.
        """
        if labels == "folder":
            if not is_meant and (wrong := misplaced(inside, labels)):
                rule = "pack them by class (tar -C FOLDER), set data.labels=null, or data.split=all if it is meant so"
                raise ValueError(f"the tar files of {self.root} hold {wrong[0]}; {rule}")
            return numbered([class_name(name) for name in inside])
        if labels is None or labels.lower().endswith((".csv", ".json")):
            return labels_of(names, self.folder, labels)
        if labels != "cls":
            rule = "it should be cls, folder, null, or the path of a .csv or .json file"
            raise ValueError(f"data.labels got {labels!r}; {rule}")
        if missing := [name for name, text in zip(names, said, strict=True) if not text]:
            there = f"{len(missing):,} of {len(names):,} images have no .cls beside them"
            which = first_names(map(printable, missing), NAMED)
            raise ValueError(f"{there}: {which}; set data.labels to folder, to a list, or to null for no classes")
        return numbered(_as_numbers(said))

    def _file(self, index: int) -> TarMember:
        tar, start, size = map(int, self._places[index])
        return TarMember(self.folder / self.tars[tar], self.files[index], start, size, self._stamps[tar])

    def _num_bytes(self) -> int:
        return int(self._places[:, 2].sum())


def _as_numbers(said: Sequence[str]) -> Sequence[str]:
    """Return classes that are all whole numbers, without zeros before them where these would make two of one."""
    if not all(re.fullmatch(r"[0-9]{1,18}", text) for text in set(said)):
        return said
    return [str(int(text)) for text in said] if len({*map(int, said)}) < len({*said}) else said


def _places(tar: int, found: TarIndex) -> np.ndarray:
    """Return where each image lies, (N, 3): the number of the tar file, where its bytes begin, and how many it has."""
    return np.column_stack([np.full(len(found.names), tar), found.starts, found.sizes])


def _tars_of(root: Path, split: str | None) -> tuple[Path, list[str]]:
    """Return the tar files that are read, as posix paths, and the folder that they lie in.

    Raises:
        ValueError: there are none, or a split is mixed with others, or there is nothing of that name.
    """
    if root.is_file():
        if split not in (None, "auto", "all"):
            raise ValueError(f"data.split={split}, but data.root={root} is one tar file; leave data.split out")
        return root.parent, [root.name]
    is_named = split not in (None, "auto", "all")
    if not root.is_dir() and {*"{}*?[]"} & {*root.name}:
        rule = "set data.root to their folder, and data.split to how the names begin of those that are meant"
        raise ValueError(f"data.root={root} is no folder and no tar file; {rule}, such as train")
    if is_named and root.is_dir() and not (root / str(split)).is_dir():
        tars = walk(root, (".tar",))
        if chosen := [tar for tar in tars if Path(tar).name.startswith(str(split))]:
            return root, chosen
        there = f"there are {first_names(map(printable, tars), NAMED)}" if tars else "it has no tar files"
        raise ValueError(
            f"data.split={split}: {root} has no such folder, and no tar file whose name begins so; {there}"
        )
    folder, tars = files_of_split(root, split, (".tar",), "tar files", None)
    parts = dict(found for tar in tars if (found := _part_of(Path(tar).stem)))
    if len(parts) > 1 and split != "all":
        begun = list(parts.values())
        rule = f"set data.split to how the names begin of those that are meant, such as {begun[0]}, or to all"
        raise ValueError(f"{folder} holds tar files of the parts {', '.join(begun)}, which would be mixed; {rule}")
    return folder, tars


def _part_of(stem: str) -> tuple[str, str] | None:
    """Return the part of a set that the name of a tar file speaks of, and how that begins: imagenet-train-000000."""
    for word in re.finditer(r"[^-_.]+", stem):
        if found := PART.fullmatch(word[0]):
            return found[1].lower(), stem[: word.start()] + found[1]
    return None
