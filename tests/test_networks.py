"""Every network: shapes, ranges, and that every parameter takes part. A new network is one more row."""

import pytest
import torch

from framegan import contracts, inputs, noise, sampling, showing
from framegan.networks import (
    critics,
    dcgan,
    dcgan3d,
    drawing,
    frame_cgan,
    g3an,
    independent_frames,
    latent_walk,
    mlp,
    mocogan,
    predictor,
    stylegan_v,
    tgan,
    vgan,
)

IMAGES = [(1, 28, 28), (3, 32, 32), (1, 64, 64), (2, 16, 32)]
CLIPS = [(3, 8, 32, 32), (1, 16, 64, 64), (3, 5, 28, 28), (3, 32, 32, 32), (2, 8, 128, 128)]
FAMILIES = [(mlp, shape) for shape in [*IMAGES, (3, 4, 16, 16)]]
FAMILIES += [(dcgan, shape) for shape in [*IMAGES, (1, 4, 4), (3, 24, 24)]]
REFERENCE = (3, 16, 64, 64)


def every_parameter_takes_part(network, output):
    output.square().sum().backward()
    return all((parameter.grad is not None) == parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(("family", "shape"), FAMILIES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_latents_to_samples_to_logits(family, shape):
    generator, discriminator = family.Generator(shape, latent_dim=10), family.Discriminator(shape)
    samples = generator(torch.randn(2, generator.latent_dim))
    assert samples.shape == (2, *shape)
    assert samples.abs().max() <= 1
    (logits,) = discriminator(samples).values()
    assert logits.shape == (2, 1)
    assert every_parameter_takes_part(generator, samples)
    assert every_parameter_takes_part(discriminator, discriminator(samples.detach())["sample"])


def test_latents_modulate_every_normalisation():
    torch.manual_seed(0)
    generator = dcgan.Generator((3, 32, 32), 10, width=8, num_classes=3, conditional=True, self_modulation=True)
    latents, labels = torch.randn(4, 10), torch.tensor([0, 1, 2, 0])
    assert every_parameter_takes_part(generator, generator(latents, labels))
    modulation = generator.layers[4]
    features, code = torch.randn(4, 16, 8, 8), generator.given(latents, labels)
    plain, linear = modulation.normalization(features), modulation.from_code
    for channel in range(16):
        gain, offset = (code @ linear.weight[row] + linear.bias[row] for row in (channel, 16 + channel))  # (4,) each
        expected = (1 + gain[:, None, None]) * plain[:, channel] + offset[:, None, None]
        assert torch.allclose(modulation(features, code)[:, channel], expected, atol=1e-5)


TEMPORAL = {
    "mocogan": lambda shape: mocogan.Generator(shape, width=8),
    "mocogan_categories": lambda shape: mocogan.Generator(shape, num_classes=3, width=8),
    "mocogan_to_frames": lambda shape: mocogan.Generator(shape, num_classes=3, category_route="generator", width=8),
    "mocogan_modulated": lambda shape: mocogan.Generator(shape, width=8, self_modulation=True, content_signs=True),
    "mocogan_lstm": lambda shape: mocogan.Generator(shape, motion="lstm", initial_state="learned", width=8),
    "mocogan_transformer": lambda shape: mocogan.Generator(shape, num_classes=3, motion="transformer", width=8),
    "mocogan_conv1d": lambda shape: mocogan.Generator(shape, num_classes=3, motion="conv1d", width=8),
    "mocogan_drawn": lambda shape: mocogan.Generator(shape, initial_state="drawn", width=8),
    "vgan": lambda shape: vgan.Generator(shape, width=8),
    "tgan": lambda shape: tgan.Generator(shape, width=8),
    "dcgan3d": lambda shape: dcgan3d.Generator(shape, width=8),
    "frame_cgan": lambda shape: frame_cgan.Generator(shape, num_classes=3, width=8),
    "frame_cgan_before": lambda shape: frame_cgan.Generator(shape, 16, 2, width=8, normalization="group"),
    "g3an": lambda shape: g3an.Generator(shape, width=8),
    "stylegan_v": lambda shape: stylegan_v.Generator(
        shape, 16, motion_dim=10, width=8, widest=32, num_classes=3, conditional=True
    ),
    "predictor": lambda shape: predictor.Generator(shape, given_frames=2, num_classes=3, width=8),
    "predictor_animates": lambda shape: predictor.Generator(shape, given_frames=1, width=8),
    "independent_frames": lambda shape: independent_frames.Generator(shape, width=8),
    "latent_walk": lambda shape: latent_walk.Generator(
        shape, dcgan.Generator((shape[0], *shape[2:]), latent_dim=16, width=8), num_classes=3
    ),
}


@pytest.mark.parametrize("shape", CLIPS, ids=str)
@pytest.mark.parametrize("name", TEMPORAL)
def test_a_temporal_generator_makes_clips(name, shape):
    generator = TEMPORAL[name](shape)
    assert sum(inputs.parts_of(generator).values()) == generator.latent_dim
    clips = generator(torch.randn(2, generator.latent_dim), torch.tensor([0, 2]))
    assert clips.shape == (2, *shape)
    assert clips.abs().max() <= (contracts.FAR_OUTSIDE if name == "stylegan_v" else 1)
    if name == "vgan":
        clips = clips + generator.penalty.view(-1, 1, 1, 1, 1)
    assert every_parameter_takes_part(generator, clips)


def test_a_clip_of_another_length_than_a_generator_makes_is_refused():
    generator = mlp.Generator((1, 8, 16, 16), latent_dim=4, widths=[8])
    assert sampling.sample(generator, [0], num_frames=8).shape == (1, 1, 8, 16, 16)
    with pytest.raises(ValueError, match="num_frames=9, but this generator makes clips of 8 frames only; leave it out"):
        sampling.sample(generator, [0], num_frames=9)


@pytest.mark.parametrize("num_frames", [1, 5, 8, 21])
@pytest.mark.parametrize("name", TEMPORAL)
def test_a_clip_of_any_length(name, num_frames):
    generator = TEMPORAL[name]((1, 8, 16, 16))
    num_frames = max(num_frames, getattr(generator, "given_frames", 0) + 1)  # those given alone are no sample
    clips = sampling.sample(generator, [0, 1], num_frames=num_frames)
    assert clips.shape == (2, 1, num_frames, 16, 16)
    if name not in ("tgan", "dcgan3d", "vgan", "g3an"):  # whose frames depend on all of the clip
        as_trained = sampling.sample(generator, [0, 1])
        both = min(num_frames, 8)
        assert torch.allclose(clips[:, :, :both], as_trained[:, :, :both], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in TEMPORAL if name.startswith("mocogan")])
def test_content_and_motion_can_be_held(name):
    generator = TEMPORAL[name]((1, 8, 16, 16)).eval()
    codes, asked = {}, {"category": 0} if generator.num_classes else {}
    generator.frames.register_forward_pre_hook(lambda _, inputs: codes.update(now=inputs[0].unflatten(0, (-1, 8))))

    def content_and_motion(**choices):
        sampling.sample(generator, [0, 1, 2], **asked, **choices)
        return codes["now"][:, :, :50], codes["now"][:, :, -10:]

    content, motion = content_and_motion()
    assert (content == content[:, :1]).all()
    same_content, other_motion = content_and_motion(held={"content": 7})
    assert (same_content == same_content[:1]).all()
    assert torch.allclose(other_motion, motion)
    other_content, same_motion = content_and_motion(held={"motion": 7})
    assert torch.allclose(same_motion, same_motion[:1].expand_as(same_motion), atol=1e-6)
    assert torch.equal(other_content, content)


@pytest.mark.parametrize("family", [mocogan, g3an])
def test_the_class_goes_with_the_motion(family):
    network = family.Generator((1, 8, 16, 16), num_classes=3, conditional=True)
    free = inputs.draw(network, range(8))[1]
    assert set(inputs.draw(network, range(8), held={"motion": 3})[1].tolist()) == {free[3].item()}
    assert torch.equal(inputs.draw(network, range(8), held={"content": 3})[1], free)
    assert len(set(free.tolist())) > 1


def test_the_category_changes_the_motion_or_the_frames():
    for name in ("mocogan_categories", "mocogan_to_frames"):
        generator = TEMPORAL[name]((1, 8, 16, 16)).eval()
        inputs = []
        generator.frames.register_forward_pre_hook(lambda _, given, inputs=inputs: inputs.append(given[0]))
        for category in (0, 1):
            sampling.sample(generator, [0], category=category)
        assert torch.equal(inputs[0][:, :50], inputs[1][:, :50])
        assert not torch.allclose(inputs[0][:, 50:], inputs[1][:, 50:])


@pytest.mark.parametrize("cell", ["gru", "lstm", "transformer"])
def test_the_scale_of_burned_in_motion_codes_does_not_drift(cell):
    torch.manual_seed(0)
    generator = mocogan.Generator((1, 16, 16, 16), width=8, motion=cell, initial_state="burn_in")
    noise = torch.randn(4000, generator.motion.noise_dim(16))
    codes = generator.motion(noise, noise[:, :0], 16).detach()
    assert (codes[:, 0].std() / codes[:, -1].std()).item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("motion", ["gru", "transformer"])
@pytest.mark.parametrize("initial_state", ["disconnected", "learned", "drawn"])
def test_motion_begins_smooth_and_unlike_in_different_clips(initial_state, motion):
    torch.manual_seed(0)
    generator = mocogan.Generator((1, 16, 16, 16), width=8, initial_state=initial_state, motion=motion)
    noise = torch.randn(1000, generator.motion.noise_dim(16))
    codes = generator.motion(noise, noise[:, :0], 16).detach()
    steps = codes.diff(dim=1).square().mean().sqrt()
    assert steps < 0.15 * codes.std(0).mean()


@pytest.mark.parametrize(("initial_state", "jumps"), [("disconnected", True), ("learned", False)])
def test_disconnected_starts_jump_where_the_noise_changes_its_sign(initial_state, jumps):
    motion = mocogan.Driven("gru", 4, 0, initial_state, 8)
    noise = torch.randn(1, motion.noise_dim(8)).expand(2, -1).clone()
    noise[:, 0] = torch.tensor([-1e-6, 1e-6])
    one, other = motion(noise, noise[:, :0], 8)
    assert ((one - other).abs().max() > 1e-3) == jumps


@pytest.mark.parametrize("jumps", [True, False])
def test_frames_that_see_signs_jump_where_the_content_changes_its_sign(jumps):
    generator = mocogan.Generator((1, 4, 8, 8), content_dim=4, width=8, content_signs=jumps).eval()
    latents = torch.randn(1, generator.latent_dim).expand(2, -1).clone()
    latents[:, 0] = torch.tensor([-1e-6, 1e-6])
    one, other = generator(latents)
    assert ((one - other).abs().max() > 1e-4) == jumps


def test_conv1d_codes_are_continuous():
    """Frames ten times as dense in time make steps about ten times as small, at the knots too."""
    torch.manual_seed(0)
    steps = {}
    for distance, num_frames in [(8, 33), (80, 321)]:
        motion = mocogan.Continuous(10, 0, distance)
        torch.manual_seed(1)
        motion.load_state_dict({key: torch.randn_like(value) * 0.1 for key, value in motion.state_dict().items()})
        noise = torch.randn(8, motion.noise_dim(num_frames), generator=torch.Generator().manual_seed(2))
        steps[distance] = motion(noise, noise[:, :0], num_frames).diff(dim=1).abs().amax()
    assert steps[80] < 0.2 * steps[8]


def test_vgan_lays_the_foreground_over_the_background():
    generator = vgan.Generator((3, 8, 16, 16), width=8).eval()
    latents = torch.randn(2, generator.latent_dim)
    layers = generator.composition(latents)
    assert layers["background"].shape == (2, 3, 1, 16, 16)
    mask = (layers["mask"] + 1) / 2
    assert mask.min() >= 0 and mask.max() <= 1
    expected = mask * layers["foreground"] + (1 - mask) * layers["background"]
    assert torch.equal(generator(latents), expected)
    assert generator.penalty is None
    generator.train()(latents)
    assert generator.penalty.shape == (2,)


def test_the_streams_of_g3an_know_their_own_part_of_the_latents():
    torch.manual_seed(0)
    generator = g3an.Generator((3, 16, 32, 32), width=4, num_classes=3, conditional=True).eval()
    streams = []
    for block in generator.blocks:
        block.register_forward_hook(lambda _, inputs, outputs: streams[-1].append(outputs))
    for held in ({}, {"content": 7}, {"motion": 7}):
        streams.append([])
        sampling.sample(generator, [0], category=0, held=held)
    streams.append([])
    sampling.sample(generator, [0], category=1)
    assert [tuple(video.shape[2:]) for *_, video in streams[0]] == [(4, 4, 4), (8, 8, 8), (16, 16, 16), (16, 32, 32)]
    for plain, *others in zip(*streams, strict=True):
        for stream, changed_by in enumerate([[True, False, False], [False, True, True], [True, True, True]]):
            assert [not torch.equal(plain[stream], other[stream]) for other in others] == changed_by
    spatial, temporal, video = streams[0][-1]
    torch.testing.assert_close(video[:, :4], spatial.expand(-1, -1, 16, -1, -1))
    assert temporal.shape[1:] == (4, 16, 1, 1)


def test_a_frame_of_any_moment_is_the_same_whatever_the_others_are():
    torch.manual_seed(0)
    generator = TEMPORAL["stylegan_v"]((1, 8, 16, 16)).eval()
    latents, labels = inputs.draw(generator, [0, 1], num_frames=30)
    known = sampling.sample(generator, [0, 1], num_frames=30)
    times = torch.tensor([17.0, 2.5, 29.0, 0.0, 16.99])
    frames = generator(latents, labels, times=times)
    in_range = frames[:, :, [0, 2, 3]].clamp(-1, 1)
    torch.testing.assert_close(in_range, known[:, :, [17, 29, 0]], rtol=0, atol=1e-5)
    for place, time in enumerate(times):
        torch.testing.assert_close(generator(latents, labels, times=time[None])[:, :, 0], frames[:, :, place])
    assert (frames[:, :, 0] - frames[:, :, 4]).abs().max() < (known[:, :, 17] - known[:, :, 16]).abs().max() / 10
    for outside in (-0.1, 32.1):
        with pytest.raises(ValueError, match="times from .* and .* 0 to 32; draw them for more num_frames"):
            generator(latents, labels, times=torch.tensor([outside, 5.0]).sort().values)


def test_a_content_motion_table_and_a_composition():
    generator = TEMPORAL["mocogan_categories"]((1, 4, 16, 16))
    table = showing.content_motion_table(generator, range(2), range(3))
    assert table.shape == (6, 1, 4, 16, 16)
    assert torch.equal(table[4], sampling.sample(generator, [0, 1, 2], held={"content": 1})[1])
    layers = showing.composition(TEMPORAL["vgan"]((1, 4, 16, 16)), range(2))
    assert layers.shape == (8, 1, 4, 16, 16)


def test_rows_of_classes_are_the_samples_of_each():
    generator = TEMPORAL["mocogan_categories"]((1, 4, 16, 16))
    rows = showing.of_classes(generator, [1, 0], range(3))
    apart = [sampling.sample(generator, range(3), category=f"number:{category}") for category in (1, 0)]
    assert torch.equal(rows, torch.cat(apart))
    assert torch.equal(showing.of_classes(generator, [None], range(3)), sampling.sample(generator, range(3)))


CRITICS = {
    "clip": lambda shape: critics.ClipCritic(shape, width=4),
    "clip_halving_predicts": lambda shape: critics.ClipCritic(
        shape, 3, conditioning="auxiliary", width=4, temporal_stride=2
    ),
    "clip_patch_predicts": lambda shape: critics.ClipCritic(
        shape, 3, conditioning="auxiliary", width=4, patch=True, noise=0.1
    ),
    "clip_spectral": lambda shape: critics.ClipCritic(shape, width=4, normalization="none", spectral_norm=True),
    "clip_hidden": lambda shape: critics.ClipCritic(shape, 3, width=4, spectral_norm=True, hidden=8),
    "frame": lambda shape: critics.FrameCritic(shape, num_frames=4, width=4),
    "frame_hidden_patch": lambda shape: critics.FrameCritic(shape, patch=True, width=4, hidden=8),
    "frame_times": lambda shape: critics.FrameCritic(shape, num_frames=4, times=True, width=4),
    "frame_patch": lambda shape: critics.FrameCritic(
        shape, num_frames=None, width=4, patch=True, normalization="group"
    ),
    "pair": lambda shape: critics.PairCritic(shape, width=4),
    "pair_hidden": lambda shape: critics.PairCritic(shape, width=4, hidden=8),
    "dual_predicts": lambda shape: critics.Heads(
        {
            "frame": critics.FrameCritic(shape, 8, 3, conditioning="auxiliary", width=4),
            "clip": critics.ClipCritic(shape, 3, conditioning="auxiliary_projection", width=4, pool=2),
        }
    ),
}


@pytest.mark.parametrize("shape", CLIPS[:4], ids=str)
@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_judges_clips(name, shape):
    if name == "dual_predicts" and shape[2] == 28:
        shape = (3, 5, 32, 32)
    critic = CRITICS[name](shape)
    logits = critic(torch.randn(2, *shape), torch.tensor([0, 2]))
    assert ("class" in logits) == ("predicts" in name)
    if "class" in logits:
        assert logits["class"].shape == (2, 3)
    for head in logits.values():
        assert head.ndim == 2 and len(head) == 2
    assert every_parameter_takes_part(critic, torch.cat(list(logits.values()), dim=1))


def test_parameters_are_those_of_the_published_networks():
    """At 16 x 64 x 64, in millions, counted from the authors' descriptions."""

    def millions(network):
        return round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2)

    as_released = {"category_route": "generator", "initial_state": "drawn"}
    assert millions(mocogan.Generator(REFERENCE, **as_released)) == 3.25
    assert millions(mocogan.Generator(REFERENCE, num_classes=6, **as_released)) == 3.30
    assert millions(critics.FrameCritic(REFERENCE)) == 2.77
    assert millions(critics.FrameCritic(REFERENCE, patch=True)) == 0.66
    assert millions(critics.ClipCritic(REFERENCE)) == 11.06
    assert millions(critics.ClipCritic(REFERENCE, num_classes=6)) == 11.25
    assert millions(critics.ClipCritic(REFERENCE, patch=True)) == 2.65
    assert millions(vgan.Generator(REFERENCE)) == pytest.approx(16.2, abs=0.05)
    assert millions(tgan.Generator(REFERENCE)) == 4.45
    assert millions(g3an.Generator(REFERENCE)) == pytest.approx(22.9, abs=0.05)
    assert millions(critics.ClipCritic(REFERENCE, temporal_stride=2)) == pytest.approx(11.0, abs=0.05)
    two_logits = 512 * 2 * 4 * 4  # VGAN's critic of 32 frames has a logit for "real" and one for "fake"
    vgan_critic = critics.ClipCritic((3, 32, 64, 64), temporal_stride=2)
    assert millions(vgan_critic) + two_logits / 1e6 == pytest.approx(11.1, abs=0.05)


