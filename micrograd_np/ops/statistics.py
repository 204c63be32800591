"""Spread and length: variance, standard deviation, norms; primitives, because each has an edge of its own at 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from micrograd_np.primitive import primitive

from .domains import NONZERO, REALS
from .elementwise import absolute, ratio
from .reduce import _EXAMPLES, count, max, mean, min, restore, sum  # noqa: A004
from .sums import added
from .transcendental import power

if TYPE_CHECKING:
    from .reduce import Axis

_SPREADS = (*_EXAMPLES, {"axis": 1, "ddof": 1})


@primitive("var {x}", domain=(REALS,), shape="(3,4)->()", examples=_SPREADS)
def var(xp: Any, out: Any, x: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Mean squared deviation from the mean along `axis`, with n − `ddof` as divisor: 0 as in NumPy (PyTorch: 1).

    nan where n ≤ ddof, as a mean of nothing is. In two passes, so that a large mean costs no digits.
    """
    n = count(x.shape, axis)
    with xp.errstate(all="ignore"):
        z = added(xp, ..., x, axis, keepdims=True)
        z = xp.subtract(x, xp.true_divide(z, n))
        z = xp.square(z, out=z)
        z = added(xp, out, z, axis, keepdims=keepdims)
        return xp.true_divide(z, n - ddof if n > ddof else 0, out=z)


def _deviation(x: Any, axis: Axis) -> Any:
    return x - mean(x, axis=axis, keepdims=True)


def _share(g: Any, x: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    """`g` over the divisor of a variance, ready to be spread over `x`."""
    return restore(g, x.shape, axis, keepdims) / (count(x.shape, axis) - ddof)


var.vjp(x=lambda g, z, x, axis, ddof, keepdims: _share(2 * g, x, axis, ddof, keepdims) * _deviation(x, axis))


@primitive("std {x}", domain=(REALS,), shape="(3,4)->()", examples=_SPREADS)
def std(xp: Any, out: Any, x: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Root of the variance along `axis`. The subgradient where all are equal is 0."""
    z = var.kernel(xp, out, x, axis=axis, ddof=ddof, keepdims=keepdims)
    return xp.sqrt(z, out=z)


std.vjp(
    x=lambda g, z, x, axis, ddof, keepdims: (
        _share(g, x, axis, ddof, keepdims) * ratio(_deviation(x, axis), restore(z, x.shape, axis, keepdims))
    )
)


@primitive("‖{x}‖", domain=(NONZERO,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceL2")
def euclidean_norm(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Root of the sum of squares along `axis`, without overflow or underflow on the way: the largest is divided out.

    The subgradient at 0 is 0, and that of derivatives of any order.
    """
    peak = xp.maximum.reduce(xp.absolute(x), axis=axis, keepdims=True, initial=0)
    usual = xp.logical_and(xp.greater(peak, 0), xp.isfinite(peak))
    peak = xp.where(usual, peak, 1).astype(x.dtype)
    z = xp.true_divide(x, peak)
    z = xp.square(z, out=z)
    z = added(xp, out, z, axis, keepdims=keepdims)
    z = xp.sqrt(z, out=z)
    return xp.multiply(z, xp.reshape(peak, z.shape), out=z)


euclidean_norm.vjp(
    x=lambda g, z, x, axis, keepdims: (
        restore(g, x.shape, axis, keepdims) * ratio(x, restore(z, x.shape, axis, keepdims))
    )
)


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """Length of the vectors along `axis` (of all elements together when it is None): (Σ |x|^ord)^(1/ord), 2 by default.

    `ord` is a positive number or ±inf. At 0 the subgradient is 0. Raises ValueError for another `ord`.

    >>> import numpy as np
    >>> norm(np.array([[3.0, 4.0], [6.0, 8.0]]), axis=1)
    array([ 5., 10.])
    """
    if ord is None or ord == 2:
        return euclidean_norm(x, axis=axis, keepdims=keepdims)
    if not isinstance(ord, (int, float)) or (ord <= 0 and ord != -float("inf")):
        message = f"norm: ord must be a positive number, inf or -inf, found {ord!r}."
        raise ValueError(message)
    if ord == 1:
        return sum(absolute(x), axis=axis, keepdims=keepdims)
    if ord == float("inf"):
        return max(absolute(x), axis=axis, keepdims=keepdims)
    if ord < 0:
        return min(absolute(x), axis=axis, keepdims=keepdims)
    largest = max(absolute(x), axis=axis, keepdims=True)
    scaled = power(absolute(ratio(x, largest)), ord)
    root = power(sum(scaled, axis=axis, keepdims=keepdims), 1 / ord)
    return root * (largest if keepdims else max(absolute(x), axis=axis))
