"""NumPy's functions that move, add and drop axes, and split, repeat, flip and pad arrays, made of a few primitives."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.errors import as_array
from micrograd_np.core.messages import caller, must_be, require_value
from micrograd_np.core.primitive import primitive
from micrograd_np.core.vertex import Vertex
from micrograd_np.ops.axes import ALL, Axes, along, axes_of, axis_of, whole
from micrograd_np.ops.index import view
from micrograd_np.ops.operand import as_operand, as_operands
from micrograd_np.ops.shape import broadcast_to, reshape, transpose
from micrograd_np.ops.shape import concatenate as join
from micrograd_np.ops.state import copy


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged: a view.

    >>> import micrograd_np as mg
    >>> mg.swapaxes(mg.ones(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    x = as_operand(x)
    axes = list(range(x.ndim))
    a, b = axis_of(axis1, x.ndim, "axis1"), axis_of(axis2, x.ndim, "axis2")
    axes[a], axes[b] = b, a
    return transpose(x, axes=tuple(axes))


def moveaxis(x: Any, source: Axes, destination: Axes) -> Any:
    """Axes moved to new positions, the others keeping their order: a view. ValueError for unequal numbers of axes.

    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_operand(x)
    sources, positions = axes_of(source, x.ndim, "source"), axes_of(destination, x.ndim, "destination")
    if len(sources) != len(positions):
        raise ValueError(f"{caller()}: source={source} and destination={destination} must name equally many axes.")
    order = [a for a in range(x.ndim) if a not in sources]
    for position, axis in sorted(zip(positions, sources, strict=True)):
        order.insert(position, axis)
    return transpose(x, axes=tuple(order))


