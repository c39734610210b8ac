"""Schedules are pure functions of the clock."""

import pytest

from framegan.schedules import Constant, Cosine, Linear


def test_constant_warms_up_in_a_straight_line():
    schedule = Constant(warmup_samples=100)
    assert schedule(49) == pytest.approx(0.5)
    assert schedule(99) == schedule(10_000) == 1


def test_linear_is_flat_then_falls_to_zero():
    schedule = Linear(total_samples=1000, start_samples=500)
    assert [schedule(t) for t in (0, 500, 750, 1000, 2000)] == [1, 1, 0.5, 0, 0]


def test_cosine_falls_through_one_half_in_the_middle():
    schedule = Cosine(total_samples=1000)
    assert [schedule(t) for t in (0, 500, 1000)] == pytest.approx([1, 0.5, 0])


def test_a_decay_that_starts_after_the_end_is_refused():
    with pytest.raises(ValueError, match="start_samples=10 must be below total_samples=10"):
        Linear(total_samples=10, start_samples=10)
