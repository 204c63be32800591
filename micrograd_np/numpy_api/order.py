"""Positions along an axis: taking elements by them, sorting, searching; and any and all. Positions have no gradient."""

from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.domains import DISTINCT, INTEGERS, MASK, REALS
from micrograd_np.core.messages import warn_of_unpacking
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import along, axis_of, whole
from micrograd_np.ops.index import getitem, view
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.reduce import Axis
from micrograd_np.ops.routine import stored, zeroed
from micrograd_np.ops.shape import reshape


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements, or the slices along `axis`, at integer `indices`; without `axis` those of `x` flattened.

    The result has the shape of `indices` in place of that axis. IndexError for an index outside.

    >>> take(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 1], axis=0)
    array([[3., 4.],
           [3., 4.]])
    """
    x = as_operand(x)
    if axis is None or not x.ndim:
        x, axis = reshape(x, shape=(x.size,)), axis or 0
    return getitem(x, along(axis_of(axis, x.ndim), indices))


def _grid(indices: Any, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """The index that NumPy takes: `indices` along one axis, and each position along the others."""
    axis, d = axis_of(axis, len(shape)), len(shape)
    return tuple(
        indices if i == axis else np.arange(n).reshape((1,) * i + (n,) + (1,) * (d - 1 - i))
        for i, n in enumerate(shape)
    )


@primitive(
    "{x} at {indices} along {axis}", domain=(REALS, INTEGERS), shape="(4,3),(2,3)->(2,3)",
    examples=({"axis": 0}, {"axis": -2}), not_differentiable=("indices",), onnx="GatherElements",
)  # fmt: skip
def take_along_axis(xp: Any, out: Any, x: Any, indices: Any, *, axis: int = -1) -> Any:
    """For each position the element of `x` that `indices` names along `axis`; lengths elsewhere are equal or broadcast.

    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    return stored(xp, out, x[_grid(indices, x.shape, axis)])


@primitive(
    "0 with += {x} at {indices} along {axis}", domain=(REALS, INTEGERS), shape="(2,3),(2,3)->(4,3)",
    examples=({"axis": 0, "shape": (4, 3)},), not_differentiable=("indices",),
)  # fmt: skip
def scatter_add_along_axis(xp: Any, out: Any, x: Any, indices: Any, *, shape: tuple[int, ...], axis: int) -> Any:
    """Zeros of `shape` with `x` added where `indices` say along `axis`: the adjoint of `take_along_axis`."""
    z = zeroed(xp, out, shape, x.dtype)
    lengths = list(shape)
    lengths[axis] = 1
    grid = _grid(indices, shape, axis)
    if tuple(lengths) == indices.shape:  # one for each row: no element is named twice
        z[grid] = x
    else:
        xp.add.at(z, grid, x)
    return z


take_along_axis.vjp(x=lambda g, z, x, indices, axis: scatter_add_along_axis(g, indices, shape=x.shape, axis=axis))
scatter_add_along_axis.vjp(x=lambda g, z, x, indices, shape, axis: take_along_axis(g, indices, axis=axis))


@take_along_axis.advise
def _advice_along(x: tuple[int, ...], indices: tuple[int, ...], axis: int) -> str | None:
    if len(x) != len(indices):
        return f"indices must have as many axes as x ({len(x)}); keep the axis, as argmax(..., keepdims=True) does."
    return None


@primitive(
    "order of {x}", domain=(DISTINCT,), shape="(4,3)->(4,3)",
    examples=({}, {"axis": 0}, {"axis": -1, "descending": True}), not_differentiable=("x",),
)  # fmt: skip
def argsort(xp: Any, out: Any, x: Any, *, axis: int | None = -1, descending: bool = False) -> Any:
    """Positions that sort `x` along `axis` (all elements when None); equal ones keep their order, nan comes last."""
    if descending:
        x = xp.logical_not(x) if x.dtype.kind == "b" else xp.invert(x) if x.dtype.kind in "iu" else xp.negative(x)
    return stored(xp, out, xp.argsort(x, axis=axis, kind="stable"))


def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements of `x` in rising order along `axis`, of all together when it is None; nan comes last.

    The gradient of each goes to where it came from; of equal elements, in the order they had.

    >>> sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    """
    if isinstance(x, np.ndarray):
        warn_of_unpacking(2)
    x = as_operand(x)
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    axis = axis_of(axis, x.ndim)
    return take_along_axis(x, argsort(x, axis=axis), axis=axis)


class TopK(NamedTuple):
    """What `topk` returns: the elements, and their positions."""

    values: Any
    indices: Any


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> TopK:
    """The `k` largest (or smallest) elements along `axis`, best first, and their positions: `values` and `indices`.

    ValueError for more than there are.

    >>> topk(np.array([3.0, 1.0, 2.0]), 2)
    TopK(values=array([3., 2.]), indices=array([0, 2]))
    """
    x = as_operand(x)
    axis = axis_of(axis, x.ndim)
    if not 0 <= whole(k, "k") <= x.shape[axis]:
        raise ValueError(f"topk: k={k} of the {x.shape[axis]} elements along axis {axis} of x, which is {x.shape}.")
    order = argsort(x, axis=axis, descending=largest)
    order = view(order, index=along(axis, slice(k)))
    return TopK(take_along_axis(x, order, axis=axis), order)


@primitive(
    "one-hot {x}", domain=(INTEGERS,), shape="(4)->(4,5)",
    examples=({"num_classes": 5},), not_differentiable=("x",), onnx="OneHot",
)  # fmt: skip
def one_hot(xp: Any, out: Any, x: Any, *, num_classes: int, dtype: Any = np.int64) -> Any:
    """For each integer a row of `num_classes` with 1 in its place and 0 elsewhere: (…) -> (…, num_classes)."""
    z = xp.equal(xp.reshape(x, (*x.shape, 1)), np.arange(num_classes))
    return z.astype(dtype) if out is ... else stored(xp, out, z)


_AXIS: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": -1, "keepdims": True})
_AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": (0, -1), "keepdims": True})


@primitive(
    "arg max {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_AXIS, not_differentiable=("x",), onnx="ArgMax"
)
def argmax(xp: Any, out: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the largest element along `axis`, the first among equals; in row-major order when it is None."""
    return xp.asarray(xp.argmax(x, axis=axis, keepdims=keepdims, out=None if out is ... else out))


@primitive(
    "arg min {x}", domain=(DISTINCT,), shape="(3,4)->()", examples=_AXIS, not_differentiable=("x",), onnx="ArgMin"
)
def argmin(xp: Any, out: Any, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Index of the smallest element along `axis`, the first among equals; in row-major order when it is None."""
    return xp.asarray(xp.argmin(x, axis=axis, keepdims=keepdims, out=None if out is ... else out))


@primitive("any {x}", domain=(MASK,), shape="(3,4)->()", examples=_AXES, not_differentiable=("x",))
def any(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element along `axis` is true; False for none."""
    return xp.logical_or.reduce(x, axis=axis, keepdims=keepdims, out=out)


@primitive("all {x}", domain=(MASK,), shape="(3,4)->()", examples=_AXES, not_differentiable=("x",))
def all(xp: Any, out: Any, x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true; True for none."""
    return xp.logical_and.reduce(x, axis=axis, keepdims=keepdims, out=out)
