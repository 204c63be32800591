"""Claims about the picture of a graph: what it shows of values, gradients and modules, and what it leaves out."""

import gc
import json
import re
import subprocess
import time
import tracemalloc
from inspect import signature
from itertools import product
from weakref import ref

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.pictures.drawing import Drawing, Node, digraph
from micrograd_np.pictures.render import render
from micrograd_np.pictures.text import summary


def leaf(data, name=None):
    return mg.Tensor(data, requires_grad=True, name=name)


def texts(picture):
    return [node.text for node in picture.drawing.every_node()]


def kinds(picture):
    return {node.text.split("\n")[0]: node.kind for node in picture.drawing.every_node()}


@pytest.fixture
def small():
    x, w, b = mg.Tensor([1.0, 2.0], name="x"), leaf([3.0, 4.0], "w"), leaf(0.5, "b")
    return w, b, (x * w).sum() + b


def test_small_values_are_printed(small):
    shown = texts(mg.draw(small[-1]))
    assert "x\n(2,)\n[1 2]" in shown
    assert "z₁ = x · w\n(2,)\n[3 8]" in shown
    assert "z₃ = z₂ + b\n11.5" in shown


@pytest.mark.parametrize(("shape", "shown"), [((1, 2, 1, 1), "[0 1]"), ((1, 1, 1), "[0]"), ((2, 1, 2), "[0 1]\n[2 3]")])
def test_few_numbers_are_printed_however_many_axes_they_have(shape, shown):
    assert summary(np.arange(np.prod(shape)).reshape(shape)) == shown


def test_the_legend_explains_histograms_and_repeats_where_there_are_some():
    w = mg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    assert "…" not in mg.draw((w * 2).sum()).drawing.legend
    net = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.LayerNorm(8)) for _ in range(3)])
    legend = mg.draw(net(np.ones((4, 8))).sum()).drawing.legend.split("\n")
    assert "a … b … c: least, mean, largest, above the histogram" in legend
    assert "× n: n times in a row, with the numbers of the first" in legend


def test_the_legend_explains_signs_that_few_know():
    w = leaf([1.0, -2.0], "w")
    assert "a ↑ b: the larger" in mg.draw(mg.clip(w, min=0.5).sum()).drawing.legend
    assert "⊗: outer product" in mg.draw(mg.outer(w, w).sum()).drawing.legend
    assert "a ↑ b" not in mg.draw((w * 2).sum()).drawing.legend


def test_what_is_joined_of_one_part_is_that_part():
    found = texts(mg.draw(nn.LSTM(3, 4)(mg.Tensor(np.ones((5, 1, 3)), name="x"))[1][0].sum()))
    assert not any(" = join " in text for text in found)


def test_large_values_are_a_range_and_a_histogram():
    lowest, *_, bars = summary(np.linspace(-1, 3, 100)).replace("\n", " ").split()
    assert lowest == "-1"
    assert len(bars) == 8
    assert "1 nan or infinite" in summary(np.array([*range(20), np.nan]))


@pytest.mark.parametrize("array", [np.zeros(0), np.zeros((2, 0)), np.full(9, np.nan), np.array(["a"] * 9)])
def test_every_array_has_a_summary(array):
    assert isinstance(summary(array), str)


def test_a_gradient_that_is_zero_is_told_from_one_that_is_not_there():
    w = leaf(3.0, "w")
    z = w * 0
    assert "w\n3\n.grad not computed yet" in texts(mg.draw(z))
    z.backward(retain_graph=True)
    assert "w\n3\n.grad 0" in texts(mg.draw(z))


def test_inner_gradients_are_shown_where_they_were_kept():
    w = leaf(3.0, "w")
    y = w * 2
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    assert "z₁ = w · 2\n6\n.grad 12" in texts(mg.draw(z))


def test_all_gradients_are_shown_where_the_graph_is_kept():
    w = leaf(3.0, "w")
    z = (w * 2) ** 2
    assert "z₁ = w · 2\n6\n.grad not computed yet" in texts(mg.draw(z, gradients=True))
    z.backward(retain_graph=True)
    shown = texts(mg.draw(z, gradients=True))
    assert "z₁ = w · 2\n6\n∂ 12" in shown
    assert "z₂ = z₁²\n36\n∂ 1" in shown
    assert w.grad.item() == 24


def test_what_is_in_grad_is_not_called_the_gradient_of_this_output():
    w = leaf([1.0, 2.0], "w")
    (w * 10).sum().backward()
    for scalars in (False, True):  # this output has seen no backward pass
        picture = mg.draw((w * w).sum(), scalars=scalars)
        assert picture.drawing.every_node()[0].text.endswith("\n.grad 10" if scalars else "\n.grad [10 10]")
        assert "gradient of the output" not in picture.drawing.legend
        assert ".grad: summed over backward passes" in picture.drawing.legend


def test_all_gradients_of_one_picture_are_those_of_its_output():
    w = leaf([1.0, 2.0], "w")
    (w * 10).sum().backward()
    z = (w * w).sum()
    z.backward(mg.Tensor(5.0), retain_graph=True)
    picture = mg.draw(z, gradients=True)
    assert [text.split("\n")[-1] for text in texts(picture)] == ["∂ [2 4]", "∂ [1 1]", "∂ 1"]
    assert "∂: gradient of the output" in picture.drawing.legend
    np.testing.assert_array_equal(w.grad.data, [20.0, 30.0])


def test_parameters_inputs_constants_and_outputs_have_shapes_of_their_own(small):
    _, _, z = small
    shown = kinds(mg.draw(z * np.array([1.0, 2.0])))
    assert shown["w"] == "parameter"
    assert shown["x"] == "input"
    assert shown["array"] == "constant"
    assert shown["z₄ = z₃ · array"] == "output"
    assert all(look in mg.draw(z).source for look in ("shape=box3d", 'style="filled,diagonals"', "peripheries=2"))


