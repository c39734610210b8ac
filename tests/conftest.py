"""Small worlds in which one training step is quick."""

import gc
import os
import shutil
import signal
import sys
from functools import cache

import composed_once
import omegaconf
import pytest
import torch
import yaml
from hydra._internal.hydra import Hydra
from hydra.types import RunMode

os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of what tests start; two of them run side by side

MULTIRUN = "hydra.mode=MULTIRUN"


def mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> RunMode | None:
    """Return what Hydra composes the whole configuration for once more: no YAML of ours sets it."""
    return RunMode.MULTIRUN if MULTIRUN in overrides else None


Hydra.get_mode = mode  # type: ignore[method-assign]
yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # type: ignore[misc]
omegaconf.base.parse = omegaconf._utils.parse = cache(omegaconf.grammar_parser.parse)  # type: ignore[attr-defined]
"""These three are a third of the time of a small run: the same texts are parsed again and again."""
composed_once.install()


def pytest_collection_finish():
    """Leave out what is imported and collected by now whenever garbage is looked for: it never becomes any."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def statistics_of_their_own(tmp_path_factory):
    """Keep the features of real samples out of the user's own cache."""
    os.environ["FRAMEGAN_STATISTICS"] = str(tmp_path_factory.mktemp("statistics"))


@pytest.fixture(autouse=True)
def one_thread_each():
    """Keep parallel test processes from fighting over the cores."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def ctrl_c_as_it_was():
    """Let no test that runs the command in this process, which answers Ctrl-C, leave others without its exception."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def nothing_imported_stays(tmp_path_factory, monkeypatch):
    """Let no test find the packages that another one has written and imported in the same process."""
    before = {*sys.modules}
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    folder = str(tmp_path_factory.getbasetemp())
    for name in sys.modules.keys() - before:
        spec = getattr(sys.modules[name], "__spec__", None)
        places = (spec.origin, *(spec.submodule_search_locations or ())) if spec else ()
        if any(str(place).startswith(folder) for place in places):
            del sys.modules[name]


@pytest.fixture(scope="session")
def run_of_clips(tmp_path_factory):
    """A MoCoGAN's run folder of two classes, left and right, moved to where no data are; nothing is written there."""
    from commands import train
    from small_clips import write_videos
    from small_runs import narrow

    made = tmp_path_factory.mktemp("made") / "run"
    write_videos(made.parent / "videos")
    videos = ("data=video_folder", f"data.root={made.parent / 'videos'}", "data.frame_stride=2", "trainer=debug")
    small = ("data.resolution=16", "data.num_frames=4", "evaluate_every=null")
    assert train(*narrow("mocogan"), *videos, *small, f"hydra.run.dir={made}") is None
    moved = tmp_path_factory.mktemp("moved") / "run"
    shutil.move(made, moved)
    return moved


@pytest.fixture(scope="session")
def run_of_images(tmp_path_factory):
    """A conditional DCGAN's run folder, likewise, whose weights are so large that its samples aren't all grey."""
    from commands import train
    from small_runs import narrow

    made = tmp_path_factory.mktemp("images") / "run"
    small = ("model.conditional=true", "data=synthetic", "data.resolution=16", "trainer=debug", "evaluate_every=null")
    assert train(*narrow("dcgan"), *small, f"hydra.run.dir={made}") is None
    checkpoint = torch.load(made / "checkpoints" / "last.ckpt", weights_only=True)
    for name, weights in checkpoint["state_dict"].items():
        if weights.ndim > 1 and name.startswith("generator"):
            weights *= 15 if name.startswith("generator_ema") else 8
    torch.save(checkpoint, made / "checkpoints" / "last.ckpt")
    return made


@pytest.fixture(scope="session")
def run_that_enlarges(tmp_path_factory):
    """A super-resolution run of coloured images, likewise, that makes something else than bicubic."""
    from commands import train
    from small_runs import narrow

    made = tmp_path_factory.mktemp("enlarges") / "run"
    small = ("data=synthetic", "data.resolution=16", "trainer=debug", "evaluate_every=null")
    assert train(*narrow("espcn"), *small, f"hydra.run.dir={made}") is None
    checkpoint = torch.load(made / "checkpoints" / "last.ckpt", weights_only=True)
    for name, weights in checkpoint["state_dict"].items():
        if weights.ndim > 1 and name.startswith("generator_ema.layers"):
            weights *= 4
    torch.save(checkpoint, made / "checkpoints" / "last.ckpt")
    return made


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture
def new_page(browser):
    """Make a page that waits for things as long as a busy machine may need, rather than 30 s at most."""

    def make(**options):
        made = browser.new_page(**options)
        made.set_default_timeout(120_000)
        return made

    return make
