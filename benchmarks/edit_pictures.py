"""The pictures of docs/commands/edit.md: every edit, before and after, on a generator's clip and on a real one.

python benchmarks/edit_pictures.py REAL_CLIP CLIP_RUN RUN [GROUP ...]: such as the test sequence "carphone", a run of
experiments=shapes_mocogan, and one of model=espcn with colours, such as that of CIFAR-10 in
experiments/super_resolution; by default all groups.
"""

import shlex
import sys
from collections.abc import Sequence
from contextlib import chdir
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from painted_picture import painting
from PIL import Image, ImageDraw, ImageFont

import framegan
from framegan import media
from framegan.cli.enlarger import enlargers
from framegan.edits import plan, reading, words
from framegan.edits.outline import Edit, Joining
from framegan.edits.plan import Source

OUT = Path(__file__).resolve().parent.parent / "docs" / "edits"
FONT = ImageFont.load_default(14)
CELL, GAP, LABEL = 80, 3, 232
"""Pixels of a frame, between two, and of the words on the left."""
LETTERS = 33
"""Of a line of these words, at most."""
SEED = 1
"""Of the generated clip."""
FRAMES = {"time": 4, "several": 4}
"""Shown of a clip, of groups in which time matters; of others it is two."""
CELLS = {"likeness": 144}
"""Pixels of a frame in groups in which more has to be seen."""
FIRST = {"sharpen": ["blur=1.2"], "denoise": ["grain=25"], "style_like": ["trim=0-0.35"]}
"""What is done to clips before some edits, so that there is something to see, or less to wait for."""
MORE = {"style_like": ["style_like.statistics=sliced_wasserstein", "style_like.colours=own"]}
"""Settings of an edit that have a row of their own."""
OTHER = {"speed": "speed=0.5", "blur": "blur=3", "temperature": "temperature=3000", "trim": "trim=0.8-1.6"}
OTHER |= {"rate": "rate=4", "interpolate": "rate=5 interpolate=30", "crop": "crop=50x40", "grain": "grain=60"}
OTHER |= {"crossfade": "crossfade=1 crossfade.transition=wipeleft", "caption": "caption='hello, world' caption.size=11"}
OTHER |= {"pad": "pad=12 pad.colour=orange", "fade_in": "fade_in=1", "fade_out": "fade_out=1", "scale": "scale=40x70"}
OTHER |= {"denoise": "denoise=8", "deflicker": "deflicker=15", "style_like": "style_like=painting.png"}
OTHER |= {"vignette": "vignette=0.8", "pixelate": "pixelate=6", "watermark": "watermark=logo.png watermark.width=0.4"}
"""Values that show more than those of the examples."""
BY_A_NETWORK, PART, LARGER = "super-resolution", "84x84+62+14", 3
"""The group of edits that a run is needed for, what is shown of a picture, and how many times enlarged beyond that."""


def edits_of(given: Sequence[str]) -> list[Edit]:
    return words.edits_of(given, enlargers())


def generated(run: Path) -> Source:
    """Return a clip of a generator, played so slowly that it takes two seconds."""
    clip = media.to_frames(framegan.load(run).sample(seed=SEED, num_frames=8))[0]
    source = reading.of_frames(clip, Fraction(4), still=False)
    return plan.edited([source], edits_of(["scale=64x64"]))


def real(path: Path, side: int) -> Source:
    size = f"scale={side}x{side}"
    return plan.edited([reading.source_of(path)], edits_of(["trim=0-2", "crop=144x144", size]))


def spoilt(source: Source, name: str) -> Source:
    """Return a clip with what an edit takes out."""
    frames = np.stack([shown.pixels for shown in source.frames()])
    random = np.random.default_rng(0)
    if name == "deflicker":
        frames = (frames * random.uniform(0.4, 1, (len(frames), 1, 1, 1))).astype(np.uint8)
    if name == "stabilise":
        frames = frames.repeat(2, axis=1).repeat(2, axis=2)
        shifts = random.integers(-6, 7, (len(frames), 2))
        frames = np.stack([np.roll(one, shift, (0, 1)) for one, shift in zip(frames, shifts, strict=True)])
    source = reading.of_frames(frames, source.outline.rate, still=False)
    return plan.edited([source], edits_of(FIRST.get(name, [])))


def strip(source: Source, end: Fraction, number: int, side: int) -> list[np.ndarray]:
    """Return what is shown at times from the start to an end, each in its cell."""
    shown = list(source.frames())
    times = [end * place / number + end / (2 * number) for place in range(number)]
    return [cell(next((one for one in reversed(shown) if one.start <= time), shown[0]).pixels, side) for time in times]


def cell(pixels: np.ndarray, side: int) -> np.ndarray:
    colour = pixels[..., :3] if pixels.shape[-1] > 2 else pixels[..., :1].repeat(3, -1)
    picture = Image.fromarray(np.ascontiguousarray(colour))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return np.asarray(canvas)