def test_the_legend_explains_what_occurs_and_nothing_else(small):
    legend = mg.draw(small[-1]).drawing.legend
    told = ["parameter", "input", "output", "all are float64", "summed over backward passes"]
    assert [line.partition(": ")[2] or line for line in re.split(r"\n| {5}", legend)] == told
    assert not mg.draw(small[-1], legend=False).drawing.legend


@pytest.mark.parametrize("scalars", [False, True])
def test_equal_names_are_told_apart(scalars):
    a, b, c = leaf(1.0, "w"), leaf(2.0, "w"), leaf(3.0, "z₁")
    titles = [text.split("\n")[0] for text in texts(mg.draw((a * b - a) * c, scalars=scalars))]
    assert titles == ["w", "w′", "z₁ = w · w′", "z₂ = z₁ − w", "z₁′", "z₃ = z₂ · z₁′"]


def test_the_note_says_why_there_is_no_graph():
    w = leaf([1.0, 2.0], "w")
    with mg.no_grad():
        z = w * 3
    call = mg.compile(lambda x: (x * 2).sum())
    for result in (z, call(z), call(z), call(z), w.detach()):
        assert "no graph: nothing requires a gradient here, or no_grad()" in mg.draw(result).describe()
    for made in (w, w * 2):
        assert not mg.draw(made).drawing.note


def test_the_note_says_that_frames_need_the_model():
    def loss(net):
        return net(mg.Tensor(np.ones((1, 2)), name="x")).sum()

    net = nn.Sequential(nn.Linear(2, 2))
    assert not mg.draw(loss(net)).drawing.note
    z = loss(nn.Sequential(nn.Linear(2, 2)))
    gc.collect()
    assert mg.draw(z).drawing.note == "no frames: the model is gone; hold it in a variable"


def test_a_list_of_tensors_is_one_graph(small):
    w, b, _ = small
    picture = mg.draw([w * 2, w + b])
    assert list(kinds(picture).values()) == ["parameter", "output", "parameter", "output"]


def test_after_backward_the_structure_is_drawn_with_what_is_held():
    x, w, b = mg.Tensor([1.0, 2.0], name="x"), leaf([3.0, 4.0], "w"), leaf(0.5, "b")
    z = (x * w).sum() + b
    z.backward()
    picture = mg.draw(z)
    assert "z₃ = z₂ + b\n11.5" in texts(picture)
    assert "z₁ = x · w\n(2,)\nnot kept" in texts(picture)
    assert "w\n(2,)\n[3 4]\n.grad [1 2]" in texts(picture)
    assert "backward(retain_graph=True)" in picture.drawing.note


def test_the_words_say_how_to_keep_what_is_not_kept():
    def freed():
        z = (leaf([3.0, 4.0], "w") * 2 * 2).sum()
        z.backward()
        return z

    z, advice = freed(), "not kept: backward(retain_graph=True) keeps it, until weights change"
    for picture in (mg.draw(z, legend=False), mg.draw(z, scalars=True)):
        assert picture.describe().endswith(advice)
        assert f"writes it; {advice}>" in repr(picture)
        assert advice in picture.source


def test_what_a_tensor_that_retains_its_gradient_holds_is_shown_of_a_freed_graph():
    w = leaf([1.0, 2.0], "w")
    h = w + 1
    h.retain_grad()
    z = (h * 2).sum()
    z.backward()
    assert "z₁ = w + 1\n(2,)\n[2 3]\n.grad [2 2]" in texts(mg.draw(z))
    assert "z₁ = w[0] + 1\n2\n.grad 2" in texts(mg.draw(z, scalars=True))
    with mg.no_grad():
        h *= 3
    assert "z₁ = w + 1\n(2,)\nnot kept\n.grad [2 2]" in texts(mg.draw(z))


def test_what_was_computed_from_memory_that_was_written_since_is_not_kept():
    w, v = leaf([1.0, 2.0], "w"), leaf([3.0, 4.0], "v")
    z = (w * v + 1).sum()
    z.backward(retain_graph=True)
    mg.optim.SGD([w, v], lr=0.1).step()
    shown = texts(mg.draw(z, gradients=True))  # though no rule can be run any more
    assert "w\n(2,)\n[0.7 1.6]\nchanged since\n.grad [3 4]" in shown
    assert "z₁ = w · v\n(2,)\nnot kept\n.grad not kept: retain_grad()" in shown
    assert "z₃ = Σ z₂\n13\n.grad not kept: retain_grad()" in shown
    assert "z₁ = w[0] · v[0]\nnot kept" in texts(mg.draw(z, scalars=True))


@pytest.mark.parametrize("freed", [False, True])
def test_what_contradicts_a_value_that_is_held_is_not_kept(freed):
    w, x = leaf([1.0, 2.0], "w"), mg.Tensor([[3.0, 4.0], [5.0, 6.0]], name="x")
    for z in ((w * w).sum(), (w * 2 + 1).exp().sum(), ((w @ x) * 2).sum(), w @ x):
        shown = [texts(mg.draw(z, scalars=scalars)) for scalars in (False, True)]
        if freed:
            z.sum().backward()
            shown[0] = texts(mg.draw(z))
        w.data[0] = 50  # which nobody counts
        for scalars, before in enumerate(shown):
            after = [text.split("\n.grad")[0] for text in texts(mg.draw(z, scalars=bool(scalars)))]
            made = [(text, old.split("\n.grad")[0]) for text, old in zip(after, before, strict=True) if " = " in text]
            assert all(text == old or text.endswith("\nnot kept") for text, old in made)
            assert made[-1][0] == made[-1][1]
        w.data[0] = 1


def test_explain_computes_nothing_again_that_contradicts_a_value_that_is_held():
    w = leaf([1.0, 2.0], "w")
    z = (w * 2).sum()
    w.data[0] = 50
    assert re.search(r"z₁ = w · 2 +not kept", str(mg.explain(z)))


