"""Colours and style of a picture: what is equal afterwards, what stays, and how much less steady clips flicker."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from edited import RATE, clip, edits_of, noise, pixels, planned
from flicker import flicker
from PIL import Image

from framegan import noise as stateless
from framegan.edits import likeness, outline, samples, tensors
from framegan.metrics import classifier
from framegan.style import features, painting, statistics, vgg
from framegan.style.lab import Reinhard, from_lab, to_lab
from framegan.style.motion import carried, motion
from framegan.style.painting import Painter
from framegan.style.transport import STEPS, Table, transported


def colours(number, seed, low=0.2, high=0.8):
    drawn = torch.rand(number, 3, generator=torch.Generator().manual_seed(seed))
    return low + (high - low) * drawn**2


def picture(path, pixels):
    Image.fromarray(pixels.squeeze()).save(path)
    return path


def strokes(size=(48, 48)):
    """Return a picture of slanting stripes, blue and yellow, uint8 (H, W, 3)."""
    y, x = np.mgrid[: size[0], : size[1]]
    share = (0.5 + 0.5 * np.sin((x + 2 * y) / 2))[..., None]
    return (share * (240, 200, 60) + (1 - share) * (20, 40, 120)).astype(np.uint8)


def test_lab_has_an_inverse():
    some = torch.cat([colours(500, 0, 0, 1), torch.tensor([[0.0, 0, 0], [1, 1, 1], [0, 0, 1]])])
    assert torch.allclose(from_lab(to_lab(some)), some, atol=1e-4)
    axes = to_lab(torch.tensor([[0.2, 0.2, 0.2], [0.8, 0.8, 0.8]]))
    assert axes[1, 0] > axes[0, 0] + 0.5, "the first one is brightness"
    assert axes[:, 1:].abs().max() < 0.01, "greys have no contrast of colours"


def test_means_and_deviations_become_those_of_the_picture():
    source, target = colours(4000, 1), colours(3000, 2, 0.1, 0.9) ** 1.3
    wanted, found = to_lab(target), to_lab(Reinhard.between(source, target)(source))
    assert torch.allclose(found.mean(0), wanted.mean(0), atol=1e-4)
    assert torch.allclose(found.std(0), wanted.std(0), rtol=1e-3)
    grey = Reinhard.between(torch.full((10, 3), 0.5), target)(torch.full((10, 3), 0.5))
    assert torch.allclose(to_lab(grey).mean(0), wanted.mean(0), atol=1e-4), "what is even gets the mean"


def test_transported_colours_are_the_picture_s():
    source, target = colours(3000, 3), colours(2000, 4, 0, 1)
    moved = transported(source, target)
    drawn = stateless.normal((3, 3), seed=0, stream=stateless.LIKENESS, counter=STEPS - 1)
    last = torch.linalg.qr(drawn).Q
    wanted = (target @ last).sort(dim=0).values[torch.arange(3000) * 2000 // 3000]
    assert torch.allclose((moved @ last).sort(dim=0).values, wanted, atol=1e-5)
    line = torch.nn.functional.normalize(torch.tensor([1.0, 2, -1]), dim=0)
    of_all = [(one @ line).quantile(torch.linspace(0.02, 0.98, 30)) for one in (source, target, moved)]
    assert (of_all[2] - of_all[1]).abs().mean() < 0.02 * (of_all[0] - of_all[1]).abs().mean() + 5e-3
    assert torch.allclose(transported(source, source), source, atol=1e-5)


def test_a_table_maps_a_colour_to_the_mean_of_what_it_becomes():
    source = colours(20_000, 5, 0, 1)
    moved = Table.between(source, 0.5 * source + 0.25)(source)
    assert (moved - (0.5 * source + 0.25)).abs().mean() < 0.02
    assert torch.isfinite(Table.between(source[:1], source)(colours(50, 6, 0, 1))).all(), "colours that weren't seen"
    dark = colours(3000, 7, 0, 0.05)
    green = torch.tensor([[0.0, 1.0, 0.0]])
    assert torch.allclose(Table.between(dark, dark)(green), green), "as they are, far from all that were seen"


@pytest.mark.parametrize("name", ["colours_like", "palette_like"])
def test_colours_of_the_same_picture_change_nothing(name, tmp_path):
    frames = clip(1, (40, 50))
    same = f"{name}={picture(tmp_path / 'same.png', frames[0])}"
    assert np.abs(pixels(frames, same, still=True).astype(int) - frames).max() <= 1
    other = f"{name}={picture(tmp_path / 'other.png', strokes())}"
    whole, half = pixels(frames, other).astype(int), pixels(frames, other, f"{name}.strength=0.5")
    assert np.abs(half - (frames + whole) / 2).max() <= 1
    wanted, before, after = (to_lab(tensors.colours_of([one], 1)).mean(0) for one in (strokes(), frames[0], whole[0]))
    assert (after - wanted).norm() < 0.5 * (before - wanted).norm()


@pytest.mark.parametrize("name", ["colours_like", "palette_like"])
def test_one_map_for_a_clip_leaves_still_what_is_still(name, tmp_path):
    """Of a clip in which one half changes its colour, the other doesn't; with a map for each frame it does."""
    frames = clip(1, (40, 50)).repeat(4, 0)
    frames[:, :20] = (frames[:, :20] * np.linspace(0.2, 1, 4).reshape(4, 1, 1, 1)).astype(np.uint8)
    given = f"{name}={picture(tmp_path / 'a.png', strokes())}"
    steady, each = pixels(frames, given), pixels(frames, given, f"{name}.steady=false")
    assert np.ptp(steady[:, 20:], axis=0).max() == 0
    assert np.ptp(each[:, 20:].astype(int), axis=0).mean() > 3


