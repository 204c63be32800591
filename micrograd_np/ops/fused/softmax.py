"""Softmax, its logarithm and the logarithm of its divisor, stable for any x: the largest one is subtracted first.

And the mask of causal attention, which takes a softmax of its scores.
"""

from math import inf
from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.reduce import EXAMPLES, Axis, broadcastable, sum  # noqa: A004
from micrograd_np.ops.routine import floating, in_single, is_half
from micrograd_np.ops.sums import sum_by_product
from micrograd_np.ops.transcendental import exp

_AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": None})


def _finite_peak(xp: Any, x: Any, axis: Axis) -> Any:
    """The largest element along `axis` where it is finite, else 0: to subtract it makes no nan."""
    peak = xp.maximum.reduce(x, axis=axis, keepdims=True, initial=-inf)  # of nothing: −inf, so that Σ exp is 0
    return xp.where(xp.isfinite(peak), peak, 0)


def _divisor(xp: Any, total: Any) -> Any:
    """A sum of exponentials, or 1 where it is 0 because every entry is −inf: a divisor that makes no nan."""
    return xp.add(total, xp.equal(total, 0), out=...)


@primitive("softmax {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=_AXES, onnx="Softmax")
def softmax(xp: Any, out: Any, x: Any, *, axis: Axis = -1) -> Any:
    """exp(x) / Σ exp(x) along `axis`, stable for any x. −inf entries get 0, also where all are −inf."""
    x = floating(xp, x)
    if is_half(x):
        return in_single(softmax.kernel, xp, out, x, axis=axis)
    with xp.errstate(over="ignore"):  # to −∞, which is as far as it matters
        z = xp.subtract(x, _finite_peak(xp, x, axis), out=out)
        z = xp.exp(z, out=z)
    return xp.true_divide(z, _divisor(xp, sum_by_product(xp, ..., z, axis, keepdims=True)), out=z)


softmax.vjp(x=lambda g, z, x, axis: (g - sum(g * z, axis=axis, keepdims=True)) * z)


@primitive("log Σ exp {x}", domain=(REALS,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceLogSumExp")
def logsumexp(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) along `axis`, stable for any x: the largest is subtracted first. −inf entries contribute 0."""
    x = floating(xp, x)
    if is_half(x):
        return in_single(logsumexp.kernel, xp, out, x, axis=axis, keepdims=keepdims)
    peak = _finite_peak(xp, x, axis)
    with xp.errstate(over="ignore", divide="ignore"):
        z = xp.subtract(x, peak, out=...)
        z = xp.exp(z, out=z)
        z = sum_by_product(xp, out, z, axis, keepdims=keepdims)
        z = xp.log(z, out=z)
    return xp.add(z, xp.reshape(peak, z.shape), out=z)


logsumexp.vjp(x=lambda g, z, x, axis, keepdims: broadcastable(g, x.shape, axis, keepdims) * softmax(x, axis=axis))


@primitive("log softmax {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=_AXES, onnx="LogSoftmax")
def log_softmax(xp: Any, out: Any, x: Any, *, axis: Axis = -1) -> Any:
    """x − log Σ exp(x) along `axis`, stable for any x. −inf entries stay so, also where all are −inf."""
    x = floating(xp, x)
    with xp.errstate(over="ignore"):
        if is_half(x):
            return in_single(log_softmax.kernel, xp, out, x, axis=axis)
        z = xp.subtract(x, _finite_peak(xp, x, axis), out=out)
        total = _divisor(xp, sum_by_product(xp, ..., xp.exp(z), axis, keepdims=True))
    return xp.subtract(z, xp.log(total, out=total), out=z)


log_softmax.vjp(x=lambda g, z, x, axis: g - exp(z) * sum(g, axis=axis, keepdims=True))


@primitive("column ≤ row, as {x}", domain=(REALS,), shape="(3,4)->(3,4)", not_differentiable=("x",))
def causal_mask(xp: Any, out: Any, x: Any) -> Any:
    """True where the column is at most the row, in the shape of the last two axes: each may attend to earlier ones."""
    rows, columns = x.shape[-2:]
    return xp.greater_equal(xp.reshape(xp.arange(rows), (rows, 1)), xp.arange(columns), out=out)
