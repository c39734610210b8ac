"""Clips of a frozen image generator: its weights stay, it may be gone, and what doesn't fit is said."""

import copy
import json
import shutil
from unittest.mock import Mock

import pytest
import torch
import yaml
from commands import run, train
from omegaconf import OmegaConf
from small_runs import SHORT, TIMING, narrow, rows, state
from worlds import fit, real_batches, tiny_gan

import framegan
from framegan.cli import image_generator, sweep
from framegan.inputs import draw, parts_of
from framegan.networks import critics, dcgan, espcn, latent_walk, stylegan2
from framegan.runs import origin, run_folder, saved_config
from framegan.runs.origin import Origin
from framegan.sampling import sample

SHAPE = (1, 4, 16, 16)
IMAGE = (1, 16, 16)
DATA = ("data=shape_motion", "data.channels=1", "data.resolution=16", *SHORT[1:])
IMAGES = (*narrow("dcgan"), *DATA, "data.num_frames=1", "model.ema_half_life=100", "model.ema_rampup=10")
WALK = (*narrow("latent_walk"), *DATA, "data.num_frames=4", "sample_every=null")


def walk_in(image_generator, shape=SHAPE, **options):
    """Return a walk whose steps are as large as they become."""
    torch.manual_seed(0)
    generator = latent_walk.Generator(shape, image_generator, **options)
    with torch.no_grad():
        generator.walk.to_step.weight *= 20
    return generator


def styles(**options):
    torch.manual_seed(0)
    return stylegan2.Generator(IMAGE, style_dim=16, mapping_depth=2, width=4, **options)


def pictures():
    """Return DCGAN's generator, with weights that are large enough to show something."""
    torch.manual_seed(0)
    generator = dcgan.Generator(IMAGE, 16, 4)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    return generator


FAMILIES = {"latents": pictures, "styles": styles}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_frame_is_a_sample_of_the_image_generator(family):
    """And the others are too: of the latents, or the styles, along the way."""
    images = FAMILIES[family]().eval()
    generator = walk_in(images).eval()
    latents = torch.randn(3, generator.latent_dim)
    made = generator(latents)
    torch.testing.assert_close(made[:, :, 0], images(latents[:, : images.latent_dim]))
    assert made.diff(dim=2).abs().amax((1, 3, 4)).min() > 1e-3
    held = sample(generator, [0, 1], held={"content": 5})
    torch.testing.assert_close(held[0, :, 0], held[1, :, 0])
    assert not torch.allclose(held[0, :, -1], held[1, :, -1])
    assert parts_of(generator) == {"content": images.latent_dim, "motion": 4 * 16}


@pytest.mark.parametrize(("of_images", "part", "other"), [(3, "content", "motion"), (0, "motion", "content")])
def test_the_class_goes_with_the_content_where_the_images_have_classes(of_images, part, other):
    images = dcgan.Generator(IMAGE, 16, 4, num_classes=of_images, conditional=True)
    network = walk_in(images, num_classes=3)
    free = draw(network, range(8))[1]
    assert set(draw(network, range(8), held={part: 3})[1].tolist()) == {free[3].item()}
    assert torch.equal(draw(network, range(8), held={other: 3})[1], free)
    assert len(set(free.tolist())) > 1


