"""A comparison takes the samples it says, names its values after them, and computes real features once."""

import errno
import json
import re
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pytest
import torch
from small_sets import Corner, Corners, Noise

from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.source import TensorSource
from framegan.data.videos.clips import Clips
from framegan.evaluation.real_samples import RealSamples
from framegan.metrics import statistics_cache
from framegan.metrics.comparison import Comparison
from framegan.metrics.estimate import Estimate
from framegan.metrics.frechet import frechet_distance
from framegan.metrics.record import check_keys, class_tables, read, write
from framegan.metrics.scores import (
    Authenticity,
    ClassAccuracy,
    DensityCoverage,
    Features,
    Frechet,
    FrechetInfinity,
    InceptionScore,
    Jedi,
    Kernel,
    ModeCoverage,
    PrecisionRecall,
)

ALL = {
    "frechet": Frechet(),
    "infinity": FrechetInfinity(),
    "kernel": Kernel(num_subsets=3, subset_size=100),
    "jedi": Jedi(),
    "precision_recall": PrecisionRecall(),
    "density_coverage": DensityCoverage(),
    "classifier_score": InceptionScore(),
    "modes": ModeCoverage(),
    "authenticity": Authenticity(),
}
CLIPS = (1, 6, 4, 4)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_STATISTICS", str(tmp_path))
    return tmp_path


def comparison(embedding=None, scores=None, num_fake=300, num_real=300, **options):
    return Comparison(embedding or Corner(), scores or {"frechet": Frechet()}, num_fake, num_real, **options)


def by_name(records):
    return {re.match(r"(.*)_corners?_0badcafe", record.key)[1]: record for record in records}


def test_one_pass_over_either_set_feeds_all_scores():
    real, fake = Noise(num_samples=400), Noise(130, seed=1)
    records = by_name(comparison(scores=ALL)(real, fake))
    assert records.keys() == {
        *("fd", "fd_infinity", "kd", "jedi", "precision", "recall", "density", "coverage"),
        *("classifier_score", "modes", "mode_divergence", "authenticity"),
    }
    assert fake.asked == list(range(300))
    assert len(set(real.asked)) == 300
    assert set(real.asked) <= set(range(400))
    higher = {name for name, record in records.items() if record.better == "higher"}
    assert higher == {"precision", "recall", "density", "coverage", "classifier_score", "modes", "authenticity"}
    without = {name for name, record in records.items() if record.interval is None}
    assert without == {"fd_infinity", "modes", "mode_divergence"}
    for record in records.values():
        json.dumps(record.as_dict())
    said = {name: record.protocol["scores"] for name, record in records.items()}
    assert said["jedi"] == {"jedi": "Jedi()"}
    assert said["precision"] == said["recall"] == {"precision_recall": "PrecisionRecall(k=3)"}


def test_what_records_say_of_a_score_of_ones_own_is_the_same_in_each_process():
    class Own:
        def __call__(self, real, fake, embedding):
            return {"own": Estimate(1.0, None)}

    first, second = (comparison(scores={"own": Own()})(Noise(num_samples=300), Noise())[0] for _ in range(2))
    assert first.protocol == second.protocol
    assert "Own object" in first.protocol["scores"]["own"]


class Remembering(Corner):
    """Remembers whether it may use cuDNN."""

    def embed(self, pixels):
        self.has_cudnn = torch.backends.cudnn.enabled
        return super().embed(pixels)


def test_a_gpu_embeds_by_cudnn():
    embedding = Remembering()
    comparison(embedding)(Noise(num_samples=300), Noise())
    assert embedding.has_cudnn


def test_modes_are_expected_as_often_as_they_are_real():
    rare = Features(torch.eye(4)[torch.tensor([0] * 90 + [1] * 8 + [2, 3])])
    found = {expected: ModeCoverage(expected)(rare, rare.bank, Corner()) for expected in ("even", "real")}
    assert found["real"]["modes"] == found["even"]["modes"]
    assert found["real"]["mode_divergence_from_real"].value < 0.01 < 0.5 < found["even"]["mode_divergence"].value


