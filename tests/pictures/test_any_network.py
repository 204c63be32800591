"""Claims about graphs of networks that are put together at random: what a picture shows hangs together."""

import random

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


class Residual(nn.Module):
    def __init__(self, inner, relu):
        self.inner, self.relu = inner, relu

    def forward(self, x):
        y = x + self.inner(x)
        return y.relu() if self.relu else y


class Parts(nn.Module):
    def __init__(self, items, way):
        self.items, self.way = nn.ModuleList(items), way

    def forward(self, x):
        if self.way == "branches":
            return sum((part(x) for part in self.items[1:]), self.items[0](x))
        made = [x]
        for part in self.items:
            made.append(part(sum(made[1:], made[0]) if self.way == "dense" else made[-1]))
            made[-1] = made[-1].tanh() * 0.5 if self.way == "with ops" else made[-1]
        return made[-1]


LAYERS = [
    lambda: nn.Linear(4, 4), lambda: nn.Linear(4, 4), nn.Tanh, lambda: nn.LayerNorm(4), lambda: nn.RMSNorm(4),
    lambda: nn.Dropout(0.3), nn.PReLU,
]  # fmt: skip


def network(draws, depth=0):
    """A network of blocks in blocks, which are often alike."""
    kind = draws.choice(["layer", "run", "residual", "parts"]) if depth < 3 else "layer"
    if kind == "layer":
        return draws.choice(LAYERS)()
    if kind == "residual":
        return Residual(network(draws, depth + 1), draws.random() < 0.5)
    seed = draws.random()
    choices = [random.Random(seed) if draws.random() < 0.8 else draws for _ in range(draws.randint(1, 6))]
    parts = [network(choice, depth + 1) for choice in choices]
    return nn.Sequential(*parts) if kind == "run" else Parts(parts, draws.choice(["branches", "dense", "with ops", ""]))


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(8, 60))]
)
def test_no_way_leads_around_and_every_node_leads_to_the_output(seed):
    draws = random.Random(seed)
    net = network(draws)
    x = mg.Tensor(np.random.default_rng(seed).normal(size=(3, 4)), name="x", requires_grad=draws.random() < 0.5)
    loss = net(x).square().mean()
    if loss.requires_grad and draws.random() < 0.3:
        loss.backward()
    for settings in ({}, {"max_nodes": 999}, {"depth": 1}, {"depth": 0}):
        drawing = mg.draw(loss, **settings).drawing
        nodes = drawing.every_node()
        assert settings or len(nodes) <= 60
        tails = {edge.tail for edge in drawing.edges}
        assert [node.text for node in nodes if node.id not in tails and node.kind != "output" and len(nodes) > 1] == []
        sources = {}
        for edge in drawing.edges:
            sources.setdefault(edge.head, set()).add(edge.tail)
        while free := [head for head, found in sources.items() if not found & sources.keys()]:
            for head in free:
                del sources[head]
        assert sources == {}


def test_values_in_a_range_as_small_as_rounding_have_a_summary():
    assert mg.draw(mg.Tensor(np.ones(9) + 2e-16 * (np.arange(9) > 4), requires_grad=True) * 1).source
    assert mg.draw(mg.Tensor(np.linspace(0, 5e-324, 9), requires_grad=True) * 1).source
