"""Half precision over its whole range, every number that there is, against double precision."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812

ALL = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
ALL = np.unique(ALL[~np.isnan(ALL)])  # 63,487 numbers, ±∞ among them
ACTIVATIONS = [
    "celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_sigmoid", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "tanhshrink",
]  # fmt: skip
ELEMENTWISE = [
    "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "ceil", "cos", "cosh",
    "degrees", "erf", "exp", "exp2", "expm1", "floor", "log", "log1p", "log2", "log10", "ndtr", "negative", "radians",
    "reciprocal", "round", "sign", "sin", "sinh", "sqrt", "square", "tan", "trunc",
]  # fmt: skip
FUNCTIONS = {
    **{f"F.{name}": getattr(F, name) for name in ACTIVATIONS},
    **{f"mg.{name}": getattr(mg, name) for name in ELEMENTWISE},
    "F.gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "F.celu 2": lambda x: F.celu(x, 2.0),
    "F.softplus 2": lambda x: F.softplus(x, beta=2.0),
}
LEFT_OUT = {  # next to a kink, x + 3 rounds to beyond it; a slope made of the value ends where that does
    "F.hardsigmoid": np.abs(np.abs(ALL) - 3) < 0.01,
    "F.hardswish": np.abs(np.abs(ALL) - 3) < 0.01,
    "mg.exp2": ALL >= 16,
}


def value_and_gradient(function, x):
    x = mg.Tensor(x, requires_grad=True)
    y = function(x)
    if y.requires_grad:
        y.backward(np.ones(y.shape, y.dtype))
    return y.data, np.zeros(x.shape) if x.grad is None else x.grad.data


def rounded_equal(found, expected):
    """Equal up to four units in the last place, or up to as much of 1, which is what rules subtract from."""
    with np.errstate(over="ignore"):
        expected = expected.astype(np.float16).astype(float)
    near = np.isclose(found.astype(float), expected, rtol=2**-8, atol=2**-9, equal_nan=True)
    biggest = float(np.finfo(np.float16).max)
    return near | ((np.abs(expected) > 0.99 * biggest) & (np.abs(found) > 0.99 * biggest) & (found * expected > 0))


@together
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_half_precision_has_the_value_and_the_gradient_of_double_precision(name):
    x = ALL[~LEFT_OUT.get(name, np.isnan(ALL))]
    found, expected = (value_and_gradient(FUNCTIONS[name], x.astype(t)) for t in (np.float16, np.float64))
    for a, b in zip(found, expected, strict=True):
        wrong = ~rounded_equal(a, b)
        assert not wrong.any(), f"{wrong.sum()} numbers, as {x[wrong][[0, -1]]}: {a[wrong][[0, -1]]}"


@pytest.mark.parametrize("name", ["F.gelu", "F.gelu tanh", "F.mish", "F.silu", "F.softsign", "mg.ndtr", "mg.erf"])
def test_what_is_moderate_in_half_precision_comes_without_a_warning(name):
    value_and_gradient(FUNCTIONS[name], ALL)


@pytest.mark.parametrize("name", ["F.gelu", "F.gelu tanh", "F.mish", "F.silu", "mg.ndtr", "mg.erf"])
def test_second_derivatives_in_half_precision_are_numbers_everywhere(name):
    x = mg.Tensor(ALL, requires_grad=True)
    FUNCTIONS[name](x).backward(np.ones(ALL.shape, np.float16), create_graph=True)
    slope, x.grad = x.grad, None
    slope.backward(np.ones(ALL.shape, np.float16))
    assert np.isfinite(x.grad.data).all()


@pytest.mark.parametrize("name", ["F.gelu", "F.mish", "F.softsign", "mg.ndtr", "mg.erf"])
def test_compiled_half_precision_is_eagers_bit_for_bit(name):
    compiled = mg.compile(mg.value_and_grad(lambda x: FUNCTIONS[name](x).sum()))
    small = ALL[np.abs(ALL) < 100][::7]
    for x in (small, small[::-1].copy()):
        eager = mg.value_and_grad(lambda x: FUNCTIONS[name](x).sum())(mg.Tensor(x))
        for a, b in zip(eager, compiled(mg.Tensor(x)), strict=True):
            np.testing.assert_array_equal(a.data, b.data)


def test_a_mean_of_half_precision_is_right_where_its_sum_is_beyond_the_range():
    x = np.array([100, -100] * 500, np.float16)
    assert mg.mean(np.abs(x)) == 100
    assert mg.var(x) == 10000
    assert mg.std(x) == 100
    assert mg.norm(np.ones(70000, np.float16) * 2**-7) == np.float16(70000**0.5 * 2**-7)
    assert F.mse_loss(x, 0 * x).item() == 10000
    assert F.mse_loss(x, 0 * x).dtype == np.float16
    zeros = np.zeros(100_000, np.float16)
    np.testing.assert_allclose(mg.softmax(zeros), 1e-5, rtol=2e-2)
    np.testing.assert_allclose(mg.logsumexp(zeros), np.log(1e5), rtol=1e-3)
    np.testing.assert_allclose(mg.log_softmax(zeros), -np.log(1e5), rtol=1e-3)
