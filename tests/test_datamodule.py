"""From a source to batches: ranges, order, flips, and what doesn't fit together."""

import copy
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import islice
from math import nan

import numpy as np
import pytest
import torch
from small_clips import write_frame_folders, write_videos
from small_files import write_images

from framegan.data import train_loader
from framegan.data.datamodule import DataModule
from framegan.data.drawn.synthetic import synthetic
from framegan.data.held_out import groups_of, held_out
from framegan.data.images.image_folder import ImageFolder
from framegan.data.source import TensorSource, UnreadableDataError, in_memory, read
from framegan.data.ticket_dataset import TicketDataset
from framegan.data.train_loader import death_of_worker, leave_signals_to_run
from framegan.data.videos.clips import Clips
from framegan.data.videos.frame_folder import FrameFolder
from framegan.data.videos.video_folder import VideoFolder
from framegan.trainer import GANTrainer


def numbered(number=10):
    """Return a source whose sample k is filled with k."""
    samples = torch.arange(number, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 3)
    return TensorSource(samples.contiguous(), torch.arange(number), num_classes=number)


class Unlisted:
    """A source that knows the class of a sample only when it reads it."""

    num_classes, split, shape = 2, "all", (1, 2, 2)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.zeros(self.shape, dtype=torch.uint8), index % 2


class EpochAsPixels(Unlisted):
    """A source whose samples are filled with the number of the epoch."""

    def batch(self, tickets):
        pixels = torch.tensor([epoch for _, epoch in tickets]).byte().view(-1, 1, 1, 1)
        return pixels.expand(-1, *self.shape).contiguous(), torch.tensor([index % 2 for index, _ in tickets])


class NewEachTime(Unlisted):
    """A source whose samples are other ones whenever they are asked for."""

    asked = 0

    def __getitem__(self, index):
        self.asked += 1
        return torch.full(self.shape, self.asked % 256, dtype=torch.uint8), index % 2


def batches(datamodule, count):
    datamodule.trainer = GANTrainer(accelerator="cpu")
    datamodule.setup("fit")
    loader = datamodule.train_dataloader()
    return [datamodule.on_after_batch_transfer(batch, 0) for batch in islice(iter(loader), count)], loader


def test_batches_are_full_and_labels_travel_with_their_samples():
    taken, loader = batches(DataModule(numbered(), batch_size=4), 5)
    for samples, labels in taken:
        assert samples.shape == (4, 1, 2, 3)
        assert samples.dtype == torch.float32
        torch.testing.assert_close(samples[:, 0, 0, 0], labels / 127.5 - 1)
    assert sorted(torch.cat([labels for _, labels in taken])[:10].tolist()) == list(range(10))
    assert loader.seconds_waited > 0


def test_a_start_in_the_stream_is_where_it_goes_on():
    whole, _ = batches(DataModule(numbered(), batch_size=4), 5)
    later = DataModule(numbered(), batch_size=4)
    later.start = 12
    rest, _ = batches(later, 2)
    assert [labels.tolist() for _, labels in rest] == [labels.tolist() for _, labels in whole[3:]]


class Mislabelled(Unlisted):
    """A source whose third sample is of a class that isn't there."""

    def __getitem__(self, index):
        return torch.zeros(self.shape, dtype=torch.uint8), 2 if index == 2 else index % 2


class MislabelledBatches(Mislabelled):
    def batch(self, tickets):
        samples, labels = zip(*(self[index] for index, _ in tickets), strict=True)
        return torch.stack(samples), torch.tensor(labels)


class MislabelledVast(Mislabelled):
    def __len__(self):
        return 10**12

    def __getitem__(self, index):
        return torch.zeros(self.shape, dtype=torch.uint8), index


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("keep_on_device_mb", [0, 1024])
@pytest.mark.parametrize("source", [Mislabelled, MislabelledBatches])
def test_a_class_that_is_not_there_is_named(source, keep_on_device_mb, num_workers):
    options = {"keep_on_device_mb": keep_on_device_mb, "num_workers": num_workers}
    message = "the data's source has sample 2 of class 2; it should be 0 to 1, as num_classes=2"
    with pytest.raises(UnreadableDataError, match=message):
        batches(DataModule(source(), batch_size=4, **options), 2)


