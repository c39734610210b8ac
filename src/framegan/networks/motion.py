"""Motion codes: noise to a sequence of codes, one for each frame of a clip.

A recurrent network (Tulyakov et al. 2018, Section 3.1) or, for long clips, noise filtered along time that can be read
off at any moment (in the manner of Skorokhodov et al. 2022, Section 3.1).
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Initial = Literal["learned", "burn_in", "drawn"]

FRESH = 0.1
"""Share of its usual size at which the weights of the fresh noise begin, where the start is random already."""
GOES_ON = "they keep moving as the trained ones do: their codes look the same at every moment"
FADES = (
    "their motion comes from how it starts and fades: most stand still after three or four times the trained length. "
    "What keeps moving is trained with model.generator.motion=conv1d"
)
"""What becomes of clips that are longer than the trained ones."""


class SmallLinear(nn.Linear):
    """A linear layer that, in evaluation, gives a row the same wherever in a batch it stands, to the last bit.

    Matrix products of fewer than 12 columns were seen to add up odd rows in another order than even ones.
    """

    def forward(self, rows: Tensor) -> Tensor:
        if self.training:
            return super().forward(rows)
        return (rows.unsqueeze(-2) * self.weight).sum(-1) + self.bias


class Recurrent(nn.Module):
    """A GRU or LSTM fed with fresh noise at every frame; its hidden state is the code.

    It begins with a memory as long as a clip (Tallec & Ollivier 2018, Section 3: the bias of the gate that keeps the
    state is the logarithm of that length), so that codes move rather than jump from the first step of training on.

    Args:
        code_dim: size of the noise at each step, and of the code.
        num_classes: size of the category that is appended to the noise; 0: none.
        initial_state: where the sequence starts: "learned": at a learned function of noise; "burn_in": at zero, but
            three clips' length before the first frame, so that all codes have the same distribution; "drawn": at noise
            from N(0, 1) as in the authors' code, whose scale shrinks over the first frames.
        num_frames: length of the clips it is trained on.
    """

    def __init__(
        self, cell: Literal["gru", "lstm"], code_dim: int, num_classes: int, initial_state: Initial, num_frames: int
    ):
        super().__init__()
        self.code_dim = code_dim
        self.starts_random = initial_state != "burn_in"
        self.longer_clips = FADES if self.starts_random else GOES_ON
        self.steps_before = 1 if self.starts_random else 3 * num_frames
        self.network = (nn.GRU if cell == "gru" else nn.LSTM)(code_dim + num_classes, code_dim, batch_first=True)
        self.start = SmallLinear(code_dim, code_dim) if initial_state == "learned" else None
        weight, _, bias, _ = self.network.parameters()  # of the input, of the state, and their biases
        with torch.no_grad():
            bias[code_dim : 2 * code_dim] = math.log(num_frames)  # the GRU's update gate, the LSTM's forget gate
            if self.starts_random:
                weight[:, :code_dim] *= FRESH

    def noise_dim(self, num_frames: int) -> int:
        """Return how much noise a clip takes; a longer clip's begins with a shorter one's."""
        return (self.steps_before + num_frames) * self.code_dim

    def forward(self, noise: Tensor, category: Tensor, num_frames: int) -> Tensor:
        """Return (N, T, code_dim) codes of (N, noise_dim(T)) noise and (N, num_classes) one-hot categories."""
        steps = noise.unflatten(1, (-1, self.code_dim))  # (N, steps, code_dim)
        start = torch.zeros_like(steps[:, 0])  # (N, code_dim)
        if self.starts_random:
            start, steps = steps[:, 0], steps[:, 1:]
        if self.start is not None:
            start = self.start(start).tanh()
        categories = category.unsqueeze(1).expand(-1, steps.shape[1], -1)  # (N, steps, num_classes)
        inputs = torch.cat([steps, categories], dim=2)  # (N, steps, code_dim + num_classes)
        state = start.unsqueeze(0).contiguous()  # (1, N, code_dim)
        codes, _ = self.network(inputs, state if isinstance(self.network, nn.GRU) else (state, state))
        return codes[:, -num_frames:]  # (N, T, code_dim)


class Continuous(nn.Module):
    """Noise at knots in time, filtered along time and read off between the knots.

    Two unpadded convolutions over the knots give u; the code at a moment is u interpolated, plus waves of learned
    frequency and phase that vanish at every knot, so that it is continuous (Skorokhodov et al. 2022, Equations 2-5).

    Args:
        code_dim: size of the noise at each knot, and of the code.
        num_classes: size of the category that is appended to the noise; 0: none.
        knot_distance: frames from one knot to the next.
    """

    kernel = 11
    longer_clips = GOES_ON

    def __init__(self, code_dim: int, num_classes: int, knot_distance: int = 8):
        super().__init__()
        self.code_dim = code_dim
        self.knot_distance = knot_distance
        self.filters = nn.Sequential(
            nn.Conv1d(code_dim + num_classes, 2 * code_dim, self.kernel),
            nn.LeakyReLU(0.2),
            nn.Conv1d(2 * code_dim, code_dim, self.kernel),
        )
        self.amplitude, self.frequency, self.phase = (SmallLinear(code_dim, code_dim) for _ in range(3))

    def noise_dim(self, num_frames: int) -> int:
        """Return how much noise a clip takes; a longer clip's begins with a shorter one's."""
        surrounding = (num_frames - 1) // self.knot_distance + 2  # knots
        return (surrounding + 2 * (self.kernel - 1)) * self.code_dim

    def forward(self, noise: Tensor, category: Tensor, num_frames: int) -> Tensor:
        """Return (N, T, code_dim) codes of (N, noise_dim(T)) noise and (N, num_classes) one-hot categories."""
        knots = noise.unflatten(1, (-1, self.code_dim)).transpose(1, 2)  # (N, code_dim, knots)
        given = category.unsqueeze(2).expand(-1, -1, knots.shape[2])  # (N, num_classes, knots)
        u = self.filters(torch.cat([knots, given], dim=1)).transpose(1, 2)  # (N, knots, code_dim)
        moments = torch.arange(num_frames, device=noise.device) / self.knot_distance  # (T,)
        left = moments.long()  # (T,): the knot before each frame
        between = (moments - left).view(1, -1, 1).to(u)  # (1, T, 1) in [0, 1)
        codes = u[:, left].lerp(u[:, left + 1], between)  # (N, T, code_dim)
        amplitude, phase = self.amplitude(u)[:, left], self.phase(u)[:, left]  # (N, T, code_dim)
        frequency = 1 + self._softplus(self.frequency(u)[:, left])  # (N, T, code_dim)

        def wave(moment: Tensor | float) -> Tensor:
            return amplitude * torch.sin(math.pi * frequency * moment + phase)

        return codes + (wave(between) - wave(0.0).lerp(wave(1.0), between))  # waves that are 0 at the knots

    def _softplus(self, values: Tensor) -> Tensor:
        if self.training:
            return F.softplus(values)
        return values.clamp(min=0) + values.abs().neg().exp().log1p()  # PyTorch's rounds the last few in another way
