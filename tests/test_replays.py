"""CUDA graphs of the step, on a CPU: what is replayed is what the step would have done."""

from contextlib import nullcontext
from unittest.mock import Mock

import pytest
import torch
from cuda_autocast import CudaAutocast
from lightning.pytorch import Callback
from one_rank import CLIP_MODELS, IMAGE_MODELS, configured
from recorded import ReplaysOnCPU, ToldEachTime, tensors
from torch.utils._python_dispatch import TorchDispatchMode
from worlds import Record, fit, real_batches, tiny_gan

from framegan import losses, regularizers, replays
from framegan.augmentations.adaptive import Adaptive
from framegan.augmentations.diffaugment import DiffAugment
from framegan.cli import errors
from framegan.cli.compose import build
from framegan.cli.session import built
from framegan.schedules import Constant, Linear
from framegan.trainer import GANTrainer

EVERY = [f"fast {model}" for model in [*IMAGE_MODELS, *CLIP_MODELS]]
OTHERS = ("lazy", "two critic steps", "clipped", "frozen", "frames before", "transformer")
PENALTIES = ("path length", "diffaugment", "regularizers=r2", "regularizers=wgan_gp")
TOLD = {"fast tgan": "singular_value_clipping can't be replayed", "fast vae_gan": "draws the same numbers twice"}
"""Models whose steps are not replayed."""
GPU = torch.device("cuda")


class SaveAfter(Callback):
    """Saves a checkpoint when the clock is at a number of samples."""

    def __init__(self, samples_seen, path):
        self.samples_seen, self.path = samples_seen, path

    def on_train_batch_end(self, trainer, gan, outputs, batch, batch_idx):
        if gan.samples_seen == self.samples_seen:
            trainer.save_checkpoint(self.path)


def replayed(gan, by, batches, ckpt_path=None, **options):
    """Train a GAN on batches, its steps replayed by something; return all that training changes."""
    setup = gan.setup

    def with_replays(stage):
        setup(stage)
        gan.replays = by

    gan.setup = with_replays
    data = [(batch, torch.arange(len(batch)) % 2) for batch in batches]
    GANTrainer("cpu", max_batches=9, **options).fit(gan, iter(data), ckpt_path=ckpt_path, weights_only=True)
    gathered = [value for optimizer in gan.trainer.optimizers for s in optimizer.state.values() for value in s.values()]
    everything = [*gan.parameters(), *gan.buffers(), *gathered]
    return torch.cat([value.detach().double().flatten() for value in everything])


@pytest.mark.parametrize("case", [*EVERY, *OTHERS])
def test_replays_do_what_the_step_does(case):
    """To the bit, with rates that fall, penalties that are due now and then, and numbers that modules draw."""
    cfg, by = configured(case), ReplaysOnCPU()
    batches = real_batches(7, 4, tuple(cfg.data.shape))
    gans = [build(cfg.model) for _ in range(2)]
    gans[1].load_state_dict(gans[0].state_dict())
    if case in TOLD:
        assert TOLD[case] in gans[0].why_not_replayed()
        return
    assert gans[0].why_not_replayed() == ""
    told, again = (replayed(gan, which, batches) for gan, which in zip(gans, (ToldEachTime(), by), strict=True))
    assert by.number >= 2 * (case != "fast r3gan")  # whose penalties and beta2 change with each step
    assert torch.equal(told, again)


@pytest.mark.parametrize("model", ["wgan_gp", "stylegan2", "mocogan"])
def test_a_run_whose_steps_are_replayed_resumes_to_the_bit(model, tmp_path):
    """After four steps: the resumed run takes the next of each kind itself that the first one had replayed."""
    cfg = configured(f"model={model}")
    batches = real_batches(9, 4, tuple(cfg.data.shape))
    gans = [build(cfg.model) for _ in range(2)]
    gans[1].load_state_dict(gans[0].state_dict())
    whole = replayed(gans[0], ReplaysOnCPU(), batches, callbacks=[SaveAfter(16, tmp_path / "16.ckpt")])
    resumed = replayed(gans[1], ReplaysOnCPU(), batches[4:], ckpt_path=tmp_path / "16.ckpt")
    assert torch.equal(whole, resumed)


