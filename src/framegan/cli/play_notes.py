"""What the files of `framegan play` say of how they were made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from framegan.cli import generator, made_with
from framegan.cli.generate_rows import Row

if TYPE_CHECKING:
    from framegan.play.player import Player
    from framegan.play.wanted import File, Point


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
        settings["beside"] = [generator.place_of(row.run.checkpoint) for row in of_each[1:]]
    beside_seen = [row.run.samples_seen for row in rows[:: len(weights)][1:num_runs]]
    settings["weights"] = weights[0] if len(weights) == 1 else [*weights]
    settings = {key: value for key, value in settings.items() if value != "ema"}
    return made_with.Notes(rows[0], settings, beside_seen).of_all()


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
