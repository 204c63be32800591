"""Sums, products, extremes, spreads and running ones: NumPy is the judge of values, finite differences of gradients."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np.numpy_api.cumulative import recurrence

X = np.random.default_rng(3).standard_normal((3, 4, 2))
AXES = [None, 0, -1, (0, 2), (-1, 1, 0), ()]


@together
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std"])
def test_reductions_agree_with_numpy(name, axis, keepdims):
    expected = getattr(np, name)(X, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(getattr(mg, name)(X, axis=axis, keepdims=keepdims), expected, rtol=1e-13, atol=1e-15)
    method = getattr(mg.Tensor(X), name)(axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(method.data, expected, rtol=1e-13, atol=1e-15)
    assert getattr(mg, name)(X.astype(np.float32), axis=axis).dtype == np.float32


@pytest.mark.parametrize("axis", AXES[:-1])
@pytest.mark.parametrize("name", ["prod", "max", "var", "std", "norm", "logsumexp"])
def test_gradients_of_reductions_agree_with_finite_differences(name, axis):
    f = getattr(mg, name)
    mg.gradcheck(lambda x: f(x, axis=axis), mg.Tensor(X, requires_grad=True))
    mg.gradgradcheck(lambda x: f(x, axis=axis), mg.Tensor(X, requires_grad=True))


@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_ddof_is_numpys(ddof):
    np.testing.assert_allclose(mg.var(X, axis=1, ddof=ddof), np.var(X, axis=1, ddof=ddof))
    np.testing.assert_allclose(mg.std(X, ddof=ddof), np.std(X, ddof=ddof))
    mg.gradcheck(lambda x: mg.std(x, axis=1, ddof=ddof), mg.Tensor(X, requires_grad=True))


def test_a_large_mean_costs_the_variance_no_digits():
    assert mg.var(np.array([1e9, 1e9 + 1, 1e9 + 2])) == pytest.approx(2 / 3, rel=1e-15)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_ones_agree_with_numpy_and_finite_differences(name, axis):
    f = getattr(mg, name)
    np.testing.assert_array_equal(f(X, axis=axis), getattr(np, name)(X, axis=axis))
    mg.gradcheck(lambda x: f(x, axis=axis), mg.Tensor(X, requires_grad=True))
    mg.gradgradcheck(lambda x: f(x, axis=axis), mg.Tensor(X, requires_grad=True))


@together
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 100])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrence_is_the_loop(n, reverse):
    a, b = np.random.default_rng(n).standard_normal((2, n))
    expected = np.zeros(n)
    last = 0.0
    for i in reversed(range(n)) if reverse else range(n):
        expected[i] = last = b[i] + a[i] * last
    np.testing.assert_allclose(recurrence(a, b, axis=0, reverse=reverse), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, np.inf, -np.inf])
def test_norms_agree_with_numpy(order):
    np.testing.assert_allclose(mg.norm(X, ord=order, axis=1), np.linalg.norm(X, ord=order, axis=1), rtol=1e-13)
    assert mg.norm(X, ord=order, axis=1, keepdims=True).shape == (3, 1, 2)
    mg.gradcheck(lambda x: mg.norm(x, ord=order, axis=1), mg.Tensor(X, requires_grad=True))


@pytest.mark.parametrize("order", ["fro", float("nan")])
def test_a_norm_that_is_none_is_an_error(order):
    with pytest.raises(ValueError, match="norm: ord must be"):
        mg.norm(X, ord=order)


@pytest.mark.parametrize(
    ("dtype", "scale"), [("float64", 1e200), ("float64", 1e-200), ("float32", 1e30), ("float32", 1e-30)]
)
def test_norms_neither_overflow_nor_underflow(dtype, scale):
    x = mg.Tensor(np.array([3, 4]) * scale, dtype=dtype, requires_grad=True)
    z = mg.norm(x)
    z.backward()
    assert z.item() == pytest.approx(5 * scale, rel=1e-6)
    np.testing.assert_allclose(x.grad.data, [0.6, 0.8], rtol=1e-6)


def test_positions_and_questions_agree_with_numpy():
    for name in ("argmax", "argmin"):
        for axis in (None, 0, -1):
            np.testing.assert_array_equal(getattr(mg, name)(X, axis=axis), getattr(np, name)(X, axis=axis))
    for name in ("any", "all"):
        for axis in (None, 0, (0, 1)):
            np.testing.assert_array_equal(
                getattr(mg.Tensor(X > 0), name)(axis=axis).data, getattr(np, name)(X > 0, axis=axis)
            )
    assert mg.argmax(mg.Tensor(X, requires_grad=True)).requires_grad is False


def test_an_axis_that_is_not_there_is_an_error_that_names_the_op():
    with pytest.raises(ValueError, match=r"max: x is \(3, 4, 2\); asked for axis=5"):
        mg.max(mg.Tensor(X), axis=5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_softmax_and_its_kin_are_silent_and_right_at_the_ends_of_the_range(dtype):
    big = float(np.finfo(dtype).max)
    x = np.array([[big, -big, 0], [-big, -big, -big], [-np.inf, big, -big], [big, big, 0]], dtype)
    shares = np.array([[1, 0, 0], [1 / 3] * 3, [0, 1, 0], [1 / 2, 1 / 2, 0]])
    rows = mg.Tensor(x, requires_grad=True)
    tolerance = {"rtol": 4 * float(np.finfo(dtype).eps)}
    np.testing.assert_allclose(mg.softmax(rows).data, shares, **tolerance)
    np.testing.assert_array_equal(mg.logsumexp(rows, axis=1).data, x.max(axis=1))
    np.testing.assert_allclose(mg.log_softmax(rows).data[[0, 2], [0, 1]], 0)
    mg.logsumexp(rows, axis=1).backward(np.ones(4, dtype))
    np.testing.assert_allclose(rows.grad.data, shares, **tolerance)
    losses = mg.functional.cross_entropy(rows, np.array([0, 1, 1, 0]), reduction="none")
    np.testing.assert_allclose(losses.data, np.log([1, 3, 1, 2]), **tolerance)
    rows.grad = None
    losses.backward(np.ones(4, dtype))
    np.testing.assert_allclose(
        rows.grad.data, shares - np.eye(3)[[0, 1, 1, 0]], atol=1e-3 if dtype == np.float16 else 1e-6
    )