def test_what_is_measured_and_logged_is_that_of_the_step():
    records = [Record(), Record()]
    schedule = Linear(total_samples=100)
    for record, by in zip(records, (ToldEachTime(), ReplaysOnCPU()), strict=True):
        gan = tiny_gan(generator_schedule=schedule, discriminator_schedule=schedule)
        replayed(gan, by, real_batches(6), callbacks=[record], log_every_n_steps=2)
    assert [bool(measured) for measured in records[0].measured] == [True, False] * 3
    torch.testing.assert_close(records[1].measured, records[0].measured, rtol=0, atol=0)
    assert gan.trainer.optimizers[0].param_groups[0]["scheduled_lr"] == 1e-2 * schedule(40)
    assert gan.trainer.optimizers[0].param_groups[0]["lr"].item() == pytest.approx(1e-2 * schedule(40))


@pytest.mark.parametrize(
    ("options", "recorded"),
    [
        ({}, [1]),
        ({"discriminator_steps": 3}, [1, 1]),
        ({"regularizers": {"r1": regularizers.R1(1.0, every=4)}}, [1, 1]),
        ({"regularizers": {"r1": regularizers.R1(1.0, schedule=Linear(total_samples=1000))}}, []),
        ({"regularizers": {"r1": regularizers.R1(1.0, schedule=Constant(warmup_samples=24))}}, [1]),
        ({"beta2_schedule": Linear(total_samples=1000, last=0.1)}, []),
    ],
    ids=["plain", "critic steps", "lazy", "strength", "warm-up", "beta2"],
)
def test_what_a_step_goes_by_beside_tensors_tells_recordings_apart(options, recorded):
    by = ReplaysOnCPU()
    replayed(tiny_gan(**options), by, real_batches(9))
    assert [1 for kept in by.of_key.values() if kept] == recorded


def test_recordings_of_long_ago_are_forgotten():
    by = ReplaysOnCPU()
    for key in [0, 0, *range(1, 40), 0]:
        by(key, torch.neg, torch.ones(2))
    assert len(by.of_key) == replays.MOST
    assert list(by.of_key)[-1] == 0
    assert by.of_key[0] is None


class Counting(losses.NonSaturating):
    """A loss of one's own."""


class CountingSteps(DiffAugment):
    """An augmentation of one's own, which a replay would leave out."""

    def adapt(self, num_samples):
        self.steps = getattr(self, "steps", 0) + 1


def answer(gan, *, wanted="auto", device=GPU, strategy="auto", callbacks=()):
    trainer = GANTrainer("cpu", cuda_graphs=wanted, strategy=strategy, callbacks=callbacks)
    trainer._accelerator_connector.strategy = Mock(spec=trainer.strategy, root_device=device)
    return gan.is_replayed(trainer)


def test_steps_are_replayed_on_one_gpu_where_only_known_code_takes_part():
    gan, own = tiny_gan(), tiny_gan(loss=Counting())
    assert answer(gan) is answer(gan, wanted=True) is answer(own, wanted=True) is True
    for told in (
        answer(gan, wanted=False),
        answer(gan, device=torch.device("cpu")),
        answer(gan, strategy="ddp"),
        answer(gan, callbacks=[SaveAfter(16, "16.ckpt")]),
        answer(own),
        answer(tiny_gan(regularizers={"clip": regularizers.WeightClipping()})),
    ):
        assert told is False


@pytest.mark.parametrize(
    ("options", "run", "said"),
    [
        ({}, {"device": torch.device("cpu")}, "this run is on cpu"),
        ({}, {"strategy": "ddp"}, "processes exchange gradients"),
        ({"regularizers": {"clip": regularizers.WeightClipping()}}, {}, "clip can't be replayed"),
        (
            {"generator_optimizer": lambda weights: torch.optim.SGD(weights, lr=0.1)},
            {},
            "steps of SGD can't be replayed",
        ),
        ({"augmentation": CountingSteps()}, {}, "this augmentation counts steps"),
    ],
)
def test_what_can_not_be_replayed_is_refused(options, run, said):
    with pytest.raises(ValueError, match=f"trainer.cuda_graphs=true .*{said}.*; set trainer.cuda_graphs=false"):
        answer(tiny_gan(**options), wanted=True, **run)


def test_a_cpu_refuses_before_anything_is_trained():
    with pytest.raises(ValueError, match="this run is on cpu"):
        fit(tiny_gan(), real_batches(1), cuda_graphs=True)
    assert fit(tiny_gan(), real_batches(1), cuda_graphs="auto").replays is None