@pytest.mark.parametrize("scalars", [False, True])
def test_what_was_written_after_its_use_is_said_to_have_changed_since(scalars):
    w, x, c = leaf([1.0, 2.0], "w"), mg.Tensor([3.0, 4.0], name="x"), np.array([5.0, 6.0])
    z = (x * w + mg.Tensor(c)).sum()
    assert "changed since" not in mg.draw(z, scalars=scalars).describe()
    x[0] = 9.0
    shown = {text.split("\n")[0]: "changed since" in text for text in texts(mg.draw(z, scalars=scalars))}
    assert {name for name, changed in shown.items() if changed} == ({"x[0]", "x[1]"} if scalars else {"x"})
    picture = mg.draw(z, scalars=scalars)
    assert "changed since: by a write after its use here" in picture.describe()
    assert "changed since" not in mg.draw((x * w).sum(), scalars=scalars).describe()


@pytest.mark.parametrize("retain", [False, True])
def test_the_note_advises_what_helps_once_weights_have_changed(retain):
    w = leaf([1.0, 2.0], "w")
    z = ((w * 2) * w + 1).sum()
    z.backward(retain_graph=retain)
    mg.optim.SGD([w], lr=0.1).step()
    advice = "draw before" if retain else "backward(retain_graph=True) keeps it, until"
    assert f"not kept: {advice} weights change; changed since: " in mg.draw(z).describe()


def test_drawing_changes_nothing(small):
    w, _, z = small
    before = w.data.copy()
    mg.draw(z, backward=True).describe()
    z.backward()
    np.testing.assert_array_equal(w.data, before)
    np.testing.assert_array_equal(w.grad.data, [1.0, 2.0])


def test_a_picture_does_not_keep_the_graph_alive():
    a = leaf(2.0)
    y = a * 3
    alive = ref(a), ref(y)
    gc.disable()  # which would break a circle
    try:
        picture = mg.draw(y * y)
        del a, y
        assert [x() for x in alive] == [None, None]
    finally:
        gc.enable()
    assert picture.source


def test_backward_edges_carry_the_rules(small):
    edges = [edge for edge in mg.draw(small[-1], backward=True).drawing.edges if edge.kind == "gradient"]
    assert "g · x" in {edge.text for edge in edges}


def test_a_rule_says_over_which_axes_it_is_summed_where_an_input_was_repeated():
    x, b, s = mg.Tensor(np.ones((3, 2)), name="x"), leaf([1.0, 2.0], "b"), leaf([[3.0]], "s")
    edges = {edge.text for edge in mg.draw((x * b * s).sum(), backward=True).drawing.edges if edge.kind == "gradient"}
    assert edges == {"g", "g · s", "Σ over axis 0 of g · x", "Σ over axes 0, 1 of g · z₁"}


def test_an_outer_product_is_one_op():
    a, b = leaf([1.0, 2.0], "a"), leaf([3.0, 4.0, 5.0], "b")
    for freed in (False, True):
        z = mg.outer(a, b).sum()
        if freed:
            z.backward()
        picture = mg.draw(z, backward=True)
        assert [text.split("\n")[0] for text in texts(picture)] == ["a", "b", "z₁ = a ⊗ b", "z₂ = Σ z₁"]
        rules = {edge.text for edge in picture.drawing.edges if edge.kind == "gradient"}
        assert rules == {"g", "Σ over axis 0 of g · a", "Σ over axis 1 of g · b"}
    z = mg.outer(a, b) + a.reshape(2, 1)  # which is used by itself too
    assert sum("reshape a" in text for text in texts(mg.draw(z))) == 1


def test_the_words_say_what_the_picture_says():
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)
    net, v = nn.Linear(4, 3), leaf([1.0, 2.0], "v")
    loss = nn.CrossEntropyLoss()(net(mg.Tensor(np.ones((5, 4)), name="x")), np.arange(5) % 3)
    for picture in (
        mg.draw(loss),
        mg.draw(loss, depth=0),
        mg.draw((v * np.array([[3.0, 4.0], [5.0, 6.0]])).sum(), backward=True),
        mg.draw((v * 2).sum(), scalars=True),
        mg.draw(layers(leaf(np.ones((2, 3, 8)), "x")).sum()),
    ):
        said = re.sub(r"[\s:,=]+", " ", picture.describe())
        drawing = picture.drawing
        shown = [line for text in texts(picture) for line in text.split("\n")]
        shown += [cluster.text for cluster in drawing.clusters] + [edge.text for edge in drawing.edges]
        for line in shown:
            for part in re.sub(r"[\s:,=]+", " ", line).split("∂"):
                assert part.strip() in said
    assert "layers.0 TransformerEncoderLayer × 6, with the numbers of the first" in picture.describe().splitlines()


def test_a_second_order_graph_is_drawn():
    x = leaf(3.0, "x")
    (x**3).backward(create_graph=True)
    assert len(mg.draw(x.grad).drawing.nodes) > 2


def test_the_line_that_made_a_value_is_in_the_words_and_in_the_tooltip():
    with mg.trace_origins():
        z = leaf(2.0, "w") * 3
    picture = mg.draw(z)
    assert "test_graph.py" in picture.describe()
    assert any("* 3" in node.tooltip for node in picture.drawing.nodes)


def test_modules_are_frames_with_their_kind():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    picture = mg.draw(net(mg.Tensor(np.ones((5, 4)), name="x")).sum())
    assert [cluster.text for cluster in picture.drawing.clusters] == ["0  Linear(4 → 3)", "2  Linear(3 → 2)"]
    assert {node.text.split("\n")[0] for node in picture.drawing.clusters[0].nodes} >= {"weight", "bias"}


def test_modules_below_the_depth_are_one_box():
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    shown = texts(mg.draw(net(mg.Tensor(np.ones((5, 4)), name="x")).sum(), depth=0))
    assert "0  Linear(4 → 3)\n→ (5, 3)\n15 parameters" in shown
    assert not any(text.startswith("weight") for text in shown)


