"""What is exported makes the samples of its checkpoint, without framegan; the card tells of it, and keeps secrets."""

import io
import json
import re
import runpy
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from commands import run, train
from PIL import Image
from small_generators import GENERATORS, config_of
from small_runs import narrow
from torch import nn

import framegan
from framegan import media
from framegan.cli.compose import build
from framegan.export import card, formats, program, write
from framegan.quoting import public

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` isn't installed")
pytest.importorskip("onnxscript", reason="the extra `export` isn't installed")
OF_IMAGES = ("data=synthetic", "trainer=cpu", "data.batch_size=16", "data.resolution=16", "total_samples=32")
OF_CLIPS = ("data=shape_motion", "data.resolution=16", "data.num_frames=4", "trainer=debug", "evaluate_every=null")
MEASURED = ("evaluate_every=16", "callbacks.evaluate.num_samples=16")
SECRET = "0123456789abcdef"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of pictures of four classes."""
    made = tmp_path_factory.mktemp("images") / "run"
    settings = ("model.conditional=true", *OF_IMAGES, *MEASURED)
    assert train(*narrow("dcgan"), *settings, f"hydra.run.dir={made}") is None
    return made


@pytest.fixture(scope="module")
def exported(folder):
    assert run("export", f"checkpoint={folder}", "license=cc-by-4.0") is None
    return folder / "export"


@pytest.mark.parametrize("model", GENERATORS)
def test_every_generator_makes_the_same_samples_as_onnx(model):
    torch.manual_seed(0)
    network = build(config_of(model))
    for parameter in network.parameters():
        if parameter.requires_grad and not parameter.any():  # what begins as nothing would hide that it is wrong
            nn.init.normal_(parameter, std=0.1)
    made = program.Program(network)
    content, far = formats.onnx(made, program.traced(made), {"a": "b"})
    assert far < 1e-5
    session = onnxruntime.InferenceSession(content)
    inputs = {name: value.numpy() for name, value in made.inputs(5).items()}
    required = [one.name for one in session.get_inputs()]
    assert required == [name for name in inputs if name != "truncation"]
    assert session.get_inputs()[0].shape == ["N", made.latent_dim]
    pixels, samples = session.run(None, {name: inputs[name] for name in required})
    assert (samples.shape, samples.dtype) == ((5, *made.shape), np.float32)
    grey = made.shape[0] == 1
    assert (pixels.shape, pixels.dtype) == ((5, 3, *made.shape[1:]), np.uint8)
    assert not grey or (pixels[:, 0] == pixels[:, 2]).all()
    if made.takes_truncation:
        other = session.run(["samples"], inputs | {"truncation": np.array(0.5, np.float32)})[0]
        assert not np.allclose(samples, other, atol=1e-4)


def test_the_files_of_a_run_make_its_samples(folder, exported):
    names = {file.name for file in exported.iterdir()}
    assert names == {"generator.onnx", "generator.pt2", "generator.safetensors", "README.md", "example.py"}
    generator = framegan.load(folder)
    latents, labels = framegan.inputs.draw(generator.network, range(6), category=2)
    expected = generator.sample(6, category=2)
    session = onnxruntime.InferenceSession(exported / "generator.onnx")
    inputs = {"latents": latents.numpy(), "labels": labels.numpy()}
    assert np.abs(session.run(["samples"], inputs)[0] - expected.numpy()).max() < 1e-5
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == generator.classes
    assert (about["samples_seen"], about["weights"]) == (str(generator.samples_seen), "ema")
    module = torch.export.load(exported / "generator.pt2").module()
    pixels, samples = module(latents=latents, labels=labels)
    torch.testing.assert_close(samples, expected, atol=1e-5, rtol=0)
    assert torch.equal(pixels, media.to_pixels(samples))
    from safetensors.torch import load_file

    weights = load_file(exported / "generator.safetensors")
    assert weights.keys() == generator.network.state_dict().keys()
    assert all(torch.equal(weights[name], value) for name, value in generator.network.state_dict().items())


def test_the_example_is_short_and_makes_what_generate_makes(folder, exported, tmp_path, monkeypatch):
    text = (exported / "example.py").read_text()
    assert len(text.splitlines()) <= 16
    assert max(map(len, text.splitlines())) <= 120
    assert "import framegan" not in text
    shutil.copytree(exported, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    runpy.run_path("example.py")
    network = framegan.load(folder).network
    rows = [framegan.sampling.sample(network, [seed], category=seed % 4) for seed in range(8)]
    expected = np.concatenate(media.to_frames(torch.cat(rows)), axis=1).astype(int)
    assert np.abs(np.asarray(Image.open("samples.png")).astype(int) - expected).max() <= 1


def test_the_card_has_what_a_reader_asks_for(folder, exported):
    text = (exported / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "cc-by-4.0"
    for said in (
        " model=dcgan model.generator.width=8",
        "model.conditional=true",
        "| `fd_random_conv2d_",
        '"embedding": "random_conv2d"',
        "`disc` (",
        "fingerprint `",
        "## Intended use",
        "## Limits",
        "opset 18",
        "--input1-model-z-size 100 --input1-model-num-classes 4",
        "--input2 REAL_IMAGES --samples-find-deep --samples-resize-and-crop 16\n",
        "Measured after 32 samples",
    ):
        assert said in text, said
    assert not re.search(r"\n\n\n", text)
    assert card.fidelity(program.Program(build(config_of("mocogan")))) is None, "it scores images"


