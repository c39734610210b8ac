"""Values and paths as people have them: what is typed is what a script gets, whatever Hydra's grammar makes of it."""

import random
import shlex

import pytest
from commands import PROJECT, prepared, run, train
from hydra.core.override_parser.types import QuotedString
from omegaconf import OmegaConf
from small_files import write_images

from framegan.cli.command_line import as_typed, elements, parsed, split
from framegan.quoting import command, to_type

ODD = ["photos (1)", "Tom's", "ünï", "x#y", "a=b", "a,b", "$HOME", "a{b}", "{a}", "[a]", " x ", "2024", "1_000", "1e5"]
ODD += ["true", "nan", "a\\b", "C:\\x", "x\\", "a:b", "'a", '"', 'it\'s "both"', "a;b&c", "@x", "-x", "%d"]
ODD += ["a\tb", "~x y"]
ODD += ["choice", "photos(1)", "f(a,b)", "a]b", "007", "+x", "x!", "<x>", "`x`", "x*?", "日本", "😀", "a  b"]
ODD += ["!x", "^x|y"]


def understood(argument: str):
    """Return the text that Hydra gets of an argument."""
    override = parsed(argument)
    assert override is not None, argument
    return override._value.text if isinstance(override._value, QuotedString) else override.value()


@pytest.mark.parametrize("key", ["data.root", "checkpoint", "+data.cache_dir", "hydra.run.dir", "metrics.x.weights"])
def test_a_path_is_taken_as_it_is_typed(key):
    for name in ODD:
        typed = as_typed(f"{key}=../{name}", sweeps=False)
        assert understood(typed) == f"../{name}"
        assert understood(as_typed(f"{key}={name}", sweeps=False)) == name
        assert as_typed(typed, sweeps=False) == typed, "twice is once"


def test_any_path_is_taken_as_it_is_typed():
    letters = "ab1_ .,'\"\\()[]{}$#=:;~+-@é"
    for seed in range(300):
        drawn = random.Random(seed)
        name = "x" + "".join(drawn.choices(letters, k=drawn.randint(1, 8)))
        if name.startswith("${") or "${" in name:
            continue
        assert understood(as_typed(f"out={name}", sweeps=False)) == name
        (word,) = shlex.split(to_type("out", name))
        assert understood(as_typed(word, sweeps=False)) == name, "what is printed is read back"
        typed = as_typed(f"logger.wandb.name={name}", sweeps=False)
        assert parsed(typed) is not None, "no value is too odd for Hydra"


