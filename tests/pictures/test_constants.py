"""Claims about what takes no gradient in a picture of a graph: statistics, masks, targets, reshapes of a layer."""

import gc

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn

F = mg.functional


def weights():
    return mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="w")


def kinds(picture):
    return {node.text.split("\n")[0]: node.kind for node in picture.drawing.every_node()}


def in_frames(picture):
    return {node.text.split("\n")[0] for cluster in picture.drawing.clusters for node in cluster.nodes}


@pytest.mark.parametrize("freed", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("first", [nn.Linear(3, 4), nn.Conv1d(3, 4, 1), nn.Conv2d(3, 4, 1)], ids=["1d", "2d", "3d"])
def test_statistics_of_a_batch_norm_have_their_names_in_its_frame(first, affine, freed):
    shape = (2, 3, 5, 5)[: first.weight.ndim]
    norm = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    net, x = nn.Sequential(first, norm(4, affine=affine)).eval(), mg.Tensor(np.ones(shape), name="x")
    loss = net(x).sum()
    if freed:
        loss.backward()
    picture = mg.draw(loss)
    assert {kinds(picture)[name] for name in ("running_mean", "running_var")} == {"buffer"}
    assert {"running_mean", "running_var"} <= in_frames(picture)
    assert "constant" not in kinds(picture).values()


def test_statistics_are_known_by_name_though_they_were_replaced_or_their_module_is_gone():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval()
    loss = net(np.ones((2, 1, 6, 6))).sum()
    net[1].running_var = mg.Tensor(np.full(4, 2.0))
    assert {"running_mean", "running_var"} <= in_frames(mg.draw(loss))
    del net
    gc.collect()
    assert {"1.running_mean", "1.running_var"} <= kinds(mg.draw(loss)).keys()


def test_batch_norm_by_its_statistics_is_what_it_was():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(3, 4, 2)), rng.normal(size=4)
    mean, variance = rng.normal(size=4), rng.uniform(0.5, 2, size=4)
    expected = (x - mean[:, None]) * (1 / np.sqrt(variance + 1e-5) * weight)[:, None]
    np.testing.assert_array_equal(F.batch_norm(x, mean, variance, weight).data, expected)
    expected = (x - mean[:, None]) * (1 / np.sqrt(variance + 1e-5))[:, None]
    np.testing.assert_array_equal(F.batch_norm(x, mean, variance).data, expected)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("condition", lambda w: mg.where(np.array([True, False, True]), w, 0.0)),
        ("labels", lambda w: F.cross_entropy(w.reshape(1, 3), np.array([1]))),
        ("target", lambda w: F.binary_cross_entropy_with_logits(w, np.array([1.0, 0.0, 1.0]))),
        ("indices", lambda w: F.embedding(np.array([0, 2]), w.reshape(3, 1))),
        ("array", lambda w: w * np.array([1.0, 2.0, 3.0])),
        ("array", lambda w: w + mg.Tensor([1.0, 2.0, 3.0])),
        ("array", lambda w: mg.Tensor(np.ones((100, 3))) @ w),
    ],
)
def test_a_constant_is_called_as_the_op_calls_it_before_and_after_backward(name, make):
    w = weights()
    loss = make(w).sum()
    before = mg.draw(loss)
    loss.backward()
    after = mg.draw(loss)
    for picture in (before, after):
        assert kinds(picture)[name] == "constant"
        assert any(name in text and " = " in text for text in kinds(picture))
    assert [node.text for node in after.drawing.nodes if node.kind == "constant"] == [f"{name}\nnot kept"]
    assert list(kinds(before)) == list(kinds(after))


def test_an_array_that_a_layer_is_given_is_an_input_outside_of_its_frame():
    for net in (nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), nn.Linear(2, 3)):
        picture = mg.draw(net([[1.0, 2.0]]).sum())
        assert kinds(picture)["input"] == "input"
        assert "input" not in in_frames(picture)
        assert "z₁ = input @ weightᵀ + bias" in kinds(picture)


def test_rules_call_a_constant_what_its_node_does():
    picture = mg.draw(mg.where(np.array([True, False, True]), weights(), 0.0), backward=True)
    assert [edge.text for edge in picture.drawing.edges if edge.kind == "gradient"] == ["g · [condition]"]


def test_an_input_with_a_name_is_that_before_and_after_backward():
    w = weights()
    loss = (w * mg.Tensor([1.0, 2.0, 3.0], name="x")).sum()
    before = kinds(mg.draw(loss))
    loss.backward()
    assert kinds(mg.draw(loss)) == before
    assert before["x"] == "input"


