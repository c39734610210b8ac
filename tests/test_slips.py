"""What everybody mistypes once, and the right spelling that comes back; nothing is started and no folder is made."""

import re

import pytest
from commands import PROJECT, prepared, run

CHOSEN = ("model=dcgan", "data=mnist")
SLIPS = {
    "model.loss=hinge": "did you mean model/loss=hinge?",
    "+model.loss=hinge": "did you mean model/loss=hinge?",
    "loss=hinge": "did you mean model/loss=hinge?",
    "+loss=hinge": "did you mean model/loss=hinge?",
    "loss=hnige": "loss is not a setting",
    "model.loss=hing": "did you mean model/loss=hinge?",
    "model.generator=mlp": "did you mean model=mlp?",
    "model.discriminator=null": "it has settings of its own; there are: model.discriminator.shape, ",
    "model.generator_schedule=cosine": "did you mean schedule@model.generator_schedule=cosine?",
    "model.generator_optimizer=rmsprop": "did you mean optimizer@model.generator_optimizer=rmsprop?",
    "model.regularizers=r1": "did you mean model/regularizers=r1?",
    "model.regularizers.r2.gamma=1": "did you mean model/regularizers=r2 model.regularizers.r2.gamma=1?",
    "schedule=cosine": (
        "did you mean schedule@model.discriminator_schedule=cosine schedule@model.generator_schedule=cosine?"
    ),
    "lr=1e-4": "did you mean model.generator_optimizer.lr=1e-4 model.discriminator_optimizer.lr=1e-4?",
    "+learning-rate=1e-4": "did you mean model.generator_optimizer.lr=1e-4 model.discriminator_optimizer.lr=1e-4?",
    "--generator-lr=3": "did you mean model.generator_optimizer.lr=3?",
    "epochs=10": "did you mean total_samples=N? A run's length is counted in samples",
    "batch_size=64": "did you mean data.batch_size=64?",
    "data.batchsize=64": "did you mean data.batch_size=64?",
    "resolution=64": "did you mean data.resolution=64?",
    "image_size=64": "did you mean data.resolution=64?",
    "devices=2": "did you mean trainer.devices=2?",
    "trainer.gpus=2": "did you mean trainer.devices=2?",
    "--gpus=2": "did you mean trainer.devices=2?",
    "--batch-size": "did you mean data.batch_size=VALUE?",
    "totl_samples=3": "did you mean total_samples=3?",
    "total_samples=10,": "did you mean total_samples=10?",
    "seed=0,1": "did you mean -m seed=0,1?",
    "metrics=fid,fvd": "or for a list 'metrics=[fid,fvd]'",
    "metrics=[fid,fvd": "did you mean 'metrics=[fid,fvd]'?",
    "model.generator={nosuch: 3}": "'model.generator={nosuch: 3}' can't be set: ",
    "metrics=FID": "did you mean metrics=fid?",
    "metrics=[fid,fvdd]": "did you mean 'metrics=[fid,fvd]'?",
    "trainer=2": "there are: auto, cpu, ddp, debug, fast, gpu",
    "model/loss=“hinge”": "did you mean model/loss=hinge?",
    "model/discriminator=dual": "can't be chosen here; there are: ",
    "+metrics.x=1": "metrics.x is not a setting; there are: metrics.",
    "callbacks.samples=null": "did you mean '~callbacks.samples'?",
    "logger.csv=true": "logger.csv is no single value",
    "+seed=3": "did you mean seed=3?",
    "~lr": "did you mean '~model.generator_optimizer.lr' ",
    "hydra.run.dri=x": "there are: hydra.run.dir",
    "beta1=0": "model.generator_optimizer.betas=[0.0,0.99]",
    "model.generator.nosuch=2": "an argument that is not listed is added with +: +model.generator.nosuch=2",
    "data.root.x=3": "data.root is a single value",
    "dätä=3": "is not KEY=VALUE",
    "output=here": "did you mean hydra.run.dir=here?",
    "--multi-run": "did you mean --multirun?",
    "\u2013batch_size=3": "did you mean data.batch_size=3?",
    "trainer.timeout=“64”": "did you mean trainer.timeout=64?",
    "data.num_workers=1,000": "did you mean data.num_workers=1_000?",
    "model.ema_half_life=0,05": "did you mean model.ema_half_life=0.05?",
    "model/loss/hinge=VALUE": "did you mean model/loss=hinge?",
    "model\\loss=hinge": "did you mean model/loss=hinge?",
    "criterion=bce": "did you mean model/loss=NAME? There are: hinge, ",
    "model/loss=none": "chooses nothing; there are: hinge, ",
    "model/regularizers=none": "to have none set 'model/regularizers=[]'",
    "logger=false": "to have none set 'logger=[]'",
    "wandb=true": "did you mean logger=wandb?",
    "r1.gamma=10": "did you mean model.regularizers.r1.gamma=10?",
    "r2.gamma=10": "did you mean model/regularizers=r2 model.regularizers.r2.gamma=10?",
    "metrics=fid50k": "did you mean metrics=fid_50k_full?",
    "metrics=(fid,fvd)": "did you mean 'metrics=[fid,fvd]'?",
    "~data.batch_size=7": "data.batch_size is 64; did you mean data.batch_size=7?",
    "~total_samples=7": "total_samples is 1000000; did you mean total_samples=7?",
    "~model.generator.shape=7": "model.generator.shape is '${data.shape}'; did you mean '~model.generator.shape'?",
    "hydra.job.env_set.A=1": "is added with +: +hydra.job.env_set.A=1",
}


