"""How much longer `generate` takes than a bare loop: python benchmarks/generate.py

Both write the same number of samples, untrained ones of 64 pixels, to a file each: PNG of `model=dcgan`, mp4 of
`model=mocogan` with 16 frames. The loop calls the generator and encodes, one after the other, and does nothing else:
no settings, notes, grid, progress or whole-or-nothing files. They take turns, and the ratio is taken pair by pair.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from PIL import Image
from step_time import median_with_interval

import framegan

SHORT = ["trainer=cpu", "total_samples=32", "data.batch_size=8", "metrics=[]", "evaluate_every=null"]
MODELS = {
    "png": ["model=dcgan", "data=synthetic", "data.resolution=64"],
    "mp4": ["model=mocogan", "data=moving_digits", "data.resolution=64", "data.num_frames=16"],
}
AT_ONCE = {"png": 64, "mp4": 16}
LIKE_OURS = {"crf": "12", "preset": "veryfast"}


def write_bare(generator: framegan.TrainedGenerator, kind: str, num_samples: int, folder: Path) -> None:
    """Write samples as one would by hand."""
    folder.mkdir()
    for first in range(0, num_samples, AT_ONCE[kind]):
        samples = generator.sample(seeds=range(first, min(first + AT_ONCE[kind], num_samples)))
        pixels = ((samples.movedim(1, -1) + 1) * 127.5).round().byte().numpy()
        for number, sample in enumerate(pixels, first):
            if kind == "png":
                Image.fromarray(sample.squeeze()).save(folder / f"{number}.png")
            else:
                write_mp4(folder / f"{number}.mp4", sample)


def write_mp4(path: Path, frames: np.ndarray) -> None:
    """Write (T, H, W, C) frames."""
    with av.open(os.fspath(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=LIKE_OURS)
        stream.height, stream.width = frames.shape[1:3]
        for frame in np.broadcast_to(frames, (*frames.shape[:-1], 3)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def seconds_of_pairs(kind: str, num_samples: int, num_pairs: int, folder: Path) -> list[tuple[float, float]]:
    """Return the seconds of `generate` and of the loop, pair by pair."""
    run = framegan.train(*MODELS[kind], *SHORT, f"hydra.run.dir={folder / kind}")
    generator, pairs = framegan.load(run), []
    for _ in range(num_pairs + 1):
        start = time.perf_counter()
        generator.generate(folder / "ours", num_samples=num_samples, format=kind)
        between = time.perf_counter()
        write_bare(generator, kind, num_samples, folder / "bare")
        pairs.append((between - start, time.perf_counter() - between))
        assert len(list((folder / "ours").iterdir())) == len(list((folder / "bare").iterdir())) == num_samples
        for written in ("ours", "bare"):
            shutil.rmtree(folder / written)
        for grid in folder.glob("ours_grid.*"):
            grid.unlink()
    return pairs[1:]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--clips", type=int, default=384)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for kind, number in (("png", options.images), ("mp4", options.clips)):
            pairs = seconds_of_pairs(kind, number, options.pairs, Path(temporary))
            ratio, low, high = median_with_interval([ours / theirs for ours, theirs in pairs])
            ours, theirs = (sorted(column)[len(pairs) // 2] for column in zip(*pairs, strict=True))
            print(
                f"{number} {kind}: {ours:.2f} s, bare loop {theirs:.2f} s, ratio {ratio:.2f} ({low:.2f} to {high:.2f})"
            )
