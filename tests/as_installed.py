"""What tests/test_wheel.py runs in one process of the environment that it has made: commands, and Python."""

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import framegan
from framegan.cli import main

assert not {"torch", "numpy", "hydra"} & set(sys.modules), "an import that nobody has used yet"
assert Path(framegan.__file__).with_name("py.typed").exists(), "its types are seen from outside"


def typed(*words: str) -> None:
    sys.argv = ["framegan", *words]
    main.main()


WIDTHS = ("model.generator.widths=[8]", "model.discriminator.widths=[8]")

run = framegan.train("trainer=cpu", "data.batch_size=16", *WIDTHS, model="mlp", data="digits", total_samples=32)
assert run.folder.resolve().parent == Path("runs").resolve()
assert run.samples_seen == 32
assert run.metrics
generator = framegan.load(run.folder)
assert (generator.shape, generator.num_classes, generator.samples_seen) == ((1, 32, 32), 0, 32)
samples = generator.sample(4)
assert samples.shape == (4, 1, 32, 32)
assert samples.abs().max() <= 1
assert len(generator.images(4)) == 4
assert framegan.evaluate(run.folder, metrics="random_conv", num_samples=16)
features = samples.flatten(1)[:, :3]
assert framegan.metrics.frechet_distance(features, features) < 1e-3

typed("train", f"resume={run.folder}", "total_samples=48", "trainer.devices=1")
typed("evaluate", "runs/own", "metrics=spread", "num_samples=16", "trust=my_package", "out=scores")
assert "spread" in Path("scores/evaluation.json").read_text()
typed(
    "prepare",
    "data=video_folder",
    "data.root=clips",
    "data.resolution=16",
    "data.num_frames=4",
    "data.cache_dir=cache",
    "num_workers=0",
)
assert list(Path("cache").iterdir())
CLIPS = ("trainer=debug", "data.batch_size=4", "data.resolution=16", "data.num_frames=4", "evaluate_every=null")
paths = {"data.root": Path("clips"), "data.cache_dir": Path("cache")}
of_clips = framegan.train(*CLIPS, "model.generator.width=8", model="mocogan", data="video_folder", **paths)
assert of_clips.load().clip(3).save("a.mp4", frames_per_second=8).stat().st_size
with redirect_stdout(io.StringIO()) as offered:
    typed("completion", "fish", "framegan train model=blo")
assert offered.getvalue() == "model=blob\n", "a part of one's own"

from framegan.play.server import PAGE  # noqa: E402

assert all((Path(framegan.__file__).parent / "play" / "page" / name).exists() for name, _ in PAGE.values())
typed("classifier", "data=digits", "data.resolution=16", "epochs=1", "out=digits.pt")
typed("generate", str(run.folder), "num_samples=2", "out=grid.png")
assert Path("grid.png").exists()
print("all of it works")
