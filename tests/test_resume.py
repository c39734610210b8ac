"""No run is lost: what it goes on from after a kill, a full disk, a damaged file, a dead process or a busy cluster."""

import json
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from commands import PROJECT, run, train
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from small_files import write_images
from small_runs import SHORT, SMALL, TIMING, meanwhile, ranks, rows, started, state, summary, wait_for
from torch.utils.data import get_worker_info

from framegan import devices, trainer
from framegan.callbacks.samples import Samples
from framegan.cli import errors
from framegan.data import earlier_runs, train_loader
from framegan.data.images.image_folder import ImageFolder
from framegan.data.ticket_dataset import TicketDataset
from framegan.gan import GAN
from framegan.loggers.metrics_csv import MetricsCSV
from framegan.processes import scheduler
from framegan.quoting import to_type

TRAIN = [sys.executable, str(PROJECT / "src" / "train.py")]
TINY = ("model=dcgan", "model.generator.width=8", "model.discriminator.width=8", "data.resolution=16")
LONG = (*TINY, *SHORT, "total_samples=100_000_000", "checkpoint_every=64")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of 96 samples, with checkpoints at 48 and 96."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert train(*SMALL, "total_samples=96", "checkpoint_every=48", f"hydra.run.dir={folder}") is None
    return folder


@pytest.fixture
def run_folder(finished, tmp_path):
    """A copy of the finished run, to be damaged."""
    folder = tmp_path / "run"
    subprocess.run(["cp", "-r", finished, folder], check=True)
    return folder


def seen(folder, name="last"):
    return int(state(folder, name)["state_dict"]["samples_seen"])


def damage(path: Path) -> None:
    """Change one byte in the middle, in a file of its own."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def test_the_same_command_starts_a_run_and_goes_on_with_it(tmp_path, capsys):
    command = (*SMALL, "resume=auto", f"hydra.run.dir={tmp_path}")
    assert train(*command, "total_samples=48") is None
    assert train(*command, "total_samples=96") is None
    assert summary(tmp_path)["samples_seen"] == 96
    assert [row["samples_seen"] for row in rows(tmp_path)] == ["16", "48", "80"]
    assert capsys.readouterr().out.endswith(f"evaluate.py {tmp_path}\n")
    before = {path.name for path in tmp_path.iterdir()}
    assert train(f"resume={tmp_path}", "total_samples=128") is None
    assert {path.name for path in tmp_path.iterdir()} == before


def test_what_is_printed_to_be_typed_can_be_pasted_whatever_the_folder_is_called(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(*SMALL, "total_samples=48", 'hydra.run.dir="it\'s größe=1, $a"') is None
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines() if " python " in line]
    assert [Path(line[2]).name for line in lines] == ["train.py", "generate.py", "evaluate.py"]
    for _, _, script, *arguments in lines:
        few = ["num_samples=16"] if script.endswith("evaluate.py") else []
        assert run(Path(script).stem, *arguments, *few) is None


NAMES = ["run", "a/b-1", "../a.b", "12", "1/2", ".5", "null", "True", "NaN", "a b ", "it's", 'a"b', "'\"", "a=b", "a,b"]
NAMES += ["a\\b", "a b\\", "x\\\\'y", 'x\\\\"y', "[1]", "~/é"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_quoted_for_the_shell_and_for_hydra(name):
    (word,) = shlex.split(to_type("resume", name))
    value = OverridesParser.create().parse_override(word).value()
    assert (value.text if isinstance(value, QuotedString) else value) == name


def test_auto_needs_to_know_the_folder():
    assert "set hydra.run.dir=FOLDER" in str(train(*SMALL, "resume=auto"))


def test_changed_settings_are_named_and_asked_for(run_folder, capfd):
    changes = ("model.generator_optimizer.lr=0.001", "data.batch_size=8", "sample_every=64", "total_samples=128")
    message = str(train(f"resume={run_folder}", *changes))
    assert "\n  model.generator_optimizer.lr: 0.0002 -> 0.001\n  data.batch_size: 16 -> 8\n" in message
    assert "sample_every" not in message
    assert message.endswith("or set resume_changes=true to resume it with these")
    assert seen(run_folder) == 96
    assert train(f"resume={run_folder}", *changes, "resume_changes=true", "trainer.log_every_n_steps=1") is None
    assert rows(run_folder)[-1]["generator/lr"] == "0.001"
    assert "changed  sample_every: 20000 -> 64" in capfd.readouterr().out
    assert train(f"resume={run_folder}", "total_samples=144") is None, "from now on they are the run's own"


def test_a_schedule_that_gets_longer_is_another_one(tmp_path, capsys):
    assert (
        train(*SMALL, "schedule@model.generator_schedule=cosine", "total_samples=32", f"hydra.run.dir={tmp_path}")
        is None
    )
    assert "total_samples=64 resume_changes=true" in capsys.readouterr().out
    message = str(train(f"resume={tmp_path}", "total_samples=64"))
    assert "model.generator_schedule.total_samples: 32 -> 64, which follows from total_samples" in message


def test_networks_of_another_shape_are_refused(run_folder):
    message = str(train(f"resume={run_folder}", "model.discriminator.widths=[7]", "resume_changes=true"))
    assert "holds other networks: discriminator." in message


def test_checkpoints_go_on_making_the_samples_that_they_made(run_folder):
    before = (run_folder / ".hydra" / "config.yaml").read_bytes()
    message = str(train(f"resume={run_folder}", "model.generator.latent_dim=7", "resume_changes=true"))
    assert message.endswith(
        "the checkpoints that the run has might make other samples with it: set it back, or start a new run from these "
        f"weights: init_from={run_folder}"
    )
    assert (run_folder / ".hydra" / "config.yaml").read_bytes() == before


def test_optimizers_that_gather_something_else_are_refused_and_not_kept(run_folder):
    before = (run_folder / ".hydra" / "config.yaml").read_bytes()
    gone = ("~model.generator_optimizer.betas", "~model.generator_optimizer.fused")
    other = ("model.generator_optimizer._target_=torch.optim.RMSprop", *gone)
    message = str(train(f"resume={run_folder}", *other, "resume_changes=true", "total_samples=112"))
    assert "last.ckpt lacks square_avg, which this model.generator_optimizer keeps" in message
    assert (run_folder / ".hydra" / "config.yaml").read_bytes() == before
    similar = "model.generator_optimizer._target_=torch.optim.AdamW"
    assert train(f"resume={run_folder}", similar, "resume_changes=true", "total_samples=112") is None


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A run on pictures in two folders, which lie beside it."""
    folder = tmp_path_factory.mktemp("pictures")
    write_images(folder / "data")
    words = ("data=image_folder", "data.resolution=16", f"data.root={folder / 'data'}", f"hydra.run.dir={folder}/run")
    assert train(*SMALL, *words, "total_samples=32") is None
    return folder


