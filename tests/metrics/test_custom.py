"""Any network of the user's own embeds samples, once its range and size are said."""

import pytest
import torch
from torch import Tensor, nn

from framegan.metrics.custom import Custom


class Pixels(nn.Module):
    """All the values themselves."""

    def forward(self, samples: Tensor) -> Tensor:
        return samples.flatten(1)


def images(num_images=4, num_channels=3, resolution=8):
    shape = (num_images, num_channels, resolution, resolution)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))


@pytest.mark.parametrize("input_range", [(0, 1), (-1, 1), [0, 255]])
def test_pixels_0_and_255_become_the_input_range(input_range):
    custom = Custom("pixels", "images", Pixels(), input_range=input_range)
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    features = custom(pixels)
    torch.testing.assert_close(features, torch.tensor(input_range).float().view(2, 1).expand(2, 3))


def test_it_is_a_surrogate_by_name():
    custom = Custom("dino", "images", linear())
    assert (custom.name, custom.frechet_name, custom.kernel_name) == ("dino", "fd", "kd")


def test_grey_is_repeated_or_left():
    grey = images(num_channels=1)
    assert torch.equal(Custom("a", "images", Pixels())(grey), Custom("a", "images", Pixels())(grey.repeat(1, 3, 1, 1)))
    custom = Custom("a", "images", Pixels(), channels=1)
    assert custom(grey).shape == (4, 64)
    with pytest.raises(ValueError, match="the embedding a takes grey samples, these have 3 channels"):
        custom(images())


@pytest.mark.parametrize("resolution", [4, 8, 20])
def test_height_and_width_are_resized(resolution):
    sample = torch.full((2, 1, 9, 8, 8), 51, dtype=torch.uint8)
    custom = Custom("a", "clips", Pixels(), resolution=resolution)
    torch.testing.assert_close(custom(sample), torch.full((2, 3 * 9 * resolution**2), 0.2))
    same = Custom("a", "images", Pixels(), resolution=8)(images())
    torch.testing.assert_close(same, images().float().flatten(1) / 255)


def test_frames_keep_their_places():
    pixels = torch.arange(2 * 3 * 9, dtype=torch.uint8).view(2, 3, 9, 1, 1).expand(2, 3, 9, 8, 8)
    prepared = Custom("a", "clips", Pixels(), resolution=4, input_range=(0, 255)).prepare(pixels)
    torch.testing.assert_close(prepared[..., 0, 0], pixels[..., 0, 0].float())


def test_the_number_of_features_is_found_with_the_first_shape():
    custom = Custom("a", "images", linear())
    custom.check((3, 8, 8))
    assert custom.num_features == 5


def test_a_wrong_number_of_features_is_refused():
    with pytest.raises(ValueError, match=r"must return features \(N, D\), here \(4, 7\); it returned \[4, 5\]"):
        Custom("a", "images", linear(), num_features=7)(images())


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Identity(), r"the embedding a must return features \(N, D\), here \(1, 8\); it returned \[1, 3, 8, 8\]"),
        (nn.Flatten(0), r"here \(1, 192\); it returned \[192\]"),
        (nn.MaxPool2d(8, return_indices=True), r"it returned tuple"),
    ],
)
def test_a_wrong_shape_is_refused_before_the_first_batch(network, message):
    with pytest.raises(ValueError, match=message):
        Custom("a", "images", network).check((3, 8, 8))


def test_nothing_around_it_changes_the_features():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    custom = Custom("a", "images", network)
    expected = custom(images())
    custom.train().to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(custom(images()), expected)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_fingerprint_tells_weights_apart():
    torch.manual_seed(0)
    network = linear()
    first = Custom("a", "images", network).fingerprint
    assert Custom("a", "images", network).fingerprint == first
    network[1].bias[0] += 1
    assert Custom("a", "images", network).fingerprint != first


@pytest.mark.parametrize(
    "other",
    [{"resolution": 4}, {"input_range": (-1, 1)}, {"channels": 1}, {"takes": "clips"}, {"module": nn.Flatten()}],
    ids=lambda other: next(iter(other)),
)
def test_the_fingerprint_tells_apart_what_is_done_with_samples(other):
    pixels = {"name": "a", "takes": "images", "module": Pixels(), "input_range": (0, 1)}
    assert Custom(**pixels).fingerprint == Custom(**pixels | {"input_range": [0.0, 1.0], "min_frames": 2}).fingerprint
    assert Custom(**pixels | other).fingerprint != Custom(**pixels).fingerprint


def test_the_fingerprint_tells_layers_without_weights_apart():
    first, second, third = (
        Custom("a", "images", nn.Sequential(nn.AvgPool2d(side), nn.Flatten())) for side in (2, 4, 2)
    )
    assert first.fingerprint == third.fingerprint != second.fingerprint


def test_the_fingerprint_of_a_file_tells_what_is_done_with_samples(tmp_path):
    torch.jit.script(linear()).save(tmp_path / "network.pt")
    of_sizes = {
        Custom("a", "images", path=str(tmp_path / "network.pt"), resolution=side).fingerprint for side in (8, 9, None)
    }
    assert len(of_sizes) == 3


def test_a_torchscript_file(tmp_path):
    network = linear()
    torch.jit.script(network).save(tmp_path / "network.pt")
    custom = Custom("a", "images", path=str(tmp_path / "network.pt"), input_range=(-1, 1))
    torch.testing.assert_close(custom(images()), Custom("a", "images", network, input_range=(-1, 1))(images()))
    assert len(custom.fingerprint) == 8


def test_a_missing_file():
    with pytest.raises(
        FileNotFoundError, match=r"nowhere\.pt is not a file; .*build the network with module\._target_"
    ):
        Custom("a", "images", path="nowhere.pt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "the embedding a needs either a module or the path"),
        ({"module": Pixels(), "path": "file.pt"}, "the embedding a needs either a module or the path"),
        ({"module": Pixels(), "input_range": (1, 0)}, r"input_range got \(1, 0\); it should be two growing numbers"),
        ({"module": Pixels(), "input_range": (1,)}, r"input_range got \(1,\)"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(ValueError, match=message):
        Custom("a", "images", **arguments)
