"""Variance, standard deviation and norms: primitives, because the derivative of each needs care at 0."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.domains import NONZERO, REALS
from micrograd_np.core.messages import caller, must_be
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.choice import masked_zero, where
from micrograd_np.ops.comparison import equal
from micrograd_np.ops.elementwise import absolute, divide_or_zero, sign
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import EXAMPLES, broadcastable, max, mean, min, reduced_size, sum  # noqa: A004
from micrograd_np.ops.routine import in_single, is_half
from micrograd_np.ops.state import astype
from micrograd_np.ops.sums import sum_by_product
from micrograd_np.ops.transcendental import power

if TYPE_CHECKING:
    from micrograd_np.ops.reduce import Axis

_SPREADS = (*EXAMPLES, {"axis": 1, "ddof": 1})


@primitive("var {x}", domain=(REALS,), shape="(3,4)->()", examples=_SPREADS)
def var(xp: Any, out: Any, x: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Mean squared deviation from the mean along `axis`, with n − `ddof` as divisor: 0 as in NumPy (PyTorch: 1).

    nan where n ≤ ddof, as a mean of nothing is. In two passes, so that a large mean costs no digits.
    """
    if is_half(x):
        return in_single(var.kernel, xp, out, x, axis=axis, ddof=ddof, keepdims=keepdims)
    n = reduced_size(x.shape, axis)
    with xp.errstate(all="ignore"):
        z = sum_by_product(xp, ..., x, axis, keepdims=True)
        z = xp.subtract(x, xp.true_divide(z, n), out=...)
        z = xp.square(z, out=z)
        z = sum_by_product(xp, out, z, axis, keepdims=keepdims)
        return xp.true_divide(z, _divisor(n, ddof), out=z)


def _divisor(n: int, ddof: float) -> float:
    return n - ddof if n > ddof else nan


def _deviation(x: Any, axis: Axis) -> Any:
    return x - mean(x, axis=axis, keepdims=True)


def _share(g: Any, x: Any, axis: Axis, ddof: int, keepdims: bool) -> Any:
    """`g` over the divisor of a variance, so that it broadcasts to `x`."""
    return broadcastable(g, x.shape, axis, keepdims) / _divisor(reduced_size(x.shape, axis), ddof)


var.vjp(x=lambda g, z, x, axis, ddof, keepdims: _share(2 * g, x, axis, ddof, keepdims) * _deviation(x, axis))


@primitive("std {x}", domain=(REALS,), shape="(3,4)->()", examples=_SPREADS)
def std(xp: Any, out: Any, x: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Root of the variance along `axis`. The subgradient where all are equal is 0."""
    if is_half(x):
        return in_single(std.kernel, xp, out, x, axis=axis, ddof=ddof, keepdims=keepdims)
    z = var.kernel(xp, out, x, axis=axis, ddof=ddof, keepdims=keepdims)
    return xp.sqrt(z, out=z)


std.vjp(
    x=lambda g, z, x, axis, ddof, keepdims: (
        _share(g, x, axis, ddof, keepdims)
        * divide_or_zero(_deviation(x, axis), broadcastable(z, x.shape, axis, keepdims))
    )
)


@primitive("‖{x}‖", domain=(NONZERO,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceL2")
def euclidean_norm(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Root of the sum of squares along `axis`, divided by the largest on the way, so that nothing over- or underflows.

    The subgradient at 0 is 0, and that of derivatives of any order.
    """
    if is_half(x):
        return in_single(euclidean_norm.kernel, xp, out, x, axis=axis, keepdims=keepdims)
    peak = xp.maximum.reduce(xp.absolute(x), axis=axis, keepdims=True, initial=0)
    divides = xp.logical_and(xp.greater(peak, 0), xp.isfinite(peak))
    peak = xp.where(divides, peak, 1).astype(x.dtype)
    z = xp.true_divide(x, peak, out=...)
    z = xp.square(z, out=z)
    z = sum_by_product(xp, out, z, axis, keepdims=keepdims)
    z = xp.sqrt(z, out=z)
    return xp.multiply(z, xp.reshape(peak, z.shape), out=z)


euclidean_norm.vjp(
    x=lambda g, z, x, axis, keepdims: (
        broadcastable(g, x.shape, axis, keepdims) * divide_or_zero(x, broadcastable(z, x.shape, axis, keepdims))
    )
)


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """Length of the vectors along `axis` (of all elements together when it is None): (Σ |x|^ord)^(1/ord), 2 by default.

    `ord` is a number, ±inf, or 0, which counts the elements that are not 0. Where an element is 0 its subgradient is 0,
    and so is a norm of negative order. Without elements the norm is 0, or a ValueError where the order is negative, as
    for another `ord`.

    >>> import numpy as np
    >>> norm(np.array([[3.0, 4.0], [6.0, 8.0]]), axis=1)
    array([ 5., 10.])
    """
    x = as_operand(x)
    if x.dtype.kind != "f":
        x = astype(x, dtype=np.float64)
    if ord is None or ord == 2:
        return euclidean_norm(x, axis=axis, keepdims=keepdims)
    if not isinstance(ord, (int, float, np.integer, np.floating)) or ord != ord:  # noqa: PLR0124  nan
        raise ValueError(must_be(caller(), "ord", "a number, inf or -inf", f"{ord!r}"))
    if ord == 0:
        return sum(absolute(sign(x)), axis=axis, keepdims=keepdims)
    nothing = not reduced_size(tuple(x.shape), axis)
    if nothing and ord < 0:
        raise ValueError(f"{caller()}: x is {tuple(x.shape)}, and of nothing there is no norm of the order {ord}.")
    if ord == 1 or nothing:
        return sum(absolute(x), axis=axis, keepdims=keepdims)
    extreme = max if ord > 0 else min  # which is divided out, so that no power overflows
    if abs(ord) == inf:
        return extreme(absolute(x), axis=axis, keepdims=keepdims)
    scaled = absolute(divide_or_zero(x, extreme(absolute(x), axis=axis, keepdims=True)))
    zero = equal(scaled, 0)  # where a power below 1 has no slope
    total = sum(masked_zero(power(where(zero, 1, scaled), ord), zero), axis=axis, keepdims=keepdims)
    none = equal(total, 0)
    root = masked_zero(power(where(none, 1, total), 1 / ord), none)
    return root * extreme(absolute(x), axis=axis, keepdims=keepdims)