def test_data_that_were_only_touched_or_moved_are_the_same(pictures, tmp_path, capsys):
    subprocess.run(["cp", "-r", f"{pictures}/data", f"{pictures}/run", tmp_path], check=True)
    assert train(f"resume={tmp_path}/run", f"data.root={tmp_path}/data", "total_samples=48") is None
    printed = capsys.readouterr().out
    unasked = "; not given to the networks: model.conditional=true gives them"
    assert f"classes  cats (10), dogs (10){unasked}\n" in printed
    assert not re.search(r"changed  .*(fingerprint|file|data: )", printed)
    kept = json.loads((tmp_path / "run" / "data.json").read_text())
    assert (kept["classes"], kept["num_samples"]) == ({"cats": 10, "dogs": 10}, 20)


def test_data_that_have_changed_are_named_by_their_files(pictures, tmp_path, capsys):
    subprocess.run(["cp", "-r", f"{pictures}/data", f"{pictures}/run", tmp_path], check=True)
    data, command = tmp_path / "data", (f"resume={tmp_path}/run", f"data.root={tmp_path}/data", "total_samples=48")
    content = (data / "cats" / "1.png").read_bytes()
    (data / "cats" / "1.png").write_bytes(content[:-1] + b"\x83")
    (data / "cats" / "3.png").rename(data / "dogs" / "3.png")
    (data / "birds").mkdir()
    (data / "dogs" / "2.png").rename(data / "birds" / "2.png")
    message = str(train(*command))
    assert "fingerprint" not in message
    for line in (
        "data: 2 files added: birds/2.png, dogs/3.png",
        "data: 2 files removed: cats/3.png, dogs/2.png",
        "data: 1 file changed: cats/1.png",
        "data.num_classes: 2 -> 3",
    ):
        assert f"\n  {line}\n" in message
    (data / "birds" / "2.png").rename(data / "dogs" / "2.png")
    (data / "birds").rmdir()
    assert train(*command, "resume_changes=true") is None
    assert "changed  data: 1 file changed: cats/1.png" in capsys.readouterr().out


