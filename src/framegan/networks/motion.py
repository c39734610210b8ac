"""Motion codes: noise to a sequence of codes, one for each frame of a clip.

A recurrent network (Tulyakov et al. 2018, Section 3.1), a causal transformer in its place or, for long clips, noise
filtered along time that can be read off at any moment (in the manner of Skorokhodov et al. 2022, Section 3.1).
"""

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Initial = Literal["disconnected", "learned", "burn_in", "drawn"]

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


class Attention(nn.Module):
    """Causal self-attention over the last `window` steps (Vaswani et al. 2017), normalised first.

    What lies further back counts less, by a slope of its own for each head, and nothing depends on where in a sequence
    a step is, so that it may be of any length (Press et al. 2022, Section 3). Long ones are gone through in blocks.
    """

    block = 256

    def __init__(self, dim: int, num_heads: int, window: int):
        super().__init__()
        self.num_heads, self.window = num_heads, window
        self.normalization, self.to_all = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim)
        self.to_steps = nn.Linear(dim, dim)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, T, dim) of (N, T, dim) steps, each of those up to it."""
        all_heads = self.to_all(self.normalization(steps)).unflatten(2, (3, self.num_heads, -1))
        query, key, value = all_heads.permute(2, 0, 3, 1, 4)  # (N, heads, T, dim / heads) each
        moments = torch.arange(steps.shape[1], device=steps.device)  # (T,)
        slopes = 4 * 0.5 ** torch.arange(self.num_heads, device=steps.device) / self.window  # (heads,)
        attended = []  # (N, heads, block, dim / heads) each
        for first in range(0, steps.shape[1], self.block):
            seen = slice(max(0, first - self.window + 1), first + self.block)
            these = slice(first, first + self.block)
            back = moments[these, None] - moments[seen]  # (block, seen): how far back each step is from each
            bias = -slopes.view(-1, 1, 1).to(steps) * back  # (heads, block, seen)
            bias = bias.masked_fill((back < 0) | (back >= self.window), -math.inf)
            attended.append(
                F.scaled_dot_product_attention(query[:, :, these], key[:, :, seen], value[:, :, seen], bias)
            )
        return self.to_steps(torch.cat(attended, dim=2).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """A causal transformer of steps. The start is added to every step, and a learned step stands before the first one.

    No path leads around the first layer: of the noise come averages over the past, so that codes move rather than jump.

    Args:
        window: how many steps a layer looks back, from itself on.
        starts: False = there is no start, so that the codes look the same at every moment.
    """

    dim, num_heads, num_layers = 64, 4, 2

    def __init__(self, num_inputs: int, code_dim: int, window: int, starts: bool):
        super().__init__()
        self.window = window
        self.from_inputs = nn.Linear(num_inputs, self.dim)
        self.first = nn.Parameter(torch.randn(self.dim)) if starts else None
        self.from_start = nn.Linear(code_dim, self.dim) if starts else None
        self.attention = nn.ModuleList(Attention(self.dim, self.num_heads, window) for _ in range(self.num_layers))
        self.perceptrons = nn.ModuleList(self._perceptron() for _ in range(self.num_layers))
        self.to_codes = nn.Sequential(nn.LayerNorm(self.dim), SmallLinear(self.dim, code_dim))

    def _perceptron(self) -> nn.Module:
        wide = 2 * self.dim
        return nn.Sequential(
            nn.LayerNorm(self.dim), nn.Linear(self.dim, wide), nn.LeakyReLU(0.2), nn.Linear(wide, self.dim)
        )

    def forward(self, inputs: Tensor, start: Tensor, before: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (N, T, code_dim) codes of (N, T, num_inputs) inputs and a (N, code_dim) start, and what to go on from.

        Args:
            before: what the last call returned to go on from: the steps that later ones still depend on. None = these
                are the first ones.
        """
        steps = self.from_inputs(inputs)  # (N, T, dim)
        if self.first is not None and before is None:
            steps = torch.cat([self.first.expand(steps.shape[0], 1, -1), steps], dim=1)  # (N, 1 + T, dim)
        if self.from_start is not None:
            steps = steps + self.from_start(start).unsqueeze(1)
        if before is not None:
            steps = torch.cat([before, steps], dim=1)
        reached = steps[:, -self.num_layers * (self.window - 1) :]
        for layer, (attention, perceptron) in enumerate(zip(self.attention, self.perceptrons, strict=True)):
            steps = attention(steps) + (steps if layer else 0)
            steps = steps + perceptron(steps)
        return self.to_codes(steps[:, -inputs.shape[1] :]), reached


