"""A trained generator in Python: `framegan.load("runs/demo").sample(16)`."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from PIL import Image
from torch import Tensor, nn

from framegan import media, sampling

NOTHING: Mapping[str, int] = MappingProxyType({})


def load(
    path: str | Path,
    *,
    weights: Literal["ema", "raw"] = "ema",
    device: Literal["auto", "cpu", "cuda"] = "auto",
    trust: Sequence[str] = (),
) -> "TrainedGenerator":
    """Return the generator of a run.

    Args:
        path: a run folder, of which the best checkpoint is taken, else the last; or a checkpoint in one.
        weights: ema: the averaged generator; raw: the trained one.
        trust: packages of yours whose parts the run folder's configuration may build.

    Raises:
        ValueError: there is no run, or it asks for parts that aren't trusted.
    """
    from framegan.cli.generator import generator_of
    from framegan.runs import run_folder, saved_config

    folder, file = run_folder.find(path), run_folder.checkpoint_of(path, ["best", "last"])
    config = saved_config.read(run_folder.saved_config(folder), trust, ["model.generator"])
    network, samples_seen = generator_of(config, file, weights, device)
    rate = run_folder.frames_per_second(config) or media.FRAMES_PER_SECOND
    return TrainedGenerator(network, samples_seen, file, rate)


class TrainedGenerator:
    """Makes samples: of a seed always the same one, alone or among others.

    Args:
        network: with the weights of a checkpoint.
        samples_seen: real samples that it was trained with.
        checkpoint: where the weights come from.
        frames_per_second: at which its clips play as fast as the data.
    """

    def __init__(self, network: nn.Module, samples_seen: int, checkpoint: Path, frames_per_second: float):
        self.network = network
        self.samples_seen = samples_seen
        self.checkpoint = checkpoint
        self.frames_per_second = frames_per_second

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"TrainedGenerator({shape}, {self.num_classes} classes, {self.samples_seen:,} samples seen)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample: (C, H, W) of an image, (C, T, H, W) of a clip."""
        return tuple(self.network.shape)  # type: ignore[arg-type]

    @property
    def num_classes(self) -> int:
        """How many classes it was trained with; 0 = none."""
        return int(getattr(self.network, "num_classes", 0))

    @property
    def classes(self) -> list[str]:
        """Their names, in the order of their numbers."""
        return list(getattr(self.network, "class_names", ()))

    @property
    def latent_parts(self) -> dict[str, int]:
        """Dimensions of the parts of its latents, which `held` may name."""
        return sampling.parts_of(self.network)

    def sample(
        self,
        num_samples: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        category: int | str | None = None,
        held: Mapping[str, int] = NOTHING,
        num_frames: int | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Return samples (N, *shape) in [-1, 1], on the network's device.

        Args:
            num_samples: N. None = 1, or one for each of `seeds`.
            seed: of the first one; the next ones have the next seeds.
            seeds: in place of these.
            category: class of every sample, its name or number. None = drawn for each seed.
            held: seeds that parts of the latents take instead, such as {"content": 3}.
            num_frames: of each clip. None = as trained.
            batch_size: samples made at a time; another one may change the last bits.

        Raises:
            ValueError: there is no such class or part, or images are asked for frames.
        """
        if seeds is not None and num_samples not in (None, len(seeds)):
            raise ValueError(f"num_samples={num_samples}, but {len(seeds)} seeds are given; leave one of the two out")
        wanted = range(seed, seed + (1 if num_samples is None else num_samples)) if seeds is None else seeds
        if not len(wanted):
            raise ValueError(f"num_samples={num_samples}; ask for at least 1 sample")
        choices: dict[str, Any] = {"category": category, "held": held, "num_frames": num_frames}
        return sampling.sample(self.network, wanted, batch_size=batch_size, **choices)

    def images(self, num_samples: int | None = None, **choices: Any) -> "Images":
        """Return pictures (PIL); the arguments are those of `sample`.

        Raises:
            ValueError: it makes clips.
        """
        if len(self.shape) != 3:
            raise ValueError("this generator makes clips; call clips(), or sample() for the tensor")
        pixels = media.to_frames(self.sample(num_samples, **choices))
        return Images(Image.fromarray(one.squeeze(2) if one.shape[2] == 1 else one) for one in pixels)

    def clip(self, seed: int = 0, **choices: Any) -> "Clip":
        """Return the clip of a seed; the other arguments are those of `sample`.

        Raises:
            ValueError: it makes images.
        """
        return self.clips(1, seed=seed, **choices)[0]

    def clips(self, num_samples: int | None = None, **choices: Any) -> "list[Clip]":
        """Return clips; the arguments are those of `sample`.

        Raises:
            ValueError: it makes images.
        """
        if len(self.shape) != 4:
            raise ValueError("this generator makes images; call images(), or sample() for the tensor")
        pixels = media.to_frames(self.sample(num_samples, **choices))
        return [Clip(one, self.frames_per_second) for one in pixels]


class Images(list[Image.Image]):
    """Pictures, which a notebook shows side by side."""

    def _repr_png_(self) -> bytes | None:
        if not self:
            return None
        pixels = [np.asarray(image)[..., None] if image.mode == "L" else np.asarray(image) for image in self]
        return _png(media.enlarged(media.tiled(pixels)))


@dataclass(frozen=True)
class Clip:
    """A clip, which a notebook plays.

    Args:
        frames: uint8 (T, H, W, C).
        frames_per_second: at which it plays as fast as the data.
    """

    frames: np.ndarray
    frames_per_second: float

    def __len__(self) -> int:
        return len(self.frames)

    def images(self) -> Images:
        """Return its frames as pictures (PIL)."""
        return Images(Image.fromarray(frame.squeeze(2) if frame.shape[2] == 1 else frame) for frame in self.frames)

    def save(self, path: str | Path, frames_per_second: float | None = None) -> Path:
        """Write it as .mp4, .gif, .webp or .npy, and return the path.

        Raises:
            ValueError: the path ends otherwise, or such a file can't hold the rate.
        """
        media.write_video(Path(path), self.frames, frames_per_second or self.frames_per_second)
        return Path(path)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, bytes]:
        rate = min(self.frames_per_second, media.RATES[".gif"][1])
        return {"image/gif": media.gif(media.enlarged(self.frames, side=240), rate)}


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, format="PNG")
    return file.getvalue()
