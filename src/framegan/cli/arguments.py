"""From the words of a command line to what Hydra gets: the same for every script, and in the tests."""

import os
from collections.abc import Sequence

from framegan import working_folder
from framegan.cli import command_line, compose, errors, made_with, resume
from framegan.cli.slips.choices import choice, refusals
from framegan.cli.slips.known import Known
from framegan.cli.slips.setting import settings_of
from framegan.cli.slips.similar import left_out
from framegan.cli.slips.unreadable import unreadable
from framegan.cli.slips.values import value

ANSWERS = {"--hydra-help", "--version", "--shell-completion", "-sc"}
"""Options for which nothing of the rest matters."""


def prepared(name: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments for Hydra; stop with one message where they can't be meant.

    Args:
        name: of the script's configuration, such as "train".
        arguments: the words behind the script.
    """
    if "FRAMEGAN_RANK_REPORT" in os.environ:
        return list(arguments)
    if ANSWERS & set(arguments):
        return [*own_configurations(arguments), *arguments]
    compose.refuse_secrets(arguments)
    for argument in arguments:
        if not argument.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            errors.stop(f"{argument!r} is not UTF-8; rename what it names")
    if name == "generate":
        arguments = made_with.arguments_of(arguments)
    if name == "play":
        from framegan.cli import play

        arguments = play.arguments_of(arguments)
    options, words = command_line.split(arguments)
    if name == "train":
        options, words = resume.arguments_of(options, words)
    options = [*own_configurations(options), *options]
    settings = checked(words, Known(name, options, sweeps=command_line.is_multirun(options, words)))
    chdir = [word.partition("=")[2].lower() for word in settings if word.lstrip("+").startswith("hydra.job.chdir=")]
    if {"true", "1", "yes", "y", "on"} & {value.strip("'\"") for value in chdir}:
        errors.stop(
            "hydra.job.chdir=true would make relative paths such as data.root=photos mean others; leave it out, "
            "everything is written to the run folder as it is"
        )
    if name == "train" and command_line.is_multirun(options, settings):
        from framegan.cli import sweep

        settings = [*settings, *sweep.settings_of(settings)]
    return [*options, *settings]


def checked(words: Sequence[str], known: Known) -> list[str]:
    """Return the settings for Hydra, in their order: a sweep counts its jobs by it. Stop with a line for each slip."""
    settings = settings_of(words, known)
    named = [setting.text for setting in settings if setting.key == "checkpoint"]
    if len(named) > 1:
        errors.stop(f"the run is named twice, {named[0]} and {named[1]}; leave one out")
    problems = [unreadable(setting, known) for setting in settings]
    readable = [setting for setting, problem in zip(settings, problems, strict=True) if not problem]
    chosen: dict[int, list[str]] = {}
    for place, setting in enumerate(readable):
        if known.is_group(setting.key.partition("@")[0]) and not setting.value.startswith("{"):
            chosen[place], problem = choice(setting, known)
            problems.append(problem)
    problems += refusals([text for texts in chosen.values() for text in texts], settings, known)
    for place, setting in enumerate(readable):
        if place not in chosen:
            text, problem = value(setting, settings, known)
            chosen[place] = [text]
            problems.append(problem)
    if not any(problems):
        problems = [left_out(setting, known) for setting in readable]
    if problems := list(dict.fromkeys(filter(None, problems))):
        errors.stop("\n".join(problems))
    return [text for place in sorted(chosen) for text in chosen[place]]


def own_configurations(options: Sequence[str]) -> list[str]:
    """Return the option that names the conf/ of the working folder, unless another place is named."""
    named = {"--config-dir", "-cd", "--config-path", "-cp"} & {option.partition("=")[0] for option in options}
    folder = None if named else working_folder.configurations()
    return [] if folder is None else ["--config-dir", str(folder)]
