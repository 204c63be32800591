"""NumPy's functions that stack, split, rotate and broadcast arrays, made of the general ones in `arrange`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd_np.core.messages import caller, require_value
from micrograd_np.core.vertex import Vertex, tensor_of
from micrograd_np.ops.axes import axes_of, axis_of, whole
from micrograd_np.ops.index import view
from micrograd_np.ops.operand import as_operand, as_operands, with_axes
from micrograd_np.ops.shape import broadcast_to, reshape
from micrograd_np.ops.state import astype, copy

from .arrange import concatenate, flip, ravel, split, swapaxes


def _each(xs: tuple[Any, ...], change: Any) -> Any:
    """`change` applied to one array, or to several, as a tuple."""
    results = tuple(change(as_operand(x)) for x in xs)
    return results[0] if len(results) == 1 else results


def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis: numbers become arrays of one element. A tuple for several.

    >>> import micrograd_np as mg
    >>> mg.atleast_1d(mg.Tensor(3.0))
    Tensor([3.])
    """
    return _each(arys, lambda x: x if x.ndim else reshape(x, shape=(1,)))


def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones in front: a vector becomes a row. A tuple for several.

    >>> import micrograd_np as mg
    >>> mg.atleast_2d(mg.Tensor([1.0, 2.0]))
    Tensor([[1., 2.]])
    """
    return _each(arys, lambda x: x if x.ndim > 1 else reshape(x, shape=(1, x.size)))


def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes: (n) becomes (1,n,1), (n,m) becomes (n,m,1). A tuple for several.

    >>> import micrograd_np as mg
    >>> mg.atleast_3d(mg.ones(2, 3)).shape
    (2, 3, 1)
    """
    shapes = {0: (1, 1, 1), 1: (1, -1, 1)}
    return _each(arys, lambda x: x if x.ndim > 2 else reshape(x, shape=shapes.get(x.ndim, (*x.shape, 1))))


def vstack(tup: Sequence[Any]) -> Any:
    """Rows, or arrays with rows, one below the other. ``(n, k), (m, k) -> (n + m, k)``; a vector (k,) is one row.

    >>> vstack([np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate([atleast_2d(x) for x in as_operands(tup)])


def hstack(tup: Sequence[Any]) -> Any:
    """Arrays side by side: along the second axis, vectors along the first.

    >>> import micrograd_np as mg
    >>> mg.hstack([mg.Tensor([1.0]), mg.Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.])
    """
    parts = [atleast_1d(x) for x in as_operands(tup)]
    return concatenate(parts, axis=0 if not parts or parts[0].ndim == 1 else 1)


def dstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along the third axis.

    >>> import micrograd_np as mg
    >>> mg.dstack([mg.ones(2, 3), mg.ones(2, 3)]).shape
    (2, 3, 2)
    """
    return concatenate([atleast_3d(x) for x in as_operands(tup)], axis=2)


def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix; matrices side by side.

    >>> import micrograd_np as mg
    >>> mg.column_stack([mg.Tensor([1.0, 2.0]), mg.Tensor([3.0, 4.0])])
    Tensor([[1., 3.],
            [2., 4.]])
    """
    parts = as_operands(tup)
    return concatenate([x if x.ndim > 1 else reshape(x, shape=(x.size, 1)) for x in parts], axis=1)


def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """An array in the shape and dtype of `a`, or in those given, filled with `fill_value`, which may have a gradient.

    >>> full_like(np.ones(2), 3)
    array([3., 3.])
    """
    a = as_operand(a)
    wide = tuple(a.shape) if shape is None else tuple(np.atleast_1d(shape).tolist())
    z = copy(broadcast_to(as_operand(fill_value), shape=wide))
    z = tensor_of(z) if isinstance(a, Vertex) and not isinstance(z, Vertex) else z
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    return z if z.dtype == dtype else astype(z, dtype=dtype)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` after `arr` along an axis, or both flattened.

    >>> import micrograd_np as mg
    >>> mg.append(mg.Tensor([1.0, 2.0]), [3.0])
    Tensor([1., 2., 3.])
    """
    return concatenate([arr, values], axis=axis)


