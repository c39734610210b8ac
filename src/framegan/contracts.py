"""What the parts of a GAN have to be, checked once before the first batch: docs/own_parts.md says it in words."""

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from framegan import own_code
from framegan.inputs import draw
from framegan.rules import is_count, is_shape, kind_of, require, require_parts
from framegan.sampling import evaluating

SEEDS = (0, 1)
"""Of the samples that the networks are tried with."""
NO_HEADS = {"class", "penalty"}
"""What a discriminator returns beside the logits of its heads."""
FAR_OUTSIDE = 10.0
"""Untrained generators without a last bound may leave [-1, 1], but not by so much."""


def check_parts(gan: Any, head_weights: Mapping[str, float] | None) -> dict[str, float]:
    """Return the weight of each of the discriminator's heads; None = 1 each."""
    check_loss(gan.loss)
    check_regularizers(gan.regularizers, gan.discriminator)
    logits = check_networks(gan.generator, gan.discriminator)
    if gan.augmentation is not None:
        check_augmentation(gan.augmentation, torch.zeros(len(SEEDS), *gan.generator.shape))
    gan.predicts_classes = "class" in logits
    heads = [head for head in logits if head not in NO_HEADS]
    weights = dict.fromkeys(heads, 1.0) if head_weights is None else head_weights
    said = f"model.head_weights names {sorted(weights)}"
    require(weights.keys() == set(heads), said, f"the discriminator's heads are {sorted(heads)}")
    said = f"model.class_weight=0, but model.generator_class_weight={gan.generator_class_weight:g}"
    rule = "the generator would be judged by classes that the discriminator doesn't learn; set both to 0"
    require(gan.class_weight > 0 or gan.generator_class_weight == 0, said, rule)
    return {head: weights[head] for head in heads}


def check_training(model: Any) -> None:
    """Raise ValueError where a `framegan.model.Model` can't train its networks with what each was given."""
    require(
        model.conditional is not True or getattr(model.generator, "num_classes", 0) > 0,
        "model.conditional=true, but the data have one class, or the generator takes none",
        "choose data with classes (a folder for each, or data.labels), or set model.conditional=false",
    )
    for name, network in model.of_name().items():
        check_optimizer(name, model.make_optimizers[name], network)
        check_schedule(name, model.schedules[name])
    if model.beta2_schedule is not None:
        check_schedule("beta2", model.beta2_schedule)
        last, rule = getattr(model.beta2_schedule, "last", 1), "beta2 would come to be 1; set it above 0, such as 0.1"
        require(last > 0, f"model.beta2_schedule.last={last}", rule)


@torch.no_grad()
def check_networks(generator: Any, discriminator: Any) -> dict[str, Tensor]:
    """Return the logits by head of two samples; raise ValueError where a network is not what its place asks for."""
    samples, labels = check_generator(generator)
    return _logits(discriminator, samples, labels, getattr(generator, "num_classes", 0))


@torch.no_grad()
def check_generator(generator: Any) -> tuple[Tensor, Tensor]:
    """Return two samples of a generator, (2, *shape), and their labels; raise ValueError where it is none."""
    _check_attributes(generator)
    latents, labels = draw(generator, SEEDS)
    wanted = (len(SEEDS), *generator.shape)
    with evaluating(generator):
        samples = _called(generator, "model.generator", "forward(latents, labels)", latents, labels)
        again = generator(latents, labels)
    said = f"model.generator made {kind_of(samples)} of {tuple(latents.shape)} latents"
    fits = isinstance(samples, Tensor) and samples.shape == wanted and samples.is_floating_point()
    require(fits, said, f"it should make a float tensor (N, *shape), here {wanted}")
    lowest, highest = samples.aminmax()
    require(
        not (samples.isfinite().all() and samples.abs().max() > FAR_OUTSIDE),
        f"model.generator made samples from {lowest:.3g} to {highest:.3g}",
        "they should be in [-1, 1], not pixels: end it with nn.Tanh(), or with a layer that begins with small weights",
    )
    require(
        torch.equal(samples.nan_to_num(), again.nan_to_num()),
        "model.generator made two samples of the same latents",
        "in evaluation mode it should draw nothing itself: take all noise from the latents, as many as latent_dim",
    )
    return samples, labels


