"""A trained generator as a program of tensors alone: what goes in, what comes out, and its trace for any batch size."""

import copy
import inspect
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from framegan import inputs, media, noise

NUM_TRACED = 4
"""Samples of the batch that is traced; 1 would be taken for the only size."""


class Program(nn.Module):
    """A generator in evaluation mode, from named tensors to pixels and the samples that they show.

    Args:
        generator: of which a copy is made.
        num_frames: of each clip. None = as trained.

    Raises:
        ValueError: it makes images, or none of that length.
    """

    def __init__(self, generator: nn.Module, num_frames: int | None = None):
        super().__init__()
        self.parts = inputs.parts_of(generator, num_frames)
        self.latent_dim = sum(self.parts.values())
        self.options = inputs.options_of(generator, num_frames, None)
        self.generator = copy.deepcopy(generator).to("cpu").eval().requires_grad_(False)
        for module in self.generator.modules():
            if hasattr(module, "fix"):
                module.fix()  # type: ignore[operator]
        self.num_classes = int(getattr(generator, "num_classes", 0))
        self.given_frames = int(getattr(generator, "given_frames", 0))
        self.takes_truncation = "truncation" in inspect.signature(generator.forward).parameters
        channels, *rest = generator.shape  # type: ignore[misc]
        if num_frames is not None:
            rest[0] = num_frames
        self.shape: tuple[int, ...] = channels, *rest

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        truncation: Tensor | None = None,
        given: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return (N, C, [T,] H, W) uint8 pixels, those of grey samples three times, and the float samples in [-1, 1].

        Args:
            latents: (N, sum of `parts`) standard normal.
            labels: (N,) classes.
            truncation: see `framegan.sampling.batches`; a number.
            given: (N, C, given_frames, H, W) in [-1, 1].
        """
        chosen: dict[str, Any] = {"truncation": truncation, "given": given}
        options = self.options | {name: value for name, value in chosen.items() if value is not None}
        samples = self.generator(latents, labels, **options).clamp(-1, 1)
        pixels = media.to_pixels(samples)
        return pixels.repeat_interleave(3, dim=1) if self.shape[0] == 1 else pixels, samples

    def inputs(self, number: int, truncation: float = 1.0) -> dict[str, Tensor]:
        """Return what a batch of the first seeds takes, by name and in order; frames that are given are noise."""
        seeds = range(number)
        latents = [noise.latents_of_seeds(seeds, size, part) for part, size in enumerate(self.parts.values())]
        found = {"latents": torch.cat(latents, dim=1)}
        if self.num_classes:
            found["labels"] = torch.arange(number) % self.num_classes
        if self.takes_truncation:
            found["truncation"] = torch.tensor(truncation)
        if self.given_frames:
            channels, _, *size = self.shape
            shape = number, channels, self.given_frames, *size
            found["given"] = 2 * noise.uniform(shape, seed=0, stream=noise.SAMPLES, counter=0) - 1
        return found


@torch.no_grad()
def traced(program: Program) -> ExportedProgram:
    """Return the operations of a program, for batches of any size, without the places in files that they come from.

    Raises:
        ValueError: the generator does something with its tensors that can't be traced.
    """
    inputs = program.inputs(NUM_TRACED)
    size = Dim("N")
    dynamic = {name: {0: size} if value.ndim else None for name, value in inputs.items()}
    for strict in (False, True):  # the second is slower, and understands len(tensor) too
        try:
            with quiet():
                found = torch.export.export(program, (), inputs, dynamic_shapes=dynamic, strict=strict)
            break
        except Exception as error:  # whatever it says of code from anywhere
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
    else:
        raise ValueError(
            f"this generator can't be traced, as torch.export says: {reason}; change its forward, or write its weights "
            "alone: format=safetensors"
        )
    for graph in (module.graph for module in found.graph_module.modules() if isinstance(module, torch.fx.GraphModule)):
        for node in graph.nodes:
            node.meta.pop("stack_trace", None)
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what exporters tell of themselves, such as that torchvision isn't installed."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"), redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
