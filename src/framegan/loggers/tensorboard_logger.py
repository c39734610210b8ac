"""TensorBoard: curves and pictures below <run folder>/tensorboard; `tensorboard --logdir runs` shows every run."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from framegan.files import strict_json
from framegan.loggers.run_logger import RunLogger


class TensorBoard(RunLogger):
    """Writes event files whose step is samples_seen.

    Raises:
        ImportError: tensorboard isn't installed.
    """

    def __init__(self, folder: str):
        super().__init__(folder)
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
            self.writer.add_scalar(key, value, step)

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        self.writer.add_text("configuration", f"```\n{strict_json.dumps(params, indent=2)}\n```")

    def log_image(self, name: str, image: np.ndarray, step: int) -> None:
        self.writer.add_image(name, image, step, dataformats="HWC")

    def cut(self, samples_seen: int) -> None:
        """Make TensorBoard hide what an earlier session logged from here on; a new run has nothing to hide."""
        if samples_seen:
            self.writer.close()
            self.writer.purge_step = samples_seen + 1  # the next event opens a file that begins with this

    def finalize(self, status: str) -> None:
        if "writer" in self.__dict__:
            self.writer.close()
