"""What is made beside each other: of each checkpoint, its weights and the classes a row of samples."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from framegan.cli.generator import Loaded

if TYPE_CHECKING:
    from torch import Tensor

NAME_OF_FOLDER = re.compile(r"(?!class_\d)\w[\w .-]{,59}")
"""Names of classes that may be those of folders; a checkpoint can have any."""
SHOWN_CLASSES = 20


@dataclass(frozen=True)
class Row:
    """The samples of one generator and one class.

    Args:
        name: the folder of their files, below that of all; "" = that one.
        run: where the generator comes from.
        weights: ema or raw.
        category: as `framegan.inputs.draw` takes it; None = drawn for each seed.
    """

    name: str
    run: Loaded
    weights: str
    category: str | None


@dataclass(frozen=True)
class Walk:
    """From one seed to the next; see `framegan.interpolation.walk`."""

    seeds: Sequence[int]
    steps: int
    interpolation: Any
    closed: bool

    def __len__(self) -> int:
        from framegan.interpolation import length

        return length(self.seeds, self.steps, closed=self.closed)


def rows_of(runs: Sequence[tuple[Loaded, str]], category: Any) -> list[Row]:
    """Return the rows of generators with their weights, and of the classes of each, and print which these are."""
    of_classes = _classes(runs[0][0].generator, category)
    names = _names_of_runs(runs)
    return [
        Row("/".join(filter(None, (name, of_class))), run, weights, one)
        for (run, weights), name in zip(runs, names, strict=True)
        for of_class, one in of_classes.items()
    ]


def _names_of_runs(runs: Sequence[tuple[Loaded, str]]) -> list[str]:
    """Return what each generator is called beside the others: by what they differ in, else by a number too."""
    if len(runs) == 1:
        return [""]
    parts = [
        [run.folder.name for run, _ in runs],
        [f"{run.checkpoint.stem}_{run.samples_seen}" for run, _ in runs],
        [weights for _, weights in runs],
    ]
    differ = [of_all for of_all in parts if len(set(of_all)) > 1]
    found = ["_".join(of_one) for of_one in zip(*differ, strict=True)] or [""] * len(runs)
    return [name if found.count(name) == 1 else f"{name or 'generator'}_{place}" for place, name in enumerate(found)]


def _classes(generator: Any, category: Any) -> dict[str, str | None]:
    """Return by the name of its row the class of each, and print which these are.

    One class, or those of the seeds (None), has no name.
    """
    from framegan.quoting import first_names
    from framegan.runs.categories import BY_NUMBER, class_number

    if category is None:
        return {"": None}
    names, several = generator.class_names, isinstance(category, list)
    wanted = category if several else [category]
    numbers = [class_number(one, getattr(generator, "num_classes", 0), names) for one in wanted]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"category got {category}; it should be one class or more, each once: category=[cat,dog]")
    said = first_names((f"{n}: {names[n]}" if names else str(n) for n in numbers), SHOWN_CLASSES)
    unnamed = "" if names else ", counted from 0: the checkpoint keeps no names of classes"
    print(f"{'category' if len(numbers) == 1 else 'categories'} {said}{unnamed}")
    if not several:
        return {"": f"{BY_NUMBER}{numbers[0]}"}
    stems = [names[n] if names and NAME_OF_FOLDER.fullmatch(names[n]) else f"class_{n}" for n in numbers]
    if len({stem.casefold() for stem in stems}) < len(stems):  # some disks take Cat and cat for one folder
        stems = [f"class_{n}" for n in numbers]
    return {stem: f"{BY_NUMBER}{number}" for stem, number in zip(stems, numbers, strict=True)}


def samples_of(
    row: Row, numbers: Sequence[int] | Walk, batch_size: int | None, **choices: Any
) -> "Iterator[tuple[Sequence[int], Tensor]]":
    """Yield the seeds, or the places on a walk, and the samples of a row, batch after batch."""
    from framegan import interpolation, sampling

    choices = {**choices, "category": row.category, "batch_size": batch_size}
    if not isinstance(numbers, Walk):
        yield from sampling.batches(row.run.generator, numbers, **choices)
        return
    way = {"interpolation": numbers.interpolation, "closed": numbers.closed}
    yield from interpolation.walk(row.run.generator, numbers.seeds, numbers.steps, **way, **choices)


def class_of(row: Row, numbers: Sequence[int] | Walk, number: int, held: Any, *, is_given: bool) -> int:
    """Return the number of the class of a sample: on a walk that of its first seed."""
    from framegan import inputs

    seed = numbers.seeds[0] if isinstance(numbers, Walk) else number
    return inputs.classes_of(row.run.generator, [seed], row.category, held, is_given=is_given)[0]


def check_alike(runs: Sequence[tuple[Loaded, str]]) -> None:
    """Raise ValueError where generators that are asked for the same samples make others."""
    first = runs[0][0]
    for run, _ in runs[1:]:
        for what in ("shape", "class_names", "given_frames"):
            ours, theirs = (getattr(one.generator, what, ()) for one in (first, run))
            if list_of(ours) != list_of(theirs):
                raise ValueError(
                    f"{run.folder} can't be shown beside {first.folder}: its {what} is {list_of(theirs)}, "
                    f"not {list_of(ours)}; leave it out, or choose runs of the same data"
                )


def check_settings(runs: Sequence[tuple[Loaded, str]], names: Sequence[str], remedy: str) -> None:
    """Raise ValueError where runs whose samples are made in one way were trained with other settings of the data."""
    first = runs[0][0]
    for run, _ in runs[1:]:
        for name in names:
            ours, theirs = (OmegaConf.select(one.config, f"data.{name}") for one in (first, run))
            if ours != theirs:
                said = f"its data have {name}={theirs}, not {ours}"
                raise ValueError(f"{run.folder} can't be shown beside {first.folder}: {said}; leave it out{remedy}")


def list_of(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else value