def test_what_is_transparent_has_no_colour(tmp_path):
    frames = np.concatenate([clip(1, (30, 30)), np.full((1, 30, 30, 1), 255, np.uint8)], axis=-1)
    hidden = np.concatenate([frames, np.zeros_like(frames)], axis=1)
    given = f"colours_like={picture(tmp_path / 'a.png', strokes())}"
    assert np.array_equal(pixels(hidden, given)[:, :30], pixels(frames, given))
    Image.new("RGBA", (4, 4)).save(tmp_path / "clear.png")
    with pytest.raises(ValueError, match=re.escape("clear.png is transparent everywhere; give a picture with colours")):
        planned(frames, f"colours_like={tmp_path}/clear.png")


def test_frames_that_come_once_are_held_for_a_map(tmp_path, monkeypatch):
    """As those of a clip that is generated while it is written; so do two edits behind each other."""
    frames = noise(4)
    words = [f"palette_like={picture(tmp_path / 'a.png', strokes())}", f"colours_like={tmp_path / 'a.png'}", "flip"]
    made = samples.postprocess(words, frames.shape[1:], len(frames), float(RATE), Path)
    assert np.array_equal(np.stack([*made.frames(iter(frames))]), pixels(frames, *words))
    monkeypatch.setattr(outline, "HELD_BYTES", 5000)
    with pytest.raises(ValueError, match="palette_like holds all frames in memory: .* edit the file by framegan edit"):
        samples.postprocess(words, frames.shape[1:], len(frames), float(RATE), Path)


def test_statistics_do_not_see_places():
    drawn = [torch.rand(1, 6, 9, 9), torch.rand(1, 4, 5, 5)]
    shuffled = [layer.flatten(2)[..., torch.randperm(layer[0, 0].numel())].view_as(layer) for layer in drawn]
    other = [layer**2 for layer in drawn]
    for name in ("gram", "sliced_wasserstein"):
        found = statistics.statistics(name, drawn, seed=0)
        assert found(shuffled, 0) < 1e-9
        assert found(other, 0) > 0.05
    matrix = statistics.gram_matrix(drawn[1])
    assert matrix[1, 2] == pytest.approx(float((drawn[1][0, 1] * drawn[1][0, 2]).mean()))


