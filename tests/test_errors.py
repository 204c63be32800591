"""Bad input: each error says what was asked, what was found and what to do, in shapes and the user's own names."""

import re

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np import nn
from micrograd_np.ops import elementwise, linear, reduce, shape
from micrograd_np.ops.domains import REALS
from micrograd_np.primitive import primitive
from micrograd_np.tensor import Tensor


def tensor(*lengths, **told):
    return Tensor(np.ones(lengths), **told)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        # shapes
        (
            lambda: tensor(64, 32, name="x") @ tensor(64, 10, name="w"),
            ValueError,
            [
                "matmul",
                "x (x) is (64, 32)",
                "y (w) is (64, 10)",
                "last axis of x (32) must equal",
                "Did you mean x.T @ y?",
            ],
        ),
        (lambda: tensor(4, 3) @ tensor(2, 3), ValueError, ["(4, 3)", "(2, 3)", "Did you mean x @ y.T?"]),
        (lambda: tensor() @ tensor(3), ValueError, ["at least one axis", "multiply by a scalar with *"]),
        (lambda: tensor(3) + tensor(4, name="b"), ValueError, ["add", "x is (3,)", "y (b) is (4,)"]),
        (
            lambda: nn.Linear(3, 2)(tensor(5, 4)),
            ValueError,
            ["linear", "(5, 4)", "last axis of x (4)", "in_features (3)"],
        ),
        (lambda: tensor(2, 3).reshape(4, 2), ValueError, ["reshape", "(2, 3)", "shape=(4, 2)"]),
        (lambda: shape.concatenate(tensor(2, 3), tensor(2, 4)), ValueError, ["concatenate", "(2, 3)", "(2, 4)"]),
        (lambda: shape.stack([tensor(2), tensor(3)]), ValueError, ["stack", "(2,)", "(3,)"]),
        (lambda: tensor(2, 3).sum(axis=2), ValueError, ["sum", "(2, 3)", "axis=2"]),
        (lambda: tensor(0).max(), ValueError, ["max", "(0,)"]),
        (lambda: tensor(3)[5], IndexError, ["(3,)", "5"]),
        # backward
        (
            (tensor(64, 10, requires_grad=True) * 2).backward,
            RuntimeError,
            ["backward", "(64, 10)", "scalar", ".mean().backward()", "gradient of that shape"],
        ),
        (
            lambda: (tensor(3, requires_grad=True) * 2).backward(np.ones(4)),
            ValueError,
            ["backward", "gradient is (4,)", "(3,)"],
        ),
        (lambda: tensor(name="loss").backward(), RuntimeError, ["loss", "requires_grad=True", "no_grad()"]),
        # kinds
        (lambda: Tensor([1, 2], requires_grad=True), TypeError, ["floating", "int64", "[1.0, 2.0]"]),
        (lambda: Tensor([True], requires_grad=True), TypeError, ["floating", "bool"]),
        (lambda: Tensor("text"), TypeError, ["numbers", "str"]),
        (lambda: Tensor([1 + 2j]), TypeError, ["real numbers", "complex128"]),
        (lambda: Tensor([{}]), TypeError, ["numbers", "object"]),
        (lambda: Tensor(1.0) + "text", TypeError, ["add", "str"]),
        (lambda: Tensor(1.0) + None, TypeError, ["add", "NoneType"]),
        (lambda: tensor(2, requires_grad=True, name="w").numpy(), TypeError, ["w of shape (2,)", ".detach().numpy()"]),
        (lambda: Tensor(tensor(2, requires_grad=True)), TypeError, ["detach"]),
        (lambda: tensor(2, 3).item(), ValueError, ["item", "6 elements", "tolist()"]),
        (lambda: bool(tensor(2)), ValueError, ["ambiguous", ".any()", ".all()"]),
        (lambda: [1, 2][Tensor(1.0)], TypeError, ["integer", "float64"]),
        (lambda: len(tensor()), TypeError, ["0-d"]),
        (lambda: mg.set_default_dtype("int32"), TypeError, ["floating dtype", "int32"]),
        (lambda: (tensor(1, requires_grad=True) * 2).requires_grad_(False), RuntimeError, [".detach()"]),
        (lambda: tensor(2).retain_grad(), RuntimeError, ["does not require a gradient"]),
        # arguments
        (lambda: elementwise.add(1.0), TypeError, ["add", "missing"]),
        (lambda: reduce.sum(tensor(2), axes=0), TypeError, ["sum", "axes"]),
        (lambda: shape.reshape(tensor(2)), TypeError, ["reshape", "shape"]),
        # losses
        (
            lambda: nn.MSELoss()(tensor(64, 1), np.ones(64)),
            ValueError,
            ["mse_loss", "(64, 1)", "(64,)", "would broadcast to (64, 64)", "target[:, None]"],
        ),
        (lambda: nn.BCELoss()(tensor(3, 1), np.ones(3)), ValueError, ["(3, 1)", "(3,)"]),
        (lambda: nn.CrossEntropyLoss()(tensor(2, 3), [0, 3]), IndexError, ["3 is out of bounds", "0 to 2"]),
        (lambda: nn.CrossEntropyLoss()(tensor(2, 3), [0, 1, 2]), ValueError, ["(2, 3)", "(3,)"]),
    ],
)
def test_it_says_what_was_asked_what_was_found_and_what_to_do(call, kind, says):
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert [part for part in says if part not in message] == [], message
    assert "\n" not in message
    assert message.rstrip()[-1] in ".?"


