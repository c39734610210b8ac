"""The command `framegan`: what it shows, what it takes for a run folder, and what the Tab key offers."""

import io
import shlex
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from commands import PROJECT, prepared
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.object_type import ObjectType
from omegaconf import OmegaConf

from framegan import __version__
from framegan.cli import main, pages
from framegan.cli.completion import SHELLS, words_behind

WITH_SETTINGS = ("train", "generate", "export", "push", "play", "evaluate", "prepare", "classifier")


def shown(*words: str) -> str:
    """Return what a command line that computes nothing prints."""
    before, sys.argv = sys.argv, ["framegan", *words]
    try:
        with redirect_stdout(io.StringIO()) as printed:
            main.main()
    finally:
        sys.argv = before
    return printed.getvalue()


def test_alone_it_shows_an_example_of_each_command():
    assert shown() == shown("--help") == shown("help")
    for name, (_, example) in pages.COMMANDS.items():
        assert f"  {name} " in shown()
        assert example in shown()
    assert len(shown().splitlines()) <= 30
    assert shown("--version") == shown("train", "--version") == f"framegan {__version__}\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("trian", "model=dcgan"), "did you mean framegan train model=dcgan?"),
        (("model=dcgan", "data=mnist"), "did you mean framegan train model=dcgan data=mnist?"),
        (("resume", "runs/x"), "did you mean framegan train resume=runs/x?"),
        (("sample",), "did you mean framegan generate?"),
        (("help", "trian"), "did you mean framegan train --help?"),
        (("nonsense",), "there are: train, generate, "),
        (("completion", "tcsh"), "framegan completion knows bash, zsh, fish; got tcsh"),
    ],
)
def test_a_slip_in_the_command_itself(words, hint):
    with pytest.raises(SystemExit) as stopped:
        shown(*words)
    assert hint in str(stopped.value)


def test_help_names_the_columns_of_runs():
    assert "these columns: run, status, model, " in shown("runs", "--help")


@pytest.mark.parametrize("command", WITH_SETTINGS)
def test_help_says_what_hydra_would_compose(command):
    page = shown(command, "--help")
    assert page == shown("help", command) == shown(command, "-h")
    folder = str(PROJECT / "conf")
    template = OmegaConf.load(PROJECT / "conf" / f"{command}.yaml").hydra.help.template
    listed = "".join(f"{group}: {', '.join(options)}\n" for group, options in pages.groups().items())
    head = template.partition("$CONFIG")[0].replace("$APP_CONFIG_GROUPS", listed)
    assert page.startswith(head)
    with initialize_config_dir(folder, version_base="1.3"):
        composed = OmegaConf.to_container(compose(command))
    assert OmegaConf.to_container(OmegaConf.create(page.removeprefix(head))) == composed
    if "$APP_CONFIG_GROUPS" in template:
        loader = ConfigLoaderImpl(create_config_search_path(folder))
        for group in ("model", "model/loss", "data", "metrics", "experiments", "trainer"):
            options = loader.get_group_options(group, results_filter=ObjectType.CONFIG)
            assert f"\n{group}: {', '.join(options)}\n" in page


