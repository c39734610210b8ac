"""Small worlds in which one training step is quick."""

import os

import pytest
import torch

os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of what tests start; two of them run side by side


@pytest.fixture(autouse=True, scope="session")
def statistics_of_their_own(tmp_path_factory):
    """Keep the features of real samples out of the user's own cache."""
    os.environ["FRAMEGAN_STATISTICS"] = str(tmp_path_factory.mktemp("statistics"))


@pytest.fixture(autouse=True)
def one_thread_each():
    """Keep parallel test processes from fighting over the cores."""
    torch.set_num_threads(1)