def test_styles_are_walked_through_along_their_principal_components():
    images = styles().eval()
    places, few = (latent_walk.Places(images, number) for number in (99, 5))
    assert (places.dim, few.dim) == (16, 5)
    torch.testing.assert_close(few.directions, places.directions[:5])
    latents = torch.randn(4000, images.latent_dim)
    covariance = images.style(latents[:, :16], None).T.cov()
    torch.testing.assert_close(places.directions.T @ places.directions, covariance, rtol=0.2, atol=0.1)
    torch.testing.assert_close(few.start(latents, None).T.cov(), torch.eye(5), rtol=0, atol=0.15)
    start, end = latents[:3], latents[3:6]
    walk = torch.stack([places.start(start, None), places.start(end, None)], dim=1)
    at_end = images.images_of_styles(images.style(end[:, :16], None), start)  # whose noise is that of the start
    torch.testing.assert_close(places.images(walk, walk[:, 0], start, None)[:, 1], at_end, rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_image_generator_stays_to_the_bit_and_in_evaluation(family):
    """Batch normalisation too, whatever the pieces of a batch, and in the average, which shares it."""
    images = FAMILIES[family]()
    before = {name: value.clone() for name, value in images.state_dict().items()}
    generator = walk_in(images)
    gan = tiny_gan(generator=generator, discriminator=critics.ClipCritic(SHAPE, width=4))
    start = [parameter.clone() for parameter in generator.walk.parameters()]
    average = copy.deepcopy(gan.generator_ema.walk.state_dict())
    fit(gan, real_batches(3, 6, SHAPE), micro_batches=3)
    assert not any(map(torch.equal, generator.walk.parameters(), start))
    assert any(not torch.equal(value, average[name]) for name, value in gan.generator_ema.walk.state_dict().items())
    assert gan.generator_ema.places is generator.places
    assert all(torch.equal(value, before[name]) for name, value in images.state_dict().items())
    generator.train()
    assert not any(module.training for module in generator.places.modules())
    assert generator.walk.training
    assert not any(parameter.requires_grad for parameter in images.parameters())
    optimizer, _ = gan.configure_optimizers()
    assert len(optimizer.state_dict()["state"]) == 0


def test_weights_of_another_walk_leave_the_image_generator():
    critic = critics.ClipCritic(SHAPE, width=4)
    then, now = (tiny_gan(generator=walk_in(styles()), discriminator=critic) for _ in range(2))
    with torch.no_grad():
        for value in then.generator.state_dict().values():
            value += 1
    parts = {name: getattr(then, name).state_dict() for name in ("generator", "generator_ema", "discriminator")}
    before = copy.deepcopy(now.generator.places.state_dict())
    origin.load(Origin(None, parts, 100, []), now, [])
    for name, value in now.generator.places.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(now.generator.walk.to_step.weight, then.generator.walk.to_step.weight)


def test_the_walks_classes_are_loaded_by_number_and_a_line_says_so():
    """Whatever the image generator marks, which is none of the walk's."""
    images, critic = styles(num_classes=2, conditional=True), critics.ClipCritic(SHAPE, num_classes=2, width=4)
    then, now = (tiny_gan(generator=walk_in(images, num_classes=2), discriminator=critic) for _ in range(2))
    parts = {name: getattr(then, name).state_dict() for name in ("generator", "generator_ema", "discriminator")}
    saying = [line for line in origin.load(Origin(None, parts, 9, ["a", "b"]), now, ["b", "a"]) if "by number" in line]
    assert len(saying) == 1
    assert not any("by number" in line for line in origin.load(Origin(None, parts, 9, ["a", "b"]), now, ["a", "b"]))


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (None, {}, "model.generator.images is not set; set it to the run folder"),
        (dcgan.Generator((1, 32, 32), 4, 4), {}, "1x32x32, .* frames are 1x16x16; set data.resolution=32 data.ch"),
        (dcgan.Generator((3, 16, 32), 4, 4), {}, r"set data.resolution=\[16,32\] data.channels=3"),
        (espcn.Generator((1, 16, 16), 2, width=8), {}, "is a run that enlarges small images"),
        (latent_walk.Generator(SHAPE, FAMILIES["latents"]()), {}, "a run that makes clips .* that makes images"),
        (styles(num_classes=3, conditional=True), {"num_classes": 2}, "of 3 classes, and the clips are of 2; choose"),
        (styles(num_classes=3, conditional=True), {"num_classes": 3, "conditional": False}, "the clips are of none"),
    ],
    ids=lambda value: getattr(type(value), "__module__", ""),
)
def test_images_that_do_not_fit_are_refused(images, options, message):
    with pytest.raises(ValueError, match=message):
        latent_walk.Generator(SHAPE, images, **options)


