"""Write a part of your own into this folder, to be changed: framegan new model my_model"""

import importlib.util
import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from framegan import program
from framegan.cli import pages, skeletons
from framegan.files import atomic
from framegan.quoting import command
from framegan.working_folder import CONF

PACKAGE = "my_package"
USAGE = """Write a part of your own into this folder: a class, the YAML that names it, and a test. Each works as it is.

  framegan new model my_model       my_package/my_model.py, conf/model/my_model.yaml, tests/test_my_model.py
  framegan new loss my_loss         likewise conf/model/loss/my_loss.yaml
  framegan new data my_data         likewise conf/data/my_data.yaml
  framegan new metric my_score      likewise conf/metrics/my_score.yaml
  framegan new model lab.my_model   in another package than my_package

Nothing is written over. What each part has to be: docs/own_parts.md"""
OTHER_MEANING = {"null", "true", "false", "nan", "inf", "yes", "no", "on", "off", "py", "yaml"}
"""Names that are values in a configuration, or endings of files."""
TRIED = {
    "model": "model=NAME data=digits",
    "loss": "model=dcgan data=digits model/loss=NAME",
    "data": "model=dcgan data=NAME",
    "metric": "model=dcgan data=digits metrics=NAME",
}
"""Of each kind the settings that use it."""


def main(words: Sequence[str]) -> None:
    """Write a part: its kind, and its name.

    Raises:
        SystemExit: one of them can't be, or there is something of that name.
    """
    if not words:
        print(USAGE)
        return
    kinds = ", ".join(skeletons.FOLDERS)
    if len(words) != 2 or words[0] not in skeletons.FOLDERS:
        raise SystemExit(f"error: framegan new takes a kind ({kinds}) and a name, such as framegan new model my_model")
    kind, (package, _, name) = words[0], words[1].rpartition(".")
    try:
        files = written(kind, name, package or PACKAGE)
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from None
    print(f"wrote    {', '.join(map(str, files))}")
    print(f"test     python -m pytest {files[-1]}")
    print(f"train    {command('train', TRIED[kind].replace('NAME', name))}")


def written(kind: str, name: str, package: str) -> list[Path]:
    """Write the files of a part, and return them.

    Raises:
        ValueError: a name can't be one, is taken, or a file of that name is there.
    """
    _check_names(kind, name, package)
    texts = {
        Path(package) / f"{name}.py": skeletons.CODE[kind],
        CONF / skeletons.FOLDERS[kind] / f"{name}.yaml": skeletons.YAML[kind],
        Path("tests") / f"test_{name}.py": skeletons.TESTS[kind],
    }
    if there := [str(file) for file in texts if file.exists()]:
        raise ValueError(f"{', '.join(there)} exists already, and nothing was written; choose another name")
    words = {"PACKAGE": package, "NAME": name, "CLASS": "".join(map(str.capitalize, name.split("_")))}
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(file, re.sub("PACKAGE|NAME|CLASS", lambda found: words[found[0]], text))
    return list(texts)


def _check_names(kind: str, name: str, package: str) -> None:
    for word in (name, package):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word) or keyword.iskeyword(word) or word in OTHER_MEANING:
            raise ValueError(f"{word} can't be a name here; take small letters, digits and _, such as my_{kind}")
    group = skeletons.FOLDERS[kind]
    if name in pages.groups().get(group, ()) and not (CONF / group / f"{name}.yaml").exists():
        raise ValueError(f"{group}={name} is one of framegan's own; choose another name, such as my_{name}")
    found = importlib.util.find_spec(package)
    places = [*(found.submodule_search_locations or ()), found.origin or ""] if found else []
    if found and not any(Path(place).is_relative_to(Path.cwd()) for place in places):
        raise ValueError(f"{package} is the name of an installed package; choose another one: PACKAGE.{name}")
    if any(CONF.glob("*.y*ml")) and not CONF.samefile(program.configurations()):
        raise ValueError(
            f"{CONF} is another program's, as it has YAML beside its folders; move that, or use another folder"
        )