def _check_attributes(generator: Any) -> None:
    _require_module("model.generator", generator)
    shape, latent_dim = getattr(generator, "shape", None), getattr(generator, "latent_dim", None)
    num_classes = getattr(generator, "num_classes", 0)
    rule = "it should be that of a sample: (C, H, W), or (C, T, H, W) of a clip. Set self.shape = tuple(shape)"
    require(is_shape(shape), f"model.generator has {_of('shape', shape)}", rule)
    rule = "it should be the number of values it is given for a sample. Set self.latent_dim = latent_dim"
    require(is_count(latent_dim), f"model.generator has {_of('latent_dim', latent_dim)}", rule)
    rule = "it should be the number of classes it is asked for, 0 for none. Leave it out, or set data that have classes"
    is_number = type(num_classes) is int and num_classes >= 0
    require(is_number, f"model.generator has {_of('num_classes', num_classes)}", rule)
    if not hasattr(generator, "latent_parts"):
        return
    parts = _called(generator.latent_parts, "model.generator", "latent_parts(num_frames)", generator.shape[1])
    fits = isinstance(parts, Mapping) and all(map(is_count, parts.values())) and sum(parts.values()) == latent_dim
    rule = "the parts should be a dictionary of sizes by name, and add up to latent_dim"
    require(fits, f"model.generator has latent_parts {parts!r} and latent_dim {latent_dim}", rule)


def _logits(discriminator: Any, samples: Tensor, labels: Tensor, num_classes: int) -> dict[str, Tensor]:
    _require_module("model.discriminator", discriminator)
    with evaluating(discriminator):
        logits = _called(discriminator, "model.discriminator", "forward(samples, labels)", samples, labels)
    said = "model.discriminator returned"
    require(
        isinstance(logits, dict) and bool(logits.keys() - NO_HEADS) and all(isinstance(k, str) for k in logits),
        f"{said} {kind_of(logits)}",
        'it should be a dictionary of logits by the names of the heads, at least one, such as {"sample": logits}',
    )
    for head, values in logits.items():
        fits = isinstance(values, Tensor) and values.ndim > 1 and len(values) == len(samples)
        got = f"{said} {kind_of(values)} under {head!r} for {len(samples)} samples"
        require(fits, got, "it should be a tensor of logits (N, K)")
    known = logits["class"].shape[1] if "class" in logits else 0
    asked = f"is asked for {num_classes}" if num_classes else "is unconditional"
    require(
        known in (0, num_classes),
        f'The discriminator predicts {known} classes ("class"), but the generator {asked}',
        "choose a generator with as many num_classes, or a discriminator without classes",
    )
    return logits


def check_likelihood(generator: Any) -> None:
    """Raise ValueError where something is no generator of a `framegan.maximum_likelihood.MaximumLikelihood`."""
    samples, labels = check_generator(generator)
    rule = "docs/own_parts.md says what a generator with a likelihood has"
    require_parts(generator, "observed loss log_weights encode is_exact is_8_bit protocol", "model.generator", rule)
    keys = torch.linspace(0.25, 0.5, len(samples))
    with evaluating(generator), torch.no_grad():
        observed = _called(generator.observed, "model.generator", "observed(samples, keys)", samples, keys)
        given = observed, labels, keys
        parts = _called(generator.loss, "model.generator", "loss(observed, labels, keys)", *given)
        weights = _called(generator.log_weights, "model.generator", "log_weights(observed, labels, keys)", *given)
        codes = _called(generator.encode, "model.generator", "encode(samples, labels)", samples, labels)
    fits = isinstance(parts, dict) and "loss" in parts and all(map(_is_one_each, parts.values()))
    rule = 'it should be a dictionary of (N,) values, "loss" among them'
    require(fits, f"model.generator.loss returned {kind_of(parts)} of 2 samples", rule)
    said = f"model.generator.log_weights returned {kind_of(weights)} of 2 samples"
    require(_is_one_each(weights), said, "it should be one value for each, (N,)")
    fits = isinstance(codes, Tensor) and codes.shape == (len(samples), generator.latent_dim)
    said = f"model.generator.encode returned {kind_of(codes)} of 2 samples"
    require(fits, said, "it should be the latents of each, (N, latent_dim)")


