"""A new run that starts from another one's weights: what fits is loaded, by name, shape and class; the rest is said."""

import json
from pathlib import Path

import pytest
import torch
from commands import train
from small_runs import SMALL, state
from torch.nn.utils.parametrizations import spectral_norm
from worlds import fit, real_batches, tiny_clip_gan, tiny_gan

from framegan.network_state import hold_still
from framegan.networks import dcgan, fastgan, mlp, r3gan, resnet, stylegan2
from framegan.networks.conditioning import Conditioning
from framegan.regularizers import R1, WeightClipping
from framegan.runs import origin
from framegan.runs.origin import Origin

FAMILIES = [mlp, dcgan, resnet, r3gan, fastgan, stylegan2]
WAYS = Conditioning.__args__
SIDE = (1, 8, 8)
THEN, NOW = ["cat", "dog", "owl"], ["owl", "fox", "cat", "dog"]


def gan_of(family, num_classes, seed, shape=SIDE, way="projection", **options):
    """Return a conditional GAN of a family of networks, whose class embeddings differ from each other."""
    torch.manual_seed(seed)
    classes = {"num_classes": num_classes, "conditional": True, **options}
    critic = family.Discriminator(shape, **classes, conditioning=way)
    gan = tiny_gan(generator=family.Generator(shape, **classes), discriminator=critic)
    with torch.no_grad():  # gains begin alike, and last layers may begin as 0
        for value in [*gan.generator.parameters(), *gan.discriminator.parameters()]:
            value += 0.1 * torch.randn_like(value)
    gan.generator_ema.load_state_dict(gan.generator.state_dict())
    return gan


def saved(gan, classes, samples_seen=1_000):
    """Return what a checkpoint of a GAN would hold."""
    parts = {name: getattr(gan, name) for name in ("generator", "generator_ema", "discriminator")}
    networks = {name: {k: v.clone() for k, v in part.state_dict().items()} for name, part in parts.items()}
    return Origin(Path("then.ckpt"), networks, samples_seen, classes)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_classes_are_found_by_their_names(family, way):
    """A class that both know makes the same samples, and is judged alike, under its new number."""
    then, now = gan_of(family, len(THEN), 1, way=way), gan_of(family, len(NOW), 2, way=way)
    lines = origin.load(saved(then, THEN), now, NOW)
    assert "3 classes by name (new: fox)" in lines[0]
    latents, samples = torch.randn(3, then.generator.latent_dim), torch.rand(3, *SIDE)
    old, new = torch.tensor([0, 1, 2]), torch.tensor([2, 3, 0])
    for part in ("generator", "generator_ema"):
        made = getattr(then, part).eval()(latents, old)
        torch.testing.assert_close(getattr(now, part).eval()(latents, new), made)
    if family in (resnet, fastgan) and way != "concatenation":
        return  # the spectral norm of its last layer is that of all classes
    before, after = then.discriminator.eval()(samples, old), now.discriminator.eval()(samples, new)
    torch.testing.assert_close(after["sample"], before["sample"])
    if "class" in after:
        torch.testing.assert_close(after["class"][:, [2, 3, 0]], before["class"])


@pytest.mark.parametrize("family", FAMILIES)
def test_classes_in_another_order_are_the_same(family):
    then, now = gan_of(family, 3, 1), gan_of(family, 3, 2)
    lines = origin.load(saved(then, THEN), now, ["owl", "cat", "dog"])
    assert all("not" not in line and "by name" not in line for line in lines)
    latents, samples = torch.randn(3, then.generator.latent_dim), torch.rand(3, *SIDE)
    old, new = [0, 1, 2], [1, 2, 0]
    made = then.generator.eval()(latents, torch.tensor(old))
    torch.testing.assert_close(now.generator.eval()(latents, torch.tensor(new)), made)
    judged = then.discriminator.eval()(samples, torch.tensor(old))["sample"]
    torch.testing.assert_close(now.discriminator.eval()(samples, torch.tensor(new))["sample"], judged)


def test_a_spectral_norm_of_more_classes_is_right_after_a_step():
    """Of the class rows that are new, the singular vectors are too; the step's own iteration finds them."""
    then, now = (gan_of(resnet, number, number, width=16) for number in (3, 4))
    origin.load(saved(then, THEN), now, NOW)
    now.discriminator.train()
    for _ in range(20):
        now.discriminator(torch.rand(2, *SIDE), torch.tensor([0, 1]))
    assert torch.linalg.matrix_norm(now.discriminator.eval().last.weight, 2).item() == pytest.approx(1, rel=1e-3)


