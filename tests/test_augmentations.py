"""Augmentations: what they do to pictures with known pixels, and what the step needs of them."""

import math
import shutil

import pytest
import torch
from commands import train
from worlds import Record, fit, real_batches, tiny_gan

from framegan import losses, noise, regularizers
from framegan.augmentations.adaptive import COLOURS, GEOMETRY, OF_COLOURED, TRANSFORMS, Adaptive
from framegan.augmentations.augmentation import Augmentation, warped
from framegan.augmentations.diffaugment import DiffAugment

KEYS = torch.arange(1, 65) / 128
ALWAYS = {"probability": 1.0, "largest": 1.0, "target": None}
ALL = [DiffAugment(), Adaptive(**ALWAYS), *(Adaptive(**ALWAYS, transforms=[name]) for name in TRANSFORMS)]
NAMES = ["diffaugment", "ada", *TRANSFORMS]


def pictures(*shape, number=64):
    torch.manual_seed(0)
    return torch.rand(1, *shape).mul(2).sub(1).expand(number, *shape)


@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
def test_each_key_and_place_gives_its_own_transform_of_any_shape(augmentation):
    coloured, grey = [(3, 16, 24), (4, 3, 8, 12)], [(1, 8, 8), (2, 9, 7)]
    for shape in coloured if OF_COLOURED.issuperset(augmentation.transforms) else [*coloured, *grey]:
        samples = pictures(*shape)
        made = augmentation(samples, KEYS, 0)
        assert made.shape == samples.shape
        assert made.isfinite().all()
        torch.testing.assert_close(made[5:9], augmentation(samples[5:9], KEYS[5:9], 0), atol=1e-5, rtol=1e-5)
        if augmentation.num_random and shape[0] == 3:
            assert any(not torch.allclose(one, made[0]) for one in made)
            assert not torch.equal(made, augmentation(samples, KEYS, 1))


@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
def test_all_frames_of_a_clip_are_transformed_alike(augmentation):
    still = pictures(3, 1, 8, 8).expand(-1, -1, 5, -1, -1)
    made = augmentation(still, KEYS, 0)
    torch.testing.assert_close(made, made[:, :, :1].expand_as(made))


@pytest.mark.parametrize("augmentation", ALL, ids=NAMES)
def test_mixed_precision_moves_no_pixel(augmentation):
    samples = pictures(3, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = augmentation(samples, KEYS, 0)
    assert torch.equal(mixed, augmentation(samples, KEYS, 0))


@pytest.mark.parametrize("augmentation", ALL[:2], ids=NAMES[:2])
def test_gradients_go_through_it_twice(augmentation):
    samples = pictures(3, 3, 4, number=2).double().clone().requires_grad_()
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda x: augmentation(x, KEYS[:2], 0).sin(), samples, fast_mode=True)


