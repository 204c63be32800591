"""Claims about the picture of a network: units, weights, numbers, and layers of other kinds."""

from itertools import pairwise

import numpy as np
import pytest
from together import together

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
    assert "squared error\n1.521\ntarget 0" in texts(picture)
    assert {"0.8", "0.4", "0.3", "0.2", "0.9", "0.5"} <= set(texts(picture))


def test_after_backward_the_gradients_stand_at_the_weights(worked):
    (worked([[1.0, 1.0]]) ** 2).sum().backward()
    shown = texts(mg.draw_network(worked, [[1.0, 1.0]]))
    assert f"0.3\n∂ {2 * 1.2332121 * 0.73105858:.3g}" in shown


def test_biases_are_the_weights_of_a_unit_that_is_one():
    net = nn.Sequential(nn.Linear(2, 1))
    net[0].weight.data[...], net[0].bias.data[...] = [[0.5, -2]], 0.25
    net(mg.Tensor([[3.0, 4.0]])).sum().backward()
    picture = mg.draw_network(net, [[3.0, 4.0]])
    one = next(node for node in picture.drawing.nodes if node.text == "1")
    assert {"0.25\n∂ 1", "0.5\n∂ 3", "-2\n∂ 4"} <= set(texts(picture))
    chip = next(edge.head for edge in picture.drawing.edges if edge.tail == one.id and edge.kind != "order")
    assert next(node.text for node in picture.drawing.nodes if node.id == chip) == "0.25\n∂ 1"


def test_a_frozen_weight_has_no_gradient_beside_it():
    net = nn.Sequential(nn.Linear(1, 1))
    net[0].weight.requires_grad = False
    net(mg.Tensor([[3.0]])).sum().backward()
    shown = [text for text in texts(mg.draw_network(net)) if "∂" in text]
    assert shown == [f"{net[0].bias.item():.3g}\n∂ 1"]


def test_where_weights_are_many_the_range_of_gradients_stands_below():
    net = nn.Sequential(nn.Linear(30, 20))
    assert not any("∂" in text for text in texts(mg.draw_network(net)))
    net(np.linspace(0, 2, 30)[None]).sum().backward()
    assert "0  Linear(30 → 20)\n20 units\n∂ 0 … 1 … 2" in texts(mg.draw_network(net))


def test_weights_that_are_not_finite_are_drawn(worked):
    worked[2].weight.data[0] = np.nan, np.inf, 0.5
    looks = [edge.look for edge in mg.draw_network(worked).drawing.edges if "penwidth" in edge.look]
    assert all(float(look["penwidth"]) <= 3 for look in looks)


def test_a_weight_that_is_nan_is_neither_positive_nor_negative(worked):
    worked[2].weight.data[0] = np.nan, -np.inf, np.inf
    picture = mg.draw_network(worked)
    styles = [edge.look["style"] for edge in picture.drawing.edges if "penwidth" in edge.look]
    assert styles[-6:] == ["dotted", "dotted", "dashed", "dashed", "solid", "solid"]
    assert "dotted: nan" in picture.drawing.legend
    assert "nan" not in mg.draw_network(nn.Linear(2, 1)).drawing.legend


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


@pytest.mark.parametrize("most", [1, 2, 4])
def test_four_units_and_fewer_are_drawn_whatever_the_limit(most):
    picture = mg.draw_network(nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1)), [[1, 2]], max_units=most)
    assert len(units(picture)) == 7
    assert "⋮" not in texts(picture)


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


def test_a_recurrent_layer_leads_to_itself():
    picture = mg.draw_network(Reader(), np.arange(12).reshape(6, 2))
    (loop,) = (edge for edge in picture.drawing.edges if edge.tail == edge.head)
    assert next(n.text for n in picture.drawing.nodes if n.id == loop.head).startswith("memory  LSTM")


def arrows(picture):
    """The arrows of a picture, by the first lines of what they join."""
    names = {node.id: node.text.split("\n")[0] for node in picture.drawing.every_node()}
    return [(names[edge.tail], names[edge.head]) for edge in picture.drawing.edges if edge.kind != "order"]


