"""Runs that go wrong: what is not finite, collapse, and what is done about either."""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch
from commands import train
from test_train import rows, state, summary
from worlds import fit, real_batches, tiny_gan

from framegan import collapse, losses
from framegan.callbacks.non_finite import NEVER, NonFinite
from framegan.callbacks.watchdog import guessing_loss
from framegan.collapse import Look, signs, worsened
from framegan.runs import rollback
from framegan.runs.checkpoint import samples_seen_of
from framegan.runs.checkpoint_files import MOST_NAMED, lasting, numbered, prune
from framegan.runs.run_files import RunFiles

SMALL = ("model=mlp", "data=synthetic", "trainer=cpu", "data.batch_size=16", "data.resolution=8")
SHORT = (*SMALL, "model.generator.widths=[32]", "model.discriminator.widths=[32]", "trainer.log_every_n_steps=2")
NOT_EVALUATED = (*SHORT, "evaluate_every=null", "total_samples=320", "checkpoint_every=64")


def looks(*values, losses=(1.0,)):
    return [Look(1000 * (number + 1), value, value, losses) for number, value in enumerate(values)]


def kinds(seen, reached=1.0, guessing=1.386):
    return {sign.kind: sign for sign in signs(seen, {"diversity": reached, "nearest": reached}, guessing)}


def test_distances_of_rows_are_those_of_a_line():
    mean, nearest = collapse.distances(torch.tensor([[0.0], [1.0], [3.0]]))
    assert (mean, nearest) == (2.0, 1.0)


def test_diversity_is_relative_to_real_samples_and_does_not_see_brightness():
    real = collapse.coarse(torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert collapse.relative(real / 2 + 0.3, real) == pytest.approx((0.5, 0.5), rel=1e-4)
    assert collapse.relative(real[:1].expand(20, -1), real) == (0.0, 0.0)


def test_a_few_modes_are_far_apart_and_yet_their_samples_near():
    real = collapse.coarse(torch.rand(40, 1, 4, 16, 16, generator=torch.Generator().manual_seed(0)))
    diversity, nearest = collapse.relative(real[:4].repeat(10, 1), real)
    assert diversity > 0.7
    assert nearest == 0


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 4), (3, 64, 64), (1, 2, 16, 16), (3, 16, 32, 32)])
def test_images_and_clips_of_any_size_are_made_coarse(shape):
    assert collapse.coarse(torch.zeros(2, *shape)).shape[1] <= shape[0] * 8 * 8 * 4


@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_transparent_varies_in_nothing(channels):
    samples = torch.rand(4, channels, 8, 8) * 2 - 1
    samples[:, -1] = -1
    assert torch.equal(collapse.coarse(samples), torch.ones(4, (channels - 1) * 64))
    samples[:, -1] = 1
    assert torch.equal(collapse.coarse(samples), samples[:, :-1].flatten(1))


def test_diversity_that_has_fallen_for_three_looks_is_a_sign():
    assert kinds(looks(1.0, 1.0, 0.3, 0.4)) == {}
    assert kinds(looks(1.0, 1.0, 0.3, 0.6, 0.3, 0.4)) == {}
    found = kinds(looks(1.0, 1.0, 0.3, 0.4, 0.4))
    assert found.keys() == {"diversity", "nearest"}
    assert found["diversity"].since == 2000
    assert "has fallen to 0.40 of that of real ones, from 1.00" in found["diversity"].evidence


def test_diversity_counts_as_reached_where_it_was_held():
    assert collapse.reached(0.0, [0.9] * 4) == 0.0
    assert collapse.reached(0.0, [0.9, 0.2, 0.9, 0.9, 0.9]) == 0.2
    assert collapse.reached(0.3, [0.9, 0.2, 0.9, 0.9, 0.9]) == 0.3
    assert collapse.reached(0.3, [0.1, 3.0, 3.0, 3.0, 3.0, 3.0]) == 1.0
    assert kinds(looks(0.02, 0.01, 0.01), reached=0.04) == {}


def test_samples_that_never_differ_are_a_sign_after_a_while():
    assert kinds(looks(*[0.001] * 7), reached=0.001) == {}
    assert kinds(looks(*[0.001] * 8), reached=0.001).keys() == {"constant"}


