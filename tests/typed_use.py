"""What a type checker sees of `import framegan`: read by mypy, which checks it beside the package, and never run."""

from pathlib import Path
from typing import assert_type

from torch import Tensor

import framegan

generator = framegan.load("runs/demo")
assert_type(generator, framegan.TrainedGenerator)
assert_type(generator.sample(16, category="cat", held={"content": 3}), Tensor)
assert_type(generator.images(16, seeds=[1, 2]), framegan.Images)
assert_type(generator.clip(3, num_frames=32).save("a.mp4", frames_per_second=8), Path)
run = framegan.train("model/loss=hinge", model="dcgan", **{"trainer.devices": 2})
assert_type(run, framegan.Run)
assert_type(run.best["fid"].value, float)
assert_type(framegan.evaluate(run, metrics="fid")[0].value, float)
assert_type(framegan.metrics.frechet_distance(generator.sample(2), generator.sample(2).numpy()), float)
generator.images(16, seed="3")  # type: ignore[arg-type]
framegan.load("runs/demo", weights="emma")  # type: ignore[arg-type]
framegan.lod  # type: ignore[attr-defined] # noqa: B018
