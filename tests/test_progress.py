"""What is shown and logged while a run goes on: fresh values, on one display."""

import io
import re
import time
from itertools import pairwise

import pytest
import torch
from lightning.fabric.accelerators import MPSAccelerator
from lightning.pytorch import Callback
from rich.console import Console, Group
from rich.text import Text
from torch.utils.data import DataLoader
from worlds import Record, fit, real_batches, tiny_gan

from framegan.callbacks.every import Every
from framegan.callbacks.log_metrics import LogMetrics
from framegan.callbacks.progress import ProgressBar
from framegan.files import live
from framegan.trainer import GANTrainer


def test_the_screen_shows_means_since_it_was_last_read():
    bar, kept = ProgressBar(total_samples=64, seconds_between_lines=1e9), Record()
    bar.console = Console(file=io.StringIO(), highlight=False, width=200)

    class Read(Callback):
        def on_train_batch_end(self, trainer, gan, outputs, batch, batch_idx):
            bar.seconds_between_lines = 1e9 if batch_idx != 5 else 1e-9

    fit(tiny_gan(), real_batches(6), callbacks=[kept, Read(), bar], log_every_n_steps=1)
    (line,) = bar.console.file.getvalue().splitlines()
    shown = re.fullmatch(r" +48 / 64 samples  D (\S+)  G (\S+)  samples/s \S+", line)
    for value, key in zip(shown.groups(), ("discriminator/loss", "generator/loss"), strict=True):
        mean = torch.stack([measured[key] for measured in kept.measured]).mean().item()
        assert float(value) == pytest.approx(mean, abs=0.006)
    assert bar.losses == {}


def test_the_speed_in_the_rows_is_that_of_training(monkeypatch):
    """As on the screen: a row that evaluation comes before isn't slow."""

    class Slow(Every):
        is_evaluation = True

        def act(self):
            time.sleep(1)

    monkeypatch.setattr(DataLoader, "seconds_waited", 0.0, raising=False)
    gan = tiny_gan()
    fit(gan, real_batches(2), callbacks=[Slow(8), LogMetrics()], log_every_n_steps=1)
    assert gan.trainer.run.metrics["samples_per_second"] > 8


def test_a_short_run_has_a_curve_and_a_long_one_no_more_rows_than_before():
    trainer = GANTrainer(accelerator="cpu")
    assert all(trainer.is_logged(step) for step in range(16))
    logged = [step for step in range(10_000) if trainer.is_logged(step)]
    assert max(later - step for step, later in pairwise(logged)) <= 96
    assert len(logged) < 10_000 / 50 + 60
    assert [step for step in range(9) if GANTrainer(accelerator="cpu", log_every_n_steps=4).is_logged(step)] == [
        0,
        4,
        8,
    ]


def test_the_generator_is_in_the_rows_however_seldom_it_moves():
    kept = Record()
    fit(tiny_gan(discriminator_steps=3), real_batches(12), callbacks=[kept], log_every_n_steps=5)
    assert [bool(measured) for measured in kept.measured] == [n in (0, 2, 5, 10, 11) for n in range(12)]
    assert all("generator/loss" in kept.measured[n] for n in (2, 5, 11))


def test_what_is_measured_in_pieces_is_the_mean_of_the_batch():
    measured = []
    for micro_batches in (1, 3):
        kept = Record()
        fit(tiny_gan("none").double(), real_batches(2).double(), callbacks=[kept],
            micro_batches=micro_batches, log_every_n_steps=1)  # fmt: skip
        measured.append(kept.measured[0])
    assert measured[0].keys() == measured[1].keys()
    for key, value in measured[0].items():
        torch.testing.assert_close(measured[1][key], value, rtol=1e-9, atol=1e-9, msg=key)


def test_two_progresses_share_one_display():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    line = live.Line(100, 10, console)
    line.update(10, "training")
    seen = []
    for item in live.track("abc", "features", 3):
        line.display.refresh()
        seen.append((item, len(line.display.tasks)))
    assert seen == [("a", 2), ("b", 2), ("c", 2)]
    assert [task.fields["text"] for task in line.display.tasks] == ["training"]
    assert "features 1 / 3" in console.file.getvalue()
    line.end()
    assert list(live.track("ab", "features", 2)) == ["a", "b"]


def test_the_display_leaves_room_for_what_is_typed():
    """Ctrl-C shows as ^C at its end; on a full line it would begin another one, and each redraw would tear."""
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    line = live.Line(100, 10, console)
    line.update(10, "of many samples " * 5, Group(Text("word " * 50, no_wrap=True, overflow="ellipsis")))
    assert live.notice("SIGINT: " + "finishing the batch " * 6)
    live.refresh()
    line.end()
    assert not live.notice("nobody sees this")
    shown = [Text.from_ansi(one).cell_len for one in re.split(r"\n|\r|\x1b\[\dA", console.file.getvalue())]
    assert 50 < max(shown) <= 60 - live.FREE
    assert "\x1b[?25l\x1b[?25h" in console.file.getvalue(), "the cursor stays, whatever ends the process"


def test_auto_leaves_the_gpus_of_apple_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(MPSAccelerator, "is_available", staticmethod(lambda: True))
    assert GANTrainer("auto").strategy.root_device == torch.device("cpu")