@pytest.mark.parametrize("hidden", [0, 64])
def test_only_a_hidden_layer_tells_two_things_far_apart_from_one(hidden):
    critic = critics.ClipCritic((1, 8, 32, 32), width=8, normalization="none", hidden=hidden)
    nothing, upper, lower = (torch.full((1, 1, 8, 32, 32), -1.0) for _ in range(3))
    upper[..., 0, 0] = lower[..., 31, 31] = 100
    both = torch.maximum(upper, lower)
    with torch.no_grad():
        empty, one, other, two = (critic(clip)["sample"].item() for clip in (nothing, upper, lower, both))
    of_both_at_once = (two - empty) - (one - empty) - (other - empty)
    assert abs(of_both_at_once) > 1e-5 if hidden else abs(of_both_at_once) < 1e-6


def test_a_critic_of_frames_draws_other_frames_each_time_in_training():
    critic = critics.FrameCritic((1, 16, 16, 16), num_frames=2, width=4, normalization="none")
    clip = torch.arange(16.0).view(1, 1, 16, 1, 1).expand(1, 1, 16, 16, 16)
    seen = {tuple(critic(clip)["sample"].flatten().tolist()) for _ in range(20)}
    assert len(seen) > 10
    critic.eval()
    assert len({tuple(critic(clip)["sample"].flatten().tolist()) for _ in range(3)}) == 1


