"""The loops of a reduction, walked through by hand with NumPy's inner loop, give the bits of NumPy."""

import itertools
import sys

import numpy as np
import pytest
from together import sparing

from micrograd_np.compiler.c.loops import call_loop, find_loop
from micrograd_np.compiler.c.reductions import Axis, loop_nest

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="a ufunc has another structure here")
each_dtype = pytest.mark.parametrize("kind", ["f", "d"], ids=["float32", "float64"])
each_ufunc = pytest.mark.parametrize(
    ("ufunc", "start"), [(np.add, -0.0), (np.multiply, 1.0), (np.maximum, None), (np.minimum, None)]
)


def walk(ufunc, x, axes, nest, out, start):
    """Reduce x into out as C does."""
    loop = find_loop(ufunc, f"{x.dtype.char * 2}->{x.dtype.char}")
    axes = range(x.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    first = tuple(0 if k in {a % x.ndim for a in axes} else slice(None) for k in range(x.ndim))
    out[...] = x[first] if start is None else start
    *around, inner = nest
    for place in itertools.product(*(range(axis.n) for axis in around)):
        z = out.ctypes.data + sum(i * axis.result for i, axis in zip(place, around, strict=True))
        y = x.ctypes.data + sum(i * axis.operand for i, axis in zip(place, around, strict=True))
        n = inner.n
        if start is None and not any(i for i, axis in zip(place, around, strict=True) if axis.result == 0):
            n, y = (0, y) if inner.result else (n - 1, y + inner.operand)  # the first element is there already
        if n:
            call_loop(loop, [z, y, z], [n], [inner.result, inner.operand, inner.result])
    return out


def agrees(ufunc, start, x, axes, **options):
    """Whether both give the same bits, into a result of NumPy's and into a C-contiguous one; None: NumPy's business."""
    expected = np.asarray(ufunc.reduce(x, axis=axes))
    nest = loop_nest(x.shape, x.strides, axes, x.itemsize)
    if nest is None:
        return None
    if walk(ufunc, x, axes, nest, np.empty_like(expected), start).tobytes() != expected.tobytes():
        return False
    out = np.empty(expected.shape, x.dtype)
    ufunc.reduce(x, axis=axes, out=out)
    nest = loop_nest(x.shape, x.strides, axes, x.itemsize, out.strides)
    return nest is None or walk(ufunc, x, axes, nest, np.empty_like(out), start).tobytes() == out.tobytes()


def shape_and_axes(rng):
    """Up to four axes, some of length 1, and some of them to reduce."""
    ndim = int(rng.integers(1, 5))
    lengths = [1, 2, 3, 5, 8, 17, 40, 130] if ndim > 1 else [1, 7, 100, 129, 8192, 9000, 100_000]
    shape = tuple(int(n) for n in rng.choice(lengths, ndim))
    axes = tuple(int(k) for k in rng.permutation(ndim)[: rng.integers(1, ndim + 1)])
    return shape, None if rng.random() < 0.2 else axes[0] - ndim if len(axes) == 1 else axes


@each_dtype
@each_ufunc
@pytest.mark.parametrize("seed", sparing(range(2), 2))
def test_reductions_of_whole_arrays_are_walked_as_numpy_walks(ufunc, start, kind, seed):
    rng = np.random.default_rng(seed)
    compared = 0
    while compared < 40:
        shape, axes = shape_and_axes(rng)
        if np.prod(shape) > 100_000:
            continue
        x = rng.standard_normal(shape).astype(kind)
        if ufunc is not np.add:  # where the order of zeros and nans shows
            x[rng.random(shape) < 0.5] *= 0
            x[rng.random(shape) < 0.001] = np.nan
        assert agrees(ufunc, start, x, axes)
        assert agrees(ufunc, start, x.transpose(rng.permutation(len(shape))), axes) is not False
        assert agrees(ufunc, start, np.asfortranarray(x), axes) is not False
        compared += 1


@each_dtype
@each_ufunc
def test_slices_are_walked_as_numpy_walks_or_left_to_numpy(ufunc, start, kind, rng):
    compared = left = 0
    while compared < 100:
        shape, axes = shape_and_axes(rng)
        if np.prod(shape) > 20_000:
            continue
        x = rng.standard_normal([n + 2 for n in shape]).astype(kind)
        x = x[tuple(slice(n) if rng.random() < 0.5 else slice(1, n + 1) for n in shape)]
        answer = agrees(ufunc, start, x.transpose(rng.permutation(len(shape))), axes)
        assert answer is not False
        compared, left = compared + (answer is True), left + (answer is None)
    assert left


def test_contiguous_arrays_are_summed_in_the_loops_that_are_documented():
    shape, strides = (4, 5, 6), (240, 48, 8)
    assert loop_nest(shape, strides, None, 8) == (Axis(120, 0, 8),)
    assert loop_nest(shape, strides, (1, 2), 8) == (Axis(4, 8, 240), Axis(30, 0, 8))
    assert loop_nest(shape, strides, -1, 8) == (Axis(20, 8, 48), Axis(6, 0, 8))
    assert loop_nest(shape, strides, 0, 8) == (Axis(4, 0, 240), Axis(30, 8, 8))
    assert loop_nest(shape, strides, (0, 1), 8) == (Axis(20, 0, 48), Axis(6, 8, 8))
    assert loop_nest(shape, strides, (0, 2), 8) == (Axis(4, 0, 240), Axis(5, 8, 48), Axis(6, 0, 8))
    assert loop_nest((1, 1), (8, 8), None, 8) == (Axis(1, 0, 8),)


def test_what_numpy_copies_and_what_is_empty_is_left_to_numpy():
    assert loop_nest((4, 3), (40, 8), None, 8) is None  # a slice of a matrix
    assert loop_nest((4, 0), (8, 8), 0, 8) is None
    assert loop_nest((4, 3), (24, 8), (), 8) is None


@each_dtype
def test_keeping_the_axes_changes_no_bit(kind, rng):
    x = rng.standard_normal((7, 130, 3)).astype(kind)
    for axes in (None, 0, 1, 2, (0, 1), (0, 2), (1, 2)):
        assert np.add.reduce(x, axis=axes).tobytes() == np.add.reduce(x, axis=axes, keepdims=True).tobytes()
