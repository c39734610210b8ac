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
    if _number("SLURM_STEP_NUM_TASKS") > 1:
        # "gpu[03-05,9]-ib,cpu1" -> gpu03-ib
        first = re.match(r"([^\[,]+)(?:\[(\w+)[^\]]*\]([^,]*))?", os.environ["SLURM_STEP_NODELIST"])
        assert first is not None
        names = ("SLURM_JOB_ID", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID")
        _become_rank(*names, "".join(part or "" for part in first.groups()), _number("SLURM_STEP_NUM_NODES"))
    elif _number("SUBMITIT_LOCAL_NTASKS") > 1:
        local = "SUBMITIT_LOCAL_"
        _become_rank(f"{local}JOB_ID", f"{local}NTASKS", f"{local}GLOBALID", f"{local}LOCALID")


def requeue() -> str | None:
    """Put the SLURM job of this process back into the queue, to start again from its first line; return which it is.

    Raises:
        ValueError: SLURM's scontrol isn't there, or refuses.
    """
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
    if job:
        try:
            subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            why = str(getattr(error, "stderr", None) or error).strip()
            raise ValueError(
                f"SLURM was about to end job {job}, and it isn't back in the queue: {why}; submit it again, with "
                "resume=auto"
            ) from error
    return job


def _become_rank(
    job: str, num_tasks: str, rank: str, local_rank: str, address: str = "127.0.0.1", num_nodes: int = 1
) -> None:
    """Set what torchrun sets for a rank, from the variables of a scheduler that have these names."""
    step = os.environ.get("SLURM_STEP_ID", "0")  # several may run at once
    number = int(re.sub(r"\D", "", os.environ[job])) + 101 * int(re.sub(r"\D", "", step) or 0)
    num_local = _number(num_tasks) // num_nodes
    os.environ.setdefault("MASTER_PORT", str(15_000 + number % 10_000))  # the tasks agree on it without asking
    os.environ |= {
        "WORLD_SIZE": os.environ[num_tasks],
        "LOCAL_WORLD_SIZE": str(num_local),
        "RANK": os.environ[rank],
        "GROUP_RANK": str(_number(rank) // num_local),
        "LOCAL_RANK": os.environ[local_rank],
        "MASTER_ADDR": address,
        "TORCHELASTIC_RUN_ID": f"{job}_{os.environ[job]}_{step}",
    }


def _number(name: str) -> int:
    return int(os.environ.get(name, 1))
