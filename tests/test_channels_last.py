"""Where the weights of convolutions lie in memory changes nothing but the last bits."""

import copy

import pytest
import torch
from one_rank import choices, trained
from torch import nn
from worlds import flat

from framegan.network_state import lay_channels_last
from framegan.runs.checkpoint import keep_settings

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


@pytest.mark.parametrize("model", choices("model"))
def test_a_model_trains_as_it_does_otherwise(model):
    plain, laid = (trained(f"model={model}", num_steps=2, channels_last=laid)[0] for laid in (False, True))
    for name, network in laid.of_name().items():
        torch.testing.assert_close(flat(network), flat(plain.of_name()[name]), rtol=0, atol=1e-10)
        weights = [weight for weight in network.parameters() if weight.ndim in LAYOUTS and weight.requires_grad]
        assert all(weight.is_contiguous(memory_format=LAYOUTS[weight.ndim]) for weight in weights)
    torch.testing.assert_close(flat(laid.generator_ema), flat(plain.generator_ema), rtol=0, atol=1e-10)
    assert all(weight.is_contiguous() for weight in laid.generator_ema.parameters()), "it makes samples as ever"


@pytest.mark.parametrize("convolution", [nn.Conv2d, nn.Conv3d])
def test_what_an_optimizer_has_gathered_is_laid_as_the_weights_are(convolution):
    """A fused optimizer takes both for laid alike, and is wrong where they aren't."""
    torch.manual_seed(0)
    plain = convolution(3, 8, 3)
    laid = copy.deepcopy(plain)
    lay_channels_last(laid)
    first, second = (torch.optim.Adam(network.parameters(), fused=True) for network in (plain, laid))
    for step in range(3):
        for parameter, other in zip(plain.parameters(), laid.parameters(), strict=True):
            parameter.grad = torch.randn_like(parameter)
            other.grad = torch.empty_like(other).copy_(parameter.grad)
        first.step()
        second.step()
        if step == 0:
            saved = {"optimizer_states": [copy.deepcopy(first.state_dict())]}
            keep_settings(saved, [second])
            second.load_state_dict(saved["optimizer_states"][0])
    torch.testing.assert_close(flat(laid), flat(plain))
