"""Many elements to one, along axes."""

from math import prod as product
from typing import Any

from micrograd_np.core.domains import DISTINCT, REALS
from micrograd_np.core.primitive import primitive

from .choice import masked_zero
from .comparison import greater, less
from .routine import in_single, is_half
from .shape import broadcast_to, reshape
from .sums import sum_by_product

Axis = int | tuple[int, ...] | None

EXAMPLES: tuple[dict[str, Any], ...] = ({}, {"axis": -1}, {"axis": (0, -1), "keepdims": True})


def keepdims_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """`shape` with length one along the reduced axes.

    >>> keepdims_shape((2, 3, 4), -1), keepdims_shape((2, 3), None)
    ((2, 3, 1), (1, 1))
    """
    if axis is None:
        return (1,) * len(shape)
    ndim = len(shape) or 1  # a number reduces along axis 0 or −1, too, as in NumPy
    axes = {a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def reduced_size(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements of an array of `shape` each result of a reduction is made of."""
    if axis is None:
        return product(shape)
    return product([n for n, left in zip(shape, keepdims_shape(shape, axis), strict=True) if left == 1])


def broadcastable(g: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """`g`, the gradient of a reduction over `shape`, so that it broadcasts: its reduced axes are back at length one."""
    return g if keepdims or axis is None else reshape(g, shape=keepdims_shape(shape, axis))


@primitive("Σ {x}", domain=(REALS,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceSum")
def sum(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum along `axis` (an int, a tuple, or None for all). The sum of nothing is 0."""
    return sum_by_product(xp, out, x, axis, keepdims=keepdims)


sum.vjp(x=lambda g, z, x, axis, keepdims: broadcast_to(broadcastable(g, x.shape, axis, keepdims), shape=x.shape))


@primitive("mean {x}", domain=(REALS,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceMean")
def mean(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Arithmetic mean along `axis`; the mean of nothing is nan."""
    if is_half(x):
        return in_single(mean.kernel, xp, out, x, axis=axis, keepdims=keepdims)
    z = sum_by_product(xp, out, x, axis, keepdims=keepdims)
    return xp.true_divide(z, reduced_size(x.shape, axis), out=z if z.dtype.kind == "f" else ...)


mean.vjp(
    x=lambda g, z, x, axis, keepdims: broadcast_to(
        broadcastable(g, x.shape, axis, keepdims) / reduced_size(x.shape, axis), shape=x.shape
    )
)


def _shared(g: Any, z: Any, x: Any, is_beaten: Any, axis: Axis, keepdims: bool) -> Any:
    """The gradient of an extreme value: the elements that equal it share it; where it is nan, all elements do."""
    losers = is_beaten(x, broadcastable(z, x.shape, axis, keepdims))
    winners = reduced_size(x.shape, axis) - sum(losers, axis=axis, keepdims=keepdims)
    share = broadcastable(g / winners.astype(x.dtype), x.shape, axis, keepdims)
    return masked_zero(broadcast_to(share, shape=x.shape), losers)


@primitive("max {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceMax", numpy=("amax",))
def max(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element along `axis`; ties share the gradient equally. ValueError for an empty axis."""
    return xp.maximum.reduce(x, axis=axis, keepdims=keepdims, out=out)


max.vjp(x=lambda g, z, x, axis, keepdims: _shared(g, z, x, less, axis, keepdims))


@primitive("min {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceMin", numpy=("amin",))
def min(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest element along `axis`; ties share the gradient equally. ValueError for an empty axis."""
    return xp.minimum.reduce(x, axis=axis, keepdims=keepdims, out=out)


min.vjp(x=lambda g, z, x, axis, keepdims: _shared(g, z, x, greater, axis, keepdims))
