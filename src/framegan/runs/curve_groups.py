"""What the keys that a run logs are about: the same groups on its page, in TensorBoard and on W&B."""

import re
from collections.abc import Container

GROUPS = {
    "Losses": r"(.*/)?(\w+_)?loss",
    "Logits": r".*logit",
    "Accuracies": r".*accuracy",
    "Penalties": r"penalty.*",
    "Gradients": r".*gradient_norm",
    "Learning rates": r".*/lr",
    "Diversity": r"watchdog/.*",
    "Speed": r"samples_per_second",
    "Waiting for data": r"data_wait_fraction",
}
"""Title and keys of what shares an axis. Metrics, whatever they are called, are a group of their own."""


def group_of(key: str, measured: Container[str]) -> str | None:
    """Return the title of a key's group; None where it belongs to none.

    Args:
        measured: the keys of metrics.
    """
    if key in measured:
        return "Metrics"
    return next((title for title, pattern in GROUPS.items() if re.fullmatch(pattern, key)), None)


def tag(key: str, measured: Container[str]) -> str:
    """Return a key behind its group, such as losses/generator/loss, by which dashboards make sections."""
    group = group_of(key, measured)
    return key if group is None else f"{group.lower().replace(' ', '_')}/{key}"
