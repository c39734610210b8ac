"""Classes of a run that aren't what was meant: settings that would change nothing, files that are no class."""

from collections.abc import Collection, Iterable
from typing import Any

OF_CLASSES = {"conditioning", "class_dim"}
OF_PREDICTED_CLASSES = {"class_weight", "generator_class_weight", "class_loss_on_fake"}


def check_names(model: Any, classes: Collection[str]) -> None:
    """Raise ValueError where a network would learn files beside the folders of classes as a class of their own."""
    if getattr(model.generator, "num_classes", 0) > 1 and "." in classes:
        raise ValueError(
            "some files lie beside the folders of classes, and would be one of their own; move them into a folder, "
            "name the classes that are meant (data.classes=[cat,dog]), or set model.conditional=false"
        )


def check_class_settings(model: Any, typed: Iterable[str]) -> None:
    """Raise ValueError where a typed setting is about classes that the networks aren't given, or don't predict.

    Args:
        model: `framegan.gan.GAN`, or another `framegan.model.Model`.
        typed: such as model.class_weight=0.5.
    """
    from framegan.networks.conditioning import ClassCritic

    critics = [part for part in model.modules() if isinstance(part, ClassCritic)]
    are_given = getattr(model.generator, "num_classes", 0) > 0
    are_predicted = are_given and any(critic.predicts for critic in critics)
    for setting in typed if critics else ():
        key = setting.lstrip("+").partition("=")[0]
        name = key.rpartition(".")[2]
        if not key.startswith("model.") or name not in OF_CLASSES | OF_PREDICTED_CLASSES:
            continue
        if not are_given:
            raise ValueError(
                f"{setting} would change nothing: the networks are given no classes; set model.conditional=true, with "
                "data that have some, or leave it out"
            )
        if name in OF_PREDICTED_CLASSES and not are_predicted:
            raise ValueError(
                f"{setting} would change nothing: the discriminator predicts no class; leave it out, or set "
                "model.discriminator.conditioning=auxiliary"
            )
