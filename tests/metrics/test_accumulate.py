"""Features are gathered right whatever the number of processes, the batches, the precision or the history."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from one_measuring_rank import FEATURES, NUM_FEATURES, NUM_SAMPLES, SHARES, gathered
from two_ranks import results_of

from framegan.metrics.accumulate import FeatureBank

NUMBERS = torch.arange(NUM_SAMPLES)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes has gathered, by case."""
    return results_of(Path(__file__).with_name("one_measuring_rank.py"), tmp_path_factory)


@pytest.mark.parametrize("case", SHARES)
def test_two_processes_gather_what_one_does(case, ranks):
    for number, rank in enumerate(results[case] for results in ranks):
        assert torch.equal(rank["bank"], FEATURES)
        assert rank["after_reset"] == 0
        assert rank["agreed"] == ("of rank 0", (number, 2))
        assert rank["raised"] == "division by zero"
        assert rank["twice"]
        assert rank["random"]


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_batches_make_no_difference(batch, monkeypatch):
    monkeypatch.setattr("one_measuring_rank.BATCH", batch)
    assert torch.equal(gathered(FeatureBank(NUM_FEATURES), range(NUM_SAMPLES)), FEATURES)


def test_order_and_repetition_make_no_difference():
    order = torch.randperm(NUM_SAMPLES, generator=torch.Generator().manual_seed(1))
    assert torch.equal(gathered(FeatureBank(NUM_FEATURES), [*order.tolist(), *order[:20].tolist()]), FEATURES)


@pytest.mark.parametrize(
    "disturb",
    [
        lambda bank: bank.to(torch.bfloat16),
        lambda bank: torch.nn.ModuleList([bank]).to(torch.bfloat16)[0],
        lambda bank: bank.half().train(),
        lambda bank: pickle.loads(pickle.dumps(bank)),
        copy.deepcopy,
    ],
)
def test_nothing_disturbs_what_is_kept(disturb):
    bank = FeatureBank(NUM_FEATURES)
    bank.update(FEATURES[:300], NUMBERS[:300])
    bank = disturb(bank)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        bank.update(FEATURES[300:], NUMBERS[300:])
        assert torch.equal(bank.compute(), FEATURES)
    assert not bank.state_dict()


def test_a_wrong_number_of_numbers():
    with pytest.raises(ValueError, match="one row for each number"):
        FeatureBank(NUM_FEATURES).update(FEATURES[:5], NUMBERS[:4])
