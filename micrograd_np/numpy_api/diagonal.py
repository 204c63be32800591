"""Diagonals and triangles of matrices."""

from typing import Any

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import whole
from micrograd_np.ops.elementwise import zeros_like
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.routine import stored

_OFFSETS: tuple[dict[str, int], ...] = ({}, {"k": 1}, {"k": -1})


@primitive("diag {x}", domain=(REALS,), shape="(3,3)->(3)", view=True)
def diagonal(xp: Any, out: Any, x: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal `offset` places to the right in the matrices of two axes, as a new last axis: a read-only view."""
    return xp.diagonal(x, offset, axis1, axis2)


@primitive(
    "0 with diagonal {x}", domain=(REALS,), shape="(2)->(3,3)",
    examples=tuple({"shape": (3, 3), "offset": k, "axis1": 0, "axis2": 1} for k in (1, -1)),
)  # fmt: skip
def diag_embed(
    xp: Any, out: Any, x: Any, *, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    """Zeros of `shape` with `x` on a diagonal: the adjoint of `diagonal`."""
    z = xp.zeros(shape, dtype=x.dtype) if out is ... else zeros_like.kernel(xp, out, out)
    steps = np.arange(x.shape[-1])
    matrices = xp.moveaxis(z, (axis1, axis2), (-2, -1))
    matrices[..., steps + max(0, -offset), steps + max(0, offset)] = x
    return z


diagonal.vjp(x=lambda g, z, x, **static: diag_embed(g, shape=x.shape, **static))
diag_embed.vjp(x=lambda g, z, x, shape, **static: diagonal(g, **static))


def diag(x: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, (n,n) -> (n), or the matrix with a vector as its diagonal, (n) -> (n,n).

    `k` says how many places to the right. ValueError for any other number of axes.

    >>> diag(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    x = as_operand(x)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        message = f"diag: x is {x.shape}; it must be a vector or a matrix. Use diagonal(x, axis1=..., axis2=...)."
        raise ValueError(message)
    n = x.shape[0] + abs(whole(k, "k"))
    return diag_embed(x, shape=(n, n), offset=k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum along a diagonal.

    >>> trace(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array(5.)
    """
    return sum(diagonal(x, offset=offset, axis1=axis1, axis2=axis2), axis=-1)


@primitive("lower triangle of {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=_OFFSETS, onnx="Trilu")
def tril(xp: Any, out: Any, x: Any, *, k: int = 0) -> Any:
    """`x` with zeros above the diagonal `k` places to the right, in the last two axes."""
    return stored(xp, out, xp.tril(x, whole(k, "k")))


@primitive("upper triangle of {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=_OFFSETS, onnx="Trilu")
def triu(xp: Any, out: Any, x: Any, *, k: int = 0) -> Any:
    """`x` with zeros below the diagonal `k` places to the right, in the last two axes."""
    return stored(xp, out, xp.triu(x, whole(k, "k")))


tril.vjp(x=lambda g, z, x, k: tril(g, k=k))
triu.vjp(x=lambda g, z, x, k: triu(g, k=k))
