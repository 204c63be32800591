"""The summary counts what can be counted by hand, and leaves the model as it was."""

import numpy as np
import pytest
from together import together
from trainable import LAYERS

import micrograd_np as mg
from micrograd_np import nn


def test_counts_agree_with_hand_calculation():
    table = mg.summary(
        nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3456, 10)), np.zeros((2, 1, 28, 28))
    )
    assert [row.shapes for row in table.rows] == [[(2, 10)], [(2, 6, 24, 24)], [(2, 6, 24, 24)], [(2, 3456)], [(2, 10)]]
    assert [row.parameters for row in table.rows] == [0, 156, 0, 0, 34570]
    assert [row.multiply_adds for row in table.rows] == [0, 2 * 6 * 24 * 24 * 25, 0, 0, 2 * 34560]
    assert table.parameters == table.trainable == 34726


def test_kept_bytes_are_those_of_the_graph():
    layer = nn.Linear(4, 8)
    assert mg.summary(layer, np.zeros((32, 4))).kept == 32 * 8 * 8
    layer.requires_grad_(False)
    assert mg.summary(layer, np.zeros((32, 4))).kept == 0  # nothing is trained, so nothing is kept


def test_the_model_is_left_as_it_was():
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
    mg.random.manual_seed(1)
    before, state = net.state_dict(), mg.random.generator().bit_generator.state
    mg.summary(net, np.random.default_rng(0).normal(size=(4, 3)))
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert mg.random.generator().bit_generator.state == state
    assert all(p.grad is None for p in net.parameters())


def test_a_module_called_twice_counts_twice_and_an_idle_one_is_named():
    class Net(nn.Module):
        def __init__(self):
            self.twice, self.idle = nn.Linear(3, 3), nn.Linear(2, 2)

        def forward(self, x):
            return self.twice(self.twice(x))

    text = repr(mg.summary(Net(), np.zeros((5, 3))))
    assert "twice: Linear ×2" in text
    assert "not called" in text
    assert f"{2 * 5 * 9}" in text


def test_it_is_a_table_in_a_notebook_too():
    html = mg.summary(nn.Linear(1, 1), np.zeros((1, 1)))._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == 3


def test_a_shape_is_not_taken_for_data():
    with pytest.raises(TypeError, match=r"^summary: \(1, 2\) may be a shape .* pass np\.zeros\(\(1, 2\)\)"):
        mg.summary(nn.Linear(2, 1), (1, 2))


@pytest.mark.parametrize(("count", "found"), [(0, "0 inputs"), (2, "2 inputs")])
def test_inputs_that_the_model_does_not_take_are_refused_in_words(count, found):
    with pytest.raises(TypeError) as refused:
        mg.summary(nn.Linear(2, 1), *[np.zeros((1, 2))] * count)
    assert str(refused.value) == f"summary: Linear takes (input); found {found}. Call summary(model, input)."


def test_it_prints_itself_once():
    table = mg.summary(nn.Linear(2, 1), np.zeros((1, 2)))
    assert str(table) == repr(table)
    assert str(table).count("total") == 1


@together
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_a_summary_and_a_picture(name):
    make, *draws = LAYERS[name]
    model, inputs = make(), [draw(np.random.default_rng(0)) for draw in draws]
    shown = mg.summary(model, *inputs)
    assert shown.parameters == sum(p.size for p in model.parameters())
    picture = mg.draw_network(model, inputs[0] if len(inputs) == 1 else tuple(inputs))
    assert "node" in repr(picture)
