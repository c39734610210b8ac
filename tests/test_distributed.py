"""Two processes train as one does: the same weights, and noise that together is the noise of one."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from one_rank import BATCH_SIZE, CASES, NUM_STEPS, buffers, trained
from worlds import flat

HERE = Path(__file__).parent
pytestmark = pytest.mark.xdist_group("ranks")  # which train but once


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes has left, by case."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    processes = [
        subprocess.Popen([sys.executable, HERE / "one_rank.py", str(rank), port, folder], cwd=HERE) for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_equal_one(case, ranks):
    """The one process takes the two halves of each batch apart, so that batch normalisation sees what a rank sees."""
    first, second = (rank[case] for rank in ranks)
    gan, noise = trained(case, micro_batches=2)
    for name, network in {"generator": gan.generator, "discriminator": gan.discriminator}.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], flat(network), rtol=0, atol=1e-12)
    torch.testing.assert_close(first["ema"], flat(gan.generator_ema), rtol=0, atol=1e-12)
    assert torch.equal(first["buffers"], second["buffers"])
    torch.testing.assert_close(first["buffers"], buffers(gan), rtol=0, atol=1e-12)
    assert first["samples_seen"] == int(gan.samples_seen) == NUM_STEPS * 2 * BATCH_SIZE
    assert first["keys"] == list(gan.state_dict())
    for step, (latents, mixing) in enumerate(noise):
        ours, theirs = first["noise"][step], second["noise"][step]
        assert not torch.equal(ours[0], theirs[0])
        assert torch.equal(torch.cat([ours[0], theirs[0]]), latents)
        assert torch.equal(torch.cat([ours[1], theirs[1]]), mixing)


def test_training_changes_the_weights_that_are_compared():
    """The comparison above would hold for weights that never move."""
    gan, _ = trained("model=dcgan", micro_batches=2)
    start, _ = trained("model=dcgan", micro_batches=2, num_steps=1)
    assert (flat(gan.generator) - flat(start.generator)).abs().max() > 1e-4