def test_a_run_of_an_earlier_version_resumes_where_its_data_are_the_same(pictures, tmp_path, capsys):
    """Its fingerprint had 16 digits, and its configuration lacked settings that images have by now."""
    subprocess.run(["cp", "-r", f"{pictures}/data", f"{pictures}/run", tmp_path], check=True)
    images = tmp_path / "data"

    def begun_by_an_earlier_version():
        config = tmp_path / "run" / ".hydra" / "config.yaml"
        of_old = earlier_runs.fingerprint_of(ImageFolder(images, 16))
        kept = re.sub(r"fingerprint: \S+", f"fingerprint: '{of_old}'", config.read_text())
        kept = re.sub(r"\n +(on_error|max_bad_fraction): [^\n]+", "", kept)
        config.write_text(kept.replace(f"{pictures}/data", f"{images}"))
        (tmp_path / "run" / "data.json").unlink()

    begun_by_an_earlier_version()
    (images / "cats" / "3.png").rename(tmp_path / "3.png")
    assert "data: the samples have changed, or are read otherwise" in str(train(f"resume={tmp_path}/run"))
    (tmp_path / "3.png").rename(images / "cats" / "3.png")
    words = ("data=image_folder", "data.resolution=16", f"data.root={images}", f"hydra.run.dir={tmp_path}/run")
    message = str(train(*SMALL, *words, "total_samples=48", "resume=auto", "data.on_error=skip"))
    assert "\n  data.on_error: nothing -> skip\nset them back" in message
    assert train(*SMALL, *words, "total_samples=48", "resume=auto", "sample_every=null") is None
    printed = capsys.readouterr().out
    assert "changed  sample_every: 20000 -> null\n" in printed
    assert "on_error" not in printed
    for old, new in (("cats", "10"), ("dogs", "9")):
        (images / old).rename(images / new)
    begun_by_an_earlier_version()
    message = str(train(f"resume={tmp_path}/run", "total_samples=64"))
    assert "data: classes are numbered in another order: ['10', '9'] -> ['9', '10']" in message


def test_a_run_that_has_held_out_others_is_not_resumed_or_judged_unasked(tmp_path):
    """Such as runs of before files of the same contents were one group, which don't say what they held out."""
    photos, folder = tmp_path / "photos", tmp_path / "run"
    write_images(photos, 20)
    shutil.copy(photos / "cats" / "1.png", photos / "cats" / "again.png")
    data = ("data=image_folder", f"data.root={photos}", "data.resolution=16", "data.held_out=0.2")
    assert train(*SMALL, *data, "total_samples=32", f"hydra.run.dir={folder}") is None
    assert train(f"resume={folder}", "total_samples=48") is None
    kept = json.loads((folder / "data.json").read_text())
    for held_out, why in ((None, "the run doesn't say which"), ("0" * 16, "other samples than those of the run")):
        (folder / "data.json").write_text(json.dumps(kept | {"held_out": held_out}))
        assert f"held out: {why}" in str(train(f"resume={folder}", "total_samples=64"))
        for named in ((), data[:-1]):
            assert f"held out: {why}" in str(
                run("evaluate", f"checkpoint={folder}", f"out={tmp_path}", "num_samples=16", *named)
            )
    assert train(f"resume={folder}", "total_samples=64", "resume_changes=true") is None
    assert json.loads((folder / "data.json").read_text())["held_out"] == kept["held_out"]


def test_the_precision_that_auto_comes_to_on_another_device_is_asked_about(run_folder, monkeypatch):
    for module in (devices, trainer):
        monkeypatch.setattr(module, "faster_precision", lambda accelerator: "fp32")
    assert train(f"resume={run_folder}", "total_samples=112", "trainer.precision=auto") is None
    monkeypatch.setattr(devices, "faster_precision", lambda accelerator: "bf16-mixed")
    said = str(train(f"resume={run_folder}", "total_samples=128"))
    assert "trainer.precision: fp32 -> bf16-mixed (auto, on this device)\nset them back" in said
    assert train(f"resume={run_folder}", "total_samples=128", "trainer.precision=fp32") is None


