"""Which code NumPy runs for a product of matrices, so that C runs the same and gets the same bits.

np.matmul's inner loop (`find_loop(np.matmul, "ff->f")`) multiplies (m, k) by (k, n) of any strides and chooses the BLAS
routine itself, so that what `matmul` returns is exact with every BLAS: OpenBLAS, Accelerate, MKL, none. np.dot has
rules of its own; where `dot` returns a product, np.dot runs what np.matmul's loop would run:

- matrix · matrix: gemm, or syrk if the second is the first transposed (both compare addresses); matrix · vector and
  vector · matrix: gemv; vector · vector: dot. For np.dot (n, 1) and (1, n) are vectors.
- np.dot first copies a matrix that is neither C- nor F-contiguous, and what has negative or zero strides, to C's order:
  so does C (`copied`), since transposition changes gemm's bits on some processors, and the leading dimension gemv's.
  Only gemm of a matrix whose rows are contiguous needs no copy for NumPy's bits.
- k = 1 (and m, n > 1): each element is a[i] · b[j] + 0, by gemm or by plain C. The 0 makes -0 a 0.
- one element · vector: np.dot runs axpy, which gives 0 where the element w is 0, whatever x is: w == 0 ? 0 : w·x + 0.
  One element · one element is a plain product. `dot` returns these as text; np.matmul knows neither.

Wanted: operands and result of one dtype, float32 or float64, aligned; the result overlaps no operand. np.dot's result
is C-contiguous; np.matmul's may have any strides, and its bits depend on them. np.vdot is `dot` of both operands
flattened. Alignment changes no bits (but on processors without AVX2), and addresses only choose syrk. The number of
BLAS threads does change bits: compare only what ran with the same number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Product", "dot", "matmul"]


class _Matrix(NamedTuple):
    """A layout of two axes: shape, and strides in bytes."""

    shape: tuple[int, int]
    strides: tuple[int, int]


class Product(NamedTuple):
    """c = a · b by np.matmul's loop; strides are in bytes."""

    m: int
    k: int
    n: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: tuple[int, int]
    copied: str = ""
    """Which of "a" and "b" to copy to C's order first; the strides are then those of the copy."""
    batch: tuple[tuple[int, int, int, int], ...] = ()
    """Loops around the product, outermost first: how often, and by how many bytes a, b and c move."""


def matmul(a: Any, b: Any, c: Any) -> Product:
    """What np.matmul(a, b, out=c) runs, for arrays or whatever else has their shapes and strides."""
    rows, columns = len(a.shape) > 1, len(b.shape) > 1
    a_, b_ = _matrix(a, column=False), _matrix(b, column=True)
    c_strides = list(c.strides[len(c.strides) - rows - columns :])
    c_ = (c_strides.pop(0) if rows else 0, c_strides.pop(0) if columns else 0)
    outer = c.shape[: len(c.shape) - rows - columns]
    steps = [_broadcast(x, outer, ends) for x, ends in ((a, 1 + rows), (b, 1 + columns), (c, rows + columns))]
    return Product(*a_.shape, b_.shape[1], a_.strides, b_.strides, c_, "", tuple(zip(outer, *steps, strict=True)))


def dot(a: Any, b: Any, itemsize: int) -> Product | str | None:
    """What np.dot(a, b) runs, its result being C-contiguous; None: leave it to NumPy.

    Of one element, which is {0}, and each {1} of the other operand it is an expression of C.
    """
    if any(len(x.shape) not in {1, 2} or 0 in x.shape for x in (a, b)):
        return None
    a_, b_ = _matrix(a, column=False), _matrix(b, column=True)
    (m, k), n = a_.shape, b_.shape[1]
    if k == 1 and 1 in {m, n}:
        return "{0} * {1}" if m == n else "{0} == 0 ? 0 : {0} * {1} + 0"
    copied = "".join(
        name
        for name, x, matrix in (("a", a, a_), ("b", b, b_))
        if not _plain(x, itemsize)
        or (1 not in matrix.shape and not _read_in_place(matrix, itemsize, by_rows=1 not in {m, n}))
    )
    a_strides = (k * itemsize, itemsize) if "a" in copied else a_.strides
    b_strides = (n * itemsize, itemsize) if "b" in copied else b_.strides
    return Product(m, k, n, a_strides, b_strides, (n * itemsize, itemsize), copied)


def _matrix(x: Any, *, column: bool) -> _Matrix:
    """The last two axes; a vector is one row, or one column."""
    if len(x.shape) > 1:
        return _Matrix(x.shape[-2:], x.strides[-2:])
    (n,), (s,) = x.shape, x.strides
    return _Matrix((n, 1), (s, 0)) if column else _Matrix((1, n), (0, s))


def _broadcast(x: Any, outer: tuple[int, ...], ends: int) -> list[int]:
    """The strides of x along the axes of a batch."""
    own = len(x.shape) - ends
    return [0] * (len(outer) - own) + [0 if n == 1 else s for n, s in zip(x.shape[:own], x.strides[:own], strict=True)]


def _plain(x: Any, itemsize: int) -> bool:
    """Whether np.dot uses the array as it is: no stride is negative, or 0, or between two elements."""
    return all(s >= 0 and s % itemsize == 0 and (s or n == 1) for n, s in zip(x.shape, x.strides, strict=True))


def _read_in_place(x: _Matrix, itemsize: int, *, by_rows: bool) -> bool:
    """Whether np.dot does not copy a matrix of at least (2, 2); or copies it, but rows that lie anywhere do as well."""
    (m, n), (s, t) = x
    return (s, t) in {(n * itemsize, itemsize), (itemsize, m * itemsize)} or (by_rows and t == itemsize)
