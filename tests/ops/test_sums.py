"""Sums by a product with ones: what a reduction gives, and as exactly."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np.ops.sums import sum_by_product


@together
@pytest.mark.parametrize("axis", [None, 0, -1, 1, (0, 1), (1, 2), (0, 2), (0, 1, 2), (-1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_sums_along_any_axes_are_what_a_reduction_gives(axis, keepdims, dtype):
    x = np.random.default_rng(0).integers(-9, 9, (3, 4, 5)).astype(dtype)
    for y in (x, x[:, ::2], x.T.copy().T):
        wanted = np.add.reduce(y, axis=axis, keepdims=keepdims, out=...)
        z = sum_by_product(np, ..., y, axis, keepdims=keepdims)
        assert isinstance(z, np.ndarray)
        assert (z.dtype, z.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(z, wanted)
        for out in (np.empty_like(wanted), np.empty((*wanted.shape, 2), dtype)[..., 0]):
            assert sum_by_product(np, out, y, axis, keepdims=keepdims) is out
            np.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (2, 0, 3)])
def test_the_sum_of_nothing_is_zero(shape):
    for axis in (0, -1):
        np.testing.assert_array_equal(sum_by_product(np, ..., np.ones(shape), axis), np.ones(shape).sum(axis))


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, 2)])
def test_axes_that_there_are_not_are_refused(axis):
    with pytest.raises(ValueError, match="axis"):
        sum_by_product(np, ..., np.ones((2, 3)), axis)


def test_infinities_and_nan_add_up_as_ever():
    x = np.array([[np.inf, 1.0, 2.0], [np.inf, -np.inf, 0.0], [np.nan, 1.0, 1.0], [1e308, 1e308, 0.0]])
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(sum_by_product(np, ..., x, -1), [np.inf, np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(sum_by_product(np, ..., x[:2], 0), [np.inf, -np.inf, 2.0])


@pytest.mark.parametrize("n", [10, 300, 4096])
def test_rows_lose_no_more_digits_than_in_a_reduction_of_columns(n):
    x = np.random.default_rng(1).random((50, n), np.float32)
    exact = x.astype(np.float64).sum(axis=1)
    assert np.abs(sum_by_product(np, ..., x, -1) / exact - 1).max() < 4e-7
    assert np.abs(sum_by_product(np, ..., np.ascontiguousarray(x.T), 0) / exact - 1).max() < 2e-5


def test_a_long_row_is_added_up_in_pairs_as_numpy_does():
    x = mg.Tensor(np.random.default_rng(2).random((2, 1 << 20), np.float32))
    exact = x.data.astype(np.float64).sum(axis=1)
    np.testing.assert_array_equal(x.sum(axis=-1).data, x.data.sum(axis=-1))
    assert np.abs(x.sum(axis=-1).data / exact - 1).max() < 4e-7
