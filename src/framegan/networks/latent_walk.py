"""Clips of an image generator that is trained and stays as it is: a walk through its latents (Tian et al. 2021).

The first frame is one of its samples; from there a recurrent network takes a step for each frame. A generator of styles
is walked through in its styles, along their principal components, any other one in its latents. Clips are
(N, C, T, H, W).
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor, nn

from framegan import noise
from framegan.networks.conditioning import Conditional, classes_used
from framegan.networks.mocogan import require_clips
from framegan.networks.motion import FRESH, SmallLinear

NUM_STYLES = 4096
"""Of which the principal components are found."""


class Places(nn.Module):
    """Where a walk may go, in coordinates whose standard deviation is 1, and the image at each place.

    Nothing of it ever changes: it stays in evaluation mode, and copies of a network share it. It is that of another
    run, so that no third one's weights are loaded into it.

    Args:
        image_generator: trained. One with `style` and `images_of_styles` is walked through in its styles.
        num_directions: principal components of its styles, at most.

    Attributes:
        dim: K, the number of coordinates.
        is_given: True: a generator and its average share it.
    """

    mean: Tensor
    directions: Tensor
    is_given = True

    def __init__(self, image_generator: Any, num_directions: int):
        super().__init__()
        self.image_generator = image_generator
        self.in_styles = hasattr(image_generator, "images_of_styles")
        self.dim = int(image_generator.latent_dim)
        self.eval().requires_grad_(False)
        if self.in_styles:
            mean, directions = principal_components(image_generator, num_directions)
            self.dim = len(directions)
            self.register_buffer("mean", mean)
            self.register_buffer("directions", directions)
        for module in self.modules():
            module.is_frozen = True  # type: ignore[assignment]  # see `framegan.network_state`

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def start(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the coordinates (N, K) of (N, latent_dim) latents of the image generator and (N,) labels."""
        if not self.in_styles:
            return latents
        from_mean = self._style(latents, labels) - self.mean  # (N, style_dim)
        places = from_mean @ (self.directions / self.directions.square().sum(1, keepdim=True)).T
        return places.to(latents.dtype)  # steps add up as precisely as the latents are given

    def images(self, walk: Tensor, start: Tensor, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the (N, T, C, H, W) images along (N, T, K) coordinates of a walk from (N, K), that of `start`."""
        num_frames = walk.shape[1]
        labels_of_frames = None if labels is None else labels.repeat_interleave(num_frames)
        if self.in_styles:
            first = self._style(latents, labels).unsqueeze(1)  # (N, 1, style_dim)
            styles = first + (walk - start.unsqueeze(1)) @ self.directions  # (N, T, style_dim)
            latents_of_frames = latents.repeat_interleave(num_frames, dim=0)
            images = self.image_generator.images_of_styles(styles.flatten(0, 1), latents_of_frames)
        else:
            images = self.image_generator(walk.flatten(0, 1), labels_of_frames)
        return images.unflatten(0, (-1, num_frames))

    def _style(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        return self.image_generator.style(latents[:, : self.image_generator.style_dim], labels)


@torch.no_grad()
def principal_components(generator: Any, at_most: int) -> tuple[Tensor, Tensor]:
    """Return the mean (D,) of a generator's styles and their principal components (K, D), as long as they deviate."""
    latents = noise.normal((NUM_STYLES, generator.style_dim), seed=0, stream=noise.STYLES, counter=0)
    labels = torch.arange(NUM_STYLES) % max(1, generator.num_classes)
    styles = generator.style(latents, labels)  # (NUM_STYLES, D)
    variances, vectors = torch.linalg.eigh(styles.T.cov())  # (D,) rising, (D, D) in columns
    deviations = variances.clamp(min=1e-8 * variances[-1]).sqrt()
    return styles.mean(0), (vectors * deviations).T.flip(0)[:at_most].contiguous()


class Walk(nn.Module):
    """Steps from a start, each a function of noise, of the way so far and of where it is.

    Like the motion of `framegan.networks.motion.Driven` it begins with a memory as long as a clip and little fresh
    noise, so that clips move rather than jump from the first step of training on.

    Args:
        dim: of a place, K.
        noise_dim: of the noise of a frame; that of the first frame says how the walk begins.
        num_classes: size of the category; 0: none.
        width: of the memory.
        step: farthest along a coordinate from one frame to the next.
        num_frames: of the clips it is trained on.
    """

    def __init__(self, dim: int, noise_dim: int, num_classes: int, width: int, step: float, num_frames: int):
        super().__init__()
        self.noise_dim, self.step = noise_dim, step
        self.begin = nn.Linear(dim + noise_dim + num_classes, width)
        self.cell = nn.GRUCell(dim + noise_dim + num_classes, width)
        self.to_step = SmallLinear(width, dim)
        with torch.no_grad():
            self.cell.bias_ih[width : 2 * width] = math.log(num_frames)  # the gate that keeps the memory
            self.cell.weight_ih[:, dim : dim + noise_dim] *= FRESH

    def forward(self, start: Tensor, noise: Tensor, category: Tensor) -> Tensor:
        """Return (N, T, K) of a (N, K) start, (N, T, noise_dim) noise and (N, num_classes) one-hot categories."""
        return self.onward(start, noise, category, None)[0]

    def onward(
        self, start: Tensor, noise: Tensor, category: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the next (N, T, K) places, and the last of them with the memory there, from which the walk goes on.

        Args:
            state: what the last call returned. None = it begins at the start.
        """
        places, later = [], noise
        if state is None:
            memory = self.begin(torch.cat([start, noise[:, 0], category], dim=1)).tanh()
            state, places, later = (start, memory), [start], noise[:, 1:]
        place, memory = state
        for fresh in later.unbind(1):
            memory = self.cell(torch.cat([place, fresh, category], dim=1), memory)
            place = place + self.step * self.to_step(memory).tanh()
            places.append(place)
        return torch.stack(places, dim=1), (place, memory)


class Generator(nn.Module):
    """Latents of a trained image generator, and noise for each frame, to a clip.

    Args:
        shape: (C, T, H, W) of one clip.
        image_generator: of (C, H, W) images, with its weights; filled in from the run that `images` names.
        images: the run folder, or the checkpoint, that it is from.
        num_classes: classes of the data; an image generator with classes has to have the same.
        conditional: give the class to the walk, and to an image generator that takes it.
        motion_dim: size of the noise of a frame.
        width: of the walk's memory.
        step: farthest along a coordinate from one frame to the next (0.2 in the paper), where their standard deviation
            is 1.
        num_directions: principal components of the styles that it walks along, at most.

    Attributes:
        class_part: see `framegan.networks.stylegan2.Generator`; the content where the image generator takes the class.
    """

    longer_clips = (
        "the walk goes on in the way it was trained, and may come to where the image generator has seen little"
    )

    def __init__(
        self,
        shape: Sequence[PositiveInt],
        image_generator: nn.Module | None = None,
        images: str | None = None,
        num_classes: NonNegativeInt = 0,
        conditional: Conditional = "auto",
        motion_dim: PositiveInt = 16,
        width: PositiveInt = 128,
        step: PositiveFloat = 0.2,
        num_directions: PositiveInt = 384,
    ):
        super().__init__()
        self.shape, self.num_frames = require_clips(shape, "latent_walk"), shape[1]
        self.num_classes = classes_used(num_classes, conditional)
        self.places = Places(checked(image_generator, self.shape, self.num_classes), num_directions)
        self.content_dim = int(self.places.image_generator.latent_dim)
        self.class_part = "content" if getattr(image_generator, "num_classes", 0) else "motion"
        self.walk = Walk(self.places.dim, motion_dim, self.num_classes, width, step, self.num_frames)
        self.latent_dim = sum(self.latent_parts(self.num_frames).values())

    def latent_parts(self, num_frames: int) -> dict[str, int]:
        """Return the sizes of the parts of a clip's latents, in their order."""
        return {"content": self.content_dim, "motion": num_frames * self.walk.noise_dim}

    def forward(self, latents: Tensor, labels: Tensor | None = None, num_frames: int | None = None) -> Tensor:
        """Return (N, C, T, H, W) clips, as far in [-1, 1] as the images are.

        Args:
            latents: (N, latents of the image generator + noise of the frames) standard normal; see `latent_parts`.
            labels: (N,) classes in [0, num_classes).
            num_frames: T. None = as trained.
        """
        num_frames = num_frames or self.num_frames
        (clips,) = self.pieces(latents, labels, num_frames, num_frames)
        return clips

    def pieces(self, latents: Tensor, labels: Tensor | None, num_frames: int, at_once: int) -> Iterator[Tensor]:
        """Yield the frames of clips a few at a time, (N, C, at_once, H, W), the last time those that are left."""
        content, noise = latents[:, : self.content_dim], latents[:, self.content_dim :]
        steps = noise.unflatten(1, (num_frames, -1))  # (N, T, motion_dim)
        start = self.places.start(content, labels)  # (N, K)
        for some in self.walk(start, steps, self._category(noise, labels)).split(at_once, dim=1):  # (N, t, K)
            yield self.places.images(some, start, content, labels).transpose(1, 2).contiguous()

    def onward(self, content: Tensor, noise: Tensor, labels: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        """Return the next (N, C, T, H, W) frames of clips, and the state in which they leave the walk.

        Args:
            content: (N, T, content_dim), that of each frame: as far as it differs from the first one's, the walk is
                moved as a whole. The rest is as of `framegan.networks.mocogan.Generator.onward`.
        """
        num_frames = content.shape[1]
        contents = content.flatten(0, 1)  # (N * T, content_dim)
        of_frames = None if labels is None else labels.repeat_interleave(num_frames)
        starts = self.places.start(contents, of_frames).unflatten(0, (-1, num_frames))  # (N, T, K)
        first, walked = (starts[:, 0], None) if state is None else state
        steps = noise.unflatten(1, (num_frames, -1))  # (N, T, motion_dim)
        walk, walked = self.walk.onward(first, steps, self._category(noise, labels), walked)
        places = (walk + starts - first.unsqueeze(1)).flatten(0, 1).unsqueeze(1)  # (N * T, 1, K)
        frames = self.places.images(places, starts.flatten(0, 1), contents, of_frames)  # (N * T, 1, C, H, W)
        return frames.unflatten(0, (-1, num_frames)).squeeze(2).transpose(1, 2).contiguous(), (first, walked)

    def _category(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Return the class as the walk takes it, (N, num_classes)."""
        if not self.num_classes:
            return latents[:, :0]
        assert labels is not None, "a generator with classes takes labels"
        return F.one_hot(labels, self.num_classes).to(latents)


def checked(image_generator: Any, shape: Sequence[int], num_classes: int) -> Any:
    """Return an image generator; raise ValueError where it can't make frames of (C, T, H, W) clips of such classes.

    Args:
        num_classes: classes of the data, 0 where they aren't used.
    """
    if image_generator is None:
        raise ValueError(
            "model.generator.images is not set; set it to the run folder of a trained image generator, or to a "
            "checkpoint in one"
        )
    if hasattr(image_generator, "enlarged"):
        raise ValueError(
            "model.generator.images is a run that enlarges small images, between which nothing lies; set a run that "
            "makes images of noise"
        )
    channels, _, height, width = shape
    made = tuple(image_generator.shape)
    if len(made) != 3:
        raise ValueError(f"model.generator.images is a run that makes clips {made}; set a run that makes images")
    if made != (channels, height, width):
        resolution = made[1] if made[1] == made[2] else f"[{made[1]},{made[2]}]".replace(" ", "")
        raise ValueError(
            f"model.generator.images makes images of {made[0]}x{made[1]}x{made[2]}, and the clips' frames are "
            f"{channels}x{height}x{width}; set data.resolution={resolution} data.channels={made[0]}"
        )
    known = getattr(image_generator, "num_classes", 0)
    if known not in (0, num_classes):
        raise ValueError(
            f"model.generator.images makes images of {known} classes, and the clips are of {num_classes or 'none'}; "
            "choose clips of the same classes and model.conditional=true, or a run of images without classes"
        )
    return image_generator