def test_unrolled_a_recurrent_layer_is_drawn_step_by_step():
    picture = mg.draw_network(Reader(), np.arange(6).reshape(3, 2), unroll=True)
    assert [text for text in texts(picture) if text.startswith("x")] == ["x₁", "x₂", "x₃"]
    head, end = "head  Linear(16 → 1)", "σ(…)"
    steps = [(f"x{i}", f"y{i}") for i in "₁₂₃"] + [(f"y{i}", f"h{i}") for i in "₁₂₃"]
    assert sorted(arrows(picture)) == sorted([*steps, ("h₁", "h₂"), ("h₂", "h₃"), ("h₃", head), (head, end)])


class Writer(nn.Module):
    """Reads a sequence, and writes another from the state that is left."""

    def __init__(self):
        self.reader = nn.GRU(4, 4)
        self.writer = nn.GRU(4, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x, y):
        return self.head(self.writer(y, self.reader(x)[1])[0])


def test_a_state_leads_from_the_last_step_to_the_first():
    picture = mg.draw_network(Writer(), (np.ones((2, 1, 4)), np.ones((1, 3, 4))), unroll=True)
    assert sorted(arrows(picture)) == sorted(
        [("x₁", "h₁"), ("x₂", "h₂"), ("h₁", "h₂"), ("h₂", "h₁")]
        + [("h₁", "h₂"), ("h₂", "h₃")]
        + [pair for i in "₁₂₃" for pair in ((f"x{i}", f"h{i}"), (f"h{i}", f"y{i}"))]
    )


def test_an_unrolled_layer_has_a_row_for_each_of_its_layers_and_directions_whose_caption_points_to_it():
    lstm = nn.LSTM(3, 5, num_layers=2, bidirectional=True)
    picture = mg.draw_network(lstm, np.ones((4, 1, 3)), unroll=True)
    shown = {node.id: node.text for node in picture.drawing.every_node()}
    rows = [[shown[id] for id in row] for row in picture.drawing.columns]
    captions = ["LSTM(3 → 5, 2 layers, both directions)\nlayer 1", "layer 1 backwards", "layer 2", "layer 2 backwards"]
    assert rows[1:] == [["h₁", "h₂", "h₃", "h₄", f"← {caption}"] for caption in captions]
    joined = {(edge.tail, edge.head) for edge in picture.drawing.edges if edge.kind != "order"}
    inputs, forwards, backwards, above, _ = (row[:4] for row in picture.drawing.columns)
    assert {*pairwise(forwards), *pairwise(backwards[::-1])} <= joined
    for below in (inputs, forwards, backwards):
        for heads in (forwards, backwards) if below is inputs else (above,):
            assert {*zip(below, heads, strict=True)} <= joined


class Looped(nn.Module):
    def __init__(self):
        self.cell = nn.RNNCell(2, 3)
        self.head = nn.Linear(3, 1)

    def forward(self, x):
        h = None
        for t in range(3):
            h = self.cell(x[t], h)
        return self.head(h)


def test_a_cell_in_a_loop_is_unrolled_too():
    picture = mg.draw_network(Looped(), np.ones((3, 1, 2)), unroll=True)
    inputs = [(f"x{i}", f"h{i}") for i in "₁₂₃"]
    assert sorted(arrows(picture)) == sorted([*inputs, ("h₁", "h₂"), ("h₂", "h₃"), ("h₃", "head  Linear(3 → 1)")])


def test_a_state_as_wide_as_the_sequence_is_long_is_no_number_for_each_step():
    picture = mg.draw_network(Looped(), np.ones((3, 1, 2)), unroll=True)
    assert [text for text in texts(picture) if text.startswith("h") and len(text) < 9] == ["h₁", "h₂", "h₃"]


def test_long_sequences_show_the_first_three_steps_and_the_last():
    picture = mg.draw_network(Reader(), np.zeros((20, 1), int), unroll=True)
    assert [text for text in texts(picture) if text.startswith("h") and len(text) < 5] == ["h₁", "h₂", "h₃", "h₂₀"]
    assert "← memory  LSTM(8 → 16)\n20 steps" in texts(picture)


