"""Inception embeds images as published: layout, preprocessing, precision."""

import pytest
import torch
from random_weights import layout, written
from torch.nn import functional as F

from framegan.metrics.inception import RESOLUTION, WEIGHTS, Inception, resize_as_clean_fid, resize_as_tensorflow_1
from framegan.metrics.inception_v3 import InceptionV3


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(InceptionV3(), tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def inception(weights):
    return Inception(weights=weights)


def images(num_images, num_channels=3, resolution=32, seed=0):
    shape = (num_images, num_channels, resolution, resolution)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_the_layout_is_the_published_one():
    with torch.device("meta"):
        network = InceptionV3()
    assert len(network.state_dict()) == 566
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_850_960
    assert layout(network.state_dict()) == "760681d791cb624e1bf7a2e802a68933dd17aa5e3109fcf498d9dfa521bc10d7"


def test_features_tell_images_apart(inception):
    features = inception(images(2))
    assert features.shape == (2, inception.num_features)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    assert (features[0] - features[1]).norm() > 0.01 * features[0].norm()


def test_an_image_has_the_same_features_in_any_batch(inception):
    batch = images(3)
    torch.testing.assert_close(inception(batch)[1:2], inception(batch[1:2]), rtol=1e-4, atol=1e-4)


def test_more_images_than_go_at_once(inception, monkeypatch):
    monkeypatch.setattr(inception, "frames_at_once", 2)
    batch = images(3)
    torch.testing.assert_close(inception(batch)[2:], inception(batch[2:]), rtol=1e-4, atol=1e-4)


def test_no_images_have_no_features(inception):
    assert inception(images(0)).shape == (0, 2048)


def test_grey_is_repeated(inception):
    grey = images(1, num_channels=1)
    torch.testing.assert_close(inception(grey), inception(grey.repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-4)


def test_nothing_around_it_changes_the_features(weights, inception):
    batch = images(1)
    expected = inception(batch)
    torch.set_default_dtype(torch.bfloat16)
    try:
        changed = Inception(weights=weights).train().to(torch.bfloat16)
        with torch.autocast("cpu", torch.bfloat16):
            features = changed(batch)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(features, expected)
    assert not any(parameter.requires_grad for parameter in changed.parameters())


def test_building_it_draws_no_random_number(weights):
    before = torch.get_rng_state()
    Inception(weights=weights)
    assert torch.equal(torch.get_rng_state(), before)


def test_logits_have_no_bias(inception):
    assert torch.equal(inception.logits(torch.zeros(2, 2048)), torch.zeros(2, 1008, dtype=torch.float64))
    first = torch.eye(1, 2048)
    torch.testing.assert_close(inception.logits(first)[0].float(), inception.network.fc.weight[:, 0])


@pytest.mark.parametrize(("resize", "name"), [("tf", "inception"), ("clean", "inception_clean")])
def test_each_resize_has_its_name(resize, name, weights):
    inception = Inception(resize=resize, weights=weights)
    assert (inception.name, inception.frechet_name, inception.kernel_name) == (name, "fid", "kid")
    prepared = inception.prepare(images(1, num_channels=1, resolution=40))
    assert prepared.shape == (1, 3, RESOLUTION, RESOLUTION)
    assert prepared.min() >= -1
    assert prepared.max() <= 127 / 128


@pytest.mark.parametrize("resize", [resize_as_tensorflow_1, resize_as_clean_fid])
def test_resizing(resize):
    constant = torch.full((1, 1, 40, 50), 77.0)
    torch.testing.assert_close(resize(constant, 299), torch.full((1, 1, 299, 299), 77.0))
    same = images(1, resolution=16).float()
    torch.testing.assert_close(resize(same, 16), same, rtol=0, atol=1e-3)


def test_tensorflow_takes_no_half_pixel_and_repeats_the_last():
    row = torch.tensor([0.0, 30.0]).expand(1, 1, 2, 2)
    torch.testing.assert_close(resize_as_tensorflow_1(row, 3)[0, 0, 0], torch.tensor([0.0, 20.0, 30.0]))
    square = torch.tensor([[[[0.0, 8.0], [4.0, 20.0]]]])
    expected = [[0, 4, 8, 8], [2, 8, 14, 14], [4, 12, 20, 20], [4, 12, 20, 20]]
    torch.testing.assert_close(resize_as_tensorflow_1(square, 4)[0, 0], torch.tensor(expected).float())


def test_tensorflow_shrinks_by_leaving_pixels_out():
    column = torch.arange(6.0).view(1, 1, 6, 1).expand(1, 1, 6, 6)
    assert resize_as_tensorflow_1(column, 3)[0, 0, :, 0].tolist() == [0, 2, 4]
    assert resize_as_tensorflow_1(column, 4)[0, 0, :, 0].tolist() == [0, 1.5, 3, 4.5]


def test_clean_does_not_alias():
    stripes = (torch.arange(1024) % 2 * 255.0).expand(1, 1, 1024, 1024)
    assert resize_as_clean_fid(stripes, 299)[0, 0, 8:-8, 8:-8].std() < 3
    assert resize_as_tensorflow_1(stripes, 299).std() > 50


def test_clean_is_not_rounded_and_stays_in_range():
    resized = resize_as_clean_fid(images(1).float(), 299)
    assert (resized - resized.round()).abs().max() > 0.4
    assert resized.min() >= 0
    assert resized.max() <= 255


@pytest.mark.parametrize("shape", [(1, 3, 9, 32, 32), (1, 5, 32, 32)])
def test_other_samples_are_refused(shape, inception):
    with pytest.raises(ValueError, match="the embedding inception takes"):
        inception(torch.zeros(shape, dtype=torch.uint8))


@pytest.mark.weights
@pytest.mark.skipif(not WEIGHTS.path.exists(), reason=f"{WEIGHTS.path} is not there")
def test_the_published_weights():
    inception = Inception()
    assert inception.fingerprint == "6726825d"
    smooth = F.interpolate(images(2, resolution=8).float(), scale_factor=16, mode="bicubic").clamp(0, 255).byte()
    features = inception(smooth)
    assert features.min() >= 0
    assert 0.05 < features.mean() < 2