def squeeze(x: Any, axis: Axes | None = None) -> Any:
    """`x` without its axes of length one, or without those named; ValueError where one of these is longer.

    >>> squeeze(np.ones((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    x = as_operand(x)
    if not x.ndim and isinstance(axis, int) and axis in {0, -1}:
        return x
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(axis, x.ndim)
    if any(x.shape[a] != 1 for a in axes):
        raise ValueError(f"squeeze: x is {x.shape}; axis={axis} must name axes of length 1 only.")
    return reshape(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


def expand_dims(x: Any, axis: Axes) -> Any:
    """`x` with new axes of length one, at the positions `axis` of the result.

    >>> import micrograd_np as mg
    >>> mg.expand_dims(mg.Tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    x = as_operand(x)
    ndim = x.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = axes_of(axis, ndim)
    rest = iter(x.shape)
    return reshape(x, shape=tuple(1 if i in new else next(rest) for i in range(ndim)))


def ravel(x: Any) -> Any:
    """`x` flattened to one axis, in row-major order.

    >>> import micrograd_np as mg
    >>> mg.ravel(mg.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 2., 3., 4.])
    """
    x = as_operand(x)
    z = reshape(x, shape=(x.size,))
    flags = getattr(x.data if isinstance(x, Vertex) else x, "flags", None)
    return copy(z) if flags is not None and not flags.c_contiguous else z


def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from `start_dim` to `end_dim` as one; all of them by default. A 0-d array gets one axis.

    ValueError where `start_dim` comes after `end_dim`.

    >>> flatten(np.ones((2, 3, 4)), 1).shape
    (2, 12)
    """
    x = as_operand(x)
    if not x.ndim:
        return reshape(x, shape=(1,))
    first, last = axis_of(start_dim, x.ndim, "start_dim"), axis_of(end_dim, x.ndim, "end_dim")
    if first > last:
        raise ValueError(f"flatten: start_dim={start_dim} comes after end_dim={end_dim} in x, which is {x.shape}.")
    return reshape(x, shape=(*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays joined along an existing axis, or all of them flattened when it is None.

    ValueError where they differ along another axis.

    >>> concatenate([np.array([1.0]), np.array([2.0, 3.0])])
    array([1., 2., 3.])
    """
    parts = as_operands(arrays)
    if not parts:
        raise ValueError(f"{caller()}: needs at least one array, found none.")
    return join(*map(ravel, parts)) if axis is None else join(*parts, axis=axis)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """So many equal parts along `axis`, as in NumPy: PyTorch's `split` takes the length of a part instead.

    Or the parts between indices. They are views. ValueError for an unequal division; `chunk` allows one.

    >>> split(np.arange(4.0), 2), split(np.arange(4.0), [1, 3])
    ([array([0., 1.]), array([2., 3.])], [array([0.]), array([1., 2.]), array([3.])])
    """
    x = as_operand(x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        parts = int(indices_or_sections)
        if parts < 1 or n % parts:
            unequal = f"axis {axis} ({n}) does not divide into {parts} equal parts. Give indices."
            raise ValueError(f"{caller()}: x is {x.shape}; {unequal}")
        edges = list(range(0, n + 1, n // parts)) if n else [0] * (parts + 1)
    else:
        edges = [0, *_wholes(indices_or_sections, "indices_or_sections"), n]
    return [view(x, index=along(axis, slice(a, b))) for a, b in pairwise(edges)]


def _wholes(values: Any, name: str, least: int | None = None) -> tuple[int, ...]:
    """One integer, or several, as a tuple."""
    return tuple(whole(v, name, least) for v in (values if np.ndim(values) else (values,)))


def tile(x: Any, reps: Axes) -> Any:
    """`x` repeated `reps` times along each axis, as blocks; new axes come first where there are more `reps`.

    >>> tile(np.array([1.0, 2.0]), 2)
    array([1., 2., 1., 2.])
    """
    x = as_operand(x)
    counts = _wholes(reps, "reps", least=0)
    d = max(x.ndim, len(counts))
    counts = (1,) * (d - len(counts)) + counts
    shape = (1,) * (d - x.ndim) + tuple(x.shape)
    pairs = tuple(zip(counts, shape, strict=True))
    z = reshape(x, shape=tuple(m for n in shape for m in (1, n)))
    z = broadcast_to(z, shape=tuple(m for pair in pairs for m in pair))
    return reshape(z, shape=tuple(c * n for c, n in pairs))


def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """Every element `repeats` times in a row, as in NumPy: PyTorch's ``x.repeat(2, 3)`` is ``tile(x, (2, 3))``.

    With `axis`, every slice along it. A sequence gives a number for each.
    ValueError for a negative number, or for other than one number for each slice.

    >>> repeat(np.array([1.0, 2.0]), 2), repeat(np.array([1.0, 2.0]), [2, 1])
    (array([1., 1., 2., 2.]), array([1., 1., 2.]))
    """
    x = as_operand(x)
    if axis is None or not x.ndim:
        x, axis = ravel(x), axis or 0
    axis = axis_of(axis, x.ndim)
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    counts = _wholes(repeats, "repeats")
    if min(counts, default=0) < 0:
        raise ValueError(f"repeat: repeats must not be negative, found {repeats!r}.")
    if len(counts) == 1:
        wide = broadcast_to(reshape(x, shape=(*before, n, 1, *after)), shape=(*before, n, counts[0], *after))
        return reshape(wide, shape=(*before, n * counts[0], *after))
    if len(counts) != n:
        raise ValueError(f"repeat: x has {n} slices along axis {axis}; repeats has {len(counts)}.")
    if not n:
        return x
    parts = [view(x, index=along(axis, slice(i, i + 1))) for i in range(n)]
    parts = [broadcast_to(p, shape=(*before, r, *after)) for p, r in zip(parts, counts, strict=True)]
    return join(*parts, axis=axis)


def flip(x: Any, axis: Axes | None = None) -> Any:
    """`x` reversed along `axis`, or along all axes: a view.

    >>> import micrograd_np as mg
    >>> mg.flip(mg.Tensor([1.0, 2.0, 3.0]))
    Tensor([3., 2., 1.])
    """
    x = as_operand(x)
    axes = range(x.ndim) if axis is None else axes_of(axis, x.ndim)
    return view(x, index=tuple(slice(None, None, -1) if i in axes else ALL for i in range(x.ndim)))


def roll(x: Any, shift: Axes, axis: Axes | None = None) -> Any:
    """The elements shifted by `shift` along `axis`; those shifted past the end come back at the start.

    ValueError for several shifts without as many axes.

    >>> roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    x = as_operand(x)
    if axis is None:
        if np.ndim(shift):
            raise ValueError(f"roll: several shifts, {shift}, need as many axes.")
        return reshape(roll(ravel(x), shift, 0), shape=tuple(x.shape))
    axes, shifts = [axis_of(a, x.ndim) for a in _wholes(axis, "axis")], _wholes(shift, "shift")
    if len(axes) != len(shifts) and 1 not in {len(axes), len(shifts)}:
        raise ValueError(f"roll: shift={shift!r} and axis={axis!r} must be equally many, or one of them a number.")
    z = x
    for a, s in np.broadcast(np.array(axes, int), np.array(shifts, int)):
        n = x.shape[a]
        if n and s % n:
            at = n - s % n
            z = join(view(z, index=along(a, slice(at, None))), view(z, index=along(a, slice(at))), axis=a)
    return copy(x) if z is x else z


@primitive(
    "pad {x} by {widths}", domain=(REALS,), shape="(2,3)->(5,4)", onnx="Pad",
    examples=({"widths": ((1, 2), (0, 1)), "value": 0}, {"widths": ((3, 0), (1, 0)), "value": 1.5}),
)  # fmt: skip
def _pad(xp: Any, out: Any, x: Any, *, widths: tuple[tuple[int, int], ...], value: float) -> Any:
    """`x` with `value` before and after it along every axis."""
    shape = tuple(n + low + high for n, (low, high) in zip(x.shape, widths, strict=True))
    z = xp.empty(shape, dtype=x.dtype) if out is ... else out
    xp.copyto(z, value)
    z[_inside(widths, x.shape)] = x
    return z


def _inside(widths: tuple[tuple[int, int], ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(low, low + n) for (low, _), n in zip(widths, shape, strict=True))


_pad.vjp(x=lambda g, z, x, widths, value: view(g, index=_inside(widths, x.shape)))


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    """`x` made longer at both ends of every axis, as ``np.pad``.

    `pad_width` is a number, a pair (before, after), or a pair for every axis. Modes: "constant", "edge" (repeats the
    last element), "reflect" (mirrors at the last element), "symmetric" (mirrors after it), "wrap" (continues at the
    other end). ValueError for another mode, and where there are fewer elements than the mode needs.

    >>> pad(np.array([1.0, 2.0, 3.0]), (2, 1), mode="reflect")
    array([3., 2., 1., 2., 3., 2.])
    """
    x = as_operand(x)
    padding = as_array(pad_width)
    if padding.dtype.kind not in "iu":
        raise TypeError(must_be("pad", "pad_width", "integers", f"{pad_width!r}"))
    if padding.shape not in {(), (1,), (2,), (1, 1), (1, 2), (x.ndim, 1), (x.ndim, 2)}:
        raise ValueError(
            f"pad: x is {x.shape} and pad_width={pad_width!r}; it must be a number, a pair (before, after), or such a "
            f"pair for each of the {x.ndim} axes."
        )
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(padding, (x.ndim, 2)))
    if min((w for pair in widths for w in pair), default=0) < 0:
        raise ValueError(f"pad: pad_width={pad_width} must not be negative; take a slice to shorten.")
    if mode == "constant":
        value = constant_values if x.dtype.kind == "f" else x.dtype.type(constant_values).item()
        return _pad(x, widths=widths, value=value)
    suits = mode in ("edge", "reflect", "symmetric", "wrap")
    require_value("pad", "mode", mode, suits, "'constant', 'edge', 'reflect', 'symmetric' or 'wrap'")
    for axis, (low, high) in enumerate(widths):
        x = _extended(x, axis, low, high, mode)
    return x


def _extended(x: Any, axis: int, low: int, high: int, mode: str) -> Any:
    n = x.shape[axis]
    limit = max(0, {"edge": low + high if n else 0, "reflect": n - 1}.get(mode, n))
    if max(low, high) > limit:
        message = f"pad: x is {x.shape}; mode {mode!r} can add at most {limit} along axis {axis}, found {(low, high)}."
        raise ValueError(message)

    def part(start: int, stop: int, *, mirrored: bool = False, times: int = 1) -> Any:
        z = view(x, index=along(axis, slice(start, stop)))
        if mirrored:
            return flip(z, axis)
        return broadcast_to(z, shape=(*x.shape[:axis], times, *x.shape[axis + 1 :])) if times != 1 else z

    if mode == "edge":
        before, after = part(0, 1, times=low), part(n - 1, n, times=high)
    elif mode == "wrap":
        before, after = part(n - low, n), part(0, high)
    else:
        skip = int(mode == "reflect")
        before, after = part(skip, skip + low, mirrored=True), part(n - skip - high, n - skip, mirrored=True)
    parts = [p for p, w in ((before, low), (x, 1), (after, high)) if w]
    return join(*parts, axis=axis) if len(parts) > 1 else x
