"""Classes of a run that aren't what was meant: settings that would change nothing, networks and files without any."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from framegan import contracts

if TYPE_CHECKING:
    from torch import nn

    from framegan.networks.conditioning import ClassCritic

OF_CLASSES = {"conditioning", "class_dim"}
OF_PREDICTED_CLASSES = {"class_weight", "generator_class_weight", "class_loss_on_fake"}


def check_names(model: Any, classes: Collection[str]) -> None:
    """Raise ValueError where a network would learn files beside the folders of classes as a class of their own."""
    if _are_given(model) and "." in classes:
        raise ValueError(
            "some files lie beside the folders of classes, and would be one of their own; move them into a folder, "
            "name the classes that are meant ('data.classes=[cat,dog]'), or set model.conditional=false"
        )


def check_both_are_given(model: Any) -> None:
    """Raise ValueError where a critic of framegan's is given classes and the generator none, or the reverse.

    Args:
        model: `framegan.gan.GAN`, or another `framegan.model.Model`.
    """
    of_critics = [critic.num_classes for critic in _critics(getattr(model, "discriminator", None)).values()]
    if not of_critics or any(of_critics) == _are_given(model) or (_are_given(model) and _are_predicted(model)):
        return
    raise ValueError(
        f"the generator is asked for {getattr(model.generator, 'num_classes', 0)} classes, and the discriminator is "
        f"given {max(of_critics)}; set model.conditional=true or false, which is for both, and num_classes: "
        "${data.num_classes} of both where the model is your own"
    )


def check_class_settings(model: Any, typed: Iterable[str]) -> None:
    """Raise ValueError where a typed setting is about classes that the networks aren't given, or don't predict.

    Args:
        model: `framegan.gan.GAN`, or another `framegan.model.Model`.
        typed: such as model.class_weight=0.5.
    """
    for setting in typed:
        key = setting.lstrip("+").partition("=")[0]
        place, _, name = key.removeprefix("model.").rpartition(".")
        if key.startswith("model.") and (why := _why_unused(model, place, name)):
            raise ValueError(f"{setting} would change nothing: {why}")


def _why_unused(model: Any, place: str, name: str) -> str:
    """Return why a setting changes nothing, and what to set; "" where it does, isn't of classes, or is of one's own."""
    no_classes = "given no classes; set model.conditional=true, with data that have some, or leave it out"
    if name in OF_PREDICTED_CLASSES and not place:
        if not _are_given(model):
            return f"the networks are {no_classes}"
        if not _are_predicted(model):
            critic = next((name for name, one in _critics(model).items() if one.num_classes), "discriminator")
            return f"the discriminator predicts no class; leave it out, or set model.{critic}.conditioning=auxiliary"
    elif name in OF_CLASSES and (part := _framegans(model, place)) is not None:
        critics = _critics(part).values()
        if not any(critic.num_classes for critic in critics) if critics else getattr(part, "num_classes", 2) < 2:
            return f"model.{place} is {no_classes}"
        if name == "class_dim" and critics and all(critic.conditioning != "concatenation" for critic in critics):
            return f"only a concatenation has one; leave it out, or set model.{place}.conditioning=concatenation"
    return ""


def _are_given(model: Any) -> bool:
    return bool(getattr(model.generator, "num_classes", 0) > 1)


def _are_predicted(model: Any) -> bool:
    """Say whether the discriminator, or a head of one's own, predicts the class."""
    return "class" in contracts.check_networks(model.generator, model.discriminator)


def _critics(part: "nn.Module | None") -> "dict[str, ClassCritic]":
    """Return the critics of framegan in a part of a model, by their places in it."""
    from framegan.networks.conditioning import ClassCritic

    named = part.named_modules() if part is not None else ()
    return {name: one for name, one in named if isinstance(one, ClassCritic)}


def _framegans(model: Any, place: str) -> Any:
    """Return the part of a model that is set at a place; None where there is none, or where it is one's own code."""
    try:
        part = model.get_submodule(place)
    except AttributeError:
        return None
    return part if type(part).__module__.startswith("framegan.") else None
