"""Small worlds in which one training step is quick."""

import os

import pytest
import torch

os.environ.setdefault("WANDB_MODE", "offline")


@pytest.fixture(autouse=True)
def one_thread_each():
    """Keep parallel test processes from fighting over the cores."""
    torch.set_num_threads(1)
