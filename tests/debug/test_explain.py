"""`explain` prints the derivation that the walk follows, with the numbers that it finds."""

import io
import re

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode


def told(tensor, gradient=None):
    return str(mg.explain(tensor, gradient))


def test_every_rule_stands_as_a_formula_with_shape_and_numbers():
    a, b = (mg.Tensor(v, requires_grad=True, name=n) for v, n in (([3.0, 4.0], "a"), ([5.0, 6.0], "b")))
    lines = told((a / b).sum()).splitlines()
    assert any(line.split() == ["z₁", "=", "a", "/", "b", "(2,)", "=", "[0.6", "0.6667]"] for line in lines)
    assert any(line.strip().startswith("∂z₂/∂a = g ÷ b") and "[0.2    0.1667]" in line for line in lines)


def test_broadcasting_is_explained():
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True, name="x")
    bias = mg.Tensor(np.zeros(3), requires_grad=True, name="bias")
    assert "summed over axis 0 of (2, 3), along which bias was repeated" in told((x + bias).sum())


def test_a_tensor_used_twice_shows_both_shares_and_their_sum():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    text = told(x * x)
    assert text.count("∂z₁/∂x += ") == 2
    assert "∂z₁/∂x, all 2 together" in text
    assert "x is used 2 times" in text
    assert "= 6 " in text


def test_what_a_hook_made_of_a_gradient_is_said():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    inner = x * 2
    inner.register_hook(lambda g: g * 100)
    x.register_hook(lambda g: -g)
    lines = [" ".join(line.split()) for line in told((inner * inner).sum()).splitlines()]
    assert lines[-5:] == [
        "∂z₃/∂z₁, all 2 together (2,) = [4. 8.] z₁ is used 2 times",
        "∂z₃/∂z₁, after its hooks (2,) = [400. 800.]",
        "z₁ = x · 2",
        "∂z₃/∂x = g · 2 (2,) = [ 800. 1600.]",
        "∂z₃/∂x, after its hooks (2,) = [ -800. -1600.]",
    ]


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
    assert mode.events is QUIET


def test_a_given_gradient_is_where_it_starts():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    text = told(3 * x, np.array([1.0, 10.0]))
    assert "= given" in text
    assert "[ 3. 30.]" in text


def test_what_depends_on_nothing_is_refused():
    with pytest.raises(RuntimeError, match=r"explain: .*requires_grad=True"):
        mg.explain(mg.Tensor(1.0))


def test_it_prints_once_and_only_where_it_is_printed(capsys):
    derivation = mg.explain(mg.Tensor(2.0, requires_grad=True, name="x").exp())
    assert not capsys.readouterr().out
    print(derivation)
    text = capsys.readouterr().out
    assert text.count("z₁ = exp x ") == 1
    assert "None" not in text
    assert text == f"{derivation!r}\n"


def test_it_writes_into_a_file_what_it_returns():
    file = io.StringIO()
    derivation = mg.explain(mg.Tensor(2.0, requires_grad=True, name="x").exp(), file=file)
    assert file.getvalue() == f"{derivation}\n"


def test_leaves_without_a_name_are_numbered_in_the_order_they_are_used():
    a, b, c = (mg.Tensor(value, requires_grad=True) for value in (2.0, 3.0, 5.0))
    lines = told(a * b + c).splitlines()
    assert [line.split() for line in lines[:3]] == [
        [name, "()", "=", value, "a", "leaf"] for name, value in (("x₁", "2"), ("x₂", "3"), ("x₃", "5"))
    ]
    assert lines[3].startswith("z₁ = x₁ · x₂ ")
    assert lines[4].startswith("z₂ = z₁ + x₃ ")


def test_a_number_given_to_a_leaf_or_result_is_nobodys_name_already():
    x, y = mg.Tensor([1.0, 2.0], requires_grad=True, name="z₁"), mg.Tensor([1.0, 2.0], requires_grad=True)
    (lines,) = [told((y * x).sum()).splitlines()]
    assert lines[1].startswith("z₂ = x₁ · z₁ ")


def test_constants_are_shown_by_value():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    lines = told((x * mg.Tensor(4.0) * mg.Tensor([5.0, 6.0]) + np.array([7.0, 8.0])).sum()).splitlines()
    assert lines[0].split() == ["c₁", "(2,)", "=", "[5.", "6.]", "a", "constant"]
    assert lines[1].split() == ["c₂", "(2,)", "=", "[7.", "8.]", "a", "constant"]
    assert [line.split("  ")[0] for line in lines[2:5]] == ["z₁ = x · 4", "z₂ = z₁ · c₁", "z₃ = z₂ + c₂"]


