"""`explain` prints the derivation that the walk follows, with the numbers that it finds."""

import io

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn


def told(tensor, gradient=None):
    file = io.StringIO()
    mg.explain(tensor, gradient, file=file)
    return file.getvalue()


def test_every_rule_stands_as_a_formula_with_shape_and_numbers():
    a, b = (mg.Tensor(v, requires_grad=True, name=n) for v, n in (([3.0, 4.0], "a"), ([5.0, 6.0], "b")))
    lines = told((a / b).sum()).splitlines()
    assert any(line.split() == ["v1", "=", "a", "/", "b", "(2,)", "=", "[0.6", "0.6667]"] for line in lines)
    assert any(line.strip().startswith("∂v2/∂a = g ÷ b") and "[0.2    0.1667]" in line for line in lines)


def test_broadcasting_is_explained():
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    bias = mg.Tensor(np.zeros(3), requires_grad=True, name="bias")
    assert "summed over axis 0 of (2, 3), along which bias was repeated" in told((x + bias).sum())


def test_a_tensor_used_twice_shows_both_shares_and_their_sum():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    text = told(x * x)
    assert text.count("∂v1/∂x += ") == 2
    assert "∂v1/∂x, all 2 together" in text
    assert "x is used 2 times" in text
    assert "= 6 " in text


def test_the_numbers_are_those_of_backward():
    mg.random.manual_seed(3)
    layer = nn.Linear(1, 1)
    dict(layer.named_parameters())
    loss = (layer(np.array([[2.0]])) ** 2).sum()
    text = told(loss)
    loss.backward()
    (line,) = [line for line in text.splitlines() if "/∂weight = " in line]
    assert f"{layer.weight.grad.item():.4g}"[:5] in line


def test_nothing_is_changed():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.retain_grad()
    z = y.sum()
    told(z)
    told(z)
    assert x.grad is None
    assert y.grad is None
    z.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0])
    assert mg.primitive.mode.watcher is None


def test_a_given_gradient_is_where_it_starts():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    text = told(3 * x, np.array([1.0, 10.0]))
    assert "= given" in text
    assert "[ 3. 30.]" in text


def test_what_depends_on_nothing_is_refused():
    with pytest.raises(RuntimeError, match=r"explain: .*requires_grad=True"):
        mg.explain(mg.Tensor(1.0))


def test_it_prints_where_one_reads(capsys):
    mg.explain(mg.Tensor(2.0, requires_grad=True, name="x").exp())
    assert "exp x" in capsys.readouterr().out


def test_every_kind_of_network_can_be_explained():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    loss = nn.CrossEntropyLoss()(net(np.ones((5, 3))), np.array([0, 1, 1, 0, 1]))
    assert "rule of" not in told(loss)
