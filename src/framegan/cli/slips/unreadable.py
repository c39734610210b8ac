"""Settings that can't be read, whatever there is: two in one word, typographic quotes, several values without -m."""

import os
import re
import shlex

from framegan.cli import command_line
from framegan.cli.slips.known import REQUIRED, Known
from framegan.cli.slips.setting import Setting
from framegan.cli.slips.similar import line, meant

TYPESET = re.compile("[\u201c\u201d\u201e\u2018\u2019\xab](.+)[\u201c\u201d\u2018\u2019\xbb]")
"""A value in the quotes of a word processor."""


def unreadable(setting: Setting, known: Known) -> str:
    """Return the line about a setting that can't be read; nothing where it can."""
    key, value = setting.key, setting.value
    is_file = os.path.exists(os.path.expanduser(value))  # noqa: PTH110, PTH111
    if setting.text.startswith("--"):
        return line(f"{setting} is not an option", [setting.text])
    if not re.fullmatch(r"[\w./@$-]+", key, re.ASCII):
        return line(f"{setting} is not KEY=VALUE", meant(key, value, known)[0] if key else ())
    if not is_file and value.rstrip().endswith((",", ";")):
        return line(f"{setting} ends in '{value.rstrip()[-1]}'", [setting.text.rstrip(" ,;")])
    if not is_file and (inner := TYPESET.fullmatch(value)):
        return line(f"{setting} has quotes that no shell takes away", [f"{key}={inner[1]}"])
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})*,000|0,0\d+", value):
        number = value.replace(",", "." if value[0] == "0" else "_")
        return line(f"{setting} is no number", [f"{key}={number}"])
    if not is_file and (several := re.match(r"([^\s'\"]+)((?:\s+[\w./@+]+=[^\s'\"]+)+)$", value)):
        return line(f"{setting} is one argument", [f"{key}={several[1]}", *several[2].split()])
    override = command_line.parsed(command_line.as_typed(setting.text, sweeps=known.sweeps))
    if known.sweeps or override is None or not override.is_sweep_override():
        return ""
    or_list = "" if "(" in value or key in REQUIRED else f", or for a list {shlex.quote(f'{key}=[{value}]')}"
    return line(f"{setting} names several values", ["-m", setting.text], f"that starts a sweep{or_list}")
