"""What lies between the samples of seeds: where it begins and ends, how long latents stay, what is held."""

import itertools

import pytest
import torch

from framegan import inputs, interpolation, noise, sampling
from framegan.networks import dcgan, espcn, mocogan, predictor, stylegan2

CLIPS = (3, 4, 16, 16)


def walked(generator, *arguments, **choices):
    return torch.cat([samples for _, samples in interpolation.walk(generator, *arguments, **choices)])


@pytest.mark.parametrize("way", ["spherical", "linear"])
@pytest.mark.parametrize(
    "generator",
    [
        dcgan.Generator((3, 16, 16), width=8),
        dcgan.Generator((3, 16, 16), width=8, num_classes=3, conditional=True),
        mocogan.Generator(CLIPS, width=8, num_classes=2, conditional=True),
        stylegan2.Generator((3, 16, 16), style_dim=8, width=4),
    ],
    ids=["dcgan", "of classes", "mocogan", "stylegan2"],
)
def test_a_walk_comes_by_the_samples_of_its_seeds(generator, way):
    seeds, steps = [4, 0, 9], 3
    category = 1 if getattr(generator, "num_classes", 0) else None
    samples = walked(generator, seeds, steps, interpolation=way, category=category)
    assert len(samples) == 7 == interpolation.length(seeds, steps, closed=False)
    assert torch.equal(samples[::steps], sampling.sample(generator, seeds, category=category))
    assert all(not torch.equal(one, other) for one, other in itertools.pairwise(samples))
    closed = walked(generator, seeds, steps, interpolation=way, category=category, closed=True)
    assert len(closed) == 9 == interpolation.length(seeds, steps, closed=True)
    assert torch.equal(closed[:7], samples)
    back = walked(generator, [seeds[-1], seeds[0]], steps, interpolation=way, category=category)
    torch.testing.assert_close(closed[6:], back[:-1], rtol=0, atol=1e-5)


def test_an_arc_keeps_the_length_of_normal_noise_and_a_line_does_not():
    first, last = noise.latents_of_seeds([0], 512), noise.latents_of_seeds([1], 512)
    moments = torch.linspace(0, 1, 11).unsqueeze(1)
    arc = interpolation.arc(first.expand(11, -1), last.expand(11, -1), moments)
    assert arc.norm(dim=1) == pytest.approx(512**0.5, rel=0.07)
    assert first.lerp(last, moments[5]).norm() < 0.8 * 512**0.5
    angles = (arc[:-1] * arc[1:]).sum(1) / (arc[:-1].norm(dim=1) * arc[1:].norm(dim=1))
    assert angles.acos().std() < 0.1 * angles.acos().mean(), "it is walked at one speed"


@pytest.mark.parametrize("last", [[3.0, 0.0], [-2.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
def test_where_there_is_no_one_arc_it_is_straight(last):
    first, last = torch.tensor([[1.0, 0.0]]), torch.tensor([last])
    assert torch.equal(interpolation.arc(first, last, torch.tensor([[0.25]])), first.lerp(last, 0.25))


def test_what_is_held_stays_and_the_class_is_that_of_the_first_seed():
    torch.manual_seed(0)
    generator = mocogan.Generator(CLIPS, width=8, num_classes=5, conditional=True)
    for part in ("content", "motion"):
        held = walked(generator, [0, 1], 4, held={part: 7}, category=2)
        assert torch.equal(held[0], sampling.sample(generator, [0], held={part: 7}, category=2)[0])
        assert torch.equal(held[4], sampling.sample(generator, [1], held={part: 7}, category=2)[0])
        assert not torch.equal(held[0], held[1])
    seeds = [
        0,
        next(seed for seed in range(1, 50) if inputs.draw(generator, [seed])[1] != inputs.draw(generator, [0])[1]),
    ]
    label = int(inputs.draw(generator, [0])[1])
    assert torch.equal(walked(generator, seeds, 2), walked(generator, seeds, 2, category=label))


def test_what_continues_frames_begins_alike_on_the_whole_way():
    torch.manual_seed(0)
    generator = predictor.Generator(CLIPS, given_frames=2, width=8)
    generator.beginnings.fill(torch.rand(5, 3, 4, 16, 16) * 2 - 1, torch.zeros(5, dtype=torch.int64))
    samples = walked(generator, [0, 1, 2], 3, closed=True)
    assert torch.equal(samples[:, :, :2], samples[:1, :, :2].expand(9, -1, -1, -1, -1))


@pytest.mark.parametrize("seeds", [[], [3], [3, 3], [1, 2, 2]])
def test_a_walk_needs_two_seeds_that_differ(seeds):
    with pytest.raises(ValueError, match="interpolate got .*it should be two seeds or more, such as"):
        walked(dcgan.Generator((3, 16, 16), width=8), seeds, 3)


def test_there_is_nothing_between_samples_that_are_enlarged():
    with pytest.raises(ValueError, match="enlarges small samples, and nothing lies between those"):
        walked(espcn.Generator((3, 16, 16), width=4), [0, 1], 2)
