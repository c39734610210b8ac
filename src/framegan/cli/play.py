"""Show what a trained generator makes on a local page: framegan play RUN_FOLDER [RUN_FOLDER]"""

import os
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import hydra
from omegaconf import DictConfig
from pydantic import Field

from framegan.cli import command_line, compose, errors, generate_rows, generator, play_notes
from framegan.cli.generate_rows import Row
from framegan.quoting import quoted
from framegan.runs import run_folder
from framegan.runs.run_files import RunFiles

if TYPE_CHECKING:
    from framegan.play.player import Player
    from framegan.play.studio import Studio

NO_BROWSER = "--no-browser"
Weights = Literal["ema", "raw"]


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="play")
def main(cfg: DictConfig) -> None:
    compose.flush_denormals()
    compose.require_run(cfg, "play")
    with errors.plain_errors():
        play(**compose.arguments_of(play, cfg))


def play(
    checkpoint: str,
    beside: list[str],
    weights: Weights | list[Weights],
    port: Annotated[int, Field(ge=0, lt=65536)],
    open_browser: bool,
    device: Literal["auto", "cpu", "cuda"],
    trust: list[str],
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        trust: packages whose parts the run folder's configuration may build too.
    """
    from framegan.play import server

    server.require_installed()
    prepared = studio(checkpoint, beside, weights, device, trust)
    serving = server.Server(prepared, port)
    print(f"open     {serving.address}", flush=True)
    print("         the token in it lets in whoever has it, from this machine alone; Ctrl-C ends it", flush=True)
    if open_browser and has_screen():
        webbrowser.open(serving.address)
    serving.run()


def studio(
    checkpoint: str,
    beside: Sequence[str],
    weights: Weights | Sequence[Weights],
    device: Literal["auto", "cpu", "cuda"],
    trust: Sequence[str],
) -> "Studio":
    """Return the generators for a page, and say which they are."""
    from framegan.play.studio import Studio

    several: list[Weights] = list(dict.fromkeys([weights] if isinstance(weights, str) else weights))
    if not several:
        raise ValueError("weights got []; it should be ema, raw or [ema,raw]")
    places = [checkpoint, *beside]
    sources = [Run(place, one, device, trust) for place in places for one in several]
    made = Studio(sources, lambda players, file: play_notes.note(players, file, len(places), several))
    rows: list[Row] = [player.origin for player in made.players]
    generate_rows.check_alike([(row.run, row.weights) for row in rows])
    for row in rows:
        print(f"{row.run.checkpoint} after {row.run.samples_seen:,} samples, {row.weights} weights")
    return made


@dataclass(frozen=True)
class Run:
    """A run, or one of its checkpoints, as a source of `framegan.play.studio`."""

    place: str
    weights: Weights
    device: Literal["auto", "cpu", "cuda"]
    trust: Sequence[str]

    def stamp(self) -> object:
        """Return which file the checkpoint is, and when it was written."""
        found = self._checkpoint()
        about = found.stat()
        return found, about.st_mtime_ns, about.st_size, about.st_ino

    def load(self) -> "Player":
        """Return the generator with the weights of the checkpoint."""
        from framegan import video_formats
        from framegan.play.player import Player

        run = generator.load(self._checkpoint(), self.weights, self.device, self.trust)
        rate = run_folder.frames_per_second(run.config) or video_formats.FRAMES_PER_SECOND
        name = run.folder.name if self.weights == "ema" else f"{run.folder.name}, raw weights"
        origin = Row("", run, self.weights, None)
        return Player(run.generator, name, run.checkpoint.name, run.samples_seen, rate, origin)

    def _checkpoint(self) -> Path:
        """Return the checkpoint that is named; of a run the last one while it trains, so that the page follows it."""
        path = Path(self.place).expanduser()
        if path.suffix == ".ckpt":
            return run_folder.checkpoint_of(path, [])
        names, is_training = ["best", "last"], False
        with suppress(ValueError, OSError):
            is_training = RunFiles(path).status == "running"
        names = names[::-1] if is_training else names
        files = (path / "checkpoints" / f"{name}.ckpt" for name in names)
        return next((file for file in files if file.exists()), None) or run_folder.checkpoint_of(path, names)


def has_screen() -> bool:
    """Say whether a browser can be seen: without a screen, a browser of the terminal would take it over."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def arguments_of(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command line with --no-browser and further runs as the settings that they are."""
    words = ["open_browser=false" if word == NO_BROWSER else word for word in arguments]
    are_places = ("=" not in word or command_line.is_place(word) for word in words)
    bare = [place for place, is_place in enumerate(are_places) if is_place and not words[place].startswith("-")]
    if len(bare) > 1 and bare[0] == 0 and not Path(" ".join(words[: bare[1] + 1])).expanduser().exists():
        further = ",".join(quoted(Path(words[place]).expanduser()) for place in bare[1:])
        words = [word for place, word in enumerate(words) if place not in bare[2:]]
        words[bare[1]] = f"beside=[{further}]"
    return words