def said(*arguments: str, script: str = "train") -> str:
    """Return the message with which a command line is refused before anything is started."""
    with pytest.raises(SystemExit) as stopped:
        prepared(script, arguments)
    return str(stopped.value)


@pytest.fixture(scope="module")
def told():
    """The lines about all slips, from one command line."""
    return said(*CHOSEN, *SLIPS).removeprefix("error: ").splitlines()


@pytest.mark.parametrize(("slip", "message"), SLIPS.items(), ids=lambda value: value)
def test_a_slip_gets_one_line_with_the_right_spelling(slip, message, told):
    key = slip.lstrip("+~-\u2013").partition("=")[0]
    assert [line for line in told if message in line and re.sub("[-_]", "", key) in re.sub("[-_]", "", line)], told


def test_a_part_that_may_be_left_out_is_left_out():
    message = said("model=predictor", "data=moving_digits", "model.reconstruction=null")
    assert "did you mean '~model.reconstruction'?" in message


def test_alone_a_slip_gets_one_line_and_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for slip in ("model.generator=mlp", "--lr=1e-4", "seed=0,1"):
        assert len(said(*CHOSEN, slip).splitlines()) == 1
    assert run("train", "model=dcgna", "data=mnist").startswith("error: model=dcgna: there is no model of that name")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("model", "=", "dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("model=", "dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("model", "=dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("model=dcgan", "data", "mnist"), "did you mean data=mnist?"),
        (("--model", "dcgan", "--data", "mnist"), "did you mean model=dcgan?"),
        (("dcgan", "mnist"), "did you mean model=dcgan?"),
        (("model:", "dcgan", "data:mnist"), "did you mean model=dcgan?"),
        (("model==dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("model=dcgan data=mnist",), "did you mean model=dcgan data=mnist?"),
        (("modle=dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("--resume",), "did you mean resume=RUN_FOLDER?"),
        (("--resume", "runs/x"), "did you mean resume=runs/x?"),
        (("model=dcgan", "data=mnist", "+trainer=cpu"), "did you mean trainer=cpu?"),
        (
            ("model=mocogan", "data=shape_motion", "metrics.shape_motion.num_samples=9"),
            "+metrics.shape_motion.num_samples=9",
        ),
        (("loss=hinge",), "no model was chosen; set model=NAME to one of: cgan, "),
        (("model=dcgan", "data=videos"), "did you mean data=video_folder?"),
        (("model=dcgan", "data=../clips"), "there is no such folder"),
        (("model=mlp", "data=mnist", "--config-dir", "nowhere"), "--config-dir got nowhere, which is not a folder"),
        (("model=dcgan", "data=mnist", "hydra.job.chdir=true"), "leave it out"),
        ((), "no model was chosen"),
        (("--outdir=y", "--cfg=stylegan2"), "invalid choice: 'stylegan2'"),
        (("-m", "model=[mlp,dcgan]", "data=mnist"), "did you mean -m model=mlp,dcgan?"),
        (("-m", "model=mlp", "data=mnist", "seed=1,", "2"), "'seed=1, 2' is not KEY=VALUE; did you mean seed=1,2?"),
        (("-m", "model=mlp", "data=mnist", "model.loss=hinge,minimax"), "did you mean model/loss=hinge,minimax?"),
        (("model=dcgan", "data=mnist", "metrics=[fid,", "fvd]"), "did you mean 'metrics=[fid,fvd]'?"),
        (("model =dcgan", "data=mnist"), "did you mean model=dcgan?"),
        (("experiment=digits-dcgan",), "did you mean experiments=digits_dcgan? There are: "),
        (("experiments/digits_dcgan.yaml",), "did you mean experiments=digits_dcgan?"),
        (("model=dcgan", "data=mnist", "~model/regularizers"), "did you mean 'model/regularizers=[]'?"),
        (("model=vae", "data=mnist", "model/loss=hinge"), "model=vae is trained without a model/loss; leave it out"),
        (
            ("model=vgan", "data=npy", "model/generator_regularizers=path_length"),
            "there are: model/augmentation, model/",
        ),
        (("model=dcgan", "data=mnist", "resume=last"), "set resume=RUN_FOLDER, or resume=auto hydra.run.dir="),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_words_that_are_no_settings(words, right):
    assert right in (said(*words) if words else str(run("train")))


@pytest.mark.parametrize(
    ("script", "slip", "right"),
    [
        ("evaluate", "metric=fid", "did you mean metrics=fid?"),
        ("evaluate", "resume=x", "did you mean checkpoint=x?"),
        ("evaluate", "data.root=x", "no data was chosen"),
        ("evaluate", "model.width=3", "there are: metrics, checkpoint"),
        ("evaluate", "~fake", "fake is null already"),
        ("evaluate", "model=dcgan", "can't be chosen here; there are: metrics, data"),
        ("evaluate", "fid", "did you mean metrics=fid?"),
        ("evaluate", "trainer=cpu", "there are: trainer.devices, trainer.timeout"),
        ("prepare", "--dry-run", "did you mean dry_run=true?"),
        ("generate", "ckpt=x", "did you mean checkpoint=x?"),
        ("generate", "samples=3", "did you mean num_samples=3?"),
        ("generate", "num_samples=3,", "did you mean num_samples=3?"),
        ("prepare", "data=video_foldr", "did you mean data=video_folder?"),
        ("train_classifier", "--epoch=3", "did you mean epochs=3?"),
    ],
)
def test_every_script_has_them(script, slip, right):
    assert right in said(slip, script=script)


def test_what_is_right_is_left_as_it_is():
    right = [
        *("model=dcgan", "data=digits", "model/regularizers=[r1,r2]", "model/loss=hinge", "++seed=3", "~logger.csv"),
        *("+callbacks.spy._target_=spy_callback.Spy", "+callbacks.spy.folder=x", "model.head_weights={sample: 2}"),
        *("optimizer@model.generator_optimizer=rmsprop", "metrics=fid", "model.discriminator_optimizer.betas=[0,0.9]"),
        *(
            "+model.generator.width_of=3",
            "data.datamodule.keep_on_device_mb=0",
            "total_samples=${seed}",
            "logger=wandb",
        ),
        *("logger.wandb.name=null", "hydra.run.dir=runs/${now:%Y}", "hydra/launcher=submitit_local", "trust=[a]"),
    ]
    changed = [argument for argument in prepared("train", right) if argument not in right]
    assert changed == ['hydra.run.dir="runs/${now:%Y}"']
    sweep = ["-m", "model=mlp,dcgan", "data=digits", "seed=0,1", "hydra/sweeper=optuna", "total_samples=choice(1,2)"]
    assert prepared("train", sweep)[: len(sweep)] == sweep


@pytest.mark.parametrize(
    "settings",
    [
        ("~seed", "+seed=3"),
        ("~data.datamodule.source", "+data.datamodule.source._target_=my.Source", "+data.datamodule.source.size=3"),
        ("~callbacks.samples", "+callbacks.samples={_target_: my.Samples}"),
        ("~callbacks.checkpoint",),
        ("+callbacks.rates.logging_interval=step", "+callbacks.rates._target_=my.Rates"),
        ("model.generator._target_=my.Net", "+model.generator.options.depth=3"),
        ("+objective=fid", "+model.head_weights.sample=2", "+hydra.job.env_copy=[HOME]"),
        ("+rate=1e-4", "model.generator_optimizer.lr=${rate}", "model.discriminator_optimizer.lr=${oc.select:rate,1}"),
        ("~seed=0", "++seed=1", "seed=2"),
        ("-m", "model=glob(ml*)", "seed=range(3)", "hydra/sweeper=optuna"),
    ],
    ids=" ".join,
)
def test_what_hydra_takes_is_taken(settings):
    words = ["model=mlp", "data=digits", *settings]
    named = ("hydra.sweep", "hydra.job.config.override_dirname")  # what a sweep is called
    assert {word for word in prepared("train", words) if not word.startswith(named)} == set(words)


def test_a_path_that_was_cut_at_a_space_is_whole_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my own photos").mkdir()
    typed = ["model=mlp", "data=image_folder", "data.root=my", "own", "photos", "seed=3"]
    assert prepared("train", typed) == [*typed[:2], 'data.root="my own photos"', "seed=3"]


@pytest.mark.parametrize("slip", ["trust=mine", "logger.wandb.tags=mine"])
def test_a_list_takes_a_single_value(slip):
    key = slip.partition("=")[0]
    assert f"{key}=[mine]" in prepared("train", [*CHOSEN, "logger=wandb", slip])


@pytest.mark.parametrize(("listed", "number"), [("trainer.devices=[0]", "2"), ("data.resolution=[32,16]", "16")])
def test_a_number_stays_one_where_a_list_of_it_means_something_else(listed, number):
    key = listed.partition("=")[0]
    assert prepared("train", [*CHOSEN, listed, f"{key}={number}"])[-1] == f"{key}={number}"


def test_options_and_settings_may_stand_in_any_order():
    assert prepared("train", ["model=mlp", "--cfg", "job", "data=digits"]) == [
        "--cfg",
        "job",
        "model=mlp",
        "data=digits",
    ]


@pytest.mark.parametrize("value", ["true", "1", "Yes", "'on'"])
def test_a_run_stays_in_the_working_folder(value):
    assert "hydra.job.chdir=true would make relative paths" in said(
        "model=mlp", "data=digits", f"hydra.job.chdir={value}"
    )


def test_a_folder_in_place_of_a_data_set(tmp_path):
    for name, files in {"a": ["x.mp4", "y.txt"], "b": ["c/x.qoi"], "c": ["x.mp4", "y.jpg"], "d": ["z.txt"]}.items():
        for file in files:
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).touch()
    videos, images, both, none = (f"data={tmp_path / name}" for name in "abcd")
    assert prepared("train", ["model=dcgan", videos])[1:] == ["data=video_folder", f'data.root="{tmp_path / "a"}"']
    assert prepared("train", ["model=dcgan", images])[1:] == ["data=image_folder", f'data.root="{tmp_path / "b"}"']
    assert "holds 1 video and 1 image; set data=video_folder data.root=" in said("model=dcgan", both)
    assert "holds no images and no videos" in said("model=dcgan", none)


def test_a_recipe_with_a_byte_order_mark_is_named(tmp_path):
    """Behind it Hydra would not see the package, and the recipe's values would go nowhere."""
    (tmp_path / "experiments").mkdir()
    recipe = tmp_path / "experiments" / "mine.yaml"
    recipe.write_text("\ufeff# @package _global_\ndefaults:\n  - override /model: mlp\n", encoding="utf-8")
    words = ("--config-dir", str(tmp_path), "experiments=mine", "data=digits")
    assert f"{recipe} begins with a byte order mark (BOM); save it as UTF-8 without one" in said(*words)
    recipe.write_text("# @package _global_\nseed: [1\n")
    assert said(*words).startswith(f"error: {recipe}, line 3: did not find expected ',' or ']'")


def test_help_lists_the_recipes():
    assert "digits_dcgan" in {path.stem for path in (PROJECT / "conf" / "experiments").glob("*.yaml")}
