"""What the parts of a GAN have to be, checked once before the first batch: docs/own_parts.md says it in words.

Each breach is one ValueError with what was got and the rule.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from framegan.data.source import told_plainly
from framegan.sampling import draw, evaluating

PLACES = ("real", "fake", "between", None)
SEEDS = (0, 1)
"""Of the samples that the networks are tried with."""
FAR_OUTSIDE = 10.0
"""Untrained generators without a last bound may leave [-1, 1], but not by so much."""


@torch.no_grad()
def check_networks(generator: Any, discriminator: Any) -> dict[str, Tensor]:
    """Return the logits by head of two samples; raise ValueError where a network is not what its place asks for."""
    _check_generator(generator)
    latents, labels = draw(generator, SEEDS)
    wanted = (len(SEEDS), *generator.shape)
    with evaluating(generator):
        samples = _called(generator, "model.generator", "forward(latents, labels)", latents, labels)
        again = generator(latents, labels)
    said = f"model.generator made {_shape(samples)} of {tuple(latents.shape)} latents"
    if not isinstance(samples, Tensor) or samples.shape != wanted or not samples.is_floating_point():
        raise ValueError(f"{said}; it should make a float tensor (N, *shape), here {wanted}")
    if samples.isfinite().all() and samples.abs().max() > FAR_OUTSIDE:
        raise ValueError(
            f"model.generator made samples from {samples.min():.3g} to {samples.max():.3g}; they should be in [-1, 1], "
            "not pixels: end it with nn.Tanh(), or with a layer that begins with small weights"
        )
    if not torch.equal(samples.nan_to_num(), again.nan_to_num()):
        raise ValueError(
            "model.generator made two samples of the same latents; in evaluation mode it should draw nothing itself: "
            "take all noise from the latents, and ask for more with latent_dim"
        )
    return _logits(discriminator, samples, labels, getattr(generator, "num_classes", 0))


def _check_generator(generator: Any) -> None:
    _check_module(generator, "model.generator")
    shape: Any = getattr(generator, "shape", None)
    is_shape = isinstance(shape, tuple | list) and len(shape) in (3, 4) and all(map(_is_count, shape))
    if not is_shape:
        raise ValueError(
            f"model.generator has {_of('shape', shape)}; it should be that of a sample: (C, H, W), or (C, T, H, W) of "
            "a clip. Set self.shape = tuple(shape)"
        )
    latent_dim = getattr(generator, "latent_dim", None)
    if not _is_count(latent_dim):
        raise ValueError(
            f"model.generator has {_of('latent_dim', latent_dim)}; it should be the number of values it is given for "
            "a sample. Set self.latent_dim = latent_dim"
        )
    num_classes = getattr(generator, "num_classes", 0)
    if not (_is_count(num_classes) or num_classes == 0) or isinstance(num_classes, bool):
        raise ValueError(
            f"model.generator has {_of('num_classes', num_classes)}; it should be the number of classes it is asked "
            "for, 0 for none. Leave it out, or set data that have classes"
        )
    if not hasattr(generator, "latent_parts"):
        return
    parts = _called(generator.latent_parts, "model.generator", "latent_parts(num_frames)", shape[1])
    if not isinstance(parts, Mapping) or not all(map(_is_count, parts.values())) or sum(parts.values()) != latent_dim:
        raise ValueError(
            f"model.generator has latent_parts {parts!r} and latent_dim {latent_dim}; the parts should be a dictionary "
            "of sizes by name, and add up to latent_dim"
        )


def _logits(discriminator: Any, samples: Tensor, labels: Tensor, num_classes: int) -> dict[str, Tensor]:
    _check_module(discriminator, "model.discriminator")
    with evaluating(discriminator):
        logits = _called(discriminator, "model.discriminator", "forward(samples, labels)", samples, labels)
    if not isinstance(logits, dict) or not logits.keys() - {"class"} or not all(isinstance(k, str) for k in logits):
        raise ValueError(
            f"model.discriminator returned {_shape(logits)}; it should be a dictionary of logits by the name of the "
            'head, with at least one head, such as {"sample": logits}'
        )
    for head, values in logits.items():
        if not isinstance(values, Tensor) or values.ndim < 2 or len(values) != len(samples):
            raise ValueError(
                f"model.discriminator returned {_shape(values)} under {head!r} for {len(samples)} samples; it should "
                "be a tensor of logits (N, K)"
            )
    known = logits["class"].shape[1] if "class" in logits else 0
    if known and known != num_classes:
        asked = f"is asked for {num_classes}" if num_classes else "is unconditional"
        raise ValueError(
            f'The discriminator predicts {known} classes ("class"), but the generator {asked}. Choose a generator '
            "with as many num_classes, or a discriminator without classes"
        )
    return logits


def check_loss(loss: Any) -> None:
    """Raise ValueError where something is no `framegan.losses.Loss`."""
    if not isinstance(getattr(loss, "generator_sees_real", None), bool):
        raise ValueError(
            f"model.loss is a {type(loss).__name__} without generator_sees_real; set it to True if its generator's "
            "loss uses the real logits, else to False"
        )
    for name in ("discriminator", "generator"):
        method = getattr(loss, name, None)
        if not callable(method):
            raise ValueError(f"model.loss is a {type(loss).__name__} without {name}(real_logits, fake_logits)")
        real = torch.zeros(2, 3) if name == "discriminator" or loss.generator_sees_real else None
        _check_one_each(
            _called(method, "model.loss", f"{name}(real_logits, fake_logits)", real, torch.zeros(2, 3)), name
        )


def _check_one_each(values: Any, name: str) -> None:
    if not isinstance(values, Tensor) or values.shape != (2,):
        raise ValueError(
            f"model.loss.{name} returned {_shape(values)} of logits (2, 3); it should be one loss for each sample, "
            "(N,): take the mean over K alone, such as values.flatten(1).mean(1)"
        )


def check_regularizers(regularizers: Mapping[str, Any]) -> None:
    """Raise ValueError where something is no `framegan.regularizers.Regularizer`."""
    for name, regularizer in regularizers.items():
        key = f"model.regularizers.{name}"
        wanted = ("at", "reads_buffers", "weight", "every", "due", "penalty", "constrain")
        if missing := [part for part in wanted if not hasattr(regularizer, part)]:
            raise ValueError(
                f"{key} is a {type(regularizer).__name__} without {', '.join(missing)}; derive it from "
                "framegan.regularizers.Regularizer, and call super().__init__(weight, every)"
            )
        if regularizer.at not in PLACES:
            raise ValueError(f"{key} has at={regularizer.at!r}; it should be 'real', 'fake', 'between' or None")
        if regularizer.at is None:
            continue
        samples = torch.linspace(0.1, 1, 6).view(2, 3).requires_grad_()
        with torch.enable_grad():
            logits = samples.square().sum(1, keepdim=True)
            penalty = _called(regularizer.penalty, key, "penalty(samples, logits)", samples, logits)
        if not isinstance(penalty, Tensor) or penalty.shape != (2,):
            raise ValueError(
                f"{key}.penalty returned {_shape(penalty)} of 2 samples; it should be one penalty for each, (N,)"
            )


def check_optimizer(name: str, make: Any, network: nn.Module) -> None:
    """Raise ValueError where there is no function from a network's parameters to an optimizer."""
    if not callable(make) or isinstance(make, torch.optim.Optimizer):
        raise ValueError(
            f"model.{name}_optimizer is a {type(make).__name__}; it should be called with the parameters: give the "
            "optimizer's _target_ and _partial_: true"
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ValueError(f"model.{name} has no parameters to train; give its layers as nn.Module attributes")


def check_schedule(name: str, schedule: Any) -> None:
    """Raise ValueError where something is no function from samples seen to a factor."""
    factor = _called(schedule, f"model.{name}_schedule", "schedule(samples_seen)", 0) if callable(schedule) else None
    if not isinstance(factor, int | float) or not math.isfinite(factor) or factor < 0:
        raise ValueError(
            f"model.{name}_schedule gives {factor!r} at 0 samples; it should be a function from samples seen to the "
            "factor of the learning rate, 0 or more"
        )


def check_shape(generator: nn.Module, shape: tuple[int, ...]) -> None:
    """Raise ValueError where a generator makes other samples than those of the data."""
    made: Any = generator.shape
    if tuple(made) != tuple(shape):
        raise ValueError(
            f"model.generator makes samples of shape {tuple(made)}, and the data's are {tuple(shape)}; give the "
            "generator shape: ${data.shape}"
        )


def check_source(source: Any) -> None:
    """Raise ValueError where something is no `framegan.data.source.Source`."""
    said = f"the data's source is a {type(source).__name__}"
    wanted = ("num_classes", "split", "shape", "__len__", "__getitem__")
    if missing := [part for part in wanted if not hasattr(source, part)]:
        raise ValueError(f"{said} without {', '.join(missing)}; docs/own_parts.md says what a source has")
    if not _is_count(source.num_classes):
        raise ValueError(f"{said} with num_classes={source.num_classes!r}; it should be 1 or more (1: no classes)")
    shape = source.shape
    if not isinstance(shape, tuple | list) or len(shape) not in (3, 4) or not all(map(_is_count, shape)):
        raise ValueError(f"{said} with shape={shape!r}; it should be (C, H, W), or (C, T, H, W) of clips")
    with told_plainly():
        num_samples = len(source)
        item = source[0] if num_samples else None
    if not num_samples:
        raise ValueError(f"{said} without samples; give one that has some")
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise ValueError(f"{said} whose samples are {_shape(item)}; each should be (uint8 tensor, its class)")
    sample, label = item
    if not isinstance(sample, Tensor) or sample.dtype != torch.uint8 or tuple(sample.shape) != tuple(shape):
        raise ValueError(
            f"{said} whose first sample is {_shape(sample)}; it should be uint8 of its shape {tuple(shape)}"
        )
    if int(label) not in range(source.num_classes):
        raise ValueError(f"{said} whose first sample is of class {label}; it should be 0 to {source.num_classes - 1}")


def _check_module(part: Any, key: str) -> None:
    if not isinstance(part, nn.Module):
        raise ValueError(f"{key} is a {type(part).__name__}; it should be a torch.nn.Module")


def _called(function: Callable[..., Any], key: str, rule: str, *arguments: Any) -> Any:
    """Return what a function gives; raise ValueError where it takes other arguments, or tensors of other shapes.

    Its other errors come out as they are.
    """
    of_forward = function.forward if isinstance(function, nn.Module) else function
    try:
        inspect.signature(of_forward).bind(*arguments)
    except TypeError as error:
        raise ValueError(f"{key} can't be called as {rule}: {error}") from None
    try:
        return function(*arguments)
    except RuntimeError as error:  # PyTorch's, where shapes, types or devices don't fit
        if "memory" in str(error):
            raise
        given = ", ".join(_shape(argument) for argument in arguments if isinstance(argument, Tensor))
        first = str(error).partition("\n")[0]
        raise ValueError(f"{key} can't take {given}: {first}. HYDRA_FULL_ERROR=1 shows where in it") from error


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _of(name: str, value: Any) -> str:
    return f"no {name}" if value is None else f"{name}={value!r}"


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)} of {value.dtype}".replace("torch.", "")
    if isinstance(value, dict):
        return f"a dictionary of {sorted(map(str, value))}"
    return f"a {type(value).__name__}"
