"""Clips and words for the tests of edits."""

import shlex
from fractions import Fraction

import numpy as np
from PIL import Image

from framegan.edits import plan, reading, words

RATE = Fraction(8)


def clip(num_frames=8, size=(64, 72), channels=3):
    """Return uint8 (T, H, W, C): waves that move to the right, other ones in every channel."""
    time, y, x = np.mgrid[:num_frames, : size[0], : size[1]]
    waves = [127 + 100 * np.sin((x - 3 * time) / 7 + channel) * np.cos(y / 9) for channel in range(channels)]
    return np.stack(waves, axis=-1).astype(np.uint8)


def noise(num_frames=5, size=(33, 47), channels=3):
    return np.random.default_rng(0).integers(0, 256, (num_frames, *size, channels), dtype=np.uint8)


class Doubling:
    """Stands in for a trained network: repeats the pixels of frames, of one channel or of three."""

    def __init__(self, channels):
        self.channels, self.scale = channels, 2

    def begin(self):
        return lambda pixels: pixels.repeat(2, 0).repeat(2, 1)


def edits_of(*given):
    """Return edits; runs of super-resolution are called by their channels."""
    return words.edits_of(given, lambda name: Doubling(1 if "grey" in name else 3))


def planned(frames, *given, number=1, still=False):
    """Return what is known of edited frames, and their iterator's source."""
    source = reading.of_frames(frames, RATE, still=still)
    return plan.edited([source] * number, edits_of(*given))


def shown(frames, *given, **choices):
    return list(planned(frames, *given, **choices).frames())


def pixels(frames, *given, **choices):
    """Return edited frames, uint8 (T, H, W, C)."""
    return np.stack([one.pixels for one in shown(frames, *given, **choices)])


def example(name, folder):
    """Return the words of an edit's example, with files that exist."""
    rows = [f"{red} {green * 0.9} {blue * 0.5}" for blue in (0, 1) for green in (0, 1) for red in (0, 1)]
    (folder / "warm.cube").write_text("\n".join(['TITLE "warm"', "LUT_3D_SIZE 2", *rows]))
    Image.new("RGBA", (10, 8), (255, 0, 0, 128)).save(folder / "logo.png")
    Image.fromarray(noise(1, (20, 24))[0]).save(folder / "painting.png")
    text = words.EDITS[name].example.replace("steps=60", "steps=1")
    for file in ("warm", "logo", "painting"):
        text = text.replace(f"={file}", f"={folder}/{file}")
    return shlex.split(text)
