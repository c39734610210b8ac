"""What a cluster's scheduler starts and stops: its tasks made ranks, and a job put back into its queue."""

import os
import re
import subprocess


def adopt_task() -> None:
    """Give this process the environment that torchrun gives a rank, where it is one of several tasks of a scheduler.

    Those are SLURM's, within a step of srun (a batch script is no task, nor is a shell), and those of submitit's local
    executor, which stands in for SLURM on one machine.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return
    environment = _of_slurm() if _number("SLURM_STEP_NUM_TASKS") > 1 else {}
    environment = environment or (_of_submitit() if _number("SUBMITIT_LOCAL_NTASKS") > 1 else {})
    for name, value in environment.items():
        if name != "MASTER_PORT" or name not in os.environ:
            os.environ[name] = str(value)


def requeue() -> str | None:
    """Put the SLURM job of this process back into the queue, to start again from its first line; return which it is."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
    if job:
        subprocess.run(["scontrol", "requeue", job], check=True)
    return job


def _of_slurm() -> dict[str, str | int]:
    first = re.match(r"([^\[,]+)(?:\[(\w+))?", os.environ["SLURM_STEP_NODELIST"])  # "gpu[03-05,9],cpu1" -> gpu03
    assert first is not None
    return {
        **_size(_number("SLURM_STEP_NUM_TASKS"), _number("SLURM_STEP_NUM_NODES"), _number("SLURM_PROCID", 0)),
        "LOCAL_RANK": os.environ["SLURM_LOCALID"],
        "MASTER_ADDR": first[1] + (first[2] or ""),
        "MASTER_PORT": _port(os.environ["SLURM_JOB_ID"]),
        "TORCHELASTIC_RUN_ID": f"slurm_{os.environ['SLURM_JOB_ID']}",
    }


def _of_submitit() -> dict[str, str | int]:
    job = os.environ["SUBMITIT_LOCAL_JOB_ID"]
    return {
        **_size(_number("SUBMITIT_LOCAL_NTASKS"), 1, _number("SUBMITIT_LOCAL_GLOBALID", 0)),
        "LOCAL_RANK": os.environ["SUBMITIT_LOCAL_LOCALID"],
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": _port(job),
        "TORCHELASTIC_RUN_ID": f"submitit_{job}",
    }


def _size(num_ranks: int, num_nodes: int, rank: int) -> dict[str, str | int]:
    num_local = num_ranks // num_nodes
    return {"WORLD_SIZE": num_ranks, "LOCAL_WORLD_SIZE": num_local, "RANK": rank, "GROUP_RANK": rank // num_local}


def _port(job: str) -> int:
    """Return a port that the tasks of a job agree on without asking each other."""
    return 15_000 + int(re.sub(r"\D", "", job)) % 10_000


def _number(name: str, default: int = 1) -> int:
    return int(os.environ.get(name, default))