def test_what_cannot_be_unrolled_is_refused_and_says_why():
    with pytest.raises(ValueError, match="unroll=True without an input"):
        mg.draw_network(Reader(), unroll=True)
    with pytest.raises(ValueError, match="a target without an input"):
        mg.draw_network(Reader(), target=1.0)
    with pytest.raises(ValueError, match="no layer of this model is recurrent"):
        mg.draw_network(nn.Linear(2, 1), np.ones((1, 2)), unroll=True)


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
        (ids["inner  Linear(4 → 4)"], ids["tanh …"]),
        (ids["input"], ids["… + …"]),
        (ids["tanh …"], ids["… + …"]),
    }


class Heads(nn.Module):
    """Two layers that read the same, and what is made of both."""

    def __init__(self):
        self.mean, self.spread = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x):
        return self.mean(x) + self.spread(x).exp()


def test_units_of_layers_beside_each_other_are_not_mixed():
    picture = mg.draw_network(Heads(), [[1.0, 0.5, -0.0]])
    text = {node.id: node.text.split("\n")[0] for node in picture.drawing.every_node()}
    rows = [[text[id] for id in column] for column in picture.drawing.columns]
    assert rows[0] == ["1", "1", "1.0", "0.5", "0.0", "input"]
    assert [name for name in rows[1] if name[-1] == ")"] == [rows[1][2], rows[1][5]]
    order = {(edge.tail, edge.head) for edge in picture.drawing.edges if edge.kind == "order"}
    assert set(pairwise(picture.drawing.columns[1])) <= order


class Bare(nn.Module):
    """A network of parameters, without layers."""

    def __init__(self):
        self.w, self.b = nn.Parameter(np.ones((2, 1))), nn.Parameter(np.zeros(1))

    def forward(self, x):
        return (x @ self.w + self.b).tanh()


def test_of_a_users_own_module_without_layers_the_ops_are_drawn():
    lines = [line.split(" (")[0] for line in mg.draw_network(Bare(), [[1.0, 2.0]]).describe().splitlines()]
    assert lines == ["input", "… @ w", "… + b", "tanh …"]
    assert "… @ w\n(1, 1)\n3.0" in texts(mg.draw_network(Bare(), [[1.0, 2.0]]))
    inside = mg.draw_network(nn.Sequential(nn.Linear(2, 2), Bare()), [[1.0, 2.0]]).describe()
    assert "1 Bare (1, 1)" in inside  # a layer, as others are


class InPlace(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 1)

    def forward(self, x):
        y = self.a(x)
        y += self.a(y)
        y *= 2.0
        return self.b(y)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_write_in_place_is_drawn_as_the_op_that_it_is(frozen):
    net = InPlace()
    for p in net.parameters():
        p.requires_grad = not frozen
    picture = mg.draw_network(net, np.ones((1, 2)))
    titles = [line.split(":")[0] for line in picture.describe().splitlines() if not line.startswith("  ")]
    assert titles == ["input", "a  Linear(2 → 2)", "a  Linear(2 → 2)", "… + …", "… · 2", "b  Linear(2 → 1)"]
    first, second = net.a(np.ones((1, 2))).data[0]  # as they are before the write
    assert frozen or f"a  Linear(2 → 2): {first:.3f}, {second:.3f}\n" in picture.describe()


class Counting(nn.Module):
    def __init__(self):
        self.lin = nn.Linear(2, 1)
        self.seen = nn.Buffer(np.zeros(1))

    def forward(self, x):
        x += 1.0
        y = self.lin(x)
        self.seen += y[0]
        return y


def test_what_a_model_writes_into_is_left_as_it_was():
    net, x = Counting(), mg.Tensor([[1.0, 2.0]], name="x")
    array = np.array([[1.0, 2.0]])
    for given in (x, array):
        mg.draw_network(net, given)
    np.testing.assert_array_equal(x.data, array)
    np.testing.assert_array_equal(array, [[1.0, 2.0]])
    assert x.is_leaf
    assert net.seen.is_leaf
    assert not net.seen.requires_grad
    assert net.seen.data == 0