def test_without_names_no_class_is_taken_for_another():
    then, now = gan_of(dcgan, 3, 1), gan_of(dcgan, 3, 2)
    fresh = now.generator.given.embedding.weight.clone()
    lines = origin.load(saved(then, []), now, THEN)
    assert torch.equal(now.generator.given.embedding.weight, fresh)
    assert "not given.embedding" in lines[0]
    assert "0 classes by name" in lines[1]
    assert torch.equal(now.discriminator.layers[-1].weight[0], then.discriminator.layers[-1].weight[0])
    assert not torch.equal(now.discriminator.layers[-1].weight[1], then.discriminator.layers[-1].weight[1])


@pytest.mark.parametrize(
    ("held", "names", "message"),
    [
        ("generator.given", NOW, "doesn't have, or not for all classes: given.embedding; leave them out"),
        ("discriminator.layers.0", THEN, "doesn't have, or not for all classes: layers.0; leave them out"),
        ("discriminator.layers.0.weight", THEN, "doesn't have, or not for all classes: layers.0; leave them out"),
    ],
    ids=["a new class", "another shape", "a parameter"],
)
def test_what_is_not_loaded_has_to_learn(held, names, message):
    shape = SIDE if names is NOW else (3, *SIDE[1:])
    now = gan_of(dcgan, len(names), 2, shape)
    hold_still(now.of_name(), [held])
    with pytest.raises(ValueError, match=message):
        origin.load(saved(gan_of(dcgan, 3, 1), THEN), now, names)
    again = gan_of(dcgan, 3, 2)
    hold_still(again.of_name(), [held])
    origin.load(saved(gan_of(dcgan, 3, 1), THEN), again, THEN[::-1])


def test_layers_that_do_not_mark_their_classes_are_said_to_go_by_number():
    lines = origin.load(saved(tiny_clip_gan(), ["up", "down"]), tiny_clip_gan(), ["down", "up"])
    assert any("its classes by number" in line for line in lines)
    lines = origin.load(saved(tiny_clip_gan(), ["up", "down"]), tiny_clip_gan(), ["up", "down"])
    assert not any("by number" in line for line in lines)


def test_another_resolution_loads_what_fits():
    then, now = gan_of(dcgan, 3, 1, width=8), gan_of(dcgan, 3, 2, (1, 16, 16), width=8)
    lines = origin.load(saved(then, THEN), now, THEN)
    before = now.discriminator.state_dict()
    assert torch.equal(before["layers.0.weight"], then.discriminator.state_dict()["layers.0.weight"])
    assert all("not layers" in line for line in lines)


def test_a_network_of_which_nothing_fits_is_refused():
    then, now = gan_of(dcgan, 3, 1, width=8), gan_of(r3gan, 3, 2, width=16)
    with pytest.raises(
        ValueError, match=r"init_from=then\.ckpt has nothing that fits this \w+: .* another shape; choose"
    ):
        origin.load(saved(then, []), now, THEN)


FROZEN = ["discriminator.layers.0", "discriminator.layers.3", "discriminator.layers.4", "generator.layers.1"]


class Clipping(WeightClipping):
    """A constraint of one's own, which clips what weights are computed from, too."""

    def check(self, discriminator):
        pass


