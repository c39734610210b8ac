"""Show what a trained generator makes on a local page: framegan play RUN_FOLDER [RUN_FOLDER]"""

import os
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import hydra
from omegaconf import DictConfig
from pydantic import Field

from framegan.cli import compose, errors, generate_rows, generator, made_with
from framegan.cli.generate_rows import Row
from framegan.quoting import quoted
from framegan.runs import run_folder
from framegan.runs.run_files import RunFiles

if TYPE_CHECKING:
    from framegan.play.player import Player
    from framegan.play.wanted import File, Point

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
) -> Any:
    """Return the generators for a page, and say which they are."""
    from framegan.play.studio import Studio

    several: list[Any] = [weights] if isinstance(weights, str) else list(dict.fromkeys(weights))
    if not several:
        raise ValueError("weights got []; it should be ema, raw or [ema,raw]")
    places = [checkpoint, *beside]
    sources = [Run(place, one, device, trust) for place in places for one in several]
    made = Studio(sources, lambda players, file: note(players, file, len(places), several))
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
        from framegan import video_files
        from framegan.play.player import Player

        run = generator.load(self._checkpoint(), self.weights, self.device, self.trust)
        rate = run_folder.frames_per_second(run.config) or video_files.FRAMES_PER_SECOND
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
    """Return the words of a command line with --no-browser and a second run as the settings that they are."""
    words = ["open_browser=false" if word == NO_BROWSER else word for word in arguments]
    bare = [place for place, word in enumerate(words) if "=" not in word and not word.startswith("-")]
    if len(bare) > 1 and bare[0] == 0 and not Path(" ".join(words[: bare[1] + 1])).expanduser().exists():
        words[bare[1]] = f"beside=[{quoted(Path(words[bare[1]]).expanduser())}]"
    return words


def note(players: "Sequence[Player]", file: "File", num_runs: int, weights: Sequence[str]) -> str:
    """Return what a file says: how `framegan generate` makes the same, or else that it was moved here.

    Args:
        num_runs: how many runs are side by side, each with all `weights`.
    """
    rows: list[Row] = [player.origin for player in players]
    settings = _settings(players[0], file)
    if settings is None:
        return made_with.of_play(rows[0], file.model_dump(mode="json", exclude_defaults=True))
    if num_runs > 1:
        of_each = rows[:: len(weights)]
        settings["beside"] = [generate_rows.place_of(row.run.checkpoint) for row in of_each[1:]]
    settings["weights"] = weights[0] if len(weights) == 1 else [*weights]
    return made_with.Notes(rows[0], {key: value for key, value in settings.items() if value != "ema"}).of_all()


def _settings(player: "Player", file: "File") -> dict[str, Any] | None:
    """Return the settings of `framegan generate` that make the same; None where none do."""
    wanted = file.wanted
    points = wanted.pins if file.whole_walk else [wanted.point]
    is_between = not file.whole_walk and wanted.place is not None and bool(wanted.pins)
    if is_between or any(any(values) for point in points for values in point.moves.values()):
        return None
    held = _held(player, points)
    if held is None:
        return None
    seeds = [point.seeds[player.parts[-1]] for point in points]
    settings: dict[str, Any] = {"num_samples": 1, "seed": seeds[0], **held}
    if file.whole_walk:
        settings = {"interpolate": seeds, "interpolation": wanted.interpolation, **held}
    if wanted.category is not None:
        settings["category"] = f"number:{wanted.category}"
    for name in ("truncation", "num_frames"):
        if getattr(wanted, name) is not None:
            settings[name] = getattr(wanted, name)
    if file.format != "png":
        settings["frames_per_second"] = file.frames_per_second
    return settings


def _held(player: "Player", points: "Sequence[Point]") -> dict[str, int] | None:
    """Return the seeds of parts that differ from the sample's, as `framegan generate` names them; None: it can't."""
    held = {}
    for part in player.parts[:-1]:
        seeds = [point.seeds[part] for point in points]
        if seeds == [point.seeds[player.parts[-1]] for point in points]:
            continue
        if part != "content" or len(set(seeds)) > 1:
            return None
        held["content_seed"] = seeds[0]
    return held
