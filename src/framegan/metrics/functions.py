"""The measures as functions of features that anybody has: checked, and of tensors or arrays of any type.

Features are (N, D), a row for each sample; `real` and `fake` may differ in N. None of these functions knows where the
features come from: what is published under a name, such as FID, takes those of one network.
"""

import numpy as np
import torch
from torch import Tensor

from framegan.metrics import frechet, inception_score, kernel, neighbours

Array = Tensor | np.ndarray


def frechet_distance(real: Array, fake: Array, *, correction: frechet.Correction = 1) -> float:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of the means and covariances (Dowson & Landau 1982).

    Of Inception's features it is FID (Heusel et al. 2017, Equation 6), of I3D's FVD. At least 0, lower is better; it is
    biased upwards by about 1/N.

    Args:
        correction: the covariances are divided by N - correction.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    return frechet.frechet_distance(*_both(real, fake), correction)


def kernel_distance(real: Array, fake: Array, *, unbiased: bool = True) -> float:
    """Return the squared maximum mean discrepancy (Gretton et al. 2012, Equation 3) of k(x, y) = (x.y / D + 1)^3.

    Of Inception's features it is KID (Binkowski et al. 2018, Section 4), which publications average over random subsets
    of 1,000. Lower is better; unbiased, it is negative as often as positive where both have the same distribution.

    Args:
        unbiased: leave out the pairs of a sample with itself.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    return kernel.kernel_distance(*_both(real, fake), unbiased=unbiased)


def jedi_distance(real: Array, fake: Array) -> float:
    """Return 100 times the biased distance of k(x, y) = (x.y / D)^2, that of JEDi (Luo et al. 2025); lower is better.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M at least 2.
    """
    return kernel.jedi_distance(*_both(real, fake))


def precision_recall(real: Array, fake: Array, *, k: int = 3) -> tuple[float, float]:
    """Return the shares of fake samples within the real set, and of real ones within the fake set, both in [0, 1].

    Improved precision and recall (Kynkäänniemi et al. 2019, Equation 1); higher is better.

    Args:
        k: a set is the union of balls, each as large as the distance to the k-th neighbour.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M above k.
    """
    return neighbours.precision_recall(*_both(real, fake, _above(k)), k=k)


def density_coverage(real: Array, fake: Array, *, k: int = 5) -> tuple[float, float]:
    """Return in how many real balls, over k, a fake sample lies (around 1), and the share of real balls with one.

    Density and coverage (Naeem et al. 2020, Equations 3 and 4); higher is better, and coverage at most 1.

    Args:
        k: as in `precision_recall`.

    Raises:
        ValueError: the features aren't (N, D) and (M, D) of finite numbers, with N and M above k.
    """
    return neighbours.density_coverage(*_both(real, fake, _above(k)), k=k)


def inception_scores(logits: Array, *, num_splits: int = 10) -> list[float]:
    """Return exp(E[KL(p(y|x) || p(y))]) of each split (Salimans et al. 2016, Section 4); their mean is the score.

    Between 1 and K, higher is better. Published scores take the logits of Inception without their bias.

    Args:
        logits: (N, K) of fake samples, in the order in which they were made.

    Raises:
        ValueError: the logits aren't (N, K) of finite numbers, with N at least num_splits.
    """
    if num_splits < 1:
        raise ValueError(f"num_splits got {num_splits}; it should be at least 1")
    return inception_score.inception_scores(_features("logits", logits, num_splits), num_splits)


def _both(real: Array, fake: Array, least: int = 2) -> tuple[Tensor, Tensor]:
    """Return both sets of features as tensors of one type on one device."""
    ours, theirs = _features("real", real, least), _features("fake", fake, least)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            f"real has {ours.shape[1]} features for each sample and fake has {theirs.shape[1]}; take both from the "
            "same network"
        )
    precise = torch.promote_types(ours.dtype, theirs.dtype)
    return ours.to(precise), theirs.to(ours.device, precise)


def _features(name: str, given: Array, least: int) -> Tensor:
    """Return features as floating-point numbers of at least 32 bits, without their gradients."""
    is_array = isinstance(given, np.ndarray) and given.dtype.kind in "iuf"
    if not is_array and not (isinstance(given, Tensor) and not given.is_complex()):
        kind = f"{type(given).__name__}{f' of {given.dtype}' if hasattr(given, 'dtype') else ''}"
        raise ValueError(f"{name} got a {kind}; it should be a tensor or a NumPy array of numbers, (N, D)")
    features = torch.from_numpy(np.ascontiguousarray(given)) if isinstance(given, np.ndarray) else given.detach()
    if features.ndim != 2 or not features.shape[1]:
        raise ValueError(f"{name} has the shape {tuple(features.shape)}; it should be (N, D), a row for each sample")
    if len(features) < least:
        raise ValueError(f"{name} has {len(features)} samples; this measure needs at least {least}")
    features = features if features.dtype in (torch.float32, torch.float64) else features.float()
    if not features.isfinite().all():
        rows = (~features.isfinite().all(1)).nonzero()
        raise ValueError(f"{name} has NaN or infinite numbers in {len(rows)} rows, the first is row {int(rows[0])}")
    return features


def _above(k: int) -> int:
    if k < 1:
        raise ValueError(f"k got {k}; it should be at least 1")
    return k + 1