@pytest.mark.parametrize("name", ["gram", "sliced_wasserstein"])
def test_painting_brings_statistics_near_and_keeps_what_is_shown(name):
    style, content = (tensors.to_tensor(one) for one in (strokes(), clip(1, (40, 44))[0]))
    network = features.RandomFilters(0)
    distance = statistics.statistics(name, network(style), seed=1)
    painted = {share: Painter(style, network, name, 20, share).paint(content) for share in (0.01, 0.5, 1.0)}
    far = [float(distance(network(one), 0)) for one in (content, painted[0.01], painted[0.5], painted[1.0])]
    assert far[0] > far[1] > far[2] > far[3]
    assert far[2] < 0.8 * far[0]
    changes = [float((painting.halved(one) - painting.halved(content)).square().mean()) for one in painted.values()]
    assert changes[0] < changes[1] < changes[2]
    assert all(one.min() >= 0 and one.max() <= 1 and one.shape == content.shape for one in painted.values())


def test_motion_is_found():
    scene = torch.rand(1, 3, 64, 70, generator=torch.Generator().manual_seed(0))
    scene = torch.nn.functional.interpolate(scene, scale_factor=2, mode="bilinear")
    before, now = scene[..., 20:84, 20:90], scene[..., 25:89, 13:83]
    found = motion(before, now)[:, 10:-10, 10:-10]
    assert (found[0] == 5).float().mean() > 0.98
    assert (found[1] == -7).float().mean() > 0.98
    assert torch.equal(carried(before, motion(before, before)), before)


def test_style_flickers_less_when_it_is_steady(tmp_path):
    """Of a clip with a little noise, and a square that moves."""
    scene = clip(1, (48, 48))[0] * 0.5
    random = np.random.default_rng(0)
    grain, thing = random.integers(-1, 2, (5, 48, 48, 3)), random.integers(0, 256, (8, 8, 3)).repeat(2, 0).repeat(2, 1)
    frames = (scene + 60 + grain).round().astype(np.uint8)
    for number, frame in enumerate(frames):
        frame[10:26, 4 + 4 * number : 20 + 4 * number] = thing
    given = f"style_like={picture(tmp_path / 'a.png', strokes())}", "style_like.steps=8"
    each = flicker(frames, pixels(frames, *given, "style_like.steady=false"))
    steady = flicker(frames, pixels(frames, *given))
    assert each[0] > 3
    assert steady[0] < 0.25 * each[0]
    assert np.isfinite([each[1], steady[1]]).all()
    assert steady[1] < 0.6 * each[1]


def test_what_stays_keeps_its_strokes_and_slow_changes_are_followed(tmp_path):
    frames = clip(1, (32, 32)).repeat(8, 0)
    given = f"style_like={picture(tmp_path / 'a.png', strokes())}", "style_like.steps=6"
    assert np.ptp(pixels(frames[:3], *given), axis=0).max() == 0
    darker = np.stack([frame - np.minimum(frame, 6 * number) for number, frame in enumerate(frames)])
    falls = [
        np.subtract(
            *pixels(darker, *given, "style_like.colours=own", f"style_like.steady={steady}").mean((1, 2, 3))[[0, -1]]
        )
        for steady in ("true", "false")
    ]
    assert falls[0] > 0.7 * falls[1] > 10


def test_own_colours_stay(tmp_path):
    frames = np.random.default_rng(0).integers(100, 156, (1, 32, 32, 3), dtype=np.uint8)
    given = f"style_like={picture(tmp_path / 'a.png', strokes())}", "style_like.steps=4"
    theirs, own = pixels(frames, *given), pixels(frames, *given, "style_like.colours=own")
    assert np.abs(own.mean((0, 1, 2)) - frames.mean((0, 1, 2))).max() < 10
    assert np.abs(theirs.mean((0, 1, 2)) - strokes().mean((0, 1))).max() < 25


