"""The working folder: conf/ of one's own or of another program, packages, and what `framegan new` finds there."""

import importlib.util
import sys

import pytest
from commands import prepared

from framegan import working_folder
from framegan.cli import new
from framegan.own_code import locate

CHOSEN = ["model=mlp", "data=digits"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def here(): ...\n")


def test_a_conf_of_ones_own_is_found_unless_another_one_is_named(folder):
    write(folder, "conf/data/mine.yaml", "other/data/else.yaml")
    assert prepared("train", ["model=mlp", "data=mine"])[:2] == ["--config-dir", "conf"]
    assert prepared("train", ["model=mlp", "data=else", "--config-dir", "other"])[:2] == ["--config-dir", "other"]
    assert prepared("train", ["--hydra-help"]) == ["--config-dir", "conf", "--hydra-help"]


def test_a_conf_of_another_program_does_no_harm(folder):
    write(folder, "conf/nginx.conf", "conf/sites/x.yaml")
    assert prepared("train", CHOSEN) == CHOSEN
    write(folder, "conf/model/mlp.yaml", "conf/model/mine.yaml", "conf/config.yaml")
    assert prepared("train", CHOSEN) == CHOSEN
    with pytest.raises(SystemExit, match=r"conf/model/mine.yaml isn't read, as conf has YAML beside its folders"):
        prepared("train", ["model=mine", "data=digits"])


def test_a_choice_of_framegans_own_is_not_hidden_by_one_of_that_name(folder):
    write(folder, "conf/model/mlp.yaml")
    with pytest.raises(SystemExit, match=r"conf/model/mlp.yaml is not used, for .*mlp.yaml has the same name"):
        prepared("train", CHOSEN)
    (folder / "conf" / "model" / "mlp.yaml").unlink()
    write(folder, "conf/optimizer/adam.yaml")  # which no one chooses, and models name
    with pytest.raises(SystemExit, match=r"conf/optimizer/adam.yaml is not used"):
        prepared("train", CHOSEN)


def test_a_package_is_found_after_every_installed_one(folder):
    write(folder, "json.py", "email/__init__.py", "lab_of_mine/parts.py", "helper_of_mine.py")
    assert locate("json.loads").__module__ == "json"
    assert str(folder) not in sys.path, "nobody has asked for anything here"
    assert importlib.util.find_spec("helper_of_mine") is None
    assert locate("lab_of_mine.parts.here").__module__ == "lab_of_mine.parts"
    assert sys.path[-1] == str(folder)
    with pytest.raises(ValueError, match="the one here has the name of an installed one: rename it"):
        locate("json.Nothing")
    with pytest.raises(ValueError, match=r"no such class or function \(module 'lab_of_mine.parts' has no attribute"):
        locate("lab_of_mine.parts.nothing")
    assert working_folder.is_hidden("json")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("modle", "blob"), "takes a kind .model, loss, data, metric. and a name"),
        (("model",), "and a name"),
        (("model", "Blob"), "Blob can't be a name here"),
        (("model", "class"), "class can't be a name here"),
        (("data", "null"), "null can't be a name here"),
        (("metric", "on"), "on can't be a name here"),
        (("model", "blob.py"), "py can't be a name here"),
        (("data", "mnist"), "data=mnist is one of framegan's own; choose another name, such as my_mnist"),
        (("loss", "torch.sharp"), "torch is the name of an installed package; choose another one: PACKAGE.sharp"),
        (("metric", "there"), "my_package/there.py exists already, and nothing was written"),
    ],
)
def test_a_part_that_can_not_be_written(words, message, folder):
    write(folder, "my_package/there.py")
    with pytest.raises(ValueError, match=message):
        new.main(words)
    assert [path.name for path in folder.rglob("*.*")] == ["there.py"]


def test_new_leaves_the_conf_of_another_program_alone(folder):
    write(folder, "conf/config.yaml")
    with pytest.raises(ValueError, match="conf is another program's"):
        new.main(["model", "blob"])
