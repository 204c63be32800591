"""NumPy's own inner loops, read from the public C structure of a ufunc, so that C computes what NumPy computes.

A loop is `void loop(char **args, const intptr_t *counts, const intptr_t *strides, void *data)`. `find_loop` gives its
address only after a sample has shown that calling it gives the bits of the ufunc. What C may rely on, of float32 and
float64 and every set of SIMD instructions:

- An element's bits depend on its operands alone: not on n, its place, the alignment, or whether strides are 0, one
  element or more, so a call may be cut into blocks and written over an operand of equal address and strides.
- Not so for negative strides: exp, log1p, tan, ... then take another routine. np.fmax and np.fmin choose between zeros
  of both signs, and between NaNs, by place. Leave both to NumPy. Let the result of isnan, isinf, isfinite and signbit
  lie together: NumPy does not write all of it otherwise.
- The result may not overlap an operand in part: NumPy would copy first.
- add, subtract, multiply, divide, sqrt, square (x · x), reciprocal (1 / x), negative, absolute and comparisons are
  plain C. np.maximum takes its second operand where they are equal (0.0 and -0.0), and the first NaN, on x86:
  `prelude.h`. On ARM 0.0 is larger than -0.0, and C calls the loop.
- absolute, negative, sign, maximum, minimum, tanh, comparisons, logical_and, isnan and isfinite clear the flags of
  floating point, also those that were raised before: read them first.

`reductions` says how NumPy calls the loops of np.add and others to reduce, `products` how that of np.matmul.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import NamedTuple

import numpy as np

__all__ = ["Loop", "call_loop", "find_loop"]


class Loop(NamedTuple):
    """The address of an inner loop in C, and the pointer it takes last (0: NULL)."""

    address: int
    data: int


class _Structure(ctypes.Structure):
    """The beginning of PyUFuncObject, which NumPy's ABI fixes."""

    _fields_ = (
        ("head", ctypes.c_char * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


_PROTOTYPE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)


def call_loop(loop: Loop, addresses: list[int], counts: list[int], strides: list[int]) -> None:
    """One call of a loop: addresses of the operands, counts as the loop takes them, strides in bytes."""
    lists = [(ctypes.c_ssize_t * len(x))(*x) for x in (addresses, counts, strides)]
    _PROTOTYPE(loop.address)(*map(ctypes.addressof, lists), loop.data)


@functools.cache
def find_loop(ufunc: np.ufunc, signature: str) -> Loop | None:
    """The loop that a ufunc runs for a signature such as "ff->f"; None where that is not certain."""
    if sys.implementation.name != "cpython" or signature not in ufunc.types:
        return None
    read = _Structure.from_address(id(ufunc))
    if (read.nin, read.nout, read.nargs, read.ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None
    place, kinds = ufunc.types.index(signature), signature.replace("->", "")
    codes = read.types[place * ufunc.nargs : (place + 1) * ufunc.nargs]
    if read.name != ufunc.__name__.encode() or codes != bytes(np.dtype(kind).num for kind in kinds):
        return None
    loop = Loop(read.functions[place] or 0, (read.data[place] or 0) if read.data else 0)
    if not loop.address or not 1 <= ufunc.nin <= 2 or ufunc.nout != 1:
        return None
    with np.errstate(all="ignore"):
        same = _multiplies(loop, kinds) if ufunc is np.matmul else _computes(loop, ufunc, kinds)
    return loop if same else None


@functools.cache
def _sample(kind: str, n: int, seed: int) -> np.ndarray:
    """Numbers of both signs, small and large, with a zero among them."""
    numbers = np.random.default_rng(seed).standard_normal(n) * np.logspace(-3, 1, n)
    numbers[n // 2] = 0.0
    return numbers.astype(kind)


def _computes(loop: Loop, ufunc: np.ufunc, kinds: str) -> bool:
    """Whether the loop gives the bits of an elementwise ufunc: whole vectors, tails and strides, and its reduction."""
    for n, step in ((1, 1), (7, 1), (100, 1), (37, 2)):
        inputs = [_sample(kind, n * step, seed)[::step] for seed, kind in enumerate(kinds[:-1])]
        arrays = [*inputs, out := np.empty(n, kinds[-1])]
        call_loop(loop, [x.ctypes.data for x in arrays], [n], [x.strides[0] for x in arrays])
        if out.tobytes() != ufunc(*inputs).tobytes():
            return False
    if ufunc in {np.add, np.maximum, np.minimum} and len(set(kinds)) == 1:
        x = _sample(kinds[0], 300, 0)
        total = x[:1].copy()
        call_loop(loop, [z := total.ctypes.data, x[1:].ctypes.data, z], [299], [0, x.itemsize, 0])
        start = ufunc.reduce(x[1:], initial=x[0])
        return total.tobytes() == start.tobytes()
    return True


def _multiplies(loop: Loop, kinds: str) -> bool:
    """Whether the loop gives the bits of np.matmul: a general product, one with a vector, one of two vectors."""
    for m, k, n in ((5, 7, 3), (1, 9, 4), (6, 5, 1), (1, 8, 1), (4, 1, 3)):
        a, b = _sample(kinds[0], m * k, 0).reshape(m, k), _sample(kinds[1], k * n, 1).reshape(k, n)
        c = np.empty((m, n), kinds[2])
        call_loop(loop, [x.ctypes.data for x in (a, b, c)], [1, m, k, n], [0, 0, 0, *a.strides, *b.strides, *c.strides])
        if c.tobytes() != np.matmul(a, b).tobytes():
            return False
    return True
