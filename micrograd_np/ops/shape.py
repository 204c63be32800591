"""The same elements in another shape. Adjoint pairs are neighbours: to broadcast one way is to sum the other way."""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.messages import caller
from micrograd_np.core.primitive import primitive

from .axes import along, axis_of
from .index import view
from .operand import as_operands
from .sums import sum_by_product

_FILL_LIMIT = 4096  # elements up to which filling an array is quicker than making a view by NumPy (measured)


@lru_cache(maxsize=256)
def spread_axes(shape: tuple[int, ...], wide: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of `wide` along which NumPy repeats an array of `shape` to broadcast it there.

    >>> spread_axes((3, 1), (5, 3, 4))
    (0, 2)
    """
    new = len(wide) - len(shape)
    return (*range(new), *(new + i for i, n in enumerate(shape) if n == 1 and wide[new + i] != 1))


@primitive(
    "spread {x} to {shape}", domain=(REALS,), shape="(3,1)->(2,3,4)", examples=({"shape": (2, 3, 4)},), view=True
)
def broadcast_to(xp: Any, out: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """`x` repeated along new and length-one axes to `shape`; a read-only view where that is large."""
    if prod(shape) > _FILL_LIMIT:
        return xp.broadcast_to(x, shape)
    z = xp.empty(shape, x.dtype) if out is ... else out
    xp.copyto(z, x)
    return z


@primitive("Σ {x} to {shape}", domain=(REALS,), shape="(2,3,4)->(3,1)", examples=({"shape": (3, 1)},))
def sum_to(xp: Any, out: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """`x` summed along the axes that broadcasting from `shape` would have made: the adjoint of `broadcast_to`."""
    axes = spread_axes(shape, x.shape)
    if len(axes) == x.ndim - len(shape):  # only leading axes vanish
        return sum_by_product(xp, out, x, axes)
    z = sum_by_product(xp, ..., x, axes, keepdims=True)
    return xp.reshape(z, shape)


broadcast_to.vjp(x=lambda g, z, x, shape: sum_to(g, shape=x.shape))
sum_to.vjp(x=lambda g, z, x, shape: broadcast_to(g, shape=x.shape))


@primitive(
    "reshape {x} to {shape}", domain=(REALS,), shape="(2,6)->(3,4)",
    examples=({"shape": (3, 4)},), onnx="Reshape", view=True,
)  # fmt: skip
def reshape(xp: Any, out: Any, x: Any, *, shape: int | tuple[int, ...]) -> Any:
    """The same elements in row-major order in another shape; one length may be −1."""
    return xp.reshape(x, shape)


reshape.vjp(x=lambda g, z, x, shape: reshape(g, shape=x.shape))


@primitive(
    "{x}ᵀ", domain=(REALS,), shape="(2,3,4)->(4,3,2)",
    examples=({}, {"axes": (2, 1, 0)}, {"axes": (-1, 1, 0)}), onnx="Transpose", view=True,
)  # fmt: skip
def transpose(xp: Any, out: Any, x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """The axes in another order; reversed when `axes` is None. A view."""
    return x.T if axes is None else xp.transpose(x, axes)


@transpose.advise
def _advice_on_axes(x: tuple[int, ...], axes: tuple[int, ...] | None = None) -> str | None:
    if axes is not None and len(axes) == 2 != len(x):
        return f"axes must name all {len(x)} axes; to exchange two of them, write swapaxes{tuple(axes)}"
    return None


def _inverse(axes: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if axes is None:
        return None
    positions = [axis % len(axes) for axis in axes]
    return tuple(map(positions.index, range(len(axes))))


transpose.vjp(x=lambda g, z, x, axes: transpose(g, axes=_inverse(axes)))


@primitive("join {xs}", domain=(REALS, REALS), shape="(2,3),(2,3)->(4,3)", examples=({},), onnx="Concat")
def concatenate(xp: Any, out: Any, *xs: Any, axis: int = 0) -> Any:
    """The arrays one after another along an axis they already have."""
    return xp.concatenate(xs, axis=axis, out=None if out is ... else out)


def _part(i: int, g: Any, z: Any, *xs: Any, axis: int) -> Any:
    start = sum(x.shape[axis] for x in xs[:i])
    return view(g, index=along(axis % z.ndim, slice(start, start + xs[i].shape[axis])))


concatenate.vjp(xs=_part)


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """The arrays, all of one shape, along a new axis. ValueError where the shapes differ.

    >>> import micrograd_np as mg
    >>> mg.stack([mg.Tensor([1.0, 2.0]), mg.Tensor([3.0, 4.0])], axis=1)
    Tensor([[1., 3.],
            [2., 4.]])
    """
    xs = as_operands(xs)
    shapes = {tuple(x.shape) for x in xs}
    if len(shapes) != 1:
        listed = ", ".join(map(str, sorted(shapes))) or "no arrays"
        raise ValueError(f"{caller()}: all arrays must have one shape, found {listed}.")
    (shape,) = shapes
    at = axis_of(axis, len(shape) + 1)
    return concatenate(*(reshape(x, shape=(*shape[:at], 1, *shape[at:])) for x in xs), axis=at)
