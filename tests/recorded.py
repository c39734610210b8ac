"""What a CUDA graph does, on a CPU: operations are noted as they are called, and done again on the same tensors."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from framegan.replays import Recorded, Replays


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class Operations(TorchDispatchMode):
    """Notes every operation on tensors; a number that is read off a tensor is an error, as on a GPU."""

    def __init__(self):
        super().__init__()
        self.noted: list[tuple[Callable, tuple, dict, list[Tensor | None]]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default and args[0].is_floating_point():
            raise RuntimeError("a number was read off a tensor while operations were noted")
        noted = tree_map_only(Tensor, Tensor.detach, (func, args, kwargs))  # a transposition in place would change them
        result = func(*args, **kwargs)
        given = {tensor.untyped_storage().data_ptr() for tensor in tensors((args, kwargs))}
        made = [None if t.untyped_storage().data_ptr() in given else t.detach() for t in tensors(result)]
        if any(made_one is not None for made_one in made) or func._schema.is_mutable:
            self.noted.append((*noted, made))
        return result

    def again(self) -> None:
        """Do all of it again; what is made goes where it was made the first time."""
        with torch.no_grad(), torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, made in self.noted:
                for kept, value in zip(made, tensors(func(*args, **kwargs)), strict=True):
                    if kept is not None:
                        kept.copy_(value)


class ReplaysOnCPU(Replays):
    """Replays with these operations in place of a device's."""

    def __init__(self):
        self.of_key: dict[Any, Recorded | None] = {}
        self.number = 0
        """Of steps that were replayed."""

    def apart(self, function, *inputs):
        return function(*inputs)

    def recorded(self, function, *inputs):
        operations, kept = Operations(), tuple(value.clone() for value in inputs)
        with operations:
            result = function(*kept)
        times = 0

        def replay() -> None:
            nonlocal times
            times += 1
            if times > 1:  # noting them has done them once
                self.number += 1
                operations.again()

        return Recorded(kept, result, replay)


class ToldEachTime(ReplaysOnCPU):
    """Steps that could be replayed, and are not."""

    def __call__(self, key, function, *inputs):
        return function(*inputs)