DRAWING = {
    "dropout": mlp.Discriminator((1, 4, 8, 8), widths=(64, 64), dropout=0.3),
    "noise": critics.ClipCritic((1, 4, 8, 8), width=4, normalization="none", noise=0.5),
    "frames": critics.FrameCritic((1, 4, 8, 8), num_frames=2, width=4, normalization="none", noise=0.5, times=True),
    "pairs": critics.PairCritic((1, 4, 8, 8), width=4, normalization="none"),
}
DRAWING["heads"] = critics.Heads({"frame": DRAWING["frames"], "pair": DRAWING["pairs"]})


@pytest.mark.parametrize("name", DRAWING)
def test_what_a_critic_draws_is_a_function_of_each_samples_key(name):
    """So that rows can be judged on any process, in any piece of a batch."""
    critic, keys = DRAWING[name].train(), torch.arange(1, 33) / 64
    clips, head = torch.arange(4.0).view(1, 1, 4, 1, 1).expand(32, 1, 4, 8, 8), "pair" if name == "heads" else "sample"
    whole = critic(clips, None, keys)[head]
    torch.testing.assert_close(
        torch.cat([critic(clips[:20], None, keys[:20])[head], critic(clips[20:], None, keys[20:])[head]]), whole
    )
    assert len(set(whole.flatten().tolist())) > 3 and not torch.equal(critic(clips, None, keys.flip(0))[head], whole)
    assert not torch.equal(critic(clips)[head], critic(clips)[head]), "without keys PyTorch draws"
    assert len(set(critic.eval()(clips, None, keys)[head].flatten().tolist())) == (2 if name == "frames" else 1)


