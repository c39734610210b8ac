"""What each temporal generator says of clips that are longer than the trained ones is true of it."""

import pytest
import torch

from framegan import sampling
from framegan.networks import (
    dcgan3d,
    frame_cgan,
    g3an,
    independent_frames,
    mocogan,
    predictor,
    stylegan_v,
    tgan,
    vgan,
)
from framegan.networks import motion as motion_codes

SHAPE = (1, 8, 16, 16)
LENGTH = 64
TRANSFORMER, BURN_IN = {"motion": "transformer"}, {"initial_state": "burn_in"}


def clips_of(generator):
    """Return clips of eight times the trained length, whose weights are large enough to see motion."""
    torch.manual_seed(0)
    for parameter in generator.parameters():
        if parameter.ndim > 2:
            torch.nn.init.normal_(parameter, 0, 0.1)
    return sampling.sample(generator, range(8), num_frames=LENGTH)


def motion(clips):
    """Return the mean change from frame to frame in the trained length, and in the last frames of that number."""
    changes = clips.diff(dim=2).abs().mean((0, 1, 3, 4))
    return changes[:7].mean().item(), changes[-7:].mean().item()


@pytest.mark.parametrize("options", [{}, {"initial_state": "drawn"}, {"motion": "lstm"}, TRANSFORMER], ids=str)
def test_a_motion_that_has_a_start_fades(options):
    generator = mocogan.Generator(SHAPE, width=8, **options)
    assert "stand still" in generator.longer_clips
    assert "model.generator.motion=conv1d" in generator.longer_clips
    first, last = motion(clips_of(generator))
    assert last < 0.7 * first


@pytest.mark.parametrize("options", [BURN_IN, {"motion": "conv1d"}, TRANSFORMER | BURN_IN], ids=str)
def test_a_motion_that_is_alike_at_every_frame_goes_on(options):
    generator = mocogan.Generator(SHAPE, width=8, **options)
    assert "keep moving" in generator.longer_clips
    first, last = motion(clips_of(generator))
    assert last == pytest.approx(first, rel=0.3)


def test_codes_at_knots_in_time_go_on():
    torch.manual_seed(0)
    generator = stylegan_v.Generator(SHAPE, 16, motion_dim=32, knot_distance=8, width=8, widest=32)
    assert "keep moving" in generator.longer_clips
    first, last = motion(sampling.sample(generator, range(64), num_frames=LENGTH))
    assert last == pytest.approx(first, rel=0.3)


@pytest.mark.parametrize(("module", "period"), [(dcgan3d, 4), (vgan, 4), (tgan, 8), (frame_cgan, 16), (g3an, 2)])
def test_what_is_fed_the_same_code_for_longer_repeats_itself(module, period):
    generator = module.Generator(SHAPE, width=8)
    assert f"repeat {period} frames over and over" in generator.longer_clips
    inner = clips_of(generator)[:, :, 16:48]
    torch.testing.assert_close(inner[:, :, period:], inner[:, :, :-period], rtol=0, atol=1e-5)
    assert (inner[:, :, 1:] - inner[:, :, :-1]).abs().max() > 1e-4


def test_frames_of_their_own_stay_so():
    generator = independent_frames.Generator(SHAPE, width=8)
    assert "a picture of its own" in generator.longer_clips
    first, last = motion(clips_of(generator))
    assert last == pytest.approx(first, rel=0.3)


def test_frames_that_follow_from_those_before_go_on():
    generator = predictor.Generator(SHAPE, given_frames=1, width=8)
    assert "each frame follows from those before it" in generator.longer_clips
    assert clips_of(generator).diff(dim=2)[:, :, -8:].abs().amax((0, 1, 3, 4)).min() > 0


@pytest.mark.parametrize(
    "generator",
    [
        mocogan.Generator(SHAPE, width=8),
        mocogan.Generator(SHAPE, width=8, **TRANSFORMER, num_classes=3),
        independent_frames.Generator(SHAPE, width=8),
        stylegan_v.Generator(SHAPE, 16, motion_dim=32, knot_distance=8, width=8, widest=32),
        frame_cgan.Generator(SHAPE, width=8),
        frame_cgan.Generator(SHAPE, width=8, frames_before=2, normalization="group"),
        predictor.Generator(SHAPE, given_frames=3, width=8),
    ],
    ids=lambda generator: type(generator).__module__.rpartition(".")[2],
)
def test_a_long_clip_is_made_in_pieces(generator, monkeypatch):
    whole = sampling.sample(generator, [5], num_frames=50)[0]
    monkeypatch.setattr(sampling, "VALUES_AT_ONCE", 7 * 16 * 16)
    monkeypatch.setattr(motion_codes.Attention, "block", 16)
    pieces = list(sampling.frames_of(generator, 5, num_frames=50))
    assert len(pieces) >= 8 and max(piece.shape[1] for piece in pieces) <= 7
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(sampling.sample(generator, [5], num_frames=50)[0], whole, rtol=0, atol=1e-5)
    assert generator.training and torch.is_grad_enabled()
