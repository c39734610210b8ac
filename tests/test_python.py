"""The import: a run trained, loaded, sampled and scored in Python, as the command does it."""

import contextlib
import io
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from commands import PROJECT, prepared, run
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from omegaconf import OmegaConf
from PIL import Image
from small_runs import TIMING, rows, state
from test_video_files import read_back

import framegan
from framegan import media
from framegan.gan import GAN
from framegan.metrics import neighbours
from framegan.metrics.record import read
from framegan.processes import lifetime, spawn
from framegan.quoting import words

TINY = ("model.generator.widths=[16]", "model.discriminator.widths=[16]", "data.batch_size=16", "data.resolution=16")
SHORT = {"model": "mlp", "data": "synthetic", "trainer": "cpu", "total_samples": 48, "sample_every": None}
MEASURED = {"evaluate_every": 32, "callbacks.evaluate.num_samples": 20, "objective": "fd", "checkpoint_every": 16}


def train(folder, *settings, **choices):
    return framegan.train(*TINY, *settings, **{**SHORT, **MEASURED, "hydra.run.dir": folder, **choices})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run that was measured twice, in a folder of an odd name."""
    return train(tmp_path_factory.mktemp("runs") / "mine, 'all' = \"1\"")


@pytest.fixture(scope="module")
def of_clips(tmp_path_factory):
    clips = ("data=shape_motion", "data.resolution=16", "data.num_frames=4", "trainer=debug", "evaluate_every=null")
    return framegan.train("model=mocogan", *clips, **{"hydra.run.dir": tmp_path_factory.mktemp("clips") / "run"})


def same_training(one, other):
    ours, theirs = (state(run.folder)["state_dict"] for run in (one, other))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert rows(one.folder, *TIMING) == rows(other.folder, *TIMING)


def test_importing_costs_nothing_until_it_is_used():
    code = "import framegan, sys; dir(framegan); print({'torch', 'hydra', 'numpy', 'PIL'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
    assert set(framegan.__all__) <= set(dir(framegan))
    assert all(getattr(framegan, name) for name in framegan.__all__)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        framegan.lod  # noqa: B018


def test_a_run_says_what_came_out(trained):
    assert (trained.status, trained.samples_seen) == ("finished", 48)
    assert repr(trained) == f"Run({str(trained.folder)!r}: finished, 48 samples)"
    assert Path(trained) == trained.folder.resolve()
    key, best = next(iter(trained.best.items()))
    assert key.startswith("fd_random_conv")
    measured = {row["samples_seen"]: row[key] for row in trained.metrics if key in row}
    assert measured.keys() == {32, 48}
    assert best.better == "lower"
    assert best.value == min(measured.values()) == pytest.approx(measured[best.samples_seen], rel=1e-6)
    assert best.checkpoint == trained.folder / "checkpoints" / "best.ckpt"
    assert int(state(trained.folder, "best")["state_dict"]["samples_seen"]) == best.samples_seen
    again = framegan.Run(trained.folder / "checkpoints" / "last.ckpt")
    assert (again.folder, again.best) == (trained.folder, trained.best)


def test_a_run_that_has_not_ended_is_read_as_far_as_it_is(trained, tmp_path):
    folder = Path(shutil.copytree(trained.folder, tmp_path / "killed"))
    (folder / "summary.json").unlink()
    with (folder / "metrics.csv").open("a") as file:
        file.write("64,0.5")  # a row that is being written
    killed = framegan.Run(folder)
    assert (killed.status, killed.samples_seen, killed.best) == ("unknown", 48, {})
    assert killed.load().samples_seen in (32, 48)
    for name in ("metrics.csv", "summary.json"):
        (folder / name).write_bytes(b"\xff{")
        with pytest.raises(ValueError, match=f"{name} is damaged: "):
            killed.samples_seen  # noqa: B018


def test_samples_are_those_of_the_command(trained, of_clips, tmp_path):
    for made, options in ((trained, ()), (of_clips, ("category=1", "content_seed=9", "num_frames=6"))):
        command = ("num_samples=5", "seed=3", "format=npy", *options)
        assert run("generate", *words({"checkpoint": made, "out": tmp_path / made.folder.name}), *command) is None
        choices = {"category": 1, "held": {"content": 9}, "num_frames": 6} if options else {}
        generator = made.load()
        samples = generator.sample(5, seed=3, **choices)
        assert samples.shape == (5, 3, *((6,) if options else ()), 16, 16)
        assert samples.dtype == torch.float32
        assert samples.abs().max() <= 1
        for seed, pixels in zip(range(3, 8), media.to_frames(samples), strict=True):
            assert (np.load(tmp_path / made.folder.name / f"seed_{seed:06}.npy") == pixels).all()
        assert torch.equal(generator.sample(seeds=np.array([6, 3]), **choices), samples[[3, 0]])
        assert torch.equal(generator.to("cpu").sample(seed=3, **choices), samples[:1])


def test_a_generator_says_what_it_is(trained, of_clips):
    best, last = trained.load(), framegan.load(trained.folder / "checkpoints" / "last.ckpt", weights="raw")
    assert (best.shape, best.num_classes, best.classes, best.latent_parts) == ((3, 16, 16), 0, [], {"latents": 100})
    assert best.samples_seen == trained.best[next(iter(trained.best))].samples_seen
    assert last.samples_seen == 48
    assert not torch.equal(last.sample(), framegan.load(last.checkpoint).sample())
    clips = framegan.load(of_clips)
    assert clips.shape == (3, 4, 16, 16)
    assert len(clips.classes) == clips.num_classes > 1
    assert torch.equal(clips.sample(category=clips.classes[1]), clips.sample(category=1))
    assert {"content", "motion"} <= clips.latent_parts.keys()
    assert repr(clips) == f"TrainedGenerator(3x4x16x16, {clips.num_classes} classes, 8 samples seen)"


def test_pictures_are_shown_by_themselves(trained):
    images = trained.load().images(5, seed=2)
    assert [image.size for image in images] == [(16, 16)] * 5
    assert (np.asarray(images[1]) == media.to_frames(trained.load().sample(seed=3))[0]).all()
    assert images.grid().size == (3 * 18 + 2, 2 * 18 + 2)
    shown = Image.open(io.BytesIO(images._repr_png_()))
    assert shown.size == tuple(side * (480 // 56) for side in images.grid().size)
    assert framegan.Images([])._repr_png_() is None
    assert framegan.Images([Image.new("L", (4, 4))]).grid().mode == "L"


def test_clips_play_as_fast_as_they_should(of_clips, tmp_path):
    clip = of_clips.load().clip(3, num_frames=8)
    assert repr(clip) == "Clip(8 frames of 16x16, 8 a second)"
    for name in ("new/a.mp4", "a.gif", "a.webp", "a.webm", "a.apng"):
        frames, seconds = read_back(clip.save(tmp_path / name, frames_per_second=np.float32(20)))
        assert len(frames) == len(clip) == len(clip.images())
        assert seconds == pytest.approx([number / 20 for number in range(8)], abs=1e-3)
    assert (np.load(clip.save(str(tmp_path / "a.npy"))) == clip.frames).all()
    for rate, every in ((8, 1), (50, 1), (120, 3)):  # above 50 some frames are left out, and it isn't slower
        (tmp_path / "shown.gif").write_bytes(framegan.Clip(clip.frames, rate)._repr_mimebundle_()["image/gif"])
        _, seconds = read_back(tmp_path / "shown.gif")
        assert seconds == pytest.approx([number / rate for number in range(0, 8, every)], abs=6e-3)
    assert of_clips.load().clips(3).grid().frames.shape == (4, 38, 38, 3)
    for path, options, message in (
        (tmp_path / "a.avi", {}, "ends in one of: .mp4, .webm, .gif, .webp, .apng, .npy"),
        (tmp_path / "a.mp4", {"codec": "h266"}, "codec got 'h266': Input should be 'h264', 'hevc', 'vp9' or 'av1'"),
        (tmp_path / "a.gif", {"crf": 20}, "crf=20, but a .gif has none"),
        (tmp_path / "a.gif", {"frames_per_second": 0}, "0.01 to 50 frames a second, got 0"),
        (tmp_path / "a.gif" / "b.gif", {}, "can't be written"),
        (3, {}, "3 is no path; give the name of a file"),
        (tmp_path / "a.npy", {"frames_per_second": float("nan")}, "frames_per_second got nan; it should be a number"),
        (tmp_path / "a.mp4", {"frames_per_second": "8"}, "frames_per_second got '8'; it should be a number"),
    ):
        with pytest.raises(ValueError, match=message):
            clip.save(path, **options)


def test_what_lies_between_seeds(trained, of_clips):
    images = trained.load()
    between = images.interpolate([3, 5], 4, interpolation="linear")
    assert torch.equal(between[::4], images.sample(seeds=[3, 5]))
    assert len(images.interpolate([3, 5, 7])) == 17
    clips = of_clips.load()
    held = clips.interpolate(np.array([0, 2]), 2, closed=True, held={"motion": 5}, category=1, num_frames=6)
    assert held.shape == (4, 3, 6, 16, 16)
    assert torch.equal(held[2], clips.sample(seed=2, held={"motion": 5}, category=1, num_frames=6)[0])
    for options, message in (
        ({"interpolation": "cubic"}, "interpolation got 'cubic'; it should be one of"),
        ({"steps": 0}, "steps got 0; it should be a whole number of at least 1"),
        ({"num_frames": 3}, "makes images"),
    ):
        with pytest.raises(ValueError, match=message):
            images.interpolate([0, 1], **options)
    with pytest.raises(TypeError, match=r"there is no choice \['speed'\]"):
        images.interpolate([0, 1], speed=3)


def test_scores_are_those_of_the_run(trained):
    records = framegan.evaluate(trained, metrics="random_conv", num_samples=20, out=trained.folder / "scores, mine")
    seen = trained.best[records[0].key].samples_seen
    kept = read(trained.folder / "evaluations" / f"{seen}.json")
    assert [(one.key, one.value, one.interval) for one in records] == [(o.key, o.value, o.interval) for o in kept]


VALUES = [
    *(None, True, 3, -1e-05, float("inf"), np.float32(0.5)),
    *(
        "",
        "null",
        "3",
        "1e3",
        "True",
        "a,b",
        "a b=c",
        "[a]",
        "choice(1,2)",
        "$HOME",
        "${seed} \\${x} $5",
        "\\\n",
        'it\'s "so" = {1: 2}, \\',
    ),
    *([1, "2", None, ["a,b"]], ("x",), {"a b:c": [1.5, "2"], "d": {}}, PurePosixPath("my data/a=1, 'b'")),
]


def test_a_value_means_what_it_is():
    expected = [list(one) if isinstance(one, tuple) else one for one in VALUES]
    expected[-1] = str(VALUES[-1])
    typed = {f"+logger.csv.of_{number}": {"any": one} for number, one in enumerate(VALUES)}
    typed |= {f"+logger.csv.is_{number}": one for number, one in enumerate(VALUES)}
    paths = {number: one for number, one in enumerate(expected) if isinstance(one, str)}
    typed |= {f"+logger.csv.path_{number}.root": one for number, one in paths.items()}
    settings = prepared("train", ["model=mlp", "data=image_folder", *words(typed)])
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        found = OmegaConf.to_container(compose("train", settings).logger.csv, resolve=True)
    for number, one in enumerate(expected):
        for value in (found[f"is_{number}"], found[f"of_{number}"]["any"]):
            assert value == one
            assert isinstance(value, bool) == isinstance(one, bool)
    assert [found[f"path_{number}"]["root"] for number in paths] == list(paths.values())


def test_home_folders_and_refused_values():
    assert words({"checkpoint": "~/runs"}) == [f"checkpoint={Path.home() / 'runs'}"]
    assert words({"a": np.bool_(True), "b": torch.tensor(3)}) == ["a=true", "b=3"]
    with pytest.raises(ValueError, match="data got a set; it should be None, a number, text"):
        framegan.train(model="mlp", data={1})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: framegan.train(model="dgcan", data="digits"), "did you mean model=dcgan"),
        (lambda run: framegan.train("-m", model="mlp", data="digits"), "-m is an option of the command"),
        (lambda run: framegan.train("hydra.mode=MULTIRUN", model="mlp", data="digits"), "call this once for each job"),
        (lambda run: framegan.train(model="mlp", data="synthetic", total_samples="no"), "total_samples got 'no'"),
        (lambda run: framegan.train({"model": "mlp"}), "{'model': 'mlp'} is no text; settings are KEY=VALUE"),
        (lambda run: framegan.train(resume="nowhere"), "nowhere does not exist"),
        (lambda run: framegan.train(resume=run, total_samples=16), "has seen 48 samples"),
        (lambda run: framegan.evaluate(run, metrics="fdi"), "did you mean metrics="),
        (lambda run: framegan.evaluate(), "either a generator or a folder of samples"),
        (lambda run: framegan.evaluate(run, metrics=[]), "no metric was chosen; set metrics=NAME"),
        (lambda run: framegan.Run("nowhere"), "nowhere does not exist"),
        (lambda run: framegan.load("nowhere"), "nowhere does not exist"),
        (lambda run: framegan.Run(None), "None is no path; give a run folder"),
        (lambda run: framegan.load(3), "3 is no path; give a run folder"),
        (lambda run: framegan.load(run, trust=None), "trust got [None]"),
        (
            lambda run: framegan.load(run, device=torch.device("meta")),
            "device got 'meta'; it should be 'auto', 'cpu' or",
        ),
        (lambda run: framegan.load(run, weights=object), "it should be 'ema' or 'raw'"),
        (lambda run: framegan.load(run, weights="emma"), "weights got 'emma'; it should be 'ema' or 'raw'"),
        (lambda run: framegan.load(run, trust=["a b"]), "trust got 'a b'"),
        (lambda run: run.load().sample(0), "num_samples got 0; it should be a whole number of at least 1"),
        (lambda run: run.load().sample(seed=-1), "seed got -1"),
        (lambda run: run.load().sample([*range(300)]), "num_samples got [0, 1, 2, 3, 4, 5, ...]; it should be"),
        (lambda run: run.load().sample("16"), "num_samples got '16'; it should be a whole number of at least 1"),
        (lambda run: run.load().images(True), "num_samples got True; it should be a whole number of at least 1"),
        (lambda run: framegan.Images([]).grid(), "there is nothing to show side by side"),
        (lambda run: framegan.evaluate(run, metrics=3), "metrics=3: there is no metrics of that name"),
        (lambda run: run.load().sample(3, seeds=[1]), "leave out seed and num_samples"),
        (lambda run: run.load().sample(seed=2**64), f"seed got {2**64}; it should be at least 0 and below"),
        (lambda run: run.load().sample(seeds=[1.5]), "seeds got 1.5"),
        (lambda run: run.load().sample(seeds=3), "seeds got 3; it should be a list of whole numbers"),
        (lambda run: run.load().sample(seeds=[]), "seeds got []; it should be a list of whole numbers"),
        (lambda run: run.load().sample(held=None), "held got None; it should be a dictionary"),
        (lambda run: run.load().to("nowhere"), "device got 'nowhere', which isn't available here"),
        (lambda run: run.load().sample(category="cat"), "has no categories"),
        (lambda run: run.load().sample(held={"content": 1}), "can't be held"),
        (lambda run: run.load().sample(num_frames=2), "makes images"),
        (lambda run: run.load().clip(), "makes images; call images()"),
    ],
)
def test_a_mistake_is_an_exception(call, message, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        call(trained)
    assert not str(raised.value).startswith("error")
    assert list(tmp_path.iterdir()) == []  # nor is a folder left behind


@pytest.mark.parametrize(
    ("end", "raised"),
    [
        (spawn.RankFailedError("rank 1 ended with status 3"), pytest.raises(ValueError, match="^rank 1 ended with")),
        (lifetime.EndedBySignal("error: ended", signal.SIGINT), pytest.raises(KeyboardInterrupt)),
    ],
)
def test_how_one_of_several_ranks_ends_is_an_exception(end, raised, tmp_path, monkeypatch):
    monkeypatch.setattr(spawn, "run_ranks", lambda *_: (_ for _ in ()).throw(end))
    with raised:
        train(tmp_path / "run", **{"trainer.devices": 2})


def test_a_run_of_somebody_else_is_not_trusted(trained, tmp_path):
    folder = Path(shutil.copytree(trained.folder, tmp_path / "theirs"))
    config = folder / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("framegan.networks.mlp.Generator", "os.system"))
    for use in (framegan.load, framegan.evaluate, lambda folder: framegan.train(resume=folder)):
        with pytest.raises(ValueError, match="os.system', not a part of framegan; if you trust it"):
            use(folder)


def of_process():
    """Return what a call might change of this process."""
    return {
        "argv": list(sys.argv),
        "folder": Path.cwd(),
        "environment": {name: value for name, value in os.environ.items() if name != "CUBLAS_WORKSPACE_CONFIG"},
        "warnings": list(warnings.filters),
        "levels": {name: logging.getLogger(name).level for name in (None, "lightning.pytorch", "lightning.fabric")},
        "handlers": list(logging.getLogger().handlers),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "random": torch.get_rng_state().tolist(),
        "torch": (torch.are_deterministic_algorithms_enabled(), torch.get_default_dtype(), torch.get_num_threads()),
        "denormals": sys.float_info.min / 2 != 0,
        "hydra": dict(Singleton._instances),
    }


def test_a_call_leaves_no_traces(trained, tmp_path):
    """In the middle of another Hydra program, and of training that was resumed."""
    folder = Path(shutil.copytree(trained.folder, tmp_path / "run"))
    with initialize_config_dir(str(PROJECT / "conf" / "data"), version_base="1.2"):
        HydraConfig.instance().cfg = OmegaConf.create({"hydra": {"mode": "MULTIRUN", "mine": 1}})
        try:
            before = of_process()
            longer = framegan.train(resume=folder, total_samples=64, **{"trainer.deterministic": True})
            generator = framegan.load(longer)
            generator.sample(2)
            framegan.evaluate(longer, num_samples=10, out=tmp_path)
            with pytest.raises(ValueError, match="nowhere does not exist"):
                framegan.train(resume="nowhere")
            after = of_process()
            assert {name: after[name] for name in before if after[name] != before[name]} == {}
            assert HydraConfig.instance().cfg.hydra.mine == 1
            assert GlobalHydra.instance().is_initialized()
        finally:
            HydraConfig.instance().cfg = None
    assert (longer.folder, longer.status, longer.samples_seen) == (folder, "finished", 64)


def test_what_surrounds_a_call_changes_nothing(trained, tmp_path):
    samples, before = trained.load().sample(2), torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(framegan.load(trained).sample(2), samples)
            same_training(trained, train(tmp_path / "run"))
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def signalled(monkeypatch, number, *steps):
    """Send this process a signal after some steps of training."""
    step, honest = 0, GAN.training_step

    def counted(gan, *arguments):
        nonlocal step
        step += 1
        done = honest(gan, *arguments)
        if step in steps:
            signal.raise_signal(number)
        return done

    with monkeypatch.context() as patch:
        patch.setattr(GAN, "training_step", counted)
        yield


def test_ctrl_c_ends_a_run_well_and_again_at_once(tmp_path, monkeypatch):
    quick = {"evaluate_every": None, "objective": None, "total_samples": 1_000_000}
    with signalled(monkeypatch, signal.SIGINT, 2):
        stopped = train(tmp_path / "stopped", **quick)
    assert (stopped.status, stopped.samples_seen) == ("stopped by SIGINT", 32)
    assert stopped.load().samples_seen == 32
    with signalled(monkeypatch, signal.SIGINT, 2), monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("framegan.callbacks.checkpoint.Checkpoint.on_train_end", lambda *_: signal.raise_signal(2))
        train(tmp_path / "again", **quick)
    assert framegan.Run(tmp_path / "again").status == "running", "for it was alive just now"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("framegan.data.drawn.synthetic.synthetic", lambda **_: signal.raise_signal(2))
        train(tmp_path / "never", **quick)
    assert not (tmp_path / "never").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_takes_its_course_once_the_run_has_ended_well(tmp_path, monkeypatch):
    told = []
    before = signal.signal(signal.SIGTERM, lambda *_: told.append(framegan.Run(tmp_path / "run").status))
    try:
        with signalled(monkeypatch, signal.SIGTERM, 1):
            train(tmp_path / "run", evaluate_every=None, objective=None, total_samples=1_000_000)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["stopped by SIGTERM"]


def test_a_second_run_in_another_thread_is_the_same(trained, tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(train(tmp_path / "run")))
    thread.start()
    thread.join()
    same_training(trained, found[0])


def test_the_measures_take_tensors_and_arrays():
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(400, 3)), random.normal(size=(300, 3)) + 1
    real, fake = torch.from_numpy(ours).float().requires_grad_(), theirs[::-1]
    measures = framegan.metrics
    assert measures.frechet_distance(real, fake) == pytest.approx(3, rel=0.2)
    assert measures.kernel_distance(real, ours) < 0 < measures.kernel_distance(real, fake)
    assert measures.jedi_distance(real, fake) > 0
    expected = neighbours.precision_recall(torch.from_numpy(ours), torch.from_numpy(theirs), k=2)
    assert measures.precision_recall(ours, fake, k=2) == expected
    assert measures.density_coverage(real, real.half()) == pytest.approx((1, 1), abs=0.2)
    assert measures.inception_scores(np.zeros((4, 3), dtype=np.int64), num_splits=2) == [1, 1]


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.randn(8), torch.randn(8, 2), r"real has the shape \(8,\); it should be \(N, D\)"),
        (torch.randn(8, 2), np.zeros((8, 3)), "real has 2 features for each sample and fake has 3"),
        (torch.randn(8, 2), torch.randn(1, 2), "fake has 1 samples; this measure needs at least"),
        (torch.randn(8, 2), np.full((9, 2), np.nan), "fake has NaN or infinite numbers in 9 rows, the first is row 0"),
        ([[1.0, 2.0]], torch.randn(8, 2), "real got a list; it should be a tensor or a NumPy array"),
        (np.array([["a"]]), torch.randn(8, 2), "real got a ndarray of <U1"),
    ],
)
def test_the_measures_refuse_what_they_cannot_measure(real, fake, message):
    for name in ("frechet_distance", "kernel_distance", "jedi_distance", "precision_recall", "density_coverage"):
        with pytest.raises(ValueError, match=message):
            getattr(framegan.metrics, name)(real, fake)


def test_sampling_keeps_the_denormals_of_the_caller(trained):
    generator, before = trained.load(), sys.float_info.min / 2 == 0
    try:
        for flushes in (True, False):
            torch.set_flush_denormal(flushes)
            generator.sample()
            assert (sys.float_info.min / 2 == 0) == flushes
    finally:
        torch.set_flush_denormal(before)


def test_a_generator_writes_what_the_command_writes(trained, tmp_path, monkeypatch):
    generator, choices = trained.load(), {"num_samples": 4, "seed": 3, "margin": 0}
    assert generator.generate(tmp_path / "a, 1.png", "scale=2", **choices) == tmp_path / "a, 1.png"
    second = media.to_frames(generator.sample(seed=4))[0].repeat(2, 0).repeat(2, 1)
    assert np.array_equal(np.atleast_3d(np.asarray(Image.open(tmp_path / "a, 1.png")))[:32, 32:], second)
    with pytest.raises(ValueError, match="is there already; set overwrite=true"):
        generator.generate(tmp_path / "a, 1.png", **choices)
    with pytest.raises(ValueError, match="did you mean"):
        generator.generate(tmp_path / "b.png", num_sample=4)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert generator.generate("~/c.png", num_samples=1) == tmp_path / "c.png"
    assert (tmp_path / "c.png").is_file()
    assert generator.generate(num_samples=1, overwrite=True) == trained.folder.resolve() / "generated"
    assert (trained.folder / "generated" / "seed_000000.png").is_file()


def test_a_generator_writes_what_it_has_also_when_the_run_has_been_trained_on(trained, tmp_path):
    folder = shutil.copytree(trained.folder, tmp_path / "run")
    generator = framegan.load(folder)
    wanted = media.to_frames(generator.sample(seed=3))[0]
    generator.checkpoint.write_bytes(b"another one")
    generator.generate(tmp_path / "a.png", seed=3, num_samples=1)
    assert np.array_equal(np.atleast_3d(np.asarray(Image.open(tmp_path / "a.png"))), wanted)
    shutil.copytree(trained.folder, folder, dirs_exist_ok=True)
    again = framegan.load(folder)
    again.samples_seen = 7  # as of a moment before
    with pytest.raises(ValueError, match="has seen .* samples, not samples_seen=7"):
        again.generate(tmp_path / "c.png", real=True)


def test_weights_that_were_changed_are_not_written_as_those_of_the_checkpoint(of_clips, tmp_path):
    generator = of_clips.load()
    refused = pytest.raises(ValueError, match=r"aren.t those of .*: they were changed since it was loaded; use sample")
    weight, (running, *_) = next(generator.network.parameters()), generator.network.buffers()
    for changed in (weight.data, running.data):  # a change of `data` isn't counted by PyTorch
        before = changed.clone()
        changed.add_(1)
        with refused:
            generator.generate(tmp_path / "b.webp")
        with refused:
            generator.export(tmp_path / "out", format="safetensors")
        changed.copy_(before)
    assert not [*tmp_path.iterdir()]
    generator.export(tmp_path / "out", format="safetensors")
