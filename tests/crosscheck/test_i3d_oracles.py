"""Our I3D is that of cd-fvd, which is VideoGPT's, under the same random weights."""

import pytest
import torch
from oracles import oracle
from random_weights import randomize

from framegan.metrics.i3d import I3D
from framegan.metrics.inception_i3d import InceptionI3D


@pytest.fixture(scope="module")
def reference():
    return oracle("cdfvd.third_party.i3d.pytorch_i3d").InceptionI3d(400, in_channels=3).eval()


def test_layout(reference):
    shapes = {name: tensor.shape for name, tensor in reference.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in InceptionI3D().state_dict().items()}


@pytest.mark.parametrize(("num_frames", "resolution"), [(9, 64), (10, 224), (16, 100)])
def test_logits(num_frames, resolution, reference, tmp_path):
    state = randomize(InceptionI3D()).state_dict()
    torch.save(state, tmp_path / "i3d.pt")
    reference.load_state_dict(state)
    shape = (1, 3, num_frames, resolution, resolution)
    pixels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).byte()
    prepare = oracle("cdfvd.third_party.i3d.utils").preprocess_i3d
    with torch.no_grad():
        expected = reference(prepare(pixels.permute(0, 2, 3, 4, 1).numpy()))
    scale = float(expected.std())
    features = I3D("plain", str(tmp_path / "i3d.pt"))(pixels)
    torch.testing.assert_close(features / scale, expected / scale, rtol=1e-4, atol=1e-4)
