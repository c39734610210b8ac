"""Directions in which a sample changes most: what the sliders move along.

SeFa (Shen & Zhou 2021, Equation 4): the eigenvectors of A^T A, where A is the weight of the affine layers that take a
part of the latents as it is, or, of a generator of styles, the styles that are made of it. Where no such layer takes
it, the directions are those along which the principal components of the samples lie (Härkönen et al. 2020, Section
3.2): PCA of small samples, and the latents by least squares of their coordinates.

A part that is longer in longer clips, such as the noise of motion, consists of one unit after the other, and is moved
along the same direction in all of them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from framegan import inputs, noise, sampling
from framegan.networks.style_layers import EqualizedLinear

MOST = 8
"""Directions of a part."""
LENGTHS = range(1, 33)
"""Frames, by which is found what of a part comes again and again."""
NUM_STYLES = 512
NUM_SAMPLES, SIDE = 192, 16
"""Samples for PCA, and the height and width that they are averaged to."""
LARGEST = 1 << 20
"""Values; latents on their way into a layer are fewer."""
SEEN = 1 / 255
"""Deviation of all pixels together below which nothing is seen of a component."""
LEAST = 1e-4
"""Beside the largest eigenvalue: below, a direction changes nothing that is seen."""
AFFINE = (nn.Linear, EqualizedLinear, nn.modules.conv._ConvNd, nn.GRU, nn.LSTM)


@dataclass(frozen=True)
class Directions:
    """The directions of one part of the latents.

    Args:
        vectors: (K, D), each as long as what it moves deviates along it: a step of 1 is a standard deviation.
        source: where they are from, for people.
        module: whose output is moved, a name in the generator; "" = the latents are.
    """

    vectors: Tensor
    source: str
    module: str = ""

    def move(self, values: Sequence[float]) -> Tensor:
        """Return what (D,) is added for a value along each direction; missing ones are 0."""
        given = torch.tensor(list(values[: len(self.vectors)]), dtype=self.vectors.dtype)
        return given @ self.vectors[: len(given)]


@torch.no_grad()
def find(generator: nn.Module) -> dict[str, Directions]:
    """Return the directions of each part of a generator's latents; a part that has none is missing."""
    if hasattr(generator, "enlarged"):  # its latents are the number of a small sample
        return {}
    parts, found = inputs.holdable(inputs.parts_of(generator)), {}
    counts_clips = getattr(generator, "given_frames", 0) > 0  # its content is the number of a clip
    for part in parts:
        if part == "content" and counts_clips:
            continue
        one = _by_layers(generator, part) or _by_samples(generator, part)
        if len(one.vectors):
            found[part] = one
    return found


@contextmanager
def moved(
    generator: nn.Module, directions: Mapping[str, Directions], moves: Mapping[str, Sequence[float]]
) -> Iterator[None]:
    """Add what is moved to the outputs of the modules that it is added to; see `add` for the latents."""

    def adding(vector: Tensor) -> Any:
        return lambda module, inputs, output: output + vector.to(output)

    with ExitStack() as stack:
        for part, values in moves.items():
            one = directions.get(part)
            if one is not None and one.module and any(values):
                hook = generator.get_submodule(one.module).register_forward_hook(adding(one.move(values)))
                stack.callback(hook.remove)
        yield


