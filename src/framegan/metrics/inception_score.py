"""The inception score (Salimans et al. 2016): are single samples of a clear class, and all together of many?"""

from itertools import pairwise

import torch
from torch import Tensor


def inception_scores(logits: Tensor, num_splits: int = 10) -> list[float]:
    """Return exp(E[KL(p(y|x) || p(y))]) (Salimans et al. 2016, Section 4) of each split; their mean is the score.

    Between 1 and the number of classes. Published scores take the logits of Inception without their bias.

    Args:
        logits: (N, K), in the order in which the samples were made.

    Raises:
        ValueError: there are fewer samples than splits.
    """
    if len(logits) < num_splits:
        raise ValueError(f"{num_splits} splits need at least as many samples, got {len(logits)}")
    log_probabilities = logits.double().log_softmax(1)
    bounds = [split * len(logits) // num_splits for split in range(num_splits + 1)]
    return [_score(log_probabilities[a:b]) for a, b in pairwise(bounds)]


def _score(log_probabilities: Tensor) -> float:
    probabilities = log_probabilities.exp()
    log_mean = probabilities.mean(0).log()
    divergence = torch.where(probabilities > 0, probabilities * (log_probabilities - log_mean), 0.0)
    return float(divergence.sum(1).mean().exp())