def test_at_probability_0_nothing_happens():
    samples = pictures(3, 8, 8)
    torch.testing.assert_close(Adaptive()(samples, KEYS, 0), samples, atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_warps_by_whole_pixels_and_right_angles_are_exact(padding):
    frames = pictures(2, 3, 8, 8, number=1)
    shift = torch.tensor([[[1.0, 0, 2], [0, 1, -1], [0, 0, 1]]])  # what was 2 to the right and 1 above
    made = warped(frames, shift, padding)
    torch.testing.assert_close(made[..., 1:, :-2], frames[..., :-1, 2:], atol=1e-5, rtol=0)
    edge = torch.zeros_like(frames[..., 0, :-2]) if padding == "zeros" else frames[..., 0, 2:]
    torch.testing.assert_close(made[..., 0, :-2], edge, atol=1e-5, rtol=0)
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    torch.testing.assert_close(warped(frames, turn, padding), frames.rot90(-1, (-1, -2)), atol=1e-5, rtol=0)


def test_flips_and_turns_make_the_eight_pictures_and_no_others():
    picture = pictures(1, 6, 6)
    whole = Adaptive(**ALWAYS, transforms=["flip", "turn"])(picture, KEYS, 0)
    eight = [turned for k in range(4) for turned in (picture[0].rot90(k, (1, 2)), picture[0].rot90(k, (1, 2)).flip(2))]
    found = [[torch.allclose(one, made, atol=1e-5) for one in eight].index(True) for made in whole]
    assert set(found) == set(range(8))


@pytest.mark.parametrize("name", GEOMETRY)
def test_geometry_leaves_a_plain_colour_alone(name):
    plain = torch.full((64, 3, 8, 8), 0.3)
    torch.testing.assert_close(Adaptive(**ALWAYS, transforms=[name])(plain, KEYS, 0), plain)


def test_colours():
    samples = pictures(4, 6, 6)
    luma = samples[:, :3].mean(1)
    for name in COLOURS:
        made = Adaptive(**ALWAYS, transforms=[name])(samples, KEYS, 0)
        assert torch.equal(made[:, 3], samples[:, 3]), "transparency stays"
        grey = made[:, :3].mean(1)
        if name in ("hue", "saturation"):
            torch.testing.assert_close(grey, luma, atol=1e-5, rtol=1e-4)
        if name in ("hue", "inversion"):  # turns and reflections of the colours
            torch.testing.assert_close(made.square().sum(1), samples.square().sum(1), atol=1e-4, rtol=1e-4)
        if name == "inversion":
            assert sorted({round(value, 3) for value in (grey / luma)[:, 0, 0].tolist()}) == [-1, 1]
        if name == "brightness":
            assert (made - samples)[:, :3].std((1, 2, 3)).max() < 1e-5


def test_diffaugment_cuts_out_a_quarter_at_most_and_shifts_by_an_eighth():
    ones = torch.ones(64, 1, 16, 16)
    cut = DiffAugment(["cutout"])(ones, KEYS, 0)
    assert set(cut.unique().tolist()) == {0, 1}
    assert 0 < (1 - cut.flatten(1).mean(1)).max() <= 0.25
    shifted = DiffAugment(["shift"])(ones, KEYS, 0)
    lost = (1 - shifted[:, 0].amax(1).mean(1)) * 16  # columns that came in
    assert sorted({round(value) for value in lost.tolist()}) == [0, 1, 2]
    contrast = DiffAugment(["colour"])(pictures(3, 8, 8), KEYS, 0)
    assert (contrast.mean((1, 2, 3)) - pictures(3, 8, 8).mean((1, 2, 3))).abs().max() <= 0.5


def test_the_probability_rises_with_an_overfitting_critic_and_falls_back():
    augmentation = Adaptive(samples_to_certainty=1_000, interval=2)
    for _ in range(6):
        augmentation.observe(torch.ones(8, 3))
        augmentation.adapt(8)
    assert augmentation.probability.item() == pytest.approx(6 * 8 / 1_000)
    for _ in range(2):
        augmentation.observe(torch.tensor([[1.0]] * 3 + [[-1.0]] * 5))  # r = -.25
        augmentation.adapt(8)
    assert augmentation.probability.item() == pytest.approx(4 * 8 / 1_000)
    assert augmentation.measured()["augmentation/heuristic"].item() == -0.25
    for _ in range(1_000):
        augmentation.observe(torch.ones(8, 1))
        augmentation.adapt(8)
    assert augmentation.probability.item() == pytest.approx(0.8), "the largest"


def test_the_step_augments_what_the_critic_sees_and_logs_the_probability():
    options = {"interval": 1, "samples_to_certainty": 100, "probability": 0.5}
    gan = tiny_gan(augmentation=Adaptive(**options), regularizers={"r1": regularizers.R1(1.0)})
    record = Record(lambda gan: gan.augmentation.probability.item())
    fit(gan, real_batches(4), callbacks=[record])
    assert len(set(record.states)) > 1
    assert record.measured[-1]["augmentation/probability"].item() == pytest.approx(record.states[-1])
    assert -1 <= record.measured[-1]["augmentation/heuristic"].item() <= 1
    assert "augmentation.probability" in gan.state_dict()


def test_the_heuristic_is_of_the_steps_since_the_last_adjustment_before_and_after_a_resume():
    augmentation = Adaptive(interval=2)
    for sign in (1.0, 1.0, -1.0):
        augmentation.observe(torch.full((4, 1), sign))
        augmentation.observe(torch.full((4, 1), sign))  # the second piece of a batch
        augmentation.adapt(8)
    resumed = Adaptive(interval=2)
    resumed.load_state_dict(augmentation.state_dict())
    for one in (augmentation, resumed):
        assert one.measured()["augmentation/heuristic"] == -1
        one.observe(torch.ones(8, 1))
        one.adapt(8)
        assert one.measured()["augmentation/heuristic"] == 0, "in an interval of two steps"
        one.observe(torch.ones(8, 1))
        assert one.measured()["augmentation/heuristic"] == 1


@pytest.mark.parametrize("choice", ["ada", "diffaugment"])
def test_an_augmentation_of_no_transforms_is_refused(choice):
    said = train("model=mlp", "data=synthetic", f"model/augmentation={choice}", "model.augmentation.transforms=[]")
    assert "model.augmentation.transforms" in said and "at least 1 item" in said


def test_a_probability_that_can_not_be_is_refused_and_one_that_is_set_stays():
    with pytest.raises(ValueError, match="target=null leaves the probability where it is, which is 0: nothing would"):
        Adaptive(target=None)
    with pytest.raises(ValueError, match=r"probability=0.9 is above largest=0.8, .* set it lower"):
        Adaptive(probability=0.9)
    kept = Adaptive(probability=0.2).state_dict()
    for target, probability in ((None, 0.3), (0.6, 0.2)):
        resumed = Adaptive(target=target, probability=0.3)
        resumed.load_state_dict(kept)
        assert resumed.probability == pytest.approx(probability)


@pytest.mark.parametrize("loss", [losses.Relativistic(), losses.Wasserstein()], ids=lambda loss: type(loss).__name__)
def test_a_constant_in_all_logits_that_the_loss_does_not_see_steers_nothing(loss):
    """The probability depends on the differences of real and fake logits alone."""
    seen = []
    for constant in (-20.0, 0.0, 20.0):
        adaptive = Adaptive(interval=1, samples_to_certainty=100)
        gan = tiny_gan("none", loss=loss, augmentation=adaptive)
        torch.nn.init.constant_([*gan.discriminator.parameters()][-1], constant)
        record = Record(lambda gan: gan.augmentation.probability.item())
        fit(gan, real_batches(8), callbacks=[record], log_every_n_steps=1)
        accuracy = [float(step["discriminator/real_accuracy"]) for step in record.measured]
        seen.append((record.states, accuracy))
    assert seen[0] == seen[1] == seen[2]
    assert max(seen[0][1]) > 0.6, "the discriminator learns something"
    assert len(set(seen[0][0])) > 1


def test_numbers_of_keys_are_uniform_and_apart():
    keys = noise.uniform((4_096,), seed=0, stream=noise.MIXING, counter=0)
    numbers = noise.uniform_of_keys(keys, 8)
    assert numbers.min() > 0 and numbers.max() < 1
    assert numbers.mean(0).sub(0.5).abs().max() < 0.02
    assert numbers.var(0).mul(12).sub(1).abs().max() < 0.05
    both = torch.cat([numbers, noise.uniform_of_keys(keys, 8, part=1)], dim=1)
    assert (both.T.corrcoef() - torch.eye(16)).abs().max() < 0.06
    coarse = noise.coarse_of_keys(keys, 7).double() / 2**16 + 0.5
    assert coarse.mean(0).sub(0.5).abs().max() < 0.02 and coarse.var(0).mul(12).sub(1).abs().max() < 0.05
    assert (coarse.T.corrcoef() - torch.eye(7)).abs().max() < 0.06
    histogram = torch.histc(numbers.float(), 64, 0, 1)
    assert ((histogram - 512) / math.sqrt(512)).abs().max() < 4.5


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_draws_the_same():
    def drawn(keys):
        return noise.coarse_of_keys(noise.other_keys(keys, 2, part=5).flatten(), 16, part=1)

    keys = noise.uniform((8,), seed=0, stream=noise.MIXING, counter=0)
    assert torch.equal(torch.compile(drawn)(keys), drawn(keys))


def test_the_largest_number_stays_below_1_however_it_is_rounded():
    """One in 2^24 would else become 1 as float32: an infinite normal number, or a flip that makes a picture larger."""
    keys = torch.tensor([810469, 1150709, 1869154, 1879450, 2301418, 2529007, 3015454, 3251409, 3989976]) / 2**24
    numbers = noise.uniform_of_keys(keys, Adaptive.num_random).float()
    assert (numbers.amax(1) > 1 - 2**-23).all() and (numbers < 1).all()
    for probability in (0, 1):
        samples = torch.full((len(keys), 3, 8, 8), 0.5)
        assert torch.isfinite(Adaptive(probability=probability, largest=1)(samples, keys, 0)).all()


class Cropped(Augmentation):
    """What an augmentation of one's own may get wrong."""

    def transformed(self, frames, random):
        return frames[..., 1:]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            torch.nn.Identity(),
            "model.augmentation is a Identity without num_random, transformed, observe, adapt, measured",
        ),
        (Cropped(), r"made a tensor \(2, 1, 8, 7\) of float32 of a tensor \(2, 1, 8, 8\)"),
    ],
)
def test_one_of_ones_own_that_breaks_the_contract(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan(augmentation=wrong)


def test_what_changes_no_grey_sample_is_refused():
    ada = Adaptive(probability=1, largest=1, transforms=["saturation", "hue"])
    for channels in (1, 2):
        with pytest.raises(ValueError, match=r"transforms=\[saturation,hue\] leaves grey samples as they are; choose"):
            ada(torch.zeros(2, channels, 8, 8), torch.tensor([0.2, 0.7]), 0)
    assert ada(torch.zeros(2, 3, 8, 8), torch.tensor([0.2, 0.7]), 0).shape == (2, 3, 8, 8)
