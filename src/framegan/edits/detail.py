"""Edits of detail: what is between a pixel and its neighbours, in space and time."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from framegan import media
from framegan.edits import graph
from framegan.edits.outline import Filter, Filtered, Frames, Outline, Streamed, by_planes, written
from framegan.edits.tensors import with_alpha_of
from framegan.video_files import Shown

BRIGHTNESS = np.array([0.299, 0.587, 0.114], np.float32)
"""Of red, green and blue (BT.601)."""
IN_YUV = Filter("format", {"pix_fmts": "yuv444p"})
"""Before filters that know no RGB."""


@dataclass(frozen=True)
class Sharpen(Streamed):
    """Make edges stronger.

    Args:
        size: pixels of what is taken for an edge, odd.
    """

    example: ClassVar[str] = "sharpen=1"
    amount: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]
    size: Literal["3", "5", "7", "9", "11", "13"] = "5"

    def after(self, before: Outline) -> Outline:
        graph.require("sharpen", "unsharp")
        return before

    def frames(self, frames: Frames, before: Outline) -> Frames:
        if not before.has_alpha:
            sides = {"lx": self.size, "ly": self.size}
            filters = [IN_YUV, Filter("unsharp", {**sides, "la": written(self.amount), "ca": "0"})]
            yield from graph.filtered(frames, before, filters, leaves_alpha=False)
            return
        for shown in frames:
            yield shown._replace(pixels=self._sharpened(shown.pixels))

    def _sharpened(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels (H, W, 4) as FFmpeg would sharpen them, but what is around a pixel counts as it is seen."""
        alpha, brightness = pixels[..., 3].astype(np.float32), pixels[..., :3] @ BRIGHTNESS
        seen, of_seen = (self._blurred(plane) for plane in (alpha, alpha * brightness))
        edges = brightness - np.divide(of_seen, seen, out=brightness.copy(), where=seen > 0)
        colours = pixels[..., :3] + self.amount * edges[..., None]
        return with_alpha_of(pixels, colours.round().clip(0, 255).astype(np.uint8))

    def _blurred(self, plane: np.ndarray) -> np.ndarray:
        """Return a plane (H, W) blurred by binomial weights, as FFmpeg's unsharp does."""
        steps = int(self.size) - 1
        plane = np.pad(plane, steps // 2, mode="edge")
        for _ in range(steps):
            plane = plane[1:] + plane[:-1]
            plane = (plane[:, 1:] + plane[:, :-1]) / 4
        return plane


@dataclass(frozen=True)
class Blur(Filtered):
    """Blur by a Gaussian with this standard deviation, in pixels."""

    example: ClassVar[str] = "blur=2"
    sigma: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)]

    def after(self, before: Outline) -> Outline:
        if min(before.width, before.height) < 2:  # FFmpeg's gblur writes over the end of its memory
            raise ValueError(f"blur needs sides of at least 2 pixels, got {before.size}; leave it out, or scale first")
        return before

    def filters(self, before: Outline) -> list[Filter]:
        return by_planes(before, [Filter("gblur", {"sigma": written(self.sigma), "steps": "3"})], mixes=True)


@dataclass(frozen=True)
class Denoise(Filtered):
    """Take out noise.

    Args:
        way: space: what looks alike in a frame is averaged (slow, sharp); time: what hardly changes from frame to
            frame is.
    """

    example: ClassVar[str] = "denoise=4"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[float, Field(ge=1, le=15, allow_inf_nan=False)] = 4
    way: Literal["space", "time"] = "space"

    def filters(self, before: Outline) -> list[Filter]:
        if self.way == "space":
            return [Filter("nlmeans", {"s": written(self.strength), "p": "5", "r": "11"})]
        near, far = written(0.02 * self.strength), written(0.04 * self.strength)
        options = {f"{plane}{which}": value for plane in "012" for which, value in (("a", near), ("b", far))}
        return [Filter("atadenoise", {**options, "s": "5"})]