@pytest.mark.parametrize("freed", [False, True])
def test_a_block_that_repeats_is_drawn_once(freed):
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6)
    loss = layers(leaf(np.ones((2, 3, 8)), "x")).sum()
    if freed:
        loss.backward()
    picture = mg.draw(loss)
    assert [cluster.text for cluster in picture.drawing.clusters] == ["layers.0  TransformerEncoderLayer   × 6"]
    assert len(picture.drawing.every_node()) <= 60
    rank = {node.id: i for i, node in enumerate(picture.drawing.every_node())}
    assert len(rank) > 5
    inputs = {edge.head: edge.tail for edge in picture.drawing.edges if edge.kind == "value"}
    id = picture.drawing.every_node()[-1].id
    for _ in range(100):  # no way leads round from the last block to the first
        id = inputs.get(id, "")
    assert id == ""


@pytest.mark.parametrize("depth", ["auto", 1, 0])
def test_what_is_made_of_the_last_of_equal_blocks_names_it(depth):
    net = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.LayerNorm(4)) for _ in range(3)])
    z = net(mg.Tensor(np.arange(4.0)[None], name="x"))
    picture = mg.draw((z * z).sum(), depth=depth)
    assert any("Sequential   × 3" in text for text in (picture.source, *texts(picture)))
    assert any(" = ‹2› · ‹2›\n" in text for text in texts(picture))


@pytest.mark.parametrize("freed", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_the_first_block_is_like_the_others_though_its_input_takes_no_gradient(norm_first, freed):
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, norm_first=norm_first), 6)
    x = mg.Tensor(np.ones((2, 3, 8)), name="x")
    loss = net(x).sum()
    if freed:
        loss.backward()
    picture = mg.draw(loss)
    assert [cluster.text for cluster in picture.drawing.clusters] == ["layers.0  TransformerEncoderLayer   × 6"]
    assert len(picture.drawing.nodes) <= 4  # x, its deviations and their scale, known beforehand, and the sum
    heads = {edge.head for edge in picture.drawing.edges}
    ends = [node.text for node in picture.drawing.every_node() if node.id not in heads]
    assert any(text.startswith("x\n") for text in ends)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return (x + self.second(self.first(x).tanh()) * 2).relu()


def test_what_lies_between_blocks_that_repeat_is_drawn_once_with_them():
    net = nn.Sequential(*[Residual() for _ in range(3)])
    picture = mg.draw(net(mg.Tensor(np.ones((2, 3)), name="x")).sum())
    (block,) = (cluster for cluster in picture.drawing.clusters if "×" in cluster.text)
    assert block.text == "0   × 3"
    assert [inner.text for inner in block.clusters] == ["0  Residual"]
    assert [node.text.split(" ")[2] for node in block.nodes] == ["z₃", "x", "relu"]
    inputs = {}
    for edge in picture.drawing.edges:
        inputs.setdefault(edge.head, set()).add(edge.tail)
    while free := [head for head, tails in inputs.items() if not tails & inputs.keys()]:
        for head in free:
            del inputs[head]
    assert not inputs  # no arrows lead round


@pytest.mark.parametrize(("times", "frames"), [(3, 0), (5, 1)])
def test_a_list_of_layers_with_an_op_between_them_is_no_staircase(times, frames):
    class Stack(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(times)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return x

    net = Stack()
    z = net(mg.Tensor(np.ones((2, 4)), name="x"))
    for depth in ("auto", 0):
        picture = mg.draw(z.sum(), depth=depth)
        headings = [frame.text for frame in picture.drawing.frames.values() if "×" in frame.text]
        assert headings == ["layers.0   × 5"] * frames
        last = f"‹layers.{times - 1}›" if frames else f"z{'₃₆'[depth == 'auto']}"
        assert any(text.split("\n")[0].endswith(f"= Σ {last}") for text in texts(picture))
    folded = mg.draw(z.sum(), max_nodes=6)
    assert len(folded.drawing.every_node()) <= 6


@pytest.mark.parametrize("training", [False, True])
def test_a_picture_of_many_layers_is_no_ribbon(training):
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32), 6).train(training)
    net = nn.Sequential(nn.Embedding(50, 16), layers)
    picture = mg.draw(net(np.arange(10).reshape(5, 2)).square().mean())
    boxes = {node.text.split(" ")[0] for node in picture.drawing.every_node() if node.kind == "module"}
    assert boxes >= {"self_attn", "norm1", "linear1", "linear2", "norm2"}
    rows = {}
    for edge in picture.drawing.edges:  # in the order of computation
        rows[edge.head] = max(rows.get(edge.head, 0), rows.get(edge.tail, 0) + 1)
    assert max(rows.values()) <= 16


class Nested(nn.Module):
    """Blocks of blocks that are alike, or two runs of blocks that differ."""

    def __init__(self, *activations):
        super().__init__()
        self.runs = nn.ModuleList([self.run(act) for act in activations])

    @staticmethod
    def run(act):
        return nn.Sequential(*[nn.Sequential(nn.Linear(3, 3), act(), nn.Linear(3, 3)) for _ in range(3)])

    def forward(self, x):
        for run in self.runs:
            x = run(x)
        return x


def way_back(picture):
    """The first lines of the nodes on the way from the last to the first, against the arrows."""
    names = {node.id: node.text.split("\n")[0] for node in picture.drawing.every_node()}
    sources = {}
    for edge in picture.drawing.edges:
        sources.setdefault(names[edge.head], names[edge.tail])
    way = [names[picture.drawing.nodes[-1].id]]
    while way[-1] in sources:
        way.append(sources[way[-1]])
    return way


def test_blocks_in_blocks_that_repeat_are_drawn_once():
    net = Nested(nn.Tanh, nn.Tanh)
    picture = mg.draw(net(leaf(np.ones((2, 3)), "x")).sum())
    assert [frame.text for frame in picture.drawing.frames.values() if "×" in frame.text] == [
        "runs.0  Sequential   × 2",
        "0  Sequential   × 3",
    ]
    linear = "@ weightᵀ + bias"
    assert way_back(picture) == ["z₄ = Σ ‹runs.1›", f"z₃ = z₂ {linear}", "z₂ = tanh z₁", f"z₁ = x {linear}", "x"]


