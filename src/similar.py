"""What somebody meant who typed a key or an option that there isn't."""

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from known import Known

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
    "resume": ("ckpt", "checkpoint", "load", "restore", "resumefrom", "continue", "pretrained", "resumefromcheckpoint"),
    "checkpoint": ("ckpt", "resume", "load", "run", "modelpath", "weightsfile", "runfolder", "network", "model"),
    "num_frames": ("frames", "nframes", "length", "cliplength", "sequencelength", "seqlen", "videolength", "t"),
    "flip": ("mirror", "hflip", "horizontalflip", "xflip", "randomflip"),
    "frames_per_second": ("fps", "framerate"),
    "target_fps": ("fps", "framerate"),
    "num_samples": ("n", "samples", "nsamples", "count", "number", "numimages"),
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


def meant(key: str, value: str, known: Known) -> list[str]:
    """Return the settings that KEY=VALUE may have meant, as they are typed; those of a choice with an option it has."""
    groups, keys = known.groups(), known.keys()
    candidates = [*groups, *(key for key in keys if not isinstance(keys[key], dict)), *_of_hydra(known)]
    choices = {group: value for group in groups if takes(known, group, value)}
    likely = [name for name in candidates if name not in groups or name in choices]
    for found in (
        [name for name in likely if _plain(name) == _plain(key)],
        [name for name in likely if _plain(key) in {_plain(part) for part in (_last(name), _group(name))}],
        _nearest(key, [name for name in likely if _plain(_last(key)) in (_plain(_last(name)), _plain(_group(name)))]),
        [name for name in likely if _plain(_last(key)) in OTHER_NAMES.get(_last(name), OTHER_NAMES.get(name, ()))],
        [name for name in candidates if _tokens(key) <= _tokens(name) and name in likely],
        _close_last(key, likely),
        list(choices)[:1],
    ):
        if found:
            return [f"{name}={_example(name, key, value, keys)}" for name in found[:3]]
    return []


def _example(name: str, key: str, value: str, keys: Mapping[str, Any]) -> str:
    """Return the value to type: the one that was, or another one where it counts something else."""
    if name == "total_samples" and _plain(_last(key)) in OTHER_NAMES["total_samples"]:
        return "N"
    if isinstance(keys.get(name), list) and not value.startswith("["):
        return f"[{','.join(map(str, keys[name]))}]" if keys[name] else f"[{value}]"
    if value == "VALUE" and name in ("resume", "checkpoint"):
        return "RUN_FOLDER"
    if value == "VALUE" and isinstance(keys.get(name), bool):
        return "true"
    return value


def is_called(key: str, group: str) -> bool:
    """Say whether a key is a group's name, or what the group is called elsewhere."""
    last = _last(group)
    plain = _plain(_last(key))
    return plain in (_plain(last), *OTHER_NAMES.get(last, ())) or f"{plain}s" == _plain(last)


def option(value: str, options: Iterable[str]) -> str | None:
    """Return the option that a misspelt one was to be."""
    plain = re.sub(r"^[^\w/]+|[^\w/]+$", "", value).lower()
    of_plain = {_plain(name): name for name in options}
    if _plain(plain) in of_plain:
        return of_plain[_plain(plain)]
    longer = [name for name in of_plain if len(plain) > 2 and name.startswith(_plain(plain))]
    close = longer or difflib.get_close_matches(_plain(plain), of_plain, n=1, cutoff=0.5)
    return of_plain[close[0]] if close else None


def spelt(setting: str) -> str:
    """Return a setting as it is typed in a shell."""
    return setting if re.fullmatch(r"[\w@%+=:,./-]+", setting) else shlex.quote(setting)


def takes(known: Known, group: str, value: str) -> bool:
    """Say whether a group has an option, or all of [a,b]."""
    names = [name.strip() for name in value.strip("[]").split(",")]
    return all(known.has_option(group.partition("@")[0], name) for name in names)


def _of_hydra(known: Known) -> list[str]:
    return ["hydra.run.dir", "hydra.sweep.dir"] if "resume" in known.config else []


def _nearest(key: str, names: list[str]) -> list[str]:
    """Return the names that share most parts with a key, where all or none of its other parts are common to some."""
    if not names:
        return []
    parts = set(re.split(r"[./@]", key))
    shared = {name: len(parts & set(re.split(r"[./@]", name))) for name in names}
    return [name for name in names if shared[name] == max(shared.values())]


def _close_last(key: str, names: list[str]) -> list[str]:
    of_last: dict[str, list[str]] = {}
    for name in names:
        of_last.setdefault(_plain(_last(name)), []).append(name)
    close = difflib.get_close_matches(_plain(_last(key)), of_last, n=1, cutoff=0.75)
    return _nearest(key, of_last[close[0]]) if close else []


def _tokens(key: str) -> set[str]:
    """Return the words in a key."""
    short = {
        "g": "generator",
        "gen": "generator",
        "d": "discriminator",
        "dis": "discriminator",
        "disc": "discriminator",
    }
    return {short.get(word, word) for word in re.split(r"[\W_]+", key.lower())}


def _last(key: str) -> str:
    return re.split(r"[./]", key)[-1] if "@" not in key else key.rpartition(".")[2]


def _group(key: str) -> str:
    return key.partition("@")[0].rpartition("/")[2] if "@" in key else key


def _plain(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()