def row(name: str, more: str, sources: Sequence[Source], number: int, side: int) -> Image.Image:
    """Return the words of an edit, and of each clip some frames before and after."""
    text = f"{OTHER.get(name) or words.EDITS[name].example} {more}".rstrip()
    given, is_joined = shlex.split(text), issubclass(words.EDITS[name], Joining)
    cells: list[np.ndarray] = []
    for source in sources:
        before = spoilt(source, name)
        several = [before, plan.edited([before], edits_of(["invert"]))]
        made = plan.edited(several if is_joined else [before], edits_of(given))
        end = before.outline.end
        cells += strip(before, end, number, side) + strip(made, made.outline.end if is_joined else end, number, side)
    width = LABEL + len(cells) * (side + GAP) + 9 * GAP
    picture = Image.new("RGB", (width, side + GAP), "white")
    ImageDraw.Draw(picture).multiline_text((4, 20), label(text.replace(f" {name}.", f"\n{name}.")), "black", FONT)
    left = LABEL
    for place, pixels in enumerate(cells):
        picture.paste(Image.fromarray(pixels), (left, 0))
        left += side + GAP + (3 * GAP if place % number == number - 1 else 0)
    return picture


def sheet(group: str, sources: Sequence[Source]) -> Image.Image:
    names = [name for name, kind in words.EDITS.items() if kind in words.GROUPS[group]]
    number, side = FRAMES.get(group, 2), CELLS.get(group, CELL)
    rows = [row(name, more, sources, number, side) for name in names for more in ("", *MORE.get(name, ()))]
    if group == "likeness":
        rows.append(picture_row("painting.png", side))
    rows.insert(0, Image.new("RGB", (rows[0].width, 24), "white"))
    for place, said in enumerate(("before", "after") * len(sources)):
        left = LABEL + place * (number * (side + GAP) + 3 * GAP)
        ImageDraw.Draw(rows[0]).text((left, 4), said, "black", FONT)
    picture = Image.new("RGB", (max(one.width for one in rows), sum(one.height for one in rows)), "white")
    top = 0
    for one in rows:
        picture.paste(one, (0, top))
        top += one.height
    return picture


def label(text: str) -> str:
    """Return the words of an edit in lines that fit."""
    return "\n".join(line if len(line) <= LETTERS else line.replace("=", "=\n") for line in text.splitlines())


def picture_row(file: str, side: int) -> Image.Image:
    """Return the name of a picture that edits read, and the picture."""
    picture = Image.new("RGB", (LABEL + side, side), "white")
    ImageDraw.Draw(picture).text((4, 20), file, "black", FONT)
    picture.paste(Image.fromarray(cell(np.asarray(Image.open(file)), side)), (LABEL, 0))
    return picture


def enlarged(path: Path, run: Path) -> Image.Image:
    """Return a part of a clip's first picture: as it is, scaled, and enlarged by a network, at one size."""
    ways = {
        "before": ["scale=2", "scale.kernel=nearest"],
        "scale=2 scale.kernel=bicubic": ["scale=2", "scale.kernel=bicubic"],
        "super_resolution=RUN": [f"super_resolution={run}"],
    }
    source, shown = plan.edited([reading.source_of(path)], edits_of(["trim=0-0.02"])), []
    for said, given in ways.items():
        first = next(plan.edited([source], edits_of([f"crop={PART}", *given])).frames()).pixels
        side = LARGER * len(first)
        picture = Image.new("RGB", (side, side + 24), "white")
        picture.paste(media.picture(media.enlarged(first, side)), (0, 24))
        ImageDraw.Draw(picture).text((0, 4), said, "black", FONT)
        shown.append(np.asarray(picture))
    return media.picture(media.tiled(shown, len(shown)))


def main(path: Path, clip_run: Path, run: Path, groups: Sequence[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    path, clip_run, run = path.resolve(), clip_run.resolve(), run.resolve()
    with TemporaryDirectory() as folder, chdir(folder):
        write_files(Path(folder))
        for group in groups or words.GROUPS:
            sources = generated(clip_run), real(path, CELLS.get(group, CELL))
            made = enlarged(path, run) if group == BY_A_NETWORK else sheet(group, sources)
            made.save(OUT / f"{group.translate(str.maketrans(' -', '__'))}.webp", quality=70, method=6)


def write_files(folder: Path) -> None:
    """Write a table of warm colours, a logo and a painting."""
    painting().save(folder / "painting.png")
    rows = [f"{min(1, red * 1.2)} {green * 0.9} {blue * 0.6}" for blue in (0, 1) for green in (0, 1) for red in (0, 1)]
    (folder / "warm.cube").write_text("\n".join(["LUT_3D_SIZE 2", *rows]))
    logo = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(logo).ellipse((4, 4, 60, 60), (255, 140, 0, 200), "white", 4)
    logo.save(folder / "logo.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4:])