def test_a_number_that_is_read_in_a_step_is_noticed():
    gan = tiny_gan()
    forward = gan.discriminator.forward
    gan.discriminator.forward = lambda samples, labels=None: forward(samples * torch.rand(()).item(), labels)
    with pytest.raises(RuntimeError, match="a number was read off a tensor"):
        replayed(gan, ReplaysOnCPU(), real_batches(3))


@pytest.mark.parametrize("model", [*IMAGE_MODELS, *CLIP_MODELS])
def test_a_step_computes_in_the_precisions_that_a_gpu_has(model, monkeypatch):
    """Autocast of GPUs widens some operations that a CPU's leaves as they are, and the other way round."""
    cfg, mode = configured(f"fast {model}"), CudaAutocast()
    monkeypatch.setattr(torch, "autocast", mode.autocast)
    gan = build(cfg.model)
    play = gan._play

    def as_on_a_gpu(*args):
        with mode:
            return play(*args)

    gan._play = as_on_a_gpu
    record = Record()
    fit(gan, real_batches(2, 4, tuple(cfg.data.shape)), callbacks=[record], channels_last=True, log_every_n_steps=1)
    assert all(value.isfinite() for measured in record.measured for value in measured.values())


class BringsNothing(TorchDispatchMode):
    """Fails where values on the CPU are copied to the device, which waits for it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        devices = {tensor.device.type for tensor in tensors((args, result))}
        assert func not in COPIES or devices != {"cpu", "meta"}, "values are brought to the device within a step"
        return result


COPIES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}


@pytest.mark.parametrize("case", [case for case in EVERY if case not in TOLD] + [*OTHERS, *PENALTIES])
def test_a_step_brings_the_device_nothing(case, monkeypatch):
    """On a device that only knows shapes."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    cfg = configured(case)
    gan = build(cfg.model)
    for part in (*gan.of_name().values(), gan.augmentation, gan.generator_regularizers):
        if part is not None:
            part.to("meta")
    with torch.device("meta"):
        real, labels, mixing = torch.empty(8, *cfg.data.shape), torch.zeros(8, dtype=torch.long), torch.empty(8)
        latents = torch.empty(8, gan.generator.latent_dim)
    with BringsNothing():
        if gan.share_fakes:
            gan.made = gan._make(real, labels, latents, 0)
        gan.discriminator_loss(real, labels, latents, mixing, 0).sum().backward()
        gan.generator_loss(real, labels, latents, mixing, 0).sum().backward()


def test_all_callbacks_of_a_run_are_known():
    callbacks = built(Callback, "callbacks", configured("model=mlp").callbacks)
    assert len(callbacks) > 5
    assert answer(tiny_gan(), callbacks=callbacks)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.RMSprop])
def test_counts_of_steps_that_a_checkpoint_brought_are_moved(kind):
    """Optimizers leave them where they were saved, on the CPU, unless they are of those that need them elsewhere."""
    weight = torch.nn.Parameter(torch.ones(2, device="meta"))
    optimizer = kind([weight], lr=0.1)
    optimizer.state[weight] = {"step": torch.ones(()), "square_avg": torch.ones(2, device="meta")}
    replays.let_rates_vary(optimizer)
    assert {value.device.type for value in optimizer.state[weight].values()} == {"meta"}
    assert optimizer.param_groups[0]["lr"].device.type == "meta"


class FailsTwice:
    """A recording that ends with an error of its own, as one does in which another was raised."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        pass

    def __exit__(self, *_):
        raise RuntimeError("the recording was invalidated")


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (
            RuntimeError("a number was read\nin C++"),
            RuntimeError,
            r"^a step can't be recorded \(a number was read\); set",
        ),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError, "^CUDA out of memory$"),
    ],
)
def test_what_stopped_a_recording_is_said(raised, kind, said, monkeypatch):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Mock())
    monkeypatch.setattr(torch.cuda, "graph", FailsTwice)
    with pytest.raises(kind, match=said) as stopped:
        replays.Replays.recorded(Mock(), Mock(side_effect=raised))
    assert errors.out_of_memory(stopped.value) or errors.not_recorded(stopped.value)


def test_what_stays_on_the_cpu_is_not_broadcast_by_lightning(monkeypatch):
    gan, stayed = tiny_gan(augmentation=Adaptive()), []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: (stayed.append(tensor), tensor)[1])
    gan._apply(lambda tensor: tensor)
    names = [name for name, buffer in gan.named_buffers() if any(buffer is one for one in stayed)]
    assert sorted(names) == sorted(gan._ddp_params_and_buffers_to_ignore)
