"""What happens to the networks' state beside descending: layers that are frozen, buffers of pieces, the average."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm


def hold_still(networks: Mapping[str, nn.Module], names: Sequence[str]) -> None:
    """Hold layers of networks still: neither their weights nor what they gather in passing change from here on.

    They work as in evaluation: batch normalisation by its running averages, spectral normalisation by the vectors it
    has, without dropout.

    Args:
        names: of modules or parameters behind the name of the network, such as discriminator.layers.0; a name stands
            for all that is below it.

    Raises:
        ValueError: there is nothing of a name, or nothing of a network is left to train.
    """
    for name in names:
        network, _, below = name.partition(".")
        parameters = dict(networks[network].named_parameters() if network in networks else ())
        modules = dict(networks[network].named_modules() if network in networks else ())
        frozen = [value for key, value in parameters.items() if f"{key}.".startswith(f"{below}.")]
        if not below or not frozen:
            there = dict.fromkeys(name for key, part in networks.items() for name in _parts_of(key, part))
            raise ValueError(
                f"model.freeze got {name!r}, which names nothing with weights below {' or '.join(networks)}; "
                f"there are: {', '.join(there)}"
            )
        for parameter in frozen:
            parameter.requires_grad_(False)
            parameter.is_held_still = True  # type: ignore[attr-defined]
        for key, module in modules.items():
            if f"{key}.".startswith(f"{below}."):
                module.is_frozen = True
        if not any(parameter.requires_grad for parameter in parameters.values()):
            raise ValueError(f"model.freeze leaves nothing of the {network} to train; name fewer of its layers")
    stay_frozen(*networks.values())


def _parts_of(key: str, network: nn.Module) -> Iterator[str]:
    """Yield the names of the parts of a network that have weights, at most two levels down."""
    for name, _ in network.named_parameters():
        parts = name.partition(".parametrizations.")[0].split(".")[:2]
        yield ".".join([key, *parts[:-1]] if parts[-1] in ("weight", "bias") else [key, *parts])


def stay_frozen(*networks: nn.Module) -> None:
    """Put the frozen layers of networks into evaluation mode, which all of them may just have left."""
    for module in (module for network in networks for module in network.modules() if _is_frozen(module)):
        module.training = False


def lay_channels_last(network: nn.Module) -> None:
    """Lay in memory the weights of convolutions that train with their channels next to each other."""
    for parameter in network.parameters():
        if parameter.ndim in (4, 5) and parameter.requires_grad:
            layout = torch.channels_last if parameter.ndim == 4 else torch.channels_last_3d
            parameter.data = parameter.data.contiguous(memory_format=layout)


def _is_frozen(module: nn.Module) -> bool:
    return getattr(module, "is_frozen", False)


def moving_buffers(network: nn.Module) -> list[Tensor]:
    """Return the floating-point buffers of a network but for those of frozen layers."""
    modules = (module for module in network.modules() if not _is_frozen(module))
    return [b for module in modules for b in module.buffers(recurse=False) if b.is_floating_point()]


@contextmanager
def frozen_kept(network: nn.Module) -> Iterator[None]:
    """Give the frozen weights of a network back what they are now, whatever the block does to all of them."""
    before = [(parameter, parameter.clone()) for parameter in network.parameters() if not parameter.requires_grad]
    yield
    for parameter, value in before:
        with torch.no_grad():
            parameter.copy_(value)


def in_pieces(batch: Sequence[Tensor], number: int, *networks: nn.Module) -> Iterator[tuple[Tensor, ...]]:
    """Yield the (N, ...) tensors of a batch in pieces, at most `number`.

    Each piece finds the networks' buffers as the first one did; they end as their mean over the pieces, as over ranks.
    """
    pieces = list(zip(*(values.chunk(number) for values in batch), strict=True))
    buffers = [b for network in networks for b in moving_buffers(network)] if len(pieces) > 1 else []
    before, totals = [b.clone() for b in buffers], [torch.zeros_like(b) for b in buffers]
    for piece in pieces:
        for buffer, value in zip(buffers, before, strict=True):
            buffer.copy_(value)
        yield piece
        for buffer, total in zip(buffers, totals, strict=True):
            total += buffer
    for buffer, total in zip(buffers, totals, strict=True):
        buffer.copy_(total / len(pieces))


class Average:
    """Moves a network's average towards it; the tensors of both have to be those there are from here on.

    What both share is left as it is. Spectral normalisation divides averaged weights by a singular value of theirs: the
    mean of singular vectors, which turn, would be shorter than 1.
    """

    def __init__(self, average: nn.Module, network: nn.Module):
        normed = list(_normed(average))
        self.device_type = next(average.parameters()).device.type
        self.iterations = [iterate for _, iterate in normed]
        own = {id(vector) for vectors, _ in normed for vector in vectors}
        pairs = [
            *zip(average.parameters(), network.parameters(), strict=True),
            *zip(average.buffers(), network.buffers(), strict=True),
        ]
        pairs = [(mean, value) for mean, value in pairs if mean is not value]
        self.vectors = [pair for pair in pairs if id(pair[0]) in own]
        pairs = [pair for pair in pairs if id(pair[0]) not in own]
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        alike = [pair for pair in floats if pair[0].stride() == pair[1].stride()]  # which one operation moves
        self.means, self.values = [mean for mean, _ in alike], [value for _, value in alike]
        self.others = [pair for pair in floats if pair[0].stride() != pair[1].stride()]
        self.numbers = [pair for pair in pairs if not pair[0].is_floating_point()]  # of batches

    @torch.no_grad()
    def move(self, num_samples: int, half_life: float) -> None:
        """Move it as far as `num_samples` new samples warrant; half_life 0: all the way."""
        weight = 1 - 0.5 ** (num_samples / half_life) if half_life > 0 else 1.0
        if self.means:
            torch._foreach_lerp_(self.means, self.values, weight)
        for mean, value in self.others:
            mean.lerp_(value, weight)
        for mean, value in [*self.numbers, *(self.vectors if half_life <= 0 else ())]:
            mean.copy_(value)
        with torch.autocast(self.device_type, enabled=False):
            for iterate in self.iterations if half_life > 0 else ():
                iterate()


def _normed(network: nn.Module) -> Iterator[tuple[list[Tensor], Callable[[], object]]]:
    """Yield the singular vectors of each weight that is normalised and isn't frozen, and a step of the power method."""
    for layer in (module for module in network.modules() if not _is_frozen(module)):
        for weights in getattr(layer, "parametrizations", {}).values():
            norms = [norm for norm in weights if isinstance(norm, _SpectralNorm)]
            if norms:
                yield [vector for norm in norms for vector in norm.buffers()], partial(_in_training, norms, weights)
        for hook in layer._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm):  # of torch.nn.utils.spectral_norm
                vectors = [getattr(layer, f"{hook.name}_{side}") for side in "uv"]
                yield vectors, partial(hook.compute_weight, layer, do_power_iteration=True)


def _in_training(norms: Sequence[nn.Module], weights: nn.Module) -> None:
    """Compute normalised weights once in training mode, in which the norms do a step of the power method."""
    for norm in norms:
        norm.train()
    weights()
    for norm in norms:
        norm.eval()
