"""Public packages that compute the same quantities, kept in a folder of their own: `make crosscheck` fills it.

They must not share the product's packages: next to them torchmetrics believes that torchvision is there and fails.
The variable FRAMEGAN_ORACLES names the folder; without it these tests are skipped.
"""

import importlib
import os
import sys
import types
from functools import cache
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import pytest

TORCHVISION = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.datasets.video_utils",
    "torchvision.models",
    "torchvision.models.inception",
    "torchvision.models.utils",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)
"""What the packages import from it and these tests never use."""


def oracle(name: str) -> ModuleType:
    """Return a module of one of the packages, or skip the test, or the whole file, that asks for it."""
    folder = os.environ.get("FRAMEGAN_ORACLES")
    if not folder:
        pytest.skip("FRAMEGAN_ORACLES names no folder with the packages; type make crosscheck", allow_module_level=True)
    if not (Path(folder) / name.partition(".")[0]).is_dir():
        pytest.skip(f"{name} is not in {folder}; type make crosscheck", allow_module_level=True)
    _make_importable(folder)
    return importlib.import_module(name)


@cache
def _make_importable(folder: str) -> None:
    """Append the folder to the import path, with stand-ins for what the packages import and these tests don't use."""
    import torchmetrics.image  # looks for the packages once, and must not find them  # noqa: F401

    for name in TORCHVISION:
        sys.modules[name] = MagicMock()
    sys.modules["torchvision"].__version__ = "0"
    if importlib.util.find_spec("sklearn") is None:
        _replace_scikit_learn()
    sys.path.append(str(Path(folder).absolute()))


def _replace_scikit_learn() -> None:
    """prdc uses one function of it."""
    from scipy.spatial.distance import cdist

    metrics = types.ModuleType("sklearn.metrics")
    metrics.pairwise_distances = lambda x, y, metric="euclidean", n_jobs=None: cdist(x, y, metric)
    sys.modules["sklearn"] = types.ModuleType("sklearn")
    sys.modules["sklearn.metrics"] = metrics