@pytest.mark.parametrize(("layers", "straight"), [((), True), ((Residual(),), False), ((nn.LayerNorm(4),), True)])
def test_lines_are_straight_where_none_leads_around_a_box(layers, straight):
    net = nn.Sequential(nn.Conv1d(2, 2, 1), *layers, nn.Flatten(), nn.Linear(8, 1))
    drawing = mg.draw_network(net, np.ones((1, 2, 4))).drawing
    assert (drawing.look.get("splines") == "line") == straight


def test_the_values_that_come_in_are_no_signs_of_products():
    class Gated(nn.Module):
        def __init__(self):
            self.lin = nn.Linear(2, 2)

        def forward(self, x):
            y = self.lin(x)
            return y * y.tanh() * 0.5

    words = mg.draw_network(Gated(), [[1.0, 2.0]]).describe()
    assert "… · …" in words
    assert "… · 0.5" in words


def test_a_block_that_repeats_is_drawn_once():
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)
    picture = mg.draw_network(net, np.ones((2, 3, 8)))
    assert [cluster.text for cluster in picture.drawing.clusters] == ["layers.0   × 6"]


def frames(picture):
    """What stands over the frames of a picture, each with the headings of those around it."""
    waiting = [("", cluster) for cluster in picture.drawing.clusters]
    for around, cluster in waiting:  # grows as it goes
        waiting += [(f"{around}{cluster.text} / ", inner) for inner in cluster.clusters]
    return [around + cluster.text for around, cluster in waiting]


LAYERS = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)


@pytest.mark.parametrize("x", [np.arange(6).reshape(3, 2), np.arange(5), None], ids=["batch", "one", "guessed"])
def test_a_block_that_repeats_is_drawn_once_wherever_it_stands(x):
    picture = mg.draw_network(nn.Sequential(nn.Embedding(50, 8), LAYERS, nn.Linear(8, 3)), x)
    assert frames(picture) == ["1.layers.0   × 6"]
    assert "layers.1" not in picture.source
    assert sum("layers.0.norm2" in line for line in picture.describe().splitlines()) == 1


def test_repeats_inside_of_repeats_have_a_frame_each():
    stage = [nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(3)]
    net = nn.Sequential(nn.Conv2d(1, 4, 3), *[nn.Sequential(*stage, nn.AvgPool2d(1)) for _ in range(2)])
    picture = mg.draw_network(net, np.ones((2, 1, 6, 6)))
    assert frames(picture) == ["1   × 2", "1   × 2 / 1.0   × 3"]
    assert len(picture.drawing.every_node()) == 5


def test_a_run_of_layers_that_repeats_is_drawn_once():
    layers = [layer for _ in range(4) for layer in (nn.Conv2d(2, 2, 1), nn.ReLU())]
    picture = mg.draw_network(nn.Sequential(*layers, nn.Flatten()), np.ones((1, 2, 3, 3)))
    assert frames(picture) == ["0 … 1   × 4"]


def test_the_legend_says_what_a_bias_is_and_what_two_numbers_in_a_circle_are():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1, bias=False))
    bias, two = "grey 1: its weights are the biases", "a above b: before and after the activation"
    with_numbers = mg.draw_network(net, [[1.0, 1.0]]).drawing.legend
    assert bias in with_numbers
    assert two in with_numbers
    assert bias in mg.draw_network(net).drawing.legend
    assert two not in mg.draw_network(net).drawing.legend
    assert bias not in mg.draw_network(net[2], [[1.0, 1.0, 1.0]]).drawing.legend
    assert max(map(len, with_numbers.split("\n"))) <= 105  # else it widens the picture
    assert mg.draw_network(net, legend=False).drawing.legend == ""


