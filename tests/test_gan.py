"""The adversarial step: who moves when, the clock, the averages, the noise, and everything that can be switched on."""

import copy
import warnings
from functools import partial
from itertools import pairwise

import pytest
import torch
from plain_loop import PlainLoop
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import register_parametrization
from worlds import CLIP, SHAPE, Record, fit, flat, real_batches, tiny_clip_gan, tiny_gan

from framegan import losses, noise, regularizers, schedules
from framegan.gan import GAN
from framegan.network_state import Average, hold_still
from framegan.networks import critics, dcgan, mocogan, vgan


def test_the_discriminator_step_leaves_the_generator_still_and_the_reverse():
    moved = {"discriminator": [], "generator": []}
    gan = tiny_gan()
    descend = gan._descend

    def watched(name, *args):
        before = {network: flat(getattr(gan, network)) for network in moved}
        descend(name, *args)
        moved[name].append({n for n in moved if not torch.equal(before[n], flat(getattr(gan, n)))})

    gan._descend = watched
    fit(gan, real_batches(3))
    assert moved == {"discriminator": [{"discriminator"}] * 3, "generator": [{"generator"}] * 3}


@pytest.mark.parametrize("share_fakes", [False, True])
def test_the_step_is_the_one_a_plain_loop_takes(share_fakes):
    """The loop that the benchmark compares with, written without the framework, trains the same weights."""
    gan, start = (tiny_gan(share_fakes=share_fakes).double() for _ in range(2))
    seen: list[list[torch.Tensor]] = []
    noise_like = gan._noise_like

    def kept(*args):
        latents, mixing = noise_like(*args)
        seen.append(latents)
        return latents, mixing

    gan._noise_like = kept
    batches = real_batches(4).double()
    fit(gan, batches)
    plain = PlainLoop(start.generator, start.discriminator, lr=1e-2)
    for real, of_step in zip(batches, seen, strict=True):
        plain.step(real, *of_step)
    for name in ("generator", "discriminator", "generator_ema"):
        torch.testing.assert_close(flat(getattr(gan, name)), flat(getattr(plain, name)), rtol=0, atol=1e-13)


def test_a_frozen_layer_stays_as_it_is_and_the_others_can_be_trained_again():
    gan = tiny_gan()
    layer = gan.discriminator.layers[0].weight.requires_grad_(False)
    before = layer.clone(), [parameter.requires_grad for parameter in gan.parameters()]
    fit(gan, real_batches(2))
    assert torch.equal(layer, before[0])
    assert [parameter.requires_grad for parameter in gan.parameters()] == before[1]


def test_the_generator_steps_once_in_n_discriminator_steps():
    record = Record(lambda gan: (flat(gan.generator), flat(gan.discriminator)))
    fit(tiny_gan(discriminator_steps=3), real_batches(6), callbacks=[record])
    start = tiny_gan()
    generators = [flat(start.generator), *(state[0] for state in record.states)]
    discriminators = [flat(start.discriminator), *(state[1] for state in record.states)]
    moves = [not torch.equal(a, b) for a, b in pairwise(generators)]
    assert moves == [False, False, True, False, False, True]
    assert all(not torch.equal(a, b) for a, b in pairwise(discriminators))


def test_the_clock_counts_real_samples_and_is_saved():
    gan = fit(tiny_gan(), real_batches(5, batch_size=8))
    assert int(gan.samples_seen) == 40
    assert int(gan.state_dict()["samples_seen"]) == 40


def images():
    return tiny_gan("group", regularizers={"gp": regularizers.WGANGP(weight=1)})


def clips():
    torch.manual_seed(0)
    return tiny_clip_gan(generator=mocogan.Generator(CLIP, num_classes=2, width=4, normalization="none"))