def test_heads_draw_apart():
    heads = critics.Heads({name: critics.FrameCritic((1, 4, 8, 8), width=4) for name in "ab"})
    heads.heads["b"].load_state_dict(heads.heads["a"].state_dict())
    logits = heads(torch.arange(4.0).view(1, 1, 4, 1, 1).expand(32, 1, 4, 8, 8), None, torch.arange(1, 33) / 64)
    assert not torch.equal(logits["a"], logits["b"])


def test_dropout_keeps_the_mean_and_drops_its_share():
    for share in (0.0, 0.3, 0.999999):
        layer, keys = drawing.Dropout(share), noise.uniform((2_000,), seed=0, stream=noise.MIXING, counter=0)
        first, second = (layer(torch.ones(2_000, 100), keys, part) for part in (0, 1))
        assert first.eq(0).double().mean().item() == pytest.approx(share, abs=0.005)
        assert (first.mean().item() == pytest.approx(1, abs=0.01)) or share > 0.9
        both = (first.eq(0) & second.eq(0)).double().mean().item()
        assert both == pytest.approx(share**2, abs=0.005), "layers draw apart"
    added = drawing.Noise(0.5)(torch.zeros(2_000, 100), keys)
    assert added.mean().abs() < 0.005 and added.std().item() == pytest.approx(0.5, abs=0.005)


