"""Measures of generated samples beside real ones. The pure functions of features are here by their names."""

from framegan.metrics.frechet import frechet_distance
from framegan.metrics.inception_score import inception_scores
from framegan.metrics.kernel import jedi_distance, kernel_distance
from framegan.metrics.neighbours import density_coverage, precision_recall

__all__ = [
    "density_coverage",
    "frechet_distance",
    "inception_scores",
    "jedi_distance",
    "kernel_distance",
    "precision_recall",
]