@pytest.mark.parametrize("make", [images, clips])
def test_micro_batches_give_the_result_of_the_whole_batch(make):
    batches = real_batches(4, shape=make().generator.shape).double()
    whole, parts = (fit(make().double(), batches, micro_batches=number) for number in (1, 3))
    torch.testing.assert_close(flat(parts.generator), flat(whole.generator), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(flat(parts.discriminator), flat(whole.discriminator), rtol=1e-9, atol=1e-12)


def test_a_batch_that_has_fewer_pieces_than_asked_for_is_whole_all_the_same():
    asked_for_five = fit(tiny_gan(), real_batches(2), micro_batches=5).state_dict()
    for name, value in fit(tiny_gan(), real_batches(2), micro_batches=4).state_dict().items():
        assert torch.equal(asked_for_five[name], value), name


def test_the_same_seed_trains_the_same_and_another_does_not():
    first, second, other = (fit(tiny_gan(seed=seed), real_batches(3)) for seed in (1, 1, 2))
    assert torch.equal(flat(first.generator), flat(second.generator))
    assert not torch.equal(flat(first.generator), flat(other.generator))


def test_gradients_are_clipped_to_the_norm_asked_for():
    gan = tiny_gan(  # under plain gradient descent with rate 1 the change of the weights is the gradient
        generator_optimizer=partial(torch.optim.SGD, lr=1.0),
        discriminator_optimizer=partial(torch.optim.SGD, lr=1.0),
        generator_clip_norm=1e-3,
        discriminator_clip_norm=2e-3,
    )
    before = flat(gan.generator), flat(gan.discriminator)
    fit(gan, real_batches(1))
    assert (flat(gan.generator) - before[0]).norm().item() == pytest.approx(1e-3, rel=1e-3)
    assert (flat(gan.discriminator) - before[1]).norm().item() == pytest.approx(2e-3, rel=1e-3)


def test_learning_rates_follow_their_schedules_on_the_clock():
    record = Record(lambda gan: [optimizer.param_groups[0]["lr"] for optimizer in gan.optimizers()])
    gan = tiny_gan(generator_schedule=schedules.Linear(total_samples=32), discriminator_schedule=schedules.Constant(16))
    fit(gan, real_batches(4), callbacks=[record])
    assert [rate for rate, _ in record.states] == pytest.approx([1e-2, 0.75e-2, 0.5e-2, 0.25e-2])
    assert [rate for _, rate in record.states] == pytest.approx([1e-2 / 16, 9e-2 / 16, 1e-2, 1e-2])


@pytest.mark.parametrize(("tuned_side", "rate", "gamma"), [(None, 1e-2, 0.5), (64, 1e-2, 0.5), (4, 0.5e-2, 2.0)])
def test_larger_samples_than_tuned_for_get_smaller_rates_and_stronger_penalties(tuned_side, rate, gamma):
    assert SHAPE[-2:] == (8, 8)
    optimizers = {f"{name}_optimizer": partial(torch.optim.Adam, lr=rate) for name in GAN.networks}
    expected = fit(tiny_gan(regularizers={"r1": regularizers.R1(gamma)}, **optimizers), real_batches(2))
    optimizers = {f"{name}_optimizer": partial(torch.optim.Adam, lr=1e-2) for name in GAN.networks}
    gan = tiny_gan(regularizers={"r1": regularizers.R1(0.5)}, tuned_side=tuned_side, **optimizers)
    assert torch.equal(flat(fit(gan, real_batches(2)).discriminator), flat(expected.discriminator))


def test_beta2_rises_as_its_schedule_falls():
    record = Record(lambda gan: [optimizer.param_groups[0]["betas"] for optimizer in gan.optimizers()])
    optimizers = {f"{name}_optimizer": partial(torch.optim.Adam, betas=(0.5, 0.9)) for name in GAN.networks}
    gan = tiny_gan(beta2_schedule=schedules.Linear(total_samples=32, last=0.1), **optimizers)
    fit(gan, real_batches(5), callbacks=[record])
    for of_step, expected in zip(record.states, (0.9, 0.9225, 0.945, 0.9675, 0.99), strict=True):
        assert of_step == [(0.5, pytest.approx(expected))] * 2


def test_beta2_is_scheduled_where_there_is_one_and_below_1():
    sgd = {"generator_optimizer": partial(torch.optim.SGD, lr=1.0), "beta2_schedule": schedules.Constant()}
    with pytest.raises(
        ValueError, match="beta2_schedule is set, and an optimizer has betas=None; choose optimizers of"
    ):
        tiny_gan(**sgd)
    with pytest.raises(ValueError, match=r"beta2_schedule.last=0.0; beta2 would come to be 1; set it above 0, such as"):
        tiny_gan(beta2_schedule=schedules.Cosine(total_samples=10))


def test_the_average_halves_its_memory_in_a_half_life():
    """With a long run behind it, an average of half-life h weighs h new samples by one half."""
    gan = tiny_gan(ema_half_life=8, ema_rampup=1.0)
    gan.samples_seen += 8_000
    record = Record(lambda gan: (flat(gan.generator_ema), flat(gan.generator)))
    start = flat(gan.generator_ema)
    fit(gan, real_batches(1, batch_size=8), callbacks=[record])
    ((average, live),) = record.states
    torch.testing.assert_close(average, (start + live) / 2)


def test_the_average_starts_as_the_live_generator_and_stays_out_of_training():
    gan = fit(tiny_gan(ema_half_life=0), real_batches(2))
    assert torch.equal(flat(gan.generator_ema), flat(gan.generator))
    assert not any(parameter.requires_grad for parameter in gan.generator_ema.parameters())
    assert not gan.train().generator_ema.training


def hooked(layer):
    """Normalise a layer in the older way, which is still common."""
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        return nn.utils.spectral_norm(layer)


def of_two(layer):
    """Normalise a layer's weights after they were halved: spectral normalisation need not be the first."""
    register_parametrization(layer, "weight", Halved())
    return spectral_norm(layer)


class Halved(nn.Module):
    def forward(self, weights):
        return weights / 2


@pytest.mark.parametrize("normed", [spectral_norm, hooked, of_two])
def test_averaged_weights_are_divided_by_a_singular_value_of_theirs(normed):
    """While the layer's singular vectors turn; their mean would be far too short."""
    torch.manual_seed(0)
    layer = normed(nn.Conv2d(8, 8, 3)).train()
    mean = copy.deepcopy(layer).eval().requires_grad_(False)
    average, (weights, *_) = Average(mean, layer), (w for w in layer.parameters() if w.ndim == 4)
    for _ in range(300):
        with torch.no_grad():
            weights.mul_(0.9).add_(torch.randn_like(weights))
        layer(torch.zeros(1, 8, 3, 3))
        average.move(1, half_life=20)
    mean(torch.zeros(1, 8, 3, 3))
    assert torch.linalg.matrix_norm(mean.weight.flatten(1), 2) == pytest.approx(1, abs=0.02)
    assert weights.norm() / next(w for w in mean.parameters() if w.ndim == 4).norm() > 2, "it is an average"


def test_an_average_without_memory_is_the_network():
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(8, 8, 3)).train()
    mean = copy.deepcopy(layer).eval().requires_grad_(False)
    average = Average(mean, layer)
    layer(torch.zeros(1, 8, 3, 3))
    average.move(1, half_life=0)
    assert all(torch.equal(now, of_network) for now, of_network in zip(mean.buffers(), layer.buffers(), strict=True))


