"""One of two gloo processes that gather features in every case: python one_measuring_rank.py RANK PORT FOLDER"""

import os
import sys
import warnings

import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)

from framegan.metrics.accumulate import FeatureBank  # noqa: E402
from framegan.processes.ranks import from_rank_zero, rank_and_number  # noqa: E402

NUM_SAMPLES, NUM_FEATURES, BATCH = 1000, 12, 64
FEATURES = torch.rand(NUM_SAMPLES, NUM_FEATURES, generator=torch.Generator().manual_seed(0)) + 10

SHARES = {
    "even": (range(0, NUM_SAMPLES, 2), range(1, NUM_SAMPLES, 2)),
    "uneven": (range(700, NUM_SAMPLES), range(700)),
    "empty": (range(NUM_SAMPLES), range(0)),
    "first_empty": (range(0), range(NUM_SAMPLES)),
}


def gathered(bank, share):
    """Return what is gathered where this rank has a share of the samples."""
    for start in range(0, len(share), BATCH):
        numbers = torch.tensor(share[start : start + BATCH])
        bank.update(FEATURES[numbers], numbers)
    return bank.compute()


def measured(rank, share):
    """Return what this rank finds where it has a share of the samples."""
    before = torch.get_rng_state()
    bank = FeatureBank(NUM_FEATURES)
    results = {"bank": gathered(bank, share)}
    bank.reset()
    results["after_reset"] = len(gathered(bank, range(0)))
    results["agreed"] = from_rank_zero(lambda: f"of rank {rank}"), rank_and_number()
    try:
        from_rank_zero(lambda: 1 / 0)
    except ZeroDivisionError as error:
        results["raised"] = str(error)
    twice = gathered(bank, range(50))  # both ranks bring the same samples
    results["twice"] = torch.equal(twice, FEATURES[:50])
    return results | {"random": torch.equal(torch.get_rng_state(), before)}


if __name__ == "__main__":
    rank, port, folder = sys.argv[1:]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    torch.distributed.init_process_group("gloo", rank=int(rank), world_size=2)
    results = {case: measured(rank, shares[int(rank)]) for case, shares in SHARES.items()}
    torch.save(results, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()