def state_of_vgg(blocks):
    """Return weights of which each layer sees nothing but its bias, as large as its place; the first sees red."""
    state = {}
    for place, (name, shape) in enumerate(vgg.shapes_of(blocks).items()):
        state[name] = torch.full((1,), float(name.split(".")[1]) if name.endswith("bias") else 0.0).expand(shape)
        assert place > 0 or name == vgg.FIRST
    state[vgg.FIRST] = torch.zeros(64, 3, 3, 3)
    state[vgg.FIRST][0, 0, 1, 1] = 1
    return state | {"classifier.0.weight": torch.zeros(1)}


@pytest.mark.parametrize(("kind", "places"), [("VGG-16", (0, 5, 10, 17, 24)), ("VGG-19", (0, 5, 10, 19, 28))])
def test_vgg_is_read_from_a_file(kind, places, tmp_path):
    torch.save(state_of_vgg(vgg.BLOCKS[kind]), tmp_path / "vgg.pth", _use_new_zipfile_serialization=kind == "VGG-19")
    network = features.features_of(tmp_path / "vgg.pth", 0)
    assert network.kind == kind
    content = torch.rand(1, 3, 20, 24, requires_grad=True)
    found = network(content)
    assert [float(layer[0, 1].detach().mean()) for layer in found] == [float(place) for place in places]
    assert [tuple(layer.shape[1:]) for layer in found[1:3]] == [(128, 10, 12), (256, 5, 6)]
    assert torch.allclose(found[0][0, 0], ((content[0, 0] - 0.485) / 0.229).relu(), atol=1e-5)
    found[0].sum().backward()
    assert content.grad.abs().max() > 0


def test_a_classifier_of_ones_own(tmp_path):
    torch.manual_seed(0)
    for name, shape in (("grey", (1, 16, 16)), ("rgb", (3, 32, 32)), ("clips", (1, 4, 16, 16))):
        classifier.save(
            tmp_path / name, classifier.Network(shape, 2).state_dict(), shape, ["a", "b"], 0.9, "made-up data"
        )
    image = torch.rand(1, 3, 20, 24)
    assert [tuple(one.shape[1:]) for one in features.features_of(tmp_path / "grey", 0)(image)] == [
        (16, 20, 24),
        (32, 10, 12),
    ]
    assert len(features.features_of(tmp_path / "rgb", 0)(image)) == 3
    made = pixels(
        clip(1, (20, 20)),
        f"style_like={picture(tmp_path / 'a.png', strokes((3, 1)))}",
        "style_like.steps=2",
        f"style_like.features={tmp_path}/rgb",
    )
    assert made.shape == (1, 20, 20, 3)
    with pytest.raises(
        ValueError, match="style_like.features: .*clips is a classifier of clips .*; give one of images"
    ):
        planned(noise(), f"style_like={tmp_path}/a.png", f"style_like.features={tmp_path}/clips")


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"layer.weight": torch.zeros(2)}, "holds neither a classifier"),
        ([1, 2], "holds a list; weights are a dictionary"),
        ({vgg.FIRST: torch.zeros(64, 3, 3, 3)}, "has convolutions of other shapes than VGG-16 and VGG-19"),
        ({"a": likeness.StyleLike}, "can't be read as weights"),
    ],
)
def test_other_files_are_no_features(contents, said, tmp_path):
    torch.save(contents, tmp_path / "file.pth")
    given = f"style_like={picture(tmp_path / 'a.png', strokes())}", f"style_like.features={tmp_path}/file.pth"
    with pytest.raises(ValueError, match=f"style_like.features: .*file.pth {said}"):
        planned(noise(), *given)


def test_features_name_a_file_that_no_note_may_have_read():
    from framegan.edits.words import reads_files, without_folder

    assert all(map(reads_files, ("style_like=/a/b.png", "style_like.features=/a/b.pth", "palette_like.picture=/a.png")))
    assert not reads_files("style_like.steps=3")
    assert without_folder("style_like.features=/a/b.pth") == "style_like.features=b.pth"
    with pytest.raises(ValueError, match="style_like needs a value"):
        edits_of("style_like")
