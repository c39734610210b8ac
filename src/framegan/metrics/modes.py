"""How many modes of the data a generator hits, and how evenly, as on Stacked MNIST.

The number of modes and the KL divergence are those of Metz et al. 2017 (Section 3.3.1), as Srivastava et al. 2017 and
Lin et al. 2018 (PacGAN) report them: 26,000 samples, natural logarithms, the modes taken as equally likely.
"""

import math

import torch
from torch import Tensor


def mode_coverage(codes: Tensor, num_modes: int, real: Tensor | None = None) -> tuple[int, float]:
    """Return how many modes are hit, and how far the modes' shares are from even, or from those of real samples.

    N samples drawn evenly have a divergence of about (num_modes - 1) / 2N, not of 0.

    Args:
        codes: the mode of each sample, int64 (N,) in [0, num_modes).
        real: likewise of real samples. None = the modes are equally likely.

    Returns:
        The number of modes with a sample at least, and KL(shares || even) = sum_k p_k log(p_k num_modes) in nats:
        from 0 to log num_modes. With real samples it is KL(shares || theirs), where each mode is counted once more
        than it occurs: one without a real sample is unlikely, and not impossible.

    Raises:
        ValueError: there are no samples, or there is a mode out of range.
    """
    if len(codes) == 0 or codes.min() < 0 or codes.max() >= num_modes:
        got = f"{len(codes)} codes" if len(codes) == 0 else f"codes from {codes.min()} to {codes.max()}"
        raise ValueError(f"the modes of one sample at least are needed, from 0 to {num_modes - 1}; got {got}")
    counts = torch.bincount(codes)
    shares = counts[counts > 0].double() / len(codes)
    if real is None:
        surprise = math.log(num_modes)
    else:
        expected = torch.bincount(real, minlength=num_modes).double() + 1
        surprise = -float((shares * (expected / expected.sum())[: len(counts)][counts > 0].log()).sum())
    divergence = float((shares * shares.log()).sum()) + surprise
    return len(shares), max(0.0, divergence)