@pytest.mark.parametrize(
    ("losses", "kind"), [((0.001, 0.01), "saturation"), ((2.0, 1.5), "fooled"), ((2.0, 1.3), None), ((0.1,), None)]
)
def test_a_discriminator_has_won_or_lost_after_three_looks(losses, kind):
    assert kinds(looks(1.0, 1.0, losses=losses)) == {}
    assert kinds(looks(1.0, 1.0, 1.0, losses=losses)).keys() == ({kind} if kind else set())


def test_a_sign_is_over_once_a_look_says_so():
    def seen(value, *losses):
        return collapse.seen_in(Look(1000, value, value, losses), {"diversity": 1.0, "nearest": 1.0}, 1.386)

    assert seen(0.3, 0.001) == {"diversity", "nearest", "saturation"}
    assert seen(0.9, 1.0) == set()
    assert seen(0.9) == {"saturation", "fooled"}, "nothing was logged since the last look"


@pytest.mark.parametrize("loss", [-100.0, 1.0])
def test_the_loss_of_a_wasserstein_critic_is_not_judged(loss):
    assert kinds(looks(1.0, 1.0, 1.0, losses=(loss,)), guessing=0.0) == {}


def test_metrics_far_from_their_best_are_a_sign():
    def judged(key, *values):
        judged_as = {"fd_x": "distance", "recall_x": "share"}.get(key)
        return worsened(key, [(1000 * (number + 1), *[value] * 3) for number, value in enumerate(values)], judged_as)

    assert judged("fd_x", 9.0, 1.0, 2.9, 2.9) is None
    assert judged("fd_x", 1.0, 4.0) is None
    sign = judged("fd_x", 9.0, 1.0, 4.0, 4.0)
    assert sign.since == 2000
    assert "fd_x is 4, and was 1 at 2,000 samples" in sign.evidence
    assert judged("fd_x", 1.0, 7.0).since == 1000
    assert judged("recall_x", 0.5, 0.2) is None
    assert judged("recall_x", 0.5, 0.2, 0.2).since == 1000
    assert judged("recall_x", 0.0, 0.0, 0.0) is None
    assert judged("kd_x", 0.001, 1.0, 1.0) is None


def test_an_unbiased_distance_has_to_grow_beyond_its_interval():
    def judged(*evaluations):
        curve = [(1000 * (number + 1), *evaluation) for number, evaluation in enumerate(evaluations)]
        return worsened("kd_x", curve, "unbiased distance")

    best, near_0 = (0.001, -0.001, 0.003), (0.004, 0.001, 0.007)
    assert judged(best, near_0, near_0) is None
    assert judged(best, (0.009, 0.0061, 0.012), near_0) is None
    assert judged(best, (0.009, 0.0061, 0.012), (0.03, 0.02, 0.04)).since == 1000


def test_a_share_has_to_fall_beyond_its_interval():
    def judged(*evaluations):
        curve = [(1000 * (number + 1), *evaluation) for number, evaluation in enumerate(evaluations)]
        return worsened("recall_x", curve, "share")

    noisy = [(0.06, 0.01, 0.11), (0.02, 0.0, 0.05), (0.01, 0.0, 0.04)]
    assert judged(*noisy) is None
    assert judged((0.6, 0.5, 0.7), *noisy).since == 1000
    assert judged((0.6, 0.5, 0.7), (0.28, 0.2, 0.36), (0.28, 0.2, 0.36)) is None


def test_guessing_costs_what_the_best_of_all_equal_logits_costs():
    assert guessing_loss(tiny_gan()) == pytest.approx(1.3863, abs=1e-4)
    assert guessing_loss(tiny_gan(loss=losses.LeastSquares())) == 0.25  # Mao et al. 2017, Equation 9, at 1/2
    assert guessing_loss(tiny_gan(loss=losses.Hinge())) == 2
    assert guessing_loss(tiny_gan(loss=losses.Wasserstein())) == 0


def test_what_was_first_not_finite_is_remembered(tmp_path):
    watch = NonFinite()
    fit(tiny_gan(), real_batches(2), callbacks=[watch])
    assert watch.first.tolist() == [NEVER] * 4
    batches = real_batches(4)
    batches[2, 0] = torch.nan
    with pytest.raises(rollback.TrainingEndedError, match="the discriminator loss, after 16 samples"):
        fit(tiny_gan("none"), batches, callbacks=[watch], folder=tmp_path)
    assert watch.first.tolist() == [16] * 4


