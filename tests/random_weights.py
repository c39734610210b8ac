"""Random weights under which a deep network neither vanishes nor explodes, so that its outputs tell networks apart."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn


def randomize(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill a network in place, its batch statistics too; return it."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if tensor.ndim > 1:
            nn.init.kaiming_normal_(tensor, nonlinearity="relu", generator=generator)
        elif name.endswith(("running_var", "weight")):
            tensor.uniform_(0.8, 1.25, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(0, 0.1, generator=generator)
    return network.eval().requires_grad_(False)


def written(network: nn.Module, folder: Path) -> str:
    """Write the state dict of a network that is filled for it, and return the file."""
    file = folder / f"{type(network).__name__}.pt"
    torch.save(randomize(network).state_dict(), file)
    return str(file)


def layout(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the sorted names and shapes of a state dict."""
    return hashlib.sha256(
        "\n".join(sorted(f"{key} {tuple(value.shape)}" for key, value in state.items())).encode()
    ).hexdigest()