def test_a_critic_of_frames_may_know_the_moment():
    """Clips that stand still differ in nothing but the moment of the frame that was drawn."""
    for times, number in ((False, 1), (True, 8)):
        critic = critics.FrameCritic((1, 8, 16, 16), times=times, width=4, normalization="none")
        assert len(set(critic(torch.zeros(99, 1, 8, 16, 16))["sample"].flatten().tolist())) == number


def test_a_frame_is_made_of_those_before_it_alone():
    torch.manual_seed(0)
    generator = TEMPORAL["frame_cgan_before"]((1, 8, 16, 16)).eval()
    seen = []
    generator.before.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    clips = sampling.sample(generator, [0, 1, 2, 3])
    assert not seen[0].any()
    for number in range(2, 8):
        torch.testing.assert_close(seen[number][:4], clips[:, 0, number - 2 : number])
    with pytest.raises(ValueError, match="frames_before=2 with normalization=batch: .* set model.generator.normaliz"):
        frame_cgan.Generator((1, 8, 16, 16), frames_before=2)


def test_a_pair_knows_its_distance_in_time():
    """Clips that stand still differ in nothing but the distance of the frames that were drawn."""
    critic = critics.PairCritic((1, 8, 16, 16), width=4, normalization="none")
    logits = critic(torch.zeros(64, 1, 8, 16, 16))["sample"]
    assert len(set(logits.flatten().tolist())) == 7


