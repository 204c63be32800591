"""Averages, medians and quantiles, composed of sums and sorting; reductions without nan, and nan as a number."""

from collections.abc import Sequence
from math import floor, inf, nan
from typing import Any

import numpy as np

from micrograd_np.core.messages import caller
from micrograd_np.core.primitive import as_array
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.axes import axes_of, axis_of
from micrograd_np.ops.checks import check, weights_within
from micrograd_np.ops.choice import masked_zero, where
from micrograd_np.ops.comparison import equal, isnan, logical_not
from micrograd_np.ops.elementwise import add, divide, multiply, subtract
from micrograd_np.ops.index import view
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import Axis, keepdims_shape, max, mean, min, reduced_size, sum  # noqa: A004
from micrograd_np.ops.shape import broadcast_to, reshape, stack
from micrograd_np.ops.state import astype, copy

from .arrange import moveaxis
from .cumulative import prod
from .order import all, sort  # noqa: A004


def ptp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest minus the smallest element along `axis`."""
    return subtract(max(a, axis=axis, keepdims=keepdims), min(a, axis=axis, keepdims=keepdims))


def average(a: Any, axis: Axis = None, weights: Any = None, keepdims: bool = False) -> Any:
    """Σ w a / Σ w along `axis`; the mean without weights. They have the shape of `a`, or of its one axis `axis`.

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
    """`quantile` with `q` in hundredths."""
    return quantile(a, (as_array(q).astype(float) / 100).tolist(), axis, keepdims)


def median(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The middle element along `axis`, or the mean of the two middle ones, which share the gradient.

    >>> import numpy as np
    >>> median(np.array([4.0, 1.0, 2.0, 9.0]))
    array(3.)
    """
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
    """The sum of the elements along `axis` that are not nan. No gradient goes to those that are."""
    a = as_operand(a)
    return sum(masked_zero(a, isnan(a)), axis=axis, keepdims=keepdims)


def nanprod(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product of the elements along `axis` that are not nan."""
    a = as_operand(a)
    return prod(where(isnan(a), 1, a), axis=axis, keepdims=keepdims)


def nanmean(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of the elements along `axis` that are not nan; nan where there are none."""
    a = as_operand(a)
    n = sum(logical_not(isnan(a)), axis=axis, keepdims=keepdims)
    return divide(nansum(a, axis, keepdims), astype(n, dtype=a.dtype) if a.dtype.kind == "f" else n)


def nanmax(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element along `axis` that is not nan; nan where there is none."""
    return _extreme(max, -inf, a, axis, keepdims)


def nanmin(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element along `axis` that is not nan; nan where there is none."""
    return _extreme(min, inf, a, axis, keepdims)


def _extreme(reduction: Any, neutral: float, a: Any, axis: Axis, keepdims: bool) -> Any:
    a = as_operand(a)
    if a.dtype.kind != "f":
        return reduction(a, axis=axis, keepdims=keepdims)
    empty = all(isnan(a), axis=axis, keepdims=keepdims)
    return where(empty, nan, reduction(where(isnan(a), neutral, a), axis=axis, keepdims=keepdims))
