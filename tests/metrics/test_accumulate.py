"""Features are gathered right whatever the number of processes, the batches, the precision or the history."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from one_measuring_rank import FEATURES, NUM_FEATURES, NUM_SAMPLES, SHARES, gathered
from two_ranks import results_of

from framegan.metrics.accumulate import FeatureBank, FeatureMoments
from framegan.metrics.frechet import Moments

EXPECTED = Moments.of(FEATURES)
NUMBERS = torch.arange(NUM_SAMPLES)


def assert_moments(moments):
    assert moments.num_samples == NUM_SAMPLES
    torch.testing.assert_close(moments.mean, EXPECTED.mean, rtol=1e-13, atol=0)
    torch.testing.assert_close(moments.scatter, EXPECTED.scatter, rtol=1e-11, atol=1e-10)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of two processes has gathered, by case."""
    return results_of(Path(__file__).with_name("one_measuring_rank.py"), tmp_path_factory)


@pytest.mark.parametrize("case", SHARES)
def test_two_processes_gather_what_one_does(case, ranks):
    for number, rank in enumerate(results[case] for results in ranks):
        assert torch.equal(rank["bank"], FEATURES)
        assert_moments(Moments(**{key: rank["moments"][key] for key in ("num_samples", "mean", "scatter")}))
        assert rank["after_reset"] == (0, 0)
        assert rank["agreed"] == ("of rank 0", (number, 2))
        assert rank["raised"] == "division by zero"
        assert rank["twice"]
        assert "counted the same sample" in rank["refused"]
        assert rank["random"]


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_batches_make_no_difference(batch, monkeypatch):
    monkeypatch.setattr("one_measuring_rank.BATCH", batch)
    assert torch.equal(gathered(FeatureBank(NUM_FEATURES), range(NUM_SAMPLES)), FEATURES)
    assert_moments(gathered(FeatureMoments(NUM_FEATURES), range(NUM_SAMPLES)))


@pytest.mark.parametrize("kind", [FeatureBank, FeatureMoments])
def test_order_repetition_and_padding_make_no_difference(kind):
    metric = kind(NUM_FEATURES, NUM_SAMPLES)
    order = torch.randperm(NUM_SAMPLES, generator=torch.Generator().manual_seed(1))
    padded = torch.cat([order, order[:20], NUM_SAMPLES + torch.arange(9)])
    for numbers in padded.split(50):
        metric.update(FEATURES[numbers % NUM_SAMPLES], numbers)
    found = metric.compute()
    assert torch.equal(found, FEATURES) if kind is FeatureBank else assert_moments(found) is None


@pytest.mark.parametrize("kind", [FeatureBank, FeatureMoments])
@pytest.mark.parametrize(
    "disturb",
    [
        lambda metric: metric.to(torch.bfloat16),
        lambda metric: torch.nn.ModuleList([metric]).to(torch.bfloat16)[0],
        lambda metric: metric.half().train(),
        lambda metric: pickle.loads(pickle.dumps(metric)),
        copy.deepcopy,
    ],
)
def test_nothing_disturbs_what_is_kept(kind, disturb):
    metric = kind(NUM_FEATURES)
    metric.update(FEATURES[:300], NUMBERS[:300])
    metric = disturb(metric)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        metric.update(FEATURES[300:], NUMBERS[300:])
        found = metric.compute()
    assert torch.equal(found, FEATURES) if kind is FeatureBank else assert_moments(found) is None
    assert not metric.state_dict()


def test_a_wrong_number_of_numbers():
    with pytest.raises(ValueError, match="one row for each number"):
        FeatureBank(NUM_FEATURES).update(FEATURES[:5], NUMBERS[:4])
