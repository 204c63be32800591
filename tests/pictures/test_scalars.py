"""Claims about graphs drawn number by number."""

from itertools import pairwise

import numpy as np
import pytest

import micrograd_np as mg


def test_a_product_of_matrices_is_the_weighted_sums_that_it_is():
    x, w = mg.Tensor([1.0, 2.0], name="x"), mg.Tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="W")
    picture = mg.draw((x @ w).sum(), scalars=True)
    texts = {node.id: node.text for node in picture.drawing.nodes}
    terms = {text.split(" = ")[1] for text in texts.values() if "·" in text}
    assert terms == {"x[0] · W[0,0]\n3", "x[1] · W[1,0]\n10", "x[0] · W[0,1]\n4", "x[1] · W[1,1]\n12"}
    assert [text for text in texts.values() if "+" in text] == [
        "z₃ = z₁ + z₂\n13",
        "z₆ = z₄ + z₅\n16",
        "z₇ = z₃ + z₆\n29",
    ]


def test_elementwise_ops_are_formulas_of_elements_and_views_are_not_drawn():
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    picture = mg.draw((x.T.reshape(2) * 2).sum(), scalars=True)
    texts = [node.text for node in picture.drawing.nodes]
    assert texts == ["x[0,0]\n1", "x[0,1]\n2", "z₁ = x[0,0] · 2\n2", "z₂ = x[0,1] · 2\n4", "z₃ = z₁ + z₂\n6"]


def arrows(tensor):
    """Each number of the picture that was computed, with those that arrows lead from."""
    drawing = mg.draw(tensor, scalars=True).drawing
    names = {node.id: node.text.split(" = ")[0].split("\n")[0] for node in drawing.nodes}
    found = {}
    for edge in drawing.edges:
        if edge.kind == "value":
            found.setdefault(names[edge.head], []).append(names[edge.tail])
    return found


def parameter(*data):
    return mg.Tensor(np.array(data, float), requires_grad=True, name="w")


def test_numbers_that_are_whole_have_arrows_as_others_have():
    x, w = mg.Tensor([1, 2], name="x"), parameter(3, 4)
    assert arrows(x * w) == {"z₁": ["x[0]", "w[0]"], "z₂": ["x[1]", "w[1]"]}
    assert arrows(x @ w) == {"z₁": ["x[0]", "w[0]"], "z₂": ["x[1]", "w[1]"], "z₃": ["z₁", "z₂"]}


def test_arrays_that_were_given_as_they_are_stand_in_formulas():
    w = parameter(3, 4)
    for numbers in (np.array([1, 2]), np.array([1.0, 2.0])):
        texts = [node.text for node in mg.draw(w * numbers, scalars=True).drawing.nodes]
        assert texts[2:] == ["z₁ = w[0] · 1\n3", "z₂ = w[1] · 2\n8"]
    texts = [node.text for node in mg.draw(mg.where(np.array([True, False]), w, 0.0), scalars=True).drawing.nodes]
    assert texts[2:] == ["z₁ = w[0] if True else 0\n3", "z₂ = w[1] if False else 0\n0"]


def test_masks_and_indices_have_arrows_to_what_they_choose():
    w, i, m = parameter(3, 4), mg.Tensor([1, 0, 1], name="i"), mg.Tensor([True, False], name="m")
    assert arrows(mg.where(m, w, 0.0)) == {"z₁": ["m[0]", "w[0]"], "z₂": ["m[1]", "w[1]"]}
    assert arrows(w[i]) == {"z₁": ["w[1]", "i[0]"], "z₂": ["w[0]", "i[1]"], "z₃": ["w[1]", "i[2]"]}
    assert "z₁ = w[1] by i[0]\n4" in mg.draw(w[i], scalars=True).source.replace("\\n", "\n")
    assert arrows(w[np.array([1, 1])].sum()) == {"z₁": ["w[1]"]}
    assert arrows(mg.concatenate([w, w[:1] * 2])) == {"z₁": ["w[0]"], "z₂": ["w[0]"], "z₃": ["w[1]"], "z₄": ["z₁"]}


def test_an_arrow_says_how_often_a_number_is_used():
    w = parameter([1, 2], [3, 4])
    for z, times in (
        (w[np.array([0, 0, 1])].sum(), ["2 times", "2 times", "", ""]),
        ((w[0] * w[0]).sum(), ["2 times"]),
    ):
        drawing = mg.draw(z, scalars=True).drawing
        assert [edge.text for edge in drawing.edges if edge.kind == "value"][: len(times)] == times


