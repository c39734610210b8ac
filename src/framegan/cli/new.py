"""Write a part of your own into this folder, to be changed: framegan new model my_model"""

import importlib.util
import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from framegan import program
from framegan.cli import pages
from framegan.files import atomic
from framegan.working_folder import CONF

USAGE = """Write a part of your own into this folder: a class, the YAML that names it, and a test. Each works as it is.

  framegan new model my_model       my_package/my_model.py, conf/model/my_model.yaml, tests/test_my_model.py
  framegan new loss my_loss         likewise conf/model/loss/my_loss.yaml
  framegan new data my_data         likewise conf/data/my_data.yaml
  framegan new metric my_score      likewise conf/metrics/my_score.yaml
  framegan new model lab.my_model   in another package than my_package

Nothing is written over. What each part has to be: docs/own_parts.md"""
KINDS = ("model", "loss", "data", "metric")
SKELETONS = Path(__file__).parent / "skeletons"
"""Of each kind a text with all three files, each behind a line with its path: the code, the YAML, the test."""
OTHER_MEANING = {"null", "true", "false", "nan", "inf", "yes", "no", "on", "off", "py", "yaml"}
"""Names that are values in a configuration, or endings of files."""


def main(words: Sequence[str]) -> None:
    """Write a part: its kind, and its name.

    Raises:
        ValueError: one of them can't be, or there is something of that name.
    """
    if not words:
        print(USAGE)
        return
    if len(words) != 2 or words[0] not in KINDS:
        kinds = ", ".join(KINDS)
        raise ValueError(f"framegan new takes a kind ({kinds}) and a name, such as framegan new model my_model")
    package, _, name = words[1].rpartition(".")
    files = written(words[0], name, package or "my_package")
    _, config, test = files
    print(f"wrote    {', '.join(map(str, files))}")
    print(f"test     python -m pytest {test}")
    print(f"train    {files[config].splitlines()[0].removeprefix('# ')}")


def written(kind: str, name: str, package: str) -> dict[Path, str]:
    """Write the files of a part, and return what is in each of them.

    Raises:
        ValueError: a name can't be one, is taken, or a file of that name is there.
    """
    for word in (name, package):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word) or keyword.iskeyword(word) or word in OTHER_MEANING:
            raise ValueError(f"{word} can't be a name here; take small letters, digits and _, such as my_{kind}")
    words = {"PACKAGE": package, "NAME": name, "CLASS": "".join(map(str.capitalize, name.split("_")))}
    skeleton = (SKELETONS / f"{kind}.txt").read_text(encoding="utf-8")
    filled = re.sub("PACKAGE|NAME|CLASS", lambda found: words[found[0]], skeleton)
    _, *parts = re.split(r"^--- (.+)\n", filled, flags=re.MULTILINE)
    files = dict(zip(map(Path, parts[::2]), parts[1::2], strict=True))
    _refuse_taken(name, package, [*files][1].parent.relative_to(CONF).as_posix())
    if there := [str(file) for file in files if file.exists()]:
        raise ValueError(f"{', '.join(there)} exists already, and nothing was written; choose another name")
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(file, text)
    return files


def _refuse_taken(name: str, package: str, group: str) -> None:
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
