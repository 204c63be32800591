"""Products by the loop, or by the BLAS routine, that NumPy would run: the same bits, over shapes and strides."""

import itertools
import os
import platform
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from together import sparing

from micrograd_np.compiler.c.loops import call_loop, find_loop
from micrograd_np.compiler.c.products import Product, dot, matmul

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="a ufunc has another structure here")
each_dtype = pytest.mark.parametrize("kind", ["f", "d"], ids=["float32", "float64"])
SIMD = set(np.show_config("dicts")["SIMD Extensions"]["found"])
# sets of kernels in OpenBLAS, and what they need of a processor, by NumPy's names (of 2.4, and before)
NEEDS = {
    "Haswell": {"X86_V3", "AVX2"}, "SkylakeX": {"X86_V4", "AVX512_SKX"},
    "NEOVERSEN1": {"ASIMDDP"}, "NEOVERSEV1": {"SVE"},
}  # fmt: skip
CORES = [core for core, names in NEEDS.items() if names & SIMD]
LENGTHS = [1, 1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 32, 33, 64, 100]


class Layout(NamedTuple):
    """What is asked of an array."""

    shape: tuple
    strides: tuple


def same(x, y):
    """Whether two arrays have the same bits, but for those of a nan."""
    return x.tobytes() == y.tobytes() or (np.isnan(y).any() and np.array_equal(x, y, equal_nan=True))


def multiply(product, a, b, c):
    """Compute c as C does."""
    if isinstance(product, str):
        a, b, c = a.ravel(), b.ravel(), c.reshape(-1)
        w, x = (a[0], b) if a.size == 1 else (b[0], a)
        c[:] = w * x if product == "{0} * {1}" else w * x + 0 if w != 0 else 0
        return
    if "a" in product.copied:
        a = a.copy("C")
    if "b" in product.copied:
        b = b.copy("C")
    loop = find_loop(np.matmul, f"{a.dtype.char * 2}->{a.dtype.char}")
    counts = [1, product.m, product.k, product.n]
    strides = [0, 0, 0, *product.a, *product.b, *product.c]
    for place in itertools.product(*(range(n) for n, *_ in product.batch)):
        moved = [sum(i * axis[k] for i, axis in zip(place, product.batch, strict=True)) for k in (1, 2, 3)]
        at = [x.ctypes.data + step for x, step in zip((a, b, c), moved, strict=True)]
        call_loop(loop, at, counts, strides)


def matrix(rng, rows, columns, kind):
    """A matrix in C's order or Fortran's, or a slice of a larger one."""
    x = rng.standard_normal((2 * rows + 3, 2 * columns + 3)).astype(kind)
    x[rng.random(x.shape) < 0.05] = -0.0
    beside = np.s_[1 : rows + 1, 2 : columns + 2]
    spread = rng.integers(0, 7)
    if spread == 0:
        return x[beside]
    if spread == 1:
        return x.T.copy().T[beside]  # a slice of a matrix in Fortran's order
    if spread == 2:
        return x[: 2 * rows : 2, : 2 * columns : 2]
    if spread == 3:
        return x[beside][::-1]
    return np.asfortranarray(x[beside]) if spread == 4 else x[beside].copy()


def operands(rng, kind):
    """Two operands that can be multiplied: matrices, vectors, one-element ones, a matrix and its transposed."""
    m, k, n = (int(x) for x in rng.choice(LENGTHS, 3))
    a, b = matrix(rng, m, k, kind), matrix(rng, k, n, kind)
    if rng.random() < 0.05:
        a.flat[0], b[rng.random(b.shape) < 0.5] = np.inf, 0
    if rng.random() < 0.2:
        a = a[0]
    if rng.random() < 0.2:
        b = b[:, 0]
    return (a, a.T) if rng.random() < 0.05 else (a, b)


@each_dtype
@pytest.mark.parametrize("seed", sparing(range(4), 4))
def test_dot_as_numpy_does_it(kind, seed):
    rng = np.random.default_rng(seed)
    kinds = set()
    with np.errstate(all="ignore"):
        for _ in range(500):
            a, b = operands(rng, kind)
            product, expected = dot(a, b, a.itemsize), np.asarray(np.dot(a, b))
            kinds.add(product if isinstance(product, str) else "loop")
            result = np.full_like(expected, 9)
            multiply(product, a, b, result)
            assert same(result, expected), (product, a.shape, b.shape)
    assert len(kinds) == 3


@each_dtype
@pytest.mark.parametrize("seed", sparing(range(4), 4))
def test_matmul_as_numpy_does_it(kind, seed):
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        for _ in range(400):
            a, b = operands(rng, kind)
            if rng.random() < 0.3:  # batches, one of them perhaps broadcast
                n = int(rng.integers(1, 4))
                if a.ndim > 1:
                    a = np.stack([a] * n) if rng.random() < 0.7 else np.broadcast_to(a, (n, *a.shape))
                if b.ndim > 1 and rng.random() < 0.6:
                    b = np.stack([b, b][: int(rng.choice([1, 1 + (n == 2)]))])
            expected, result = outputs(rng, np.matmul(a, b).shape, kind)
            np.matmul(a, b, out=expected)
            product = matmul(a, b, result)
            multiply(product, a, b, result)
            assert same(result, expected), (product, a.shape, b.shape)