def test_an_arrow_leads_from_blocks_that_repeat_to_other_blocks_that_repeat():
    net = Nested(nn.Tanh, nn.ReLU)
    picture = mg.draw(net(leaf(np.ones((2, 3)), "x")).sum())
    assert sum("× 3" in frame.text for frame in picture.drawing.frames.values()) == 2
    way = way_back(picture)
    assert [name.split(" ")[2] for name in way[1:-1]] == ["z₅", "relu", "‹runs.0.2›", "z₂", "tanh", "x"]
    assert way[-1] == "x"


def test_blocks_that_do_different_things_are_not_drawn_as_one():
    blocks = [nn.Sequential(nn.Linear(3, 3), act, nn.Linear(3, 3)) for act in (nn.Tanh(), nn.ReLU(), nn.ReLU())]
    net = nn.Sequential(*blocks)
    picture = mg.draw(net(np.ones((2, 3))).sum())
    assert sorted(cluster.text for cluster in picture.drawing.clusters if "×" in cluster.text) == [
        "1  Sequential   × 2"
    ]


def test_steps_of_a_normalization_and_uses_of_reshaped_parameters_lie_in_their_module():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    picture = mg.draw(net(mg.Tensor(np.arange(72.0).reshape(2, 1, 6, 6), name="image")).sum())
    inside = {cluster.text: len(cluster.nodes) for cluster in picture.drawing.clusters}
    assert inside == {"0  Conv2d(1 → 4, 3×3)": 4, "1  BatchNorm2d": 10}
    assert [node.text.split(" ")[2] for node in picture.drawing.nodes[1:]] == ["relu", "Σ"]


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.net, self.head = nn.LSTM(4, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.net(x)[0][-1])


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        return x + self.inner(x)


shared = nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("net", "shape", "outside"),
    [
        (nn.Sequential(shared, nn.Tanh(), shared), (1, 2), ["x", "tanh"]),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)), (1, 1, 4, 4), ["x", "reshape"]),
        (nn.Sequential(nn.Linear(2, 2), nn.PReLU(), nn.LayerNorm(2)), (1, 2), ["x", "relu", "z₁", "z₂"]),
        (nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.RMSNorm(2)), (1, 2), ["x", "σ(z₁)"]),
        (Last(), (3, 1, 4), ["x", "z₃[-1]"]),  # the outputs that the layer takes out of its result lie in it
        (nn.Sequential(Skip(), nn.BatchNorm1d(2)).eval(), (1, 2), ["x", "x"]),  # though that layer adds, too
    ],
    ids=["used twice", "flatten", "prelu", "rms", "recurrent", "residual"],
)
def test_what_lies_before_and_after_a_layer_is_outside_of_its_frame(net, shape, outside):
    z = net(mg.Tensor(np.ones(shape), name="x"))
    drawing = mg.draw([z]).drawing
    made = [
        node.text.split("\n")[0].split(" = ")[-1].split(" ")[0] for node in drawing.nodes if node.kind != "constant"
    ]
    assert made == outside
    root = next(node for node in drawing.every_node() if node.kind == "output")
    assert not any(root is node for node in drawing.nodes)


def test_all_of_a_call_lies_in_the_frame_of_its_layer():
    net = nn.Sequential(nn.Identity(), nn.ReLU())
    net.forward = lambda x, y: net[1](net.between(x, y))
    net.between = nn.Bilinear(3, 4, 2)
    drawing = mg.draw(net.forward(leaf(np.ones((2, 3))), leaf(np.ones((2, 4)))).sum(), max_nodes=99).drawing
    outside = [node.text.split(" = ")[-1].split("\n")[0] for node in drawing.nodes if node.kind == "value"]
    assert [frame.text for frame in drawing.frames.values()] == ["between  Bilinear"]
    assert [formula.split()[0] for formula in outside] == ["relu"]


def test_modules_that_hold_each_other_have_frames():
    class Half(nn.Module):
        def __init__(self):
            self.lin = nn.Linear(2, 2)

        def forward(self, x):
            return self.lin(x)

    first, second = halves = Half(), Half()
    first.other, second.other = second, first
    drawing = mg.draw(second(first(np.ones((1, 2)))).sum()).drawing
    assert [frame.text for frame in drawing.frames.values()] == [
        "lin  Linear(2 → 2)",
        "other  Half",
        "lin  Linear(2 → 2)",
    ]
    assert drawing.note == ""
    assert all(half.other.other is half for half in halves)


def test_an_input_has_the_shape_in_which_the_user_has_it():
    x = mg.Tensor(np.ones((5, 2, 3)), name="x")
    w = leaf(np.ones(3), "w")
    found = [text.split("\n")[:2] for text in texts(mg.draw(x.transpose(1, 0, 2) @ w + (x @ w).T))]
    assert [shape for name, shape, *_ in found if name == "x"] == ["(5, 2, 3)"]


def test_memory_that_spares_an_op_work_is_not_drawn():
    for layer in (nn.LSTM(3, 4), nn.GRU(3, 4)):
        z = layer(mg.Tensor(np.ones((5, 1, 3)), name="x"))[0].sum()
        assert not any("(36, 1, 4)" in text or "(25, 1, 4)" in text for text in texts(mg.draw(z)))


@pytest.mark.parametrize("kind", ["checkpoint", "compiled"])
def test_what_has_no_kernel_is_drawn_explained_and_stepped_through(kind):
    net, x = nn.Linear(3, 2), leaf(np.ones((2, 3)), "x")
    if kind == "compiled":
        call = mg.compile(lambda x: net(x).tanh())
        call(x)  # which traces
        z = call(x).sum()
    else:
        z = mg.autograd.checkpoint(lambda x: net(x).tanh(), x).sum()
    assert f"z₁ = {kind}" in mg.draw(z, backward=True).source
    assert kind in mg.draw(z, scalars=True).source
    assert f"rule of {kind}" in str(mg.explain(z))
    assert kind in mg.draw_steps(z).page


