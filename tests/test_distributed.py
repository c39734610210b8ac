"""Two processes train as one does: the same weights, and noise that together is the noise of one."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from one_rank import BATCH_SIZE, CASES, NUM_STEPS, SHAPES, STRATEGIES, trained
from worlds import flat, real_batches

HERE = Path(__file__).parent


def two_ranks(case, strategy, folder):
    """Train a case in two processes and return what each left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    ranks = [
        subprocess.Popen([sys.executable, HERE / "one_rank.py", case, strategy, str(rank), port, folder], cwd=HERE)
        for rank in range(2)
    ]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize(
    ("case", "strategy"), [(case, STRATEGIES[0]) for case in CASES] + [("batch_norm_r1_lazy", STRATEGIES[1])]
)
def test_two_processes_equal_one(case, strategy, tmp_path):
    """The one process takes the two halves of each batch apart, so that batch normalisation sees what a rank sees."""
    ranks = two_ranks(case, strategy, tmp_path)
    gan, noise = trained(case, real_batches(NUM_STEPS, 2 * BATCH_SIZE, SHAPES[case]), micro_batches=2)
    for name, network in {"generator": gan.generator, "discriminator": gan.discriminator}.items():
        assert torch.equal(ranks[0][name], ranks[1][name])
        torch.testing.assert_close(ranks[0][name], flat(network), rtol=0, atol=1e-12)
    torch.testing.assert_close(ranks[0]["ema"], flat(gan.generator_ema), rtol=0, atol=1e-12)
    assert ranks[0]["samples_seen"] == int(gan.samples_seen) == NUM_STEPS * 2 * BATCH_SIZE
    assert ranks[0]["keys"] == list(gan.state_dict())
    for step, (latents, mixing) in enumerate(noise):
        first, second = (rank["noise"][step] for rank in ranks)
        assert not torch.equal(first[0], second[0])
        assert torch.equal(torch.cat([first[0], second[0]]), latents)
        assert torch.equal(torch.cat([first[1], second[1]]), mixing)


def test_training_changes_the_weights_that_are_compared():
    """The comparison above would hold for weights that never move."""
    gan, _ = trained("batch_norm", real_batches(NUM_STEPS, 2 * BATCH_SIZE), micro_batches=2)
    start, _ = trained("batch_norm", real_batches(1, 2 * BATCH_SIZE), micro_batches=2)
    assert (flat(gan.generator) - flat(start.generator)).abs().max() > 1e-3
