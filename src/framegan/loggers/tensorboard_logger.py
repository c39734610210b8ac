"""TensorBoard: curves and pictures below <run folder>/tensorboard; `tensorboard --logdir runs` shows every run."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from framegan.containers import walk
from framegan.files import strict_json
from framegan.loggers.run_logger import RunLogger


class TensorBoard(RunLogger):
    """Writes event files whose step is samples_seen.

    Raises:
        ImportError: tensorboard isn't installed.
    """

    def __init__(self, folder: str):
        super().__init__(folder)
        self.params: Any = None
        """The configuration, until TensorBoard has it."""
        try:
            import tensorboard  # noqa: F401
        except ImportError as error:
            raise ImportError('logger=tensorboard needs: pip install "framegan[tensorboard]"') from error

    @cached_property
    def writer(self) -> Any:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(Path(self.folder) / "tensorboard")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        for key, value in metrics.items():
            self.writer.add_scalar(self.tag(key), value, step)

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        self.params = params
        self.writer.add_text("configuration", f"```\n{strict_json.dumps(params, indent=2)}\n```")

    def log_records(self, records: Sequence[Mapping[str, Any]], step: int) -> None:
        """Let TensorBoard compare runs by their choices and settings (its HPARAMS page), from the first records on."""
        from torch.utils.tensorboard.summary import hparams

        super().log_records(records, step)
        if not self.params:
            return
        settings = {key: value for key, value in walk(self.params) if isinstance(value, bool | int | float | str)}
        self.params = None
        for summary in hparams(settings, {self.tag(record["key"]): None for record in records}):
            self.writer.file_writer.add_summary(summary)

    def log_image(self, name: str, image: np.ndarray, step: int, caption: str = "") -> None:
        self.writer.add_image(name, image, step, dataformats="HWC")

    def log_video(self, name: str, path: Path, step: int, caption: str = "") -> None:
        """Show the .webp beside a video, as browsers play that where TensorBoard has images."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        animation = path.with_suffix(".webp")
        if animation.exists():
            image = Summary.Image(encoded_image_string=animation.read_bytes())
            self.writer.file_writer.add_summary(Summary(value=[Summary.Value(tag=name, image=image)]), step)

    def cut(self, samples_seen: int) -> None:
        """Make TensorBoard hide what an earlier session logged from here on."""
        self.writer.close()
        self.writer.purge_step = samples_seen + 1  # the next event opens a file that begins with this

    def finalize(self, status: str) -> None:
        if "writer" in self.__dict__:
            self.writer.close()