class Killed(BaseException):
    """Stands for kill -9 at a moment that is hard to hit."""


def test_a_kill_while_going_back_leaves_either_future(tmp_path, monkeypatch):
    """Without the later checkpoints, rows that are too many can be cut; the other way round they would be lost."""
    options = (*SMALL, "checkpoint_every=32", "callbacks.checkpoint.keep=5", "total_samples=96")
    assert train(*options, f"hydra.run.dir={tmp_path}") is None
    expected, before = rows(tmp_path, *TIMING), (tmp_path / ".hydra" / "config.yaml").read_bytes()

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(MetricsCSV, "cut", killed)
        train(f"resume={tmp_path / 'checkpoints' / 'samples_32.ckpt'}", "total_samples=128")
    assert rows(tmp_path, *TIMING) == expected
    assert seen(tmp_path) == 32
    assert (tmp_path / ".hydra" / "config.yaml").read_bytes() == before, "nothing has been trained with other settings"
    assert train(f"resume={tmp_path}") is None
    assert rows(tmp_path, *TIMING) == expected


def test_options_may_stand_before_what_is_gone_on_with(run_folder, tmp_path):
    assert train("--config-dir", str(tmp_path), f"resume={run_folder}", "total_samples=112") is None
    assert seen(run_folder) == 112
    assert "a sweep is resumed with resume=auto" in str(train("-m", f"resume={run_folder}", "total_samples=128,144"))