def array_split(ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Views of parts along `axis` as equal as they can be, the longer ones first; or as `split` for a list of indices.

    >>> [part.size for part in array_split(np.arange(7), 3)]
    [3, 2, 2]
    """
    x = as_operand(ary)
    if not isinstance(indices_or_sections, (int, np.integer)):
        return split(x, indices_or_sections, axis)
    sections = whole(indices_or_sections, "indices_or_sections", least=1)
    length, longer = divmod(x.shape[axis_of(axis, x.ndim)], sections)
    return split(x, [i * length + min(i, longer) for i in range(1, sections)], axis)


def hsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Parts along the second axis, of a vector along the first: undoes `hstack`. ValueError for a number.

    >>> import micrograd_np as mg
    >>> mg.hsplit(mg.Tensor([1.0, 2.0, 3.0, 4.0]), 2)
    [Tensor([1., 2.]), Tensor([3., 4.])]
    """
    x = with_axes(ary, 1)
    return split(x, indices_or_sections, axis=min(1, x.ndim - 1))


def vsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Parts along the first axis of two or more: undoes `vstack`. ValueError for fewer axes.

    >>> import micrograd_np as mg
    >>> [x.shape for x in mg.vsplit(mg.ones(4, 3), 2)]
    [(2, 3), (2, 3)]
    """
    return split(with_axes(ary, 2), indices_or_sections)


def dsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """Parts along the third axis: undoes `dstack`. ValueError for fewer axes.

    >>> import micrograd_np as mg
    >>> [x.shape for x in mg.dsplit(mg.ones(2, 3, 4), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    return split(with_axes(ary, 3), indices_or_sections, axis=2)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The slices along `axis`, without it: undoes `stack`.

    >>> import micrograd_np as mg
    >>> mg.unstack(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    (Tensor([1., 2.]), Tensor([3., 4.]))
    """
    x = as_operand(x)
    at = axis_of(axis, x.ndim)
    return tuple(view(x, index=(slice(None),) * at + (i,)) for i in range(x.shape[at]))


def fliplr(m: Any) -> Any:
    """`m` reversed along the second axis.

    >>> import micrograd_np as mg
    >>> mg.fliplr(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[2., 1.],
            [4., 3.]])
    """
    return flip(m, 1)


def flipud(m: Any) -> Any:
    """`m` reversed along the first axis.

    >>> import micrograd_np as mg
    >>> mg.flipud(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3., 4.],
            [1., 2.]])
    """
    return flip(m, 0)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """`m` rotated by `k` quarter turns, from the first of `axes` towards the second.

    ValueError for other than two axes.

    >>> rot90(np.array([[1, 2], [3, 4]]))
    array([[2, 4],
           [1, 3]])
    """
    m, turns = as_operand(m), whole(k, "k") % 4
    if np.shape(axes) != (2,):
        raise ValueError(f"rot90: axes={axes!r} must be two axes.")
    first, second = axes_of(axes, m.ndim, "axes")
    if turns % 2:
        return flip(swapaxes(m, first, second), first if turns == 1 else second)
    return flip(m, (first, second)) if turns else m


def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """The arrays in the one shape that they broadcast to. ValueError where they do not.

    >>> import micrograd_np as mg
    >>> [x.shape for x in mg.broadcast_arrays(mg.ones(2, 1), mg.ones(3))]
    [(2, 3), (2, 3)]
    """
    xs = [as_operand(x) for x in args]
    shapes = [tuple(x.shape) for x in xs]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"{caller()}: the shapes {', '.join(map(str, shapes))} do not broadcast to one.") from None
    return tuple(broadcast_to(x, shape=shape) for x in xs)


def meshgrid(*xi: Any, indexing: str = "xy") -> tuple[Any, ...]:
    """For vectors of lengths n, m, …, as many arrays: each varies along its own axis.

    With "ij" their shape is (n, m, …), with "xy" the first two are exchanged. ValueError for another `indexing`.

    >>> import micrograd_np as mg
    >>> x, y = mg.meshgrid(mg.Tensor([1.0, 2.0, 3.0]), mg.Tensor([4.0, 5.0]))
    >>> x.shape, x[0], y[:, 0]
    ((2, 3), Tensor([1., 2., 3.]), Tensor([4., 5.]))
    """
    require_value("meshgrid", "indexing", indexing, indexing in ("xy", "ij"), "'xy' or 'ij'")
    d = len(xi)
    order = [1, 0, *range(2, d)] if indexing == "xy" and d > 1 else [*range(d)]
    vectors = [ravel(x) for x in xi]
    return broadcast_arrays(
        *(reshape(x, shape=(1,) * a + (-1,) + (1,) * (d - 1 - a)) for x, a in zip(vectors, order, strict=True))
    )


def block(arrays: Any) -> Any:
    """Join nested lists of blocks: the innermost lists along the last axis, the next along the second last, and so on.

    ValueError for an empty list.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]]).shape
    (3, 3)
    """

    def depth(part: Any) -> int:
        if isinstance(part, list) and not part:
            raise ValueError("block: a list of blocks must not be empty.")
        return 1 + depth(part[0]) if isinstance(part, list) else 0

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list):
            return concatenate([joined(inner, level - 1) for inner in part], axis=-level)
        x = as_operand(part)
        return x if x.ndim >= d else reshape(x, shape=(1,) * (d - x.ndim) + tuple(x.shape))

    def most_axes(part: Any) -> int:
        return max(map(most_axes, part), default=0) if isinstance(part, list) else as_operand(part).ndim

    levels = depth(arrays)
    d = max(levels, most_axes(arrays))
    return joined(arrays, levels)
