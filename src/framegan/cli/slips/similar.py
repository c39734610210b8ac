"""What a key or an option was meant to be that there isn't, and the line that says so."""

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from framegan.cli.slips.known import MAY_BE_EMPTY, REQUIRED, Known
from framegan.cli.slips.setting import Setting

OTHER_NAMES = {
    "lr": ("learningrate", "rate", "steplength"),
    "devices": ("gpus", "gpu", "numgpus", "ngpus", "ngpu", "numdevices", "nproc", "cuda"),
    "num_workers": ("workers", "nworkers", "loaderworkers", "dataloadernumworkers", "threads"),
    "batch_size": ("bs", "batch", "minibatch", "batchsz", "minibatchsize"),
    "resolution": ("imagesize", "imgsize", "size", "res", "imgres", "imsize", "side", "pixels"),
    "latent_dim": ("zdim", "nz", "z", "latentsize", "noisedim", "latent", "latents", "noisesize", "dimz"),
    "width": ("ngf", "ndf", "basewidth", "basechannels", "hidden"),
    "betas": ("beta1", "beta2", "adambetas"),
    "total_samples": (
        *("epochs", "maxepochs", "numepochs", "nepochs", "epoch", "steps", "maxsteps", "numsteps", "totalsteps"),
        *("iterations", "iters", "niter", "maxiter", "numiterations", "kimg", "totalkimg", "maxsamples"),
    ),
    "discriminator_steps": ("ncritic", "critics", "dsteps", "criticsteps", "numcriticsteps", "ndis", "criticiters"),
    "root": ("path", "dir", "folder", "dataroot", "datadir", "datapath", "datasetpath", "input", "datafolder"),
    "data": ("dataset", "datasets", "ds"),
    "model": ("arch", "architecture", "network", "net", "gan", "modelname"),
    "hydra.run.dir": ("output", "out", "outdir", "outputdir", "savedir", "rundir", "logdir", "workdir", "folder"),
    "out": ("output", "outdir", "outputdir", "savedir", "dir", "folder", "outfile", "outputfile"),
    "resume": ("ckpt", "checkpoint", "load", "restore", "resumefrom", "continue", "resumefromcheckpoint"),
    "init_from": (
        "pretrained",
        "init",
        "initfrom",
        "startfrom",
        "finetune",
        "weights",
        "pretrainedweights",
        "initckpt",
    ),
    "checkpoint": ("ckpt", "resume", "load", "run", "modelpath", "weightsfile", "runfolder", "network", "model"),
    "num_frames": ("frames", "nframes", "length", "cliplength", "sequencelength", "seqlen", "videolength", "t"),
    "given_frames": ("contextframes", "inputframes", "pastframes", "conditionframes", "npast", "ncontext"),
    "given": ("firstframe", "context", "condition", "sourceimage"),
    "flip": ("mirror", "hflip", "horizontalflip", "xflip", "randomflip"),
    "frames_per_second": ("fps", "framerate"),
    "target_fps": ("fps", "framerate"),
    "num_samples": ("n", "samples", "nsamples", "count", "number", "numimages"),
    "truncation": ("psi", "truncationpsi", "trunc"),
    "category": ("class", "label", "classid", "classes", "y"),
    "precision": ("amp", "fp16", "half", "dtype", "bf16", "mixedprecision"),
    "accelerator": ("device", "platform"),
    "seed": ("randomseed", "manualseed", "rngseed", "seeds"),
    "micro_batches": ("accumulategradbatches", "gradientaccumulation", "accum", "accumulationsteps", "gradaccum"),
    "compile_networks": ("compile", "torchcompile"),
    "optimizer": ("optim", "opt"),
    "regularizers": ("regularizer", "penalty", "reg", "gp", "regularization"),
    "loss": ("lossfn", "criterion", "losstype", "advloss", "ganloss"),
    "discriminator": ("critic", "critics"),
    "ema_half_life": ("ema", "emadecay", "emakimg"),
    "checkpoint_every": ("saveevery", "saveinterval", "savefreq", "snap", "checkpointinterval"),
    "sample_every": ("sampleinterval", "samplefreq"),
    "evaluate_every": ("evalevery", "evalinterval", "evalfreq", "valinterval"),
    "log_every_n_steps": ("logevery", "loginterval", "logfreq", "printfreq"),
    "metrics": ("metric", "eval", "score", "measures"),
    "fake": ("fakes", "generated", "fakefolder"),
    "logger": ("loggers", "log"),
}
"""What settings are called elsewhere, in small letters without separators, by their last parts here."""
SHORT = dict.fromkeys(("g", "gen"), "generator") | dict.fromkeys(("d", "dis", "disc"), "discriminator")
NOTHING = ("null", "none", "false", "")
YES = ("true", "1", "yes", "on", "value")
OF_LENGTH = "a run's length is counted in samples: ten epochs are ten times the samples of the data"


def meant(key: str, value: str, known: Known) -> tuple[list[str], str]:
    """Return the settings that KEY=VALUE may have meant, and what to say besides.

    A name that fits exactly comes before one that is called so elsewhere, that has the same words, or that is only
    similar; a group comes where it has the option, and another one last, with the options that it has.
    """
    if chosen := _not_chosen(key.replace("/", ".").removesuffix(".yaml"), value, known):
        return chosen, ""
    groups = known.groups()
    choices = [group for group in groups if known.takes(group, value)]
    if found := next(filter(None, _fitting(key, [*choices, *known.keys()])), choices[:1]):
        better = [f"{name}={example(name, key, value, known)}" for name in found[:3]]
        return better, OF_LENGTH if better == ["total_samples=N"] else ""
    for group in next(filter(None, _fitting(key, [group for group in groups if "@" not in group])), []):
        options = known.options_of(group)
        return [f"{group}={option(value, options) or 'NAME'}"], listed(options)
    return [], ""