def test_a_checkpoint_is_found_from_where_it_lies_and_nowhere_else(run_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(run_folder / "checkpoints")
    assert train("resume=last.ckpt", "total_samples=112") is None
    assert seen(run_folder) == 112
    subprocess.run(["cp", "last.ckpt", tmp_path / "mine.ckpt"], check=True)
    message = str(train(f"resume={tmp_path / 'mine.ckpt'}"))
    assert "mine.ckpt is not in checkpoints/ of a run folder, whose .hydra/config.yaml it needs" in message


def test_a_run_without_a_checkpoint_says_so(run_folder):
    for path in (run_folder / "checkpoints").iterdir():
        path.unlink()
    message = str(train(f"resume={run_folder}", "total_samples=112"))
    assert message.startswith(f"error: {run_folder} holds no checkpoint")


def test_a_damaged_checkpoint_is_not_gone_on_from(run_folder, capsys):
    damage(run_folder / "checkpoints" / "last.ckpt")
    message = str(train(f"resume={run_folder}", "total_samples=112"))
    assert "last.ckpt is damaged" in message
    assert "train.py resume=" + str(run_folder / "checkpoints" / "samples_96.ckpt") in message
    damage(run_folder / "checkpoints" / "samples_96.ckpt")
    auto = ("resume=auto", f"hydra.run.dir={run_folder}")
    assert train(*SMALL, "checkpoint_every=48", *auto, "total_samples=112") is None
    assert f"from     {run_folder / 'checkpoints' / 'samples_48.ckpt'}" in capsys.readouterr().out
    assert seen(run_folder) == 112


def test_the_best_is_the_last_resort(finished, tmp_path, capsys):
    folder = tmp_path / "run"
    subprocess.run(["cp", "-r", finished, folder], check=True)
    checkpoints = folder / "checkpoints"
    os.link(checkpoints / "samples_48.ckpt", checkpoints / "best.ckpt")
    for name in ("last", "samples_96"):
        damage(checkpoints / f"{name}.ckpt")
    (checkpoints / "samples_48.ckpt").unlink()
    assert f"resume={checkpoints / 'best.ckpt'}" in str(train(f"resume={folder}"))
    assert train(*SMALL, "checkpoint_every=48", "resume=auto", f"hydra.run.dir={folder}", "total_samples=112") is None
    assert f"from     {checkpoints / 'best.ckpt'}" in capsys.readouterr().out


def test_a_run_whose_checkpoints_are_all_damaged_is_not_started_over(run_folder):
    for path in (run_folder / "checkpoints").iterdir():
        damage(path)
    before = {path: path.read_bytes() for path in run_folder.rglob("*.ckpt")}
    message = str(train(*SMALL, "checkpoint_every=48", "resume=auto", f"hydra.run.dir={run_folder}"))
    assert f"every checkpoint in {run_folder} is damaged" in message
    assert {path: path.read_bytes() for path in run_folder.rglob("*.ckpt")} == before


def test_without_the_last_checkpoint_a_run_goes_on_from_the_newest(run_folder, capsys):
    (run_folder / "checkpoints" / "last.ckpt").unlink()
    assert train(f"resume={run_folder}", "total_samples=112") is None
    assert f"from     {run_folder / 'checkpoints' / 'samples_96.ckpt'}" in capsys.readouterr().out


def test_a_copy_of_the_users_is_left_alone(run_folder):
    mine = run_folder / "checkpoints" / "samples_48_good.ckpt"
    os.link(run_folder / "checkpoints" / "samples_48.ckpt", mine)
    assert train(f"resume={run_folder}", "total_samples=112") is None
    assert mine.exists()


def test_a_run_does_not_go_on_in_another_folder(finished, run_folder, tmp_path):
    before = sorted(path.name for path in (run_folder / "checkpoints").iterdir())
    for other in (run_folder, tmp_path / "new"):
        message = str(train(f"resume={finished}", f"hydra.run.dir={other}", "total_samples=112"))
        assert f"hydra.run.dir={other} is another one than that of {finished}; leave it out" in message
    assert sorted(path.name for path in (run_folder / "checkpoints").iterdir()) == before
    assert not (tmp_path / "new").exists()


HOLDING = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"


def test_a_folder_is_trained_in_by_one_process(run_folder, monkeypatch):
    monkeypatch.setattr("framegan.runs.run_folder.PATIENCE", 0.0)
    command = [sys.executable, "-c", HOLDING, run_folder / ".lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert f"another process trains in {run_folder}" in str(train(f"resume={run_folder}", "total_samples=112"))
        other.kill()
    assert train(f"resume={run_folder}", "total_samples=112") is None


@pytest.mark.parametrize("choice", ["model=mlp", "logger=tensorboard", "schedule@model.generator_schedule=cosine"])
def test_a_run_that_goes_on_has_chosen_its_parts(choice, run_folder):
    message = str(train(f"resume={run_folder}", choice))
    assert message.startswith(f"error: {choice} chooses from a group, but a resumed run keeps its choices")


@pytest.mark.parametrize("size", [0, 1000])
def test_a_checkpoint_cut_short_is_damaged_too(size, run_folder):
    last = run_folder / "checkpoints" / "last.ckpt"
    content = last.read_bytes()[:size]
    last.unlink()
    last.write_bytes(content)
    assert "last.ckpt is damaged" in str(train(f"resume={run_folder}"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small file system")
@pytest.mark.parametrize(("size", "option"), [("8m", "rw"), ("8m", "ro")])
def test_a_full_or_read_only_disk_ends_the_run_with_one_message(size, option, tmp_path):
    folder, kept = tmp_path / "run", tmp_path / "kept"
    folder.mkdir()
    command = " ".join([*TRAIN, *LONG, "callbacks.checkpoint.keep=100", f"hydra.run.dir={folder}"])
    mounted = f"mount -t tmpfs -o size={size},{option} tmpfs {folder} || exit 77; {command}; cp -r {folder} {kept}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", mounted], capture_output=True, text=True, timeout=120)
    if done.returncode == 77:
        pytest.skip("nothing can be mounted here")
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{folder} can't be written: " in message
    assert "Traceback" not in done.stderr
    if option == "rw":
        assert "No space left on device" in message
        assert f"last.ckpt is intact; once there is room: python src/train.py resume={folder}" in message
        assert not list(kept.rglob("*.part"))
        before = seen(kept)
        assert before > 0
        assert train(f"resume={kept}", f"total_samples={before + 32}") is None
        assert seen(kept) == before + 32


def test_a_folder_that_can_not_be_made_is_one_message(tmp_path):
    (tmp_path / "file").touch()
    for key, more in (("hydra.run.dir", []), ("hydra.sweep.dir", ["-m"])):
        message = str(train(*more, *SMALL, f"{key}={tmp_path / 'file' / 'run'}"))
        assert message.startswith(f"error: {tmp_path / 'file' / 'run'} can't be made: [Errno 20] Not a directory: ")
        assert message.endswith(f"; set {key} to another folder")


def test_what_fails_in_a_worker_ends_the_run_in_its_own_words(tmp_path, monkeypatch):
    """And so does what fails in this process while the workers live: none is left."""
    write_images(tmp_path / "photos", 40)
    read = TicketDataset.batch

    def fail(self, tickets):
        if get_worker_info() is not None and tickets[0][1] == where["epoch"]:
            raise ValueError("7.png can't be decoded")
        return read(self, tickets)

    monkeypatch.setattr(TicketDataset, "batch", fail)
    data = ("data=image_folder", f"data.root={tmp_path / 'photos'}", "data.num_workers=2", "checkpoint_every=32")
    run = (*TINY, *SHORT, *data, "data.datamodule.keep_on_device_mb=0", "total_samples=200")
    where = {"epoch": 2}
    message = str(train(*run, f"hydra.run.dir={tmp_path / 'run'}"))
    assert message.startswith("error: 7.png can't be decoded\n  in tests/test_resume.py, line ")
    assert "last.ckpt is intact; to resume: python " in message
    assert message.endswith(f"resume={tmp_path / 'run'}")
    assert not multiprocessing.active_children()
    where["epoch"] = None
    assert train(f"resume={tmp_path / 'run'}") is None


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        MemoryError(),
    ],
)
def test_a_step_that_needs_too_much_memory_is_one_message(error, tmp_path, monkeypatch):
    step = GAN.training_step

    def full(gan, *arguments):
        if gan.samples_seen == 32:
            raise error
        return step(gan, *arguments)

    monkeypatch.setattr(GAN, "training_step", full)
    message = str(train(*SMALL, "checkpoint_every=32", "total_samples=64", f"hydra.run.dir={tmp_path / 'run'}"))
    assert message.startswith("error: there isn't enough memory for that (")
    assert "; set smaller networks, samples, batches or data; " in message
    assert "last.ckpt is intact; to resume: python " in message
    assert message.endswith(f"resume={tmp_path / 'run'}")


