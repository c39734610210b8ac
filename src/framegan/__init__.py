"""Train generative adversarial networks on images and short clips; load, sample and score what came out.

Nothing heavy is imported until it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Best",
    "Clip",
    "Clips",
    "Images",
    "Run",
    "TrainedGenerator",
    "evaluate",
    "load",
    "metrics",
    "train",
]

_TRAINING = ("Best", "Run", "evaluate", "train")

if TYPE_CHECKING:
    from framegan import metrics
    from framegan.pictures import Clip, Clips, Images
    from framegan.trained import TrainedGenerator, load
    from framegan.training import Best, Run, evaluate, train
else:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module 'framegan' has no attribute {name!r}")
        if name == "metrics":
            return importlib.import_module("framegan.metrics")
        return getattr(importlib.import_module(f"framegan.{'training' if name in _TRAINING else 'trained'}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