def test_the_card_says_what_has_trained_these_weights(tmp_path):
    run_folder = tmp_path / "run"
    words = ("model=mlp", "model.generator.widths=[8]", "model.discriminator.widths=[8]", "data=synthetic")
    options = ("trainer=cpu", "data.batch_size=16", "metrics=[]", "sample_every=null", f"hydra.run.dir={run_folder}")
    assert train(*words, *options, "total_samples=32") is None
    options = ("callbacks.checkpoint.keep=9", "seed=1", "resume_changes=true")
    for total in ("total_samples=48", "total_samples=64"):  # the second time it is the same but for the length
        assert train(f"resume={run_folder}", total, *options) is None
    texts = {}
    for name in ("samples_32", "last"):
        checkpoint = f"checkpoint={run_folder}/checkpoints/{name}.ckpt"
        assert run("export", checkpoint, "format=onnx", "weights=raw", f"out={tmp_path / name}") is None
        texts[name] = (tmp_path / name / "README.md").read_text()
    later = "total_samples=48 callbacks.checkpoint.keep=9 seed=1 resume_changes=true  # after 32 samples\n"
    assert (later in texts["samples_32"], later in texts["last"]) == (False, True)
    assert later.strip() in (run_folder / "report.html").read_text()
    gone = "which the run folder no longer describes"
    assert (gone in texts["samples_32"], gone in texts["last"]) == (True, False)
    assert "`framegan generate RUN_FOLDER/checkpoints/last.ckpt seed=3 weights=raw` makes" in texts["last"]


def test_nothing_of_this_machine_and_no_secret_is_in_any_file(folder, tmp_path):
    made = shutil.copytree(folder, tmp_path / "run", ignore=shutil.ignore_patterns("export"))
    about = json.loads((made / "run.json").read_text())
    about["command"] += f" data.root={Path.home()}/photos logger.wandb.api_key={SECRET} init_from=/home/bob/run"
    about["choices"]["data"] = "```\n# <b>|[x](y)"
    about["settings"]["model.generator.path"] = f"{Path.home()}/mine"
    (made / "run.json").write_text(json.dumps(about))
    summary = json.loads((made / "summary.json").read_text())
    (made / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
    framegan.load(made).export(format=["onnx", "pt2", "safetensors"])
    text = (made / "export" / "README.md").read_text()
    assert "The run was still training when this was written." in text
    assert "data.root=~/photos logger.wandb.api_key=*** init_from=~/run" in text
    assert "```` ``` # <b>\\|[x](y) ````" in text
    with zipfile.ZipFile(made / "export" / "generator.pt2") as file:
        parts = [file.read(name) for name in file.namelist()]
    for content in [*parts, *(file.read_bytes() for file in (made / "export").iterdir())]:
        for private in (str(Path.home()), "/home/bob", SECRET, "site-packages", str(Path(framegan.__file__).parent)):
            assert private.encode() not in content


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.root=/home/bob/photos seed=1", "data.root=~/photos seed=1"),
        ("'/Users/ann/x' /homework/x runs/home/x", "'~/x' /homework/x runs/home/x"),
        ("+env={WANDB_API_KEY: 0123, b: 1}", "+env={WANDB_API_KEY: ***, b: 1}"),
        ("password='a b' c", "password=*** c"),
        ("https://me:pw@host/x", "https://***@host/x"),
        ("api_key=${oc.env:WANDB_API_KEY}", "api_key=${oc.env:WANDB_API_KEY}"),
    ],
)
def test_what_others_may_read_of_a_text(text, expected):
    assert public(text) == expected
    assert public(public(text)) == expected


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_export_stays(overwrite, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ValueError, match="holds README.md, which no export has left there; set out to another folder"):
        write.check_place(tmp_path, overwrite=overwrite)


