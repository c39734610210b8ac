"""The README and the pages of docs/, and the command lines and Python in them."""

import re
import shlex
from pathlib import Path

from commands import PROJECT

PAGES = [*(PROJECT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")), *PROJECT.glob("docs/**/*.md")]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = "train|generate|play|export|push|evaluate|prepare|classifier"
COMMAND = re.compile(rf"^(?:.*-- )?framegan ({NAMES})\b(.*?)(?: +#.*)?$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """Return what stands between fences of a language in a page."""
    return [text for named, text in BLOCK.findall(page.read_text()) if named == language]


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """Return the commands of a page and the words behind each, but for those that leave words out by dots."""
    text = "\n".join(text for text in blocks(page, "") if not text.startswith("error:")).replace("\\\n", " ")
    return [(name, shlex.split(words)) for name, words in COMMAND.findall(text) if " ..." not in words]