def check_loss(loss: Any) -> None:
    """Raise ValueError where something is no `framegan.losses.Loss`."""
    said = f"model.loss is {kind_of(loss)} without"
    rule = "set it to True if its generator's loss uses the real logits, else to False"
    require(isinstance(getattr(loss, "generator_sees_real", None), bool), f"{said} generator_sees_real", rule)
    for name in ("discriminator", "generator"):
        method: Any = getattr(loss, name, None)
        signature = f"{name}(real_logits, fake_logits)"
        require(callable(method), f"{said} {signature}", "docs/own_parts.md says what a loss has")
        fake = torch.zeros(2, 3)
        real = fake if name == "discriminator" or loss.generator_sees_real else None
        values = _called(method, "model.loss", signature, real, fake)
        rule = "it should be one loss for each sample, (N,): take the mean over K alone: values.flatten(1).mean(1)"
        require(_is_one_each(values), f"model.loss.{name} returned {kind_of(values)} of logits (2, 3)", rule)


def check_regularizers(regularizers: Mapping[str, Any], discriminator: nn.Module) -> None:
    """Raise ValueError where something is no `framegan.regularizers.Regularizer`, or can't hold the discriminator."""
    for name, regularizer in regularizers.items():
        key = f"model.regularizers.{name}"
        said = f"{key} has settings of a penalty that wasn't chosen"
        rule = f"choose it by model/regularizers, as in 'model/regularizers=[{name}]', or set '~{key}' as well"
        require(not isinstance(regularizer, Mapping), said, rule)
        rule = "derive it from framegan.regularizers.Regularizer, and call super().__init__(weight, every)"
        require_parts(regularizer, "at reads_buffers weight every due penalty check constrain", key, rule)
        said, rule = f"{key} has at={regularizer.at!r}", "it should be 'real', 'fake', 'between' or None"
        require(regularizer.at in ("real", "fake", "between", None), said, rule)
        if regularizer.at is None:
            regularizer.check(discriminator)
            continue
        samples = torch.linspace(0.1, 1, 6).view(2, 3).requires_grad_()
        with torch.enable_grad():
            logits = samples.square().sum(1, keepdim=True)
            penalty = _called(regularizer.penalty, key, "penalty(samples, logits)", samples, logits)
        said = f"{key}.penalty returned {kind_of(penalty)} of 2 samples"
        require(_is_one_each(penalty), said, "it should be one penalty for each, (N,)")


@torch.no_grad()
def check_augmentation(augmentation: Any, samples: Tensor) -> None:
    """Raise ValueError where something is no `framegan.augmentations.augmentation.Augmentation`."""
    key, rule = "model.augmentation", "derive it from framegan.augmentations.augmentation.Augmentation"
    require_parts(augmentation, "num_random transformed observe adapt measured", key, rule)
    keys = torch.full((len(samples),), 0.5)
    made = _called(augmentation, key, "forward(samples, keys, place)", samples, keys, 0)
    fits = isinstance(made, Tensor) and made.shape == samples.shape
    require(fits, f"{key} made {kind_of(made)} of {kind_of(samples)}", "what it makes should be as large")


def check_generator_regularizers(generator: Any, regularizers: Mapping[str, Any]) -> nn.ModuleDict:
    """Return them as a module; raise ValueError where one is no `GeneratorRegularizer`, or there are no styles."""
    for name, regularizer in regularizers.items():
        key = f"model.generator_regularizers.{name}"
        rule = "derive it from framegan.generator_regularizers.GeneratorRegularizer"
        require_parts(regularizer, "register_buffer weight every due strength penalty adapt", key, rule)
        rule = "choose one that has them (model=stylegan2), or set 'model/generator_regularizers=[]'"
        require(hasattr(generator, "styles"), f"{key} is set, but model.generator leaves no styles", rule)
        styles, keys = torch.linspace(0.1, 1, 6).view(2, 3).requires_grad_(), torch.tensor([0.25, 0.5])
        with torch.enable_grad():
            samples, penalty_of = styles.square()[:, :, None, None], copy.deepcopy(regularizer).penalty
            penalty = _called(penalty_of, key, "penalty(samples, styles, keys)", samples, styles, keys)
        said = f"{key}.penalty returned {kind_of(penalty)} of 2 samples"
        require(_is_one_each(penalty), said, "it should be one penalty for each, (N,)")
    return nn.ModuleDict(dict(regularizers))