def test_units_in_a_block_that_repeats_stand_in_its_frame():
    blocks = [nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(4)]
    picture = mg.draw_network(nn.Sequential(*blocks))
    (cluster,) = picture.drawing.clusters
    assert cluster.text == "0   × 4"
    assert sum(node.kind == "unit" for node in cluster.nodes) == 3


@pytest.mark.parametrize("times", [4, 12])
@pytest.mark.parametrize("tied", [False, True])
def test_what_leads_to_the_error_is_the_output_however_often_a_block_repeats(times, tied):
    block = [nn.Sequential(nn.Linear(2, 2), nn.Tanh()) for _ in range(times)]
    net = nn.Sequential(*(block[:1] * times if tied else block))
    picture = mg.draw_network(net, [[1.0, 1.0]], target=[[0.0, 0.0]])
    nodes = {node.id: node for node in picture.drawing.every_node()}
    error = next(node for node in nodes.values() if node.text.startswith("mean squared error"))
    shown = [float(nodes[edge.tail].text.split()[-1]) for edge in picture.drawing.edges if edge.head == error.id]
    np.testing.assert_allclose(shown, net([[1.0, 1.0]]).data[0], atol=6e-4)
    assert frames(picture) == ([] if times == 4 else ["0   × 12"])
    assert ("× n: n times in a row, of which the first" in picture.drawing.legend) == (times == 12)


@pytest.mark.parametrize("layers", [(nn.Linear, nn.LayerNorm), (nn.LayerNorm, nn.RMSNorm)], ids=["units", "boxes"])
def test_a_layer_behind_a_repeat_reads_what_the_last_call_gives(layers):
    first, second = layers
    parts = (nn.Sequential(first(*[3] * (1 + (first is nn.Linear))), nn.Tanh(), second(3)) for _ in range(9))
    net = nn.Sequential(*parts, nn.Linear(3, 1))
    picture = mg.draw_network(net, [[1.0, 2.0, 0.0]])
    assert frames(picture) == ["0   × 9"]
    shown = [float(node.text) for node in picture.drawing.nodes if node.kind == "unit"][-4:]
    np.testing.assert_allclose(shown, [*net[:9]([[1.0, 2.0, 0.0]]).data[0], net([[1.0, 2.0, 0.0]]).item()], atol=6e-4)


def test_ops_on_units_are_units_so_that_the_output_of_a_residual_model_is_shown():
    net = Residual()
    picture = mg.draw_network(net, [[1.0, 2.0, 0.0, -1.0]])
    shown = [float(text.split()[-1]) for text in units(picture)[-4:]]
    np.testing.assert_allclose(shown, net([[1.0, 2.0, 0.0, -1.0]]).data[0], atol=6e-4)


def test_an_output_that_is_a_number_is_shown():
    class Summed(Residual):
        def forward(self, x):
            return super().forward(x).sum()

    net, x = Summed(), [[1.0, 2.0, 0.0, -1.0]]
    assert f"Σ …\n()\n{net(x).item():.3f}" in texts(mg.draw_network(net, x))


def test_layers_of_units_are_all_drawn_though_they_are_alike():
    layers = [layer for _ in range(5) for layer in (nn.Linear(3, 3), nn.Tanh())]
    picture = mg.draw_network(nn.Sequential(*layers), np.ones((1, 3)))
    assert frames(picture) == []
    assert len(units(picture)) == 18


class Skips(nn.Module):
    """Blocks that are alike, each of whose results is used at the end in a way of its own."""

    def __init__(self):
        self.blocks = nn.ModuleList([nn.Sequential(nn.Conv1d(2, 2, 1), nn.ReLU(), nn.Conv1d(2, 2, 1)) for _ in "abc"])

    def forward(self, x):
        a = self.blocks[0](x)
        b = self.blocks[1](a)
        return (self.blocks[2](b) + b).tanh() * a


def test_blocks_that_are_used_in_different_ways_are_not_drawn_as_one():
    assert frames(mg.draw_network(Skips(), np.ones((1, 2, 3)))) == []


