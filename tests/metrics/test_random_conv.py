"""Random features see what they should, and are the same everywhere."""

import pytest
import torch
import torch.nn.functional as F

from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.drawn.synthetic import synthetic
from framegan.data.published.digits import digits
from framegan.data.videos.clips import Clips
from framegan.metrics.frechet import frechet_distance
from framegan.metrics.random_conv import RandomConv


def distance(embedding, real, fake):
    return frechet_distance(embedding(real), embedding(fake))


@pytest.fixture(scope="module")
def clips():
    """Two draws of 500 clips (3, 16, 16, 16)."""
    draws = []
    for seed in (0, 1):
        source = Clips(ShapeMotion(num_videos=500, video_frames=16, resolution=16, seed=seed), num_frames=16)
        draws.append(source.batch([(index, 0) for index in range(len(source))])[0])
    return draws


@pytest.fixture(scope="module")
def images():
    """Two halves of the digits (1, 32, 32), and their classes."""
    source = digits(32)
    return (source.samples[::2], source.samples[1::2]), source.labels[1::2]


def shuffled(clips, length):
    """Return clips whose frames are shuffled within each stretch of so many."""
    generator = torch.Generator().manual_seed(0)
    orders = [
        torch.cat([start + torch.randperm(length, generator=generator) for start in range(0, clips.shape[2], length)])
        for _ in clips
    ]
    return torch.stack([clip[:, order] for clip, order in zip(clips, orders, strict=True)])


def blurred(pixels, radius):
    size = 2 * radius + 1
    flat = pixels.float().flatten(0, 1).unsqueeze(1)
    padded = F.pad(flat, (radius,) * 4, mode="replicate")
    return F.avg_pool2d(padded, size, stride=1).view(pixels.shape).round().to(torch.uint8)


def test_shuffled_and_frozen_clips_are_far_from_clean_ones(clips):
    real, fake = clips
    broken = *(shuffled(fake, length) for length in (2, 4, 16)), fake[:, :, :1].expand_as(fake)
    clean, of_two, of_four, of_all, frozen = (distance(RandomConv(3), real, x) for x in (fake, *broken))
    assert clean < of_two < of_four < of_all
    assert of_all > 10 * clean
    assert frozen > 10 * clean


def test_images_do_not_see_the_order_of_frames(clips):
    frames = [x.transpose(1, 2).flatten(0, 1) for x in (clips[1][:50], shuffled(clips[1][:50], 16))]
    embedding = RandomConv(2)
    means = [embedding(x).unflatten(0, (50, 16)).mean(1) for x in frames]
    torch.testing.assert_close(means[0], means[1], rtol=1e-4, atol=1e-4)


def test_degradations_of_images_are_ordered(images):
    (real, fake), labels = images
    embedding = RandomConv(2)
    clean = distance(embedding, real, fake)
    for weak, strong in [
        (blurred(fake, 1), blurred(fake, 2)),
        (fake.roll(3, dims=-1), fake.roll(8, dims=-1)),
        (fake[labels != 0], fake[labels < 2]),
    ]:
        assert clean < distance(embedding, real, weak) < distance(embedding, real, strong)


def tiles(pixels, side, order):
    """Return square pictures whose tiles are those that an order of all of their tiles puts there."""
    rows = pixels.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5)  # (N, n, n, C, side, side)
    moved = rows.flatten(0, 2)[order(len(pixels), rows.shape[1] ** 2)].view(rows.shape)
    return moved.permute(0, 3, 1, 4, 2, 5).reshape(pixels.shape)


def within_a_picture(number, places):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([k * places + torch.randperm(places, generator=generator) for k in range(number)])


def among_pictures(number, places):
    """Return an order in which every tile keeps its place, and those of a picture come from different ones."""
    generator = torch.Generator().manual_seed(0)
    return torch.stack([torch.randperm(number, generator=generator) * places + k for k in range(places)], 1).flatten()


@pytest.mark.parametrize("source", [digits(32), synthetic(1500, 32)], ids=["digits", "synthetic"])
def test_a_mush_is_further_from_the_data_than_objects_in_slightly_wrong_colours(source):
    """Tiles and blends of real pictures keep their colours, and in part their edges; they show no objects."""
    real, fake, more = source.samples[torch.randperm(len(source), generator=torch.Generator().manual_seed(0))].chunk(3)
    noisy = fake + 4 * torch.randn(fake.shape, generator=torch.Generator().manual_seed(0))
    objects = [fake, 0.85 * fake, noisy, 12 + 0.9 * fake]
    mush = [tiles(fake, 16, within_a_picture), tiles(fake, 16, among_pictures), tiles(fake, 8, among_pictures)]
    mush += [(fake[: len(more)].float() + more) / 2]
    embedding = RandomConv(2)

    def distances(sets):
        return [distance(embedding, real, one.round().clamp(0, 255).to(torch.uint8)) for one in sets]

    assert max(distances(objects)) < min(distances(mush))


def test_the_data_choose_the_dimensions():
    images, clips = RandomConv().of((3, 8, 8)), RandomConv().of((1, 5, 8, 8))
    assert (images.name, clips.name) == ("random_conv2d", "random_conv3d")
    assert images(torch.zeros(2, 3, 8, 8, dtype=torch.uint8)).shape == (2, images.num_features)
    assert clips(torch.zeros(2, 1, 5, 8, 8, dtype=torch.uint8)).shape == (2, clips.num_features)
    with pytest.raises(ValueError, match="takes clips"):
        RandomConv(3).of((3, 8, 8))


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 2, 5, 7), (3, 3, 100, 80), (3, 4, 4)])
def test_any_size_of_sample_is_taken(shape):
    pixels = torch.randint(0, 256, (2, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features = RandomConv().of(shape)(pixels)
    assert features.isfinite().all()
    assert 0.01 < features.std() < 20, "neither vanished nor exploded"


def test_weights_are_the_same_on_every_machine_and_draw_nothing():
    before = torch.get_rng_state()
    assert [RandomConv(dims).fingerprint for dims in (2, 3)] == ["aadcc222", "eed3447d"]
    assert torch.equal(torch.get_rng_state(), before)
    assert RandomConv(2, seed=1).fingerprint != RandomConv(2).fingerprint


def test_nothing_that_surrounds_it_changes_it():
    pixels = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    embedding = RandomConv(2)
    expected = embedding(pixels)
    embedding.to(torch.bfloat16).train().half()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(embedding(pixels), expected)
    assert not embedding.training
    with pytest.raises(ValueError, match="uint8"):
        embedding(pixels.float())


def test_what_is_transparent_is_seen_over_white():
    pixels = torch.randint(256, (2, 4, 8, 8), dtype=torch.uint8)
    pixels[:, 3] = torch.tensor([0, 255])[torch.randint(2, (2, 8, 8))]
    over_white = torch.where(pixels[:, 3:] > 0, pixels[:, :3], 255)
    embedding = RandomConv().of((4, 8, 8))
    assert torch.equal(embedding(pixels), embedding(over_white))
    assert torch.equal(embedding(pixels[:, 2:]), embedding(over_white[:, 2:]))