def test_the_home_folder_is_expanded_but_in_quotes(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert as_typed("data.root=~/photos", sweeps=False) == "data.root=/home/me/photos"
    assert as_typed("data.root=~", sweeps=False) == "data.root=/home/me"
    assert understood(as_typed("data.root=~/a b", sweeps=False)) == "/home/me/a b"
    assert as_typed("data.root='~/photos'", sweeps=False) == "data.root='~/photos'"
    assert as_typed("data.root=~/a,~/b c", sweeps=True) == 'data.root=/home/me/a,"/home/me/b c"'


@pytest.mark.parametrize(
    "argument",
    [
        *("data.root=null", "data.root='a b'", 'data.root="it\'s"', "data.root=choice(a,b)", "metrics=[fid,fvd]"),
        *("model.head_weights={frame: 1}", "seed=range(1,4)", "total_samples=${seed}", "logger.wandb.name=a\\,b"),
        *("model.generator_optimizer.lr=interval(1e-4,1e-3)", "model=glob(m*)", "total_samples=1_000", "logger.x="),
    ],
)
def test_what_means_something_to_hydra_keeps_its_meaning(argument):
    assert as_typed(argument, sweeps=False) == argument


def test_interpolations_in_paths_are_resolved_whatever_is_beside_them():
    text = as_typed("hydra.run.dir=runs/it's ${seed}", sweeps=False)
    assert OmegaConf.create({"seed": 3, "out": understood(text)}).out == "runs/it's 3"


def test_sweeps_take_each_value_as_it_is_typed():
    (override,) = map(parsed, [as_typed("data.root=../Tom's,'a,b',2024,${x:a,b}", sweeps=True)])
    values = [getattr(value, "text", value) for value in override.sweep_iterator()]
    assert values == ["../Tom's", "a,b", "2024", "${x:a,b}"]
    assert understood(as_typed("hydra.sweep.dir=../a,b", sweeps=True)) == "../a,b", "no sweep goes over Hydra's own"


def test_elements_of_lists_are_taken_as_they_are_typed():
    assert parsed(as_typed("logger.wandb.tags=[it's,x#y,1]", sweeps=False)).value() == ["it's", "x#y", 1]
    assert elements("'x,y',Tom's,${a:b,c}") == ["'x,y'", "Tom's", "${a:b,c}"]


def test_the_folder_of_a_sweep_s_run_is_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = "sweeps/lr=1e-4,width=8/lr=0.0001,width=8", "sweeps/mine/seed=0"
    for name in (first, second):
        (tmp_path / name).mkdir(parents=True)
    assert prepared("generate", [second, "seed=3"]) == [as_typed(f"checkpoint={second}", sweeps=False), "seed=3"]
    of_both = [as_typed(f"checkpoint={first}", sweeps=False), f'beside=["{second}"]']
    assert prepared("play", [first, second]) == prepared("play", [first, f"beside={second}"]) == of_both
    assert parsed(prepared("play", [second, f"beside={first}"])[1]).value() == [first]
    monkeypatch.chdir(tmp_path / "sweeps" / "mine")
    assert understood(prepared("generate", ["seed=0/"])[0]) == "seed=0/"
    assert prepared("generate", [f"../../{second}", "seed=0"])[1] == "seed=0"


def test_a_run_has_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOT_SET", raising=False)
    for key in ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"):
        sweep = ["-m", "seed=0,1"] if "sweep" in key else []
        command = ("model=mlp", "data=digits", *sweep)
        assert f"{key}= is empty; is a variable not set?" in train(*command, f"{key}=")
        said = train(*command, f"{key}=${{oc.env:NOT_SET}}")
        why = "Environment variable 'NOT_SET' not found"
        assert said == f"error: {key} can't be filled in: {why}; set it to a folder, or leave it out"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("subdir", ["here", "${trainer.devices}", "of_${data.batch_size}"])
def test_jobs_of_a_sweep_have_folders_of_their_own(subdir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = train("-m", "seed=0,1", "model=mlp", "data=digits", f"hydra.sweep.subdir={subdir}")
    assert f"hydra.sweep.subdir={subdir} gives several jobs of the sweep one folder; leave it out, or " in said
    assert not [*tmp_path.iterdir()]


def test_a_path_with_a_space_and_an_equals_sign_is_one_where_it_exists(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="is one argument"):
        prepared("train", ["model=dcgan", "data=image_folder", "data.root=~/photos a=b"])
    (tmp_path / "photos a=b").mkdir()
    *_, root = prepared("train", ["model=dcgan", "data=image_folder", "data.root=~/photos a=b"])
    assert understood(root) == f"{tmp_path}/photos a=b"


def test_a_name_that_is_not_utf_8_is_refused():
    with pytest.raises(SystemExit, match="is not UTF-8; rename what it names"):
        prepared("train", ["model=dcgan", "data=image_folder", "data.root=\udcff"])


def test_options_are_told_from_settings():
    words = ["--cfg", "job", "a=b", "-m", "--info", "x=1", "--config-dir", "mine", "--config-name=z", "--resume"]
    options = ["--cfg", "job", "-m", "--info", "--config-dir", "mine", "--config-name=z"]
    assert split(words) == (options, ["a=b", "x=1", "--resume"])


def test_printed_lines_are_typed_as_the_process_was(tmp_path, monkeypatch):
    assert command("train", "a=1") == "framegan train a=1"
    monkeypatch.setattr("sys.argv", [str(PROJECT / "src" / "train.py"), "a=1"])
    monkeypatch.chdir(PROJECT)
    assert command("train", "a=1") == "python src/train.py a=1"
    assert command("classifier") == "python src/train_classifier.py"
    monkeypatch.chdir(PROJECT / "docs")
    assert command("train") == "python ../src/train.py"
    monkeypatch.chdir(tmp_path)
    assert command("generate", "x") == f"python {shlex.quote(str(PROJECT / 'src' / 'generate.py'))} x"


def test_a_run_with_odd_names_everywhere(tmp_path, monkeypatch):
    """Trained on two ranks, sampled and resumed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "Tom's photos (1), ünï#2=x", 16)
    small = ("model.generator.widths=[8]", "model.discriminator.widths=[8]", "trainer=cpu", "data.batch_size=4")
    root = "data.root=~/Tom's photos (1), ünï#2=x"
    line = ("model=mlp", "data=image_folder", root, "data.resolution=8", *small, "evaluate_every=null")
    assert run("train", *line, "total_samples=8", "hydra.run.dir=~/it's $1, [2]", "trainer.devices=2") is None
    assert run("generate", "checkpoint=~/it's $1, [2]", "num_samples=2", "batch_size=2", "out=~/a (b)/{c}") is None
    assert len(list((tmp_path / "a (b)" / "{c}").glob("*.png"))) == 2
    assert run("train", "resume=~/it's $1, [2]", "total_samples=12", "trainer.devices=1") is None
    assert OmegaConf.load(tmp_path / "it's $1, [2]" / ".hydra" / "config.yaml").data.root == str(
        tmp_path / "Tom's photos (1), ünï#2=x"
    )