def test_a_fault_in_memory_is_no_lack_of_it():
    error = RuntimeError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        errors.plain_errors()(Mock(side_effect=error))()


def test_sigterm_before_the_first_batch_is_not_taken_for_an_end(tmp_path, monkeypatch):
    """It ends the process, unless whoever has started it wants something else."""
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, _: got.append(number))
    draw = Samples.begin

    def while_drawing(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        draw(*arguments)

    monkeypatch.setattr(Samples, "begin", while_drawing)
    try:
        assert train(*SMALL, "total_samples=64", f"hydra.run.dir={tmp_path / 'run'}") is None
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == [signal.SIGTERM]
    assert seen(tmp_path / "run") == 64


def test_a_run_needs_no_folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert train(*SMALL, "total_samples=48", f"hydra.run.dir={tmp_path / 'run'}") is None
    assert seen(tmp_path / "run") == 48


def test_a_killed_rank_ends_the_run(tmp_path, capfd):
    folder = tmp_path / "run"
    last = folder / "checkpoints" / "last.ckpt"
    start = time.monotonic()
    with meanwhile(last.exists, lambda: os.kill(ranks()[1], signal.SIGKILL)):
        said = train(*LONG, "trainer.devices=2", f"hydra.run.dir={folder}")
    assert time.monotonic() - start < 60
    assert said == "error: rank 1 was ended by SIGKILL; the system does that where memory runs out"
    assert "Traceback" not in capfd.readouterr().err
    assert seen(folder) > 0


def of_workers(folder: Path, number: int = 2) -> tuple[str, ...]:
    """Return the command of a long run that reads its data in processes of their own."""
    write_images(folder / "photos", 40)
    data = ("data=image_folder", f"data.root={folder / 'photos'}", f"data.num_workers={number}")
    return (*LONG, *data, "data.datamodule.keep_on_device_mb=0", f"hydra.run.dir={folder / 'run'}")


def test_a_killed_worker_ends_the_run(tmp_path, capfd):
    command, folder = of_workers(tmp_path, 1), tmp_path / "run"
    last = folder / "checkpoints" / "last.ckpt"
    with meanwhile(last.exists, lambda: [worker.kill() for worker in multiprocessing.active_children()]):
        said = train(*command)
    assert re.fullmatch(rf"error: a worker of the .* died .*last.ckpt is intact; to resume: .* resume={folder}", said)
    assert "Traceback" not in capfd.readouterr().err
    before = seen(folder)
    assert train(f"resume={folder}", f"total_samples={before + 32}") is None
    assert seen(folder) == before + 32


def test_a_worker_that_hangs_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(train_loader, "WORKER_TIMEOUT", 1)
    monkeypatch.setattr(TicketDataset, "batch", lambda *_: time.sleep(60))
    message = train(*of_workers(tmp_path, 1))
    assert message.startswith("error: a worker of the data loader hangs: it gave no batch for 1 seconds. Where")


TOLD = "{}: finishing the batch, writing the checkpoint ... Ctrl-C again ends at once\n"


def test_ctrl_c_in_a_terminal_leaves_a_checkpoint_a_summary_and_the_way_on(tmp_path):
    """It reaches all processes of a run, its workers too."""
    folder = tmp_path / "run"
    command = [*TRAIN, *of_workers(tmp_path), "+callbacks.spy._target_=spy_callback.Spy"]
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(PROJECT / "tests")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with started(command, env=environment, **pipes) as running:
        wait_for(folder / "checkpoints" / "last.ckpt")
        os.killpg(running.pid, signal.SIGINT)
        output, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (0, TOLD.format("SIGINT"))
    assert summary(folder)["status"] == "stopped by SIGINT"
    assert summary(folder)["samples_seen"] == seen(folder) > 0
    assert f"resume={folder}" in output
    assert (folder / "samples" / f"fake_{seen(folder)}.png").exists()
    spied = json.loads((folder / "rank_0.json").read_text())
    assert (spied["threads"], spied["denormals"]) == (2, 0), "each thread takes numbers next to 0 for 0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_all_processes_of_a_run_ends_it_well(number, tmp_path, capfd):
    """As some schedulers send it: the workers get it too, and not from the run itself."""
    folder = tmp_path / "run"

    def send():
        all_of_them = [os.getpid(), *(worker.pid for worker in multiprocessing.active_children())]
        subprocess.run(["kill", f"-{number:d}", *map(str, all_of_them)], check=True)

    with meanwhile((folder / "checkpoints" / "last.ckpt").exists, send):
        assert train(*of_workers(tmp_path)) is None
    assert TOLD.format(number.name) in capfd.readouterr().err
    assert summary(folder)["status"] == f"stopped by {number.name}"
    assert summary(folder)["samples_seen"] == seen(folder) > 0


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The file in which a scontrol writes down what SLURM is asked for, of whose job this process is a part."""
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "asked"}\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("SLURM_JOB_ID", "41")
    monkeypatch.setenv("PATH", f"{scontrol.parent}:{os.environ['PATH']}")
    return tmp_path / "asked"


def is_back_in_the_queue(folder, asked, said):
    assert asked.read_text() == "requeue 41\n"
    assert "SLURM was about to end job 41; it is back in the queue" in said
    assert summary(folder)["status"] == "stopped by SIGUSR1"
    assert summary(folder)["samples_seen"] == seen(folder) > 0


def test_a_warned_job_goes_back_into_the_queue(asked, tmp_path):
    warn = ("+callbacks.warn._target_=spy_callback.Interrupt", f"+callbacks.warn.number={signal.SIGUSR1:d}")
    said = train(*LONG, "resume=auto", *warn, f"hydra.run.dir={tmp_path / 'run'}")
    is_back_in_the_queue(tmp_path / "run", asked, said)


@pytest.mark.parametrize(
    ("scontrol", "why"),
    [(None, "No such file or directory: 'scontrol'"), ("#!/bin/sh\necho Access denied >&2; exit 1\n", "Access denied")],
)
def test_a_job_that_cannot_be_requeued_says_so(scontrol, why, asked, tmp_path, monkeypatch):
    there = tmp_path / "bin" / "scontrol"
    there.unlink() if scontrol is None else there.write_text(scontrol)
    monkeypatch.setenv("PATH", str(there.parent) if scontrol is None else os.environ["PATH"])
    with pytest.raises(ValueError, match=f"job 41, and it isn't back in the queue: .*{why}; submit it again"):
        scheduler.requeue()


def test_a_warned_job_of_two_ranks_goes_back_into_the_queue_once(asked, run_folder, capfd):
    """It resumes a run of one rank with two, and says so."""

    def goes_on():
        return int(rows(run_folder)[-1]["samples_seen"]) > 96

    with meanwhile(goes_on, lambda: os.kill(os.getpid(), signal.SIGUSR1)):
        said = train(f"resume={run_folder}", "trainer.devices=2", "total_samples=100_000_000")
    is_back_in_the_queue(run_folder, asked, said)
    assert summary(run_folder)["num_ranks"] == 2
    assert seen(run_folder) > 96
    printed = capfd.readouterr().out
    assert "changed  trainer.devices: 1 -> 2\n" in printed
    assert "changed  ranks: 1 -> 2; the same noise and data, but not to the last bit\n" in printed


def test_a_run_that_was_killed_at_its_very_end_is_not_trained_further(run_folder):
    """All its samples were seen, but nothing of what comes at the end was done."""
    final, settings = summary(run_folder)["final"], state(run_folder)["optimizer_states"][0]["param_groups"]
    (run_folder / "summary.json").unlink()
    (run_folder / "samples" / "fake_96.png").unlink()
    assert train(f"resume={run_folder}") is None
    assert seen(run_folder) == summary(run_folder)["samples_seen"] == 96
    assert (run_folder / "samples" / "fake_96.png").exists()
    assert summary(run_folder)["final"] == final
    assert state(run_folder)["optimizer_states"][0]["param_groups"] == settings
    assert [row["samples_seen"] for row in rows(run_folder)] == ["16", "48", "80"]


def contents(folder):
    """Return what is in the files of a run folder and when they were written; Hydra may make a log of its own."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.mark.parametrize("how", ["folder", "checkpoint", "auto"])
def test_a_run_is_not_resumed_to_end_before_where_it_is(how, run_folder):
    before = contents(run_folder)
    arguments = {
        "folder": (f"resume={run_folder}", "total_samples=50"),
        "checkpoint": (f"resume={run_folder / 'checkpoints' / 'samples_48.ckpt'}", "total_samples=32"),
        "auto": (*SMALL, "checkpoint_every=48", "resume=auto", f"hydra.run.dir={run_folder}", "total_samples=50"),
    }[how]
    message = str(train(*arguments))
    assert re.search(r"total_samples=\d+, but \S+\.ckpt has seen (48|96) samples; nothing was changed", message)
    assert contents(run_folder) == before
    assert train(f"resume={run_folder / 'checkpoints' / 'samples_48.ckpt'}", "total_samples=80") is None
    assert seen(run_folder) == summary(run_folder)["samples_seen"] == 80


@pytest.mark.parametrize("has_best", [True, False])
def test_what_a_future_that_is_given_up_has_left_is_forgotten(tmp_path, has_best, capsys):
    """A rollback has removed the best checkpoint, if that is later, before the run starts over."""
    options = ("checkpoint_every=32", "callbacks.checkpoint.keep=5", "objective=discriminator/loss", "sample_every=32")
    assert train(*SMALL, *options, "total_samples=160", f"hydra.run.dir={tmp_path}") is None
    best = summary(tmp_path)["best"]["discriminator/loss"]["samples_seen"]
    assert best > 64, "the discriminator gets better, so that this test shows something"
    (tmp_path / "evaluations").mkdir()
    for name in ("evaluations/64.json", "evaluations/160.json", "samples/prediction_160.webp", "samples/mine_160.png"):
        (tmp_path / name).write_text("[]")
    if not has_best:
        (tmp_path / "checkpoints" / "best.ckpt").unlink()
    earlier = tmp_path / "checkpoints" / "samples_64.ckpt"
    changes = ("total_samples=96", "model.discriminator_optimizer.lr=1e-9", "resume_changes=true")
    assert train(f"resume={earlier}", *changes) is None
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} >= {"last.ckpt", "best.ckpt"}
    numbers = sorted(int(path.stem[8:]) for path in (tmp_path / "checkpoints").glob("samples_*.ckpt"))
    assert numbers == [32, 64, 96]
    assert seen(tmp_path) == 96
    assert seen(tmp_path, "best") == summary(tmp_path)["best"]["discriminator/loss"]["samples_seen"] <= 96
    gone = f"{'best.ckpt, ' * has_best}last.ckpt, samples_128.ckpt, samples_160.ckpt, samples_96.ckpt"
    assert f"removed  {gone}, as they are later than 64 samples\n" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "evaluations").iterdir()] == ["64.json"]
    samples = {f"fake_{number}.png" for number in (0, 32, 64, 96)} | {"real.png", "tiles.json", "mine_160.png"}
    assert {path.name for path in (tmp_path / "samples").iterdir()} == samples
