"""Samples that a model hasn't been trained on, as far as is known."""

from typing import Any

from framegan import noise
from framegan.quoting import first_names


def unseen(real: Any, num_samples: int) -> tuple[str, list[int]]:
    """Return the name of the samples that are judged, for the keys, and at most `num_samples` of their numbers.

    They are those "held_out" from training; of other data, that were named, those of their split, such as "test".

    Args:
        real: `framegan.evaluation.real_samples.RealSamples`.
    """
    left_out = real.held_out_numbers
    if left_out is None:
        return str(real.origin.get("split", "all")), list(real.chosen(num_samples))
    order = noise.generator(0, noise.CHOICE).permutation(len(left_out))[:num_samples]
    return "held_out", [int(left_out[place]) for place in order]


def told_class(fake: Any) -> str:
    """Return "given_class_", a part of the keys of conditional models, and "" for others: to know the class helps."""
    return "given_class_" if getattr(fake.generator, "num_classes", 0) > 1 else ""


def check_unseen(real: Any, fake: Any, metric: str) -> None:
    """Raise ValueError where there are no such samples for a choice of metrics=, or they are of other classes.

    The model is given the class of each of them by its number.
    """
    if seen := real.trained_on():
        raise ValueError(
            f"metrics={metric} judges samples that the model hasn't seen, and its weights were trained on {seen} of "
            "these, in this run or before it. Hold out what was held out then, judge it by other data (framegan "
            "evaluate RUN data=...), or train with evaluate_every=null"
        )
    if not unseen(real, 1)[1]:
        raise ValueError(
            f"no samples were held out from training to be judged; train with metrics.{metric}.held_out=0.1, or more "
            "of few data, or name data that the model hasn't seen: framegan evaluate RUN data=NAME data.split=test"
        )
    known, found = list(fake.classes), list(real.classes)
    if fake.num_classes > 1 and (real.num_classes != fake.num_classes or (known and found != known)):
        of_model, of_data = (first_names(names, 5) or "none that are named" for names in (known, found))
        raise ValueError(
            f"metrics={metric} asks the model for the class of each real sample; it was trained on {of_model} "
            f"({fake.num_classes}), and these data have {of_data} ({real.num_classes}). Name data with the same classes"
        )
