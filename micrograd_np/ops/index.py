"""Reading elements by an index and writing them back: each is the adjoint of the other.

The ints, slices, None and Ellipsis of an index are static. Its arrays of indices and masks are data, which may change
from one batch to the next, so they are inputs; a `HOLE` in the static index marks the position of each.
"""

from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.domains import INTEGERS, REALS
from micrograd_np.core.messages import caller
from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.primitive import primitive
from micrograd_np.core.vertex import Vertex

from .choice import masked_keep
from .routine import zeroed


class _Hole:
    """The position of the next index array in a static index."""

    def __repr__(self) -> str:
        return "·"

    def __reduce__(self) -> str:
        return "HOLE"


HOLE = _Hole()


def split(index: Any) -> tuple[Any, list[Any]]:
    """Split an index, as NumPy takes it, into a static part with holes and the arrays that fill them.

    >>> split((slice(None), [0, 2]))
    ((slice(None, None, None), ·), [array([0, 2])])
    """
    arrays = []
    static: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        if part is None or part is ... or (isinstance(part, (slice, int, np.integer)) and not isinstance(part, bool)):
            static.append(part)
        else:
            arrays.append(part if isinstance(part, (Vertex, np.ndarray)) else _literal(part))
            static.append(HOLE)
    return tuple(static) if isinstance(index, tuple) else static[0], arrays


def _literal(part: Any) -> Any:
    """An index written as a list, as an array; a step that is being traced takes it for a constant."""
    array = np.asarray(part, dtype=None if np.size(part) else np.intp)  # an empty list names no elements
    if array.dtype.kind not in "iub":
        raise IndexError(
            f"{caller('getitem')}: an index is made of integers, slices, None, ... and arrays of integers or booleans; "
            f"found {part!r:.80}."
        )
    if unusual:
        mode.events.constant(array)
    return array


def filled(index: Any, arrays: tuple[Any, ...]) -> Any:
    """The index that NumPy takes: the static part with its holes filled by the arrays, the inverse of `split`."""
    if isinstance(index, tuple):
        rest = iter(arrays)
        return tuple(next(rest) if part is HOLE else part for part in index)
    return arrays[0] if index is HOLE else index


@primitive("{x}[{index}]", domain=(REALS,), shape="(4,3)->(2,3)", examples=({"index": slice(1, 3)},), view=True)
def view(xp: Any, out: Any, x: Any, *, index: Any) -> Any:
    """The part of `x` that a basic index (ints, slices, None, Ellipsis) names, sharing memory."""
    return xp.asarray(x[index])


@primitive(
    "0 with [{index}] = {x}", domain=(REALS,), shape="(2,3)->(4,3)", examples=({"index": slice(1, 3), "shape": (4, 3)},)
)
def scatter_slice(xp: Any, out: Any, x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` at a basic index: the adjoint of `view`."""
    z = zeroed(xp, out, shape, x.dtype)
    z[index] = x
    return z


view.vjp(x=lambda g, z, x, index: scatter_slice(g, index=index, shape=x.shape))
scatter_slice.vjp(x=lambda g, z, x, index, shape: view(g, index=index))


@primitive(
    "{x}[{index}]", domain=(REALS, INTEGERS), shape="(4,3),(2)->(2,3)",
    examples=({"index": HOLE},), not_differentiable=("indices",),
)  # fmt: skip
def gather(xp: Any, out: Any, x: Any, *indices: Any, index: Any) -> Any:
    """A copy of the elements of `x` at an index with arrays or masks in it; an element may occur more than once."""
    return xp.asarray(x[filled(index, indices)])


@primitive(
    "0 with [{index}] += {x}", domain=(REALS, INTEGERS), shape="(2,3),(2)->(4,3)",
    examples=({"index": HOLE, "shape": (4, 3)},), not_differentiable=("indices",),
)  # fmt: skip
def scatter_add(xp: Any, out: Any, x: Any, *indices: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at an index with arrays in it, in order: the adjoint of `gather`."""
    z = zeroed(xp, out, shape, x.dtype)
    row = _row(index, indices, shape)
    if row is None or not z.flags.c_contiguous:
        xp.add.at(z, filled(index, indices), x)
    elif row:  # number by number instead of row by row: a third of the time for an embedding (measured)
        flat = xp.multiply(xp.reshape(indices[0], (-1, 1)), row)
        flat = xp.add(flat, np.arange(row))  # a negative index stays one, counted from the end of all
        xp.add.at(xp.reshape(z, (-1,)), xp.reshape(flat, (-1,)), xp.reshape(x, (-1,)))
    return z


def _row(index: Any, indices: tuple[Any, ...], shape: tuple[int, ...]) -> int | None:
    """The number of elements per row, if one integer array picks whole rows and a row is not a single element."""
    first, *rest = index if isinstance(index, tuple) and index else (index,)
    if first is not HOLE or indices[0].dtype.kind != "i" or any(part not in (..., slice(None)) for part in rest):
        return None
    row = prod(shape[1:])
    return row if row != 1 else None


gather.vjp(x=lambda g, z, x, *indices, index: scatter_add(g, *indices, index=index, shape=x.shape))
scatter_add.vjp(x=lambda g, z, x, *indices, index, shape: gather(g, *indices, index=index))


@primitive(
    "{x} with [{index}] = {value}", domain=(REALS, REALS, INTEGERS), shape="(4,3),(2,3)->(4,3)",
    examples=({"index": slice(1, 3)},), not_differentiable=("indices",),
)  # fmt: skip
def replace(xp: Any, out: Any, x: Any, value: Any, *indices: Any, index: Any) -> Any:
    """`x` with `value`, which broadcasts, at an index. Elements that are replaced get no gradient.

    Where index arrays name an element twice, the value written last gets its gradient, and the other one none.
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
    "last write at [{index}] of {x}", domain=(REALS, INTEGERS), shape="(4,3),(2)->(2,3)",
    examples=({"index": HOLE},), not_differentiable=("x", "indices"),
)  # fmt: skip
def is_last_write(xp: Any, out: Any, x: Any, *indices: Any, index: Any) -> Any:
    """For each element written to ``x[index]`` whether it remains, that is, no later one is written over it."""
    index = filled(index, indices)
    written = xp.zeros(x.shape, dtype=np.intp)
    shape = written[index].shape
    order = np.arange(prod(shape)).reshape(shape)  # in which NumPy writes values
    written[index] = order
    return xp.equal(written[index], order, out=out)


def _value_vjp(g: Any, z: Any, x: Any, value: Any, *indices: Any, index: Any) -> Any:
    g_value = getitem(g, index, indices)
    may_repeat = any(array.dtype.kind != "b" for array in indices)
    return masked_keep(g_value, is_last_write(g, *indices, index=index)) if may_repeat else g_value


replace.vjp(x=lambda g, z, x, value, *indices, index: replace(g, 0, *indices, index=index), value=_value_vjp)


def getitem(x: Any, index: Any, arrays: Any = None) -> Any:
    """``x[index]`` as NumPy has it: a view for basic indices, else a copy."""
    if arrays is None:
        index, arrays = split(index)
    return gather(x, *arrays, index=index) if arrays else view(x, index=index)