def _not_chosen(key: str, value: str, known: Known) -> list[str]:
    """Return what to set where a key names an option that wasn't chosen: logger.wandb.name, r1.weight, wandb=true."""
    for group in known.groups():
        place = f"{package(group)}."
        part, _, below = key.removeprefix(place).partition(".")
        is_named = key.startswith(place) or (group in MAY_BE_EMPTY if below else value.lower() in YES)
        if is_named and "@" not in group and known.takes(group, part) and not known.lookup(f"{place}{part}")[0]:
            return [f"{group}={part}", *([f"{place}{part}.{below}={value}"] if below else [])]
    return []


def _fitting(key: str, names: Iterable[str]) -> Iterator[list[str]]:
    """Yield the names that a key may be, the most likely ones first."""
    plain, last = _plain(key), _plain(_last(key))
    parts = {name: (_plain(_last(name)), _plain(name.partition("@")[0].rpartition("/")[2])) for name in names}
    yield _nearest(key, [name for name in parts if plain == _plain(name) or last in parts[name]])
    yield [name for name in parts if last in OTHER_NAMES.get(_last(name), OTHER_NAMES.get(name, ()))]
    yield [name for name in parts if _tokens(key) <= _tokens(name)]
    close = difflib.get_close_matches(last, [last for last, _ in parts.values()], n=1, cutoff=0.75)
    yield _nearest(key, [name for name in parts if parts[name][0] in close])


def example(name: str, key: str, value: str, known: Known) -> str:
    """Return the value to set: the one that was, or another one where it counts something else."""
    there = known.lookup(name)[1]
    if name == "total_samples" and _plain(_last(key)) in OTHER_NAMES["total_samples"]:
        return "N"
    if isinstance(there, list) and not value.startswith("["):
        return f"[{','.join(map(str, there)) or value}]"
    if value == "VALUE" and name in ("resume", "checkpoint"):
        return "RUN_FOLDER"
    return "true" if value == "VALUE" and isinstance(there, bool) else value


def option(value: str, options: Iterable[str]) -> str | None:
    """Return the option that a misspelt one was to be."""
    plain = _plain(re.sub(r"^[^\w/]+|[^\w/]+$", "", value))
    of_plain = {_plain(name): name for name in options}
    longer = sorted((name for name in of_plain if len(plain) > 2 and name.startswith(plain)), key=len)
    close = longer or difflib.get_close_matches(plain, of_plain, n=1, cutoff=0.5)
    return of_plain[close[0]] if close else None


def nearest(key: str, value: str, known: Known) -> list[str]:
    """Return the choice with every name in a value spelt right; none where one is like no option."""
    options = known.options_of(key.partition("@")[0])
    words = [name for name in re.split(r"[\s,;(){}\[\]]+", value) if name]
    found = [option(name, options) for name in words]
    names = ",".join(dict.fromkeys(filter(None, found)))
    is_list = len(words) > 1 and (not known.sweeps or value.startswith("["))
    return [f"{key}=[{names}]" if is_list else f"{key}={names}"] if words and all(found) else []


def line(problem: str, better: Sequence[str] = (), rest: str = "") -> str:
    """Return what is said of a setting: why it can't be so, the right spelling, and what there is besides."""
    if better:
        return f"{problem}; did you mean {shlex.join(better)}?" + (f" {rest[0].upper()}{rest[1:]}" if rest else "")
    return f"{problem}; {rest}" if rest else problem


def rewritten(setting: Setting, right: str) -> str:
    """Return the line about a setting that was meant, but not written so; nothing where it was."""
    return line(f"{setting} is not KEY=VALUE", [right]) if setting.words != setting.text else ""


def left_out(setting: Setting, known: Known) -> str:
    """Return the line about what was removed though something goes by it; nothing where nothing does."""
    key = package(setting.key)
    if setting.mark != "~" or key in REQUIRED or known.lookup(key)[0]:
        return ""
    if followers := known.followers(key):
        return line(f"{setting} can't be left out, for {followers[0]} follows it")
    is_own = "." not in key and not known.is_group(setting.key)
    return line(f"{setting} can't be left out; set it to another value") if is_own else ""


def below(node: Mapping[str, Any], place: str) -> list[str]:
    """Return the keys right below a place, without Hydra's own."""
    return [f"{place}.{name}".lstrip(".") for name in node if not str(name).startswith("_")]


def listed(names: Iterable[str]) -> str:
    there = ", ".join(map(str, names))
    return f"there are: {there}" if there else ""


def package(group: str) -> str:
    """Return the key below which a group's choice lies."""
    return group.partition("@")[2] or group.replace("/", ".")


def _nearest(key: str, names: list[str]) -> list[str]:
    """Return the names that share most parts with a key."""
    parts = set(re.split(r"[./@]", key))
    shared = {name: len(parts.intersection(re.split(r"[./@]", name))) for name in names}
    return [name for name in names if shared[name] == max(shared.values())]


def _tokens(key: str) -> set[str]:
    return {SHORT.get(word, word) for word in re.split(r"[\W_]+", key.lower())}


def _last(key: str) -> str:
    return re.split(r"[./]", key.rpartition("@")[2])[-1]


def _plain(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()