@pytest.mark.parametrize("freed", [False, True])
@pytest.mark.parametrize(
    ("layer", "call", "shape", "uses"),
    [
        (nn.MultiheadAttention(8, 2), lambda layer, x: layer(x, x, x)[0], (3, 2, 8), 3),
        (nn.MultiheadAttention(8, 2), lambda layer, x: layer(x, x, x)[0], (3, 8), 3),
        (nn.TransformerEncoderLayer(8, 2, 16, dropout=0), lambda layer, x: layer(x), (3, 2, 8), 4),
        (nn.GRU(8, 2, bias=False, batch_first=True), lambda layer, x: layer(x)[0], (3, 2, 8), 1),
        (nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), lambda layer, x: layer(x), (3, 2, 8), 1),
    ],
    ids=["attention", "one sequence", "encoder", "batch first", "flatten"],
)
def test_an_input_that_a_layer_turns_is_one_input(layer, call, shape, uses, freed):
    x = mg.Tensor(np.random.default_rng(0).normal(size=shape), name="x")
    loss = call(layer, x).sum()
    if freed:
        loss.backward()
    drawing = mg.draw(loss, max_nodes=99).drawing
    (box,) = (node for node in drawing.every_node() if node.text.split("\n")[0] == "x")
    assert box.kind == "input"
    assert sum(edge.tail == box.id for edge in drawing.edges) == uses


@pytest.mark.parametrize("batch_first", [False, True])
def test_how_attention_splits_its_heads_is_not_drawn(batch_first):
    layer = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    x = mg.Tensor(np.random.default_rng(0).normal(size=(4, 3, 8)), requires_grad=True, name="x")
    picture = mg.draw(layer(x, x, x)[0].sum(), max_nodes=99)
    heads = [text.partition(" = ")[2] for text in kinds(picture)]
    assert not any(text.startswith("reshape") or (text.endswith("ᵀ") and "@" not in text) for text in heads)
    assert any(" @ z" in text and "ᵀ" in text for text in heads)  # of queries and keys


def test_a_reshape_that_the_user_wrote_is_drawn():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    assert "reshape" in mg.draw(net(np.ones((1, 1, 4, 4))).sum()).source
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    assert "z₁ = x₁ᵀ" in kinds(mg.draw((x.T @ x).sum()))


def test_no_arrow_of_a_block_that_repeats_leads_back():
    net = nn.Sequential(nn.Embedding(50, 8), nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6))
    picture = mg.draw(net(np.arange(4).reshape(4, 1)).sum(), max_nodes=99)
    inputs = {}
    for edge in picture.drawing.edges:
        inputs.setdefault(edge.head, set()).add(edge.tail)
    while free := [head for head, tails in inputs.items() if not tails & inputs.keys()]:
        for head in free:
            del inputs[head]
    assert not inputs


def test_constants_count_among_the_nodes_for_which_there_is_room():
    net = nn.Sequential(nn.Embedding(50, 8), nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 6))
    assert len(mg.draw(net(np.arange(4).reshape(4, 1)).sum()).drawing.every_node()) <= 60


@pytest.mark.parametrize("freed", [False, True])
def test_a_dropout_mask_is_called_that_and_lies_where_it_is_applied(freed):
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 4), nn.Dropout()))
    loss = net(mg.Tensor(np.ones((2, 3)), name="x")).sum()
    if freed:
        loss.backward()
    picture = mg.draw(loss)
    masks = [node for node in picture.drawing.every_node() if node.text.startswith("dropout mask")]
    assert [node.kind for node in masks] == ["constant"] * 2
    assert {"z₃ = z₂ · dropout mask", "x"} <= kinds(picture).keys()
    assert any("dropout mask: constant" in line for line in picture.describe().splitlines())
    frames = {
        cluster.text: [node.text.split("\n")[0] for node in cluster.nodes] for cluster in picture.drawing.clusters
    }
    assert sum(text.startswith("dropout mask") for text in frames["1  Sequential"]) == 1  # the other is its result
    assert (
        mg.draw((weights() * 2).sum() * mg.functional.dropout(weights()).sum(), scalars=True).source.count("mask[") == 6
    )


def test_masks_of_blocks_that_repeat_are_no_difference_between_them():
    block = [
        nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)) for _ in range(4)
    ]
    net = nn.Sequential(*block)
    picture = mg.draw(net(np.ones((2, 4))).sum(), max_nodes=99)
    assert [frame.text for frame in picture.drawing.frames.values() if "×" in frame.text] == ["0  Sequential   × 4"]
    assert sum(node.text.startswith("dropout mask") for node in picture.drawing.every_node()) == 1


def test_masks_between_layers_that_repeat_are_drawn_once_too():
    net = nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(4, 4), nn.ReLU(), nn.Dropout())])
    picture = mg.draw(net(np.ones((2, 4))).sum())
    (block,) = picture.drawing.clusters
    assert block.text == "0   × 5"
    assert [node.text.split("\n")[0] for node in block.nodes if node.kind == "constant"] == ["dropout mask"]
    assert not any("dropout mask" in node.text for node in picture.drawing.nodes)


def test_a_weight_that_blocks_share_is_drawn_once():
    net = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh()) for _ in range(4)])
    for block in net:
        block[2].weight = net[0][2].weight
    picture = mg.draw(net(np.ones((2, 4))).sum(), max_nodes=99)
    assert sum("0.2.weight" in line.split(":")[0] for line in picture.describe().splitlines()) == 1
    tails = {edge.tail for edge in picture.drawing.edges}
    assert all(node.id in tails or node.kind == "output" for node in picture.drawing.every_node())


def test_a_number_stands_in_formulas_and_has_no_box():
    u = mg.Tensor(0.5, requires_grad=True, name="u")
    (u * u).tanh().backward(create_graph=True)
    words = mg.draw(u.grad).describe()
    assert "= 1 · z" in words  # what backward began with
    assert "constant" not in words
