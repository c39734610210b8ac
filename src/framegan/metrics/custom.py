"""An embedding of the user's own: any network that describes samples, such as DINOv2 or VideoMAE."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from framegan.metrics.embedding import Embedding, fingerprint_of, resized, to_rgb
from framegan.metrics.weights import existing, fingerprint_of_file, load_torchscript
from framegan.quoting import without_addresses


class Custom(Embedding):
    """A module or a TorchScript file that takes float images (N, C, H, W) or clips (N, C, T, H, W) and returns (N, D).

    Args:
        name: what the keys of metrics call it.
        module: the network; either this or `path`. What changes its features and is seen neither in its weights nor
            in its `repr` needs another name.
        path: the TorchScript file.
        input_range: the values that the pixels 0 and 255 become.
        resolution: what height and width are resized to, bilinearly and antialiased; None: they stay.
        channels: 3: grey samples are repeated; 1: it takes grey samples only.
        num_features: D; None: found with one black sample of the first shape that is checked.
    """

    def __init__(
        self,
        name: str,
        takes: Literal["images", "clips"],
        module: nn.Module | None = None,
        path: str | None = None,
        input_range: Sequence[float] = (0.0, 1.0),
        resolution: PositiveInt | None = None,
        channels: Literal[1, 3] = 3,
        min_frames: PositiveInt = 1,
        num_features: PositiveInt | None = None,
    ):
        super().__init__()
        if (module is None) == (path is None):
            raise ValueError(f"the embedding {name} needs either a module or the path of a TorchScript file")
        if len(input_range) != 2 or not input_range[0] < input_range[1]:
            raise ValueError(f"input_range got {input_range}; it should be two growing numbers, such as [-1, 1]")
        self.name = name
        self.takes = takes
        self.input_range = input_range
        self.resolution = resolution
        self.channels = channels
        self.min_frames = min_frames
        if num_features is not None:
            self.num_features = num_features
        self.network: Any
        if path is None:
            assert module is not None
            self.network = module.float()
            program = fingerprint_of(self.network.state_dict()) + _text_of(self.network)
        else:
            file = existing(path, "build the network with module._target_")
            self.network = load_torchscript(file).float()
            program = fingerprint_of_file(file)
        way = [takes, *map(float, input_range), resolution, channels]
        self.fingerprint = hashlib.sha256(f"{program} {way}".encode()).hexdigest()[:8]
        """Of the network and of all that is done with samples before: features of another way have other keys."""
        self.frozen()

    @staticmethod
    def program_in(arguments: Mapping[str, Any]) -> str | None:
        return "path" if arguments.get("path") is not None else None

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        if shape[0] > self.channels:
            raise ValueError(f"the embedding {self.name} takes grey samples, these have {shape[0]} channels")
        if not hasattr(self, "num_features"):
            device = next((tensor.device for tensor in self.state_dict().values()), None)
            with torch.no_grad():
                self.embed(torch.zeros(1, *shape, dtype=torch.uint8, device=device))

    def embed(self, pixels: Tensor) -> Tensor:
        features = self.network(self.prepare(pixels))
        rule = f"the embedding {self.name} must return features (N, D)"
        if not isinstance(features, Tensor):
            raise ValueError(f"{rule}, it returned {type(features).__name__}")
        num_features = getattr(self, "num_features", features.shape[-1] if features.ndim else 0)
        if features.shape != (len(pixels), num_features):
            raise ValueError(f"{rule}, here ({len(pixels)}, {num_features}); it returned {list(features.shape)}")
        self.num_features = num_features
        return features.float()

    def prepare(self, pixels: Tensor) -> Tensor:
        """Return what the network takes: uint8 (N, 1 or 3, ..., H, W) -> float32, resized, in the input range."""
        low, high = self.input_range
        samples = pixels.float() * ((high - low) / 255) + low
        if self.resolution is not None:
            samples = resized(samples, (self.resolution, self.resolution), mode="bilinear", antialias=True)
        return to_rgb(samples).contiguous() if self.channels == 3 else samples


def _text_of(network: nn.Module) -> str:
    """Return the class of a network, and its layers with what they say of themselves, without addresses in memory."""
    kind = type(network)
    return without_addresses(f"{kind.__module__}.{kind.__qualname__} {network}")
