"""Sorting along an axis: the positions have no derivative, the elements taken from there have one."""

from typing import Any

import numpy as np

from micrograd_np.core.domains import DISTINCT, INTEGERS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.axes import along, axis_of, whole
from micrograd_np.ops.index import view
from micrograd_np.ops.operand import as_operand
from micrograd_np.ops.routine import stored
from micrograd_np.ops.shape import reshape

from .take import take_along_axis


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
    x = as_operand(x)
    if axis is None:
        x, axis = reshape(x, shape=(-1,)), 0
    axis = axis_of(axis, x.ndim)
    return take_along_axis(x, argsort(x, axis=axis), axis=axis)


def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:
    """The `k` largest (or smallest) elements along `axis`, best first, and their positions.

    ValueError for more than there are.

    >>> topk(np.array([3.0, 1.0, 2.0]), 2)
    (array([3., 2.]), array([0, 2]))
    """
    x = as_operand(x)
    axis = axis_of(axis, x.ndim)
    if not 0 <= whole(k, "k") <= x.shape[axis]:
        raise ValueError(f"topk: k={k} of the {x.shape[axis]} elements along axis {axis} of x, which is {x.shape}.")
    order = argsort(x, axis=axis, descending=largest)
    order = view(order, index=along(axis, slice(k)))
    return take_along_axis(x, order, axis=axis), order


@primitive(
    "one-hot {x}", domain=(INTEGERS,), shape="(4)->(4,5)",
    examples=({"num_classes": 5},), not_differentiable=("x",), onnx="OneHot",
)  # fmt: skip
def one_hot(xp: Any, out: Any, x: Any, *, num_classes: int, dtype: Any = np.int64) -> Any:
    """For each integer a row of `num_classes` with 1 in its place and 0 elsewhere: (…) -> (…, num_classes)."""
    z = xp.equal(xp.reshape(x, (*x.shape, 1)), np.arange(num_classes))
    return z.astype(dtype) if out is ... else stored(xp, out, z)
