"""Every model of images, with the class and without: it trains at any shape, and it uses the class it is given."""

import re
import shutil

import pytest
import torch
from commands import train
from one_rank import IMAGE_MODELS, built
from small_files import write_images
from small_runs import narrow
from worlds import fit, real_batches

from framegan.cli.class_checks import check_both_are_given, check_class_settings
from framegan.networks import dcgan, fastgan, mlp, r3gan, resnet, stylegan2
from framegan.networks.conditioning import Conditioning
from framegan.networks.critics import Heads

SHAPES = [(1, 28, 28), (3, 32, 32), (4, 64, 64), (3, 48, 64)]
FAMILIES = [mlp, dcgan, resnet, r3gan, fastgan, stylegan2]
WAYS = Conditioning.__args__


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_it_trains(model, shape, conditional):
    gan = built(model, shape, f"model.conditional={conditional}", "model.discriminator_steps=1")
    assert gan.generator.num_classes == (3 if conditional else 0)
    before = [next(network.parameters()).clone() for network in (gan.generator, gan.discriminator)]
    fit(gan, real_batches(1, 4, shape))
    after = [next(network.parameters()) for network in (gan.generator, gan.discriminator)]
    assert not any(map(torch.equal, before, after))
    assert gan.sample([0, 1]).shape == (2, *shape)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_class_is_used(family, way):
    """The same latents make other samples of another class, and a sample is judged as one of the class asked for."""
    torch.manual_seed(0)
    generator = family.Generator((1, 16, 16), num_classes=3, conditional=True).eval()
    critic = family.Discriminator((1, 16, 16), num_classes=3, conditional=True, conditioning=way).eval()
    if family is resnet:  # its gains begin alike
        torch.nn.init.normal_(generator.blocks[0].first_norm.gain.weight)
    latents = torch.randn(1, generator.latent_dim).expand(3, -1)
    samples = generator(latents, torch.arange(3))
    assert len({sample.sum().item() for sample in samples}) == 3
    logits = critic(samples[:1].expand(3, -1, -1, -1), torch.arange(3))
    assert len(set(map(tuple, logits["sample"].tolist()))) == (1 if way == "auxiliary" else 3)
    assert logits.get("class", torch.empty(0)).shape == ((3, 3) if "auxiliary" in way else (0,))


@pytest.mark.parametrize("family", FAMILIES)
def test_without_classes_it_is_as_it_was(family):
    """Checkpoints of a network that knows no class load, and the weights it starts from are the same."""
    for part in (family.Generator, family.Discriminator):
        torch.manual_seed(0)
        plain = part((1, 16, 16)).state_dict()
        torch.manual_seed(0)
        one_class = part((1, 16, 16), num_classes=1, conditional=True).state_dict()
        assert plain.keys() == one_class.keys()
        assert all(torch.equal(plain[key], one_class[key]) for key in plain)


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_data_of_one_class_are_refused(model):
    with pytest.raises(ValueError, match=r"model\.conditional=true, but the data have one class.*conditional=false"):
        built(model, (1, 16, 16), "model.conditional=true", num_classes=1)


def test_both_networks_have_the_class_or_neither():
    for network in ("generator", "discriminator"):
        gan = built("dcgan", (1, 16, 16), f"model.{network}.conditional=true")
        with pytest.raises(ValueError, match=r"asked for [03] classes, and the discriminator is given [03].*for both"):
            check_both_are_given(gan)
    gan = built("dcgan", (1, 16, 16), "model.generator.conditional=true")
    gan.discriminator = Heads({"sample": gan.discriminator, "own": OwnHead()})
    check_both_are_given(gan)
    check_class_settings(gan, ["model.class_weight=0.5"])
    gan = built("dcgan", (1, 16, 16), num_classes=1)
    gan.generator.num_classes = 1  # as a network of one's own may say of data of one class
    check_both_are_given(gan)


class OwnHead(torch.nn.Module):
    """A critic of one's own that predicts the class."""

    def forward(self, samples, labels=None):
        means = samples.flatten(1).mean(1, keepdim=True)
        return {"sample": means, "class": means.expand(-1, 3)}


