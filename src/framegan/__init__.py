"""Train generative adversarial networks on images and short clips; load, sample and score what came out.

Nothing heavy is imported until it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from framegan import metrics
    from framegan.trained import TrainedGenerator, load
    from framegan.training import Run, evaluate, train

__all__ = ["Run", "TrainedGenerator", "evaluate", "load", "metrics", "train"]

_HOMES = dict.fromkeys(("TrainedGenerator", "load"), "framegan.trained")
_HOMES |= dict.fromkeys(("Run", "evaluate", "train"), "framegan.training")


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return importlib.import_module("framegan.metrics")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'framegan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
