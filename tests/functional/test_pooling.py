"""What max pooling took is put back by unpooling; windows at random distances cover what they pool."""

import numpy as np
import pytest

import micrograd_np as mg
import micrograd_np.functional as F  # noqa: N812  PyTorch's import line
from micrograd_np import nn

POOLS = {1: ((2, 3, 7), (3, 2, 1)), 2: ((2, 3, 6, 5), ((2, 3), 2, 0)), 3: ((1, 2, 4, 4, 5), (2, (2, 1, 2), 0))}
"""The shape of an input, and window, stride and padding."""


@pytest.mark.parametrize("d", POOLS)
def test_what_max_pooling_took_is_put_back_among_zeros(d):
    shape, window = POOLS[d]
    pool, unpool = (getattr(F, f"max_{kind}pool{d}d") for kind in ("", "un"))
    x = np.random.default_rng(0).normal(size=shape) + 9  # above the zeros
    z, at = pool(x, *window, return_indices=True)
    y = unpool(z, at, *window, output_size=shape)
    kept = y.data != 0
    np.testing.assert_array_equal(y.data[kept], x[kept])
    np.testing.assert_array_equal(pool(y, *window).data, z.data)
    np.testing.assert_array_equal(unpool(z[0], at[0], *window, output_size=shape[2:]).data, y.data[0])
    compiled = mg.compile(lambda z, at: unpool(z, at, *window, output_size=shape))
    for values in (x, -x):
        z, at = pool(values, *window, return_indices=True)
        np.testing.assert_array_equal(compiled(z, at).data, unpool(z, at, *window, output_size=shape).data)


@pytest.mark.parametrize("d", POOLS)
def test_what_is_put_back_has_the_gradient_of_its_place(d):
    _, at = getattr(F, f"max_pool{d}d")(np.random.default_rng(0).normal(size=(2, 3, *(4,) * d)), 2, return_indices=True)
    z = mg.Tensor(np.random.default_rng(1).normal(size=at.shape), requires_grad=True)
    mg.check_gradients(lambda z: getattr(F, f"max_unpool{d}d")(z, at, 2), z)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.max_unpool1d([[[1.0]]], [[[0, 1]]], 2), ValueError, r"input is \(1, 1, 1\) and indices \(1, 1, 2\)"),
        (lambda: F.max_unpool1d([[[1.0]]], [[[2]]], 2), IndexError, "max_unpool1d: .* out of bounds"),
        (
            lambda: F.max_unpool1d([[[1.0]]], [[[0]]], 2, output_size=(4,)),
            ValueError,
            r"nearer than the stride, \(2,\)",
        ),
        (
            lambda: nn.MaxUnpool2d(2)(np.ones((1, 1)), np.ones((1, 1), int)),
            ValueError,
            r"max_unpool2d: input is \(1, 1\)",
        ),
    ],
)
def test_what_cannot_be_put_back_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


IMAGE = np.arange(12.0).reshape(1, 1, 3, 4)


def test_windows_at_random_distances_begin_at_the_first_element_and_end_at_the_last():
    x = mg.Tensor(IMAGE, requires_grad=True)
    for seed in range(5):
        mg.manual_seed(seed)
        z, at = F.fractional_max_pool2d(x, 2, (2, 3), return_indices=True)
        assert z.shape == (1, 1, 2, 3)
        np.testing.assert_array_equal(z.data, at.data)  # the elements count themselves
        assert z.data[0, 0, 0, 0] == 5  # the largest of the first two rows and columns
        assert z.data[0, 0, -1, -1] == 11


def test_compiled_windows_at_random_distances_are_eagers(rng):
    def pooled(x):
        return F.fractional_max_pool2d(x, 2, 3).sum()

    compiled, x = mg.compile(pooled), mg.Tensor(rng.normal(size=(2, 2, 4, 4)))
    mg.manual_seed(1)
    expected = [pooled(x).item() for _ in range(3)]
    mg.manual_seed(1)
    assert [compiled(x).item() for _ in range(3)] == expected
    assert compiled.cache_info().hits == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [((), "give one of output_size and output_ratio"), ((3,), r"\(3, 3\) windows of \(2, 2\) do not fit")],
)
def test_windows_at_random_distances_that_cannot_be_are_refused(settings, says):
    with pytest.raises(ValueError, match=rf"^fractional_max_pool2d: .*{says}"):
        F.fractional_max_pool2d(IMAGE, 2, *settings)