@pytest.mark.parametrize("words", [["--help"], ["model=mlp", "data=digits", "--cfg", "job"]])
def test_a_page_may_be_cut_off(words):
    command = [sys.executable, "-m", "framegan", "train", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as showing:
        showing.stdout.close()
        assert (showing.stderr.read(), showing.wait()) == (b"", 0)


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys; sys.argv = ['framegan', 'train', '--help']; from framegan.cli.main import main; main(); "
        "sys.exit(str({'hydra', 'omegaconf', 'torch', 'numpy'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "", done.stderr
    assert "total_samples: 1_000_000 # length of a run" in done.stdout


@pytest.mark.parametrize("command", ["generate", "evaluate"])
def test_the_first_word_may_be_the_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my run").mkdir()
    assert prepared(command, ["runs/demo", "seed=3"]) == ["checkpoint=runs/demo", "seed=3"]
    assert prepared(command, ["demo"]) == ["checkpoint=demo"]
    assert prepared(command, ["-m", "runs/a,runs/b", "seed=3"])[1] == "checkpoint=runs/a,runs/b"
    assert prepared(command, ["my", "run"]) == ['checkpoint="my run"']
    for words, said in {
        (
            "runs/a",
            "checkpoint=runs/b",
        ): "the run is named twice, checkpoint=runs/a and checkpoint=runs/b; leave one out",
        ("seed=3", "runs/a"): "did you mean checkpoint=runs/a?",
        ("seed", "3"): "did you mean seed=3?",
    }.items():
        with pytest.raises(SystemExit) as stopped:
            prepared(command, words)
        assert said in str(stopped.value)


def test_a_bare_word_to_train():
    for word, said in {"runs/x": "did you mean resume=runs/x?", "nonsense": "nonsense is not a setting"}.items():
        with pytest.raises(SystemExit) as stopped:
            prepared("train", [word])
        assert said in str(stopped.value)


OFFERED = {
    "framegan ": {"train ", "generate ", "new ", "--help "},
    "framegan tr": {"train "},
    "framegan new ": {"model ", "loss ", "data ", "metric "},
    "framegan train mod": {"model="},
    "framegan train model=dcg": {"model=dcgan ", "model=dcgan3d "},
    "framegan train model=dcgan model.generator.w": {"model.generator.width="},
    "framegan train model=dcgan model.generator_o": {"model.generator_optimizer."},
    "framegan train model=dcgan model/lo": {"model/loss="},
    "framegan train resume_changes=t": {"resume_changes=true "},
    "framegan train --mul": {"--multirun "},
    "framegan train data.root=r": {"data.root=runs/"},
    "framegan generate ru": {"runs/"},
    "framegan generate runs/d": {"runs/demo/"},
    "framegan generate runs/demo num_s": {"num_samples="},
    "framegan report ru": {"runs/"},
    "framegan edit ru": {"runs/"},
    "framegan edit a.mp4 b.mp4 rev": {"reverse "},
    "framegan edit a.mp4 b.mp4 scale=2 scale.": {"scale.kernel="},
    "framegan nonsense x": set(),
}


@pytest.mark.parametrize("line", OFFERED)
def test_the_tab_key_offers(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    found = set(words_behind("zsh", line))
    assert found >= OFFERED[line] if line.endswith(" ") else found == OFFERED[line]


@pytest.mark.parametrize(
    ("line", "put_in"),
    [
        ("train model=dcg", "[dcgan ][dcgan3d ]"),
        ("train optimizer@model.generator_optimizer=rms", "[rmsprop ]"),
        (r"train data.root=my\ r", r"[my\ run/]"),
        ("train data.root='my r", "[my run/][my run/...]"),
        ('generate "my r', "[my run/][my run/...]"),
        ("generate my", r"[my\ run/]"),
        ("nonsense x", ""),
    ],
)
def test_bash_puts_in_what_is_offered(line, put_in, tmp_path):
    """It takes a word apart at each =, and puts in the last piece alone."""
    (tmp_path / "my run").mkdir()
    (tmp_path / "framegan").write_text(f'#!/bin/sh\nexec {sys.executable} -m framegan "$@"\n')
    (tmp_path / "framegan").chmod(0o755)
    script = f"""
        PATH={tmp_path}:$PATH
        eval "$(framegan completion bash)"
        complete -p framegan
        COMP_LINE={shlex.quote(f"framegan {line} and more")} COMP_POINT={len(f"framegan {line}")}
        COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
        _framegan
        [ -z "$COMPREPLY" ] || printf '[%s]' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"complete -o nospace -F _framegan framegan\n{put_in}", done.stderr


def test_zsh_and_fish_get_words_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my run").mkdir()
    assert shown("completion", "zsh") == f"{SHELLS['zsh']}\n"
    assert shown("completion", "zsh", r"framegan generate my\ r") == "my\\ run/\n"
    assert shown("completion", "fish", r"framegan generate my\ r") == "my run/\n"
    assert shown("completion", "fish", "framegan tr") == "train\n"
