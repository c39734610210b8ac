"""What a checkpoint of a run holds. This file alone knows its keys: others ask it.

Lightning writes most of them, under names of its own; `additions` are ours.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, TypeAdapter, ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import TypedDict

from framegan.files import archives
from framegan.quoting import first_names

NAMED_CLASSES = 10
Weights = Literal["ema", "raw"]
"""Which generator: the averaged one that is published, or the one that is trained."""


class OptimizerState(TypedDict):
    state: dict[int, dict[str, Any]]
    param_groups: list[dict[str, Any]]


class Loops(TypedDict):
    fit_loop: dict[str, Any]


class Contents(TypedDict):
    """What a checkpoint has to hold for a run to resume from it."""

    state_dict: dict[str, Any]
    loops: Loops
    callbacks: dict[str, dict[str, Any]]
    optimizer_states: Annotated[list[OptimizerState], Field(min_length=1)]
    metrics: dict[str, float]
    num_ranks: int
    global_step: int
    epoch: int


def read(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Return what is in a run's checkpoint: tensors and plain values; no code that it names is run.

    Args:
        mapped: leave the tensors on the disk until they are used, and don't compare them with their checksums.

    Raises:
        ValueError: there is something else in it, or it is damaged.
    """
    if not archives.is_stored(path):
        raise ValueError(f"{path} is damaged or compressed, or not a checkpoint of a run; give a file of checkpoints/")
    if not mapped:
        _check_whole(path)  # PyTorch doesn't: it would take damaged weights for trained ones
    try:
        with warnings.catch_warnings(action="ignore"):
            saved = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error))
        raise ValueError(
            f"{path} is not loaded: it holds {named[1] if named else 'something'} besides weights and plain values, "
            "which could run a program; give a file that framegan has written into checkpoints/"
        ) from None
    except (RuntimeError, ValueError, KeyError, EOFError, OSError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"{path} is damaged, or not a checkpoint of a run ({reason}); give a file of checkpoints/"
        ) from None
    state = saved.get("state_dict") if isinstance(saved, dict) else None
    if not isinstance(state, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise ValueError(
            f"{path} is not a checkpoint of a run (it has no state_dict of tensors); give a file of checkpoints/"
        )
    return saved


def samples_seen_of(checkpoint: Path) -> int:
    """Return the clock of a checkpoint that a run can resume from.

    Raises:
        ValueError: it is not all there, by the checksums in it, or is something else.
    """
    state = read(checkpoint, mapped=True)["state_dict"]
    _check_whole(checkpoint)
    clock = state.get("samples_seen")
    if clock is None or clock.numel() != 1 or not clock >= 0:
        raise ValueError(f"{checkpoint} is not a checkpoint of a run (its samples_seen is {clock})")
    return int(clock)


def _check_whole(checkpoint: Path) -> None:
    """Raise ValueError where an archive isn't all there, by the checksums in it."""
    with zipfile.ZipFile(checkpoint) as file:
        try:
            damaged = file.testzip()
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RuntimeError, zlib.error) as error:
            damaged = str(error)
    if damaged:
        raise ValueError(f"{checkpoint} is damaged, its contents don't fit their checksums; give another checkpoint")


def clock_of(checkpoint: Path) -> int:
    """Return the clock of a checkpoint that is known to be whole; see `samples_seen_of`."""
    return int(read(checkpoint, mapped=True)["state_dict"]["samples_seen"])


def class_names_in(checkpoint: Mapping[str, Any], num_classes: int | None = None) -> list[str]:
    """Return the class names that a checkpoint keeps; none where it keeps none, or not as many as are asked for."""
    kept = checkpoint.get("DataModule")
    names: Any = kept.get("classes") if isinstance(kept, dict) else None
    is_sound = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if is_sound and num_classes in (None, len(names)) else []


def data_fingerprint_in(checkpoint: Path) -> str | None:
    """Return the fingerprint of the data that a checkpoint was trained on last; None where it keeps none."""
    kept = read(checkpoint, mapped=True).get("DataModule")
    found = kept.get("fingerprint") if isinstance(kept, dict) else None
    return found if isinstance(found, str) else None


def weights_in(checkpoint: Path) -> tuple[dict[str, dict[str, Tensor]], int, list[str]]:
    """Return what a checkpoint of a run, wherever it is, holds for another run to start from.

    Returns:
        By network, the tensors of the generator, its average `generator_ema` and whatever else trained, such as the
        discriminator, by their names; its samples_seen; and the names of its classes, none where it keeps none.

    Raises:
        ValueError: there is no generator, or a weight is not finite.
    """
    saved = read(checkpoint)
    found: dict[str, dict[str, Tensor]] = {"generator": {}, "generator_ema": {}}
    for name, value in saved["state_dict"].items():
        network, _, key = name.partition(".")
        if not key:
            continue
        found.setdefault(network, {})[key] = value
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(
                f"{checkpoint} holds a {name} that is not finite (NaN or infinite); give another checkpoint"
            )
    clock = saved["state_dict"].get("samples_seen")
    if clock is None or clock.numel() != 1 or not all(found.values()):
        raise ValueError(f"{checkpoint} has no generator; give a run folder, or a checkpoint of a run")
    return found, int(clock), class_names_in(saved)