GIVEN_NONE = "given no classes; set model.conditional=true, with data that have some"
PREDICTED = "the discriminator predicts no class; leave it out, or set model"
CONCATENATED = "only a concatenation has one; leave it out, or set model"


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("dcgan", ["model.discriminator.conditioning=auxiliary"], f"model.discriminator is {GIVEN_NONE}"),
        ("dcgan", ["model.class_weight=0.5"], f"the networks are {GIVEN_NONE}"),
        ("dcgan", ["model.conditional=true", "model.class_weight=0.5"], f"{PREDICTED}.discriminator.conditioning="),
        (
            "dcgan",
            ["model.conditional=true", "model.discriminator.class_dim=64"],
            f"{CONCATENATED}.discriminator.conditioning=",
        ),
        ("vae", ["model.generator.class_dim=64"], f"model.generator is {GIVEN_NONE}"),
        ("frame_cgan", ["model.class_weight=0.5"], f"{PREDICTED}.discriminator.heads.frame.conditioning=auxiliary"),
        (
            "mocogan",
            ["model.discriminator.heads.frame.conditioning=auxiliary"],
            f"model.discriminator.heads.frame is {GIVEN_NONE}",
        ),
        ("cgan", ["model.discriminator.conditioning=auxiliary", "model.class_weight=0.5"], None),
        ("mocogan", ["model.class_weight=0.5", "model.discriminator.heads.clip.class_dim=8"], f"{CONCATENATED}.disc"),
    ],
)
def test_a_setting_of_classes_that_would_change_nothing_is_refused(model, options, message):
    clips = model in ("mocogan", "frame_cgan")
    network = built(model, (1, 4, 16, 16) if clips else (1, 16, 16), *options)
    if message is None:
        check_class_settings(network, options)
    else:
        with pytest.raises(ValueError, match=re.escape(f"{options[-1]} would change nothing: {message}")):
            check_class_settings(network, options)


def test_it_is_refused_before_a_run_begins_and_jobs_of_a_sweep_may_have_no_use_for_it(tmp_path, capfd):
    small = (*narrow("dcgan"), "data=synthetic", "data.resolution=16", "trainer=debug", "model.class_weight=0.5")
    said = train(*small, f"hydra.run.dir={tmp_path / 'run'}")
    assert f"model.class_weight=0.5 would change nothing: the networks are {GIVEN_NONE}" in said
    assert not (tmp_path / "run").exists()
    folder = f"hydra.sweep.dir={tmp_path / 'sweep'}"
    ways = ("model.conditional=true,false", "model.discriminator.conditioning=auxiliary")
    assert train("-m", *small, *ways, folder) is None
    assert "would change nothing" in str(train("-m", *small, "seed=0,1", folder)) + capfd.readouterr().err


def test_files_beside_the_folders_of_classes_are_no_class_to_learn(tmp_path):
    write_images(tmp_path / "pets", 20)
    shutil.copy(tmp_path / "pets" / "cats" / "1.png", tmp_path / "pets" / "cover.png")
    settings = (
        *narrow("dcgan"),
        "data=image_folder",
        f"data.root={tmp_path / 'pets'}",
        "data.resolution=16",
        "trainer=debug",
    )
    said = train(*settings, "model.conditional=true", f"hydra.run.dir={tmp_path / 'no'}")
    assert "some files lie beside the folders of classes, and would be one of their own; move them" in said
    named = ("model.conditional=true", "data.classes=[cats,dogs]")
    assert train(*settings, *named, "data.batch_size=8", f"hydra.run.dir={tmp_path / 'run'}") is None


def test_the_generator_s_class_loss_has_a_weight_of_its_own():
    """WGAN-GP's authors learnt the class of real samples alone, and took a tenth of it in the generator's loss."""
    labels, real = torch.tensor([0, 1, 2]), torch.rand(3, 1, 16, 16)
    gan = built("wgan_gp", (1, 16, 16), "model.conditional=true")
    assert (gan.class_weight, gan.generator_class_weight, gan.class_loss_on_fake) == (1, 0.1, False)
    latents = torch.randn(3, gan.generator.latent_dim)
    logits = gan.discriminator(gan.generator(latents, labels), labels)
    of_class = torch.nn.functional.cross_entropy(logits["class"], labels, reduction="none")
    loss = gan.generator_loss(real, labels, latents, torch.rand(3), 0)
    torch.testing.assert_close(loss, 0.1 * of_class - logits["sample"].mean(1), atol=1e-4, rtol=1e-4)
    gan = built("dcgan", (1, 16, 16), "model.conditional=true", "model.class_weight=0.5")
    assert gan.generator_class_weight == 0.5
    with pytest.raises(ValueError, match="the generator would be judged by classes that the discriminator doesn't lea"):
        built("wgan_gp", (1, 16, 16), "model.conditional=true", "model.class_weight=0")


def test_the_auxiliary_loss_leaves_fake_samples_out_where_asked():
    losses = []
    for on_fake in ("true", "false"):
        options = ("model.discriminator.conditioning=auxiliary", f"model.class_loss_on_fake={on_fake}")
        gan = built("dcgan", (1, 16, 16), "model.conditional=true", "model/regularizers=[]", *options)
        latents, labels, real = torch.randn(3, 100), torch.tensor([0, 1, 2]), torch.rand(3, 1, 16, 16)
        with torch.no_grad():
            losses.append(gan.discriminator_loss(real, labels, latents, torch.rand(3), 0))
            fake = gan.discriminator(gan.generator(latents, labels), labels)["class"]
    of_fake = torch.nn.functional.cross_entropy(fake, labels, reduction="none")
    torch.testing.assert_close(losses[0] - losses[1], of_fake, atol=1e-5, rtol=1e-4)