def test_the_factor_multiplies_both_learning_rates():
    gan = fit(tiny_gan(learning_rate_factor=0.25), real_batches(1))
    assert [optimizer.param_groups[0]["lr"] for optimizer in gan.trainer.optimizers] == [0.0025, 0.0025]


@pytest.fixture
def nan_after(monkeypatch):
    """Make the generator's loss NaN from a number of samples on, while its learning rate is above a limit."""
    from framegan.gan import GAN

    honest = GAN.generator_loss

    def begin(samples_seen, above=0.0):
        def loss(gan, *args):
            bad = int(gan.samples_seen) >= samples_seen and gan.learning_rate_factor > above
            return honest(gan, *args) * (float("nan") if bad else 1.0)

        monkeypatch.setattr(GAN, "generator_loss", loss)

    return begin


def test_nan_stops_a_run_and_keeps_the_last_good_checkpoint(nan_after, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nan_after(144)
    message = train(*NOT_EVALUATED, 'hydra.run.dir="lr=1"')
    assert message.startswith("error: not finite: the generator loss, after 144 samples (noticed at 176)")
    assert re.search(r"by now \d+ of 8 parameters, first generator\.", message)
    assert "The last good checkpoint is lr=1/checkpoints/kept_128.ckpt (128 samples)." in message
    (line,) = re.findall(r"python \S+train.py (.*)", message)
    going_on = shlex.split(line)
    assert going_on == ['resume="lr=1/checkpoints/kept_128.ckpt"', "on_nan=rollback"]
    for path in (tmp_path / "lr=1" / "checkpoints").iterdir():
        weights = torch.load(path, weights_only=True)["state_dict"]
        assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())
        assert int(weights["samples_seen"]) <= 128
    kept = json.loads((tmp_path / "lr=1" / "summary.json").read_text())
    assert kept["status"] == "failed"
    assert "not finite" in kept["reason"]
    assert train(*going_on, "max_rollbacks=0").startswith("error: not finite")


def test_weights_that_are_not_finite_are_not_saved(tmp_path, monkeypatch):
    """The last step of a run can spoil them without a loss or gradient that shows it."""
    monkeypatch.chdir(tmp_path)
    options = ("optimizer@model.generator_optimizer=rmsprop", "model.generator_optimizer.lr=3e38", "total_samples=16")
    message = train(*NOT_EVALUATED, *options, "hydra.run.dir=run")
    assert message.startswith("error: not finite: the weights")
    assert "No checkpoint is from before that." in message
    assert not list((tmp_path / "run").glob("checkpoints/*.ckpt"))


def test_nan_sends_a_run_back_with_half_of_the_rates(nan_after, tmp_path):
    nan_after(144, above=0.3)
    assert train(*NOT_EVALUATED, "on_nan=rollback", f"hydra.run.dir={tmp_path / 'run'}") is None
    past = rollback.past_rollbacks(tmp_path / "run")
    assert [(entry["to"], entry["learning_rate_factor"]) for entry in past] == [(128, 0.5), (128, 0.25)]
    assert summary(tmp_path / "run")["samples_seen"] == 320
    found = rows(tmp_path / "run")
    assert [int(row["samples_seen"]) for row in found] == [16, 48, 80, 112, *range(144, 321, 32)]
    assert {float(row["generator/lr"]) for row in found[4:]} == {0.25 * float(found[0]["generator/lr"])}
    assert train(f"resume={tmp_path / 'run'}", "total_samples=352") is None
    assert float(rows(tmp_path / "run")[-1]["generator/lr"]) == 0.25 * float(found[0]["generator/lr"])


def test_a_run_goes_back_a_bounded_number_of_times(nan_after, tmp_path):
    nan_after(32)
    message = train(*NOT_EVALUATED, "on_nan=rollback", "max_rollbacks=2", f"hydra.run.dir={tmp_path / 'run'}")
    assert "The run was rolled back 2 times already" in message
    assert [entry["to"] for entry in rollback.past_rollbacks(tmp_path / "run")] == [0, 0]


COLLAPSING = (
    *(*SHORT, "total_samples=640", "callbacks.watchdog.every=32", "callbacks.evaluate.num_samples=50"),
    *("checkpoint_every=64", "callbacks.checkpoint.keep=20", "evaluate_every=64"),
)


