"""A trained generator in Python: `framegan.load("runs/demo").sample(16)`."""

import hashlib
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from reprlib import repr as shortened
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, TypedDict, Unpack, get_args

import torch
from torch import Tensor, nn

from framegan import inputs, interpolation, media, sampling, video_formats
from framegan.export import Format
from framegan.interpolation import Interpolation, walk
from framegan.pictures import Clip, Clips, Images

if TYPE_CHECKING:
    from framegan.cli.generator import Loaded


class OfOne(TypedDict, total=False):
    """What samples are like.

    Args:
        category: class of every sample, its name or number. None = drawn for each seed.
        held: seeds that parts of the latents take instead, such as {"content": 3}.
        truncation: below 1: styles are so much nearer to their mean, and samples less varied. None = as trained.
        num_frames: of each clip. None = as trained.
        given: (C, given_frames, H, W) frames in [-1, 1] that clips begin with, or (N, ...) those of each, of a
            generator that continues frames. None = those of the seeds: of clips that it was trained beside.
        batch_size: samples made at a time; another one may change the last bits.
    """

    category: int | str | None
    held: Mapping[str, int]
    truncation: float | None
    num_frames: int | None
    given: Tensor | None
    batch_size: int | None


class Choices(OfOne, total=False):
    """Which samples are made; see `TrainedGenerator.sample`."""

    seed: int
    seeds: Sequence[int] | None


def load(
    path: str | os.PathLike[str],
    *,
    weights: Literal["ema", "raw"] = "ema",
    device: Literal["auto", "cpu", "cuda"] = "auto",
    trust: Sequence[str] = (),
) -> "TrainedGenerator":
    """Return the generator of a run. While another thread trains, loads or scores, this waits until that has ended.

    Args:
        path: a run or its folder, of which the best checkpoint is taken, else the last; or a checkpoint in one.
        weights: ema: the averaged generator; raw: the trained one.
        device: where it makes samples; auto: on a GPU where there is one.
        trust: packages of yours whose parts the run folder's configuration may build.

    Raises:
        ValueError: there is no run, or it asks for parts that aren't trusted.
    """
    from framegan.cli import calls, errors, generator
    from framegan.cli.validation import check_call
    from framegan.runs import run_folder

    with calls.undisturbed(), errors.plain_errors():
        names = list(trust) if isinstance(trust, Iterable) and not isinstance(trust, str) else [trust]
        given: dict[str, Any] = {"weights": weights, "device": str(device), "trust": names}
        check_call(given, given, load)
        found = generator.load(run_folder.as_path(path), weights, str(device), given["trust"])
        rate = run_folder.frames_per_second(found.config) or video_formats.FRAMES_PER_SECOND
    made = TrainedGenerator(found.generator, found.samples_seen, found.checkpoint, rate, weights)
    made._loaded = found
    return made


