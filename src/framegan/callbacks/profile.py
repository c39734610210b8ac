"""What a batch is made of: a trace of a few batches, and the operations that take most of the time."""

import os
import time
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from framegan.callbacks.run_callback import RunCallback

WARM_UP = 5
"""Batches before the first one that is traced."""
SHOWN = 10
WAIT = 0.05
"""How much of the time may be spent waiting for data, or with a GPU at rest 10 times as much, before a word is said."""


class Profile(RunCallback):
    """Traces batches with PyTorch's profiler, on rank 0: profile.json.gz in the run folder, for ui.perfetto.dev.

    Args:
        is_on: whether it does anything.
        num_batches: how many are traced, fewer where the run ends before.
    """

    phase = "profile"

    def __init__(self, is_on: bool = False, num_batches: Annotated[int, Field(ge=1, le=1000)] = 10):
        self.is_on, self.num_batches = is_on, num_batches
        self.profiler: Any = None
        self.seen = 0
        """Batches in this session."""

    def after_batch(self, outputs: dict[str, Tensor] | None, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        if not self.is_on or not self.trainer.is_global_zero:
            return
        self.seen += 1
        if self.seen == WARM_UP:
            activities = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * (self.model.device.type == "cuda")]
            os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else it says on stderr that it begins and ends
            self.profiler = profile(activities=activities)
            self.profiler.start()
            self.waited, self.started = self.trainer.train_dataloader.seconds_waited, time.perf_counter()
        elif self.seen == WARM_UP + self.num_batches:
            self._tell()

    def end(self) -> None:
        if self.profiler and self.seen > WARM_UP:
            self._tell()
        elif self.is_on and self.trainer.is_global_zero and self.seen <= WARM_UP:
            print(f"\nno profile: it begins after {WARM_UP} batches, and there were {self.seen}", flush=True)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if self.profiler:
            self.profiler.stop()

    def _tell(self) -> None:
        """Write the trace, and print what takes most of the time and what may help."""
        seconds = time.perf_counter() - self.started
        self.profiler.stop()
        batches, path = self.seen - WARM_UP, self.trainer.folder / "profile.json.gz"
        part = path.with_name(f".{path.name}")  # it is written by its ending
        self.profiler.export_chrome_trace(str(part))
        part.replace(path)
        on_gpu = self.model.device.type == "cuda"
        spent = {event.key: (_spent(event, on_gpu), event.count) for event in self.profiler.key_averages()}
        self.profiler = None
        total = sum(microseconds for microseconds, _ in spent.values())
        where = f" on {self.model.device}" if on_gpu else ""
        lines = [f"{seconds / batches:.3g} s a batch over {batches}; what takes most of it{where}, by itself:"]
        for name in sorted(spent, key=spent.__getitem__, reverse=True)[:SHOWN]:
            microseconds, count = spent[name]
            what = f"Python around {name}" if name in self.model.phases.seconds else name
            lines.append(f"  {microseconds / total:4.0%}  {what:<44} {count / batches:,.5g} calls a batch")
        waits = (self.trainer.train_dataloader.seconds_waited - self.waited) / seconds
        if waits > WAIT:
            lines.append(f"{waits:.0%} of the time it waits for data: set data.num_workers to more")
        if on_gpu and total < (1 - 10 * WAIT) * seconds * 1e6:
            rests = 1 - total / seconds / 1e6
            lines.append(f"{rests:.0%} of the time the GPU rests: try a larger data.batch_size, or trainer=fast")
        elif not self.trainer.fast:
            lines.append("trainer=fast makes the same step cheaper, where the game allows it")
        print("\n".join(["", *lines, f"the whole of it is in {path}, for ui.perfetto.dev"]), flush=True)


def _spent(event: Any, on_gpu: bool) -> float:
    """Return the microseconds of an operation without those that it calls; of the device's own, where it has any."""
    if on_gpu:
        return event.self_device_time_total if event.device_type != DeviceType.CPU else 0.0
    return float(event.self_cpu_time_total)
