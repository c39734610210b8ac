"""An endless clip: frames of a generator one after the other, each going on from the state of the one before.

Only what a generator carries on is kept, so that memory stays the same however long it runs. A generator can be
continued if it has `onward(content, noise, labels, state)`; see `framegan.networks.mocogan.Generator`. With nothing
moved, the frames are those of one long clip of the same seeds.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from framegan import inputs, interpolation, media, noise, sampling
from framegan.play import directions
from framegan.play.player import Player, shown
from framegan.play.wanted import Wanted

SEED_STEP = 7919
"""From one seed of a content that drifts to the next: other seeds than a person looks at one after the other."""


class Stream:
    """The frames of one clip.

    Args:
        player: of a generator that can be continued.
        wanted: whose motion it begins with.
    """

    def __init__(self, player: Player, wanted: Wanted):
        if not hasattr(player.generator, "onward"):
            raise ValueError("this generator makes whole clips: it carries nothing on from which others could go on")
        self.player = player
        self.made, self.drifted = 0, 0.0
        self._state: Any = None
        seeds = wanted.between()[0].seeds
        self._draw = noise.latents_onward(seeds["motion"], part=self._place("motion"))

    def next(self, wanted: Wanted, num_frames: int, drift: float = 0.0) -> np.ndarray:
        """Return the next (T, H, W, C) frames, uint8.

        Args:
            wanted: what they are of; the seed of its motion is only used by the first ones.
            drift: how far the content moves to that of another seed with each frame, 0 to 1.
        """
        player, generator = self.player, self.player.generator
        player.check(wanted)
        device = next(generator.parameters()).device
        options = inputs.options_of(generator, None, wanted.truncation)
        one = wanted.model_copy(update={"num_frames": None})
        latents, labels = player.latents(one)
        content = latents.split([*inputs.parts_of(generator).values()], dim=1)[self._place("content")]
        contents = self._drifting(content, wanted, num_frames, drift)  # (1, T, content)
        moves = player.moves(wanted)
        fresh = self._draw(self._noise_dim(num_frames)).unsqueeze(0)
        fresh = directions.add(fresh, player.along.get("motion"), moves.get("motion", ()))
        with (
            torch.no_grad(),
            directions.moved(generator, player.along, moves),
            sampling.evaluating(generator),
            sampling.flushing_denormals(),
        ):
            given = contents.to(device), fresh.to(device), labels.to(device)
            samples, self._state = generator.onward(*given, self._state, **options)  # type: ignore[operator]
        self.made += num_frames
        (pixels,) = media.to_frames(samples)
        return shown(pixels)

    def _noise_dim(self, num_frames: int) -> int:
        """Return how much more noise a clip takes that is as much longer."""
        before, after = (
            inputs.parts_of(self.player.generator, number)["motion"] if number else 0
            for number in (self.made, self.made + num_frames)
        )
        return after - before

    def _drifting(self, content: Tensor, wanted: Wanted, num_frames: int, drift: float) -> Tensor:
        """Return the content of each frame, (1, T, D), of (1, D), and drift on."""
        if not drift and not self.drifted:
            return content.unsqueeze(1).expand(-1, num_frames, -1)
        seed, found = wanted.between()[0].seeds["content"], []
        for _ in range(num_frames):
            first, share = math.floor(self.drifted), self.drifted % 1
            left, right = (self._content(content, seed, number) for number in (first, first + 1))
            found.append(interpolation.arc(left, right, torch.tensor([[share]])))
            self.drifted += drift
        return torch.stack(found, dim=1)

    def _content(self, content: Tensor, seed: int, number: int) -> Tensor:
        """Return the content that a drift comes to at last, the number-th one behind that of the seed."""
        if number == 0:
            return content
        other = (seed + number * SEED_STEP) % noise.LARGEST
        return noise.latents_of_seeds([other], content.shape[1], part=self._place("content"))

    def _place(self, part: str) -> int:
        return [*inputs.parts_of(self.player.generator)].index(part)
