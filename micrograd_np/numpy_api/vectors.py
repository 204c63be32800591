"""Products of vectors, of Kronecker, and of stacked vectors and matrices, under NumPy's names."""

from typing import Any

from micrograd_np.ops.axes import axis_of
from micrograd_np.ops.elementwise import multiply
from micrograd_np.ops.index import getitem
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.operand import as_operand, with_axes
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.shape import reshape

from .arrange import moveaxis, ravel


def vdot(a: Any, b: Any) -> Any:
    """Σ of products of all elements; both arrays are flattened."""
    return matmul(ravel(a), ravel(b))


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Σ of products along one axis, the others broadcasting: ``(…, n), (…, n) -> (…)``."""
    x1, x2 = with_axes(x1, 1, "x1"), with_axes(x2, 1, "x2")
    if x1.shape[axis_of(axis, x1.ndim)] != x2.shape[axis_of(axis, x2.ndim)]:
        message = f"vecdot: x1 is {tuple(x1.shape)} and x2 is {tuple(x2.shape)}; their vectors must be equally long."
        raise ValueError(message)
    return sum(multiply(x1, x2), axis=axis)


def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors: ``(…, m, n), (…, n) -> (…, m)``."""
    x1, x2 = with_axes(x1, 2, "x1"), with_axes(x2, 1, "x2")
    z = matmul(x1, reshape(x2, shape=(*x2.shape, 1)))
    return reshape(z, shape=z.shape[:-1])


def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices: ``(…, n), (…, n, m) -> (…, m)``."""
    x1, x2 = with_axes(x1, 1, "x1"), with_axes(x2, 2, "x2")
    z = matmul(reshape(x1, shape=(*x1.shape[:-1], 1, x1.shape[-1])), x2)
    return reshape(z, shape=(*z.shape[:-2], z.shape[-1]))


def kron(a: Any, b: Any) -> Any:
    """Kronecker product: a block of `b` times each element of `a`, ``(n, m), (k, l) -> (n k, m l)``, in any dimension.

    >>> import numpy as np
    >>> kron(np.array([1.0, 10.0]), np.array([1.0, 2.0]))
    array([ 1.,  2., 10., 20.])
    """
    a, b = as_operand(a), as_operand(b)
    d = max(a.ndim, b.ndim)
    of_a, of_b = ((1,) * (d - x.ndim) + tuple(x.shape) for x in (a, b))
    z = multiply(
        reshape(a, shape=tuple(m for n in of_a for m in (n, 1))),
        reshape(b, shape=tuple(m for n in of_b for m in (1, n))),
    )
    return reshape(z, shape=tuple(n * m for n, m in zip(of_a, of_b, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of length 3: ``(…, 3), (…, 3) -> (…, 3)``. ValueError for another length.

    The vectors lie along `axisa` of `a` and `axisb` of `b`, those of the result along its `axisc`; `axis` replaces all
    three.

    >>> import numpy as np
    >>> cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        message = f"cross: a is {a.shape} and b is {b.shape}, with their vectors last; vectors must have length 3."
        raise ValueError(message)
    next_, last = (..., [1, 2, 0]), (..., [2, 0, 1])
    z = multiply(getitem(a, next_), getitem(b, last)) - multiply(getitem(a, last), getitem(b, next_))
    return moveaxis(z, -1, axisc)