def test_an_outer_product_is_called_one():
    w, x = (mg.Tensor(np.ones(shape), requires_grad=True, name=n) for shape, n in (((2, 3), "W"), (3, "x")))
    assert "∂z₂/∂W = g ⊗ x " in told((w @ x).sum())
    a, b = (mg.Tensor(np.ones(n), requires_grad=True, name=name) for n, name in ((2, "a"), (3, "b")))
    assert "∂z₂/∂W = a ⊗ g " in told((a @ mg.Tensor(np.ones((2, 3)), requires_grad=True, name="W")).sum())
    assert "z₁ = a ⊗ b " in told(mg.outer(a, b).sum())
    single = mg.Tensor(np.ones((1, 3)), requires_grad=True, name="W")
    assert "∂z₂/∂W = g ⊗ x " in told((single @ x).sum())
    column = mg.Tensor(np.ones((3, 1)), requires_grad=True, name="column")
    assert "⊗" not in told((column * np.ones((1, 1))).sum())


def test_an_outer_product_is_one_line_and_one_rule_for_each_vector():
    a, b = (mg.Tensor(np.arange(n) + 1.0, requires_grad=True, name=name) for n, name in ((2, "a"), (3, "b")))
    text = told(mg.outer(a, b).sum())
    assert "reshape" not in text
    assert "z₁ = a ⊗ b                       (2, 3) = [[1. 2. 3.] [2. 4. 6.]]   an outer product" in text
    assert "∂z₂/∂a = g · b                 (2,) = [6. 6.]   summed over axis 1 of (2, 3), along which a was" in text
    text = told(mg.outer(a, a).sum())
    assert "∂z₂/∂a, all 2 together         (2,) = [6. 6.]   a is used 2 times" in text
    assert "z₂ = z₁ ⊗ c₁" in told(mg.outer(a * 2, np.ones(3)).sum())
    column = a.reshape(2, 1)
    text = told((column * b.reshape(1, 3) + column).sum())
    assert text.count("reshape a to (2, 1)") == 2  # forward and backward, as it is used by itself too
    hooked = a.reshape(2, 1)
    hooked.register_hook(lambda g: g * 10)
    assert told((hooked * b.reshape(1, 3)).sum()).count("reshape a to (2, 1)") == 2  # what a hook sees is shown
    assert "z₂ = z₁ ⊗ b" in text


def test_the_gradient_of_a_product_of_vectors_is_told_without_the_reshape_of_a_number():
    a, b = (mg.Tensor(np.ones(3), requires_grad=True, name=name) for name in "ab")
    text = told(a @ b)
    assert "reshape" not in text
    assert "∂z₁/∂a = g · b  " in text
    assert "∂z₁/∂b = g · a  " in text


def test_every_kind_of_network_can_be_explained():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    loss = nn.CrossEntropyLoss()(net(np.ones((5, 3))), np.array([0, 1, 1, 0, 1]))
    assert "rule of" not in told(loss)


def test_what_was_computed_from_memory_that_was_written_since_is_not_kept():
    x = mg.Tensor(np.ones(100), requires_grad=True)
    z = ((x + 1) * 2).sum()
    with mg.no_grad():
        x *= 3
    shown = told(z)
    assert "a leaf, written since" in shown
    assert "z₁ = x₁ + 1                      not kept" in shown
    assert "z₂ = z₁ · 2                      not kept" in shown
    assert "z₃ = Σ z₂                        () = 400" in shown


def test_what_was_not_written_is_computed_again():
    x = mg.Tensor(np.ones(100), requires_grad=True)
    other = mg.Tensor(np.ones(100))
    z = ((x + 1) * 2).sum()
    with mg.no_grad():
        other *= 3
    assert "z₂ = z₁ · 2                      (100,) = [4. 4. ... 4. 4.]" in told(z)


def test_leaves_are_numbered_in_the_order_in_which_they_were_made():
    first, second, third = (mg.Tensor([float(i), 2.0], requires_grad=True) for i in range(3))
    c, d = mg.Tensor([5.0, 6.0]), mg.Tensor([7.0, 8.0])
    lines = mg.explain((third * d + second * first * c).sum()).lines
    assert [line.split()[0] for line in lines[:5]] == ["x₁", "x₂", "x₃", "c₁", "c₂"]
    assert "[0. 2.]" in lines[0]
    assert "[2. 2.]" in lines[2]
    assert "[5. 6.]" in lines[3]


def test_explain_and_the_pictures_call_the_same_step_by_the_same_name():
    loss = ((mg.Tensor([1.0, 2.0], requires_grad=True) * 3).exp() + 1).sum()
    explained = re.findall(r"^(z.) = (.*?)  ", str(mg.explain(loss)), re.MULTILINE)[:4]
    assert [f"{name} = {formula}" for name, formula in explained] == [
        "z₁ = x₁ · 3",
        "z₂ = exp z₁",
        "z₃ = z₂ + 1",
        "z₄ = Σ z₃",
    ]
    drawn = mg.draw(loss).describe()
    assert all(f"{name} = {formula}: " in drawn for name, formula in explained)