def test_values_are_those_of_the_features():
    real, fake, corner = Noise(num_samples=300), Noise(140, seed=1), Corner()
    features = [corner(samples.batch(range(300))[0]) for samples in (real, fake)]
    (record,) = comparison()(real, fake)
    assert record.value == pytest.approx(frechet_distance(*features), rel=1e-12)
    low, high = record.interval
    assert low < record.value < high
    (of_other_seeds,) = comparison()(real, Noise(140, seed=2))
    assert of_other_seeds.value == pytest.approx(record.value, abs=3 * (high - low))
    (population,) = comparison(scores={"frechet": Frechet(correction=0)})(real, fake)
    assert population.value != record.value


def test_the_order_of_fake_samples_bends_no_score():
    """The inception score divides them into ten parts one after the other; sorted by class each has one class."""

    class Sorted(Noise):
        def batch(self, numbers):
            pixels = torch.zeros(len(numbers), *self.shape, dtype=torch.uint8)
            for pixel, number in zip(pixels, numbers, strict=True):
                pixel[0, number * 4 // 200, 0] = 255
            return pixels, torch.zeros(len(numbers))

    (record,) = comparison(scores={"is": InceptionScore()}, num_fake=200)(
        Noise(num_samples=300), Sorted(num_samples=200)
    )
    assert record.value > 3.5, "four classes, of 50 each"


@pytest.mark.parametrize(
    ("options", "num_real", "ending"),
    [
        ({}, 400, "300"),
        ({"num_fake": 2000, "num_real": 2000}, 3000, "2k"),
        ({}, 250, "300_vs_250"),
        ({"num_real": None}, 250, "300_full"),
        ({"family": "theirs"}, 300, "theirs_300"),
    ],
)
def test_keys_say_what_was_compared(options, num_real, ending):
    (record,) = comparison(**options)(Noise(num_samples=num_real), Noise())
    assert record.key == f"fd_corner_0badcafe_{ending}"
    assert record.num_real == min(num_real, options.get("num_real", 300) or num_real)


@pytest.mark.parametrize(
    ("score", "names"),
    [
        (PrecisionRecall(), ["precision", "recall"]),
        (PrecisionRecall(k=5), ["precision_k5", "recall_k5"]),
        (DensityCoverage(), ["density", "coverage"]),
        (DensityCoverage(k=3), ["density_k3", "coverage_k3"]),
    ],
    ids=repr,
)
def test_keys_say_another_k_than_the_published_one(score, names):
    records = comparison(scores={"neighbours": score})(Noise(num_samples=300), Noise())
    assert by_name(records).keys() == set(names) == set(score.names(Corner()))


def test_measures_that_give_the_same_key_are_refused_at_once():
    real, fake = Noise(num_samples=300), Noise()
    one, same, other = (comparison(scores=scores) for scores in (ALL, {"f": Frechet()}, {"d": DensityCoverage(k=3)}))
    assert one.keys(real, fake) == [record.key for record in one(real, fake)]
    check_keys([one, other], real, fake)
    fake.asked = []
    with pytest.raises(ValueError, match="two scores are both called fd_corner_0badcafe_300; leave one of them out"):
        check_keys([one, same], real, fake)
    assert not fake.asked


def test_a_stride_of_frames_needs_their_number():
    with pytest.raises(ValueError, match="frame_stride=2 needs num_frames, .*; set it, or leave frame_stride out"):
        comparison(Corners(), frame_stride=2)


def test_clips_are_cut_and_the_key_says_how():
    real, fake = Noise(shape=CLIPS, num_samples=300), Noise(shape=CLIPS)
    endings = [
        (comparison(Corners()), "corners_0badcafe_300_6f"),
        (comparison(Corners(), num_frames=4), "corners_0badcafe_300_4f"),
        (comparison(Corners(), num_frames=3, frame_stride=2), "corners_0badcafe_300_3f_stride2"),
        (comparison(), "corner_0badcafe_300_1f"),
    ]
    for of_clips, ending in endings:
        of_clips.check(real, fake)
        assert of_clips(real, fake)[0].key == f"fd_{ending}"


def test_clips_of_a_source_of_ones_own_are_compared_as_they_are():
    clips = torch.randint(0, 256, (6, *CLIPS), dtype=torch.uint8)
    real = RealSamples(lambda: TensorSource(clips, torch.zeros(6).long(), 1), None, {})
    comparison(Corners(), num_fake=6, num_frames=6).check(real, Noise(shape=CLIPS))
    assert torch.equal(real.cut(6, 1).batch([3])[0], clips[3:4])
    for num_frames, frame_stride in [(3, 1), (3, 2), (7, 1)]:
        with pytest.raises(ValueError, match=f"clips of {num_frames} frames .* has clips of 6 .* num_frames=6"):
            assert real.cut(num_frames, frame_stride).source


def test_one_frame_of_clips_is_compared_as_a_clip_of_one(tmp_path):
    real = RealSamples(lambda: Clips(ShapeMotion(num_videos=6, video_frames=8, resolution=16), 4), None, {})
    pixels, _ = real.cut(1, 1).batch([0, 3])
    assert real.cut(1, 1).shape == (3, 1, 16, 16) and pixels.shape == (2, 3, 1, 16, 16)


def test_images_embed_a_frame_of_each_clip_and_all_frames_in_turn():
    class Counting(Noise):
        def batch(self, numbers):
            frames = torch.arange(6, dtype=torch.uint8).view(1, 1, 6, 1, 1)
            return frames.expand(len(numbers), 1, 6, 4, 4), torch.zeros(len(numbers))

    seen = []
    embedding = Corner()
    embedding.embed = lambda pixels: seen.append(pixels[:, 0, 0, 0]) or pixels[:, 0, :, 0].float()
    comparison(embedding, num_fake=12, num_real=12)(
        Counting(shape=CLIPS, num_samples=12), Counting(shape=CLIPS, num_samples=None)
    )
    assert torch.cat(seen).tolist() == [*range(6)] * 4


def test_real_features_are_computed_once_and_found_again(empty_cache):
    first, again = (Noise(num_samples=300, fingerprint="data") for _ in range(2))
    values = [[record.value for record in comparison(scores=ALL)(real, Noise(seed=1))] for real in (first, again)]
    assert values[0] == values[1]
    assert first.asked
    assert not again.asked
    assert [path.name for path in empty_cache.iterdir()] == ["data-corner-0badcafe-300-features-3.npz"]


def test_kept_features_are_of_this_data_embedding_and_number():
    comparison()(Noise(num_samples=300, fingerprint="data"), Noise())
    for other, real in [
        (comparison(), Noise(num_samples=300, fingerprint="other")),
        (comparison(num_real=200), Noise(num_samples=300, fingerprint="data")),
        (comparison(num_real=None), Noise(num_samples=300, fingerprint="data")),
    ]:
        other(real, Noise())
        assert real.asked


def cut_short(file):
    file.write_bytes(file.read_bytes()[:200])


def compressed(file):
    with np.load(file) as arrays:
        np.savez_compressed(file, **arrays)


def changed_inside(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut_short, compressed, changed_inside])
def test_a_file_that_can_not_be_read_is_rebuilt(spoil, empty_cache):
    comparison()(Noise(num_samples=300, fingerprint="data"), Noise())
    (file,) = empty_cache.iterdir()
    spoil(file)
    real = Noise(num_samples=300, fingerprint="data")
    comparison()(real, Noise())
    assert real.asked
    assert len(statistics_cache.load(file)[0]) == 300


