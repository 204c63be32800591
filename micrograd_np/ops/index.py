"""Picking elements and putting them back: each the other's adjoint.

What an index says in ints, slices, None and Ellipsis is static. Arrays of indices and masks are data, which may change
from one batch to the next, so they are inputs; in a static index a `HOLE` marks where each of them stands.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.domains import INTEGERS, REALS
from micrograd_np.core.messages import caller
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import primitive
from micrograd_np.core.vertex import Vertex

from .axes import axis_of
from .choice import keep_where


class _Hole:
    """Where the next index array stands in a static index."""

    def __repr__(self) -> str:
        return "·"

    def __reduce__(self) -> str:
        return "HOLE"


HOLE = _Hole()


def split(index: Any) -> tuple[Any, list[Any]]:
    """An index as NumPy takes it, as a static part with holes and the arrays that fill them.

    >>> split((slice(None), [0, 2]))
    ((slice(None, None, None), ·), [array([0, 2])])
    """
    parts = index if isinstance(index, tuple) else (index,)
    arrays = []
    static: list[Any] = []
    for part in parts:
        whole = isinstance(part, (int, np.integer)) and not isinstance(part, bool)
        if part is None or part is ... or isinstance(part, slice) or whole:
            static.append(part)
        else:
            arrays.append(part if isinstance(part, (Vertex, np.ndarray)) else _literal(part))
            static.append(HOLE)
    return tuple(static) if isinstance(index, tuple) else static[0], arrays


def _literal(part: Any) -> Any:
    """An index written out as a list: an array, which a step being traced takes for a constant."""
    array = np.asarray(part, dtype=None if np.size(part) else np.intp)  # an empty list names no elements
    if array.dtype.kind not in "iub":
        message = (
            f"{caller('getitem')}: an index is made of integers, slices, None, ... and arrays of integers or booleans; "
            f"found {part!r:.80}."
        )
        raise IndexError(message)
    mode.events.constant(array)
    return array


def filled(index: Any, arrays: tuple[Any, ...]) -> Any:
    """The index that NumPy takes, from its static part and the arrays."""
    rest = iter(arrays)
    if isinstance(index, tuple):
        return tuple(next(rest) if part is HOLE else part for part in index)
    return next(rest) if index is HOLE else index


@primitive(
    "{x}[{index}]",
    domain=(REALS,),
    shape="(4,3)->(2,3)",
    examples=({"index": slice(1, 3)},),
    view=True,
)
def view(xp: Any, out: Any, x: Any, *, index: Any) -> Any:
    """The part of `x` that a basic index (ints, slices, None, Ellipsis) names, sharing memory."""
    return xp.asarray(x[index])


@primitive(
    "0 with [{index}] = {x}", domain=(REALS,), shape="(2,3)->(4,3)", examples=({"index": slice(1, 3), "shape": (4, 3)},)
)
def place(xp: Any, out: Any, x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` at a basic index: the adjoint of `view`."""
    if out is ...:
        z = xp.zeros(shape, dtype=x.dtype)
    else:
        z = out
        xp.copyto(z, 0)
    z[index] = x
    return z


view.vjp(x=lambda g, z, x, index: place(g, index=index, shape=x.shape))
place.vjp(x=lambda g, z, x, index, shape: view(g, index=index))


@primitive(
    "{x}[{index}]",
    domain=(REALS, INTEGERS),
    shape="(4,3),(2)->(2,3)",
    examples=({"index": HOLE},),
    not_differentiable=("indices",),
)
def gather(xp: Any, out: Any, x: Any, *indices: Any, index: Any) -> Any:
    """A copy of the elements of `x` that an index with arrays or masks in it names, some perhaps more than once."""
    return xp.asarray(x[filled(index, indices)])


