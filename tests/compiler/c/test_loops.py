"""NumPy's inner loops, called from outside, give the bits of NumPy."""

import ctypes
import ctypes.util
import platform
import sys

import numpy as np
import pytest
from together import together

from micrograd_np.compiler.c import loops
from micrograd_np.compiler.c.loops import call_loop, find_loop

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="a ufunc has another structure here")

UNARY = [
    "absolute", "arctan", "ceil", "cos", "exp", "exp2", "expm1", "floor", "isfinite", "isinf", "isnan", "log",
    "log1p", "log2", "logical_not", "negative", "reciprocal", "rint", "sign", "sin", "sqrt", "square", "tan", "tanh",
    "trunc",
]  # fmt: skip
BINARY = [
    "add", "arctan2", "copysign", "divide", "equal", "floor_divide", "fmod", "greater", "greater_equal", "hypot",
    "less", "less_equal", "logaddexp", "logical_and", "logical_or", "maximum", "minimum", "multiply", "not_equal",
    "power", "remainder", "subtract",
]  # fmt: skip
each_dtype = pytest.mark.parametrize("kind", ["f", "d"], ids=["float32", "float64"])


def loop_of(ufunc, kind):
    """A loop and the dtype of what it computes."""
    signature = next(x for x in ufunc.types if x.split("->")[0] == kind * ufunc.nin)
    return find_loop(ufunc, signature), np.dtype(signature[-1])


def call(loop, *arrays):
    """Call a loop on arrays of one axis, the last of which is the result."""
    call_loop(loop, [x.ctypes.data for x in arrays], [len(arrays[-1])], [x.strides[0] for x in arrays])


def numbers(rng, n, kind):
    """Positive numbers of many sizes, with zeros of both signs, an infinity and a nan."""
    x = rng.lognormal(0, 3, n).astype(kind)
    x[rng.random(n) < 0.1] = 0.0
    x[rng.random(n) < 0.1] = -0.0
    x[rng.random(n) < 0.02] = np.inf
    x[rng.random(n) < 0.02] = np.nan
    return x


def strided(x, step):
    """The same numbers, apart from each other."""
    room = np.zeros(len(x) * step, x.dtype)
    room[::step] = x
    return room[::step]


@together
@each_dtype
@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_a_loop_gives_numpys_bits_whatever_it_is_cut_into(name, kind, rng):
    ufunc = getattr(np, name)
    loop, dtype = loop_of(ufunc, kind)
    assert loop is not None
    with np.errstate(all="ignore"):
        for n in (*range(1, 10), 15, 16, 17, 31, 33, 63, 65, 100, 1000):
            inputs = [numbers(rng, n, kind) for _ in range(ufunc.nin)]
            expected = ufunc(*inputs)
            result = np.empty(n, dtype)
            call(loop, *inputs, result)
            assert result.tobytes() == expected.tobytes()
            for i in range(0, n, 7):  # in blocks
                call(loop, *(x[i : i + 7] for x in inputs), result[i : i + 7])
            assert result.tobytes() == expected.tobytes()
            for step in (2, 3, 50):  # from operands that do not lie together
                call(loop, *(strided(x, step) for x in inputs), result)
                assert result.tobytes() == expected.tobytes()
            if dtype.char == kind:  # in place, and at another alignment
                moved = [np.concatenate([x[:1], x])[1:] for x in inputs]
                call(loop, *moved, moved[0])
                assert moved[0].tobytes() == expected.tobytes()


@together
@each_dtype
@pytest.mark.parametrize("name", BINARY)
def test_one_number_for_all_has_a_stride_of_zero(name, kind, rng):
    ufunc = getattr(np, name)
    loop, dtype = loop_of(ufunc, kind)
    x, result = numbers(rng, 100, kind), np.empty(100, dtype)
    with np.errstate(all="ignore"):
        for y in (x.dtype.type(0.7), x.dtype.type(-0.0), x.dtype.type(np.inf)):
            call(loop, x, np.broadcast_to(y, 100), result)
            assert result.tobytes() == ufunc(x, y).tobytes()
            call(loop, np.broadcast_to(y, 100), x, result)
            assert result.tobytes() == ufunc(y, x).tobytes()


@each_dtype
def test_the_loop_of_add_with_a_result_that_stays_is_the_pairwise_sum(kind, rng):
    loop, _ = loop_of(np.add, kind)
    for n in (*range(1, 140), 1000, 8191, 8192, 8193, 100_000):
        x = rng.standard_normal(n).astype(kind)
        total = np.full(1, -0.0, kind)
        call_loop(loop, [z := total.ctypes.data, x.ctypes.data, z], [n], [0, x.itemsize, 0])
        assert total[0].tobytes() == np.add.reduce(x).tobytes()


def test_only_what_is_certain_is_believed(monkeypatch):
    assert find_loop(np.exp, "ff->f") is None  # np.exp has no such loop
    assert find_loop(np.frexp, "f->fi") is None  # two results
    find_loop.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(loops, "call_loop", lambda *_: None)  # a loop that does nothing
        assert find_loop(np.add, "dd->d") is None
        assert find_loop(np.matmul, "dd->d") is None
    find_loop.cache_clear()
    assert find_loop(np.add, "dd->d") is not None
    find_loop.cache_clear()
    monkeypatch.setattr(sys.implementation, "name", "pypy")
    assert find_loop(np.add, "dd->d") is None
    find_loop.cache_clear()


@together
@each_dtype
@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "add", "multiply", "divide", "power", "square", "expm1"])
@pytest.mark.skipif(platform.system() != "Linux", reason="the flags are read through the C library of Linux")
def test_these_loops_leave_flags_that_were_raised_before(name, kind):
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    ufunc = getattr(np, name)
    loop, dtype = loop_of(ufunc, kind)
    inputs = [np.full(100, 0.5, kind) for _ in range(ufunc.nin)]
    overflow = 8 if platform.machine() in {"x86_64", "AMD64"} else 4
    library.feclearexcept(31)
    library.feraiseexcept(overflow)
    call(loop, *inputs, np.empty(100, dtype))
    left = library.fetestexcept(overflow)
    library.feclearexcept(31)
    assert left
