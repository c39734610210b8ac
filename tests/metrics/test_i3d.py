"""I3D embeds clips as published: layout, shortest clip, what it gives the TorchScript program, known distances."""

import numpy as np
import pytest
import torch
from random_weights import layout, written
from torch import Tensor, nn

from framegan.metrics.frechet import frechet_distance
from framegan.metrics.i3d import I3D, PLAIN, TORCHSCRIPT
from framegan.metrics.inception_i3d import InceptionI3D, pad_same


class Program(nn.Module):
    """Stands in for the published TorchScript program: its signature, and features that show what it was given."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(400))

    def forward(
        self, clips: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False
    ) -> Tensor:
        assert rescale
        assert resize
        assert return_features
        return clips.mean((2, 3, 4)).repeat(1, 134)[:, :400] * self.weight


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(InceptionI3D(), tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def plain(weights):
    return I3D("plain", weights)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "i3d_torchscript.pt"
    torch.jit.script(Program()).save(path)
    return str(path)


def clips(num_clips, num_channels=3, num_frames=9, resolution=16, seed=0):
    shape = (num_clips, num_channels, num_frames, resolution, resolution)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_the_layout_is_the_published_one():
    with torch.device("meta"):
        network = InceptionI3D()
    assert len(network.state_dict()) == 344
    assert sum(parameter.numel() for parameter in network.parameters()) == 12_697_264
    assert layout(network.state_dict()) == "97cd133f75d479bd193d224cd327569cbd043318de072c887d2101ad9f5ac36d"


def test_clips_of_8_frames_are_refused_and_of_9_taken(plain):
    with pytest.raises(ValueError, match="i3d_plain needs clips of at least 9 frames, these have 8"):
        plain(clips(1, num_frames=8))
    features = plain(clips(1))
    assert features.shape == (1, plain.num_features)
    assert features.std() > 0.01
    assert torch.equal(plain.logits(features), features)


def test_a_clip_has_the_same_features_in_any_batch_and_order_of_frames_matters(plain, monkeypatch):
    monkeypatch.setattr(plain, "frames_at_once", 20)  # two clips at once
    batch = torch.cat([clips(2), clips(1).flip(2)])
    features = plain(batch)
    torch.testing.assert_close(features[:1], plain(batch[:1]), rtol=1e-4, atol=1e-4)
    assert (features[2] - features[0]).norm() > 0.01 * features[0].norm()


def test_grey_is_repeated_and_nothing_around_it_changes_the_features(weights, plain):
    grey = clips(1, num_channels=1)
    expected = plain(grey.repeat(1, 3, 1, 1, 1))
    changed = I3D("plain", weights).train().to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        features = changed(grey)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)


def test_the_program_gets_grey_levels_and_resizes_itself(program):
    i3d = I3D(weights=program)
    batch = clips(3, num_frames=100)
    assert torch.equal(i3d(batch), batch.float().mean((2, 3, 4)).repeat(1, 134)[:, :400])
    grey = clips(1, num_channels=1)
    torch.testing.assert_close(i3d(grey), grey.float().mean().expand(1, 400))


def test_the_program_stays_in_float32(program):
    batch = clips(1)
    expected = I3D(weights=program)(batch)
    changed = I3D(weights=program).train().to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(changed(batch), expected)
    assert not any(parameter.requires_grad for parameter in changed.parameters())


def test_variants_have_names_of_their_own(program, weights, plain):
    i3d = I3D(weights=program)
    assert (i3d.name, plain.name) == ("i3d", "i3d_plain")
    assert i3d.fingerprint != plain.fingerprint
    for embedding in (i3d, plain):
        assert (embedding.takes, embedding.frechet_name, embedding.kernel_name) == ("clips", "fvd", "kvd")


@pytest.mark.parametrize(
    ("variant", "message"), [("torchscript", "TorchScript file"), ("plain", "a state dict of Inc")]
)
def test_a_file_of_the_other_kind_is_refused(variant, message, program, weights):
    path = {"torchscript": weights, "plain": program}[variant]
    with pytest.raises(ValueError, match=f"is not (a )?{message}"):
        I3D(variant, path)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "before", "after"),
    [(9, 7, 2, 3, 3), (16, 7, 2, 2, 3), (4, 3, 1, 1, 1), (5, 3, 2, 1, 1), (6, 3, 2, 0, 1), (6, 2, 2, 0, 0)],
)
def test_padding_is_tensorflows(size, kernel, stride, before, after):
    padded = pad_same(torch.ones(1, 1, size, 1, 1), (kernel, 1, 1), (stride, 1, 1)).flatten()
    assert padded.tolist() == [0] * before + [1] * size + [0] * after


@pytest.mark.weights
@pytest.mark.parametrize(
    ("variant", "published"),
    [
        pytest.param(
            variant, file, marks=pytest.mark.skipif(not file.path.exists(), reason=f"{file.path} is not there")
        )
        for variant, file in (("torchscript", TORCHSCRIPT), ("plain", PLAIN))
    ],
)
class TestPublishedWeights:
    """The values are those of universome/fvd-comparison and of the FVD repositories that followed it."""

    def test_black_and_white(self, variant, published):
        i3d = I3D(variant)
        black = torch.zeros(8, 3, 30, 64, 64, dtype=torch.uint8)
        assert frechet_distance(i3d(black), i3d(255 - black)) == pytest.approx(151.26, rel=1e-3)

    def test_uniform_noise_in_0_to_1(self, variant, published):
        network = I3D(variant).network
        options = {"rescale": False, "resize": False, "return_features": True} if variant == "torchscript" else {}
        features = []
        for seed in (1, 2):
            random = np.random.RandomState(seed)
            clips = (
                torch.from_numpy(random.rand(4, 16, 224, 224, 3)).float().permute(0, 4, 1, 2, 3) for _ in range(32)
            )
            with torch.no_grad():
                features.append(torch.cat([network(few, **options) for few in clips]))
        assert frechet_distance(*features) == pytest.approx(10.13808, rel=1e-3)