@pytest.fixture
def constant_after(monkeypatch):
    """Make every sample of the generator the same from a number of samples on, while its rate is above a limit."""
    from framegan import inputs
    from framegan.gan import GAN

    honest, clock = inputs.draw, {}
    step = GAN.training_step

    def begin(samples_seen, above=0.0):
        def noted(gan, *args):
            clock["bad"] = int(gan.samples_seen) >= samples_seen and gan.learning_rate_factor > above
            return step(gan, *args)

        def draw(generator, seeds, *args, **choices):
            return honest(generator, [0] * len(seeds) if clock.get("bad") else seeds, *args, **choices)

        monkeypatch.setattr(GAN, "training_step", noted)
        monkeypatch.setattr(inputs, "draw", draw)

    return begin


def test_collapse_is_told_once_and_what_is_named_is_still_that_when_it_is_read(constant_after, tmp_path, capfd):
    """Neither what comes after, nor resuming from it, replaces or removes a checkpoint that a warning names."""
    constant_after(320)
    few = (*COLLAPSING, "callbacks.checkpoint.keep=1", "objective=fd")
    assert train(*few, f"hydra.run.dir={tmp_path / 'run'}") is None
    printed = capfd.readouterr().out
    said = [line for line in printed.splitlines() if line.startswith("warning")]
    assert len([line for line in said if "most similar sample has fallen to 0.00 of that of real ones" in line]) == 1
    assert "collapsed after 320 samples (noticed at 416)" in said[0]
    assert "samples/fake" in said[0]
    kept = summary(tmp_path / "run")
    assert kept["status"] == "collapsed"
    assert "collapsed after 320 samples (noticed at 416)" in kept["reason"]
    found = [float(row["watchdog/diversity"]) for row in rows(tmp_path / "run") if row["watchdog/diversity"]]
    assert all(value > 0 for value in found[:10])
    assert found[10:] == [0.0] * 10
    named = {Path(path): int(seen) for path, seen in re.findall(r"checkpoint is (\S+) \((\d+) samples\)", printed)}
    assert named
    assert {samples_seen_of(path) for path in named} == set(named.values())
    assert max(named.values()) <= 320
    first, clock = min(named.items(), key=lambda item: item[1])
    assert first.name == f"kept_{clock}.ckpt"
    assert train(f"resume={first}", "total_samples=448") is None
    assert samples_seen_of(first) == clock
    unnamed = [path for path in numbered(tmp_path / "run" / "checkpoints") if path.name not in {p.name for p in named}]
    assert len(unnamed) == 1


