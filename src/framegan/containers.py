"""Plain containers, as configurations and JSON have them."""

from collections.abc import Callable, Iterator
from typing import Any


def walk(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a node and everything below it, each behind its dotted path, such as data.sides[0]."""
    yield path, node
    if isinstance(node, dict):
        for key, child in node.items():
            yield from walk(child, f"{path}.{key}".lstrip("."))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from walk(child, f"{path}[{index}]")


def texts(node: Any) -> list[tuple[str, str]]:
    """Return every text in plain containers behind its dotted path."""
    return [(path, text) for path, text in walk(node) if isinstance(text, str)]


def map_texts(node: Any, function: Callable[[str, str], Any], key: str = "") -> Any:
    """Return plain containers in which each text is replaced by what a function makes of its key and itself."""
    if isinstance(node, dict):
        return {key: map_texts(child, function, key) for key, child in node.items()}
    if isinstance(node, list):
        return [map_texts(child, function, key) for child in node]
    return function(key, node) if isinstance(node, str) else node


def without_mixed_lists(node: Any) -> Any:
    """Return plain containers in which a list of floats and integers is one of floats, as PyTorch wants its betas."""
    if isinstance(node, dict):
        return {key: without_mixed_lists(child) for key, child in node.items()}
    if isinstance(node, list):
        is_mixed = {type(child) for child in node} == {int, float}
        return [float(child) if is_mixed else without_mixed_lists(child) for child in node]
    return node
