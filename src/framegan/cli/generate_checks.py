"""Which settings of framegan generate go together: none that contradicts another one, or would change nothing."""

from typing import TYPE_CHECKING

from framegan.cli import made_with

if TYPE_CHECKING:
    from framegan.cli.generate import Settings
    from framegan.outputs import Target


def check_together(settings: "Settings", makes_clips: bool, to: "Target") -> None:
    """Raise ValueError where a setting would change nothing, or contradicts another one."""
    for name in ("steps", "interpolation"):
        if getattr(settings, name) is not None and settings.interpolate is None:
            raise ValueError(
                f"{name}={getattr(settings, name)} is for what lies between seeds; set interpolate=[0,5,9]"
            )
    if settings.interpolate is not None and settings.seed:
        raise ValueError(f"interpolate={settings.interpolate} says which seeds; leave out seed={settings.seed}")
    if settings.loop == "closed" and settings.interpolate is None:
        raise ValueError("loop=closed leads back to the first seed; set interpolate=[0,5,9], or loop=pingpong")
    if settings.loop == "pingpong" and not makes_clips and to.kind != "video":
        raise ValueError("loop=pingpong is for videos, and this generator makes images; leave it out")
    if settings.size is not None and settings.scale is not None:
        raise ValueError(f"size={settings.size} and scale={settings.scale:g} both say how large; leave one out")
    if settings.resampling is not None and settings.size is None and settings.scale is None:
        raise ValueError(f"resampling={settings.resampling} is for another size; set scale=4 or size=512")
    if settings.needs_data and (to.kind not in ("picture", "video") or settings.interpolate is not None):
        name = "real=true" if settings.real else f"neighbours={settings.neighbours}"
        file = f"{name.partition('=')[0]}{'.mp4' if makes_clips else '.png'}"
        raise ValueError(f"{name} is for samples in one picture or video; set out={file}")
    if settings.neighbours is not None and makes_clips and to.kind == "picture":
        raise ValueError(
            f"neighbours={settings.neighbours} shows clips beside each other, which needs a video; set "
            f"out={to.path.with_suffix('.mp4')}"
        )
    if settings.real and settings.neighbours is not None:
        raise ValueError(f"real=true and neighbours={settings.neighbours} both show real samples; leave one out")
    if to.kind in ("picture", "video") and settings.grid_samples == 0:
        raise ValueError(f"grid_samples=0, but out={to.path} is a grid; leave it out")
    _refuse_unused(settings, makes_clips, to)


def _refuse_unused(settings: "Settings", makes_clips: bool, to: "Target") -> None:
    """Raise ValueError where a setting is for what isn't made."""
    is_walk = settings.interpolate is not None
    has_grid = to.kind == "each" and settings.grid_samples > 0 and not is_walk
    is_side_by_side = has_grid or to.kind in ("picture", "video")
    plays = not makes_clips or to.plays(has_grid=has_grid) or bool(settings.postprocess)  # edits have seconds
    for name, is_used, why in (
        ("num_samples", not is_walk, "interpolate and steps say what is made"),
        ("grid_samples", not is_walk, "all that lies between the seeds is shown"),
        ("grid_samples", to.kind not in ("tar", "array"), f"{to.path} gets no grid"),
        ("margin", is_side_by_side, "nothing is side by side"),
        ("frames_per_second", plays, f"what goes to {to.path} has no times"),
    ):
        value, usual = getattr(settings, name), made_with.defaults()[name]
        if not is_used and value != usual:
            as_usual = f"{name}={'null' if usual is None else usual}"  # of what --from FILE says
            raise ValueError(f"{name}={value:g} would change nothing: {why}; leave it out, or set {as_usual}")
