"""A folder of JPEG images against a bare loop over Pillow, and what keeping them saves: python benchmarks/images.py

Small images are drawn and written on the spot, and a few large ones. Each way reads the same images on one thread, in
turn, block by block; ratios are taken block by block, so that they hold when the machine's speed drifts.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from framegan.data.images.image_folder import ImageFolder

SMALL, LARGE = (32, 32), (1024, 768)
BLOCK = 100
Read = Callable[[int], object]


def draw(folder: Path, number: int, size: tuple[int, int]) -> None:
    """Write as many JPEG files of noise that is smooth over a few pixels, as photographs are."""
    random = np.random.default_rng(0)
    (folder / "a").mkdir(parents=True)
    for index in range(number):
        coarse = random.integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        picture.save(folder / "a" / f"{index:06}.jpg", quality=90)


def bare(images: ImageFolder, size: tuple[int, int]) -> Read:
    def read(index: int) -> np.ndarray:
        with Image.open(images.folder / images.files[index]) as image:
            colours = image.convert("RGB")
            return np.array(colours if colours.size == size else colours.resize(size, Image.Resampling.LANCZOS))

    return read


def measure(ways: dict[str, Read], numbers: Sequence[int]) -> dict[str, list[float]]:
    """Return the processor seconds an image takes in each way, block by block, the first one left out."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for first in range(0, len(numbers), BLOCK):
        for name, read in ways.items():
            start = time.process_time()
            for index in numbers[first : first + BLOCK]:
                read(index)
            seconds[name].append((time.process_time() - start) / len(numbers[first : first + BLOCK]))
    return {name: times[1:] for name, times in seconds.items()}


def show(title: str, ways: dict[str, Read], numbers: Sequence[int]) -> None:
    print(title)
    seconds = measure(ways, numbers)
    first = next(iter(seconds))
    for name, times in seconds.items():
        ratios = [time / other for time, other in zip(times, seconds[first], strict=True)]
        spread = f"{min(ratios):.3g} to {max(ratios):.3g}"
        print(f"  {name:<28} {1e6 * statistics.median(times):9,.1f} us, {statistics.median(ratios):.3g} ({spread})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=3000, help="images of 32 pixels a side")
    parser.add_argument("--large", type=int, default=500, help="images of 1024x768 pixels, made 64")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"Pillow {Image.__version__}, one thread; processor time an image, and beside the first way (median of blocks)"
    )
    with tempfile.TemporaryDirectory() as temporary:
        small, large = Path(temporary) / "small", Path(temporary) / "large"
        draw(small, options.small, SMALL)
        decoded = ImageFolder(str(small), SMALL[0], cache="none")
        time.sleep(4)  # what was changed a moment ago isn't kept
        ImageFolder(str(small), SMALL[0]).build_kept()
        kept = ImageFolder(str(small), SMALL[0])
        numbers = np.random.default_rng(0).permutation(options.small).tolist()
        ways = {"bare loop": bare(decoded, SMALL), "decoded": decoded.__getitem__, "kept on the disk": kept.__getitem__}
        show(f"{options.small:,} images of 32x32", ways, numbers)
        draw(large, options.large, LARGE)
        exact, scaled = (ImageFolder(str(large), 64, scaled_decode=way, cache="none") for way in (False, True))
        ways = {"bare loop": bare(exact, (64, 64)), "decoded": exact.__getitem__, "scaled_decode": scaled.__getitem__}
        show(f"{options.large:,} images of 1024x768, made 64x64", ways, range(options.large))


if __name__ == "__main__":
    main()
