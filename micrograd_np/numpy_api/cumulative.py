"""Running sums and products, differences, products, and the linear recurrence that their derivatives need."""

from typing import Any

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import along, axes_of, axis_of, whole
from micrograd_np.ops.comparison import not_equal
from micrograd_np.ops.elementwise import subtract, zeros_like
from micrograd_np.ops.index import scatter_slice, view
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import EXAMPLES, Axis, broadcastable, reduced_size
from micrograd_np.ops.routine import stored
from micrograd_np.ops.shape import concatenate, reshape, transpose

_ONE_AXIS: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": -1})


def flip_axis(x: Any, axis: int) -> Any:
    """`x` in reverse order along one axis."""
    return view(x, index=along(axis_of(axis, x.ndim), slice(None, None, -1)))


def _line(xp: Any, x: Any, axis: int | None) -> tuple[Any, int]:
    """`x` and the axis to run along; without an axis `x` is flattened, as in NumPy."""
    if x.ndim and axis is not None:
        return x, whole(axis, "axis")
    return xp.reshape(x, (-1,)), axis_of(axis or 0, 1)


@primitive(
    "running Σ {x}", domain=(REALS,), shape="(3,4)->(12)", examples=_ONE_AXIS, onnx="CumSum", numpy=("cumulative_sum",)
)
def cumsum(xp: Any, out: Any, x: Any, *, axis: int | None = None) -> Any:
    """The sum of each element and all before it along `axis`; of `x` flattened when it is None."""
    x, axis = _line(xp, x, axis)
    return xp.add.accumulate(x, axis, out=None if out is ... else out)


cumsum.vjp(
    x=lambda g, z, x, axis: (
        flip_axis(cumsum(flip_axis(g, axis), axis=axis), axis)
        if axis is not None and x.ndim
        else reshape(flip_axis(cumsum(flip_axis(g, 0)), 0), shape=x.shape)
    )
)


@primitive("running Π {x}", domain=(REALS,), shape="(3,4)->(12)", examples=_ONE_AXIS, numpy=("cumulative_prod",))
def cumprod(xp: Any, out: Any, x: Any, *, axis: int | None = None) -> Any:
    """The product of each element and all before it along `axis`; of `x` flattened when it is None.

    Exact where elements are 0, in derivatives of any order: nothing is divided.
    """
    x, axis = _line(xp, x, axis)
    return xp.multiply.accumulate(x, axis, out=None if out is ... else out)


def _cumprod_vjp(g: Any, z: Any, x: Any, axis: int | None) -> Any:
    """∂z_j/∂x_i = Π_{k<i} x_k · Π_{i<k≤j} x_k: the product before i, times a recurrence over g from the end."""
    if axis is None or not x.ndim:
        return reshape(_cumprod_vjp(g, z, reshape(x, shape=(-1,)), 0), shape=x.shape)
    after = recurrence(_shifted(x, axis, back=True), g, axis=axis, reverse=True)
    return _after_one(z, axis) * after


cumprod.vjp(x=_cumprod_vjp)


@primitive(
    "running {y} + {x} · the last", domain=(REALS, REALS), shape="(3,4),(3,4)->(3,4)",
    examples=({}, {"axis": 0, "reverse": True}),
)  # fmt: skip
def recurrence(xp: Any, out: Any, x: Any, y: Any, *, axis: int = -1, reverse: bool = False) -> Any:
    """z_i = y_i + x_i · z_{i−1} along `axis`, starting from 0; from the end with `reverse`. Shapes must be equal.

    It takes ⌈log₂ n⌉ rounds over whole arrays; each round doubles the length of the runs that are complete.
    Source: Hillis and Steele (1986), "Data parallel algorithms".
    """
    order = along(axis_of(axis, x.ndim), slice(None, None, -1 if reverse else 1))
    a, z = xp.array(x[order]), xp.array(y[order])
    d, n = 1, x.shape[axis]
    while d < n:
        here, there = (*order[:-1], slice(d, None)), (*order[:-1], slice(None, -d))
        step = xp.multiply(a[here], z[there])
        xp.add(z[here], step, out=z[here])
        step = xp.multiply(a[here], a[there])
        xp.copyto(a[here], step)
        d *= 2
    return stored(xp, out, z[order])


def _by_y(g: Any, x: Any, axis: int, reverse: bool) -> Any:
    return recurrence(_shifted(x, axis, back=not reverse), g, axis=axis, reverse=not reverse)


recurrence.vjp(
    x=lambda g, z, x, y, axis, reverse: _by_y(g, x, axis, reverse) * _shifted(z, axis, back=reverse),
    y=lambda g, z, x, y, axis, reverse: _by_y(g, x, axis, reverse),
)


def _part(x: Any, axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return along(axis_of(axis, x.ndim), slice(start, stop))


def _shifted(x: Any, axis: int, *, back: bool) -> Any:
    """Each element one position further along `axis`, or one back; 0 fills the gap, the element at the end is lost."""
    first, last = _part(x, axis, 1, None), _part(x, axis, None, -1)
    source, target = (first, last) if back else (last, first)
    return scatter_slice(view(x, index=source), index=target, shape=x.shape)


def _after_one(x: Any, axis: int) -> Any:
    """Each element one position further along `axis`, after a 1; the last is lost."""
    one = zeros_like(view(x, index=_part(x, axis, None, 1))) + 1
    return concatenate(one, view(x, index=_part(x, axis, None, -1)), axis=axis)


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along `axis`, `n` times over: one shorter each time. Undoes `cumsum`.

    Of booleans: whether they differ.

    >>> import numpy as np
    >>> diff(np.array([1.0, 2.0, 4.0, 7.0])), diff(np.array([1.0, 2.0, 4.0, 7.0]), n=2)
    (array([1., 2., 3.]), array([1., 1.]))
    """
    x = as_operand(x)
    axis = axis_of(axis, x.ndim)
    differ = not_equal if x.dtype == np.bool_ else subtract
    for _ in range(whole(n, "n", least=0)):
        x = differ(view(x, index=_part(x, axis, 1, None)), view(x, index=_part(x, axis, None, -1)))
    return x


def _product_of_others(x: Any, axis: int) -> Any:
    """For each element the product of those before times the product of those after it along `axis`."""
    before = _after_one(cumprod(x, axis=axis), axis)
    after = flip_axis(_after_one(cumprod(flip_axis(x, axis), axis=axis), axis), axis)
    return before * after


@primitive("Π {x}", domain=(REALS,), shape="(3,4)->()", examples=EXAMPLES, onnx="ReduceProd")
def prod(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product along `axis`. The product of nothing is 1. Derivatives of any order are exact where elements are 0."""
    return xp.multiply.reduce(x, axis=axis, keepdims=keepdims, out=out)


def _others(x: Any, axis: Axis) -> Any:
    """For each element the product of the others along `axis`; several axes are first laid out along one, the last."""
    if axis is None or not x.ndim:
        axis = tuple(range(x.ndim))
    if not isinstance(axis, tuple):
        return _product_of_others(x, axis)
    axes = axes_of(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    moved = transpose(x, axes=order)
    lined = reshape(moved, shape=(*moved.shape[: x.ndim - len(axes)], reduced_size(x.shape, axes)))
    others = reshape(_product_of_others(lined, -1), shape=moved.shape)
    return transpose(others, axes=tuple(order.index(i) for i in range(x.ndim)))


prod.vjp(x=lambda g, z, x, axis, keepdims: broadcastable(g, x.shape, axis, keepdims) * _others(x, axis))