def test_the_class_is_an_input_of_the_image_generator():
    images = styles(num_classes=3, conditional=True).eval()
    generator = walk_in(images, num_classes=3).eval()
    latents = torch.randn(3, generator.latent_dim)
    labels = torch.tensor([2, 0, 1])
    made = generator(latents, labels)
    torch.testing.assert_close(made[:, :, 0], images(latents[:, : images.latent_dim], labels))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A run of images."""
    folder = tmp_path_factory.mktemp("images") / "run"
    assert train(*IMAGES, "total_samples=48", f"hydra.run.dir={folder}") is None
    return folder


def test_a_run_of_images_that_is_not_there_is_named_with_its_setting(tmp_path):
    message = train(*WALK, f"model.generator.images={tmp_path / 'none'}", f"hydra.run.dir={tmp_path / 'run'}")
    assert f"model.generator.images={tmp_path / 'none'}: " in str(message) and "does not exist" in str(message)


@pytest.fixture(scope="module")
def walked(images, tmp_path_factory):
    """A run of clips of them."""
    folder = tmp_path_factory.mktemp("walk") / "run"
    assert train(*WALK, f"model.generator.images={images}", "total_samples=64", f"hydra.run.dir={folder}") is None
    return folder


def test_a_run_of_clips_has_the_averaged_images_and_needs_them_no_more(images, walked, tmp_path, capsys):
    """Resumed as it was typed or by its folder it ends where one in a piece does; it is sampled, scored and loaded."""
    parts = tmp_path / "parts"
    ours = (f"model.generator.images={images}", "data.cache_dir='${oc.env:HOME}'")  # typed again: no trust is needed
    command = (*WALK, *ours, f"hydra.run.dir={parts}", "resume=auto", "total_samples=64")
    gone = tmp_path / "gone"
    assert train(*command, "trainer.max_batches=2") is None
    said = capsys.readouterr().out
    assert "images   made by the generator of " in said
    assert "K of them frozen" in said
    images.rename(gone)
    try:
        assert train(*command, "resume_changes=true", "trainer.max_batches=3") is None
        assert train(f"resume={parts}", "trainer.max_batches=null", "resume_changes=true", "trust=oc.env") is None
        clips = framegan.load(parts, trust=["oc.env"]).sample(2)
        scored = (f"checkpoint={parts}", "num_samples=16", f"out={tmp_path / 'scores'}", "trust=oc.env")
        assert run("evaluate", *scored) is None
    finally:
        gone.rename(images)
    taken, whole, resumed = (state(folder)["state_dict"] for folder in (images, walked, parts))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert rows(parts, *TIMING)[-1] == rows(walked, *TIMING)[-1]
    for name, value in taken.items():
        network, _, rest = name.partition(".")
        if network == "generator_ema":
            assert all(
                torch.equal(value, whole[f"{part}.places.image_generator.{rest}"]) for part in ("generator", network)
            )
    torch.testing.assert_close(clips, framegan.load(walked).sample(2), rtol=0, atol=0)
    checkpoint = str(images / "checkpoints" / "last.ckpt")
    assert json.loads((parts / "run.json").read_text())["images"] == {"checkpoint": checkpoint, "samples_seen": 48}
    message = train(*command[:2], *command, f"model.generator.images={walked}", "resume_changes=true")
    assert "a resumed run has its weights already" in message


def test_a_job_of_a_sweep_that_has_finished_is_known_by_what_was_typed(walked):
    cfg = saved_config.plain(run_folder.saved_config(walked))
    cfg.model.generator.image_generator = None
    assert sweep.is_finished(cfg, walked)
    cfg.model.generator.images = "another"
    assert not sweep.is_finished(cfg, walked)


def test_a_folder_of_another_model_is_not_resumed_as_a_walk(images):
    command = (*WALK, f"model.generator.images={images}", "resume=auto", "total_samples=64", f"hydra.run.dir={images}")
    message = str(train(*command))
    assert "the run was trained with other settings" in message or "images: " in message


def test_an_image_run_of_a_stranger_runs_nothing(images, tmp_path):
    folder = shutil.copytree(images, tmp_path / "run")
    file = folder / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    config["model"]["generator"] = {"_target_": "os.system", "command": "touch marker"}
    file.write_text(yaml.safe_dump(config))
    message = train(*WALK, f"model.generator.images={folder}", "total_samples=64", f"hydra.run.dir={tmp_path / 'new'}")
    assert "model.generator._target_ got 'os.system', not a part of framegan" in message
    assert not (tmp_path / "new").exists()


def test_clips_of_other_classes_than_the_images_are_refused(monkeypatch):
    """Where both have names: classes are given by their numbers."""
    found = Mock(config=OmegaConf.create({"model": {"generator": {"width": 8}}}))
    found.generator.class_names = ["vertical", "horizontal"]
    monkeypatch.setattr("framegan.cli.generator.load", lambda *_: found)
    node = {"images": "run", "image_generator": None}
    cfg = OmegaConf.create({"model": {"generator": node}, "trust": []})
    with pytest.raises(ValueError, match="of the classes vertical, horizontal, and the clips are of horizontal, vert"):
        image_generator.fill_in(cfg, None, ["horizontal", "vertical"])
    assert image_generator.fill_in(cfg, None, ["vertical", "horizontal"]) is found
    assert cfg.model.generator.image_generator == {"width": 8}
