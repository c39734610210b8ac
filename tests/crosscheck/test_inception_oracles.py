"""Our Inception is that of torch-fidelity and of clean-fid, under the same random weights."""

import numpy as np
import pytest
import torch
from oracles import oracle
from random_weights import written

from framegan.metrics.inception import RESOLUTION, Inception, resize_as_clean_fid, resize_as_tensorflow_1
from framegan.metrics.inception_v3 import InceptionV3

SIZES = [(32, 32), (64, 48), (256, 256), (299, 299), (300, 517)]


def images(height, width, num_images=1):
    return torch.randint(0, 256, (num_images, 3, height, width), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(InceptionV3(), tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def extractor(weights):
    module = oracle("torch_fidelity.feature_extractor_inceptionv3")
    features = ["2048", "logits_unbiased"]
    return module.FeatureExtractorInceptionV3("ours", features, feature_extractor_weights_path=weights).eval()


def test_features_and_logits(weights, extractor):
    inception = Inception(weights=weights)
    pixels = images(40, 56, num_images=2)
    features, logits = extractor(pixels)
    scale = float(features.abs().mean())
    torch.testing.assert_close(inception(pixels) / scale, features / scale, rtol=1e-4, atol=1e-4)
    scale = float(logits.abs().mean())
    torch.testing.assert_close(inception.logits(features).float() / scale, logits / scale, rtol=1e-4, atol=1e-4)


def test_layout(extractor):
    shapes = {name: tensor.shape for name, tensor in extractor.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in InceptionV3().state_dict().items()}


@pytest.mark.parametrize("size", SIZES)
def test_tensorflow_1_resize(size):
    module = oracle("torch_fidelity.feature_extractor_inceptionv3")
    pixels = images(*size).float()
    expected = module.interpolate_bilinear_2d_like_tensorflow1x(pixels, (RESOLUTION, RESOLUTION), align_corners=False)
    torch.testing.assert_close(resize_as_tensorflow_1(pixels, RESOLUTION), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_clean_resize(size):
    resizer = oracle("cleanfid.resize").build_resizer("clean")
    (pixels,) = images(*size)
    expected = resizer(pixels.permute(1, 2, 0).numpy().astype(np.uint8))
    resized = resize_as_clean_fid(pixels[None].float(), RESOLUTION)[0].permute(1, 2, 0)
    torch.testing.assert_close(resized, torch.from_numpy(expected), rtol=0, atol=0.01)
