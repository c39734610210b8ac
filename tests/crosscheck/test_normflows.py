"""Our flow beside that of normflows (Stimper et al. 2023) with the same weights."""

import math

import torch
from oracles import oracle
from torch import nn

from framegan.networks import glow
from framegan.networks.likelihoods import LEVEL

normflows = oracle("normflows")


class AsTheirs(nn.Module):
    """The network of our coupling, in the form that theirs takes: theirs applies the inverse scale and offset."""

    def __init__(self, coupling):
        super().__init__()
        self.coupling = coupling

    def forward(self, kept):
        raw, offset = self.coupling.network(kept).chunk(2, dim=1)
        log_scale = self.coupling.limit * raw.tanh()
        return torch.stack([-offset * (-log_scale).exp(), -log_scale], dim=2).flatten(1, 2)


def test_a_flow_of_one_scale_has_the_same_likelihood():
    torch.manual_seed(0)
    ours = glow.Generator((1, 8, 8), scales=1, steps=3, width=8)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    ours = ours.double()
    theirs = []
    for layer in ours.after[0].layers:
        if isinstance(layer, glow.Coupling):
            flow = normflows.flows.AffineCouplingBlock(AsTheirs(layer))
        elif isinstance(layer, glow.Mixing):
            flow = normflows.flows.Invertible1x1Conv(4, use_lu=True).double()
            flow.P.copy_(torch.eye(4)[layer.order])
            flow.sign_S.copy_(layer.signs)
            flow.L.data, flow.U.data, flow.log_S.data = layer.lower.data, layer.upper.data, layer.log_scales.data
        else:
            flow = normflows.flows.AffineConstFlow((4, 1, 1)).double()
            flow.s.data = -layer.log_gain.data
            flow.t.data = -(layer.offset * (-layer.log_gain).exp()).data
        theirs.insert(0, flow)
    base = normflows.distributions.DiagGaussian((4, 4, 4), trainable=False).double()
    model = normflows.NormalizingFlow(base, theirs).double()
    images = torch.rand(5, 1, 8, 8).double() * 2 - 1
    expected = model.log_prob(nn.functional.pixel_unshuffle(images, 2)) + 64 * math.log(LEVEL)
    found = ours.log_weights(images, torch.zeros(5).long(), torch.rand(5))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-8)