def test_listed_classes_that_are_not_there_are_named_at_once():
    source = Mislabelled()
    source.labels = [0, 1, -1, 1]
    with pytest.raises(ValueError, match="sample 2 of class -1; it should be 0 to 1"):
        DataModule(source)
    with pytest.raises(ValueError, match="sample 3 of class 9; it should be 0 to 1"):
        DataModule(TensorSource(torch.zeros(4, 1, 2, 2).byte(), torch.tensor([0, 1, 0, 9]), 2))
    data = DataModule(MislabelledVast(), batch_size=4)
    with pytest.raises(UnreadableDataError, match="of class [0-9]+; it should be 0 to 1"):
        data.examples.real(4)


@pytest.mark.parametrize("labels", [np.array([0, 1, 0, 1], np.uint16), np.array([1, 0, 1, 0])[::-1], (0, 1, 0, True)])
def test_listed_classes_are_whole_numbers_of_any_kind(labels):
    source = Unlisted()
    source.labels = labels
    assert DataModule(source).num_classes == 2
    for wrong in ([0, None, 0, 1], ["a", "b", "a", "b"], np.array([0, nan, 1, 0]), [0.5, 1, 0, 1]):
        source.labels = wrong
        with pytest.raises(ValueError, match="has labels that aren't whole numbers; give each sample one, from 0"):
            DataModule(source)


@pytest.mark.parametrize("read", [in_memory, lambda source: read(source, [(number, 0) for number in range(4)])])
def test_classes_that_are_told_one_by_one_are_whole_numbers_wherever_they_are_kept(read):
    class Fractions(Unlisted):
        def __getitem__(self, index):
            return super().__getitem__(index)[0], 0.9 * (index % 2)

    with pytest.raises(ValueError, match="has labels that aren't whole numbers; give each sample one, from 0"):
        read(Fractions())


@pytest.mark.parametrize(("source", "is_kept"), [(EpochAsPixels, False), (NewEachTime, False), (Unlisted, True)])
def test_only_what_is_the_same_in_every_epoch_is_kept(source, is_kept):
    data = DataModule(source(), batch_size=4)
    taken, _ = batches(data, 3)
    first, *later = [((samples[:, 0, 0, 0] + 1) * 127.5).round().tolist() for samples, _ in taken]
    assert isinstance(data.source, TensorSource) == is_kept
    assert all((set(values) == set(first)) == is_kept for values in later)


@pytest.mark.parametrize("keep_on_device_mb", [0, 1024])
@pytest.mark.parametrize("kind", ["images", "clips"])
def test_rare_classes_come_as_often_as_others(kind, keep_on_device_mb, tmp_path):
    (write_images if kind == "images" else write_frame_folders)(tmp_path / "data", 12)
    first = sorted((tmp_path / "data").iterdir())[0]
    for extra in sorted(first.iterdir())[2:]:
        shutil.move(extra, tmp_path / extra.name)

    def source():
        folder = str(tmp_path / "data")
        return ImageFolder(folder, 8) if kind == "images" else Clips(FrameFolder(folder, 8), 4, clips_per_video=2)

    options = {"batch_size": 4, "flip": True, "balance_classes": True, "keep_on_device_mb": keep_on_device_mb}
    assert source().class_counts() == ([2, 6] if kind == "images" else [4, 12])
    whole, _ = batches(DataModule(source(), **options), 8)
    assert [labels.bincount().tolist() for _, labels in whole] == [[2, 2]] * 8
    later = DataModule(source(), **options)
    later.start = 12
    for (samples, labels), (same, of_same) in zip(whole[3:], batches(later, 5)[0], strict=True):
        assert torch.equal(samples, same) and torch.equal(labels, of_same)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (TensorSource(torch.zeros(4, 1, 2, 2).byte(), torch.zeros(4).long(), 1), "TensorSource has one class; set it"),
        (Unlisted(), "Unlisted doesn't list the labels of its samples; give it `labels`, or set it to false"),
    ],
)
def test_classes_that_cannot_be_balanced(source, message):
    with pytest.raises(ValueError, match=f"data.balance_classes=true, but {message}"):
        DataModule(source, batch_size=2, balance_classes=True)


def test_a_class_that_is_held_out_as_a_whole_cannot_be_balanced():
    labels = torch.ones(20).long()
    source = TensorSource(torch.zeros(20, 1, 2, 2).byte(), labels, 2, classes=["rare", "usual"])
    left_out = held_out(source, 0.25)
    labels[left_out[:2]] = 0
    message = (
        "data.balance_classes=true, but data.held_out=0.25 leaves out all samples of class rare; set data.held_out"
    )
    with pytest.raises(ValueError, match=message):
        DataModule(source, batch_size=2, held_out=0.25, balance_classes=True)
    DataModule(source, batch_size=2, held_out=0.25)
    labels[int(np.setdiff1d(range(20), left_out)[0])] = 0
    assert DataModule(source, batch_size=2, held_out=0.25, balance_classes=True).held_out == 0.25


