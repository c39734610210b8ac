"""Measures of generated samples beside real ones. The pure functions of features are here by their names."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framegan.metrics.frechet import frechet_distance
    from framegan.metrics.inception_score import inception_scores
    from framegan.metrics.kernel import jedi_distance, kernel_distance
    from framegan.metrics.neighbours import density_coverage, precision_recall

_HOMES = {
    "frechet_distance": "frechet",
    "kernel_distance": "kernel",
    "jedi_distance": "kernel",
    "precision_recall": "neighbours",
    "density_coverage": "neighbours",
    "inception_scores": "inception_score",
}
__all__ = [
    "density_coverage",
    "frechet_distance",
    "inception_scores",
    "jedi_distance",
    "kernel_distance",
    "precision_recall",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"framegan.metrics.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'framegan.metrics' has no attribute {name!r}")
