"""What the measures take: features that anybody has, checked, as tensors or arrays of any type of number.

Features are (N, D), a row for each sample; `real` and `fake` may differ in N. No measure knows where the features come
from: what is published under a name, such as FID, takes those of one network.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

Array = Tensor | np.ndarray


@contextmanager
def full_precision() -> Iterator[None]:
    """Have products of float32 matrices be float32, whatever `torch.set_float32_matmul_precision` says: no TF32."""
    backends = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def both_checked(real: Array, fake: Array, k: int = 1) -> tuple[Tensor, Tensor]:
    """Return both sets of features, of more than k samples each, as tensors of one type on one device."""
    if k < 1:
        raise ValueError(f"k got {k}; it should be at least 1")
    ours, theirs = checked("real", real, k + 1), checked("fake", fake, k + 1)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            f"real has {ours.shape[1]} features for each sample and fake has {theirs.shape[1]}; take both from the "
            "same network"
        )
    precise = torch.promote_types(ours.dtype, theirs.dtype)
    return ours.to(precise), theirs.to(ours.device, precise)


def checked(name: str, given: Array, least: int) -> Tensor:
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