def test_bilinear_doubling_is_that_of_pytorch():
    features = torch.randn(2, 3, 4, 6)
    expected = torch.nn.functional.interpolate(features, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(r3gan.doubled(features), expected)


def test_r3gan_begins_as_linear_maps():
    """Every residual block starts as the identity, so that the depth doesn't matter at first."""
    critic, samples = r3gan.Discriminator((1, 16, 16), width=8), torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(critic(3 * samples)["sample"], 3 * critic(samples)["sample"])
    generator, latents = r3gan.Generator((1, 16, 16), width=8), torch.randn(2, 64)
    torch.testing.assert_close(generator(3 * latents), 3 * generator(latents))


def test_parameters_of_the_residual_networks_are_the_published_ones():
    """At 32 x 32 with the widths of the papers: each layer counted by hand."""

    def count(network):
        return sum(parameter.numel() for parameter in network.parameters())

    def up_block(width):
        return 2 * (9 * width * width + width) + width * width + width + 2 * 2 * width

    for width in (256, 128):
        first, last = (128 + 1) * 16 * width, 2 * width + 3 * (9 * width + 1)
        assert count(resnet.Generator((3, 32, 32), width=width)) == first + 3 * up_block(width) + last
    convolution, shortcut = 9 * 128 * 128 + 128, 128 * 128 + 128
    first_block = 9 * 3 * 128 + 128 + convolution + 3 * 128 + 128
    critic = first_block + (2 * convolution + shortcut) + 2 * 2 * convolution + 128 + 1
    assert count(resnet.Discriminator((3, 32, 32), spectral_norm=False)) == critic


def test_residual_networks_begin_as_published():
    network = resnet.Generator((3, 32, 32))
    of_block, last = network.blocks[0].first.weight, network.last[2].weight
    assert of_block.std().item() == pytest.approx((2 * 2 / (2 * 9 * 256)) ** 0.5, rel=0.01)
    assert last.std().item() == pytest.approx((2 / (9 * 256 + 9 * 3)) ** 0.5, rel=0.03)


def test_spectral_norm_bounds_every_layer_of_the_residual_critic():
    torch.manual_seed(0)
    critic = resnet.Discriminator((1, 16, 16), width=8, num_classes=3, conditional=True)
    for _ in range(100):
        critic(torch.randn(1, 1, 16, 16), torch.tensor([0]))
    critic.eval()
    layers = [module for module in critic.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 8
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.03)


def test_the_reconstructing_critic_descends_what_it_misses_of_real_samples():
    losses, real = [], torch.rand(4, 1, 16, 16)
    for weight in (1, 2):
        options = (f"model.discriminator.reconstruction_weight={weight}", "model.augmentation=null")
        gan = built("fastgan", real.shape[1:], *options)
        missed = gan.discriminator(real)["penalty"] / weight
        latents = torch.ones(4, gan.generator.latent_dim)
        losses.append(gan.discriminator_loss(real, torch.zeros(4).long(), latents, torch.rand(4), 0))
    assert (missed > 0.1).all()
    torch.testing.assert_close(losses[1] - losses[0], missed.flatten(), atol=0.02, rtol=0.05)


def test_class_normalization_is_that_of_each_class():
    torch.manual_seed(0)
    generator = resnet.Generator((1, 8, 8), width=4, num_classes=2, conditional=True)
    norm = generator.blocks[0].first_norm
    torch.nn.init.normal_(norm.gain.weight)
    torch.nn.init.normal_(norm.offset.weight)
    features, labels = torch.randn(6, 4, 5, 5), torch.tensor([0, 1, 1, 0, 0, 1])
    mean, variance = features.mean((0, 2, 3)), features.var((0, 2, 3), unbiased=False)
    for feature, label, made in zip(features, labels, norm(features, labels), strict=True):
        normalized = (feature - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
        expected = norm.gain.weight[label][:, None, None] * normalized + norm.offset.weight[label][:, None, None]
        torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-4)


def test_weights_of_fastgan_begin_as_they_say():
    """N(0, 0.02^2) is of the weights that train, not of what spectral normalisation makes of them."""
    for part in (fastgan.Generator, fastgan.Discriminator):
        weights = [weight for name, weight in part((3, 32, 32)).named_parameters() if name.endswith("original")]
        assert len(weights) > 8
        for weight in weights:
            assert weight.std().item() == pytest.approx(0.02, rel=4 * weight.numel() ** -0.5)


def test_pictures_too_small_for_the_critic_of_fastgan_are_refused():
    with pytest.raises(ValueError, match="fastgan can't make 4x6 pixels: a side has 8 or more"):
        fastgan.Generator((3, 4, 6), width=4)
    fastgan.Discriminator((3, 8, 12), width=4)(torch.zeros(2, 3, 8, 12))
