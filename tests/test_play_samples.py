"""What a page is shown of a generator: sliders along directions, ways between pinned samples, clips without an end."""

import math

import numpy as np
import pytest
import torch
from small_generators import config_of
from torch import nn

from framegan import inputs, media, sampling
from framegan.cli.compose import build
from framegan.networks import latent_walk, mlp, mocogan, stylegan2, stylegan_v, vgan
from framegan.play import directions
from framegan.play.player import Player
from framegan.play.stream import Stream
from framegan.play.wanted import Point, Wanted, message_of

CLIP = (3, 4, 16, 16)
MOTIONS = [
    {},
    {"motion": "lstm", "initial_state": "disconnected"},
    {"motion": "transformer"},
    {"motion": "transformer", "initial_state": "burn_in"},
    {"motion": "conv1d", "knot_distance": 3},
]


def player_of(generator: nn.Module) -> Player:
    return Player(generator, "run", "last.ckpt", 8, 8.0, along=directions.find(generator))


def wanted_of(player: Player, seed: int = 0, moves=None, **choices) -> Wanted:
    return Wanted(point=Point(seeds=dict.fromkeys(player.parts, seed), moves=moves or {}), **choices)


def random_mocogan(**options) -> nn.Module:
    """Return one whose weights are so large that its clips move."""
    torch.manual_seed(0)
    generator = mocogan.Generator(CLIP, num_classes=3, content_dim=10, width=8, **options).eval()
    for name, weight in generator.named_parameters():
        if weight.ndim > 1:
            nn.init.normal_(weight, std=0.15 if name.startswith("frames") else 0.5)
    return generator


@pytest.mark.parametrize("options", MOTIONS, ids=str)
def test_an_endless_clip_begins_as_a_long_one_of_its_seed(options):
    player = player_of(random_mocogan(**options))
    wanted = wanted_of(player, 5, num_frames=30)
    stream = Stream(player, wanted)
    frames = np.concatenate([stream.next(wanted, number) for number in (1, 3, 4, 8, 2, 5, 7)])
    long = player.frames_of(wanted)
    assert np.abs(frames.astype(int) - long).max() <= 1
    assert np.abs(np.diff(long.astype(int), axis=0)).max() > 8, "they move, so that a frame out of its place is seen"


def styles_in_time():
    return stylegan_v.Generator(CLIP, 16, motion_dim=8, knot_distance=4, width=8, widest=16)


def walk_through(image_generator):
    walk = latent_walk.Generator(CLIP, image_generator.eval(), motion_dim=4, width=16)
    with torch.no_grad():
        walk.walk.to_step.weight *= 10
    return walk


