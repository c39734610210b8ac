"""Edits that draw onto pictures: a caption, a watermark.

This build of FFmpeg may have no letters of its own: Pillow draws them, once, and FFmpeg lays them over every frame.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont
from pydantic import Field, StringConstraints

from framegan.edits import source_colours
from framegan.edits.outline import Filter, Filtered, Outline
from framegan.edits.values import Colour, File, Share, is_grey

Place = Literal["top", "middle", "bottom"]
Corner = Literal["top_left", "top_right", "bottom_left", "bottom_right", "middle"]
SMALLEST_LETTERS = 10
"""Pixels, if no size is asked for."""
USUAL_SHARE = 20
"""Of a picture's width, what a watermark takes, in percent."""
NO_SUCH_LETTER = "\U0010ffff"
"""No font has a picture for it but the one of letters that are missing."""


def _over(picture: Image.Image, x: int, y: int) -> list[Filter]:
    return [Filter("overlay", {"x": str(x), "y": str(y), "format": "rgb"}, np.asarray(picture.convert("RGBA")))]


@dataclass(frozen=True)
class Caption(Filtered):
    """Write a text, as it stands; long lines are broken.

    Args:
        size: height of the letters in pixels. None = a tenth of the picture's, and at least 10.
        outline: colour around the letters.
        font: a file of a font; None = Latin letters.
    """

    example: ClassVar[str] = "caption='hello, world'"
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    place: Place = "bottom"
    size: Annotated[int, Field(ge=4, le=2000)] | None = None
    colour: Colour = "white"
    outline: Colour = "black"
    font: File | None = None

    def after(self, before: Outline) -> Outline:
        self._drawn(before)
        return before if is_grey(self.colour) and is_grey(self.outline) else before.in_colour()

    def filters(self, before: Outline) -> list[Filter]:
        picture = self._drawn(before)
        free = before.height - picture.height
        y = {"top": 0, "middle": free // 2, "bottom": free}[self.place]
        return _over(picture, (before.width - picture.width) // 2, y)

    def _drawn(self, before: Outline) -> Image.Image:
        size = self.size or max(SMALLEST_LETTERS, before.height // 10)
        font, stroke = _font(self.font, size), max(1, size // 14)
        self._check_letters(font)
        canvas = ImageDraw.Draw(Image.new("RGBA", (1, 1)))
        style: dict[str, Any] = {"font": font, "stroke_width": stroke, "align": "center"}

        def box(text: str) -> tuple[int, int, int, int]:
            left, top, right, bottom = canvas.multiline_textbbox((0, 0), text, **style)
            return round(left - 1), round(top - 1), round(right + 1), round(bottom + 1)

        text = _broken(self.text, lambda line: box(line)[2] - box(line)[0] <= before.width)
        left, top, right, bottom = box(text)
        if right - left > before.width or bottom - top > before.height:
            raise ValueError(
                f"the caption takes {right - left}x{bottom - top} pixels of pictures of {before.size}; set "
                f"caption.size to less than {size}, or scale before it"
            )
        picture = Image.new("RGBA", (right - left, bottom - top), (*ImageColor.getrgb(self.outline)[:3], 0))
        ImageDraw.Draw(picture).multiline_text((-left, -top), text, fill=self.colour, stroke_fill=self.outline, **style)
        return picture

    def _check_letters(self, font: Any) -> None:
        missing = bytes(font.getmask(NO_SUCH_LETTER))
        lacking = [letter for letter in dict.fromkeys(self.text) if not letter.isspace() and not letter.isprintable()]
        lacking += [
            letter
            for letter in dict.fromkeys(self.text)
            if letter.isprintable() and bytes(font.getmask(letter)) == missing
        ]
        if lacking:
            raise ValueError(
                f"the font of the caption has no {lacking[0]!r}; set caption.font to a file of one that has"
            )


@dataclass(frozen=True)
class Watermark(Filtered):
    """Lay a picture over each one.

    Args:
        width: of the picture, as a share of that below it. None = as it is.
        margin: pixels to the corner.
    """

    example: ClassVar[str] = "watermark=logo.png"
    file: File
    place: Corner = "bottom_right"
    opacity: Share = 1.0
    width: Annotated[float, Field(gt=0, le=1)] | None = None
    margin: Annotated[int, Field(ge=0, le=10_000)] = 4

    def after(self, before: Outline) -> Outline:
        self.filters(before)
        return before.in_colour()

    def filters(self, before: Outline) -> list[Filter]:
        picture = self._picture(before)
        free = before.width - picture.width, before.height - picture.height
        if min(free) < self.margin * (self.place != "middle"):
            raise ValueError(
                f"watermark={self.file.name} has {picture.width}x{picture.height} pixels, which don't fit into "
                f"pictures of {before.size} with watermark.margin={self.margin}; {self._remedy(picture, before)}"
            )
        if self.place == "middle":
            return _over(picture, free[0] // 2, free[1] // 2)
        x = self.margin if self.place.endswith("left") else free[0] - self.margin
        return _over(picture, x, self.margin if self.place.startswith("top") else free[1] - self.margin)

    def _remedy(self, picture: Image.Image, before: Outline) -> str:
        """Return a setting with which it fits."""
        margin = self.margin * (self.place != "middle")
        for share in range(USUAL_SHARE, 0, -1):
            across, down = _narrowed(picture, before, share / 100)
            if across + margin <= before.width and down + margin <= before.height:
                return f"set watermark.width={share / 100:g}"
        return "choose another one, or watermark.margin=0"

    def _picture(self, before: Outline) -> Image.Image:
        try:
            picture = source_colours.picture(self.file, 4)
        except ValueError as error:
            raise ValueError(f"watermark={self.file} can't be read: {error}") from None
        if self.width is not None:
            picture = picture.resize(_narrowed(picture, before, self.width))
        if self.opacity < 1:
            picture.putalpha(picture.getchannel("A").point(lambda value: round(value * self.opacity)))
        return picture


def _narrowed(picture: Image.Image, before: Outline, share: float) -> tuple[int, int]:
    """Return the size of a picture that takes this share of the width of those below."""
    across = max(1, round(before.width * share))
    return across, max(1, round(picture.height * across / picture.width))


def _font(file: Path | None, size: int) -> Any:
    if file is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(str(file), size)
    except OSError as error:
        raise ValueError(f"caption.font={file} can't be read as a font: {error}") from None


def _broken(text: str, fits: Any) -> str:
    """Return a text with line breaks in place of blanks, so that lines fit as far as words do."""
    lines = []
    for given in text.splitlines() or [text]:
        line = ""
        for word in given.split(" "):
            longer = f"{line} {word}" if line else word
            if line and not fits(longer):
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)
