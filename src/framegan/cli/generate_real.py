"""Real samples beside those that are made: some of the data, or the nearest ones to each, and how near they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framegan.cli import generate_rows
from framegan.cli.generate_rows import Walk

if TYPE_CHECKING:
    from framegan.cli.generate_work import Work

CHUNK = 64
"""How many real samples are read at a time."""


def rows_of(work: "Work") -> list[list[np.ndarray]]:
    """Return as many real samples as are shown, in a row for each class that is asked for.

    Raises:
        ValueError: they are unavailable, or there is none of a class.
    """
    real, made = _data_of(work), []
    for category, row in {row.category: row for row in work.rows}.items():
        label = None if category is None else generate_rows.class_of(row, work.numbers, 0, {}, is_given=True)
        shown = [work.finished(one) for one in _pixels_of(real, _numbers_of(real, work.num_shown, label))]
        blank = np.full_like(shown[0], 255)
        made.append(shown + [blank] * (work.num_shown - len(shown)))
    return made


def write_neighbours(work: "Work") -> str:
    """Write a row for each sample: it, its nearest real ones by pixels, and those by features; print how near they are.

    Raises:
        ValueError: the real samples are unavailable, or too few.
    """
    from framegan import media
    from framegan.evaluation.nearest_real import neighbours_of
    from framegan.files import strict_json

    if len(work.rows) > 1:
        raise ValueError(f"neighbours={work.settings.neighbours} is for one generator and one class; name one")
    assert not isinstance(work.numbers, Walk) and work.settings.neighbours is not None
    seeds, k = work.numbers[: work.num_shown], work.settings.neighbours
    real = _data_of(work)
    made = generate_rows.samples_of(work.rows[0], seeds, work.settings.batch_size, **work.choices)
    samples = torch.cat([media.to_pixels(some).cpu() for _, some in made])
    found = neighbours_of(real, seeds, samples, k)
    rows = [
        [work.finished(one) for one in (pixels, *_pixels_of(real, of_one.numbers))]
        for pixels, of_one in zip(samples.movedim(1, -1).numpy(), found, strict=True)
    ]
    work.write_grid(rows, work.to.path, work.style.encoding, columns=1 + 2 * k)
    strict_json.write(distances_of(work), [one.as_dict() for one in found])
    print(*(one.line() for one in found), sep="\n")
    copies = sum(one.may_be_a_copy for one in found)
    return (
        f"{work.to.path} shows in each row a sample, its {k} nearest real ones by pixels and those by "
        f"{found[0].embedding}; {copies} of {len(found)} may be copies{_looked_at(real.source)}; distances are in "
        f"{distances_of(work)}"
    )


def _looked_at(source: Any) -> str:
    """Return what was looked at of videos that are longer than a clip, of which training has seen other parts too."""
    from framegan.data.videos.clips import Clips

    if not isinstance(source, Clips):
        return ""
    number, length = source.draws.clips_per_video, source.draws.num_frames
    is_any_longer = any(source.videos.num_frames(video) > length for video in source.kept)
    clips = "one clip" if number == 1 else f"{number} clips"
    return f" of the {clips} of each video that was looked at: training saw other parts too" if is_any_longer else ""


def distances_of(work: "Work") -> Path:
    """Return the file of the distances, beside the picture."""
    return work.to.path.with_suffix(".json")


def _data_of(work: "Work") -> Any:
    from framegan.cli.evaluate import trained_on

    run = work.rows[0].run
    remedy = "real=true and neighbours show what the run was trained on: put that there again, or a link to it"
    real, shape = trained_on(run.config.data, run.folder, remedy), work.shape
    if tuple(real.source.shape) != shape:
        raise ValueError(
            f"the real samples are {list(real.source.shape)}, and those that are made {list(shape)}; leave out "
            f"num_frames={shape[1]}"
        )
    return real


def _pixels_of(real: Any, numbers: Sequence[int]) -> np.ndarray:
    return real.batch(numbers)[0].movedim(1, -1).numpy()


def _numbers_of(real: Any, number: int, category: int | None) -> list[int]:
    """Return the numbers of at most `number` real samples, drawn at random; of a class, where one is named."""
    if category is None:
        return real.chosen(number)
    found: list[int] = []
    order = real.chosen(real.num_samples)
    for first in range(0, len(order), CHUNK):
        some = order[first : first + CHUNK]
        found += [place for place, label in zip(some, real.batch(some)[1].tolist(), strict=True) if label == category]
        if len(found) >= number:
            break
    if not found:
        raise ValueError(f"the data have no sample of class {category}; leave out real=true")
    return found[:number]
