"""A trained generator as files that run without framegan, and the card that says what they are."""

from typing import Literal

Format = Literal["onnx", "pt2", "safetensors"]

CARD, EXAMPLE = "README.md", "example.py"
"""The files beside those called generator."""
