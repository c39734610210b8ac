"""A classifier learns, is written whole, comes back the same, and reads the digits of stacked images."""

from pathlib import Path

import pytest
import torch
from commands import PROJECT

from framegan.data.drawn.shape_motion import ShapeMotion
from framegan.data.drawn.synthetic import synthetic
from framegan.data.published.digits import digits
from framegan.data.published.idx import mnist
from framegan.data.published.stacked_mnist import StackedMNIST
from framegan.data.source import TensorSource, classes_of
from framegan.data.stream import Ticket
from framegan.data.videos.clips import Clips
from framegan.evaluation.classifier_training import check_data, train
from framegan.metrics.classifier import Classifier, Network, save
from framegan.metrics.embedding import fingerprint_of
from framegan.metrics.modes import mode_coverage
from framegan.metrics.stacked_digits import StackedDigits

MNIST = PROJECT.parent / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(not any(MNIST.glob("t10k-images*")), reason=f"MNIST's files are not in {MNIST}")


def written(folder: Path, shape=(1, 16, 16), num_classes=4) -> Path:
    """Return a file with an untrained classifier."""
    torch.manual_seed(0)
    state = Network(shape, num_classes).state_dict()
    classes = [f"flower {number}" for number in range(num_classes)]
    save(folder / "classifier.pt", state, shape, classes, 0.5, "flowers")
    return folder / "classifier.pt"


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def of_digits(tmp_path_factory):
    """A file with a classifier of scikit-learn's digits, and its accuracy."""
    source, file = digits(16), tmp_path_factory.mktemp("weights") / "digits.pt"
    state, accuracy = train(source)
    save(file, state, source.shape, classes_of(source), accuracy, "digits")
    return file, accuracy


@pytest.fixture(scope="module")
def of_mnist(tmp_path_factory):
    """A file with a classifier of 10,000 digits of MNIST, and its accuracy."""
    source, file = mnist(str(MNIST), "test"), tmp_path_factory.mktemp("weights") / "mnist.pt"
    state, accuracy = train(source)
    save(file, state, source.shape, classes_of(source), accuracy, "mnist")
    return file, accuracy


@pytest.mark.parametrize(
    "shape", [(1, 16, 16), (3, 28, 28), (1, 17, 40), (3, 32, 32), (1, 64, 64), (1, 2, 16, 16), (3, 5, 33, 90)]
)
def test_any_shape(shape, tmp_path):
    embedding = Classifier(str(written(tmp_path, shape, 7)))
    features = embedding(pixels(5, *shape))
    assert features.shape == (5, embedding.num_features)
    assert embedding.logits(features).shape == (5, 7)
    assert features.std(0).max() > 1e-3


def test_digits_are_learnt(of_digits):
    file, accuracy = of_digits
    assert accuracy >= 0.95
    embedding, source = Classifier(str(file)), digits(16)
    answers = embedding.logits(embedding(source.samples)).argmax(1)
    assert (answers == source.labels).float().mean() >= 0.95
    assert (embedding.num_classes, embedding.data, embedding.accuracy) == (10, "digits", accuracy)


@needs_mnist
def test_mnist_is_learnt(of_mnist):
    assert of_mnist[1] >= 0.97


def test_training_is_a_function_of_its_arguments():
    source = synthetic(60, 16)
    before = torch.random.get_rng_state()
    first, again = (train(source, epochs=1, seed=3) for _ in range(2))
    other = train(source, epochs=1, seed=4)
    assert torch.equal(before, torch.random.get_rng_state())
    assert fingerprint_of(first[0]) == fingerprint_of(again[0]) != fingerprint_of(other[0])
    assert first[1] == again[1]


def test_what_is_held_out_is_not_learnt_from():
    """With labels that mean nothing, half of two classes are right where nothing was seen before."""
    random = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (400,), generator=random)
    state, accuracy = train(TensorSource(pixels(400, 1, 16, 16), labels, 2), epochs=40, batch_size=16)
    network = Network((1, 16, 16), 2)
    network.load_state_dict(state)
    known = (network(pixels(400, 1, 16, 16).float() / 127.5 - 1).argmax(1) == labels).float().mean()
    assert known > 0.9
    assert accuracy < 0.75


def moving_shapes(**options) -> Clips:
    """Return clips of 4 frames of moving shapes, several of each of few videos."""
    videos = ShapeMotion(num_videos=options.pop("num_videos", 40), video_frames=8, resolution=16)
    return Clips(videos, num_frames=4, clips_per_video=3, **options)


def test_motion_is_learnt():
    """Two motions of the same shapes, that no single frame tells apart."""
    assert train(moving_shapes(num_videos=150), epochs=5)[1] >= 0.95


