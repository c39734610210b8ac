"""What a new run starts from: the weights of another one, as far as its layers fit by name and shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from framegan.quoting import first_names
from framegan.runs import run_folder
from framegan.runs.checkpoint import data_fingerprint_in, weights_in

SHOWN = 4
"""Names of layers that a line has room for."""


@dataclass(frozen=True)
class Origin:
    """The weights of another run.

    Args:
        checkpoint: the file that they were in.
        networks: what the networks that trained and the average of the generator hold, by name.
        samples_seen: real samples that they were trained with.
        classes: the names of the classes of its data; empty where it kept none.
        fingerprint: of its data; None where it kept none.
    """

    checkpoint: Path
    networks: dict[str, dict[str, Tensor]]
    samples_seen: int
    classes: list[str]
    fingerprint: str | None = None


@dataclass
class Layers:
    """The layers of a network by what became of them; of `partly` loaded ones, `known` classes were."""

    loaded: list[str] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    known: int = 0


def of(path: str) -> Origin:
    """Return the weights of a run folder, of its best checkpoint or else its last; or of a checkpoint, wherever it is.

    Tensors and plain values are all that is read: no configuration, and no code that a file names.

    Raises:
        ValueError: there is no checkpoint, or it is not one of a run.
    """
    file = run_folder.checkpoint_of(path, ["best", "last"])
    if not file.is_file():
        raise ValueError(f"init_from={path} is no file; give a run folder, or a checkpoint of a run")
    return Origin(file, *weights_in(file), data_fingerprint_in(file))


@torch.no_grad()
def load(origin: Origin, model: Any, classes: Sequence[str]) -> list[str]:
    """Load what fits into the networks of a model, and return lines that say what was loaded and what wasn't.

    Args:
        classes: the names of the classes of the data now.

    Raises:
        ValueError: nothing of a network fits, or layers are frozen that aren't loaded as a whole.
    """
    lines = []
    for name in model.networks:
        network = getattr(model, name)
        found = _load(network, origin.networks.get(name, {}), origin.classes, classes)
        if not found.loaded and not found.partly:
            raise ValueError(
                f"init_from={origin.checkpoint} has nothing that fits this {name}: {first_names(found.new, SHOWN)} "
                "are missing in it, or have another shape; choose the model that it was trained with, its widths, and "
                "its resolution where the layers depend on it, as those of dcgan's generator do"
            )
        if frozen := _frozen_among([*found.new, *found.partly], network):
            raise ValueError(
                f"model.freeze holds layers of the {name} still that init_from={origin.checkpoint} doesn't have, or "
                f"not for all classes: {first_names(frozen, SHOWN)}; leave them out of it, so that they can learn"
            )
        if name == "generator":
            _load(model.generator_ema, origin.networks["generator_ema"], origin.classes, classes)
        lines.append(f"{name:<13}  {_said(found, [one for one in classes if one not in origin.classes])}")
        if _is_by_number(network) and len(origin.classes) in (0, len(classes)) and list(classes) != origin.classes:
            lines.append(f"{'':<13}  its classes by number, as its layers don't say which rows are whose")
    return lines


def _frozen_among(layers: Sequence[str], network: nn.Module) -> list[str]:
    """Return those of the layers of a network of which `network_state.hold_still` holds weights."""
    held = {_layer_of(name) for name, parameter in network.named_parameters() if hasattr(parameter, "is_held_still")}
    return [layer for layer in layers if layer in held]


def _said(found: Layers, new_classes: Sequence[str]) -> str:
    total = sum(map(len, (found.loaded, found.partly, found.new)))
    said = [f"{len(found.loaded)} of {total} layers"]
    if found.partly:
        besides = f" (new: {first_names(new_classes, SHOWN)})" if new_classes else ""
        said.append(f"of {first_names(found.partly, SHOWN)} {found.known} classes by name{besides}")
    if found.new:
        said.append(f"not {first_names(found.new, SHOWN)}")
    return "; ".join(said)


def _load(network: nn.Module, saved: Mapping[str, Tensor], then: Sequence[str], now: Sequence[str]) -> Layers:
    """Load those layers of which every tensor fits; a layer is a module with parameters of its own.

    What a network was given from yet another run (`is_given`) is left as it is.

    Args:
        then: the names of the classes of the other run.
        now: those of the data now.
    """
    state, found = network.state_dict(), Layers()
    layers: dict[str, list[str]] = {}
    given = tuple(f"{name}." for name, module in network.named_modules() if hasattr(module, "is_given"))
    for name in (name for name in state if not name.startswith(given)):
        layers.setdefault(_layer_of(name), []).append(name)
    with_parameters = {_layer_of(name) for name, _ in network.named_parameters()}
    for layer, names in layers.items():
        first = _first_class_row(network, layer)
        moves = [_moves(name, state[name], saved.get(name), first, then, now) for name in names]
        if layer not in with_parameters:
            kind = []
        elif None in moves:
            kind = found.new
        elif first is None or (known := len(moves[0] or ()) - 1) == len(state[names[0]]) - first:
            kind = found.loaded
        else:
            kind, found.known = found.partly, known
        kind.append(layer)
        if None not in moves:
            for target, source in (pair for pairs in moves for pair in pairs or ()):
                target.copy_(source)
    return found


def _moves(
    name: str, target: Tensor, source: Tensor | None, first: int | None, then: Sequence[str], now: Sequence[str]
) -> list[tuple[Tensor, Tensor]] | None:
    """Return what of a tensor goes where, (target, source); None where it doesn't fit.

    Args:
        first: row of the first class, see `framegan.networks.conditioning.of_classes`. None = there are none.
    """
    if source is None:
        return None
    if first is None or name.endswith("._v"):  # the right singular vector of a spectral norm
        return [(target, source)] if source.shape == target.shape else None
    has_classes = len(source) > first
    if source.shape[1:] != target.shape[1:] or (then and has_classes and len(source) - first != len(then)):
        return None
    rows = [(k, then.index(name)) for k, name in enumerate(now) if name in then] if has_classes else []
    if not rows and not first:
        return None
    beyond = [(target[first + k], source[first + number]) for k, number in rows if first + k < len(target)]
    return [(target[:first], source[:first]), *beyond]


def _layer_of(name: str) -> str:
    """Return the module that a tensor belongs to; of one of the network itself, its own name."""
    return name.partition(".parametrizations.")[0] if ".parametrizations." in name else name.rpartition(".")[0] or name


def _first_class_row(network: nn.Module, layer: str) -> int | None:
    return getattr(dict(network.named_modules()).get(layer), "first_class_row", None)


def _is_by_number(network: nn.Module) -> bool:
    """Say whether a network takes classes in layers that aren't marked as theirs."""
    given = {part for module in network.modules() if hasattr(module, "is_given") for part in module.modules()}
    is_marked = any(hasattr(module, "first_class_row") for module in network.modules() if module not in given)
    return getattr(network, "num_classes", 0) > 0 and not is_marked
