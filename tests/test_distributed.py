"""Two processes train as one does: the same weights, and noise that together is the noise of one."""

from pathlib import Path

import pytest
import torch
from one_rank import BATCH_SIZE, CASES, NUM_STEPS, buffers, configured, trained
from two_ranks import results_of
from worlds import flat


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes has left, by case."""
    return results_of(Path(__file__).with_name("one_rank.py"), tmp_path_factory)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_equal_one(case, ranks):
    """The one process takes the two halves of each batch apart, so that batch normalisation sees what a rank sees."""
    first, second = (rank[case] for rank in ranks)
    micro_batches = 1 if configured(case).model.get("share_fakes") else 2  # which have no batch normalisation
    gan, noise = trained(case, micro_batches=micro_batches)
    for name, network in gan.of_name().items():
        assert torch.equal(first["networks"][name], second["networks"][name])
        torch.testing.assert_close(first["networks"][name], flat(network), rtol=0, atol=1e-12)
    torch.testing.assert_close(first["ema"], flat(gan.generator_ema), rtol=0, atol=1e-12)
    assert torch.equal(first["buffers"], second["buffers"])
    torch.testing.assert_close(first["buffers"], buffers(gan), rtol=0, atol=1e-12)
    assert first["samples_seen"] == int(gan.samples_seen) == NUM_STEPS * 2 * BATCH_SIZE
    assert first["keys"] == list(gan.state_dict())
    for ours, theirs, whole in zip(first["noise"], second["noise"], noise, strict=True):
        assert not torch.equal(ours, theirs)
        assert torch.equal(torch.cat([ours, theirs]), whole)


def test_each_gradient_is_averaged_once(ranks):
    gan, _ = trained("model=dcgan", num_steps=1)
    num_weights = sum(len(flat(network)) for network in gan.of_name().values())
    assert [rank["bytes"] for rank in ranks] == [NUM_STEPS * num_weights * 8] * 2


def test_training_changes_the_weights_that_are_compared():
    """The comparison above would hold for weights that never move."""
    gan, _ = trained("model=dcgan", micro_batches=2)
    start, _ = trained("model=dcgan", micro_batches=2, num_steps=1)
    assert (flat(gan.generator) - flat(start.generator)).abs().max() > 1e-4