def test_values_are_found_where_features_can_not_be_kept(empty_cache, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    expected = comparison()(Noise(num_samples=300), Noise())
    monkeypatch.setattr(statistics_cache.np, "savez", full)
    assert comparison()(Noise(num_samples=300, fingerprint="data"), Noise())[0].value == expected[0].value
    assert "aren't kept, so that they are computed anew each time: [Errno 28]" in capsys.readouterr().out
    assert not list(empty_cache.iterdir())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mean": np.zeros(2)}, "holds no features"),
        ({"bank": np.array(["a"])}, "holds no features"),
        ({"mean": np.array([{}])}, "is damaged; delete it"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=f"a.npz {message}"):
        statistics_cache.load(tmp_path / "a.npz")


def test_another_number_of_samples():
    fewer = comparison(num_real=None, family="theirs").with_num_samples(100)
    assert fewer(Noise(num_samples=300), Noise())[0].key == "fd_corner_0badcafe_theirs_100_full"
    assert comparison().with_num_samples(100)(Noise(num_samples=300), Noise())[0].num_real == 100


@pytest.mark.parametrize(
    ("of", "real", "fake", "message"),
    [
        (comparison(), Noise(shape=(1, 4, 4)), Noise(shape=(1, 8, 8)), r"\[1, 4, 4\] and the fake ones \[1, 8, 8\]"),
        (comparison(Corners()), Noise(), Noise(), "takes clips; these samples are images"),
        (comparison(Corners()), Noise(shape=(1, 2, 4, 4)), Noise(shape=(1, 2, 4, 4)), "data.num_frames=16"),
        (comparison(), Noise(), Noise(num_samples=40), "set num_samples=40"),
    ],
)
def test_what_can_not_be_compared_is_refused_at_once(of, real, fake, message):
    with pytest.raises(ValueError, match=message):
        of.check(real, fake)
    assert not fake.asked


@pytest.mark.parametrize(
    ("score", "least"),
    [(PrecisionRecall(k=5), 6), (DensityCoverage(k=7), 8), (InceptionScore(), 10), (FrechetInfinity(), 3)],
)
def test_too_few_samples_for_a_score_are_refused_at_once(score, least):
    with pytest.raises(ValueError, match=f"{type(score).__name__} needs {least} samples, got {least - 1}"):
        Comparison(Corner(), {"score": score}, num_fake=least - 1).check(Noise(num_samples=50), Noise())
    enough, real = Comparison(Corner(), {"score": score}, num_fake=least), Noise(num_samples=50)
    enough.check(real, Noise())
    assert enough(real, Noise())


class OfClasses(Corner):
    """Class k is that whose pixel, of the four, is the brightest."""

    classes = ("north", "east", "south", "west")
    about = MappingProxyType({"classifier_accuracy": 0.75})


class Asked(Noise):
    """Noise whose samples are asked for in turn: sample k shows the class k % 4, by the embedding's numbers."""

    def batch(self, numbers):
        pixels = torch.zeros(len(numbers), *self.shape, dtype=torch.uint8)
        pixels[range(len(numbers)), 0, [number % 4 for number in numbers], 0] = 200
        return pixels, torch.tensor([(number + 1) % 4 for number in numbers])


def accuracy(classes):
    score = {"frechet": Frechet(), "class_accuracy": ClassAccuracy()}
    return comparison(OfClasses(), score, 200, 200)(Noise(num_samples=200), Asked(num_classes=4, classes=classes))


def test_class_accuracy_is_by_name():
    """Class number 1 of the generator is the one that the classifier numbers 0, and so on."""
    distance, found = accuracy(("west", "north", "east", "south"))
    assert found.key == "class_accuracy_corner_0badcafe_200"
    assert (found.value, found.interval, found.better) == (1.0, (1.0, 1.0), "higher")
    assert distance.protocol["classifier_accuracy"] == 0.75
    _, swapped = accuracy(("west", "north", "south", "east"))
    assert swapped.value == 0.5


@pytest.mark.parametrize("classes", [(), ("west", "north", "east", "up")])
def test_class_accuracy_says_nothing_where_no_such_class_is_known(classes):
    (distance,) = accuracy(classes)
    assert distance.key.startswith("fd_")


def test_class_accuracy_is_promised_of_a_generator_with_classes_alone():
    of_classes = comparison(OfClasses(), {"class_accuracy": ClassAccuracy(), "frechet": Frechet()})
    assert of_classes.names(Asked(classes=("west",))) == ["class_accuracy", "fd"]
    assert of_classes.names(Noise()) == ["fd"]


NAMES = ("west", "east")


@dataclass
class TwoKinds(Noise):
    """Two of three samples are of class 0; those of class 1 are brighter by a step."""

    num_classes: int = 2
    classes: tuple[str, ...] = NAMES
    step: int = 40

    def batch(self, numbers):
        pixels, _ = super().batch(numbers)
        labels = torch.tensor([number % 3 // 2 for number in numbers])
        return pixels + (self.step * labels).view(-1, 1, 1, 1).to(torch.uint8), labels


def by_classes(real, fake, **options):
    scores = {"frechet": Frechet(), "precision_recall": PrecisionRecall(), "class_accuracy": ClassAccuracy()}
    options = {"by_class": ["frechet", "class_accuracy"]} | options
    return by_name(comparison(OfClasses(), scores, **options)(real, fake))


def test_values_of_a_class_are_those_of_its_samples():
    real, fake = TwoKinds(num_samples=300), TwoKinds(seed=1, classes=NAMES[::-1], step=90)
    found = by_classes(real, fake)
    features = [Corner()(samples.batch(range(300))[0]) for samples in (real, fake)]
    labels = real.batch(range(300))[1]
    for number, name in enumerate(NAMES):
        value = found["fd"].by_class[name]
        assert value.value == pytest.approx(
            frechet_distance(features[0][labels == number], features[1][labels != number])
        )
        assert value.interval[0] <= value.value <= value.interval[1]
        assert (value.num_real, value.num_fake) == ((200, 100), (100, 200))[number]
    accuracies = found["class_accuracy"].by_class
    mean = sum(one.value * one.num_fake for one in accuracies.values()) / 300
    assert found["class_accuracy"].value == pytest.approx(mean)
    assert not found["precision"].by_class


def test_records_of_classes_come_back_from_their_file(tmp_path):
    records = list(by_classes(TwoKinds(num_samples=300), TwoKinds(seed=1)).values())
    write(tmp_path / "evaluation.json", records)
    again = read(tmp_path / "evaluation.json")
    assert [vars(one) for one in again] == [vars(one) for one in records]


def test_a_class_with_too_few_samples_is_said_to_have_too_few():
    found = by_classes(TwoKinds(num_samples=120), TwoKinds(seed=1))
    few, many = found["fd"].by_class["east"], found["fd"].by_class["west"]
    assert (few.value, few.num_real, few.num_fake) == (None, 40, 100)
    assert few.why_no_value == "fewer than 50 samples of the class on either side"
    assert many.value is not None
    assert found["class_accuracy"].by_class["east"].value is not None, "real samples don't matter"
    *_, title, header, of_west, of_east, reason = class_tables(list(found.values()))
    assert title == "of each class, corner_0badcafe_300_vs_120"
    assert header.split() == ["class", "fd", "class_accuracy", "fake", "real"]
    assert (of_west.split()[0], of_east.split()[:2]) == ("west", ["east", "-"])
    assert reason == f"-: {few.why_no_value}"


def test_there_are_no_values_of_classes_where_none_were_asked_for():
    found = by_classes(TwoKinds(num_samples=300), Noise(seed=1))
    assert not found["fd"].by_class
    assert class_tables(list(found.values())) == []


def test_features_that_were_kept_without_classes_are_rebuilt_where_these_are_needed(empty_cache):
    kept = TwoKinds(num_samples=300, fingerprint="data")
    expected = by_classes(kept, TwoKinds(seed=1))["fd"].by_class
    (file,) = empty_cache.iterdir()
    with np.load(file) as arrays:
        np.savez(file, bank=arrays["bank"])  # as earlier versions did
    again, once_more = (TwoKinds(num_samples=300, fingerprint="data") for _ in range(2))
    by_classes(again, Noise(seed=1))
    assert not again.asked
    assert by_classes(again, TwoKinds(seed=1))["fd"].by_class == expected
    assert again.asked
    assert by_classes(once_more, TwoKinds(seed=1))["fd"].by_class == expected
    assert not once_more.asked


def test_a_score_by_class_has_to_be_one_of_the_scores():
    with pytest.raises(ValueError, match="by_class got 'fid'; it should name some of the scores: frechet"):
        comparison(by_class=["fid"])


@pytest.mark.parametrize("score", [PrecisionRecall(k=12), DensityCoverage(k=12)])
def test_no_subset_has_fewer_samples_than_a_score_needs(score):
    records = Comparison(Corner(), {"score": score}, num_fake=24)(Noise(num_samples=24), Noise())
    assert {record.why_no_interval for record in records} == {"too few samples to divide"}