class Branches(nn.Module):
    """The same done by several, side by side."""

    def __init__(self):
        self.heads = nn.ModuleList([nn.Sequential(nn.Conv1d(2, 2, 1), nn.ReLU(), nn.Conv1d(2, 2, 1)) for _ in "abcd"])

    def forward(self, x):
        return mg.concatenate([head(x) for head in self.heads], 1)


def test_branches_that_do_the_same_are_drawn_once():
    picture = mg.draw_network(Branches(), np.ones((1, 2, 3)))
    assert frames(picture) == ["heads.0   × 4"]
    assert arrows(picture)[-1] == ("heads.0.2  Conv1d(2 → 2, 1)", "join …, …, …, …")


class Shared(nn.Module):
    """Reads with one layer what it then writes with the same."""

    def __init__(self, first):
        self.first = first
        self.reader, self.writer = nn.GRU(8, 8), nn.GRU(8, 8)
        self.head = nn.Linear(8, 50)

    def forward(self, x, y):
        _, state = self.reader(self.first(x))
        return self.head(self.writer(self.first(y), state)[0])


@pytest.mark.parametrize("kind", ["embedding", "linear"])
def test_a_layer_that_is_shared_is_drawn_where_it_is_called(kind):
    few, fewer = np.arange(4).reshape(4, 1), np.arange(3).reshape(3, 1)
    model, given = Shared(nn.Embedding(50, 8)), (few, fewer)
    if kind == "linear":
        model, given = Shared(nn.Linear(2, 8)), (np.ones((4, 1, 2)), np.ones((3, 1, 2)))
    shown = [(a[:2], b[:2]) for a, b in arrows(mg.draw_network(model, given, unroll=True))]
    reads = [pair for i in "₁₂₃₄" for pair in ((f"x{i}", f"y{i}"), (f"y{i}", f"h{i}"))]
    writes = [pair for i in "₁₂₃" for pair in ((f"x{i}", f"y{i}"), (f"y{i}", f"h{i}"), (f"h{i}", f"y{i}"))]
    along = [("h₁", "h₂"), ("h₂", "h₃"), ("h₃", "h₄"), ("h₄", "h₁"), ("h₁", "h₂"), ("h₂", "h₃")]
    assert sorted(shown) == sorted(reads + writes + along)
    folded = [node.text for node in mg.draw_network(model, given).drawing.nodes]
    assert [text.split("\n")[-1] for text in folded if text.startswith("first")] == ["(4, 1, 8)", "(3, 1, 8)"]


def test_a_layer_without_weights_that_is_shared_leads_nowhere_back():
    act = nn.ReLU()
    net = nn.Sequential(nn.Conv2d(1, 2, 3), act, nn.Conv2d(2, 4, 3), act, nn.Conv2d(4, 8, 3), act)
    picture = mg.draw_network(net, np.ones((1, 1, 9, 9)))
    assert [text.count("ReLU") for text in texts(picture)] == [0, 1, 1, 1]
    assert len(picture.drawing.edges) == 3


class Tied(nn.Module):
    def __init__(self):
        self.layer = nn.TransformerEncoderLayer(8, 2, 16)

    def forward(self, x):
        for _ in range(5):
            x = self.layer(x)
        return x


def test_one_layer_that_is_called_again_and_again_is_drawn_once():
    assert frames(mg.draw_network(Tied(), np.ones((3, 2, 8)))) == ["layer   × 5"]


class Speaker(nn.Module):
    """Says a word, and then the next one that follows from it."""

    def __init__(self):
        self.words, self.reader = nn.Embedding(9, 4), nn.GRU(4, 6)
        self.cell, self.head = nn.GRUCell(4, 6), nn.Linear(6, 9)

    def forward(self, x, word):
        state, said = self.reader(self.words(x))[1][0], []
        for _ in range(3):
            state = self.cell(self.words(word), state)
            said.append(self.head(state))
            word = said[-1].argmax(-1)
        return mg.stack(said)