@primitive(
    "0 with [{index}] += {x}",
    domain=(REALS, INTEGERS),
    shape="(2,3),(2)->(4,3)",
    examples=({"index": HOLE, "shape": (4, 3)},),
    not_differentiable=("indices",),
)
def scatter_add(xp: Any, out: Any, x: Any, *indices: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at an index with arrays in it, as often as it names an element, in that order."""
    if out is ...:
        z = xp.zeros(shape, dtype=x.dtype)
    else:
        z = out
        xp.copyto(z, 0)
    row = _row(index, indices, shape)
    if row is None or not z.flags.c_contiguous:
        xp.add.at(z, filled(index, indices), x)
    elif row:  # number by number instead of row by row: a third of the time for an embedding (measured)
        flat = xp.multiply(xp.reshape(indices[0], (-1, 1)), row)
        flat = xp.add(flat, np.arange(row))  # a negative index stays one, counted from the end of all
        xp.add.at(xp.reshape(z, (-1,)), xp.reshape(flat, (-1,)), xp.reshape(x, (-1,)))
    return z


def _row(index: Any, indices: tuple[Any, ...], shape: tuple[int, ...]) -> int | None:
    """How many numbers each index stands for, if one integer array picks along the first axis and nothing else does."""
    rest = index[1:] if isinstance(index, tuple) else ()
    first = index[0] if isinstance(index, tuple) and index else index
    whole = all(part is ... or part == slice(None) for part in rest)
    if first is not HOLE or indices[0].dtype.kind != "i" or not whole:
        return None
    row = prod(shape[1:])
    return row if row != 1 else None


gather.vjp(x=lambda g, z, x, *indices, index: scatter_add(g, *indices, index=index, shape=x.shape))
scatter_add.vjp(x=lambda g, z, x, *indices, index, shape: gather(g, *indices, index=index))


@primitive(
    "{x} with [{index}] = {value}",
    domain=(REALS, REALS, INTEGERS),
    shape="(4,3),(2,3)->(4,3)",
    examples=({"index": slice(1, 3)},),
    not_differentiable=("indices",),
)
def replace(xp: Any, out: Any, x: Any, value: Any, *indices: Any, index: Any) -> Any:
    """`x` with `value`, which broadcasts, at an index. What is replaced gets no gradient.

    Where index arrays name an element twice, the value that stands gets its gradient, and the other one none.
    """
    if out is ...:
        z = xp.array(x)
    else:
        z = out
        if z is not x:
            xp.copyto(z, x)
    z[filled(index, indices)] = value
    return z


@primitive(
    "what stands of [{index}] = in {x}",
    domain=(REALS, INTEGERS),
    shape="(4,3),(2)->(2,3)",
    examples=({"index": HOLE},),
    not_differentiable=("x", "indices"),
)
def stands(xp: Any, out: Any, x: Any, *indices: Any, index: Any) -> Any:
    """For each element that is written to ``x[index]`` whether it stands; it does not where one is written over it."""
    index = filled(index, indices)
    written = xp.zeros(x.shape, dtype=np.intp)
    shape = written[index].shape
    order = np.arange(prod(shape)).reshape(shape)
    written[index] = order  # in the order in which NumPy writes values
    return xp.equal(written[index], order, out=out)


def _written(g: Any, z: Any, x: Any, value: Any, *indices: Any, index: Any) -> Any:
    arrived = getitem(g, index, indices)
    repeats = any(mask.dtype.kind != "b" for mask in indices)
    return keep_where(arrived, stands(g, *indices, index=index)) if repeats else arrived


replace.vjp(x=lambda g, z, x, value, *indices, index: replace(g, 0, *indices, index=index), value=_written)


def getitem(x: Any, index: Any, arrays: Any = None) -> Any:
    """``x[index]`` as NumPy has it: a view for basic indices, else a copy."""
    static, found = (index, arrays) if arrays is not None else split(index)
    return gather(x, *found, index=static) if found else view(x, index=static)


def _grid(indices: Any, shape: tuple[int, ...], axis: int) -> tuple[Any, ...]:
    """The index that NumPy takes for `indices` along one axis, and for each position along the others its own."""
    axis = axis_of(axis, len(shape))
    grid = []
    for i, n in enumerate(shape):
        lengths = [1] * len(shape)
        lengths[i] = n
        grid.append(indices if i == axis else np.arange(n).reshape(lengths))
    return tuple(grid)


@primitive(
    "{x} at {indices} along {axis}",
    domain=(REALS, INTEGERS),
    shape="(4,3),(2,3)->(2,3)",
    examples=({"axis": 0}, {"axis": -2}),
    not_differentiable=("indices",),
    onnx="GatherElements",
)
def take_along_axis(xp: Any, out: Any, x: Any, indices: Any, *, axis: int = -1) -> Any:
    """For each position the element of `x` that `indices` names along `axis`; lengths elsewhere are equal or broadcast.

    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    z = xp.asarray(x[_grid(indices, x.shape, axis)])
    if out is ...:
        return z
    xp.copyto(out, z)
    return out


@primitive(
    "0 with += {x} at {indices} along {axis}",
    domain=(REALS, INTEGERS),
    shape="(2,3),(2,3)->(4,3)",
    examples=({"axis": 0, "shape": (4, 3)},),
    not_differentiable=("indices",),
)
def add_along_axis(xp: Any, out: Any, x: Any, indices: Any, *, shape: tuple[int, ...], axis: int) -> Any:
    """Zeros of `shape` with `x` added where `indices` say along `axis`: the adjoint of `take_along_axis`."""
    if out is ...:
        z = xp.zeros(shape, dtype=x.dtype)
    else:
        z = out
        xp.copyto(z, 0)
    lengths = list(shape)
    lengths[axis] = 1
    grid = _grid(indices, shape, axis)
    if tuple(lengths) == indices.shape:  # one for each row: no element is named twice
        z[grid] = x
    else:
        xp.add.at(z, grid, x)
    return z


take_along_axis.vjp(x=lambda g, z, x, indices, axis: add_along_axis(g, indices, shape=x.shape, axis=axis))
add_along_axis.vjp(x=lambda g, z, x, indices, shape, axis: take_along_axis(g, indices, axis=axis))


@take_along_axis.advise
def _advice_along(x: tuple[int, ...], indices: tuple[int, ...], axis: int) -> str | None:
    if len(x) != len(indices):
        return f"indices must have as many axes as x ({len(x)}); keep the axis, as argmax(..., keepdims=True) does."
    return None