@pytest.mark.parametrize("options", [{}, {"micro_batches": 3}], ids=["whole", "pieces"])
def test_frozen_layers_stay_as_they_are_to_the_bit(options):
    critic = dcgan.Discriminator((1, 16, 16), width=8)
    spectral_norm(critic.layers[3])
    generator = dcgan.Generator((1, 16, 16), latent_dim=6, width=8)
    regularizers = {"r1": R1(1.0), "clip": Clipping(1e-3)}
    gan = tiny_gan(discriminator=critic, generator=generator, regularizers=regularizers, freeze=FROZEN)
    before = {k: v.clone() for k, v in gan.state_dict().items()}
    gan.sample([0])  # in evaluation mode, and back
    fit(gan, real_batches(3, 9, (1, 16, 16)), **options)
    same = {name for name, value in gan.state_dict().items() if torch.equal(value, before[name])}
    assert {name for name in before if name.startswith(tuple(FROZEN))} <= same
    moved = {name for name in before.keys() - same if name.startswith(("generator.", "discriminator."))}
    assert {"generator.layers.0.weight", "discriminator.layers.6.weight"} <= moved
    assert not critic.layers[4].training
    assert critic.layers[6].training


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["discriminator.layer"], r"model\.freeze got 'discriminator\.layer', .* there are: generator\.layers\.0, .*"),
        (["layers.0"], r"there are: generator\.layers\.0, generator\.layers\.1, .*discriminator\.layers\.0"),
        (["generator"], r"model\.freeze got 'generator'"),
        (["discriminator.layers"], "leaves nothing of the discriminator to train; name fewer"),
    ],
)
def test_a_slip_in_freeze_lists_what_there_is(names, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan(freeze=names)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run of 48 samples."""
    folder = tmp_path_factory.mktemp("first") / "run"
    assert train(*SMALL, "total_samples=48", f"hydra.run.dir={folder}") is None
    return folder


def test_a_run_starts_from_another_and_is_resumed_without_it(first, tmp_path, capsys):
    moved = tmp_path / "moved"
    first.rename(moved)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    frozen = "model.freeze=[discriminator.layers.0]"
    assert train(*SMALL, "total_samples=96", f"hydra.run.dir={whole}", f"init_from={moved}", frozen) is None
    said = capsys.readouterr().out
    assert "last.ckpt (48 samples), a new run\nloaded   generator      2 of 2 layers\n" in said
    assert "of them frozen" in said
    command = (*SMALL, f"hydra.run.dir={parts}", f"init_from={moved}", frozen, "resume=auto")
    assert train(*command, "total_samples=48") is None
    moved.rename(first)
    assert train(*command, "total_samples=96") is None
    origins = [json.loads((folder / "run.json").read_text())["origin"] for folder in (whole, parts)]
    assert origins[0] == origins[1] == {"checkpoint": str(moved / "checkpoints/last.ckpt"), "samples_seen": 48}
    assert f"started from</td><td>{moved}/checkpoints/last.ckpt, 48 samples" in (parts / "report.html").read_text()
    one, other = (state(folder) for folder in (whole, parts))
    assert all(torch.equal(value, other["state_dict"][name]) for name, value in one["state_dict"].items())
    begun_with = state(first)["state_dict"]
    frozen_weight = "discriminator.layers.0.weight"
    assert torch.equal(one["state_dict"][frozen_weight], begun_with[frozen_weight])
    name = next(name.partition(".")[2] for name in begun_with if name.startswith("generator."))
    made, average = (one["state_dict"][f"{part}.{name}"] for part in ("generator", "generator_ema"))
    assert torch.dist(average, made) < torch.dist(average, begun_with[f"generator_ema.{name}"])  # it has left its start
    message = train(*command[:-2], "resume=auto", f"init_from={whole}", "total_samples=128", "resume_changes=true")
    assert "a resumed run has its weights already" in message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "nowhere does not exist; give a run folder, or a checkpoint in one"),
        ("nowhere.ckpt", "is no file; give a run folder, or a checkpoint of a run"),
        ("text.ckpt", "is damaged or compressed, or not a checkpoint of a run"),
        ("other.ckpt", "has no generator"),
        ("nan.ckpt", "is not finite"),
    ],
)
def test_what_is_no_start_stops_with_one_message(path, message, first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.ckpt").write_text("hello")
    torch.save({"state_dict": {"weight": torch.ones(2)}}, "other.ckpt")
    content = state(first)
    content["state_dict"]["generator.layers.0.weight"][0, 0] = torch.nan
    torch.save(content, "nan.ckpt")
    stopped = train(*SMALL, "total_samples=48", "hydra.run.dir=run", f"init_from={path}")
    assert message in stopped
    assert stopped.count("\n") == 0
    assert not Path("run").exists()


def test_a_checkpoint_alone_will_do(first, tmp_path):
    alone = tmp_path / "alone.ckpt"
    alone.write_bytes((first / "checkpoints/last.ckpt").read_bytes())
    folder = tmp_path / "run"
    assert train(*SMALL, "total_samples=16", f"hydra.run.dir={folder}", f"init_from={alone}") is None
    assert json.loads((folder / "run.json").read_text())["origin"]["checkpoint"] == str(alone)