def outputs(rng, shape, kind):
    """Two arrays of equal layout: C-contiguous, transposed, or with gaps."""
    way = rng.random()
    if len(shape) > 1 and way < 0.3:
        shape = (*shape[:-2], shape[-1], shape[-2])
        return (np.full(shape, 9, kind).swapaxes(-1, -2) for _ in range(2))
    return (np.full((*shape, 2), 9, kind)[..., 0] if way < 0.5 else np.full(shape, 9, kind) for _ in range(2))


def test_products_are_of_the_kinds_that_are_documented():
    a, b, v, w = Layout((5, 3), (24, 8)), Layout((3, 4), (32, 8)), Layout((3,), (8,)), Layout((1,), (8,))
    assert dot(a, b, 8) == matmul(a, b, Layout((5, 4), (32, 8))) == Product(5, 3, 4, (24, 8), (32, 8), (32, 8))
    assert dot(a, v, 8)[:5] == (5, 3, 1, (24, 8), (8, 0))
    assert dot(v, b, 8)[:5] == (1, 3, 4, (0, 8), (32, 8))
    scaled = "{0} == 0 ? 0 : {0} * {1} + 0"
    assert dot(w, Layout((1, 4), (32, 8)), 8) == dot(Layout((4, 1), (8, 8)), w, 8) == scaled
    assert dot(w, w, 8) == "{0} * {1}"
    assert dot(Layout((5, 1), (8, 8)), Layout((1, 4), (32, 8)), 8)[:3] == (5, 1, 4)
    batch = matmul(Layout((2, 1, 5, 3), (120, 120, 24, 8)), b, Layout((2, 7, 5, 4), (1120, 160, 32, 8)))
    assert batch.batch == ((2, 120, 0, 1120), (7, 0, 0, 160))


def test_what_dot_copies_is_copied_to_c_order():
    b, v = Layout((3, 4), (32, 8)), Layout((3,), (8,))
    for strides in (
        (-24, 8),  # backwards
        (0, 8),  # broadcast
        (80, 16),  # every second column
        (8, 80),  # columns of a matrix in Fortran's order
    ):
        product = dot(Layout((5, 3), strides), b, 8)
        assert (product.copied, product.a, product.b) == ("a", (24, 8), (32, 8))
    part = Layout((5, 3), (80, 8))
    assert dot(part, b, 8)[3:7] == ((80, 8), (32, 8), (32, 8), "")  # gemm needs no copy
    assert dot(part, v, 8).copied == "a"  # gemv does
    assert dot(part, Layout((3, 5), (8, 80)), 8).copied == "b"  # and NumPy does not see that it is the same matrix
    assert dot(part, Layout((3,), (-8,)), 8).copied == "ab"


def test_what_has_no_elements_or_too_many_axes_is_left_to_numpy():
    for a in (Layout((0, 3), (24, 8)), Layout((2, 5, 3), (120, 24, 8)), Layout((), ())):
        assert dot(a, Layout((3, 4), (32, 8)), 8) is None


@each_dtype
def test_an_outer_product_is_the_plain_product_plus_zero(kind, rng):
    for m, n in ((2, 2), (7, 3), (64, 100)):
        a, b = (np.where(rng.random(k) < 0.2, -0.0, rng.standard_normal(k)).astype(kind) for k in (m, n))
        expected = a[:, None] * b[None] + 0
        assert np.dot(a[:, None], b[None]).tobytes() == expected.tobytes()
        assert np.matmul(a[:, None], b[None]).tobytes() == expected.tobytes()


@each_dtype
@pytest.mark.skipif(platform.machine() == "x86_64" and "Haswell" not in CORES, reason="without AVX2 it may")
def test_alignment_changes_no_bit_of_a_product(kind, rng):
    def moved(x, by):
        room = np.empty(x.size + 32, kind)
        result = room[by : by + x.size].reshape(x.shape)
        result[...] = x
        return result

    for m, k, n in rng.choice(LENGTHS, (40, 3)):
        a, b = rng.standard_normal((m, k)).astype(kind), rng.standard_normal((k, n)).astype(kind)
        for x, y in ((a, b), (a, b[:, 0].copy()), (a[0], b), (a[0], b[:, 0].copy())):
            expected = np.dot(x, y).tobytes()
            for by in (0, 1, 2, 3, 5):
                assert np.dot(moved(x, by), moved(y, 7 - by)).tobytes() == expected


@pytest.mark.thorough
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="this machine has one processor")
def test_the_loop_gives_the_bits_of_numpy_with_two_blas_threads_as_well():
    code = """
import numpy as np
from micrograd_np.compiler.c.loops import call_loop, find_loop
for kind in "fd":
    loop = find_loop(np.matmul, f"{kind}{kind}->{kind}")
    for m, k, n in ((128, 784, 256), (37, 501, 203), (1, 700, 900), (900, 700, 1), (1, 30000, 1)):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((m, k)).astype(kind), rng.standard_normal((k, n)).astype(kind)
        c = np.empty((m, n), kind)
        call_loop(loop, [x.ctypes.data for x in (a, b, c)], [1, m, k, n], [0, 0, 0, *a.strides, *b.strides, *c.strides])
        assert c.tobytes() == np.matmul(a, b).tobytes() == np.dot(a, b).tobytes(), (kind, m, k, n)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "2"})


@pytest.mark.thorough
@pytest.mark.parametrize("core", CORES)
def test_the_rules_hold_with_the_kernels_for_other_processors(core):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "as_numpy_does_it", __file__]
    subprocess.run(command, check=True, env={**os.environ, "OPENBLAS_CORETYPE": core}, stdout=subprocess.DEVNULL)
