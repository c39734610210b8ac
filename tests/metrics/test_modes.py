"""Modes are counted and weighed as their formulas say."""

import math

import pytest
import torch

from framegan.metrics.modes import mode_coverage


def test_even_codes_hit_everything_at_no_distance():
    number, divergence = mode_coverage(torch.arange(1000).repeat(26), 1000)
    assert number == 1000
    assert divergence == pytest.approx(0, abs=1e-12)


def test_one_mode():
    assert mode_coverage(torch.full((500,), 407), 1000) == (1, pytest.approx(math.log(1000)))


@pytest.mark.parametrize("number", [2, 10, 999])
def test_some_modes_evenly(number):
    assert mode_coverage(torch.arange(number).repeat(3), 1000) == (number, pytest.approx(math.log(1000 / number)))


def test_uneven_modes_are_weighed():
    _, divergence = mode_coverage(torch.tensor([0, 0, 0, 1]), 2)
    assert divergence == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))


def test_real_samples_say_how_often_modes_should_occur():
    real = torch.tensor([0] * 899 + [1] * 99)
    like_real, even = torch.tensor([0] * 90 + [1] * 10), torch.tensor([0, 1] * 50)
    assert mode_coverage(like_real, 2, real) == (2, pytest.approx(0, abs=1e-12))
    assert mode_coverage(even, 2, real)[1] == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1))
    assert mode_coverage(even, 2)[1] < mode_coverage(like_real, 2)[1], "from even it is the other way round"
    assert math.isfinite(mode_coverage(even, 2, torch.zeros(100, dtype=torch.int64))[1])
    balanced = torch.tensor([0, 1] * 500)
    assert mode_coverage(like_real, 2, balanced) == pytest.approx(mode_coverage(like_real, 2))


def test_the_order_of_samples_and_of_modes_does_not_matter():
    random = torch.Generator().manual_seed(0)
    codes = torch.randint(30, (100,), generator=random) ** 2
    renamed = torch.randperm(1000, generator=random)[codes.flip(0)]
    assert mode_coverage(renamed, 1000) == pytest.approx(mode_coverage(codes, 1000), rel=1e-12)


def test_a_finite_sample_of_even_modes_is_as_far_as_the_docstring_says():
    random = torch.Generator().manual_seed(0)
    values = [mode_coverage(torch.randint(100, (2600,), generator=random), 100)[1] for _ in range(50)]
    assert sum(values) / 50 == pytest.approx(99 / (2 * 2600), rel=0.1)


@pytest.mark.parametrize(
    ("codes", "got"), [([], "got 0 codes"), ([0, 10], "got codes from 0 to 10"), ([-1, 3], "got codes from -1 to 3")]
)
def test_codes_out_of_range_are_refused(codes, got):
    with pytest.raises(ValueError, match=f"from 0 to 9; {got}"):
        mode_coverage(torch.tensor(codes, dtype=torch.int64), 10)
