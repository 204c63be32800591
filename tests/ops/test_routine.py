"""Routines that kernels share with the programs made of them."""

import numpy as np
import pytest
from together import together

import micrograd_np as mg
from micrograd_np.ops.routine import clear


@together
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (3, 4)])
def test_clear_puts_zero_where_nothing_is_kept_and_touches_nothing_else(shape, dtype):
    draw = np.random.default_rng(0)
    for share in (0.0, 0.5, 1.0):
        keep = np.asarray(draw.random(shape) < share)
        x = np.asarray(draw.choice([1.5, -0.0, np.inf, -np.inf, np.nan], shape), dtype)
        z = x.copy()
        assert clear(np, z, keep) is z
        np.testing.assert_array_equal(z, np.where(keep, x, 0))
        assert np.array_equal(np.signbit(z), np.signbit(np.where(keep, x, 0)))


def test_clear_takes_a_mask_that_broadcasts_and_memory_with_gaps():
    z = np.full((4, 6), np.nan)[:, ::2]
    clear(np, z, np.array([True, False, True]))
    np.testing.assert_array_equal(z, [[np.nan, 0, np.nan]] * 4)


def test_a_program_contains_the_routines_that_it_calls():
    x = np.array([0.0, 1.0, 4.0])
    w = mg.Tensor(x, requires_grad=True)

    @mg.compile
    def slope(seed):
        w.grad = None
        w.sqrt().backward(seed)
        return w.grad

    for seed in ([0.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 2.0, 0.0]):  # where nothing arrives, not even ∞ leaves
        np.testing.assert_array_equal(slope(np.array(seed)).data, np.array([0.0, 0.5, 0.25]) * seed)
    assert slope.source.count("def clear(z, keep):") == 1
    assert "clear" not in slope.source_as("plain")  # where one says it as np.where(…, 0)
