"""Variances, norms, averages and quantiles; reductions without nan, and nan as a number.

Variance, deviation and norm are primitives, because the derivative of each needs care at 0; the rest is composed.
"""

from collections.abc import Sequence
from math import floor, inf, nan
from typing import Any

import numpy as np

from micrograd_np.core.domains import NONZERO, REALS
from micrograd_np.core.errors import as_array
from micrograd_np.core.messages import caller, must_be, warn_of_unpacking
from micrograd_np.core.primitive import primitive
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.axes import axes_of, axis_of
from micrograd_np.ops.checks import check, weights_within
from micrograd_np.ops.choice import masked_zero, where
from micrograd_np.ops.comparison import equal, isnan, logical_not
from micrograd_np.ops.elementwise import absolute, add, divide, divide_or_zero, multiply, sign, subtract
from micrograd_np.ops.index import view
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import EXAMPLES, Axis, broadcastable, keepdims_shape, max, mean, min, reduced_size, sum  # noqa: A004
from micrograd_np.ops.routine import in_single, is_half
from micrograd_np.ops.shape import broadcast_to, reshape, stack
from micrograd_np.ops.state import astype, copy
from micrograd_np.ops.sums import sum_by_product
from micrograd_np.ops.transcendental import power

from .arrange import moveaxis
from .cumulative import prod
from .order import all, sort  # noqa: A004

_SPREADS = (*EXAMPLES, {"axis": 1, "ddof": 1})


