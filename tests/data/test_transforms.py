"""Transforms of training samples: a function of the seed, the epoch and the sample, the same for all frames."""

import sys

import numpy as np
import pytest
import torch
from commands import train
from torch import nn

from framegan import noise, own_code
from framegan.data.datamodule import DataModule
from framegan.data.drawn.synthetic import synthetic
from framegan.data.source import TensorSource
from framegan.data.ticket_dataset import TicketDataset
from framegan.data.transforms import Transforms

TICKETS = [(3, 0), (0, 0), (3, 1), (7, 2)]


def noisy(frames):
    return (frames + 0.2 * torch.rand(())).clamp(0, 1)


def unseeded(frames):
    return frames * float(np.random.default_rng().random())


def narrow(frames):
    return frames[..., :4]


class OneForEach(nn.Module):
    """Draws a number for each frame, or one for all of them with `same_on_batch`, as the classes of kornia do."""

    same_on_batch = False

    def forward(self, frames):
        shape = (1 if self.same_on_batch else len(frames), 1, 1, 1)
        return frames * torch.rand(shape)


def dataset(transforms, source=None, seed=5):
    source = synthetic(16, 8) if source is None else source
    return TicketDataset(source, flip=False, seed=seed, transforms=Transforms(transforms, seed))


def test_a_sample_is_transformed_alike_alone_and_among_others():
    samples, labels = dataset([noisy]).batch(TICKETS)
    alone = torch.cat([dataset([noisy]).batch([ticket])[0] for ticket in TICKETS])
    assert torch.equal(samples, alone)
    assert samples.dtype == torch.uint8 and labels.dtype == torch.int64
    assert not torch.equal(samples[0], samples[2]), "another epoch"
    assert not torch.equal(samples, dataset([noisy], seed=6).batch(TICKETS)[0])


def test_what_is_drawn_is_torchs_of_the_ticket_and_leaves_its_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    source = synthetic(16, 8)
    samples, _ = dataset([noisy], source).batch(TICKETS[:1])
    assert torch.equal(torch.rand(3), expected)
    of_ticket = torch.Generator().manual_seed(int(noise.generator(5, noise.TRANSFORMS, 0, 3).integers(2**63)))
    made = (source.samples[3].float() / 255 + 0.2 * torch.rand((), generator=of_ticket)).clamp(0, 1)
    assert torch.equal(samples[0], made.mul(255).round().byte())


def test_no_change_keeps_every_value():
    source = TensorSource(torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16), torch.zeros(1).long(), 1)
    assert torch.equal(dataset([nn.Identity(), lambda frames: frames], source).batch([(0, 0)])[0], source.samples)


def test_all_frames_of_a_clip_are_transformed_alike():
    still = torch.randint(1, 256, (4, 3, 1, 8, 8), dtype=torch.uint8).expand(4, 3, 5, 8, 8)
    source = TensorSource(still, torch.zeros(4).long(), 1)
    samples, _ = dataset(nn.Sequential(OneForEach()), source).batch([(0, 0), (1, 0)])
    assert torch.equal(samples, samples[:, :, :1].expand_as(samples))
    assert not torch.equal(samples, still[:2])


def test_real_samples_that_are_shown_and_measured_stay_as_they_are():
    source = synthetic(16, 8)
    datamodule = DataModule(source, batch_size=4, transforms=[lambda frames: 0 * frames])
    assert datamodule.examples.real(4)[0].max() > 0
    assert datamodule.fingerprint == DataModule(source, batch_size=4).fingerprint


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (unseeded, "made two samples of one by the same random numbers; draw from PyTorch's generator alone"),
        (narrow, r"narrow made a tensor \(1, 3, 8, 4\) of float32 of a tensor \(1, 3, 8, 8\) of float32; it should"),
        (nn.Linear(3, 3), r"Linear can't take a tensor \(1, 3, 8, 8\) of float32: mat1 and mat2 shapes cannot be"),
        (lambda frames: frames / 0, "<lambda> made .* it should make as many finite numbers of the same shape"),
        (nn.Identity, "data.transforms has a type; it should be a list of functions of frames"),
        (7, "data.transforms has a int; it should be a list of functions of frames"),
    ],
)
def test_what_does_not_transform_is_refused_before_the_first_batch(transform, message):
    with pytest.raises(ValueError, match=message):
        DataModule(synthetic(16, 8), batch_size=4, transforms=[transform])


def test_without_kornia_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "kornia"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kornia", None)
    with pytest.raises(ValueError, match=r'kornia isn\'t installed; install it: pip install "framegan\[kornia\]"'):
        own_code.locate("kornia.augmentation.RandomRotation")


def test_kornia_transforms_images_and_clips(tmp_path):
    augmentation = pytest.importorskip("kornia.augmentation", reason="kornia, an extra, isn't installed")
    several = [augmentation.RandomAffine(20.0, p=1.0), augmentation.ColorJitter(0.2, 0.2, 0.2, 0.1, p=1.0)]
    still = torch.randint(1, 256, (4, 3, 1, 8, 8), dtype=torch.uint8).expand(4, 3, 5, 8, 8)
    for source in (synthetic(4, 8), TensorSource(still, torch.zeros(4).long(), 1)):
        Transforms(several, 0).check(source.samples[0])
        samples, _ = dataset(several, source).batch([(0, 0), (0, 1)])
        assert not torch.equal(samples[0], samples[1])
    assert torch.equal(samples, samples[:, :, :1].expand_as(samples))
    chosen = "data.transforms=[{_target_: kornia.augmentation.RandomRotation, degrees: 10}]"
    small = ("model=mlp", "data=synthetic", "trainer=debug", "evaluate_every=null", f"hydra.run.dir={tmp_path / 'run'}")
    assert train(*small, chosen) is None
    slip = train(*small, chosen.replace("degrees", "degrees_"), "hydra.run.dir=never")
    assert slip == (
        "error: data.transforms[0].degrees_ is not a setting of kornia.augmentation.RandomRotation; "
        "did you mean degrees?"
    )
