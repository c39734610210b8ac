"""A run folder may come from anybody: its configuration and its checkpoints are data. Secrets stay out of it."""

import os
import pickle
import re
import shutil
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
import small_runs
import torch
import yaml
from commands import PROJECT, run, train
from omegaconf import OmegaConf
from small_files import write_images

from framegan.cli import compose
from framegan.data.fingerprint import comparable
from framegan.metrics import statistics_cache
from framegan.runs import run_folder, saved_config, trust
from framegan.runs.checkpoint import read as read_checkpoint

SMALL = (*small_runs.SMALL, "total_samples=32")
GENERATE = ("generate", "num_samples=2")
EVALUATE = ("evaluate", "num_samples=32")
RESUME = ("train", "total_samples=48")
COMMANDS = [GENERATE, EVALUATE, RESUME]
SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert train(*SMALL, f"hydra.run.dir={folder}") is None
    return folder


@pytest.fixture
def folder(finished, tmp_path, monkeypatch):
    """A copy of a run folder, to be tampered with; commands run beside it, where programs may leave `marker`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    return shutil.copytree(finished, tmp_path / "run")


def used(command, folder, *arguments):
    """Return what a command that uses a run folder stops with, or None."""
    script, *others = command
    name = "resume" if script == "train" else "checkpoint"
    return run(script, f"{name}={folder}", *others, *arguments)


def tamper(folder: Path, **changes) -> None:
    """Put values into a run's configuration, by dotted keys."""
    file = folder / ".hydra" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    for key, value in changes.items():
        *path, last = key.split("__")
        node = config
        for part in path:
            node = node[part]
        node[last] = value
    file.write_text(yaml.safe_dump(config))


def refused(command, folder, *said):
    """Assert that a command stops with one message that says this, and that no program ran."""
    message = used(command, folder)
    assert message is not None
    assert message.startswith("error: ")
    assert "Traceback" not in message
    for part in said:
        assert part in message
    assert not (folder.parent / "marker").exists()


def not_read(folder, *said):
    """Assert that a configuration is refused with a message that says this, and that no program ran."""
    with pytest.raises(ValueError) as caught:
        saved_config.read(folder / ".hydra" / "config.yaml", [], ["model.generator"])
    for part in said:
        assert part in str(caught.value)
    assert not (folder.parent / "marker").exists()


TOUCH = "touch marker"
NODES = {
    "a function of the system": ({"_target_": "os.system", "command": TOUCH}, "got 'os.system'", "trust=os"),
    "a function of Python": ({"_target_": "builtins.exec", "source": "0"}, "got 'builtins.exec'"),
    "a function of Hydra": (
        {"_target_": "hydra.utils.get_method", "path": "os.system"},
        "got 'hydra.utils.get_method'",
    ),
    "a call of Hydra's": ({"_target_": "hydra.utils.call", "config": {}}, "got 'hydra.utils.call'"),
    "a class of PyTorch": ({"_target_": "torch.hub.load"}, "got 'torch.hub.load'"),
    "through a module of ours": (
        {"_target_": "framegan.processes.spawn.subprocess.Popen", "args": TOUCH},
        "subprocess.Popen'",
    ),
    "imported by a module of ours": ({"_target_": "framegan.model.LightningModule"}, "nothing that a configuration"),
    "a method of ours": ({"_target_": "framegan.metrics.weights.Published.find"}, "no such class or function"),
    "our function that runs commands": (
        {"_target_": "framegan.processes.spawn.run_ranks"},
        "nothing that a configuration",
    ),
    "our function that downloads": ({"_target_": "framegan.files.download.fetch"}, "nothing that a configuration"),
    "our function that finds others": ({"_target_": "framegan.own_code.locate"}, "nothing that a configuration"),
    "no such part": ({"_target_": "framegan.networks.mlp.Nothing"}, "no such class or function"),
    "another package of a like name": ({"_target_": "framegan_evil.Generator"}, "trust=framegan_evil"),
    "in a list": ([{"a": [{"_target_": "os.system", "command": TOUCH}]}], "[0].a[0]._target_ got 'os.system'"),
    "below a part of ours": (
        {"_target_": "framegan.networks.mlp.Generator", "shape": {"_target_": "os.system", "command": TOUCH}},
        ".shape._target_ got 'os.system'",
    ),
    "no name": ({"_target_": ["os.system"]}, "should be the name of a class"),
    "by position": ({"_target_": "framegan.metrics.custom.Custom", "_args_": ["a", "images"]}, "has to name each"),
    "a name put together": ({"_target_": "${seed}"}, "has to name it as it is"),
    "a program of TorchScript": (
        {"_target_": "framegan.metrics.custom.Custom", "path": "evil.pt"},
        ".path got 'evil.pt'",
        "trust=framegan.metrics.custom.Custom",
    ),
    "another I3D": ({"_target_": "framegan.metrics.i3d.I3D", "weights": "evil.pt"}, ".weights got 'evil.pt'"),
    "the environment": ("${oc.env:HOME}", "got '${oc.env:HOME}'", "trust=oc.env"),
    "the environment, put together": ("${oc.${a}:HOME}", "got '${oc.${a}:HOME}'"),
    "the environment, as another choice": ("${oc.select:nothing,${oc.env:HOME}}", "${oc.env:HOME}"),
    "a node in a text": ("${oc.select:nothing,{_target_: os.system, command: touch marker}}", "may not ask for"),
    "resolved twice": (
        {"a": "$", "b": "{oc.create:'{_target_: torch.load, f: evil.bin, weights_only: no}'}", "c": "${.a}${.b}"},
        'c becomes "${oc.create',
    ),
    "the environment, resolved twice": ({"a": "$", "b": "{oc.env:HOME}", "c": "${.a}${.b}"}, "would be resolved again"),
    "a node made of text": ('${oc.create:"{_target_: os.system, command: touch marker}"}', "may not ask for"),
}


