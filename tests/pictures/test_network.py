"""Claims about the picture of a network: units, weights, numbers, and layers of other kinds."""

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


@pytest.fixture
def worked():
    """The network of the worked example: weights by hand, no biases."""
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Sigmoid(), nn.Linear(3, 1, bias=False))
    net[0].weight.data[...] = [[0.8, 0.2], [0.4, 0.9], [0.3, 0.5]]
    net[2].weight.data[...] = [[0.3, 0.5, 0.9]]
    return net


def units(picture):
    return [node.text for node in picture.drawing.every_node() if node.kind == "unit"]


def texts(picture):
    return [node.text for node in picture.drawing.every_node()]


def test_the_worked_example_is_drawn_with_its_numbers(worked):
    picture = mg.draw_network(worked, [[1.0, 1.0]], target=0)
    assert units(picture) == ["1.0", "1.0", "1.0\n0.731", "1.3\n0.786", "0.8\n0.690", "1.233"]
    assert "squared error 1.521\ntarget 0" in texts(picture)
    assert {"0.8", "0.4", "0.3", "0.2", "0.9", "0.5"} <= set(texts(picture))


def test_after_backward_the_gradients_stand_at_the_weights(worked):
    (worked([[1.0, 1.0]]) ** 2).sum().backward()
    shown = texts(mg.draw_network(worked, [[1.0, 1.0]]))
    assert f"0.3\n∂ {2 * 1.2332121 * 0.73105858:.3g}" in shown


def test_a_negative_weight_is_dashed_and_of_another_colour(worked):
    worked[2].weight.data[0, 0] = -0.3
    edges = [edge.look for edge in mg.draw_network(worked).drawing.edges if "penwidth" in edge.look]
    negative = [look for look in edges if look["style"] == "dashed"]
    assert len(negative) == 2  # to the number on the line, and from it
    assert negative[0]["color"] not in {look["color"] for look in edges if look["style"] == "solid"}


def test_without_an_input_the_units_are_empty(worked):
    assert set(units(mg.draw_network(worked))) == {" "}


def test_wide_layers_show_the_first_three_and_the_last():
    picture = mg.draw_network(nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)))
    assert len(units(picture)) == 12
    assert texts(picture).count("⋮") == 3
    assert any("784 units" in text for text in texts(picture))


def test_the_model_is_left_as_it_was(worked):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout())
    before = {name: x.copy() for name, x in net.state_dict().items()}
    state = mg.random.generator().bit_generator.state
    mg.draw_network(net, np.ones((4, 2)))
    assert mg.random.generator().bit_generator.state == state
    for name, x in net.state_dict().items():
        np.testing.assert_array_equal(x, before[name])


def test_convolutions_are_blocks_with_shapes():
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10))
    shown = texts(mg.draw_network(net, np.ones((2, 1, 8, 8))))
    assert any("Conv2d(1 → 8, 3×3)\n1  ReLU\n2  MaxPool2d" in text and "(2, 72)" in text for text in shown)


class Reader(nn.Module):
    def __init__(self):
        self.embed = nn.Embedding(50, 8)
        self.memory = nn.LSTM(8, 16)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        y, _ = self.memory(self.embed(x))
        return mg.sigmoid(self.head(y[-1]))


def test_a_recurrent_layer_is_one_block_between_its_neighbours():
    shown = texts(mg.draw_network(Reader(), np.arange(12).reshape(6, 2)))
    assert any(text.startswith("memory  LSTM(8 → 16)\n(6, 2, 16)") for text in shown)


class Residual(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        return x + mg.tanh(self.inner(x))


def test_ops_between_layers_and_ways_around_them_are_drawn():
    picture = mg.draw_network(Residual(), np.ones((2, 3, 4)))
    ids = {node.text.split("\n")[0]: node.id for node in picture.drawing.nodes}
    assert {(edge.tail, edge.head) for edge in picture.drawing.edges} == {
        (ids["input"], ids["inner  Linear(4 → 4)"]),
        (ids["inner  Linear(4 → 4)"], ids["tanh ·"]),
        (ids["input"], ids["· + ·"]),
        (ids["tanh ·"], ids["· + ·"]),
    }


def test_a_block_that_repeats_is_drawn_once():
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)
    picture = mg.draw_network(net, np.ones((2, 3, 8)))
    assert [cluster.text for cluster in picture.drawing.clusters] == ["layers.0   × 6"]


def test_a_tensor_is_no_network():
    with pytest.raises(TypeError, match="draw a tensor with draw"):
        mg.draw_network(mg.Tensor(1.0))