def test_an_earlier_export_stays_unless_asked(folder, exported, tmp_path):
    out = shutil.copytree(exported, tmp_path / "export")
    before = {file: file.read_bytes() for file in out.iterdir()}
    message = run("export", f"checkpoint={folder}", f"out={out}", "format=safetensors")
    assert "README.md, example.py, generator.onnx, generator.pt2, generator.safetensors already" in message
    assert "set overwrite=true" in message
    assert {file: file.read_bytes() for file in out.iterdir()} == before
    assert run("export", f"checkpoint={folder}", f"out={out}", "format=safetensors", "overwrite=true") is None
    assert {file.name for file in out.iterdir()} == {"generator.safetensors", "README.md"}
    assert "\n\n\n" not in (out / "README.md").read_text()
    (out / "example.py").write_text("mine")
    assert run("export", f"checkpoint={folder}", f"out={out}", "format=safetensors", "overwrite=true") is None
    assert (out / "example.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("format=jit",), "format got ['jit']; it should be 'onnx', 'pt2' or 'safetensors'"),
        (("format=[]",), "format got an empty list; choose of onnx, pt2, safetensors"),
        (("num_frames=8",), "this generator makes images"),
        (("weights=best",), "weights got 'best'"),
        (("out={folder}/run.json",), "is a file; an export is several files"),
        (("checkpoint={folder}/run.json",), "run.json"),
        (("checkpoint={folder}/nowhere",), "does not exist"),
    ],
)
def test_slips(folder, tmp_path, settings, message):
    words = [word.format(folder=folder) for word in settings]
    named = [] if any(word.startswith("checkpoint=") for word in words) else [f"checkpoint={folder}"]
    out = [] if any(word.startswith("out=") for word in words) else [f"out={tmp_path / 'out'}"]
    said = run("export", *named, *out, *words)
    assert said.startswith("error: ")
    assert message in said
    assert not (tmp_path / "out").exists()


def test_a_run_without_a_checkpoint_or_a_folder_that_is_read_only(folder, tmp_path, monkeypatch):
    made = shutil.copytree(folder, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    assert "holds no checkpoint" in run("export", f"checkpoint={made}")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert f"{tmp_path} can't be written in" in run("export", f"checkpoint={folder}", f"out={tmp_path / 'a' / 'b'}")
    assert not (tmp_path / "a").exists()


def test_what_is_not_installed_is_said_before_anything_is_made(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    said = run("export", f"checkpoint={folder}", f"out={tmp_path / 'out'}")
    assert (
        'needs onnx, onnxruntime, onnxscript, safetensors, not installed here: pip install "framegan[export]"' in said
    )
    assert run("export", f"checkpoint={folder}", f"out={tmp_path / 'out'}", "format=pt2") is None


def test_clips_of_another_length_with_the_motion_of_their_seeds(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    assert train(*narrow("mocogan"), *OF_CLIPS, f"hydra.run.dir={folder}") is None
    assert run("export", f"checkpoint={folder}", "format=onnx", "num_frames=6", "weights=raw") is None
    text = (folder / "export" / "README.md").read_text()
    assert "`content` 10, `motion` 112" in text
    assert "Nothing was measured of these weights" in text
    assert "torch-fidelity" not in text
    monkeypatch.chdir(folder / "export")
    runpy.run_path("example.py")
    generator = framegan.load(folder, weights="raw")
    number = generator.num_classes
    clips = [framegan.sampling.sample(generator.network, [k], category=k % number, num_frames=6) for k in range(8)]
    expected = np.concatenate(media.to_frames(torch.cat(clips)), axis=2)
    with Image.open("samples.webp") as film:
        assert film.n_frames == 6
        for place in (0, 5):
            film.seek(place)
            assert np.abs(np.asarray(film.convert("RGB")).astype(int) - expected[place]).max() <= 1


class Own(nn.Module):
    """A generator as somebody might write it."""

    def __init__(self, how: str):
        super().__init__()
        self.shape, self.latent_dim, self.how = (3, 2, 2), 4, how
        self.layer = nn.Linear(4, 12)

    def forward(self, latents, labels=None):
        if self.how == "item" and latents[0, 0].item() > 0:
            latents = latents + 1
        start = torch.zeros(len(latents), 4)
        return self.layer(latents + start).tanh().view(-1, *self.shape)


def test_a_generator_of_ones_own_that_counts_its_samples_is_traced():
    made = program.Program(Own("len"))
    assert formats.pt2(made, program.traced(made))[1] == 0


def test_what_cannot_be_traced_or_differs_is_refused():
    with pytest.raises(ValueError, match=r"can't be traced, as torch\.export says: .*format=safetensors"):
        program.traced(program.Program(Own("item")))
    made = program.Program(Own("len"))

    def other(inputs):
        pixels, samples = made(**inputs)
        return pixels, samples + 2e-4

    with pytest.raises(ValueError, match=r"generator\.onnx are up to 0\.0002 from .*0\.0001 is allowed"):
        formats.farthest(made, other, "generator.onnx")
    with pytest.raises(ValueError, match="are up to nan from"):
        formats.farthest(made, lambda inputs: (made(**inputs)[0], made(**inputs)[1] * np.nan), "generator.pt2")


def test_an_export_that_fails_leaves_nothing_behind(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    said = run("export", f"checkpoint={folder}", "format=safetensors", f"out={tmp_path / 'out'}")
    assert "can't be written" in said
    assert "make room" in said
    assert not [*(tmp_path / "out").iterdir()]


def test_metadata_is_json_that_any_reader_takes(exported):
    content = (exported / "generator.safetensors").read_bytes()
    header = json.load(io.BytesIO(content[8 : 8 + int.from_bytes(content[:8], "little")]))
    about = header["__metadata__"]
    assert about["class"] == "framegan.networks.dcgan.Generator"
    assert json.loads(about["shape"]) == [3, 16, 16]