def test_pooling_hides_what_is_finer_than_a_pixel_of_it():
    critic = critics.ClipCritic((1, 4, 16, 16), width=4, pool=2, normalization="none")
    checkers = (torch.arange(16).view(-1, 1) + torch.arange(16)) % 2 * 2.0 - 1
    grey, fine = torch.zeros(1, 1, 4, 16, 16), checkers.expand(1, 1, 4, 16, 16)
    assert torch.equal(critic(grey)["sample"], critic(fine)["sample"])


@pytest.mark.parametrize(
    "family", [mocogan, vgan, tgan, dcgan3d, frame_cgan, g3an, independent_frames, latent_walk, stylegan_v]
)
def test_a_temporal_model_sends_images_elsewhere(family):
    with pytest.raises(ValueError, match=r"is for clips \(C, T, H, W\); got shape=\[3, 64, 64\].* another model"):
        family.Generator((3, 64, 64))


@pytest.mark.parametrize(("shape", "sides"), [((3, 30, 30), "28 or 32"), ((1, 3, 3), "4"), ((1, 32, 33), "32")])
def test_dcgan_says_which_sides_it_can_make(shape, sides):
    with pytest.raises(ValueError, match=f"can't be made: .* Set data.resolution={sides}$"):
        dcgan.Generator(shape)


