"""What a model costs: samples per second of one processor core, and the most memory, for each model and size.

python benchmarks/costs.py --images 32 64 128 --clips 64 --frames 16

Each is trained twice on one thread, for few and for more batches, in processes of its own; the seconds are processor
time, of the difference, so that neither the start nor other programs count. Nothing is measured or shown in between.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from framegan.files import strict_json

IMAGES = {"cgan": 200, "cgan_conv": 12, "dcgan": 12, "fastgan": 2, "r3gan": 3, "sngan": 2, "stylegan2": 4, "wgan_gp": 2}
CLIPS = {"mocogan": 8, "frame_cgan": 8, "g3an": 3, "stylegan_v": 3, "dcgan3d": 3, "tgan": 2, "vgan": 2, "predictor": 3}
"""By how many batches the two lengths differ, so that it takes some seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="*", default=[32, 64], help="pixels of a side")
    parser.add_argument("--clips", type=int, nargs="*", default=[64], help="pixels of a side")
    parser.add_argument("--frames", type=int, default=16, help="of a clip")
    parser.add_argument("--only", nargs="*", default=[*IMAGES, *CLIPS], help="models")
    options = parser.parse_args()
    print("model        size      batch  samples/s  memory MB")
    for models, sides, length in ((IMAGES, options.images, 1), (CLIPS, options.clips, options.frames)):
        for side in sides:
            for model, batches in models.items():
                if model in options.only:
                    print(row(model, side, length, batches), flush=True)


def row(model: str, side: int, length: int, batches: int) -> str:
    """Return the line of a model for images, or clips of `length` frames, of a side."""
    data = ["data=synthetic", f"data.resolution={side}"]
    if length > 1:
        data = ["data=moving_digits", f"data.resolution={side}", f"data.num_frames={length}"]
    if model == "predictor":
        data.append("data.given_frames=4")
    if model == "frame_cgan":
        data.append("model.conditional=false")
    (less, batch, _), (more, _, memory) = (trained(model, data, 2 + extra) for extra in (0, batches))
    size = f"{side}x{side}" + (f"x{length}" if length > 1 else "")
    return f"{model:<12} {size:<9} {batch:>5}  {batches * batch / (more - less):>9.3g}  {memory:>9,.0f}"


def trained(model: str, data: list[str], batches: int) -> tuple[float, int, float]:
    """Train for a number of batches; return the processor time in seconds, the batch size and the most memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"model={model}", *data, "trainer=cpu", f"trainer.max_batches={batches}", f"hydra.run.dir={folder}"]
        quiet = ["evaluate_every=null", "sample_every=null", "checkpoint_every=1_000_000"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "framegan", "train", *words, *quiet],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        summary = strict_json.loads((Path(folder) / "summary.json").read_bytes())
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, summary["samples_seen"] // batches, summary["peak_memory_mb"]


if __name__ == "__main__":
    main()
