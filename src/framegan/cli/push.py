"""Upload an exported generator to the Hugging Face Hub: framegan push RUN_FOLDER repo=me/pets"""

import os
import re
from pathlib import Path
from typing import get_args

import hydra
from omegaconf import DictConfig, OmegaConf

from framegan.cli import compose, errors
from framegan.export import CARD, EXAMPLE, Format
from framegan.quoting import command
from framegan.runs import run_folder

PARTS = (CARD, EXAMPLE, *(f"generator.{one}" for one in get_args(Format)))
"""What an export consists of; nothing else of the folder is uploaded, and nothing else there is removed."""
REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
TO_LOG_IN = "set HF_TOKEN to a token that may write (huggingface.co/settings/tokens), or run: hf auth login"


@hydra.main(version_base="1.3", config_path=compose.CONFIGURATIONS, config_name="push")
def main(cfg: DictConfig) -> None:
    compose.require_run(cfg, "push")
    if OmegaConf.is_missing(cfg, "repo"):
        errors.stop("no repository was named; set repo=NAME/PETS, with your name on the hub")
    with errors.plain_errors():
        push(**compose.arguments_of(push, cfg))


def push(checkpoint: str, repo: str, private: bool, message: str | None) -> None:
    """Upload the files of an export in one commit, and say where they are."""
    folder = _export_in(Path(checkpoint))
    files = [folder / part for part in PARTS if (folder / part).is_file()]
    if not REPOSITORY.fullmatch(repo):
        raise ValueError(f"repo got {repo}; it should be a name on the hub and one of your own, such as me/pets")
    for path in files:
        print(f"file     {path}, {path.stat().st_size / 1e6:.1f} MB", flush=True)
    where = _upload(folder, files, repo, private=private, message=message or "Export by framegan")
    print(f"pushed   {where}{', which only you can see' if private else ''}")


def _export_in(place: Path) -> Path:
    """Return the folder of an export: that one, or of a run.

    Raises:
        ValueError: there is none.
    """
    folder = place if (place / CARD).is_file() and any(place.glob("generator.*")) else run_folder.find(place) / "export"
    if not (folder / CARD).is_file() or not any(folder.glob("generator.*")):
        raise ValueError(f"{folder} holds no export; write it first: {command('export', str(place))}")
    return folder


def _upload(folder: Path, files: list[Path], repo: str, *, private: bool, message: str) -> str:
    """Return the address of the commit.

    Raises:
        ValueError: the hub can't be reached, or refuses; or has a repository that is public, or private, already.
        ImportError: the extra isn't installed.
    """
    try:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        raise ImportError('framegan push needs huggingface_hub; install it: pip install "framegan[hub]"') from error
    of_library = (base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")  # which one, is its choice
    network_error: type[Exception] = next(of_library)
    disable_progress_bars()
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    there = hub.endpoint
    try:
        hub.create_repo(repo, private=private, exist_ok=True, token=True)
        before = hub.model_info(repo)
        if private != before.private:
            is_so = "private" if before.private else "public"
            asked = str(before.private).lower()
            raise ValueError(f"{repo} is there already and {is_so}; set private={asked}, or another repo")
        parts: list[CommitOperationAdd | CommitOperationDelete]
        parts = [CommitOperationAdd(path.name, path) for path in files]
        earlier = {one.rfilename for one in before.siblings or ()} & set(PARTS) - {path.name for path in files}
        parts += [CommitOperationDelete(name) for name in sorted(earlier)]
        return str(hub.create_commit(repo, parts, commit_message=message).commit_url)
    except LocalTokenNotFoundError:
        raise ValueError(f"{there} doesn't know who you are; {TO_LOG_IN}") from None
    except HfHubHTTPError as error:
        said = str(error.server_message or error).strip().splitlines()[0]
        status = error.response.status_code
        raise ValueError(f"{there} refused (status {status}): {said}" + f"; {TO_LOG_IN}" * (status == 401)) from None
    except (network_error, OfflineModeIsEnabled) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"{there} can't be reached: {first}; push again with a network") from None