@pytest.mark.parametrize("node", NODES)
def test_a_configuration_builds_nothing_but_parts_of_framegan(node, folder):
    value, *said = NODES[node]
    tamper(folder, model__generator=value)
    not_read(folder, "model.generator", *said)


@pytest.mark.parametrize(
    "node", ["a function of the system", "the environment", "through a module of ours", "resolved twice"]
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_refuses_it(command, node, folder):
    value, *said = NODES[node]
    torch.save(Program(), "evil.bin")
    tamper(folder, model__generator=value)
    refused(command, folder, "model.generator", *said)


def test_data_that_are_not_read_may_be_anything(folder):
    program = {"_target_": "os.system", "command": TOUCH}
    tamper(folder, data__datamodule={**program, "source": program})
    refused(EVALUATE, folder, "data.datamodule.source._target_ got 'os.system'")
    refused(RESUME, folder, "data.datamodule._target_ got 'os.system'")
    assert used(GENERATE, folder) is None


FOR_HYDRA = {
    "its callbacks": lambda text: f"{text}\nhydra: {{callbacks: {{a: {{_target_: os.system, command: {TOUCH}}}}}}}\n",
    "its loggers": lambda text: f"{text}\nhydra: {{job_logging: {{handlers: {{a: {{'()': os.system}}}}}}}}\n",
    "its defaults": lambda text: f"defaults: [other, _self_]\n{text}",
    "another package": lambda text: f"\n # @package hydra\n{text}",
}


@pytest.mark.parametrize("kind", FOR_HYDRA)
def test_a_configuration_says_nothing_to_hydra(kind, folder):
    file = folder / ".hydra" / "config.yaml"
    file.write_text(FOR_HYDRA[kind](file.read_text()))
    refused(RESUME, folder, "train.py doesn't write there")


def test_values_may_be_put_together_of_others(folder):
    tamper(
        folder,
        mine={"name": "width", "width": 3, "a": "${mine.${mine.name}}", "b": "${.a}0", "c": "${oc.select:no,${.b}}"},
        same="${mine}",
        through_another="${same.width}${same.width}",
    )
    config = saved_config.read(folder / ".hydra" / "config.yaml", [])
    assert (config.mine.a, config.mine.b, config.mine.c, config.through_another) == (3, "30", "30", "33")


def test_other_configurations_beside_it_are_refused(folder):
    (folder / ".hydra" / "metrics").mkdir()
    (folder / ".hydra" / "metrics" / "fid.yaml").write_text(f"a: {{_target_: os.system, command: {TOUCH}}}\n")
    refused(RESUME, folder, "holds folders", "remove metrics")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def _chain(length, line, between, times):
    """Return lines each of which repeats the one before so many times."""
    lines = [line.format(old=between.join([f"${{z{new - 1}}}"] * times), new=new) for new in range(1, length)]
    return "z0: x\n" + "".join(lines)


NOT_PLAIN = {
    "a tag of Python": (f"model: !!python/object/apply:os.system ['{TOUCH}']\n", "can't be read as a configuration"),
    "a billion laughs": (LAUGHS, "repeats a value by the alias *a"),
    "no end": ("[" * 100_000, "nested more than 50 deep"),
    "no keys": ("- 1\n", "has no keys and values"),
    "nothing": ("", "model"),
    "another configuration": ("a: 1\n", "model"),
    "too much": ("a: " + "x" * (1 << 18), "at most 262,144"),
    "lists in lists": (_chain(9, "z{new}: ['{old}']\n", "', '", 10), "at most 262,144 are allowed"),
    "texts in texts": (_chain(34, "z{new}: '{old}'\n", "", 2), "at most 262,144 are allowed"),
    "through another": (
        _chain(34, "a{new}: {old}\nz{new}: {{x: '${{a{new}.x}}${{a{new}.x}}'}}\n", "", 1),
        "at most 262,144 are allowed",
    ),
    "in quotes": ('z: x\na: ${oc.select:"z"}\n', "a builds the name of a key by an interpolation or in quotes"),
    "two keys in one": ("a.b: x\na: {b: y}\n", "two keys are written a.b"),
    "a name put together of much": ("z: {x: 1}\na: ${b}\nb: x\nc: ${z.${a}}\n", "c builds the name of a key"),
    "itself": ("a: ${b}\nb: ${a}\n", "ecursive"),
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_what_is_no_plain_configuration_is_refused(kind, folder):
    text, said = NOT_PLAIN[kind]
    (folder / ".hydra" / "config.yaml").write_text(text)
    not_read(folder, said)


@pytest.fixture
def mypackage(tmp_path, monkeypatch):
    """A package of the user's own, with a generator; it has imported others."""
    (tmp_path / "mypackage").mkdir()
    (tmp_path / "mypackage" / "__init__.py").write_text(
        textwrap.dedent("""
        import os
        from os import system
        from framegan.networks import mlp

        class Generator(mlp.Generator):
            pass
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_package_is_let_in_by_naming_it(command, folder, mypackage):
    file = folder / ".hydra" / "config.yaml"
    file.write_text(file.read_text().replace("framegan.networks.mlp.Generator", "mypackage.Generator"))
    tamper(folder, trust=["mypackage"])  # what the folder says of itself doesn't count
    refused(command, folder, "model.generator._target_ got 'mypackage.Generator'", "set trust=mypackage")
    assert "mypackage" not in sys.modules, "it was not even imported"
    assert used(command, folder, "trust=[mypackage]") is None


@pytest.mark.parametrize("name", ["mypackage.system", "mypackage.os.system", "mypackage.os"])
def test_what_a_trusted_package_has_imported_is_not_trusted(name, folder, mypackage):
    tamper(folder, model__generator={"_target_": name, "command": TOUCH})
    for command in (GENERATE, RESUME):
        message = used(command, folder, "trust=[mypackage]")
        assert f"got '{name}'" in message
    assert not Path("marker").exists()


def test_a_resolver_is_let_in_by_naming_it(folder, monkeypatch):
    monkeypatch.setenv("WIDTH", "x")
    tamper(folder, mine="${oc.env:WIDTH}")
    refused(GENERATE, folder, "mine got '${oc.env:WIDTH}'", "trust=oc.env")
    assert used(GENERATE, folder, "trust=oc.env") is None


@pytest.mark.parametrize(
    "typed", ["trust=my package", "trust=['']", "trust=[a b]", "trust=[", "trust=[1]", "trust=[a-b]"]
)
def test_only_names_are_trusted(typed, folder):
    message = used(RESUME, folder, typed)
    assert message.startswith("error: trust")
    assert "such as trust=mypackage" in message


def test_all_that_the_project_configures_may_be_resumed():
    targets = {
        target
        for path in (*(PROJECT / "conf").rglob("*.yaml"), *(PROJECT / "experiments").glob("*.yaml"))
        for target in re.findall(r"_target_: *([\w.]+)", path.read_text())
    }
    assert len(targets) > 50
    for target in targets - {
        "framegan.cli.compose.FolderCheck"
    }:  # Hydra's own settings are in no run folder's configuration
        trust.refuse_strangers({"_target_": target})


def test_a_function_says_that_it_may_be_named(monkeypatch):
    target = "framegan.data.published.digits.digits"
    trust.refuse_strangers({"_target_": target})
    monkeypatch.delattr(f"{target}.is_configurable")
    with pytest.raises(ValueError, match="nothing that a configuration of framegan builds"):
        trust.refuse_strangers({"_target_": target})


def test_a_part_says_which_of_its_arguments_is_a_program():
    for target, argument in {"custom.Custom": "path", "i3d.I3D": "weights"}.items():
        node = {"_target_": f"framegan.metrics.{target}", argument: "a.pt"}
        with pytest.raises(ValueError, match=rf"^{argument} got 'a.pt', which may be a TorchScript program"):
            trust.refuse_strangers(node)
        trust.refuse_strangers({**node, argument: None})
    trust.refuse_strangers({"_target_": "framegan.metrics.i3d.I3D", "variant": "plain", "weights": "a.pt"})


class Program:
    """What a pickle runs when it is loaded."""

    def __reduce__(self):
        return os.system, (TOUCH,)


CHECKPOINTS = {
    "a program": (lambda file: torch.save({"state_dict": {}, "extra": Program()}, file), "posix.system"),
    "a program, as of old": (
        lambda file: torch.save({"state_dict": Program()}, file, _use_new_zipfile_serialization=False),
        "is damaged or compressed, or not a checkpoint",
    ),
    "a pickle": (lambda file: file.write_bytes(pickle.dumps({"state_dict": Program()})), "or not a checkpoint"),
    "a whole network": (lambda file: torch.save(torch.nn.Linear(1, 1), file), "Linear besides weights"),
    "no pickle": (lambda file: file.write_bytes(b"weights" * 99), "or not a checkpoint of a run"),
    "nothing": (lambda file: file.write_bytes(b""), "or not a checkpoint of a run"),
    "names that are none": (
        lambda file: torch.save({"state_dict": {1: torch.ones(1)}}, file),
        "no state_dict of tensors",
    ),
    "weights that are none": (lambda file: torch.save({"state_dict": {"a": 1}}, file), "no state_dict of tensors"),
    "a list": (lambda file: torch.save([1, 2], file), "it has no state_dict"),
}


def test_weights_that_were_damaged_are_not_taken_for_trained_ones(tmp_path):
    file, value = tmp_path / "last.ckpt", torch.tensor([1.25])
    torch.save({"state_dict": {"a": value}}, file)
    content = file.read_bytes()
    assert content.count(value.numpy().tobytes()) == 1
    file.write_bytes(content.replace(value.numpy().tobytes(), torch.tensor([1.75]).numpy().tobytes()))
    with pytest.raises(ValueError, match="last.ckpt is damaged, its contents don't fit their checksums"):
        read_checkpoint(file)


@pytest.mark.parametrize("kind", CHECKPOINTS)
@pytest.mark.parametrize("mapped", [True, False])
def test_a_checkpoint_holds_nothing_but_weights(mapped, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write, said = CHECKPOINTS[kind]
    write(tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match=f"last.ckpt .*{said}"):
        read_checkpoint(tmp_path / "last.ckpt", mapped=mapped)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_checkpoint_that_unpacks_is_refused(command, folder):
    last = folder / "checkpoints" / "last.ckpt"
    with (
        zipfile.ZipFile(last) as stored,
        zipfile.ZipFile(last.with_suffix(".new"), "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    last.with_suffix(".new").replace(last)
    refused(command, folder, "last.ckpt is damaged or compressed")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_refuses_a_checkpoint_that_holds_more(command, folder):
    torch.save({"state_dict": {}, "extra": Program()}, folder / "checkpoints" / "last.ckpt")
    refused(command, folder, "last.ckpt is not loaded: it holds posix.system besides weights")


CONTENTS = {
    "no callbacks": (lambda saved: saved.pop("callbacks"), "its callbacks: Field required"),
    "callbacks that are none": (lambda saved: saved.update(callbacks={"Clock": "x"}), "its callbacks.Clock: "),
    "no loops": (lambda saved: saved.pop("loops"), "its loops: Field required"),
    "empty loops": (lambda saved: saved.update(loops={}), "its loops.fit_loop: Field required"),
    "no number of ranks": (lambda saved: saved.update(num_ranks="1"), "its num_ranks: "),
    "no metrics": (lambda saved: saved.update(metrics=[]), "its metrics: "),
    "metrics that are none": (lambda saved: saved.update(metrics={"a": "b"}), "its metrics.a: "),
    "three optimizers": (lambda saved: saved["optimizer_states"].append(saved["optimizer_states"][0]), "not 3"),
    "empty optimizers": (
        lambda saved: saved.update(optimizer_states=[{}, {}]),
        "its optimizer_states.0.state: Field required",
    ),
    "no clock": (lambda saved: saved["state_dict"].pop("samples_seen"), "its samples_seen is None"),
    "a clock before the beginning": (
        lambda saved: saved["state_dict"].update(samples_seen=torch.tensor(-5)),
        "its samples_seen is -5",
    ),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_run_goes_on_only_from_all_that_a_checkpoint_holds(kind, folder):
    change, said = CONTENTS[kind]
    last = folder / "checkpoints" / "last.ckpt"
    saved = read_checkpoint(last)
    change(saved)
    last.unlink()
    torch.save(saved, last)
    refused(RESUME, folder, "last.ckpt", said)


OTHER_FILES = {
    "no list": ("rollbacks.json", '{"a": 1}', "rollbacks.json is not a list of rollbacks"),
    "no JSON": ("rollbacks.json", "[", "rollbacks.json is not a list of rollbacks"),
    "no clock": ("metrics.csv", "a,b\n1,2\n", "metrics.csv has rows without a number of samples_seen"),
    "a word": ("metrics.csv", "samples_seen,b\nmany,2\n", "metrics.csv has rows without a number of samples_seen"),
    "a raised digit": ("metrics.csv", "samples_seen,b\n²,2\n", "metrics.csv has rows without a number of samples_seen"),
    "many digits": ("metrics.csv", f"samples_seen\n{'1' * 5000}\n", "metrics.csv has rows without a number"),
    "a long field": ("metrics.csv", f"samples_seen,b\n1,{'x' * 200_000}\n", "metrics.csv has rows without a number"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_the_other_files_of_a_run_folder_are_checked(kind, folder):
    name, content, said = OTHER_FILES[kind]
    (folder / name).write_text(content)
    refused(RESUME, folder, said)
    assert (folder / name).read_text() == content


def test_a_checkpoint_of_another_generator_is_refused(folder):
    tamper(folder, model__generator__latent_dim=7)
    refused(GENERATE, folder, "last.ckpt doesn't fit the generator")
    tamper(folder, model__generator__widht=7)
    refused(GENERATE, folder, "builds no generator", "widht")


MLP = "framegan.networks.mlp.Generator"
NO_GENERATORS = {
    "another class": ({"_target_": "framegan.metrics.scores.Frechet"}, "model.generator is a Frechet"),
    "a protocol": ({"_target_": "framegan.metrics.sample_set.SampleSet"}, "Protocols cannot"),
    "another network": ({"_target_": "framegan.networks.drawing.Noise", "sigma": 1.0}, "model.generator is a Noise"),
    "a list": ([1, 2], "model.generator is a list"),
    "a text": ("generator", "of type str"),
    "a part of one": ({"_target_": MLP, "shape": [3, 8, 8], "_partial_": True}, "not a network that makes samples"),
    "a negative size": ({"_target_": MLP, "shape": [3, 8, 8], "latent_dim": -1}, "model.generator.latent_dim got -1"),
    "a huge size": ({"_target_": MLP, "shape": [3, 8, 8], "latent_dim": 10**12}, "allocate"),
}


@pytest.mark.parametrize("kind", NO_GENERATORS)
def test_what_builds_no_generator_is_refused(kind, folder):
    value, said = NO_GENERATORS[kind]
    tamper(folder, model__generator=value)
    refused(GENERATE, folder, "builds no generator: ", said, "give a run folder as train.py has written it")


def test_weights_that_are_not_finite_are_refused(folder):
    file = folder / "checkpoints" / "last.ckpt"
    contents = torch.load(file, weights_only=True)
    contents["state_dict"]["generator_ema.layers.0.bias"][3] = float("nan")
    torch.save(contents, file)
    for command in (GENERATE, EVALUATE):
        refused(command, folder, "last.ckpt holds a generator whose generator_ema.layers.0.bias is not finite")
    assert used(GENERATE, folder, "weights=raw") is None


LINKS = (
    ".hydra/config.yaml.part",
    "generated/seed_000000.png.part",
    "generated_grid.png.part",
    "summary.json.part",
    "samples/real.png",
)


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_nothing_is_written_through_links_in_a_run_folder(command, name, folder):
    other = folder.parent / "other"
    other.write_text("mine")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(other)
    refused(command, folder, f"{folder / name} is a link to {other}", "put there what it links to, or remove it")
    assert other.read_text() == "mine"


def test_a_folder_that_is_a_link_is_refused(folder):
    (folder.parent / "other").mkdir()
    (folder / "generated").symlink_to(folder.parent / "other")
    refused(GENERATE, folder, "generated is a link to")
    assert not any((folder.parent / "other").iterdir())


@pytest.mark.parametrize("name", [".lock", "metrics.csv"])
def test_a_pipe_in_a_run_folder_is_refused(name, folder):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refused(RESUME, folder, f"{name} is a pipe, a socket or a device, not a file; remove it")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_run_folder_does_not_say_where_keys_go(command, folder):
    (folder / "wandb").mkdir()
    (folder / "wandb" / "settings").write_text("[default]\nbase_url = http://127.0.0.1:1\n")
    refused(command, folder, "wandb/settings tells W&B where to send your key")


@pytest.mark.parametrize(
    ("slot", "target", "arguments", "kind"),
    [
        ("callbacks", "loggers.metrics_csv.MetricsCSV", {"folder": "elsewhere"}, "Callback"),
        ("logger", "callbacks.checkpoint.Checkpoint", {"every": None}, "RunLogger"),
    ],
)
def test_what_is_built_is_of_the_kind_of_its_place(slot, target, arguments, kind, folder):
    tamper(folder, **{f"{slot}__evil": {"_target_": f"framegan.{target}", **arguments}})
    refused(RESUME, folder, f"{slot}.evil is a {target.rpartition('.')[2]}; it should be a {kind}")


def test_links_to_a_run_folder_and_those_of_wandb_do_no_harm(folder):
    (folder / "wandb" / "offline-run").mkdir(parents=True)
    (folder / "wandb" / "latest-run").symlink_to("offline-run")
    Path("latest").symlink_to(folder)
    assert used(GENERATE, Path("latest")) is None
    assert len(list((folder / "generated").iterdir())) == 2


def test_pickles_are_never_loaded_from_files():
    loads = {
        (path.name, match[1]): match[0]
        for path in (PROJECT / "src").rglob("*.py")
        for match in re.finditer(
            r"(?<![\w.])(torch\.load|np\.load|pickle\.loads?|yaml\.load|marshal)\(.*", path.read_text()
        )
    }
    assert len(loads) == 6
    for (_, function), line in loads.items():
        assert {"torch.load": "weights_only=True", "np.load": "allow_pickle=False"}[function] in line


def test_a_fingerprint_is_no_path():
    assert comparable("../../climbed") is None
    with pytest.raises(ValueError, match="can't name a file"):
        statistics_cache.path_of("../climbed-embedding-all")


@pytest.mark.parametrize(
    "typed",
    [
        f"logger.wandb.api_key={SECRET}",
        f"+logger.wandb.api_key={SECRET}",
        f"hydra.job.env_set.WANDB_API_KEY={SECRET}",
        f"+hydra.job.env_set={{WANDB_API_KEY: {SECRET}}}",
        f"+data.password='{SECRET}'",
        f"+hydra.job.env_set={{AWS_SECRET_ACCESS_KEY: {SECRET}}}",
        f"hydra.job.env_set.HF_TOKEN={SECRET}",
    ],
)
def test_a_secret_that_is_typed_is_refused_and_not_kept(typed, tmp_path, capfd):
    message = train(*SMALL, "logger=wandb", typed, f"hydra.run.dir={tmp_path}")
    said = capfd.readouterr()
    assert "set it in the environment instead" in message
    assert SECRET not in f"{message} {said.out} {said.err}"
    assert not list(tmp_path.iterdir())


def test_a_key_in_a_yaml_is_refused_without_being_shown(tmp_path, capfd):
    (tmp_path / "conf" / "logger").mkdir(parents=True)
    (tmp_path / "conf" / "logger" / "mine.yaml").write_text(f"defaults: [wandb]\nwandb: {{api_key: {SECRET}}}\n")
    message = train("--config-dir", str(tmp_path / "conf"), *SMALL, "logger=mine", f"hydra.run.dir={tmp_path / 'run'}")
    said = capfd.readouterr()
    assert "logger.wandb.api_key is not a setting of" in message
    assert SECRET not in f"{message} {said.out} {said.err}"
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_file()]


def test_no_secret_reaches_a_run_folder(tmp_path, monkeypatch, capfd):
    """Neither a key that W&B finds in the environment, nor a value that a configuration takes from there."""
    folder, place = tmp_path / "run", tmp_path / "private_place"
    write_images(place, 32)
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    monkeypatch.setenv("MY_DATA", str(place))
    data = ("data=image_folder", "data.root=${oc.env:MY_DATA}", "data.resolution=8", "data.num_workers=0")
    options = ("logger=[wandb,tensorboard]", "logger.wandb.offline=true", "total_samples=48")
    assert train(*SMALL, *data, *options, f"hydra.run.dir={folder}") is None
    said = capfd.readouterr()
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert b"${oc.env:MY_DATA}" in contents[folder / ".hydra" / "overrides.yaml"]
    names = " ".join(path.name for path in contents)
    for name in ("config.yaml", "last.ckpt", ".wandb", "tfevents"):
        assert name in names
    for secret in (SECRET, "private_place"):
        assert secret not in said.out + said.err
        assert not [path for path, content in contents.items() if secret.encode() in content]


def test_a_message_shows_no_value_of_the_environment(monkeypatch):
    monkeypatch.setenv("MY_SECRET", SECRET)
    message = train(*SMALL, "total_samples=${oc.env:MY_SECRET}")
    assert "total_samples got '${oc.env:MY_SECRET}'" in message
    assert SECRET not in message
    assert SECRET not in train(*SMALL, 'model.generator.widths=["${oc.env:MY_SECRET}"]')
    assert SECRET not in run("generate", "checkpoint=nowhere", "num_samples=${oc.env:MY_SECRET}")


def test_settings_that_have_changed_show_no_value_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("MY_SECRET", SECRET)
    message = used(RESUME, folder, "model.ema_half_life=${oc.env:MY_SECRET}")
    assert message is not None
    assert SECRET not in message


def test_a_configuration_as_loggers_have_it():
    raw = {"a": 1, "b": "${a}", "c": "${oc.env:HOME}/x", "d": "${c}/y", "e": ["${oc.select:a,2}", r"\${oc.env:A}"]}
    shown = compose.as_shown(OmegaConf.create(raw))
    assert shown == {"a": 1, "b": 1, "c": "${oc.env:HOME}/x", "d": "${oc.env:HOME}/x/y", "e": [1, r"\${oc.env:A}"]}


def test_a_file_that_another_process_puts_in_place_meanwhile_is_no_pipe(tmp_path, monkeypatch):
    """A run folder is looked through while a run, or framegan generate, writes into it."""
    monkeypatch.setattr(run_folder.os, "walk", lambda folder: [(str(folder), [], ["last.ckpt.part"])])
    run_folder.refuse_what_reaches_out(tmp_path)
