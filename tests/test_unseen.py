"""What weights were trained on, in this run or before it, is never judged as unseen."""

import json
import shutil

import numpy as np
import pytest
import torch
from commands import run, train
from small_clips import write_videos
from small_files import write_images
from small_runs import narrow

from framegan.cli import run_data
from framegan.data.fingerprint import inventory_of
from framegan.data.held_out import held_out
from framegan.data.identities import identities_of, packed, unpacked
from framegan.data.images.image_folder import ImageFolder
from framegan.data.published.digits import digits
from framegan.data.source import TensorSource
from framegan.data.videos.clips import Clips
from framegan.data.videos.video_folder import VideoFolder
from framegan.runs.records import TrainedOn

SMALL = (*narrow("espcn"), "data=digits", "data.resolution=16", "trainer=cpu", "data.batch_size=16", "total_samples=32")
JUDGED = ("metrics=super_resolution", "metrics.super_resolution.num_samples=4", "callbacks.samples.num_samples=4")
NOT_JUDGED = ("~metrics.super_resolution", "callbacks.samples.num_samples=4")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run that has learned from two of the ten digits."""
    folder = tmp_path_factory.mktemp("first") / "run"
    assert train(*SMALL, *JUDGED, "data.classes=[3,5]", f"hydra.run.dir={folder}") is None
    return folder


def test_what_a_run_begins_with_was_trained_on_is_not_unseen(first, tmp_path):
    def begun(name, origin, *settings):
        return train(*SMALL, f"init_from={origin}", f"hydra.run.dir={tmp_path / name}", *settings)

    said = "of these, in this run or before it"
    assert said in begun("all", first, *JUDGED)
    assert begun("same", first, *JUDGED, "data.classes=[3,5]") is None, "the same samples are held out"
    assert said in begun("more", first, *JUDGED, "data.classes=[3,5]", "metrics.super_resolution.held_out=0.5")
    assert begun("others", first, *JUDGED, "data.classes=[1,2]") is None, "the first run had none of these"
    assert len(json.loads((tmp_path / "others" / "data.json").read_text())["earlier"]) == 1
    assert said in begun("again", tmp_path / "others", *JUDGED, "data.classes=[0,3]"), "the run before the last had"
    assert begun("unasked", first, *NOT_JUDGED) is None
    named = (f"checkpoint={tmp_path / 'others'}", f"out={tmp_path}", *JUDGED[:2], "data=digits", "data.resolution=16")
    assert said in run("evaluate", *named, "data.classes=[5]")
    assert run("evaluate", *named, "data.classes=[6,7]") is None


def test_data_that_a_run_was_resumed_with_are_not_unseen(first):
    resumed = (f"resume={first}", "total_samples=64", "resume_changes=true")
    kept = (first / "data.json").read_text()
    said = train(*resumed, "metrics.super_resolution.held_out=0.5")
    assert "samples of these, in this run or before it" in said
    assert (first / "data.json").read_text() == kept
    assert train(*resumed) is None


def test_files_that_were_read_into_memory_are_known_by_their_contents(tmp_path):
    write_images(tmp_path / "all", 40)
    write_images(tmp_path / "part", 30)  # the same ones
    data = ("data=image_folder", f"data.root={tmp_path / 'all'}", "data.resolution=16", "data.batch_size=16")
    words = (*narrow("espcn"), *data, "trainer=cpu", "total_samples=16", *JUDGED)
    assert train(*words, f"hydra.run.dir={tmp_path / 'run'}") is None
    named = (f"checkpoint={tmp_path / 'run'}", f"out={tmp_path}", *JUDGED[:2], *data[:1], data[2])
    assert "of 30 samples of these" in run("evaluate", *named, f"data.root={tmp_path / 'part'}")
    more = (*words, f"init_from={tmp_path / 'run'}", f"hydra.run.dir={tmp_path / 'more'}")
    assert "of 20 samples of these" in train(*more, "metrics.super_resolution.held_out=0.5")
    assert train(*more, "data.resolution=24") is None


def test_what_is_not_in_a_run_folder_is_known_by_its_fingerprint_alone(first, tmp_path):
    alone = tmp_path / "models" / "alone.ckpt"
    alone.parent.mkdir()
    alone.write_bytes((first / "checkpoints" / "last.ckpt").read_bytes())
    (tmp_path / "data.json").write_text("[]")  # of something else
    begun = (*SMALL, *JUDGED, f"init_from={alone}")
    said = train(*begun, "data.classes=[3,5]", f"hydra.run.dir={tmp_path / 'same'}")
    assert "its weights were trained on unknown parts of these" in said
    assert train(*begun, "data.classes=[1,2]", f"hydra.run.dir={tmp_path / 'others'}") is None


@pytest.mark.parametrize("kept", [{"inventory"}, {"inventory", "held_out"}], ids=["the first", "later ones"])
def test_runs_of_earlier_versions_go_on(kept, first, tmp_path):
    """They kept no identities, and the first ones didn't say what they have held out."""
    folder = tmp_path / "run"
    shutil.copytree(first, folder)
    data = json.loads((folder / "data.json").read_text())
    lacking = {"identities", "earlier", "held_out_trained_on", "held_out"} - kept
    (folder / "data.json").write_text(json.dumps({key: value for key, value in data.items() if key not in lacking}))
    assert train(f"resume={folder}", "total_samples=96", "resume_changes=true") is None


@pytest.mark.parametrize("kind", ["pictures", "videos", "digits"])
def test_the_same_files_in_another_size_have_the_same_held_out(kind, tmp_path):
    if kind == "pictures":
        write_images(tmp_path / "data", 20)
        sources = [ImageFolder(str(tmp_path / "data"), side) for side in (16, 24)]
    elif kind == "videos":
        write_videos(tmp_path / "data")
        videos = [VideoFolder(str(tmp_path / "data"), side) for side in (16, 24)]
        sources = [Clips(videos[0], 4), Clips(videos[1], 3, clips_per_video=2)]
    else:
        sources = [digits(resolution=side) for side in (16, 24)]

    def told(source, share):
        inventory = inventory_of(source)
        identities = identities_of(source, inventory)
        return run_data.told_of(source, share, inventory, identities), identities[held_out(source, share)]

    (first, _), (now, judged), (other, of_other) = told(sources[0], 0.25), told(sources[1], 0.25), told(sources[1], 0.5)
    assert len(judged) >= 2 and first.fingerprint != now.fingerprint
    assert run_data.had([first], now, judged) == ""
    assert run_data.had([first], other, of_other).endswith(f" of {len(of_other):,} samples")
    assert run_data.besides([first, first, other], now) == [other.model_copy(update={"inventory": None})]


def test_few_of_many_are_found_and_what_looks_alike_is_not():
    many = TensorSource(
        torch.arange(200 * 200, dtype=torch.int32).view(torch.uint8).view(-1, 1, 2, 2), torch.zeros(1), 1
    )
    ids = many.identified()
    assert len(np.unique(ids)) == len(ids)
    assert unpacked(packed(ids[::-1])).tolist() == sorted(ids.tolist())
    trained, now = TrainedOn(identities=packed(ids[:20_000])), TrainedOn(identities=packed(ids[20_000:]))
    assert run_data.had([trained], now, ids[19_990:20_010]) == "10 of 20 samples"
    assert run_data.had([trained], now, ids[19_999:20_400]) == ""
    assert run_data.had([trained], now, ids[:0]) == ""
