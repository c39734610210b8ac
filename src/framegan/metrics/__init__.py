"""Measures of generated samples beside real ones. The pure functions of features are here by their names."""

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "density_coverage",
    "frechet_distance",
    "inception_scores",
    "jedi_distance",
    "kernel_distance",
    "precision_recall",
]

if TYPE_CHECKING:
    from framegan.metrics.functions import (
        density_coverage,
        frechet_distance,
        inception_scores,
        jedi_distance,
        kernel_distance,
        precision_recall,
    )
else:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(importlib.import_module("framegan.metrics.functions"), name)
        raise AttributeError(f"module 'framegan.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