def add(latents: Tensor, directions: Directions | None, values: Sequence[float]) -> Tensor:
    """Return (N, D) latents of one part, moved."""
    if directions is None or directions.module or not any(values):
        return latents
    return latents + directions.move(values).repeat(latents.shape[1] // directions.vectors.shape[1])


def unit_of(generator: nn.Module, part: str) -> int:
    """Return the size of what a part repeats in longer clips; its own where its size is always the same."""
    if len(generator.shape) == 3:  # type: ignore[arg-type]
        return inputs.parts_of(generator)[part]
    shortest = getattr(generator, "given_frames", 0) + 1
    return math.gcd(*(inputs.parts_of(generator, shortest + frames)[part] for frames in LENGTHS))


def _columns(generator: nn.Module, part: str) -> slice:
    """Return where a part is in the latents."""
    sizes = inputs.parts_of(generator)
    begin = sum([*sizes.values()][: [*sizes].index(part)])
    return slice(begin, begin + sizes[part])


def _by_layers(generator: nn.Module, part: str) -> Directions | None:
    """Return the directions by the first affine layers, None where there are none."""
    latents, labels = inputs.draw(generator, range(2))
    of_part = latents[:, _columns(generator, part)]
    calls = _calls(generator, latents, labels)
    units = of_part[0].split(unit_of(generator, part))
    if weights := _weights(calls, units[:3], repeats=len(units) > 1):
        return Directions(_eigenvectors(weights), f"SeFa, of {_named(weights)}")
    for name, _, given, made in calls:
        if not torch.equal(given.cpu(), of_part) or made.ndim != 2:
            continue
        if weights := _weights(calls, [made[0]], repeats=False):  # they take styles
            vectors = _eigenvectors(weights)
            deviations = (_styles(generator, name, part) @ vectors.T).std(0)
            return Directions(vectors * deviations[:, None], f"SeFa, of {_named(weights)}, in styles", name)
    return None


def _calls(generator: nn.Module, latents: Tensor, labels: Tensor) -> list[tuple[str, nn.Module, Tensor, Tensor]]:
    """Return the modules that are called for samples, by name, with the tensor each is given, and makes if (N, D)."""
    calls: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def noting(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if not inputs or not isinstance(inputs[0], Tensor) or not isinstance(first, Tensor):
                return
            if max(inputs[0].numel(), first.numel() if first.ndim == 2 else 0) <= LARGEST:
                kept = first.clone() if first.ndim == 2 else first[:0]
                calls.append((name, module, inputs[0].clone(), kept))  # copies, as it may be changed in place

        return note

    with ExitStack() as stack:
        for name, module in generator.named_modules():
            stack.callback(module.register_forward_hook(noting(name)).remove)
        for _ in sampling.in_batches(generator, lambda rows: (latents[list(rows)], labels[list(rows)]), 2, 2, {}):
            pass
    return [call for call in calls if call[0]]


def _weights(
    calls: Sequence[tuple[str, nn.Module, Tensor, Tensor]], vectors: Sequence[Tensor], *, repeats: bool
) -> dict[str, Tensor]:
    """Return by name the weights (outputs, D) with which affine layers take one of these (D,) vectors as it is."""
    found = {}
    for name, module, given, _ in calls:
        if not isinstance(module, AFFINE) or name in found:
            continue
        is_convolution = isinstance(module, nn.modules.conv._ConvNd)
        row = (given.movedim(1, -1) if is_convolution else given).flatten(0, -2)[0]  # the first one's channels
        for vector in vectors:
            places = row.unfold(0, len(vector), 1) if len(row) >= len(vector) else row[:0].view(0, len(vector))
            matches = (places == vector.to(places)).all(1).nonzero()
            if len(matches):
                begin = int(matches[0])
                found[name] = _matrix(module, repeats=repeats)[:, begin : begin + len(vector)].float().cpu()
                break
    return found


def _matrix(module: nn.Module, *, repeats: bool) -> Tensor:
    """Return an affine layer's weight as (outputs, inputs); of repeated inputs all places of a kernel see the same."""
    if isinstance(module, nn.GRU | nn.LSTM):
        return torch.as_tensor(module.weight_ih_l0).detach()
    weight = torch.as_tensor(module.weight).detach() * getattr(module, "gain", 1.0)
    is_transposed = isinstance(module, nn.modules.conv._ConvTransposeNd)
    if weight.ndim == 2:
        return weight
    inputs_last = weight.movedim(0 if is_transposed else 1, -1)  # (outputs, *kernel, inputs)
    if repeats and not is_transposed:
        inputs_last = inputs_last.flatten(1, -2).sum(1)
    return inputs_last.flatten(0, -2)


def _eigenvectors(weights: Mapping[str, Tensor]) -> Tensor:
    """Return (K, D) unit vectors, the one that changes most first, signed so that the largest number is positive."""
    squared = sum((weight.T @ weight for weight in weights.values()), start=torch.zeros(()))
    values, vectors = torch.linalg.eigh(squared.double())  # rising, in columns
    chosen = vectors.flip(1)[:, (values.flip(0) > LEAST * values[-1])][:, :MOST].T.float()
    return _signed(chosen)


def _signed(vectors: Tensor) -> Tensor:
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * largest.sign()


def _named(weights: Mapping[str, Tensor]) -> str:
    first, *rest = weights
    return first + (f" and {len(rest)} more layer{'s' * (len(rest) > 1)}" if rest else "")


def _styles(generator: nn.Module, module: str, part: str) -> Tensor:
    """Return (NUM_STYLES, D) styles, which that module makes of a part of the latents."""
    latents = noise.latents_of_seeds(range(NUM_STYLES), inputs.parts_of(generator)[part])
    labels = torch.arange(NUM_STYLES) % max(1, int(getattr(generator, "num_classes", 0)))
    device = next(generator.parameters()).device
    return generator.get_submodule(module)(latents.to(device), labels.to(device)).float().cpu()


def _by_samples(generator: nn.Module, part: str) -> Directions:
    """Return the directions by PCA of samples that differ in this part alone."""
    unit, columns = unit_of(generator, part), _columns(generator, part)
    latents, labels = inputs.draw(generator, [0])
    repeats = (columns.stop - columns.start) // unit
    units = noise.latents_of_seeds(range(NUM_SAMPLES), unit)  # (NUM_SAMPLES, unit)
    base = latents[:, columns] if repeats > 1 else torch.zeros(1, unit)

    def drawn(rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        several = latents.repeat(len(rows), 1)
        several[:, columns] = base + units[list(rows)].repeat(1, repeats)
        return several, labels.expand(len(rows))

    made = []
    for _, samples in sampling.in_batches(generator, drawn, NUM_SAMPLES, None, {}):
        planes = samples.float().cpu().flatten(1, -3)  # (N, C * T, H, W)
        height, width = (min(SIDE, side) for side in planes.shape[-2:])
        made.append(F.adaptive_avg_pool2d(planes, (height, width)).flatten(1))
    pixels = torch.cat(made)
    _, values, components = torch.linalg.svd(pixels - pixels.mean(0), full_matrices=False)
    deviations = values / math.sqrt(NUM_SAMPLES)
    kept = components[(deviations > LEAST**0.5 * deviations[0]) & (deviations > SEEN)][:MOST]  # (K, pixels)
    if not len(kept):
        return Directions(torch.zeros(0, unit), "")
    coordinates = (pixels - pixels.mean(0)) @ kept.T  # (N, K)
    vectors = torch.linalg.lstsq(coordinates / coordinates.std(0), units).solution  # (K, unit)
    return Directions(_signed(F.normalize(vectors, dim=1)), "PCA of its samples")