OTHERS = {
    "stylegan_v": styles_in_time,
    "walk in latents": lambda: walk_through(mlp.Generator((3, 16, 16), latent_dim=6, widths=[32])),
    "walk in styles": lambda: walk_through(stylegan2.Generator((3, 16, 16), 16, 2, width=8, widest=16)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_an_endless_clip_of_others_begins_as_a_long_one(kind):
    torch.manual_seed(0)
    player = player_of(OTHERS[kind]().eval())
    choices = {"truncation": 0.7} if player.takes_truncation else {}
    wanted = wanted_of(player, 2, num_frames=12, moves={"content": [1.0], "motion": [-0.5]}, **choices)
    stream = Stream(player, wanted)
    frames = np.concatenate([stream.next(wanted, number) for number in (1, 5, 6)])
    long = player.frames_of(wanted)
    assert np.abs(frames.astype(int) - long).max() <= 1
    assert np.abs(np.diff(long.astype(int), axis=0)).max() > 8
    drifting = Stream(player, wanted).next(wanted, 6, drift=0.2)
    assert np.abs(drifting[0].astype(int) - frames[0]).max() <= 1, "as precisely as a batch of another size rounds"
    assert (drifting[1:] != frames[1:6]).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("options", MOTIONS[1:], ids=str)
def test_memory_stays_the_same_however_long_it_runs(options):
    def size(state):
        return sum(map(size, state)) if isinstance(state, tuple) else getattr(state, "nbytes", 0)

    player = player_of(random_mocogan(**options))
    wanted, sizes = wanted_of(player), []
    stream = Stream(player, wanted)
    for _ in range(12):
        stream.next(wanted, 6)
        sizes.append(size(stream._state))
    assert max(sizes[-6:]) <= max(sizes[:6])


def test_a_new_checkpoint_goes_on_from_where_the_one_before_was():
    player = player_of(random_mocogan())
    wanted = wanted_of(player, 1, num_frames=8)
    stream = Stream(player, wanted)
    begun = stream.next(wanted, 5)
    stream.player = player_of(random_mocogan())  # of the same weights here
    frames = np.concatenate([begun, stream.next(wanted, 3)])
    assert np.abs(frames.astype(int) - player.frames_of(wanted)).max() <= 1


def test_content_drifts_on_request_and_motion_is_that_of_its_seed():
    player = player_of(random_mocogan(motion="conv1d"))
    wanted = wanted_of(player, 3)
    still, drifting = (Stream(player, wanted) for _ in range(2))
    first, second = still.next(wanted, 8), drifting.next(wanted, 8, drift=0.25)
    assert np.abs(first[0].astype(int) - second[0]).max() <= 1, "it begins with the content of its seed"
    assert (first[1:] != second[1:]).any(axis=(1, 2, 3)).all()
    beside = wanted.model_copy(update={"point": Point(seeds={"content": 3 + 7919, "motion": 3})})
    arrived = player.frames_of(beside.model_copy(update={"num_frames": 8}))[4]
    assert np.abs(second[4].astype(int) - arrived).max() <= 1, "four frames later it is another seed's"


def test_a_generator_of_whole_clips_says_that_it_ends():
    player = player_of(vgan.Generator(CLIP, width=8))
    assert not player.about()["continues"]
    with pytest.raises(ValueError, match="makes whole clips"):
        Stream(player, wanted_of(player))


def test_directions_of_a_layer_are_its_singular_vectors():
    torch.manual_seed(0)
    generator = mlp.Generator((1, 4, 4), latent_dim=6, widths=[16])
    (one,) = directions.find(generator).values()
    weight = generator.layers[0].weight.detach()
    _, values, vectors = torch.linalg.svd(weight)
    assert len(values) == len(one.vectors) == 6
    assert one.source == "SeFa, of layers.0"
    torch.testing.assert_close((one.vectors * vectors).sum(1).abs(), torch.ones(6), atol=1e-4, rtol=0)
    assert (one.vectors.gather(1, one.vectors.abs().argmax(1, keepdim=True)) > 0).all(), "their signs are fixed"


def test_directions_of_mocogan_are_those_of_its_content_and_of_one_frame_of_noise():
    generator = random_mocogan(motion_dim=7)
    found = directions.find(generator)
    assert {part: one.vectors.shape[1] for part, one in found.items()} == {"content": 10, "motion": 7}
    weight = generator.frames.layers[0].weight.detach()[:10].flatten(1)  # (content, outputs)
    first = found["content"].vectors[0]
    others = torch.linalg.svd(weight.T)[2]
    assert abs(first @ others[0]) == pytest.approx(1, abs=1e-4)


def test_directions_of_styles_move_styles():
    torch.manual_seed(0)
    generator = stylegan2.Generator((1, 16, 16), 16, 2, width=8, widest=16)
    found = directions.find(generator)
    assert "noise" not in found, "it begins with no strength, and so changes nothing"
    style = found["style"]
    assert style.module == "mapping"
    assert "in styles" in style.source
    weights = torch.cat(
        [layer.weight.detach() * layer.gain for name, layer in generator.named_modules() if name.endswith("to_scales")]
    )
    first = torch.linalg.svd(weights)[2][0]
    assert abs(torch.cosine_similarity(style.vectors[0], first, dim=0)) == pytest.approx(1, abs=1e-4)
    player = Player(generator, "run", "last.ckpt", 8, 8.0, along=found)
    latents, labels = inputs.draw(generator, [4])
    generator.eval()
    with torch.no_grad():
        moved = generator.style(latents[:, :16], labels) + 2.0 * style.vectors[0]
        expected = media.to_frames(generator.images_of_styles(moved, latents))[0]
    shown = player.frames_of(wanted_of(player, 4, moves={"style": [2.0]}))[0]
    assert np.abs(shown.astype(int) - expected).max() <= 1
    plain = player.frames_of(wanted_of(player, 4))[0]
    assert (plain != shown).any(), "and nothing stays moved"
    assert (plain == media.to_frames(sampling.sample(generator, [4], batch_size=1))[0]).all()


class Bent(nn.Module):
    """Takes its latents through a curve first, so that no layer gets them as they are; one counts most."""

    def __init__(self):
        super().__init__()
        self.shape, self.latent_dim = (1, 4, 4), 5
        self.layer = nn.Linear(5, 16)
        with torch.no_grad():
            self.layer.weight[:, 3] = torch.linspace(-9, 9, 16)

    def forward(self, latents, labels=None):
        return torch.tanh(self.layer(torch.erf(latents)) / 10).view(-1, *self.shape)


def test_without_such_a_layer_the_principal_components_of_samples_say_where_to():
    torch.manual_seed(0)
    (one,) = directions.find(Bent()).values()
    assert one.source == "PCA of its samples"
    assert one.vectors[0].argmax() == 3
    assert one.vectors[0, 3] > 0.95
    torch.testing.assert_close(one.vectors.norm(dim=1), torch.ones(len(one.vectors)))


@pytest.mark.parametrize("model", ["dcgan", "g3an", "glow", "latent_walk", "predictor", "tgan", "vae"])
def test_a_slider_changes_what_any_generator_makes(model):
    torch.manual_seed(0)
    generator = build(config_of(model)).eval()
    for parameter in generator.parameters():
        if parameter.requires_grad and (not parameter.any() or parameter.ndim > 2):
            nn.init.normal_(parameter, std=0.2)
    player = player_of(generator)
    assert player.along.keys() <= set(player.parts)
    for part, one in player.along.items():
        assert one.move([]).eq(0).all()
        before, after = (player.frames_of(wanted_of(player, moves={part: [far]})) for far in (0.0, 3.0))
        assert (before != after).any(), part
    assert player.along or model == "predictor"


def test_a_clip_s_length_doesn_t_change_where_a_slider_leads():
    player = player_of(random_mocogan())
    short, long = (wanted_of(player, 1, {"motion": [2.0, -1.0]}, num_frames=length) for length in (4, 9))
    assert np.abs(player.frames_of(short).astype(int) - player.frames_of(long)[:4]).max() <= 1


def test_between_pinned_samples_lies_what_generate_puts_there():
    player = player_of(random_mocogan())
    pins = [Point(seeds=dict.fromkeys(player.parts, seed)) for seed in (2, 6, 9)]
    wanted = wanted_of(player, 0, pins=pins)
    for place, seed in enumerate((2, 6, 9)):
        at = player.frames_of(wanted.model_copy(update={"place": float(place), "category": 1}))
        assert (at == player.frames_of(wanted_of(player, seed, category=1))).all()
    from framegan.interpolation import walk

    steps = torch.cat([made for _, made in walk(player.generator, [2, 6, 9], 4)])
    for step in range(9):
        shown = player.frames_of(wanted.model_copy(update={"place": step / 4}))
        assert np.abs(shown.astype(int) - media.to_frames(steps[step : step + 1])[0]).max() <= 1
    video = [*player.walk(wanted)]
    assert len(video) == 2 * (2 * CLIP[1] - 2) + 1


def test_a_way_to_a_moved_sample_moves_on_the_way():
    player = player_of(random_mocogan())
    seeds = dict.fromkeys(player.parts, 4)
    pins = [Point(seeds=seeds), Point(seeds=seeds, moves={"content": [2.0, 0.0, -1.0]})]
    wanted = wanted_of(player, 4, pins=pins, place=0.5)
    half = player.frames_of(wanted_of(player, 4, {"content": [1.0, 0.0, -0.5]}))
    assert np.abs(player.frames_of(wanted).astype(int) - half).max() <= 1


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "Invalid JSON"),
        ('{"kind": "eval"}', "does not match any of the expected tags"),
        ('{"kind": "show", "number": 1, "wanted": {"point": {"seeds": {"content": -1}}}}', "greater than or equal"),
        ('{"kind": "show", "number": 1, "wanted": {"point": {"seeds": {}, "moves": {"a": [NaN]}}}}', "finite"),
        ('{"kind": "show", "number": 1, "wanted": {"point": {"seeds": {}}, "path": "/etc"}}', "Extra inputs"),
        ('{"kind": "drawn", "frames": 0}', "greater than or equal to 1"),
    ],
)
def test_what_a_page_can_t_mean_is_refused(said, message):
    with pytest.raises(ValueError, match=message):
        message_of(said)


def test_what_this_generator_can_t_make_is_refused():
    player = player_of(random_mocogan())
    for wanted, message in (
        (Wanted(point=Point(seeds={"content": 1})), "the seeds are those of"),
        (wanted_of(player, category=7), "this generator has categories 0 to 2"),
        (wanted_of(player, truncation=0.5), "takes none"),
        (wanted_of(player, num_frames=player.most_frames + 1), "is too many for a page"),
        (wanted_of(player, moves={"style": [1.0]}), "the parts are"),
    ):
        with pytest.raises(ValueError, match=message):
            player.frames_of(wanted)
    assert player.most_frames * math.prod((3, 16, 16)) <= 48 << 20