class Driven(nn.Module):
    """A GRU, LSTM or causal transformer fed with fresh noise at every frame.

    A recurrent network, whose hidden state is the code, begins with a memory as long as a clip (Tallec & Ollivier 2018,
    Section 3: the bias of the gate that keeps the state is the logarithm of that length), so that codes move rather
    than jump from the first step of training on.

    Args:
        code_dim: size of the noise at each step, and of the code.
        num_classes: size of the category that is appended to the noise; 0: none.
        initial_state: where the sequence starts: "learned": at a learned function of noise; "disconnected": at one of
            noise and its signs, so that between starts that lie apart, such as at the top and at the bottom, there need
            be nothing (on what a connected prior costs see Tanielian et al. 2020); "burn_in": at zero, but three clips'
            length before the first frame, so that all codes have the same distribution; "drawn": at noise from N(0, 1)
            as in the authors' code, whose scale shrinks over the first frames.
        num_frames: length of the clips it is trained on.
    """

    def __init__(
        self,
        cell: Literal["gru", "lstm", "transformer"],
        code_dim: int,
        num_classes: int,
        initial_state: Initial,
        num_frames: int,
    ):
        super().__init__()
        self.code_dim = code_dim
        self.starts_random = initial_state != "burn_in"
        self.longer_clips = FADES if self.starts_random else GOES_ON
        self.steps_before = 1 if self.starts_random else 3 * num_frames
        num_inputs = code_dim + num_classes
        self.network: nn.Module
        if cell == "transformer":
            self.network = Transformer(num_inputs, code_dim, num_frames + 1, self.starts_random)
            weight = self.network.from_inputs.weight
        else:
            self.network = (nn.GRU if cell == "gru" else nn.LSTM)(num_inputs, code_dim, batch_first=True)
            weight, _, bias, _ = self.network.parameters()  # of the input, of the state, and their biases
        self.takes_signs = initial_state == "disconnected"
        is_learned = initial_state in ("learned", "disconnected")
        self.start = SmallLinear(code_dim * (1 + self.takes_signs), code_dim) if is_learned else None
        with torch.no_grad():
            if cell != "transformer":
                bias[code_dim : 2 * code_dim] = math.log(num_frames)  # the GRU's update gate, the LSTM's forget gate
            if self.starts_random:
                weight[:, :code_dim] *= FRESH

    def noise_dim(self, num_frames: int) -> int:
        """Return how much noise a clip takes; a longer clip's begins with a shorter one's."""
        return (self.steps_before + num_frames) * self.code_dim

    def forward(self, noise: Tensor, category: Tensor, num_frames: int) -> Tensor:
        """Return (N, T, code_dim) codes of (N, noise_dim(T)) noise and (N, num_classes) one-hot categories."""
        return self.onward(noise, category, num_frames, None)[0]

    def onward(self, noise: Tensor, category: Tensor, num_frames: int, state: Any) -> tuple[Tensor, Any]:
        """Return the next (N, T, code_dim) codes, and the state from which others go on.

        Args:
            noise: (N, noise_dim(T)) of the first codes; of later ones what a clip that is so much longer takes more.
            state: what the last call returned. None = these are the first ones.
        """
        steps = noise.unflatten(1, (-1, self.code_dim))  # (N, steps, code_dim)
        is_first = state is None
        if is_first:
            start, steps = self._start(steps)  # (N, code_dim), (N, steps, code_dim)
        categories = category.unsqueeze(1).expand(-1, steps.shape[1], -1)  # (N, steps, num_classes)
        inputs = torch.cat([steps, categories], dim=2)  # (N, steps, code_dim + num_classes)
        if isinstance(self.network, Transformer):
            start, before = (start, None) if is_first else state
            codes, before = self.network(inputs, start, before)
            return codes[:, -num_frames:], (start, before)  # (N, T, code_dim)
        if is_first:
            start = start.unsqueeze(0).contiguous()  # (1, N, code_dim)
            state = start if isinstance(self.network, nn.GRU) else (start, start)
        codes, state = self.network(inputs, state)
        return codes[:, -num_frames:], state  # (N, T, code_dim)

    def _start(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Return where a sequence starts, (N, code_dim), and the steps behind that, of all steps of its noise."""
        start = torch.zeros_like(steps[:, 0])
        if self.starts_random:
            start, steps = steps[:, 0], steps[:, 1:]
        if self.takes_signs:
            start = torch.cat([start, start.sign()], dim=1)  # (N, 2 * code_dim)
        return start if self.start is None else self.start(start).tanh(), steps


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

    def last_time(self, noise: Tensor) -> int:
        """Return the last moment, in frames, that (N, noise_dim(T)) noise reaches."""
        return (noise.shape[1] // self.code_dim - 2 * (self.kernel - 1) - 1) * self.knot_distance

    def forward(self, noise: Tensor, category: Tensor, num_frames: int) -> Tensor:
        """Return (N, T, code_dim) codes of (N, noise_dim(T)) noise and (N, num_classes) categories."""
        return self.at(noise, category, torch.arange(num_frames, device=noise.device))

    def onward(self, noise: Tensor, category: Tensor, num_frames: int, state: Any) -> tuple[Tensor, Any]:
        """Return the next (N, T, code_dim) codes, and the state from which others go on; see `Driven.onward`."""
        knots, first, time = (noise[:, :0], 0, 0) if state is None else state
        knots = torch.cat([knots, noise], dim=1)
        times = torch.arange(time, time + num_frames, device=noise.device) - first * self.knot_distance
        codes = self.at(knots, category, times)
        time += num_frames
        passed = time // self.knot_distance - first  # knots that no later frame depends on
        return codes, (knots[:, passed * self.code_dim :], first + passed, time)

    def at(self, noise: Tensor, category: Tensor, times: Tensor) -> Tensor:
        """Return (N, T, code_dim) codes of any moments, (T,) frames from 0 to `last_time(noise)`."""
        knots = noise.unflatten(1, (-1, self.code_dim)).transpose(1, 2)  # (N, code_dim, knots)
        given = category.unsqueeze(2).expand(-1, -1, knots.shape[2])  # (N, num_classes, knots)
        u = self.filters(torch.cat([knots, given], dim=1)).transpose(1, 2).to(noise)  # (N, knots, code_dim)
        moments = times / self.knot_distance  # (T,)
        left = moments.long().clamp(max=u.shape[1] - 2)  # (T,): the knot before each moment
        between = (moments - left).view(1, -1, 1).to(u)  # (1, T, 1) in [0, 1)
        codes = u[:, left].lerp(u[:, left + 1], between)  # (N, T, code_dim)
        amplitude, phase, raw = (layer(u)[:, left].to(noise) for layer in (self.amplitude, self.phase, self.frequency))
        frequency = 1 + self._softplus(raw)  # (N, T, code_dim), as the others

        def wave(moment: Tensor | float) -> Tensor:
            return amplitude * torch.sin(math.pi * frequency * moment + phase)

        return codes + (wave(between) - wave(0.0).lerp(wave(1.0), between))  # waves that are 0 at the knots

    def _softplus(self, values: Tensor) -> Tensor:
        if self.training:
            return F.softplus(values)
        return values.clamp(min=0) + values.abs().neg().exp().log1p()  # PyTorch's rounds the last few in another way