def test_no_sample_is_both_held_out_and_trained_on():
    pixels = torch.arange(20).byte().view(20, 1, 1, 1).expand(-1, 1, 2, 2)
    data = DataModule(TensorSource(pixels, torch.zeros(20).long(), 1), batch_size=2, held_out=0.25)
    trained, unseen = (
        set(samples.amax((1, 2, 3)).tolist()) for samples, _ in (data.examples.trained(99), data.examples.unseen(99))
    )
    assert len(trained) == 15 and len(unseen) == 5
    assert not trained & unseen


class OfPeople:
    """A source of 40 samples, four in a row of each person."""

    num_classes, split, shape = 2, "all", (1, 2, 2)
    groups = tuple(number // 4 for number in range(40))

    def __len__(self):
        return len(self.groups)

    def __getitem__(self, index):
        return torch.full(self.shape, index, dtype=torch.uint8), index % 2


class OfPeopleAtOnce(OfPeople):
    """The same, which reads itself into memory."""

    def in_memory(self):
        numbers = torch.arange(len(self))
        return TensorSource(numbers.byte().view(-1, 1, 1, 1).expand(-1, *self.shape).contiguous(), numbers % 2, 2)


@pytest.mark.parametrize("source", [OfPeople(), OfPeopleAtOnce()])
def test_whole_groups_are_held_out_once_the_samples_are_in_memory_too(source):
    data = DataModule(source, batch_size=4, held_out=0.2)
    left_out = held_out(source, 0.2).tolist()
    taken, _ = batches(data, 16)
    trained = {int(pixel) for samples, _ in taken for pixel in ((samples + 1) * 127.5).round().amax((1, 2, 3))}
    assert trained == {*range(40)} - {*left_out} and len(left_out) == 8
    assert data.examples.left_out.tolist() == left_out
    of_class = data.source.of_classes(["1"])
    assert of_class.groups == [number // 4 for number in range(1, 40, 2)]


@pytest.mark.parametrize("kind", ["pairs", "lists", "array", "tensor", "names"])
def test_groups_of_any_kind_are_held_out_as_a_whole(kind, videos):
    persons = [number // 4 for number in range(40)]
    pairs = np.stack([persons, [0] * 40], axis=1)
    some = {
        "pairs": [*map(tuple, pairs.tolist())],
        "lists": pairs.tolist(),
        "array": pairs,
        "tensor": torch.tensor(pairs),
    }
    source = TensorSource(torch.zeros(40, 1, 2, 2).byte(), torch.zeros(40).long(), 1)
    source.groups = some.get(kind, [f"person {number}" for number in persons])
    left_out = held_out(source, 0.2)
    assert len(left_out) == 8 and {number // 4 for number in left_out} == {number // 4 for number in left_out[::4]}
    of_videos = copy.copy(videos)
    of_videos.groups = np.arange(len(videos)) // 2 if kind == "array" else torch.arange(len(videos)) // 2
    clips = Clips(of_videos, num_frames=3, clips_per_video=2)
    assert [int(group) for group in clips.groups] == [number // 4 for number in range(2 * len(videos))]
    of_videos.groups = of_videos.groups[:-1]
    with pytest.raises(ValueError, match="groups should be that of each video"):
        held_out(clips, 0.2)


@pytest.mark.parametrize(
    ("number", "share", "groups", "message"),
    [
        (
            9,
            0.1,
            None,
            "data.held_out=0.1 leaves none of 9 samples out of training; set it to at least 0.112, or to 0",
        ),
        (9, 0.3, [0] * 4 + [1] * 4 + [2], "none of 9 samples in 3 groups out of training; set it to at least 0.334"),
        (9, 0.9, [0] * 9, "none of 9 samples in 1 group out of training; set it to 0, or give more data"),
    ],
)
def test_a_share_of_few_data_that_holds_out_nothing_is_refused(number, share, groups, message):
    source = TensorSource(torch.zeros(number, 1, 2, 2).byte(), torch.zeros(number).long(), 1, groups=groups)
    with pytest.raises(ValueError, match=message):
        DataModule(source, batch_size=2, held_out=share)
    DataModule(source, batch_size=2)
    if groups is None:
        assert len(DataModule(source, batch_size=2, held_out=0.112).trained_on) == 8


@pytest.mark.parametrize("groups", [[1.0, nan, nan], np.array([1, nan, nan]), [(1, 0), (nan, 1), (nan, 2)]])
def test_a_group_that_is_no_number_is_named(groups):
    source = TensorSource(torch.zeros(3, 1, 2, 2).byte(), torch.zeros(3).long(), 1, groups=groups)
    rule = "a group should be a number or a name, or None where a sample has none"
    with pytest.raises(ValueError, match=rf"the data's source has sample 1 in the group \(?nan.*; {rule}"):
        held_out(source, 0.5)


def test_a_sample_without_a_group_is_one():
    source = TensorSource(torch.zeros(40, 1, 2, 2).byte(), torch.zeros(40).long(), 1)
    source.groups = ["anna"] * 4 + [None] * 36
    number, group_of_each = groups_of(source)
    assert number == 37 and group_of_each.tolist() == [0] * 4 + [*range(1, 37)]
    assert 7 <= len(held_out(source, 0.2)) <= 10


@pytest.mark.parametrize("num_workers", [0, 2])
def test_files_give_the_same_batches_from_memory_and_from_workers(tmp_path, num_workers):
    write_images(tmp_path)
    folder = ImageFolder(str(tmp_path), resolution=8)
    memory, _ = batches(DataModule(folder, batch_size=5, flip=True), 6)
    lazy, _ = batches(DataModule(folder, batch_size=5, flip=True, num_workers=num_workers, keep_on_device_mb=0), 6)
    for (samples, labels), (lazy_samples, lazy_labels) in zip(memory, lazy, strict=True):
        assert torch.equal(samples, lazy_samples)
        assert torch.equal(labels, lazy_labels)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    write_videos(folder, number=6)
    return VideoFolder(str(folder), resolution=16)


def clip_batches(videos, count, start=0, **options):
    clips = Clips(videos, num_frames=3, frame_stride=(1, 3), clips_per_video=2)
    datamodule = DataModule(clips, batch_size=4, flip=True, **options)
    datamodule.start = start
    return batches(datamodule, count)[0]


@pytest.mark.parametrize("num_workers", [0, 1, 4])
def test_clips_are_the_same_from_memory_and_from_workers_and_after_a_resume(videos, num_workers):
    memory = clip_batches(videos, 8)
    lazy = clip_batches(videos, 8, num_workers=num_workers, keep_on_device_mb=0)
    resumed = clip_batches(videos, 4, start=16, num_workers=num_workers, keep_on_device_mb=0)
    for taken, start in ((lazy, 0), (resumed, 4)):
        for (samples, labels), (other_samples, other_labels) in zip(memory[start:], taken, strict=True):
            assert samples.shape == (4, 3, 3, 16, 16)
            assert torch.equal(samples, other_samples)
            assert torch.equal(labels, other_labels)
    assert not torch.equal(memory[0][0].sort(0).values, memory[3][0].sort(0).values)  # the next epoch draws anew


def test_a_flip_mirrors_all_frames_of_a_clip_alike(videos):
    plain = DataModule(Clips(videos, num_frames=3), batch_size=6)
    clips = TicketDataset(plain.source, flip=True, seed=0).__getitems__([(index, 0) for index in range(6)])[0]
    originals = TicketDataset(plain.source, flip=False, seed=0).__getitems__([(index, 0) for index in range(6)])[0]
    mirrored = [torch.equal(clip, original.flip(-1)) for clip, original in zip(clips, originals, strict=True)]
    assert all(m or torch.equal(c, o) for m, c, o in zip(mirrored, clips, originals, strict=True))
    assert 0 < sum(mirrored) < 6


def test_a_flip_mirrors_about_half_anew_in_every_epoch():
    source = synthetic(200, resolution=8)
    dataset = TicketDataset(source, flip=True, seed=0)
    flipped = []
    for epoch in range(2):
        samples, _ = dataset.__getitems__([(index, epoch) for index in range(200)])
        mirrored = (samples == source.samples.flip(-1)).flatten(1).all(1)
        same = (samples == source.samples).flatten(1).all(1)
        assert (mirrored | same).all()
        flipped.append(mirrored & ~same)
        assert 60 < flipped[-1].sum() < 140
    assert not torch.equal(*flipped)


def test_each_class_may_have_an_epoch_of_its_own():
    """Then a batch touches more epochs than are kept as a whole."""
    dataset = TicketDataset(synthetic(200, resolution=8), flip=True, seed=0)
    tickets = [(index, index % 40) for index in range(200)]
    together, _ = dataset.__getitems__(tickets)
    assert torch.equal(together, torch.cat([dataset.__getitems__([ticket])[0] for ticket in tickets]))


def test_what_the_files_tell_has_to_fit_the_configuration():
    DataModule(numbered(), shape=[None, 2, 3], num_classes=None, batch_size=1)
    with pytest.raises(ValueError, match=r"data.shape=\[3, 2, 3\], but the samples are \[1, 2, 3\]"):
        DataModule(numbered(), shape=[3, 2, 3])
    with pytest.raises(ValueError, match="data.num_classes=3, but the data have 10"):
        DataModule(numbered(), num_classes=3)


def test_a_data_set_smaller_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="has 10 samples, fewer than one batch: .* to at most 5"):
        DataModule(numbered(), batch_size=6).check_batch_fits(num_ranks=2)


def test_fewer_videos_than_a_batch_may_give_several_clips_each(videos):
    message = r"6 samples, fewer .* at most 3, or data.clips_per_video to at least 3\."
    with pytest.raises(ValueError, match=message):
        DataModule(Clips(videos, 3), batch_size=8).check_batch_fits(num_ranks=2)
    DataModule(Clips(videos, 3, clips_per_video=3), batch_size=8).check_batch_fits(num_ranks=2)


def test_what_is_held_out_counts_among_what_a_batch_lacks(videos):
    kept = Clips(videos, 3, clips_per_video=1)
    module = DataModule(kept, batch_size=len(kept), held_out=0.4)
    number = len(module.trained_on)
    with pytest.raises(ValueError, match=rf"{number} samples to train on, .* data.clips_per_video to at least 2\."):
        module.check_batch_fits(num_ranks=1)


def test_classes_are_named_once_each():
    source = numbered(3)
    module = DataModule(source, batch_size=1)
    assert module.state_dict() == {"classes": ["0", "1", "2"], "fingerprint": module.fingerprint}
    for names in (["a", "b"], ["a", "b", "b"]):
        source.classes = names
        with pytest.raises(ValueError, match="the source's num_classes is 3, and its classes are"):
            DataModule(source, batch_size=1)


def test_real_samples_are_spread_over_the_data():
    samples, _ = DataModule(numbered(), batch_size=1).examples.real(5)
    torch.testing.assert_close(samples[:, 0, 0, 0], torch.arange(0, 10, 2) / 127.5 - 1)


@pytest.mark.parametrize(
    "labels", [sorted(range(80), key=lambda n: n % 4), list(range(80))], ids=["class by class", "in turn"]
)
def test_real_samples_are_spread_over_the_classes_in_any_order(labels):
    classes = torch.tensor([label % 4 for label in labels])
    source = TensorSource(torch.zeros(80, 1, 2, 2, dtype=torch.uint8), classes, num_classes=4)
    assert DataModule(source, batch_size=1).examples.real(8)[1].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_rare_class_has_a_row_of_its_own():
    classes = torch.tensor([0] * 100 + [1] * 2 + [2] * 50)
    source = TensorSource(torch.arange(152, dtype=torch.uint8).view(-1, 1, 1, 1), classes, num_classes=4)
    data = DataModule(source, batch_size=1)
    assert data.examples.real(8)[1].tolist() == [0, 0, 0, 0, 0, 0, 2, 2], "as often as they are"
    samples, labels = data.examples.rows([0, 1, 2], 4)
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert len(samples[4:8].unique()) == 2 and len(samples.unique()) == 4 + 2 + 4
    assert data.examples.rows([0, 3], 4) is None, "there are none of one"
    alike = DataModule(
        TensorSource(source.samples[:102], classes[:102], num_classes=2), batch_size=1, balance_classes=True
    )
    assert sorted(alike.examples.real(4)[1].tolist()) == [0, 0, 1, 1], "as often as training sees them"


@pytest.mark.parametrize(
    ("options", "rate"),
    [({}, 25), ({"frame_stride": 2}, 12.5), ({"frame_stride": (1, 3)}, 12.5), ({"target_fps": 10}, 10)],
)
def test_clips_know_how_fast_they_play(options, rate, tmp_path):
    write_videos(tmp_path, number=2)
    clips = Clips(VideoFolder(str(tmp_path), resolution=8), num_frames=3, **options)
    assert DataModule(clips, batch_size=1).frames_per_second == pytest.approx(rate, rel=1e-3)
    assert DataModule(numbered(), batch_size=1).frames_per_second is None


def hang(ready):
    leave_signals_to_run(0)
    ready.set()
    time.sleep(600)


def test_a_worker_outlives_signals_but_not_its_end():
    ready = multiprocessing.Event()
    worker = multiprocessing.Process(target=hang, args=(ready,))
    worker.start()
    ready.wait(30)
    for number in ("INT", "USR1", "USR2", "TERM", "TERM"):
        subprocess.run(["kill", f"-{number}", str(worker.pid)], check=True)
    worker.join(0.5)
    assert worker.is_alive()
    worker.terminate()  # PyTorch does so to a worker that hangs, and Python at the end of the run, once
    worker.join(5)
    assert worker.exitcode == 0


class OddError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class LocalError(Exception):
    def __reduce__(self):
        raise TypeError("not to be pickled")


class Failing:
    """A source of one's own whose fifth sample can't be read, for any reason."""

    num_classes, split, shape = 2, "all", (1, 2, 3)

    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 5:
            self.fail()
        return torch.zeros(self.shape, dtype=torch.uint8), index % 2


def raising(error):
    def fail():
        raise error

    return fail


HERE = r"\n  in .*test_datamodule.py, line \d+: "
FAILURES = {
    f"photo.png can't be decoded{HERE}raise error": raising(ValueError("photo.png can't be decoded")),
    "there isn't enough memory to read the data; .*": raising(MemoryError()),
    f"the data can't be read, KeyError: 'label'{HERE}raise error\nchange that line, .*": raising(KeyError("label")),
    f"the data can't be read, OddError: one and two{HERE}.*": raising(OddError("one", "two")),
    f"the data can't be read, LocalError: unsendable{HERE}.*": raising(LocalError("unsendable")),
    f"the data can't be read, SystemExit: 3{HERE}.*": lambda: sys.exit(3),
    "the data gave a batch of .*": None,
}


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("story", FAILURES)
def test_whatever_fails_in_a_source_is_told_in_its_own_words(story, num_workers):
    source = Failing(FAILURES[story] or raising(AssertionError))
    datamodule = DataModule(source, batch_size=4, num_workers=num_workers, keep_on_device_mb=0)
    if not FAILURES[story]:
        source.shape, source.fail = (1, 2, 3), lambda: None
        source.__class__ = type("Changing", (Failing,), {"__getitem__": lambda *_: (torch.zeros(1, 2, 3), 0)})
    with pytest.raises(UnreadableDataError) as told:
        batches(datamodule, 4)
    assert re.fullmatch(story, str(told.value), re.DOTALL)
    assert not multiprocessing.active_children()


def test_what_fails_in_the_first_sample_or_the_length_is_told_likewise():
    for part in ("__len__", "__getitem__"):
        broken = type("Broken", (Failing,), {part: lambda *_: {}["label"]})
        with pytest.raises(UnreadableDataError, match=f"^the data can't be read, KeyError: 'label'{HERE}"):
            DataModule(broken(lambda: None), batch_size=4)


@pytest.mark.parametrize(
    ("fail", "story"),
    [
        (lambda: os._exit(0), "a worker of the data loader died .exit status 0.*"),
        (lambda: os._exit(3), "a worker of the data loader died .*exit (status|code) 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "a worker of the data loader died .*(SIGKILL|Killed)"),
        (lambda: time.sleep(60), "a worker of the data loader hangs: it gave no batch for 1 seconds"),
    ],
)
def test_a_worker_that_is_gone_or_hangs_is_told_within_seconds(fail, story, monkeypatch):
    monkeypatch.setattr(train_loader, "WORKER_TIMEOUT", 1)
    start = time.monotonic()
    with pytest.raises((UnreadableDataError, RuntimeError)) as told:
        batches(DataModule(Failing(fail), batch_size=4, num_workers=1, keep_on_device_mb=0), 4)
    assert re.match(story, death_of_worker(str(told.value)) or str(told.value))
    assert time.monotonic() - start < 10
    assert not multiprocessing.active_children()


def test_workers_end_where_the_run_fails_elsewhere():
    """A traceback keeps the loader alive, and once Python ends, it waits for each worker for ever."""
    datamodule = DataModule(Failing(lambda: None), batch_size=4, num_workers=2, keep_on_device_mb=0)
    datamodule.trainer = GANTrainer(accelerator="cpu")
    datamodule.setup("fit")
    reading = iter(datamodule.train_dataloader())
    next(reading)
    assert len(multiprocessing.active_children()) == 2
    datamodule.on_exception(RuntimeError("in a step"))
    assert not multiprocessing.active_children()