def test_a_second_backward_says_the_graph_is_gone():
    z = tensor(3, requires_grad=True).sum()
    z.backward()
    with pytest.raises(RuntimeError, match=re.escape("retain_graph=True")):
        z.backward()


class TestDeclarations:
    def test_a_misspelt_input_fails_at_once(self):
        @primitive("{x}", domain=(REALS,))
        def same(xp, out, x):
            """x."""
            return xp.positive(x, out=out)

        with pytest.raises(TypeError, match=r"same: there is no input 'y'; its inputs are x"):
            same.vjp(y=lambda g, z, x: g)

    def test_a_misspelt_input_that_is_not_differentiable_fails_at_once(self):
        with pytest.raises(TypeError, match="there is no input 'mask'"):

            @primitive("{x}", domain=(REALS,), not_differentiable=("mask",))
            def same(xp, out, x):
                """x."""

    def test_a_rule_for_what_has_none_fails_at_once(self):
        with pytest.raises(TypeError, match=r"'x' is declared not differentiable"):
            mg.equal.vjp(x=lambda g, z, x, y: g)

    def test_a_kernel_without_xp_and_out_fails_at_once(self):
        with pytest.raises(TypeError, match=r"a kernel takes \(xp, out"):

            @primitive("{x}", domain=(REALS,))
            def same(x):
                """x."""

    def test_a_missing_rule_is_asked_for_where_it_is_needed(self):
        @primitive("{x}", domain=(REALS,))
        def same(xp, out, x):
            """x."""
            return xp.positive(x, out=out)

        z = same(tensor(requires_grad=True))
        with pytest.raises(NotImplementedError, match=r"same.*vjp\(x=\.\.\.\).*not_differentiable"):
            z.backward()

    def test_the_kernels_own_error_is_kept_as_the_cause(self):
        with pytest.raises(ValueError, match="matmul") as caught:
            linear.matmul(np.ones((2, 3)), np.ones((2, 3)))
        assert isinstance(caught.value.__cause__, ValueError)


def test_integers_that_were_made_to_require_a_gradient_are_refused_by_the_walk():
    t = mg.Tensor([1, 2, 3])
    t.requires_grad = True
    with pytest.raises(TypeError, match=r"backward: a tensor of shape \(3,\) requires a gradient and is int64"):
        (t * 2.7).sum().backward()


def test_shapes_that_do_not_broadcast_name_the_axis():
    with pytest.raises(ValueError, match=r"add: x \(a\) is \(2, 3\) and y is \(4,\): axis −1 has .* 3 and 4"):
        mg.Tensor(np.ones((2, 3)), name="a") + np.ones(4)


def test_pytorchs_names_of_settings_are_translated():
    with pytest.raises(
        TypeError, match=r"sum\(x, \*, axis=None, keepdims=False\): .*'dim'. PyTorch's dim is axis here"
    ):
        mg.sum(np.ones((2, 3)), dim=0)