@dataclass(frozen=True)
class Deflicker(Streamed):
    """Give each frame the brightness of those around it.

    Args:
        window: how many are looked at; of a shorter clip all.
    """

    example: ClassVar[str] = "deflicker=5"
    window: Annotated[int, Field(ge=2, le=129)] = 5

    def after(self, before: Outline) -> Outline:
        before.require_time("deflicker")
        return before

    def frames(self, frames: Frames, before: Outline) -> Frames:
        held: deque[Shown] = deque()
        lights: deque[float] = deque(maxlen=self.window)
        for shown in frames:
            held.append(shown)
            lights.append(_light(shown.pixels))
            if len(held) == self.window:
                yield _lit(held.popleft(), lights[0], lights)
        for shown, light in zip(held, list(lights)[-len(held) :], strict=True):
            yield _lit(shown, light, lights)


def _light(pixels: np.ndarray) -> float:
    """Return the mean brightness of what is seen of a frame, from 0 to 255; 0 where nothing is."""
    colours = pixels[..., :3].reshape(-1, 3)
    if pixels.shape[-1] == 3:
        return float(colours.mean(0) @ BRIGHTNESS)
    alpha = pixels[..., 3].ravel()
    return float(np.average(colours, axis=0, weights=alpha) @ BRIGHTNESS) if alpha.any() else 0.0


def _lit(shown: Shown, light: float, lights: Collection[float]) -> Shown:
    """Return a frame of some brightness with the mean of several, of which those of 0 don't count."""
    if not light:
        return shown
    factor = np.mean([one for one in lights if one]) / light
    table = (np.arange(256) * factor).round().clip(0, 255).astype(np.uint8)
    return shown._replace(pixels=with_alpha_of(shown.pixels, table[shown.pixels[..., :3]]))


@dataclass(frozen=True)
class Stabilise(Streamed):
    """Take out the shaking of a camera.

    Args:
        reach: how far frames are moved at most, in pixels.
    """

    example: ClassVar[str] = "stabilise=16"
    reach: Literal["16", "32", "48", "64"] = "16"

    def after(self, before: Outline) -> Outline:
        before.require_time("stabilise")
        graph.require("stabilise", "deshake")
        needed = 2 * int(self.reach) + 32  # a block of 16 pixels, and what is around it
        if min(before.width, before.height) < needed:
            raise ValueError(f"stabilise needs sides of at least {needed} pixels, got {before.size}; scale first")
        return before

    def frames(self, frames: Frames, before: Outline) -> Frames:
        still = Filter("deshake", {"rx": self.reach, "ry": self.reach, "edge": "mirror"})
        if before.has_alpha:
            yield from _held_still(frames, before, still)
        else:
            yield from graph.filtered(frames, before, [IN_YUV, still], leaves_alpha=False)


def _held_still(frames: Frames, before: Outline, still: Filter) -> Frames:
    """Yield frames with alpha through a filter that moves planes by the first: the brightness of what is seen."""
    graphs = [graph.Graph(before, [still], 3, format="yuv444p") for _ in range(2)]
    for shown in frames:
        seen = media.laid_over(shown.pixels, 0)
        brightness = (seen @ BRIGHTNESS).round().astype(np.uint8)
        red, green, blue, alpha = *np.moveaxis(seen, -1, 0), shown.pixels[..., 3]
        moved = []
        for one, planes in zip(graphs, ((red, green), (blue, alpha)), strict=True):
            one.push(shown.start, np.stack([brightness, *planes]))
            moved += [*next(one.pull())[1:]]
        *colours, alpha = (plane.astype(np.float32) for plane in moved)
        as_were = np.stack(colours, -1) * 255 / np.maximum(alpha, 1)[..., None]
        yield shown._replace(pixels=np.dstack([as_were.round().clip(0, 255), alpha]).astype(np.uint8))


@dataclass(frozen=True)
class Vignette(Filtered):
    """Darken the corners; 1 is the most."""

    example: ClassVar[str] = "vignette=0.5"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("vignette", {"angle": written(self.strength * 1.25), "dither": "0"})]


@dataclass(frozen=True)
class Grain(Filtered):
    """Add noise as of a film, the same for the same seed."""

    example: ClassVar[str] = "grain=20"
    leaves_alpha: ClassVar[bool] = True
    strength: Annotated[int, Field(ge=1, le=100)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    def filters(self, before: Outline) -> list[Filter]:
        return [Filter("noise", {"alls": str(self.strength), "allf": "t", "all_seed": str(self.seed)})]