def test_what_is_frozen_stays_as_it_is_in_the_average():
    """Its singular vectors too; what average and network share is moved by neither."""
    torch.manual_seed(0)
    network = nn.Sequential(spectral_norm(nn.Conv2d(8, 8, 3)), nn.Conv2d(8, 8, 1)).train()
    hold_still({"generator": nn.Sequential(network)}, ["generator.0.0"])
    mean = copy.deepcopy(network).eval().requires_grad_(False)
    mean[0] = network[0]
    before = [vector.clone() for vector in network[0].buffers()]
    Average(mean, network).move(1, half_life=20)
    assert all(torch.equal(now, then) for now, then in zip(network[0].buffers(), before, strict=True))


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_a_seed_gives_the_same_sample_in_any_batch(weights):
    gan = fit(tiny_gan(), real_batches(2))
    together = gan.sample(range(64), weights)
    alone = torch.cat([gan.sample([seed], weights) for seed in range(64)])
    assert torch.equal(alone, together)
    assert together.std(0).max() > 1e-3
    assert torch.equal(gan.sample(range(5, 9), weights), together[5:9])


def test_metrics_are_measured_only_when_they_are_logged():
    record = Record()
    fit(tiny_gan(), real_batches(5), callbacks=[record], log_every_n_steps=2)
    assert [bool(m) for m in record.measured] == [True, False, True, False, True]
    assert set(record.measured[0]) == {
        *(f"discriminator/{key}" for key in ("loss", "real_logit", "fake_logit", "real_accuracy", "fake_accuracy")),
        *("discriminator/gradient_norm", "generator/loss", "generator/gradient_norm"),
    }