def test_a_label_says_of_what():
    w, target = parameter(3, 4), np.array([1, 0])
    labels = [
        (w.mean(), "mean (w[0], w[1])"),
        (w.max(), "max (w[0], w[1])"),
        (mg.functional.mse_loss(w, target), "mean ((w[0], w[1]) − (1, 0))²"),
        (mg.softmax(w, axis=0)[1:], "(softmax (w[0], w[1]))[1]"),
        (parameter(1, 2, 3, 4, 5).sum(), "w[0] + w[1] + … + w[4]"),
        (mg.einsum("i,i->", w, w), "einsum i,i->: (w[0], w[1]), (w[0], w[1])"),
    ]
    for tensor, label in labels:
        assert f" = {label}\\n" in mg.draw(tensor, scalars=True).source


@pytest.mark.parametrize(
    "make",
    [
        mg.nn.Linear(4, 2),
        lambda x: mg.nn.Conv2d(1, 1, 2)(x.reshape(1, 1, 2, 2)),
        lambda x: x.reshape(2, 2) @ x.reshape(2, 2).T,
        lambda x: mg.functional.conv1d(x.reshape(1, 1, 4), parameter(1, 2).reshape(1, 1, 2), dilation=2),
    ],
)
def test_the_terms_of_a_product_add_up(make):
    z = make(mg.Tensor([1.0, -2.0, 3.0, 0.5], requires_grad=True, name="x"))
    drawing = mg.draw(z, scalars=True).drawing
    values = {node.id: float(node.text.split("\n")[1]) for node in drawing.nodes}
    texts = {node.id: node.text.split("\n")[0] for node in drawing.nodes}
    sums = [id for id, text in texts.items() if " + " in text]
    assert sum("·" in text for text in texts.values()) >= 2 * len(sums) > 0
    for id in sums:
        parts = [values[edge.tail] for edge in drawing.edges if edge.head == id and edge.kind == "value"]
        assert sum(parts) == pytest.approx(values[id], abs=1e-3)


def test_what_is_made_of_nothing_is_called_by_its_op():
    texts = [node.text for node in mg.draw(mg.pad(parameter(3), 1), scalars=True).drawing.nodes]
    assert texts == ["w[0]\n3", "z₁ = pad\n0", "z₂ = w[0]\n3", "z₃ = pad\n0"]


def test_the_units_of_a_layer_stand_in_their_order():
    w = mg.Tensor([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]], requires_grad=True, name="W")
    drawing = mg.draw((mg.Tensor([1, 1], name="x") @ w).sigmoid(), scalars=True).drawing
    texts = {node.id: node.text.split("\n")[1] for node in drawing.nodes}
    assert ["1", "1.3", "0.8"] in [[texts[id] for id in column] for column in drawing.columns]
    ordered = {(edge.tail, edge.head) for edge in drawing.edges if edge.kind == "order"}
    assert all(pair in ordered for column in drawing.columns for pair in pairwise(column))


def test_gradients_stand_beside_the_values_and_a_legend_below():
    w = parameter(3, 4)
    z = (w * w).sum()
    z.backward()
    drawing = mg.draw(z, scalars=True).drawing
    assert drawing.nodes[0].text == "w[0]\n3\n.grad 6"
    assert "parameter" in drawing.legend
    assert ".grad: summed over backward passes" in drawing.legend


@pytest.mark.parametrize("layer", [mg.nn.Linear(2, 3), mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.Tanh())])
def test_after_backward_what_follows_from_leaves_is_shown(layer):
    x = mg.Tensor([[1.0, -2.0]], name="x")
    z = layer(x).sum()
    before = {node.text.split("\n")[0]: node.text.split("\n")[1] for node in mg.draw(z, scalars=True).drawing.nodes}
    z.backward()
    picture = mg.draw(z, scalars=True)
    assert {node.text.split("\n")[0]: node.text.split("\n")[1] for node in picture.drawing.nodes} == before
    assert "not kept" not in picture.describe()


def test_after_backward_and_a_step_the_rest_is_not_kept_and_the_words_say_how_to_keep_it():
    w = parameter(3, 4)
    z = (w * mg.Tensor([1.0, 2.0], name="x") * 2).sum()
    z.backward()
    mg.optim.SGD([w], lr=0.1).step()
    picture = mg.draw(z, scalars=True)
    assert sum("not kept" in node.text for node in picture.drawing.nodes) == 4
    assert "not kept: backward(retain_graph=True) keeps it" in picture.describe()


def test_above_the_limit_the_number_of_elements_is_told():
    with pytest.raises(ValueError, match=r"at most 64; this graph has 200"):
        mg.draw(mg.Tensor(np.ones(100), requires_grad=True) * 2, scalars=True)


@pytest.mark.parametrize("setting", [{"backward": True}, {"gradients": True}, {"depth": 1}, {"formulas": False}])
def test_a_setting_that_does_nothing_to_numbers_is_refused(setting):
    with pytest.raises(TypeError, match=rf"^draw: {next(iter(setting))} is for graphs of tensors, and scalars=True"):
        mg.draw(mg.Tensor([1.0], requires_grad=True) * 2, scalars=True, **setting)
