"""What a new user mistypes, and the one message that comes back: what was got, the rule, what to type."""

import re

import pytest
from commands import run, train

CHOSEN = ("model=dcgan", "data=synthetic", "trainer=cpu")

SCORES = "+metrics.random_conv.scores.more._target_=framegan.metrics.scores."
TABLE = [
    ((), "no model was chosen; set model=NAME to one of: cgan, .*dcgan, dcgan3d, "),
    (("model=dcgan", "trainer=debug"), "no data was chosen; set data=NAME to one of: cifar10, "),
    (("model=mlp",), "no data was chosen; set data=NAME to one of: cifar10, digits, "),
    ((*CHOSEN, "~callbacks"), "callbacks.non_finite is a part of every run and can't be left out"),
    ((*CHOSEN, "~trainer"), "'~trainer' can't be left out, for model.share_fakes follows it$"),
    ((*CHOSEN, "~seed"), "'~seed' can't be left out, for model.seed follows it$"),
    ((*CHOSEN, "~model.generator.shape"), "'~model.generator.shape' can't be left out; set it to another value$"),
    (
        (*CHOSEN, "schedule@model.generator_schedule=cosine", "~model.generator_schedule.total_samples"),
        "model=.*: model.generator_schedule.total_samples is missing, and framegan.schedules.Cosine needs it$",
    ),
    ((*CHOSEN, "~model.loss"), "model=.*: model.loss is missing, and framegan.gan.GAN needs it$"),
    (
        (*CHOSEN, "~callbacks.summary"),
        "callbacks.summary is a part of every run .*callbacks.summary.report=false",
    ),
    (
        (*CHOSEN, "~callbacks.checkpoint"),
        "callbacks.checkpoint is a part of every run .*checkpoint_every=null",
    ),
    (
        (*CHOSEN, "trainer.cuda_graphs=true"),
        "has a GPU replay steps, but this run is on cpu; set trainer.cuda_graphs=false$",
    ),
    ((*CHOSEN, "trainer.cuda_graphs=maybe"), "trainer.cuda_graphs got 'maybe'; it should be true or false or 'auto'"),
    ((*CHOSEN, "trainer.devices=four"), "trainer.devices got 'four'; it should be a valid integer .* or 'auto'"),
    ((*CHOSEN, "model.generator_optimizer.lr=abc"), "model.generator_optimizer.lr got 'abc'; it should be a valid num"),
    ((*CHOSEN, "model.generator_optimizer.lr=-1"), "model.generator_optimizer: Invalid learning rate: -1; "),
    ((*CHOSEN, "model.discriminator_optimizer.betas=[0,1]"), "at index 1: 1; betas are at least 0 and below 1"),
    ((*CHOSEN, "total_samples=-5"), "total_samples got -5; it should be greater than 0"),
    ((*CHOSEN, "total_samples=many"), "total_samples got 'many'; it should be a valid integer"),
    ((*CHOSEN, "data.batch_size=0"), "data.batch_size got 0; it should be greater than 0"),
    ((*CHOSEN, "data.flip=perhaps"), "data.flip got 'perhaps'; it should be true or false"),
    (
        (*CHOSEN, "model.freeze=generator"),
        r"model.freeze got 'generator'; it should be a list; set model.freeze=\[generator\]",
    ),
    (
        (*CHOSEN, "model.share_fakes=true", "trainer.micro_batches=2"),
        "model.share_fakes=true keeps all .* trainer.micro_batches=2 only some; set trainer.micro_batches=1 or",
    ),
    (
        ("model=vae_gan", "data=synthetic", "data.resolution=32", "trainer=cpu", "model.share_fakes=true"),
        "model.share_fakes=true; each network's step .*; set model.share_fakes=false",
    ),
    (
        ("model=mocogan", "data=shape_motion", "trainer=cpu", "data.frames_per_second=12"),
        "data.frames_per_second got 12, and the data know none; leave it out",
    ),
    (
        ("model=mocogan", "data=moving_digits", "trainer=cpu", "data.frames_per_second=3"),
        "data.frames_per_second got 3, and the data have 25; leave it out",
    ),
    ((*CHOSEN, "on_nan=ignore"), "on_nan got 'ignore'; it should be 'stop' or 'rollback'"),
    ((*CHOSEN, "on_collapse=perhaps"), "on_collapse got 'perhaps'; it should be 'warn', 'stop' or 'rollback'"),
    (
        (*CHOSEN, "on_collapse=stop", "callbacks.watchdog.every=null"),
        "on_collapse=stop acts on what .* set callbacks.watchdog.every=4000, or on_collapse=warn$",
    ),
    ((*CHOSEN, "seed=-1"), "seed got -1; it should be greater than or equal to 0"),
    ((*CHOSEN, "seed=99999999999999999999999"), "seed got 9{23}; it should be less than 9223372036854775808"),
    ((*CHOSEN, "model.generator_optimizer.betas=[0.5]"), r"betas got \[0.5\]; it should be longer"),
    ((*CHOSEN, "trainer.devices=[]"), r"trainer.devices=\[\] names no device"),
    ((*CHOSEN, "metrics.random_conv.num_fake=1"), "num_fake got 1; it should be greater than or equal to 2"),
    (
        (*CHOSEN, "model.generator.latent_dim=100000000000000"),
        "there isn't enough memory for that .*; set smaller networks",
    ),
    (
        (*CHOSEN, "trainer=debug", "objective=fdd"),
        "No metric is named 'fdd' or starts with it. Available: fd, kd, precision, recall, gen.* Set objective=METRIC",
    ),
    (
        (
            *CHOSEN,
            "trainer=debug",
            "callbacks.evaluate.num_samples=2",
            "metrics=random_conv",
            f"{SCORES}PrecisionRecall",
        ),
        "PrecisionRecall needs 4 samples, got 2; set num_samples or num_fake higher",
    ),
    (
        (*CHOSEN, "trainer=debug", "objective=class_accuracy"),
        "No metric is named 'class_accuracy' or starts with it. Available: fd, kd, precision, recall, gen",
    ),
    (
        (*CHOSEN, "trainer=debug", "objective=generator/los"),
        r"No metric is named 'generator/los' or starts with it. Available: discriminator/loss.* Set resume=\S+ obj",
    ),
    (
        (*CHOSEN, "trainer.precision=fp17"),
        "trainer.precision got 'fp17'; it should be 'fp32', 'bf16-mixed' or 'auto'",
    ),
    ((*CHOSEN, "+data.flipp=true"), "data.flipp is not a setting; did you mean data.flip?"),
    ((*CHOSEN, "+model.generator.widht=3"), "model.generator.widht is not a setting of framegan.*did you mean width?"),
    ((*CHOSEN, "+totl_samples=3"), "totl_samples is not a setting; did you mean total_samples?"),
    ((*CHOSEN, "model.loss._target_=framegan.losses.Hing"), "model.loss._target_ got 'framegan.losses.Hing': no such"),
    ((*CHOSEN, "data.resolution=30"), r"model=dcgan: 30x30 pixels can't be made: .* Set data.resolution=28 or 32"),
    (
        (*CHOSEN, "data.resolution=[100,130]"),
        r"100x130 pixels can't be .* data.resolution=\[96,128\] or \[112,128\]$",
    ),
    ((*CHOSEN, "data.resolution=[130,96]"), r"130x96 pixels can't be .* the longer one .* data.resolution=\[128,96\]$"),
    (
        (*CHOSEN, "data.resolution=[0,32]"),
        r"data.resolution got \[0, 32\]; it should be a number of pixels, or \[height,wid",
    ),
    (
        ("model=mocogan", "data=shape_motion", "data.resolution=[16,32]"),
        r"data.resolution got \[16, 32\]; it should be one number: these are drawn as squares",
    ),
    ((*CHOSEN, "data.batch_size=513"), "512 samples, fewer than one batch: .* Set data.batch_size to at most 512"),
    ((*CHOSEN, "trainer.accelerator=gpu"), "no CUDA GPU is available; set trainer=cpu"),
    ((*CHOSEN, "trainer.accelerator=mps"), "mps, but Apple.s GPUs have no float64, .*; set trainer=cpu"),
    ((*CHOSEN, "data.num_classes=0"), "data.num_classes got 0"),
    (("model=dcgan", "data=image_folder", "data.root=nowhere"), "nowhere"),
    (("model=mlp", "data=synthetic", "model.head_weights={frame: 1}", "trainer=debug"), "heads are \\['sample'\\]"),
    (("resume=nowhere",), "nowhere does not exist; give a run folder, or a checkpoint in one"),
    (("resume=.",), "is not a run folder: it has no .hydra/config.yaml"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), TABLE, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_one_clear_message(arguments, message, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    stopped_with = run_or_stop(*arguments)
    assert re.search(message, stopped_with), stopped_with
    assert stopped_with.startswith("error: ")
    assert "Traceback" not in capfd.readouterr().err


def run_or_stop(*arguments):
    try:
        return str(train(*arguments))
    except SystemExit as stop:
        return str(stop.code)


def test_a_misspelt_key_in_a_yaml_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my_model.yaml").write_text("defaults: [dcgan]\ngenerator: {widht: 3}\n")
    (tmp_path / "model").symlink_to(tmp_path / "mine")
    message = run_or_stop("--config-dir", str(tmp_path), "model=my_model", "data=synthetic")
    assert "model.generator.widht is not a setting of framegan.networks.dcgan.Generator; did you mean width?" in message


def test_all_mistakes_are_told_at_once():
    message = run_or_stop(*CHOSEN, "total_samples=-5", "trainer.devices=four", "seed=x")
    assert len(message.splitlines()) == 3


def test_generate_asks_for_a_checkpoint(tmp_path):
    assert "no run was named; give its folder" in str(run("generate"))
    assert "num_samples got 0; it should be greater than 0" in str(
        run("generate", f"checkpoint={tmp_path}", "num_samples=0")
    )
    assert "is not a run folder" in str(run("generate", f"checkpoint={tmp_path}"))


def test_what_deterministic_forbids_is_said_in_a_line(monkeypatch, tmp_path):
    def forbidden(*_):
        raise RuntimeError("warp_cuda does not have a deterministic implementation, but you set 'torch.use_determ")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("framegan.gan.GAN.generator_loss", forbidden)
    message = train(*CHOSEN[:2], "trainer=cpu", "trainer.deterministic=true", "hydra.run.dir=run")
    assert re.fullmatch(
        "error: .*which warp_cuda doesn't on this device; .* set trainer.deterministic=false; there is no .*", message
    )