def test_a_video_is_learnt_from_or_held_out(monkeypatch):
    source, drawn = moving_shapes(), []

    def batch(self: Clips, tickets: list[Ticket]) -> tuple[torch.Tensor, torch.Tensor]:
        drawn.append({*tickets})
        return of_clips(self, tickets)

    of_clips = Clips.batch
    monkeypatch.setattr(Clips, "batch", batch)
    train(source, epochs=2, batch_size=1000)
    learnt_from, tested = ({index // 3 for index, _ in tickets} for tickets in (drawn[0], set().union(*drawn[2:])))
    assert (len(learnt_from), len(tested), learnt_from & tested) == (36, 4, set())
    assert [len(tickets) for tickets in drawn[:2]] == [108, 108]
    assert not drawn[0] & drawn[1]  # the second epoch draws others
    assert sum(map(len, drawn[2:])) >= 500


def test_what_is_written_comes_back_the_same(tmp_path):
    file = written(tmp_path)
    before = torch.random.get_rng_state()
    first, second = Classifier(str(file)), Classifier(str(file))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first(pixels(4, 1, 16, 16)), second(pixels(4, 1, 16, 16)))
    assert first.fingerprint == second.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["classifier.pt"]


def test_which_of_two_classifiers_of_the_data_is_taken_has_to_be_said(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGAN_WEIGHTS", str(tmp_path))
    (tmp_path / "classifiers").mkdir()
    file = written(tmp_path)
    for name in ("b", "a"):
        file.rename(tmp_path / "classifiers" / f"{name}_1x16x16_of_these.pt")
        file = written(tmp_path)
    assert Classifier(str(file)).for_data("of_these").is_loaded
    with pytest.raises(
        ValueError, match="has 2 classifiers of these data, which give other values: a_1x16x16_of_these"
    ):
        Classifier(None).for_data("of_these")


def test_one_of_an_earlier_version_numbers_its_classes(tmp_path):
    file = written(tmp_path)
    assert Classifier(str(file)).classes == [f"flower {number}" for number in range(4)]
    saved = torch.load(file, weights_only=True)
    del saved["classes"]
    torch.save(saved, file)
    assert Classifier(str(file)).classes == ["0", "1", "2", "3"]


def test_nothing_around_it_changes_the_features(tmp_path):
    embedding, samples = Classifier(str(written(tmp_path))), pixels(4, 1, 16, 16)
    expected = embedding(samples)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(embedding.train().to(torch.bfloat16)(samples), expected)
    assert not expected.requires_grad
    assert not embedding.training


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 16, 16)])
def test_other_images_are_refused(shape, tmp_path):
    with pytest.raises(ValueError, match=r"trained on 1x16x16 images of flowers, these are .*framegan classifier"):
        Classifier(str(written(tmp_path)))(pixels(2, *shape))


def test_what_is_not_a_classifier_is_refused_by_name(tmp_path):
    path = tmp_path / "x.pt"
    with pytest.raises(FileNotFoundError, match=f"{path} is not a file; .* train one: framegan classifier"):
        Classifier(str(path))
    path.write_bytes(written(tmp_path).read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"{path} can't be read as a classifier"):
        Classifier(str(path))
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ValueError, match=f"{path} is not a classifier"):
        Classifier(str(path))


@pytest.mark.parametrize(
    ("shape", "num_classes", "num_samples", "message"),
    [
        ((1, 16, 16), 1, 100, "at least 2 classes, these data have 1"),
        ((1, 15, 16), 2, 100, "at least 16 pixels a side, these are 1x15x16; set data.resolution=32"),
        ((5, 16, 16), 2, 100, "1 to 4 channels, these are images of 5x16x16"),
        ((5, 2, 16, 16), 2, 100, "1 to 4 channels, these are clips of 5x2x16x16; set data.channels=3"),
        ((3, 2, 16, 15), 2, 100, "clips of at least 16 pixels a side, these are 3x2x16x15"),
        ((1, 16, 16), 2, 1, "got 1$"),
    ],
)
def test_what_can_not_be_learnt_is_refused(shape, num_classes, num_samples, message):
    with pytest.raises(ValueError, match=message):
        samples = torch.zeros(num_samples, *shape, dtype=torch.uint8)
        check_data(TensorSource(samples, torch.zeros(num_samples, dtype=torch.int64), num_classes))


PLACES = torch.tensor([100, 10, 1])


def stacked(num_samples: int = 50) -> tuple[torch.Tensor, torch.Tensor]:
    """Return uint8 (N, 3, 16, 16) of scikit-learn's digits, and which they are, (N, 3)."""
    source = digits(16)
    rows = torch.randint(len(source), (num_samples, 3), generator=torch.Generator().manual_seed(0))
    return source.samples[rows].squeeze(2), source.labels[rows]


def test_stacked_digits_are_read_channel_by_channel(of_digits):
    embedding, (samples, labels) = StackedDigits(str(of_digits[0])), stacked()
    features = embedding(samples)
    assert features.shape == (50, embedding.num_features)
    single = embedding.classifier(samples[:, 1:2])
    assert torch.allclose(features.unflatten(1, (3, -1))[:, 1], single, atol=1e-5)
    modes = embedding.logits(features)
    assert modes.shape == (50, 1000)
    assert torch.allclose(modes.exp().sum(1), torch.ones(50), atol=1e-4)
    assert (modes.argmax(1) == labels @ PLACES).float().mean() >= 0.9


def test_stacked_digits_take_three_channels_and_a_classifier_of_one(of_digits, tmp_path):
    embedding = StackedDigits(str(of_digits[0]))
    with pytest.raises(ValueError, match="images with 3 channels, a digit in each; these have 1"):
        embedding.check((1, 16, 16))
    with pytest.raises(ValueError, match="trained on 1x16x16 images of digits, these are 1x32x32"):
        embedding.check((3, 32, 32))
    for shape, found in (((3, 16, 16), "images with 3"), ((1, 4, 16, 16), "clips with 1")):
        with pytest.raises(ValueError, match=f"images with 1 channel, .* is one of {found}"):
            StackedDigits(str(written(tmp_path, shape)))


@needs_mnist
def test_the_modes_of_real_stacked_digits_are_those_of_their_labels(of_mnist):
    embedding, source = StackedDigits(str(of_mnist[0])), StackedMNIST(str(MNIST), "test", resolution=28)
    samples, _ = source.batch([(index, 0) for index in range(2000)])
    found = embedding.logits(embedding(samples)).argmax(1)
    codes = source.digits.labels[source.rows[:2000]] @ PLACES
    assert (found == codes).float().mean() > 0.95
    (number, divergence), expected = mode_coverage(found, 1000), mode_coverage(codes, 1000)
    assert number == pytest.approx(expected[0], abs=15)
    assert divergence == pytest.approx(expected[1], rel=0.05)