class TrainedGenerator:
    """Makes samples: of a seed always the same one, alone or among others.

    Args:
        network: with the weights of a checkpoint.
        samples_seen: real samples that it was trained with.
        checkpoint: where the weights come from.
        frames_per_second: at which its clips play as fast as the data.
        weights: which of the checkpoint's they are, see `load`.

    Attributes:
        shape: of a sample: (C, H, W) of an image, (C, T, H, W) of a clip.
        num_classes: how many classes it was trained with; 0 = none.
        classes: their names, in the order of their numbers; empty where the checkpoint keeps none.
        latent_parts: dimensions of the parts of its latents, which `held` may name.
        given_frames: how many frames it continues; 0 = it makes whole clips, or images.
    """

    def __init__(
        self,
        network: nn.Module,
        samples_seen: int,
        checkpoint: Path,
        frames_per_second: float,
        weights: Literal["ema", "raw"] = "ema",
    ):
        self.network, self.samples_seen, self.checkpoint = network, samples_seen, checkpoint
        self.frames_per_second, self.weights = frames_per_second, weights
        self.shape: tuple[int, ...] = tuple(network.shape)  # type: ignore[arg-type]
        self.num_classes = int(getattr(network, "num_classes", 0))
        self.classes: list[str] = list(getattr(network, "class_names", ()))
        self.given_frames = int(getattr(network, "given_frames", 0))
        self.latent_parts = inputs.holdable(inputs.parts_of(network))
        self._loaded: Loaded | None = None
        self._as_loaded = _digest_of(network)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"TrainedGenerator({shape}, {self.num_classes} classes, {self.samples_seen:,} samples seen)"

    @property
    def device(self) -> torch.device:
        """Where it makes samples."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Move it to a device, and return it. Samples of one seed differ there in their last bits.

        Raises:
            ValueError: there is no such device.
        """
        try:
            self.network.to(torch.device(device))
        except (RuntimeError, AssertionError, TypeError) as error:
            raise ValueError(
                f"device got {device!r}, which isn't available here: {str(error).splitlines()[0]}"
            ) from None
        return self

    def sample(
        self,
        num_samples: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        **choices: Unpack[OfOne],
    ) -> Tensor:
        """Return samples (N, *shape) in [-1, 1], float32, on its device.

        Args:
            num_samples: N. None = 1, or one for each of `seeds`.
            seed: of the first one; the next ones have the next seeds.
            seeds: in place of these.
            choices: see `OfOne`.

        Raises:
            ValueError: there is no such class or part, a number is out of range, images are asked for frames, a
                generator without styles for truncation, or the given frames aren't such as it takes.
        """
        if seeds is None:
            first, number = _whole("seed", seed, 0), 1 if num_samples is None else _whole("num_samples", num_samples, 1)
            wanted: Sequence[int] = range(first, first + number)
        else:
            wanted = _seeds(seeds)
            if seed != 0 or num_samples not in (None, len(wanted)):
                raise ValueError(f"seeds={wanted} say how many and which samples; leave out seed and num_samples")
        return sampling.sample(self.network, wanted, **_checked(choices))

    def interpolate(
        self,
        seeds: Sequence[int],
        steps: int = interpolation.STEPS,
        *,
        interpolation: Interpolation = "spherical",
        closed: bool = False,
        **choices: Unpack[OfOne],
    ) -> Tensor:
        """Return samples on the way from one seed to the next, (N, *shape): number k * steps is that of seeds[k].

        Their class is that of the first seed.

        Args:
            steps: from one seed to the next.
            interpolation: spherical: the latents stay as long as normal noise is; linear: straight between two.
            closed: go back to the first seed too, and end one step before it, for what is shown in a loop.
            choices: as of `sample`; held={"motion": 0} keeps that part on the whole way.

        Raises:
            ValueError: there is nothing between the seeds, or see `sample`.
        """
        if interpolation not in get_args(Interpolation):
            raise ValueError(f"interpolation got {interpolation!r}; it should be one of {get_args(Interpolation)}")
        options = {"interpolation": interpolation, "closed": bool(closed), **_checked(choices)}
        places = walk(self.network, _seeds(seeds), _whole("steps", steps, 1), **options)
        return torch.cat([samples for _, samples in places])

    def images(self, num_samples: int | None = None, **choices: Unpack[Choices]) -> "Images":
        """Return pictures (PIL); the arguments are those of `sample`.

        Raises:
            ValueError: it makes clips, or see `sample`.
        """
        if len(self.shape) != 3:
            raise ValueError("this generator makes clips; call clips(), or sample() for the tensor")
        return Images(map(media.picture, media.to_frames(self.sample(num_samples, **choices))))

    def clip(self, seed: int = 0, **choices: Unpack[OfOne]) -> "Clip":
        """Return the clip of a seed; the other arguments are those of `sample`.

        Raises:
            ValueError: it makes images, or see `sample`.
        """
        return self.clips(1, seed=seed, **choices)[0]

    def clips(self, num_samples: int | None = None, **choices: Unpack[Choices]) -> "Clips":
        """Return clips; the arguments are those of `sample`.

        Raises:
            ValueError: it makes images, or see `sample`.
        """
        if len(self.shape) != 4:
            raise ValueError("this generator makes images; call images(), or sample() for the tensor")
        frames = media.to_frames(self.sample(num_samples, **choices))
        return Clips(Clip(one, self.frames_per_second) for one in frames)

    def generate(self, out: str | os.PathLike[str] | None = None, *settings: str, **choices: Any) -> Path:
        """Write samples as `framegan generate` does, and return what `out` names: a folder, picture, video or archive.

        They are of the weights that it has, also where the run has been trained on since; then what needs its data,
        real and neighbours, is refused.

        Args:
            out: None = generated/ in the run folder.
            settings: as they are typed behind `framegan generate`.
            choices: values as Python has them: category=["cat", "dog"], num_samples=8, interpolate=[0, 5, 9].

        Raises:
            ValueError: what the command would have stopped with; or the weights were changed after they were loaded, so
                that no checkpoint has what the files would say they are made with.
        """
        from framegan.cli import generate
        from framegan.cli.calls import call
        from framegan.quoting import words
        from framegan.runs import run_folder

        self._check_unchanged()
        seen = self.samples_seen  # what is read once more, for its data or another device, has to be the same
        fixed = {"checkpoint": self.checkpoint, "out": out, "weights": self.weights, "samples_seen": seen}
        loaded = None if self._loaded is None else (self._loaded, self.weights)
        call("generate", [*settings, *words(fixed | choices)], partial(generate.run, loaded=loaded))
        return run_folder.find(self.checkpoint) / "generated" if out is None else run_folder.as_path(out)

    def export(
        self,
        out: str | os.PathLike[str] | None = None,
        *,
        format: Format | Sequence[Format] = ("onnx", "pt2", "safetensors"),
        num_frames: int | None = None,
        license: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write files that run without framegan, with a model card, and return their folder; see `framegan export`.

        Args:
            out: a folder. None = export/ in the run folder.
            format: one or more of onnx, pt2 (a program of torch.export) and safetensors (the weights alone).
            num_frames: of the clips that they make. None = as trained.
            license: of the weights, for the card. None = it isn't stated.
            overwrite: replace an earlier export.

        Raises:
            ValueError: one is there, can't be written, or makes other samples than this generator; or the weights were
                changed after they were loaded, so that what the card says was measured isn't of them.
        """
        from framegan.cli.validation import check_call
        from framegan.export import write
        from framegan.runs import run_folder

        choices: dict[str, Any] = {"num_frames": num_frames, "license": license, "overwrite": overwrite}
        given = choices | {"format": [format] if isinstance(format, str) else list(format)}
        check_call(given, given, TrainedGenerator.export)
        self._check_unchanged()
        made = write.Trained(self.network, self.checkpoint, self.samples_seen, self.weights, self.frames_per_second)
        folder = made.folder / "export" if out is None else run_folder.as_path(out)
        write.export(made, folder, given["format"], **choices)
        return folder

    def _check_unchanged(self) -> None:
        """Raise ValueError where the weights aren't those of the checkpoint, as files would say."""
        if _digest_of(self.network) != self._as_loaded:
            raise ValueError(
                f"the weights aren't those of {self.checkpoint} any more: they were changed since it was loaded; use "
                "sample(), or load the checkpoint again"
            )


def _digest_of(network: nn.Module) -> str:
    """Return what any change of the weights, or of their precision, changes, and another device doesn't."""
    digest = hashlib.sha256()
    for name, values in network.state_dict().items():
        if isinstance(values, Tensor):
            digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            digest.update(values.cpu().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _seeds(given: Iterable[SupportsIndex]) -> list[int]:
    try:
        found = [_whole("seeds", one, 0) for one in given]
    except TypeError:  # it is no list
        found = []
    if not found:
        raise ValueError(f"seeds got {shortened(given)}; it should be a list of whole numbers")
    return found


def _whole(name: str, value: SupportsIndex, least: int) -> int:
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} got {shortened(value)}; it should be a whole number of at least {least}")
    return number


def _checked(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choices of samples with numbers that are whole; raise TypeError where there are others."""
    if unknown := choices.keys() - OfOne.__annotations__.keys():
        raise TypeError(f"there is no choice {sorted(unknown)}; there are {sorted(OfOne.__annotations__)}")
    held, given = choices.get("held", {}), choices.get("given")
    if not isinstance(held, Mapping):
        raise ValueError(f'held got {shortened(held)}; it should be a dictionary, such as {{"content": 3}}')
    if given is not None and not isinstance(given, Tensor):
        raise ValueError(f"given got a {type(given).__name__}; it should be a tensor of frames")
    sizes = {name: choices.get(name) for name in ("num_frames", "batch_size")}
    whole = {name: None if size is None else _whole(name, size, 1) for name, size in sizes.items()}
    return {**choices, **whole, "held": {part: _whole(part, seed, 0) for part, seed in held.items()}}