@primitive("var {x}", domain=(REALS,), shape="(3,4)->()", examples=_SPREADS)
def var(xp: Any, out: Any, x: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Variance along `axis`, divided by n as in NumPy: PyTorch's ``var(x)`` is ``var(x, ddof=1)`` here.

    It is the mean squared deviation from the mean, with n − `ddof` as divisor;
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
    """Root of the variance, divided by n as in NumPy: PyTorch's ``std(x)`` is ``std(x, ddof=1)`` here.

    The subgradient where all are equal is 0.
    """
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


def ptp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest minus the smallest element along `axis`.

    >>> import micrograd_np as mg
    >>> mg.ptp(mg.Tensor([[1.0, 5.0], [2.0, 2.0]]), axis=1)
    Tensor([4., 0.])
    """
    return subtract(max(a, axis=axis, keepdims=keepdims), min(a, axis=axis, keepdims=keepdims))


def average(a: Any, axis: Axis = None, weights: Any = None, keepdims: bool = False) -> Any:
    """Σ w a / Σ w along `axis`; the mean without weights. They have the shape of `a`, or of its one axis `axis`.

    ValueError for weights of another shape.

    >>> import numpy as np
    >>> average(np.array([1.0, 4.0]), weights=np.array([2.0, 1.0]))
    array(2.)
    """
    if weights is None:
        return mean(a, axis=axis, keepdims=keepdims)
    a, w = as_operand(a), as_operand(weights)
    if w.shape != a.shape:
        if axis is None or isinstance(axis, tuple) or w.shape != (a.shape[at := axis_of(axis, a.ndim)],):
            message = f"average: a is {a.shape} and weights is {w.shape}; it must be that, or one axis of it, named."
            raise ValueError(message)
        w = broadcast_to(reshape(w, shape=(-1,) + (1,) * (a.ndim - 1 - at)), shape=tuple(a.shape))
    total = sum(w, axis=axis, keepdims=keepdims)
    check(weights_within, total, tuple(w.shape))
    return divide(sum(multiply(a, w), axis=axis, keepdims=keepdims), total)


def quantile(a: Any, q: float | Sequence[float], axis: Axis = None, keepdims: bool = False) -> Any:
    """The value below which a share `q` of the elements along `axis` lies, interpolated linearly between two elements.

    Several `q` give a new first axis. nan where an element is nan; ValueError unless 0 ≤ q ≤ 1.

    >>> import numpy as np
    >>> quantile(np.array([3.0, 1.0, 2.0]), 0.25)
    array(1.5)
    """
    x = as_operand(a)
    if x.dtype.kind != "f":
        x = astype(x, dtype=np.float64)  # as NumPy does; differences of narrow integers would wrap
    shares = as_array(q).astype(float)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"{caller()}: q must lie between 0 and 1, found {q}.")
    axes = tuple(range(x.ndim)) if axis is None else axes_of(axis, x.ndim)
    n = reduced_size(tuple(x.shape), axes)
    if not n:
        raise ValueError(f"{caller()}: x is {x.shape}; nothing has no quantile.")
    shape = (
        keepdims_shape(tuple(x.shape), axes) if keepdims else tuple(m for i, m in enumerate(x.shape) if i not in axes)
    )
    line = moveaxis(x, axes, tuple(range(x.ndim - len(axes), x.ndim)))
    line = sort(reshape(line, shape=(*line.shape[: x.ndim - len(axes)], n)))
    last = view(line, index=(..., -1))
    values = [reshape(where(isnan(last), last, _interpolated(line, (n - 1) * s)), shape=shape) for s in shares.ravel()]
    return stack(values) if shares.ndim else values[0]


def _interpolated(line: Any, position: float) -> Any:
    """The element at a position along the last axis, which may lie between two elements."""
    low = floor(position)
    below, part = view(line, index=(..., low)), float(position - low)
    return add(below, subtract(view(line, index=(..., low + 1)), below) * part) if part else below


def percentile(a: Any, q: float | Sequence[float], axis: Axis = None, keepdims: bool = False) -> Any:
    """`quantile` with `q` in hundredths. Shapes as there.

    >>> import micrograd_np as mg
    >>> mg.percentile(mg.Tensor([1.0, 2.0, 3.0, 4.0]), 50)
    Tensor(2.5)
    """
    return quantile(a, (as_array(q).astype(float) / 100).tolist(), axis, keepdims)


def median(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle element along `axis`; of two middle ones the mean, as in NumPy, not the lower one, as in PyTorch.

    These share the gradient. Values only: PyTorch's ``median(x, 1)`` also returns positions.

    >>> import numpy as np
    >>> median(np.array([4.0, 1.0, 2.0, 9.0]))
    array(3.)
    """
    if isinstance(a, np.ndarray):
        warn_of_unpacking(2)
    return quantile(a, 0.5, axis, keepdims)


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """`x` with nan and ±inf replaced by numbers, by default 0 and the largest finite ones. No gradient goes there.

    >>> import numpy as np
    >>> nan_to_num(np.array([1.0, np.nan, np.inf]), posinf=9.0)
    array([1., 0., 9.])
    """
    x = x if isinstance(x, Vertex) else as_array(x)
    if x.dtype.kind != "f":
        return copy(x)
    z = where(isnan(x), nan, x)
    z = where(equal(x, np.inf), float(np.finfo(x.dtype).max) if posinf is None else posinf, z)
    return where(equal(x, -np.inf), float(np.finfo(x.dtype).min) if neginf is None else neginf, z)


def nansum(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of the elements along `axis` that are not nan. No gradient goes to those that are.

    >>> import micrograd_np as mg
    >>> mg.nansum(mg.Tensor([1.0, float("nan"), 3.0]))
    Tensor(4.)
    """
    a = as_operand(a)
    return sum(masked_zero(a, isnan(a)), axis=axis, keepdims=keepdims)


def nanprod(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product of the elements along `axis` that are not nan.

    >>> import micrograd_np as mg
    >>> mg.nanprod(mg.Tensor([2.0, float("nan"), 3.0]))
    Tensor(6.)
    """
    a = as_operand(a)
    return prod(where(isnan(a), 1, a), axis=axis, keepdims=keepdims)


def nanmean(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the elements along `axis` that are not nan; nan where there are none.

    >>> import micrograd_np as mg
    >>> mg.nanmean(mg.Tensor([1.0, float("nan"), 3.0]))
    Tensor(2.)
    """
    a = as_operand(a)
    n = sum(logical_not(isnan(a)), axis=axis, keepdims=keepdims)
    return divide(nansum(a, axis, keepdims), astype(n, dtype=a.dtype) if a.dtype.kind == "f" else n)


def nanmax(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element along `axis` that is not nan; nan where there is none.

    >>> import micrograd_np as mg
    >>> mg.nanmax(mg.Tensor([1.0, float("nan"), 3.0]))
    Tensor(3.)
    """
    return _extreme(max, -inf, a, axis, keepdims)


def nanmin(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element along `axis` that is not nan; nan where there is none.

    >>> import micrograd_np as mg
    >>> mg.nanmin(mg.Tensor([1.0, float("nan"), 3.0]))
    Tensor(1.)
    """
    return _extreme(min, inf, a, axis, keepdims)


def _extreme(reduction: Any, neutral: float, a: Any, axis: Axis, keepdims: bool) -> Any:
    a = as_operand(a)
    if a.dtype.kind != "f":
        return reduction(a, axis=axis, keepdims=keepdims)
    empty = all(isnan(a), axis=axis, keepdims=keepdims)
    return where(empty, nan, reduction(where(isnan(a), neutral, a), axis=axis, keepdims=keepdims))
