"""From a typed command line to the one that Hydra gets: the same for every script, and in the tests."""

import os
from collections.abc import Sequence

from framegan import working_folder
from framegan.cli import command_line, compose, errors

ANSWERS = {"--hydra-help", "--version", "--shell-completion", "-sc"}
"""Options for which nothing of the rest matters."""
NO_CHDIR = (
    "hydra.job.chdir=true would make relative paths such as data.root=photos mean others; leave it out, everything is "
    "written to the run folder as it is"
)


def prepared(name: str, typed: Sequence[str]) -> list[str]:
    """Return the arguments for Hydra; stop with one message where they can't be meant.

    Args:
        name: of the script's configuration, such as "train".
        typed: the arguments behind the script.
    """
    if "FRAMEGAN_RANK_REPORT" in os.environ:
        return list(typed)
    if ANSWERS & set(typed):
        return [*own_configurations(typed), *typed]
    compose.refuse_secrets(typed)
    for argument in typed:
        if not argument.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            errors.stop(f"{argument!r} is not UTF-8; rename what it names")
    options, words = command_line.split(typed)
    if name == "train":
        from framegan.cli import resume

        options, words = resume.arguments_of(options, words)
    options = [*own_configurations(options), *options]
    from framegan.cli.slips import spelling

    settings = spelling.checked(name, options, words)
    if any(setting.lstrip("+") == "hydra.job.chdir=true" for setting in map(str.lower, settings)):
        errors.stop(NO_CHDIR)
    return [*options, *settings]


def own_configurations(options: Sequence[str]) -> list[str]:
    """Return the option that names the conf/ of the working folder, unless another place is named."""
    named = {"--config-dir", "-cd", "--config-path", "-cp"} & {option.partition("=")[0] for option in options}
    folder = None if named else working_folder.configurations()
    return [] if folder is None else ["--config-dir", str(folder)]
