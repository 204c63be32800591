"""Elements by their positions along an axis."""

from typing import Any

import numpy as np

from micrograd_np.core.domains import INTEGERS, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import along, axis_of
from micrograd_np.ops.index import getitem
from micrograd_np.ops.operand import as_operand
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