def test_channels_are_normalised_in_groups_whatever_their_number():
    generator = dcgan.Generator((1, 16, 16), width=12, normalization="group")
    assert [m.num_groups for m in generator.modules() if isinstance(m, torch.nn.GroupNorm)] == [8, 4]


def test_dcgan_sends_clips_elsewhere():
    with pytest.raises(ValueError, match="another model"):
        dcgan.Generator((3, 16, 64, 64))
    with pytest.raises(ValueError, match="Choose one of clips, such as model/discriminator=clip"):
        dcgan.Discriminator((3, 16, 64, 64))


def test_dcgan_starts_28_pixels_from_a_base_of_7():
    assert dcgan.base_and_doublings((1, 28, 28)) == ((7, 7), 2)
    assert dcgan.base_and_doublings((1, 64, 64)) == ((4, 4), 4)


def test_dcgan_starts_from_the_published_distribution():
    torch.manual_seed(0)
    generator = dcgan.Generator((3, 64, 64))
    kernel = generator.layers[3].weight
    assert kernel.mean().abs() < 1e-4
    assert kernel.std().item() == pytest.approx(0.02, rel=0.01)
    gains = torch.cat([m.weight for m in generator.modules() if isinstance(m, torch.nn.BatchNorm2d)])
    assert gains.mean().item() == pytest.approx(1, abs=0.005)
    assert gains.std().item() == pytest.approx(0.02, rel=0.2)


def test_spectral_norm_bounds_every_layer():
    torch.manual_seed(0)
    discriminator = dcgan.Discriminator((1, 16, 16), width=8, normalization="none", spectral_norm=True)
    for _ in range(50):
        discriminator(torch.randn(1, 1, 16, 16))
    discriminator.eval()
    for layer in discriminator.layers:
        if isinstance(layer, torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("motion", ["gru", "lstm", "transformer", "conv1d", None])
@pytest.mark.parametrize("num_frames", [5, 7, 12])
def test_a_clip_is_the_same_to_the_last_bit_at_any_place_of_a_batch(motion, num_frames):
    """Its codes have 10 values, and as many rows as frames: products of matrices so small round odd rows otherwise."""
    torch.manual_seed(0)
    shape = 1, num_frames, 8, 8
    if motion is None:
        generator = stylegan_v.Generator(shape, 16, motion_dim=10, width=4, widest=16, num_classes=2, conditional=True)
    else:
        generator = mocogan.Generator(shape, num_classes=2, motion=motion, width=4)
    for size in (4, 8):
        together = torch.cat([clips for _, clips in sampling.batches(generator, range(size), size)])
        for seed in range(size):
            alone = torch.cat([clips for _, clips in sampling.batches(generator, [seed], size)])
            assert torch.equal(alone[0], together[seed])
