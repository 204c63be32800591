"""Many elements to one, along axes."""

from __future__ import annotations

from math import inf
from math import prod as product
from typing import TYPE_CHECKING, Any

from micrograd_np.core.domains import DISTINCT, REALS
from micrograd_np.core.primitive import primitive

from .axes import axes_of
from .choice import zero_where
from .comparison import greater, less
from .cumulative import product_of_others
from .routine import floating, in_single, is_half
from .shape import broadcast_to, reshape, transpose
from .sums import sum_by_product
from .transcendental import exp

if TYPE_CHECKING:
    Axis = int | tuple[int, ...] | None

_EXAMPLES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": (0, -1), "keepdims": True})


def kept(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """`shape` with length one along the reduced axes.

    >>> kept((2, 3, 4), -1), kept((2, 3), None)
    ((2, 3, 1), (1, 1))
    """
    if axis is None:
        return (1,) * len(shape)
    ndim = len(shape) or 1  # a number reduces along axis 0 or −1, too, as in NumPy
    axes = {a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements each result is made of."""
    if axis is None:
        return product(shape)
    n = 1
    for whole, left in zip(shape, kept(shape, axis), strict=True):
        n *= whole if left == 1 else 1
    return n


def restore(g: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """`g`, as it arrives at a reduction over `shape`, broadcasting to that: reduced axes back at length one."""
    return g if keepdims or axis is None else reshape(g, shape=kept(shape, axis))


@primitive("Σ {x}", domain=(REALS,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceSum")
def sum(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum along `axis` (an int, a tuple, or None for all). The sum of nothing is 0."""
    return sum_by_product(xp, out, x, axis, keepdims=keepdims)


sum.vjp(x=lambda g, z, x, axis, keepdims: broadcast_to(restore(g, x.shape, axis, keepdims), shape=x.shape))


@primitive("mean {x}", domain=(REALS,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceMean")
def mean(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Arithmetic mean along `axis`; the mean of nothing is nan."""
    if is_half(x):
        return in_single(mean.kernel, xp, out, x, axis=axis, keepdims=keepdims)
    z = sum_by_product(xp, out, x, axis, keepdims=keepdims)
    return xp.true_divide(z, count(x.shape, axis), out=z if z.dtype.kind == "f" else ...)


mean.vjp(
    x=lambda g, z, x, axis, keepdims: broadcast_to(
        restore(g, x.shape, axis, keepdims) / count(x.shape, axis), shape=x.shape
    )
)


@primitive("{x} − mean {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=({"axis": 0}, {"axis": (0, -1)}))
def deviations(xp: Any, out: Any, x: Any, *, axis: Any) -> Any:
    """What is left of `x` without its mean along `axis`, by way of the differences to the first: of equal values 0.

    What divides by a spread needs that: the rounding of a plain mean would count as one.
    """
    if is_half(x):
        return in_single(deviations.kernel, xp, out, x, axis=axis)
    if not x.size:
        return xp.subtract(x, 0, out=out)
    first = x[tuple([slice(0, 1) if n == 1 else slice(None) for n in kept(x.shape, axis)])]
    z = xp.subtract(x, first, out=out)
    middle = sum_by_product(xp, ..., z, axis, keepdims=True)
    middle = xp.true_divide(middle, count(x.shape, axis), out=middle)
    return xp.subtract(z, middle, out=z)


deviations.vjp(x=lambda g, z, x, axis: deviations(g, axis=axis))


def _shared(g: Any, x: Any, losers: Any, axis: Axis, keepdims: bool) -> Any:
    """The gradient of an extreme value: those who attain it share it equally; all do where it is nan."""
    winners = count(x.shape, axis) - sum(losers, axis=axis, keepdims=keepdims)
    return zero_where(
        broadcast_to(restore(g / winners.astype(x.dtype), x.shape, axis, keepdims), shape=x.shape), losers
    )


@primitive("max {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceMax", numpy=("amax",))
def max(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element along `axis`; ties share the gradient equally. ValueError for an empty axis."""
    return xp.maximum.reduce(x, axis=axis, keepdims=keepdims, out=out)


max.vjp(x=lambda g, z, x, axis, keepdims: _shared(g, x, less(x, restore(z, x.shape, axis, keepdims)), axis, keepdims))


@primitive("min {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceMin", numpy=("amin",))
def min(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest element along `axis`; ties share the gradient equally. ValueError for an empty axis."""
    return xp.minimum.reduce(x, axis=axis, keepdims=keepdims, out=out)


min.vjp(
    x=lambda g, z, x, axis, keepdims: _shared(g, x, greater(x, restore(z, x.shape, axis, keepdims)), axis, keepdims)
)


@primitive("Π {x}", domain=(REALS,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceProd")
def prod(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product along `axis`. The product of nothing is 1. Derivatives of any order are exact where elements are 0."""
    return xp.multiply.reduce(x, axis=axis, keepdims=keepdims, out=out)


def _others(x: Any, axis: Axis) -> Any:
    """The product of the others, for axes of any number: those multiplied are laid out along one, the last."""
    if axis is None or not x.ndim:
        axis = tuple(range(x.ndim))
    if not isinstance(axis, tuple):
        return product_of_others(x, axis)
    axes = axes_of(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    moved = transpose(x, axes=order)
    lined = reshape(moved, shape=(*moved.shape[: x.ndim - len(axes)], count(x.shape, axes)))
    others = reshape(product_of_others(lined, -1), shape=moved.shape)
    return transpose(others, axes=tuple(order.index(i) for i in range(x.ndim)))


prod.vjp(x=lambda g, z, x, axis, keepdims: restore(g, x.shape, axis, keepdims) * _others(x, axis))


def _finite_peak(xp: Any, x: Any, axis: Axis) -> Any:
    """The largest element along `axis` where it is finite, else 0: what may be subtracted without making nan."""
    peak = xp.maximum.reduce(x, axis=axis, keepdims=True, initial=-inf)  # of nothing: −inf, so that Σ exp is 0
    return xp.where(xp.isfinite(peak), peak, 0)


def _something(xp: Any, total: Any) -> Any:
    """A sum of exponentials, or 1 where it is 0 because every entry is −inf: then nothing is divided by nothing."""
    return xp.add(total, xp.equal(total, 0), out=...)


@primitive(
    "softmax {x}", domain=(REALS,), shape="(3,4)->(3,4)", examples=({}, {"axis": 0}, {"axis": None}), onnx="Softmax"
)
def softmax(xp: Any, out: Any, x: Any, *, axis: Axis = -1) -> Any:
    """exp(x) / Σ exp(x) along `axis`, stable for any x. −inf entries get 0, also where all are −inf."""
    x = floating(xp, x)
    if is_half(x):
        return in_single(softmax.kernel, xp, out, x, axis=axis)
    with xp.errstate(over="ignore"):  # to −∞, which is as far as it matters
        z = xp.subtract(x, _finite_peak(xp, x, axis), out=out)
        z = xp.exp(z, out=z)
    return xp.true_divide(z, _something(xp, sum_by_product(xp, ..., z, axis, keepdims=True)), out=z)


softmax.vjp(x=lambda g, z, x, axis: (g - sum(g * z, axis=axis, keepdims=True)) * z)


@primitive("log Σ exp {x}", domain=(REALS,), shape="(3,4)->()", examples=_EXAMPLES, onnx="ReduceLogSumExp")
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


logsumexp.vjp(x=lambda g, z, x, axis, keepdims: restore(g, x.shape, axis, keepdims) * softmax(x, axis=axis))


@primitive(
    "log softmax {x}",
    domain=(REALS,),
    shape="(3,4)->(3,4)",
    examples=({}, {"axis": 0}, {"axis": None}),
    onnx="LogSoftmax",
)
def log_softmax(xp: Any, out: Any, x: Any, *, axis: Axis = -1) -> Any:
    """x − log Σ exp(x) along `axis`, stable for any x. −inf entries stay so, also where all are −inf."""
    x = floating(xp, x)
    with xp.errstate(over="ignore"):
        if is_half(x):
            return in_single(log_softmax.kernel, xp, out, x, axis=axis)
        z = xp.subtract(x, _finite_peak(xp, x, axis), out=out)
        total = _something(xp, sum_by_product(xp, ..., xp.exp(z), axis, keepdims=True))
    return xp.subtract(z, xp.log(total, out=total), out=z)


log_softmax.vjp(x=lambda g, z, x, axis: g - exp(z) * sum(g, axis=axis, keepdims=True))