def test_in_a_loop_what_is_made_leads_to_the_next_step():
    given = np.arange(2).reshape(2, 1), np.array([1])
    shown = arrows(mg.draw_network(Speaker(), given, unroll=True))
    assert [pair for pair in shown if pair[0] == "input"] == [("input", "y₁")]  # the first word
    assert shown.count(("y₁", "y₂")) == shown.count(("y₂", "y₃")) == 1  # the word that follows
    assert shown.count(("h₂", "h₁")) == 1  # from the reader's last state
    folded = arrows(mg.draw_network(Speaker(), given))
    assert ("arg max …   × 3", "words  Embedding(9, 4)   × 3") in folded
    assert ("words  Embedding(9, 4)", "reader  GRU(4 → 6)") in folded


@pytest.mark.parametrize("layers", [1, 5])
def test_an_initial_state_is_no_sequence_however_many_layers_it_is_for(layers):
    class Deep(nn.Module):
        def __init__(self):
            self.a, self.b = nn.GRU(4, 4, layers), nn.GRU(4, 4, layers)

        def forward(self, x, y):
            return self.b(y, self.a(x)[1])[0]

    shown = arrows(mg.draw_network(Deep(), (np.ones((3, 1, 4)), np.ones((2, 1, 4))), unroll=True))
    assert shown.count(("h₃", "h₁")) == layers  # from the last state of each layer
    assert not any("h₄" in pair for pair in shown)


def test_a_layer_that_does_nothing_is_not_drawn():
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Identity(), nn.Linear(3, 1)).eval()
    assert not any("Dropout" in text or "Identity" in text for text in texts(mg.draw_network(net, np.ones((1, 2)))))


@pytest.mark.parametrize("wrong", [0, True, 2.5, None])
def test_a_number_of_units_that_is_none_is_refused(wrong):
    error = ValueError if wrong == 0 else TypeError
    with pytest.raises(error, match="draw_network: max_units "):
        mg.draw_network(nn.Linear(2, 1), max_units=wrong)


def test_an_error_needs_a_tensor_or_a_loss_of_its_own():
    model, x = nn.RNN(2, 2), np.ones((3, 1, 2))
    with pytest.raises(TypeError, match="the model returns a tuple; pass a loss"):
        mg.draw_network(model, x, target=x)
    picture = mg.draw_network(model, x, target=x, loss=lambda found, wanted: (found[0] - wanted).square().sum())
    assert any(text.startswith("<lambda>\n") for text in texts(picture))


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_on_a_phone_a_page_is_as_wide_as_the_window_and_its_labels_legible(browser, tmp_path, mode):
    pytest.importorskip("pygraphviz")
    path = mg.draw_network(Writer(), (np.ones((9, 1, 4)), np.ones((1, 9, 4))), unroll=True).save(tmp_path / "net.html")
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    colour = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", colour)
    browser.get(path.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    heights = "return [...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)"
    assert min(browser.execute_script(heights)) >= 13  # of letters of 12 pixels
    attached = browser.execute_script("return getComputedStyle(document.querySelector('main')).backgroundAttachment")
    assert attached == "local, local, scroll, scroll"  # shadows at the sides where there is more
    assert browser.get_log("browser") == []


def test_a_target_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"input is \(5, 1\) and target is \(5,\)"):
        mg.draw_network(nn.Linear(2, 1), np.ones((5, 2)), target=np.ones(5))


@together
@pytest.mark.parametrize("loss", [nn.BCEWithLogitsLoss(), nn.MSELoss(), nn.L1Loss(), None])
@pytest.mark.parametrize(("samples", "outputs"), [(1, 1), (5, 1), (5, 3)])
def test_a_number_is_the_target_of_every_output(loss, samples, outputs):
    net, x = nn.Linear(2, outputs), np.ones((samples, 2))
    picture = mg.draw_network(net, x, target=1, loss=loss)
    value = (loss or nn.MSELoss())(net(x), np.ones((samples, outputs))).item()
    assert any(f"{value:.4g}" in text and text.endswith("target 1") for text in texts(picture))


