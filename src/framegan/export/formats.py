"""The files of an export, as bytes. Each is read again and compared with the generator before it is returned."""

import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram

from framegan.export import Format
from framegan.export.program import Program, quiet

PACKAGES = {"onnx": ("onnx", "onnxruntime", "onnxscript"), "safetensors": ("safetensors",)}
"""Of each format what it needs besides PyTorch."""
OPSET = 18
TOLERANCE = 1e-4
"""By which samples may differ from those of the checkpoint, in [-1, 1]."""
BATCHES = (1, 3)
"""Sizes at which they are compared; others than the one that is traced."""


def check_installed(formats: Sequence[Format]) -> None:
    """Raise ValueError where a format needs a package that isn't installed."""
    missing = [name for one in formats for name in PACKAGES.get(one, ()) if find_spec(name) is None]
    if missing:
        needed = f"framegan export needs {', '.join(missing)}, not installed here"
        raise ValueError(f'{needed}: pip install "framegan[export]"; or set format=pt2, which needs nothing more')


def onnx(program: Program, trace: ExportedProgram, about: Mapping[str, str]) -> tuple[bytes, float]:
    """Return an ONNX file, and how far its samples are from those of the generator.

    Raises:
        ValueError: it can't be written, or its samples differ by more than TOLERANCE.
    """
    import onnxruntime

    names = [*program.inputs(1)]
    try:
        with quiet():
            made = torch.onnx.export(
                *(trace, (), None),
                dynamo=True,
                opset_version=OPSET,
                input_names=names,
                output_names=["pixels", "samples"],
            )
    except Exception as error:  # whatever it says of code from anywhere
        cause = error.__cause__ or error
        reason = f"{cause}".strip().partition("\n")[0]
        raise ValueError(f"this generator can't be written as ONNX: {reason}; leave it out: format=pt2") from error
    assert made is not None
    for node in made.model.graph.all_nodes():
        node.metadata_props.clear()  # of this machine: the lines of code that a node comes from
    made.model.metadata_props.update(about)
    content = _named(made.model_proto, program)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: it warns of a truncation that may be left out
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, Tensor]) -> list[Tensor]:
        return [*map(torch.from_numpy, session.run(None, {name: value.numpy() for name, value in inputs.items()}))]

    return content, farthest(program, run, "generator.onnx")


def _named(file: Any, program: Program) -> bytes:
    """Return an ONNX file, its batch size named N and its truncation an input that may be left out."""
    from onnx import numpy_helper

    symbol = file.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*file.graph.input, *file.graph.output, *file.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = dim.dim_param.replace(symbol, "N")
    if program.takes_truncation:
        file.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), "truncation"))
    return bytes(file.SerializeToString())


def pt2(program: Program, trace: ExportedProgram) -> tuple[bytes, float]:
    """Return the file of `torch.export.save`; the rest as in `onnx`."""
    file = io.BytesIO()
    with quiet():
        torch.export.save(trace, file)
        again = torch.export.load(io.BytesIO(file.getvalue())).module()
    return file.getvalue(), farthest(program, lambda inputs: again(**inputs), "generator.pt2")


def safetensors(program: Program, about: Mapping[str, str]) -> bytes:
    """Return the weights and buffers of the generator by their names, each as it is."""
    from safetensors.torch import load, save

    weights = {name: value.clone().contiguous() for name, value in program.generator.state_dict().items()}
    content = save(weights, {**about, "format": "pt"})
    assert all(torch.equal(value, weights[name]) for name, value in load(content).items())
    return content


@torch.no_grad()
def farthest(program: Program, run: Callable[[dict[str, Tensor]], Sequence[Tensor]], name: str) -> float:
    """Return the largest difference between a file's samples and the generator's, over BATCHES and truncations.

    Raises:
        ValueError: it is more than TOLERANCE, or pixels differ by more than that explains.
    """
    found = 0.0
    for number in BATCHES:
        for truncation in (1.0, 0.7) if program.takes_truncation else (1.0,):
            inputs = program.inputs(number, truncation)
            (pixels, samples), (wanted_pixels, wanted) = run(inputs), program(**inputs)
            difference = (samples - wanted).abs().max().item()
            is_close = difference <= TOLERANCE and (pixels.int() - wanted_pixels.int()).abs().max() <= 1
            if samples.shape != wanted.shape or not is_close:
                raise ValueError(
                    f"the samples of {name} are up to {difference:.2g} from those of the checkpoint, and {TOLERANCE:g} "
                    "is allowed; nothing was written. Leave this format out"
                )
            found = max(found, difference)
    return found