def test_a_copy_of_a_model_is_known_as_well():
    from copy import deepcopy

    net = deepcopy(nn.Sequential(nn.Linear(4, 3)))
    assert "0  Linear(4 → 3)" in mg.draw(net(np.ones((5, 4))).sum()).source


@pytest.mark.parametrize("name", ["<b>&lt;x</b>", "a\0b", "\\N \\G", 'quo"te\\', "n:s", "<x>", "a\nb", "\x07\ud800"])
def test_any_name_is_drawn_as_it_is(name):
    picture = mg.draw(leaf(1.0, name) * 2, legend=False)
    source = picture.source
    assert not any(ord(c) < 32 and c not in "\n\t" for c in source)
    assert source.encode()
    if "lt;" in name:
        assert "&amp;lt;" in source


def test_a_nul_is_drawn_as_its_picture():
    assert "a␀b" in mg.draw(leaf(1.0, "a\0b") * 2).source


def test_no_label_comes_near_the_limit_of_graphviz():
    many = [leaf([1.0], f"p{i}") for i in range(1200)]
    source = mg.draw(mg.concatenate(many)).source
    assert max(map(len, source.splitlines())) < 1000
    assert "join p0, p1, …, p1199" in source
    long = mg.draw(leaf(1.0, "é" * 30_000) * 2).source
    assert max(len(line.encode()) for line in long.splitlines()) < 16_384


def test_every_node_has_a_label():
    drawing = Drawing(nodes=[Node("a", ""), Node("b", "<i>x</i>")])
    nodes = [line for line in digraph(drawing).source.splitlines() if line.startswith("\t") and "[label" in line]
    assert len(nodes) == 2
    assert '"<i>x</i>"' in nodes[1]


def test_the_same_graph_gives_the_same_text(small):
    assert mg.draw(small[-1]).source == mg.draw(small[-1]).source


def test_a_picture_counts_its_own_nodes(small):
    assert repr(mg.draw(leaf(1.0, "label=label=") * 2)) == (
        "<Picture of 2 nodes and 1 edge; .save('graph.svg') writes it>"
    )


@pytest.mark.parametrize("thing", [3, np.sin, "x", [], [1, 2], None, np.ones(3)])
def test_anything_else_is_refused_with_what_to_draw(thing):
    with pytest.raises(TypeError, match=r"draw: needs a tensor, a list of tensors or a module, found .*; "):
        mg.draw(thing)


