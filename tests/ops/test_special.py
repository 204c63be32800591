"""erf, the normal distribution function and x log y, against Python's own `math`."""

import math

import numpy as np
import pytest

import micrograd_np as mg
from micrograd_np.ops.fused.special import ndtr

WIDE = np.concatenate([np.linspace(-6.5, 6.5, 2001), np.geomspace(1e-300, 1, 301), np.linspace(0.49, 0.51, 101)])


def test_erf_is_exact_to_double_precision():
    expected = np.array([math.erf(v) for v in WIDE])
    np.testing.assert_allclose(mg.erf(WIDE), expected, rtol=1e-15, atol=0)


def test_erf_keeps_single_precision():
    x = WIDE.astype(np.float32)
    z = mg.erf(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, [math.erf(v) for v in x], rtol=4e-7, atol=1e-44)


def test_erf_is_odd_also_at_zero_and_infinity():
    z = mg.erf(np.array([-0.0, 0.0, -np.inf, np.inf, 1e300, np.nan]))
    np.testing.assert_array_equal(z, [-0.0, 0.0, -1, 1, 1, np.nan])
    assert np.signbit(z[0])


def test_the_lower_tail_of_the_normal_distribution_keeps_its_digits():
    x = np.linspace(-7.9, 7.9, 1001)
    expected = [0.5 * math.erfc(-v / math.sqrt(2)) for v in x]
    np.testing.assert_allclose(ndtr(x), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "expected"), [(0, 0, 0), (0, -1, 0), (2, math.e, 2), (1, 0, -np.inf), (0, np.nan, np.nan)]
)
def test_xlogy_is_zero_where_x_is(x, y, expected):
    np.testing.assert_array_equal(mg.xlogy(np.array(float(x)), np.array(float(y))), expected)
