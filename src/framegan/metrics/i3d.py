"""I3D features of clips: those of the Fréchet video distance (Unterthiner et al. 2018) and its kernel counterpart.

The file that papers compute FVD with is a TorchScript program; the plain network beside it holds the same weights of
Kinetics-400, needs no TorchScript, and resizes by itself. Their keys differ, since their last digits do.
"""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor
from torch.nn import functional as F

from framegan.metrics.embedding import Embedding, to_rgb
from framegan.metrics.inception_i3d import InceptionI3D
from framegan.metrics.weights import Published, fingerprint_of_file, load, load_torchscript

RESOLUTION = 224
TORCHSCRIPT = Published(
    name="i3d_torchscript.pt",
    urls=(
        "https://www.dropbox.com/s/ge9e5ujwgetktms/i3d_torchscript.pt?dl=1",
        "https://huggingface.co/flateon/FVD-I3D-torchscript/resolve/main/i3d_torchscript.pt",
    ),
    checksum="sha256:bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
)
PLAIN = Published(
    name="i3d_pretrained_400.pt",
    urls=("https://github.com/songweige/TATS/raw/main/tats/fvd/i3d_pretrained_400.pt",),
    checksum="git:a867b87ac3a9097d200598b1d48a1b890d8ec744",
)


class I3D(Embedding):
    """The 400 logits of Kinetics-400, averaged over time.

    Args:
        variant: "torchscript": the program most papers use, which resizes inside; "plain": our network with the
            weights that VideoGPT and TATS use, after bilinear resizing.
        weights: a file of your own of the same kind; None: the published one, downloaded once.
    """

    takes = "clips"
    min_frames = 9
    num_features = 400
    frames_at_once = 128
    frechet_name = "fvd"
    kernel_name = "kvd"

    def __init__(self, variant: Literal["torchscript", "plain"] = "torchscript", weights: str | None = None):
        super().__init__()
        path = {"torchscript": TORCHSCRIPT, "plain": PLAIN}[variant].find(weights)
        self.variant = variant
        self.name = {"torchscript": "i3d", "plain": "i3d_plain"}[variant]
        self.fingerprint = fingerprint_of_file(path)
        self.network: Any = load_torchscript(path) if variant == "torchscript" else load(InceptionI3D, path)
        self.frozen()

    @staticmethod
    def program_in(arguments: Mapping[str, Any]) -> str | None:
        is_program = arguments.get("variant") != "plain" and arguments.get("weights") is not None
        return "weights" if is_program else None

    def embed(self, pixels: Tensor) -> Tensor:
        clips = to_rgb(pixels).float()
        if self.variant == "torchscript":
            return self.network(clips, rescale=True, resize=True, return_features=True)
        size = (clips.shape[2], RESOLUTION, RESOLUTION)  # as many frames as before: each is resized on its own
        return self.network(F.interpolate(clips, size, mode="trilinear") * (2 / 255) - 1)

    def logits(self, features: Tensor) -> Tensor:
        return features
