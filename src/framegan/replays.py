"""Training steps as CUDA graphs: a GPU records the operations of a step once, and repeats all of them at one call.

Small networks leave a GPU waiting: asking it for an operation takes longer than the operation.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

Result = TypeVar("Result")
MOST = 16
"""Number of keys that are kept, those used last."""
KNOWN = {"framegan", "torch", "lightning", "builtins", "abc"}
"""Packages whose code goes by tensors in a step, and by the numbers that a key stands for."""


def are_replayed(
    wanted: bool | Literal["auto"], device: torch.device, is_exchanged: bool, why_not: str, parts: Sequence[object]
) -> bool:
    """Say whether the steps of a run are replayed.

    Args:
        wanted: "auto": where they can be, and all of the code in them is known to go by what replays see.
        is_exchanged: the strategy brings the gradients of processes together, be it of one.
        why_not: why the model's can't be.
        parts: what runs in a step, or may change how it goes.

    Raises:
        ValueError: they have to be, and can't.
    """
    if device.type != "cuda":
        why_not = f"this run is on {device.type}"
    elif is_exchanged:
        why_not = "processes exchange gradients in a step"
    if wanted is True and why_not:
        raise ValueError(
            f"trainer.cuda_graphs=true has a GPU replay steps, but {why_not}; set trainer.cuda_graphs=false"
        )
    modules = {of.__module__.partition(".")[0] for part in parts if part is not None for of in type(part).__mro__}
    return wanted is True or (wanted == "auto" and not why_not and modules <= KNOWN)


def let_rates_vary(optimizer: Optimizer) -> None:
    """Keep the learning rates of an optimizer and its counts of steps on the device, where replays of its step are."""
    for parameter, state in optimizer.state.items():
        if "step" in state:  # where a checkpoint was loaded, it has stayed on the CPU
            state["step"] = state["step"].to(parameter.device)
    for group in optimizer.param_groups:
        group["capturable"] = True
        group["lr"] = torch.tensor(float(group["lr"]), device=group["params"][0].device)


class Recorded(NamedTuple):
    inputs: tuple[Tensor, ...]
    result: object
    replay: Callable[[], None]


class Replays:
    """Calls a function, and from the second call with a key on has the device repeat what it did then.

    A replay knows of the function only what the device did. So a key has to stand for all numbers that the function
    goes by, and what else changes from call to call has to be in its inputs, or in tensors that it changes in place.
    It must not wait for the device, nor bring it anything from the CPU.
    """

    def __init__(self, device: torch.device):
        self.stream, self.pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()
        self.of_key: dict[Hashable, Recorded | None] = {}

    def __call__(self, key: Hashable, function: Callable[..., Result], *inputs: Tensor) -> Result:
        """Return the result of function(*inputs); that of a replay is good until the next one."""
        is_new, recorded = key not in self.of_key, self.of_key.pop(key, None)
        if is_new:
            result = self.apart(function, *inputs)
        else:
            recorded = recorded or self.recorded(function, *inputs)
            for kept, value in zip(recorded.inputs, inputs, strict=True):
                kept.copy_(value)
            recorded.replay()
            result = recorded.result  # type: ignore[assignment]
        self.of_key[key] = recorded
        if len(self.of_key) > MOST:
            del self.of_key[next(iter(self.of_key))]
        return result

    def apart(self, function: Callable[..., Result], *inputs: Tensor) -> Result:
        """Return function(*inputs), called as before a recording: on a stream of its own."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = function(*inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def recorded(self, function: Callable[..., object], *inputs: Tensor) -> Recorded:
        """Record what the device is to do for function(*inputs); it does nothing yet."""
        graph, kept = torch.cuda.CUDAGraph(), tuple(value.clone() for value in inputs)
        try:
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
                result = function(*kept)
        except RuntimeError as error:
            first = error.__context__ or error  # ending the recording fails too, and says less
            if isinstance(first, torch.OutOfMemoryError):
                raise first from None
            said = str(first).partition("\n")[0]
            raise RuntimeError(f"a step can't be recorded ({said}); set trainer.cuda_graphs=false") from first
        return Recorded(kept, result, graph.replay)