def test_the_checkpoints_that_are_kept_for_their_names_are_bounded(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for clock in range(1, 41):
        torch.save({}, folder / "last.ckpt")
        assert lasting(folder / "last.ckpt", clock) == folder / f"kept_{clock}.ckpt"
        prune(folder, keep=0)
    assert len(numbered(folder)) == MOST_NAMED


def test_collapse_stops_a_run(constant_after, tmp_path):
    constant_after(320)
    message = train(*COLLAPSING, "on_collapse=stop", f"hydra.run.dir={tmp_path / 'run'}")
    assert message.startswith("error: training seems to have collapsed after 320 samples (noticed at 416)")
    (number,) = re.findall(r"last good checkpoint is \S+run/checkpoints/kept_(\d+).ckpt \(\1 samples\)", message)
    assert int(number) <= 320
    kept = summary(tmp_path / "run")
    assert (kept["status"], kept["samples_seen"]) == ("collapsed", 416)
    assert "collapsed after 320 samples" in kept["reason"]
    assert "collapsed after 320 samples" in (tmp_path / "run" / "report.html").read_text()


def test_collapse_sends_a_run_back_to_its_best_checkpoint(constant_after, tmp_path):
    constant_after(320, above=0.6)
    options = ("on_collapse=rollback", "objective=fd")
    assert train(*COLLAPSING, *options, f"hydra.run.dir={tmp_path / 'run'}") is None
    (entry,) = rollback.past_rollbacks(tmp_path / "run")
    assert entry["to"] <= 320
    assert entry["setting"] == "on_collapse"
    kept = summary(tmp_path / "run")
    assert (kept["status"], kept["reason"], kept["samples_seen"]) == ("finished", None, 640)
    (notice,) = RunFiles(tmp_path / "run").notices
    assert notice.samples_seen == entry["samples_seen"]
    assert notice.text.startswith(f"rolled back to {entry['to']} samples, learning rates x0.5: training seems to have")
    assert int(state(tmp_path / "run")["state_dict"]["samples_seen"]) == 640


def test_going_back_prefers_the_best_and_forgets_what_came_after(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    clocks = {"samples_10": 10, "best": 10, "samples_20": 20, "samples_30": 30, "last": 30}
    for name, clock in clocks.items():
        torch.save({"state_dict": {"samples_seen": torch.tensor(clock)}}, folder / f"{name}.ckpt")
    trouble = rollback.Trouble("x", began=25, noticed=30, advice="y", setting="on_collapse", best_is_good=True)
    assert rollback.good_checkpoint(tmp_path, trouble) == (folder / "best.ckpt", 10)
    ending = rollback.ending_of(tmp_path, trouble, "rollback", max_rollbacks=3)
    assert ending.starts_over
    assert ending.checkpoint == folder / "last.ckpt"
    assert {path.stem for path in folder.iterdir()} == {"samples_10", "best", "last"}
    assert samples_seen_of(folder / "last.ckpt") == 10
    assert rollback.learning_rate_factor(tmp_path) == 0.5


def test_going_back_passes_over_what_is_damaged(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for name, clock in {"samples_10": 10, "samples_20": 20, "best": 20, "last": 30}.items():
        torch.save({"state_dict": {"samples_seen": torch.tensor(clock)}}, folder / f"{name}.ckpt")
    trouble = rollback.Trouble("x", began=25, noticed=30, advice="y", setting="on_collapse", best_is_good=True)
    (folder / "best.ckpt").write_bytes(b"")
    assert rollback.good_checkpoint(tmp_path, trouble) == (folder / "samples_20.ckpt", 20)
    (folder / "samples_20.ckpt").write_bytes((folder / "samples_20.ckpt").read_bytes()[:-100])
    assert "Rolled back to 10 samples" in rollback.ending_of(tmp_path, trouble, "rollback", max_rollbacks=3).message
    assert samples_seen_of(folder / "last.ckpt") == 10


def test_another_run_in_the_same_folder_has_the_full_learning_rates(tmp_path, capsys):
    (tmp_path / "rollbacks.json").write_text(
        '[{"samples_seen": 32, "to": 0, "setting": "on_nan", "reason": "x", "learning_rate_factor": 0.5}]'
    )
    assert train(*NOT_EVALUATED, "resume=auto", "total_samples=32", f"hydra.run.dir={tmp_path}") is None
    assert "rates    x0.5 after a rollback" in capsys.readouterr().out
    for path in (tmp_path / "checkpoints").iterdir():
        path.unlink()
    assert train(*NOT_EVALUATED, "total_samples=32", f"hydra.run.dir={tmp_path}") is None
    assert "rates" not in capsys.readouterr().out
    assert not (tmp_path / "rollbacks.json").exists()


def test_a_resumed_run_looks_and_judges_like_one_never_stopped(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    options = (*COLLAPSING, "callbacks.watchdog.every=48", "callbacks.evaluate.num_samples=50")
    assert train(*options, "total_samples=192", f"hydra.run.dir={whole}") is None
    assert train(*options, "total_samples=96", f"hydra.run.dir={parts}") is None
    assert train(f"resume={parts}", "total_samples=192") is None
    timing = ("samples_per_second", "data_wait_fraction")
    assert rows(whole, *timing)[-1]["watchdog/nearest"] != ""
    ours, theirs = (
        next(value for key, value in state(folder)["callbacks"].items() if key.startswith("Watchdog"))
        for folder in (whole, parts)
    )
    for name in ("looks", "reached", "losses", "told"):
        assert ours[name] == theirs[name]


def test_two_ranks_go_back_together(tmp_path, capfd):
    """Rates that are too large by far spoil the second step, until they have been halved away."""
    folder = tmp_path / "run"
    options = ("trainer.devices=2", "on_nan=rollback", "max_rollbacks=1", "model.generator_optimizer.lr=1e38")
    said = str(train(*NOT_EVALUATED, *options, f"hydra.run.dir={folder}"))
    printed = capfd.readouterr()
    assert printed.out.count("Rolled back to 0 samples") == 1
    assert said.count("The run was rolled back 1 times already") == 1
    assert "Traceback" not in printed.err
    assert len(json.loads((folder / "rollbacks.json").read_text())) == 1