def test_a_class_is_the_target_of_one_sample_and_no_number_for_many():
    net = nn.Linear(2, 3)
    value = nn.CrossEntropyLoss()(net(np.ones(2)), 2).item()
    assert any(
        f"{value:.4g}" in text for text in texts(mg.draw_network(net, np.ones(2), 2, loss=nn.CrossEntropyLoss()))
    )
    for target, error in ((1, ValueError), (1.0, TypeError)):
        with pytest.raises(error, match="cross_entropy: "):
            mg.draw_network(net, np.ones((5, 2)), target, loss=nn.CrossEntropyLoss())


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_of_several_results_of_a_layer_the_first_is_what_it_gives(kind):
    assert any("(4, 2, 5)" in text for text in texts(mg.draw_network(kind(3, 5), np.ones((4, 2, 3)))))


def test_a_picture_of_several_samples_says_whose_numbers_it_shows(worked):
    x = np.ones((4, 2))
    assert "input\nsample 1 of 4" in texts(mg.draw_network(worked, x))
    assert any("of all 4 samples:\nmean squared error" in t for t in texts(mg.draw_network(worked, x, np.ones((4, 1)))))
    assert not any("sample" in text for text in texts(mg.draw_network(worked, x[:1], 1.0)))
    flat = nn.Sequential(nn.Conv2d(1, 1, 2), nn.Flatten(), nn.Linear(4, 2))
    assert "flat\nsample 1 of 5" in texts(mg.draw_network(flat, np.ones((5, 1, 3, 3))))


def test_units_stand_in_columns_and_below_other_layers_in_rows(worked):
    assert mg.draw_network(worked).drawing.direction == "LR"
    picture = mg.draw_network(nn.Sequential(nn.Conv2d(1, 1, 2), nn.Flatten(), nn.Linear(36, 20)), np.ones((1, 1, 7, 7)))
    assert picture.drawing.direction == "TB"
    assert "⋯" in texts(picture)
    assert "⋮" not in texts(picture)


def test_a_loss_without_a_target_is_refused(worked):
    with pytest.raises(ValueError, match=r"a loss without a target; pass target="):
        mg.draw_network(worked, np.ones((1, 2)), loss=mg.functional.mse_loss)


def test_a_tensor_is_no_network():
    with pytest.raises(TypeError, match="draw a tensor with draw"):
        mg.draw_network(mg.Tensor(1.0))
    with pytest.raises(TypeError, match="found a Compiled; pass the model itself"):
        mg.draw_network(mg.compile(nn.Linear(2, 1)))


def test_the_words_have_the_numbers_of_the_picture(worked):
    words = mg.draw_network(worked, [[1.0, 1.0]], target=0).describe()
    for number in ("1.0, 1.0", "1.0 0.731, 1.3 0.786, 0.8 0.690", "1.233", "squared error 1.521", "0.4, 0.9"):
        assert number in words
    assert words.splitlines()[:2] == ["input: 1.0, 1.0", "0  Linear(2 → 3)"]


@pytest.mark.parametrize(
    ("setting", "error", "said"),
    [
        ({"direction": "XX"}, ValueError, "direction is 'XX'; choose TB, LR, BT or RL."),
        ({"max_units": -1}, ValueError, "max_units is -1; it must be at least 1."),
        ({"max_units": "all"}, TypeError, "max_units must be a whole number; found 'all'."),
        ({"unroll": "yes"}, TypeError, "unroll is 'yes'; choose True or False."),
        ({"legend": None}, TypeError, "legend is None; choose True or False."),
        ({"name": 1}, TypeError, "name must be a str; found an int."),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_choose(setting, error, said):
    with pytest.raises(error) as refused:
        mg.draw_network(nn.Linear(2, 1), [[1.0, 2.0]], **setting)
    assert str(refused.value) == f"draw_network: {said}"


def test_the_words_number_the_units_that_are_drawn_as_the_layer_does():
    words = mg.draw_network(nn.Linear(1, 8, bias=False), max_units=4).describe()
    assert [line.split(":")[0] for line in words.splitlines()[3:]] == [f"  weights of unit {k}" for k in (1, 2, 3, 8)]