def test_a_lazy_penalty_is_as_strong_on_average():
    """Every 2nd step at twice the weight: where the critic hardly moves, gradients of two steps add up to the same."""
    norms = {}
    for every in (1, 2):
        record = Record()
        gan = tiny_gan(
            "none",
            regularizers={"r1": regularizers.R1(gamma=1e4, every=every)},
            discriminator_optimizer=partial(torch.optim.SGD, lr=1e-12),
            generator_optimizer=partial(torch.optim.SGD, lr=1e-12),
        )
        fit(gan, real_batches(2), callbacks=[record], log_every_n_steps=1)
        norms[every] = [m["discriminator/gradient_norm"].item() for m in record.measured]
        assert ["penalty/r1" in m for m in record.measured] == [True, every == 1]
    assert norms[2][0] / norms[1][0] == pytest.approx(2, rel=0.05)
    assert norms[2][1] < norms[1][1] / 2


LOSSES = [losses.NonSaturating, losses.Minimax, losses.LeastSquares, losses.Hinge, losses.Wasserstein]


@pytest.mark.parametrize("loss", [*LOSSES, losses.Relativistic])
@pytest.mark.parametrize(
    "regularizer",
    [None, regularizers.R1(1), regularizers.R2(1), regularizers.WGANGP(1), regularizers.WeightClipping(0.5)],
    ids=lambda value: type(value).__name__,
)
def test_every_loss_trains_with_every_regularizer(loss, regularizer):
    record = Record()
    gan = tiny_gan("none", loss=loss(), regularizers={"it": regularizer} if regularizer else None)
    fit(gan, real_batches(2), callbacks=[record], log_every_n_steps=1)
    assert all(torch.isfinite(value) for measured in record.measured for value in measured.values())
    assert ("penalty/it" in record.measured[0]) == bool(regularizer and regularizer.at)


class TwoHeads(torch.nn.Module):
    """A discriminator with a head for the whole and one for its patches."""

    def __init__(self):
        super().__init__()
        self.whole = dcgan.Discriminator(SHAPE, width=4, normalization="none")
        self.patch = torch.nn.Conv2d(1, 1, 3)

    def forward(self, samples, labels=None):
        return {"whole": self.whole(samples)["sample"], "patch": self.patch(samples).flatten(1)}


@pytest.mark.parametrize("name", ["Relativistic", "Wasserstein"])
def test_losses_are_of_whole_precision_in_mixed_precision(name):
    loss, seen = getattr(losses, name)(), []
    for method in ("discriminator", "generator"):
        honest = getattr(loss, method)
        setattr(loss, method, lambda *logits, honest=honest: seen.extend(logits) or honest(*logits))
    gan = tiny_gan(loss=loss)
    seen.clear()
    fit(gan, real_batches(1), precision="bf16-mixed")
    assert len(seen) == 4
    assert {logits.dtype for logits in seen if logits is not None} == {torch.float32}


def test_heads_count_by_their_weights():
    gan = tiny_gan(discriminator=TwoHeads(), head_weights={"whole": 1.0, "patch": 0.0})
    before = flat(gan.discriminator.patch), flat(gan.discriminator.whole)
    record = Record()
    fit(gan, real_batches(1), callbacks=[record])
    assert torch.equal(flat(gan.discriminator.patch), before[0])
    assert not torch.equal(flat(gan.discriminator.whole), before[1])
    assert {"discriminator/whole/real_logit", "discriminator/patch/fake_accuracy"} <= record.measured[0].keys()