def check_optimizer(name: str, make: Any, network: nn.Module) -> None:
    """Raise ValueError where there is no function from a network's parameters to an optimizer."""
    rule = "it should be called with the parameters: give the optimizer's _target_ and _partial_: true"
    is_made = isinstance(make, torch.optim.Optimizer)
    require(callable(make) and not is_made, f"model.{name}_optimizer is {kind_of(make)}", rule)
    trains = any(parameter.requires_grad for parameter in network.parameters())
    require(trains, f"model.{name} has no parameters to train", "give its layers as nn.Module attributes")


def check_schedule(name: str, schedule: Any) -> None:
    """Raise ValueError where something is no function from samples seen to a factor."""
    factor = _called(schedule, f"model.{name}_schedule", "schedule(samples_seen)", 0) if callable(schedule) else None
    fits = isinstance(factor, int | float) and 0 <= factor < math.inf
    rule = "it should be a function from samples seen to a factor, 0 or more"
    require(fits, f"model.{name}_schedule gives {factor!r} at 0 samples", rule)


def check_betas(betas: Any) -> None:
    """Raise ValueError where an optimizer has no beta2 to be scheduled."""
    fits = isinstance(betas, list | tuple) and len(betas) == 2
    rule = "choose optimizers of Adam's kind, or set model.beta2_schedule=null"
    require(fits, f"model.beta2_schedule is set, and an optimizer has betas={betas}", rule)


def check_shape(generator: nn.Module, shape: tuple[int, ...]) -> None:
    """Raise ValueError where a generator makes other samples than those of the data."""
    made: Any = generator.shape
    said = f"model.generator makes samples of shape {tuple(made)}, and the data's are {tuple(shape)}"
    require(tuple(made) == tuple(shape), said, "give the generator shape: ${data.shape}")


def check_given(generator: nn.Module, given_frames: int) -> None:
    """Raise ValueError where frames are given to a generator that takes none, or others than it continues."""
    taken: Any = getattr(generator, "given_frames", 0)
    said = f"data.given_frames={given_frames}, but model.generator"
    require(taken > 0 or given_frames == 0, f"{said} makes whole clips", "set it to 0, or choose model=predictor")
    rule = "give it given_frames: ${data.given_frames}"
    require(taken == given_frames, f"{said} continues {taken} frames", rule)


def check_reconstruction(generator: nn.Module, reconstruction: Any) -> None:
    """Raise ValueError where a generator's samples are not of the real ones that they would have to be near to."""
    if reconstruction is None:
        return
    rule = "choose one that does (model=predictor), or set '~model.reconstruction'"
    require(is_given_real(generator), "model.reconstruction is set, but no frames are given", rule)
    is_one = reconstruction.best_of == 1 or getattr(generator, "given_frames", 0) > 0
    said = f"model.reconstruction.best_of={reconstruction.best_of}, but enlarging has one result"
    require(is_one, said, "set it to 1")


def is_given_real(generator: nn.Module) -> bool:
    """Say whether training gives a generator the real samples: to continue their first frames, or to enlarge them."""
    return getattr(generator, "given_frames", 0) > 0 or hasattr(generator, "enlarged")


def _require_module(key: str, part: Any) -> None:
    require(isinstance(part, nn.Module), f"{key} is {kind_of(part)}", "it should be a torch.nn.Module")


def _called(function: Callable[..., Any], key: str, rule: str, *arguments: Any) -> Any:
    """Return what a function gives; raise ValueError where it takes other arguments, or tensors of other shapes.

    Its other errors come out as they are, unless they are of code of one's own.
    """
    of_forward = function.forward if isinstance(function, nn.Module) else function
    try:
        inspect.signature(of_forward).bind(*arguments)
    except TypeError as error:
        raise ValueError(f"{key} can't be called as {rule}: {error}") from None
    try:
        return function(*arguments)
    except Exception as error:
        is_of_torch = isinstance(error, RuntimeError)  # where shapes, types or devices don't fit
        given = ", ".join(kind_of(argument) for argument in arguments if isinstance(argument, Tensor))
        what = f"{key} can't take {given}" if is_of_torch else f"{key} fails in {rule}"
        message = own_code.story(error, what) or (is_of_torch and f"{what}: {str(error).partition(chr(10))[0]}")
        if "memory" in str(error) or not message:
            raise
        raise ValueError(message) from error


def _is_one_each(values: Any) -> bool:
    return isinstance(values, Tensor) and values.shape == (2,)


def _of(name: str, value: Any) -> str:
    return f"no {name}" if value is None else f"{name}={value!r}"
