"""Every model of clips, with the class: it trains with any critic, and it uses the class that it is given."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from one_rank import CLIP_MODELS, CONF, built, choices
from worlds import fit, real_batches

from framegan.containers import walk
from framegan.networks import dcgan3d, frame_cgan, g3an, independent_frames, stylegan_v, tgan, vgan
from framegan.networks.conditioning import Conditioning
from framegan.runs import origin

SHAPES = [(3, 8, 32, 32), (1, 16, 64, 64)]
FAMILIES = [vgan, tgan, dcgan3d, frame_cgan, g3an, independent_frames, stylegan_v]
CRITICS = [critic for critic in choices("model/discriminator") if critic != "dcgan"]
WAYS = Conditioning.__args__
SMALL = (1, 4, 16, 16)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("model", CLIP_MODELS)
def test_it_trains(model, shape):
    gan = built(model, shape, "model.conditional=true", "model.generator_optimizer.lr=1e-2")
    assert gan.generator.num_classes == 3
    networks = gan.generator, gan.discriminator
    after = [next(p for p in network.parameters() if p.requires_grad) for network in networks]
    before = [parameter.clone() for parameter in after]
    fit(gan, real_batches(1, 4, shape))
    assert not any(map(torch.equal, before, after))
    clips = gan.sample([0, 0], category=1)
    assert clips.shape == (2, *shape)
    assert not torch.equal(clips, gan.sample([0, 0], category=2))


@pytest.mark.parametrize("model", CLIP_MODELS)
def test_data_of_one_class_make_it_unconditional_or_are_refused(model):
    with pytest.raises(ValueError, match=r"model\.conditional=true, but the data have one class.*conditional=false"):
        built(model, SMALL, "model.conditional=true", num_classes=1)
    for options, num_classes in [(("model.conditional=auto",), 1), (("model.conditional=false",), 3)]:
        gan = built(model, SMALL, *options, num_classes=num_classes)
        assert gan.generator.num_classes == 0
        assert all(getattr(critic, "num_classes", 0) == 0 for critic in gan.discriminator.modules())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("critic", CRITICS)
def test_a_critic_uses_the_class(critic, way):
    """Each of its heads judges the same clip as one of the class asked for, or predicts it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = compose("train", ["model=mocogan", f"model/discriminator={critic}"]).model
    places = [path for path, _ in walk(OmegaConf.to_container(chosen, resolve=False)) if path.endswith(".conditioning")]
    ways = [f"model.{path}={way}" for path in places]
    discriminator = built("mocogan", SMALL, f"model/discriminator={critic}", *ways).discriminator.eval()
    logits = discriminator(torch.randn(1, *SMALL).expand(3, -1, -1, -1, -1), torch.arange(3))
    assert logits.pop("class", torch.empty(0)).shape == ((3, 3) if "auxiliary" in way else (0,))
    for name, values in logits.items():
        alike = way == "auxiliary" or (critic, name) == ("mocogan", "frame")
        assert len(set(map(tuple, values.tolist()))) == (1 if alike else 3), name


def test_what_several_critics_predict_counts_alike():
    discriminator = built("vgan", SMALL, "model/discriminator=dual", "model.conditional=true").discriminator.eval()
    for critic in discriminator.heads.values():
        critic.predicts = True
    clips, labels = torch.randn(2, *SMALL), torch.tensor([0, 2])
    each = [critic(clips, labels)["class"] for critic in discriminator.heads.values()]
    torch.testing.assert_close(discriminator(clips, labels)["class"], (each[0] + each[1]) / 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_classes_it_is_as_it_was(family):
    """Checkpoints of a generator that knows no class load, and the weights it starts from are the same."""
    states = []
    for options in ({}, {"num_classes": 1, "conditional": True}, {"num_classes": 3, "conditional": False}):
        torch.manual_seed(0)
        states.append(family.Generator(SMALL, **options).state_dict())
    assert states[0].keys() == states[1].keys() == states[2].keys()
    assert all(torch.equal(value, state[key]) for state in states[1:] for key, value in states[0].items())


@pytest.mark.parametrize("family", FAMILIES)
def test_another_run_finds_its_classes_by_their_names(family):
    then, now = (family.Generator(SMALL, num_classes=number, conditional=True).eval() for number in (2, 3))
    saved = {name: value.clone() for name, value in then.state_dict().items()}
    found = origin._load(now, saved, ["up", "down"], ["left", "down", "up"])
    assert (found.known, found.new) == (2, [])
    latents = torch.randn(2, then.latent_dim)
    torch.testing.assert_close(now(latents, torch.tensor([2, 1])), then(latents, torch.tensor([0, 1])))


def test_a_single_clip_has_nothing_to_be_normalised_over():
    generator = tgan.Generator(SMALL, latent_dim=5, width=2)
    with pytest.raises(ValueError, match=r"one clip at a time.* set data\.batch_size to 2 or more"):
        generator(torch.randn(1, 5))
    assert generator.eval()(torch.randn(1, 5)).shape == (1, *SMALL)
