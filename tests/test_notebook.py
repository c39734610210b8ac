"""The import in a notebook that runs without a window: another process, whose results are shown."""

import base64
import io

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image
from test_python import MEASURED, SHORT, TINY, of_clips, same_training, trained  # noqa: F401

import framegan

CELLS = """
import sys, framegan
assert "torch" not in sys.modules
---
run = framegan.train(*{settings}, **{choices})
run
---
run.load().images(16)
---
clips = framegan.load({clips!r})
clips.clip(3)
---
clips.clips(4)
---
framegan.evaluate(run, num_samples=10, out="scores")
---
import torch
framegan.metrics.frechet_distance(torch.zeros(4, 2), torch.ones(4, 2).numpy())
---
framegan.load("nowhere")
"""


@pytest.fixture(scope="module")
def outputs(of_clips, tmp_path_factory):  # noqa: F811
    """What each cell shows."""
    settings = list(TINY), {**SHORT, **MEASURED, "hydra.run.dir": "run"}
    code = CELLS.format(settings=settings[0], choices=settings[1], clips=str(of_clips.folder)).split("---\n")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in code])
    notebook.cells[-1].metadata.tags = ["raises-exception"]
    folder = tmp_path_factory.mktemp("notebook")
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return folder, [cell.outputs for cell in notebook.cells]


def shown(outputs, kind):
    """Return what a cell shows as its result, of one kind."""
    (result,) = (output for output in outputs if output.output_type == "execute_result")
    return result.data[kind]


def picture(outputs, kind):
    return Image.open(io.BytesIO(base64.b64decode(shown(outputs, kind))))


def test_it_trains_as_any_other_process(trained, outputs):  # noqa: F811
    folder, cells = outputs
    assert shown(cells[1], "text/plain") == f"Run('{folder}/run': finished, 48 samples)"
    same_training(trained, framegan.Run(folder / "run"))


def test_it_shows_pictures_and_plays_clips(of_clips, outputs):  # noqa: F811
    _, cells = outputs
    grid = picture(cells[2], "image/png")
    assert (grid.format, grid.size) == ("PNG", (6 * 74, 6 * 74))
    assert shown(cells[2], "text/plain") == "Images(16)"
    clip = picture(cells[3], "image/gif")
    assert (clip.format, clip.size, clip.n_frames, clip.info["loop"]) == ("GIF", (240, 240), 4, 0)
    colours = np.asarray(clip.convert("RGB"))[::15, ::15].astype(int)
    assert abs(colours - of_clips.load().clip(3).frames[0]).mean() < 6  # 256 colours of its own
    assert picture(cells[4], "image/gif").size == (6 * 38, 6 * 38)


def test_it_scores_and_refuses(outputs):
    _, cells = outputs
    assert shown(cells[5], "text/plain").startswith("[Record(fd_random_conv")
    assert shown(cells[6], "text/plain") == "2.0"
    (error,) = cells[7]
    assert (error.output_type, error.ename) == ("error", "ValueError")
    assert error.evalue.startswith("nowhere does not exist")