def test_weights_of_heads_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"head_weights names \['frame'\].*heads are \['sample'\]"):
        tiny_gan(head_weights={"frame": 1.0})


def test_classes_are_learned_from_real_clips_and_asked_of_fake_ones():
    """The class's rows of the clip critic move, and the generator's categories come out as asked."""
    real = real_batches(200, 16, CLIP) * 0.1 - 0.9
    real[:, 1::2, :, :, :4] += 1.5  # class 1 is bright above
    gan = tiny_clip_gan(class_weight=0.0)
    rows = gan.discriminator.heads["clip"].tower.layers[-1]
    before = rows.weight[1:].detach().clone()
    fit(gan, real[:2])
    assert torch.equal(rows.weight[1:], before)  # nothing but the class's loss trains them

    adam = partial(torch.optim.Adam, lr=5e-3, betas=(0.0, 0.99))
    options = {"loss": losses.Relativistic(), "regularizers": {"r1": regularizers.R1(0.3)}, "ema_half_life": 50}
    gan = tiny_clip_gan(generator_optimizer=adam, discriminator_optimizer=adam, **options)
    record = Record()
    rows = gan.discriminator.heads["clip"].tower.layers[-1]
    before = rows.weight[1:].detach().clone()
    fit(gan, real, callbacks=[record], log_every_n_steps=1)
    assert (rows.weight[1:] - before).abs().max() > 1e-2
    assert record.measured[-1]["class_accuracy/real"] == 1
    above, below = (gan.sample(range(32), category=category)[:, :, :, :4].mean() for category in (1, 0))
    assert above > below + 1  # as asked; of the real clips it is 1.5


def test_classes_without_a_generator_that_is_asked_for_them_are_refused():
    critic = critics.ClipCritic(CLIP, num_classes=2, conditioning="auxiliary", width=4)
    with pytest.raises(ValueError, match="predicts 2 classes .*, but the generator is unconditional"):
        tiny_gan(generator=mocogan.Generator(CLIP, width=4), discriminator=critic)


def test_what_a_generator_penalises_itself_for_is_in_its_loss():
    losses_of = {}
    for weight in (0.0, 3.0):
        torch.manual_seed(0)
        generator = vgan.Generator(CLIP, latent_dim=6, width=4, mask_weight=weight)
        gan = tiny_gan(generator=generator, discriminator=critics.ClipCritic(CLIP, width=4))
        losses_of[weight] = gan.generator_loss(
            torch.zeros(2, *CLIP), torch.zeros(2, dtype=torch.int64), torch.ones(2, 6), torch.zeros(2), 0
        )
    mask = (generator.eval().composition(torch.ones(2, 6))["mask"] + 1) / 2
    difference = losses_of[3.0] - losses_of[0.0]
    assert difference.detach() == pytest.approx(3.0 * torch.full((2,), 0.5).numpy(), abs=0.2)
    assert 0.3 < mask.mean() < 0.7


def test_noise_depends_on_its_key_alone():
    key = {"seed": 3, "stream": 1, "counter": 7}
    first = noise.normal((4, 5), **key)
    noise.normal((9, 9), seed=1, stream=1, counter=1)
    assert torch.equal(first, noise.normal((4, 5), **key))
    for change in ({"seed": 4}, {"stream": 2}, {"counter": 8}):
        assert not torch.equal(first, noise.normal((4, 5), **{**key, **change}))


def test_noise_has_the_moments_it_should():
    normal = noise.normal((1000, 100), seed=0, stream=0, counter=0)
    uniform = noise.uniform((100_000,), seed=0, stream=0, counter=0)
    assert abs(normal.mean()) < 0.02
    assert normal.std().item() == pytest.approx(1, abs=0.02)
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.01)
    assert uniform.min() >= 0
    assert uniform.max() < 1