@pytest.mark.parametrize(
    ("setting", "error", "said"),
    [
        ({"direction": "XX"}, ValueError, "direction is 'XX'; choose TB, LR, BT or RL."),
        ({"direction": None}, TypeError, "direction is None; choose TB, LR, BT or RL."),
        ({"values": "no"}, ValueError, "values is 'no'; choose True, False or \"auto\"."),
        ({"gradients": "no"}, ValueError, "gradients is 'no'; choose True, False or \"auto\"."),
        ({"gradients": 2}, TypeError, 'gradients is 2; choose True, False or "auto".'),
        ({"depth": -1}, ValueError, "depth is -1; it must be at least 0."),
        ({"depth": "deep"}, TypeError, "depth must be a whole number or \"auto\"; found 'deep'."),
        ({"depth": 1.5}, TypeError, 'depth must be a whole number or "auto"; found a float.'),
        ({"max_nodes": 0}, ValueError, "max_nodes is 0; it must be at least 1."),
        ({"max_nodes": "all"}, TypeError, "max_nodes must be a whole number; found 'all'."),
        ({"max_nodes": True}, TypeError, "max_nodes must be a whole number; found True."),
        ({"name": 3}, TypeError, "name must be a str; found an int."),
        *[({flag: "x"}, TypeError, f"{flag} is 'x'; choose True or False.") for flag in ("formulas", "legend")],
        *[({flag: None}, TypeError, f"{flag} is None; choose True or False.") for flag in ("backward", "scalars")],
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_choose(small, setting, error, said):
    with pytest.raises(error) as refused:
        mg.draw(small[-1], **setting)
    assert str(refused.value) == f"draw: {said}"


def test_the_least_settings_are_drawn(small):
    assert mg.draw(small[-1], depth=0, max_nodes=1).source
    assert mg.draw_steps(small[-1].sum(), max_ops=2)


@pytest.mark.parametrize("direction", ["up", "lr"])
def test_a_wrong_direction_is_refused(small, direction):
    with pytest.raises(ValueError, match=f"draw: direction is '{direction}'; choose TB, LR, BT or RL"):
        mg.draw(small[-1], direction)


def test_settings_of_numpys_types_are_settings(small):
    assert mg.draw(small[-1], depth=np.int64(0), max_nodes=np.int32(5)).source


def test_the_signature_says_the_direction():
    assert str(signature(mg.draw).parameters["direction"]) == "direction: str = 'TB'"
    assert mg.draw(leaf(1.0) * 2).drawing.direction == "TB"
    assert mg.draw(nn.Linear(2, 1)).drawing.direction == "LR"  # as draw_network would


def test_a_module_is_drawn_as_a_network():
    assert "Linear(2 → 1)" in mg.draw(nn.Linear(2, 1)).source
    assert "Linear(2 → 1)" in mg.draw(nn.Linear(2, 1), np.ones((1, 2))).source


def test_a_module_takes_what_its_picture_takes():
    net, x = nn.Linear(2, 1), np.ones((3, 2))
    assert mg.draw(net, x, direction="TB").drawing.direction == "TB"
    assert mg.draw(net, "TB").drawing.direction == "TB"
    same = mg.draw_network(net, x, 1.0, name="graph").source
    assert mg.draw(net, x, 1.0).source == mg.draw(net, x, target=1.0).source == same
    assert mg.draw(nn.RNN(2, 3), x, unroll=True).drawing.columns


@pytest.mark.parametrize("setting", [{"scalars": True}, {"max_nodes": 3}, {"backward": True}, {"values": False}])
def test_a_setting_of_graphs_is_refused_for_a_module(setting):
    with pytest.raises(TypeError, match=f"draw: {next(iter(setting))} is for graphs"):
        mg.draw(nn.Linear(2, 1), **setting)


def test_a_setting_of_modules_is_refused_for_a_graph(small):
    with pytest.raises(TypeError, match="draw: target is for modules, found a Tensor"):
        mg.draw(small[-1], target=1)
    for more in ({}, {"direction": "LR"}):
        with pytest.raises(TypeError, match="draw: an input is for modules, found a Tensor"):
            mg.draw(small[-1], "LR" if more else small[0], **more)


def test_what_repeats_thousands_of_times_and_cannot_be_folded_holds_nobody_up():
    class Loop(nn.Module):
        def __init__(self):
            self.cell = nn.RNNCell(2, 3)

        def forward(self, x):
            state = None
            for row in x:
                state = self.cell(row * 2, state)
            return state

    net = Loop()
    z = net(np.ones((1000, 1, 2))).sum()
    started = time.perf_counter()
    assert len(mg.draw(z).drawing.every_node()) <= 60
    assert time.perf_counter() - started < 5  # 0.2; a search from each step on would take a minute


@pytest.mark.parametrize("n", [10_000, pytest.param(100_000, marks=pytest.mark.thorough)])
def test_a_chain_of_100_000_is_folded(n):
    z = leaf(1.0, "a")
    for _ in range(n):
        z = z + 1.0
    picture = mg.draw(z)
    assert len(picture.drawing.nodes) < 60
    assert any(f"{n - 20:,} ops in between" in text for text in texts(picture))


def test_10_000_nodes_can_all_be_drawn():
    a = z = leaf(1.0, "a")
    for _ in range(5000):
        z = (z * a).tanh()
    assert mg.draw(z, max_nodes=10**6).source.count("tanh") == 5000  # how fast: tests/benchmarks/memory.py


def peak_ratio(make):
    """The most memory while drawing, the graph's included, in terms of the graph's."""
    mg.draw(leaf(1.0) * 2).source  # noqa: B018  imports
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        z = make()
        gc.collect()
        graph = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.reset_peak()
        assert mg.draw(z).source
        return (tracemalloc.get_traced_memory()[1] - before) / graph
    finally:
        tracemalloc.stop()


def chain(n):
    a = z = leaf(1.0, "a")
    for _ in range(n // 2):
        z = (z * a).tanh()
    return z


def sum_of_leaves(n):
    return sum((leaf(float(i)) for i in range(n // 2)), leaf(0.0))


def sum_of_products(n):
    w = leaf(1.0)
    return sum((w * float(i) for i in range(n // 2)), leaf(0.0))


def stack(n):
    w = leaf(1.0)
    return mg.stack([w * float(i) for i in range(n // 2)]).sum()


def stack_of_leaves(n):
    return mg.stack([leaf(float(i)) for i in range(n // 2)]).sum()


_SOME = [(chain, False)]
_MORE = [
    (sum_of_products, True),
    (chain, True),
    (sum_of_leaves, False),
    (sum_of_leaves, True),
    (sum_of_products, False),
]
_MORE += [(stack, False), (stack, True), (stack_of_leaves, False), (stack_of_leaves, True)]


@pytest.mark.parametrize(
    ("graph", "is_spent"), [*_SOME, *(pytest.param(*case, marks=pytest.mark.thorough) for case in _MORE)]
)
def test_a_graph_of_10_000_numbers_is_drawn_in_little_more_memory_than_it_has(graph, is_spent):
    def make():
        z = graph(10_000)
        if is_spent:
            z.backward()
        return z

    assert peak_ratio(make) < 1.2  # 1.08 to 1.18: 45 kB for the picture, and some 25 bytes for each of 200 to 550


def test_a_network_is_drawn_in_little_more_memory_than_its_graph_and_its_weights_have():
    def make():
        net = nn.Sequential(nn.Linear(784, 256), nn.Tanh(), nn.Linear(256, 10))
        models.append(net)
        return net(np.ones((64, 784))).sum()

    models = []
    assert peak_ratio(make) < 1.2  # 1.15; numbers are looked at in parts


def test_values_are_computed_once_where_they_can_be_compared():
    calls = []

    w = leaf(np.linspace(0, 1, 9), "w")
    z = ((w * 2 + 1).exp() * 3).sum()
    op = z.node.inputs[0].op
    kernel = op.kernel
    try:
        op.kernel = lambda *a, **k: calls.append(1) or kernel(*a, **k)
        assert "not kept" not in mg.draw(z).source
    finally:
        op.kernel = kernel
    assert len(calls) == 2  # w · 2, and exp · 3


def test_values_are_computed_again_one_at_a_time():
    def make():
        z = leaf(np.ones(100_000))
        for _ in range(50):
            z = z + 1.0
        return z.sum()

    assert peak_ratio(make) < 5  # 3.9: two results of 51, and a part of one to be summarized


def test_of_a_long_chain_of_what_is_not_held_the_middle_is_not_computed():
    z = leaf(1.0, "a")
    for _ in range(5000):
        z = z + 1.0
    shown = texts(mg.draw(z))
    assert sum("not kept" in text for text in shown) == 9
    assert "a\n1\n.grad not computed yet" in shown
    assert any(text.endswith("5001") for text in shown)


def test_reshapes_that_change_nothing_are_not_drawn():
    x = leaf([1.0, 2.0], "x")
    assert texts(mg.draw(x.reshape(2).sum(), legend=False))[-1].startswith("z₁ = Σ x")


@pytest.mark.parametrize("axis", [0, 1])
def test_a_stack_is_drawn_without_the_reshapes_that_nobody_wrote(axis):
    parts = [leaf([1.0, 2.0], name) * 2 for name in "abc"]
    picture = mg.draw(mg.stack(parts, axis=axis).sum(), legend=False)
    assert "reshape" not in picture.source
    (joined,) = [node for node in picture.drawing.nodes if "join z₁, z₂, z₃" in node.text]
    assert sum(edge.head == joined.id for edge in picture.drawing.edges) == 3
    assert len(picture.drawing.nodes) == 8


def test_a_reshape_before_a_join_is_drawn_where_it_is_more_than_a_new_axis():
    a, b = leaf([1.0, 2.0], "a"), leaf([[3.0, 4.0]], "b")
    row = a.reshape(1, 2)
    assert "reshape" in mg.draw(mg.concatenate([row, b]).sum() + row.mean()).source  # used twice
    assert "reshape" in mg.draw(mg.concatenate([a.reshape(2, 1), b.reshape(2, 1)]).sum()).source
    row.name = "row"
    assert "row" in mg.draw(mg.concatenate([row, b]).sum()).source


def test_a_long_stack_is_folded_without_lone_nodes():
    w = leaf(1.0, "w")
    drawing = mg.draw(mg.stack([w * float(i) for i in range(300)]).sum()).drawing
    joined = {id for edge in drawing.edges for id in (edge.tail, edge.head)}
    assert {node.id for node in drawing.nodes} == joined


def test_statistics_of_a_normalization_have_their_names_and_parameters_no_reshapes():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval()
    picture = mg.draw(net(mg.Tensor(np.ones((2, 1, 6, 6)), name="image")).mean())
    assert kinds(picture)["running_mean"] == "buffer"
    assert "reshape" not in picture.source


def test_the_picture_of_a_notebook_never_raises(small, monkeypatch):
    def broken(*_):
        raise OSError("no processes left")

    monkeypatch.setattr(subprocess, "run", broken)
    assert "text/plain" in mg.draw(small[-1])._repr_mimebundle_()


def test_a_page_holds_picture_and_words(small, tmp_path):
    pytest.importorskip("pygraphviz")
    path = mg.draw(leaf(1.0, "<script>x</script>") * 2).save(tmp_path / "graph.html")
    page = path.read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Content-Security-Policy" in page


def test_of_settings_that_were_forgotten_nothing_is_computed(monkeypatch):
    monkeypatch.setattr("micrograd_np.core.freed.SETTINGS", 1)
    w = leaf([3.0, 1.0, 2.0], "w")
    z = w[:2].cumsum(0).sum() + w[1:].sum(keepdims=True).sum()
    z.backward()
    words = mg.draw(z).describe().splitlines()
    assert words[0] == "w: parameter, (3,) float64 = [3 1 2], .grad [2 2 1]"
    assert words[1] == "z₁ = w[…]: (2,) float64 = not kept"
    assert all(line.endswith("not kept") for line in words[1:-2])


def test_a_line_is_free_between_a_histogram_and_the_gradient_below_it():
    w = mg.Tensor(np.linspace(0, 1, 64), requires_grad=True, name="w")
    node = mg.draw(w * 2).drawing.every_node()[0]
    assert node.text.split("\n")[-3:] == ["▆▆▆▆▆▆▆▆", "", ".grad not computed yet"]
    assert summary(np.array([np.nan, *range(63)])).split("\n")[1] == "1 nan or infinite"  # above the bars


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("squares", [False, True])
def test_no_rule_is_crossed_by_an_arrow(direction, squares):
    pytest.importorskip("pygraphviz")
    w, v = leaf(2.0, "w"), leaf([1.0, 2.0], "v")
    square = w * w
    z = square * square + square if squares else ((w * v).tanh() + 1).sum().sigmoid()
    edges = json.loads(render(mg.draw(z, direction, backward=True).source, "json"))["edges"]
    assert sum("lp" in edge for edge in edges) == 6
    for edge, arrow in product((edge for edge in edges if "lp" in edge), edges):
        x = float(edge["lp"].split(",")[0])
        texts = [part for part in edge["_ldraw_"] if part["op"] == "T" and part["text"].strip()]
        width, height = max(part["width"] for part in texts), texts[0]["pt"][1]
        points = [np.array(point.split(","), float) for point in arrow["pos"][2:].split(" ")][1:]
        for a, b, c, d in (points[i : i + 4] for i in range(0, len(points) - 1, 3)):
            for t in np.linspace(0, 1, 20):
                s = 1 - t
                px, py = s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d
                words = width - 15  # without the spaces around them
                assert not (abs(px - x) < words / 2 and height - 8 < py < height + 10)  # of the foot of the letters


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
def test_nothing_is_cut_at_the_rim(direction):
    pytest.importorskip("pygraphviz")
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    svg = render(mg.draw(net(mg.Tensor(np.ones((5, 4)), name="x")), direction, depth=0).source).decode()
    width, height = map(float, re.search(r'viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"', svg).groups())
    left, top = map(float, re.search(r"translate\(([\d.]+) ([\d.]+)\)", svg).groups())
    shapes = [re.sub("[A-Z]", " ", shape).split() for shape in re.findall(r'(?: d|points)="([^"]+)"', svg)]
    points = np.array([point.split(",") for shape in shapes[1:] for point in shape], float)
    points += [left, top]
    assert points.min() >= 1  # half of a line is outside of its points
    assert np.all(points.max(axis=0) <= [width - 1, height - 1])


def test_a_mask_of_many_elements_says_how_many_are_true():
    z = mg.where(np.arange(12) > 4, leaf(np.arange(12.0), "x"), 0.0)
    assert "condition: constant, (12,) bool = 7 of 12 true" in mg.draw(z, legend=False).describe()


def test_two_models_in_a_row_have_a_layer_each_and_share_no_frame():
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    picture = mg.draw(second(first(np.ones((4, 2))).tanh()).sum())
    assert not picture.drawing.clusters
    assert "weight: parameter, (1, 3)" in picture.describe()