def load_weights(generator: nn.Module, checkpoint: Path, weights: Weights) -> int:
    """Load a generator's weights from a run's checkpoint, on the CPU, and return its samples_seen.

    Raises:
        ValueError: the file is not a checkpoint of a run with this generator, or its weights are not finite.
    """
    saved = read(checkpoint)
    state = saved["state_dict"]
    generator.class_names = class_names_in(saved, getattr(generator, "num_classes", 0))  # type: ignore[assignment]
    prefix = "generator_ema." if weights == "ema" else "generator."
    try:
        generator.load_state_dict({k.removeprefix(prefix): value for k, value in state.items() if k.startswith(prefix)})
        samples_seen = int(state["samples_seen"])
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{checkpoint} doesn't fit the generator of its run's configuration: {error}") from None
    for name, value in generator.state_dict().items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(
                f"{checkpoint} holds a generator whose {prefix}{name} is not finite (NaN or infinite), which makes no "
                "samples; train again or give another checkpoint"
            )
    return samples_seen


def check(checkpoint: Path, model: Any, classes: Sequence[str], num_ranks: int) -> list[str]:
    """Return what to say where a checkpoint was written by another number of ranks.

    Args:
        classes: the names of the classes of the data now.

    Raises:
        ValueError: it holds other networks or optimizers than those of this run, or knows other classes by the
            same numbers.
    """
    contents = read(checkpoint, mapped=True)
    try:
        TypeAdapter(Contents).validate_python(contents, strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise ValueError(f"{checkpoint} is not a checkpoint of a run, its {place}: {problem['msg']}") from None
    states = contents["state_dict"], model.state_dict()
    old, new = ({name: list(value.shape) for name, value in state.items()} for state in states)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            raise ValueError(
                f"{checkpoint} holds other networks: {name} is {old.get(name, 'missing')} in it and "
                f"{new.get(name, 'missing')} now; a run can't be resumed with layers of another shape: start a new one"
            )
    then = class_names_in(contents)
    if then not in ([], list(classes)) and any(getattr(one, "num_classes", 0) for one in model.of_name().values()):
        old_names, new_names = (first_names(names, NAMED_CLASSES) for names in (then, classes))
        raise ValueError(
            f"the classes of {checkpoint} are {old_names}, and those of the data {new_names} now. A resumed run knows "
            "them by their numbers, so that one would have the weights of another: set data.classes or the files back, "
            f"or start a new run from these weights, which knows them by name: init_from={checkpoint}"
        )
    makers, gathered = model.make_optimizers, contents["optimizer_states"]
    if len(gathered) != len(makers):
        of_this = f"this run has {len(makers)} of them, not {len(gathered)}"
        raise ValueError(f"{checkpoint} is not a checkpoint of this run, its optimizer_states: {of_this}")
    for name, of_network in zip(makers, gathered, strict=True):
        kept = {key for values in of_network["state"].values() for key in values}
        if kept and (lacking := _gathered_by(makers[name]) - kept):
            raise ValueError(
                f"{checkpoint} lacks {', '.join(sorted(lacking))}, which this model.{name}_optimizer keeps; set the "
                "optimizer that the run was trained with, or start a new run"
            )
    if contents["num_ranks"] == num_ranks:
        return []
    return [f"ranks: {contents['num_ranks']} -> {num_ranks}; the same noise and data, but not to the last bit"]


def _gathered_by(make_optimizer: Callable[..., Any]) -> set[str]:
    parameter = torch.zeros(1, 1, requires_grad=True)
    parameter.grad = torch.zeros(1, 1)
    optimizer = make_optimizer([parameter])
    optimizer.step()
    return set(optimizer.state[parameter])


def additions(metrics: Mapping[str, float], num_ranks: int) -> dict[str, Any]:
    """Return what a checkpoint holds besides what Lightning puts there."""
    return {"metrics": metrics, "num_ranks": num_ranks}


def keep_settings(checkpoint: Mapping[str, Any], optimizers: Sequence[Optimizer]) -> None:
    """Put the settings of optimizers as they are now into a checkpoint, whose learning rates and states stay.

    States are laid in memory as the weights are, on which fused optimizers rely.
    """
    for optimizer, state in zip(optimizers, checkpoint["optimizer_states"], strict=True):
        groups = zip(optimizer.state_dict()["param_groups"], state["param_groups"], strict=True)
        state["param_groups"] = [{**now, **_rates(saved), "params": saved["params"]} for now, saved in groups]
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        state["state"] = {place: _laid_as(weights[place], found) for place, found in state["state"].items()}


def _rates(group: Mapping[str, Any]) -> dict[str, float]:
    """Return the learning rate of a group of parameters, and what it is to be, where it may be rounded on a GPU."""
    return {key: float(group[key]) for key in ("lr", "scheduled_lr") if key in group}


def _laid_as(weight: Tensor, state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: torch.empty_like(weight, dtype=value.dtype, device=value.device).copy_(value)
        if isinstance(value, Tensor) and value.shape == weight.shape and value.stride() != weight.stride()
        else value
        for name, value in state.items()
    }


def metrics_in(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    """Return the latest metrics that a checkpoint holds."""
    return dict(checkpoint["metrics"])
