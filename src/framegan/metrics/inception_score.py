"""The inception score (Salimans et al. 2016): are single samples of a clear class, and all together of many?"""

from itertools import pairwise

import torch
from torch import Tensor

from framegan.metrics.features import Array, checked


def inception_scores(logits: Array, num_splits: int = 10) -> list[float]:
    """Return exp(E[KL(p(y|x) || p(y))]) of each split (Salimans et al. 2016, Section 4); their mean is the score.

    Between 1 and K, higher is better. Published scores take the logits of Inception without their bias.

    Args:
        logits: (N, K) of fake samples, in the order in which they were made.

    Raises:
        ValueError: the logits aren't (N, K) of finite numbers, with N at least num_splits.
    """
    if num_splits < 1:
        raise ValueError(f"num_splits got {num_splits}; it should be at least 1")
    log_probabilities = checked("logits", logits, num_splits).double().log_softmax(1)
    bounds = [split * len(log_probabilities) // num_splits for split in range(num_splits + 1)]
    return [_score(log_probabilities[a:b]) for a, b in pairwise(bounds)]


def _score(log_probabilities: Tensor) -> float:
    probabilities = log_probabilities.exp()
    log_mean = probabilities.mean(0).log()
    divergence = torch.where(probabilities > 0, probabilities * (log_probabilities - log_mean), 0.0)
    return float(divergence.sum(1).mean().exp())
