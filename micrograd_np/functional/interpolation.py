"""Images and sequences at another size."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import whole, within
from micrograd_np.ops.fused.pooling import bin_means
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import broadcast_to, reshape, transpose

from .operands import as_floats, as_tensor

_RANKS = {
    "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5), "linear": (3,), "bilinear": (4,),
    "bicubic": (4,), "trilinear": (5,),
}  # fmt: skip
_POINTS = ("linear", "bilinear", "bicubic", "trilinear")
"""The modes that have `align_corners`."""
_SMALL = 128  # rows and columns of a result, together, up to which PyTorch finds the nearest by another routine


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """(n, c, *lengths) at the lengths `size`, or `scale_factor` times as long: by the nearest element, linearly, …

    `mode` is "nearest", "linear" for sequences, "bilinear" or "bicubic" for images, "trilinear" for volumes, or "area",
    the mean of the elements that a new one covers (`adaptive_avg_pool2d`). "nearest-exact" takes the element nearest to
    the middle of a new one, "nearest" to its beginning. "bicubic" fits cubes to four elements, with a = −¾ (Keys,
    1981), and may overshoot. Elements are areas, whose outer edges coincide; with `align_corners`, which "area" and the
    nearest ones do not have, they are points, of which the outermost coincide.
    Exactly one of `size` and `scale_factor` is given, as one number or one for each axis. A factor also says how far
    apart elements lie, unless `recompute_scale_factor` leaves that to the lengths: 1.1 of 7 elements is not the same 7
    by the nearest. But as in PyTorch, linearly an axis that keeps its length stays as it is, and by the nearest one
    that keeps or doubles it goes by the lengths, in images whose result has up to 128 rows and columns together.
    Integers stay integers by the nearest, and become floating numbers linearly. ValueError for anything else, and for
    an input or a result of no length; TypeError for what is no number.

    >>> interpolate(Tensor([[[1.0, 2.0]]]), scale_factor=2)
    Tensor([[[1., 1., 2., 2.]]])
    """
    x = as_tensor(input)
    if str(mode) not in _RANKS or x.ndim not in _RANKS[mode]:
        raise ValueError(
            f"interpolate: mode is {mode!r} and input is {x.shape}; there are nearest, nearest-exact and area, linear "
            f"for (n, c, l), bilinear and bicubic for (n, c, h, w), and trilinear for (n, c, d, h, w)."
        )
    if mode not in _POINTS and align_corners is not None:
        raise ValueError(f"interpolate: align_corners is for {', '.join(_POINTS)}; leave it out of {mode!r}.")
    lengths = x.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give one of size and scale_factor.")
    if size is not None and recompute_scale_factor:
        raise ValueError("interpolate: recompute_scale_factor needs a scale_factor, and size is given.")
    factors: list[Any] = [None] * len(lengths)
    if size is None:
        factors = _for_each(scale_factor, len(lengths))
        suits = all(within(f, "scale_factor", 0, 2**63) for f in factors)
        require_value("interpolate", "scale_factor", scale_factor, suits, "positive and finite")
        sizes = [floor(n * f) for n, f in zip(lengths, factors, strict=True)]
    else:
        sizes = [whole(n, "size") for n in _for_each(size, len(lengths))]
    if min((*lengths, *sizes), default=1) < 1:
        raise ValueError(f"interpolate: input is {x.shape}, to lengths {tuple(sizes)}; all lengths must be at least 1.")
    nearest = mode.startswith("nearest")
    x = x if nearest else as_floats(x)
    small = x.ndim == 4 and sum(sizes) <= _SMALL
    exact = (1, 2) if nearest and small else () if nearest else (1,)  # where PyTorch does not ask for the factor
    kind = np.float32 if small or x.dtype.itemsize <= 4 else np.float64
    steps = [
        n / m if f is None or recompute_scale_factor or m / n in exact else 1 / f
        for n, m, f in zip(lengths, sizes, factors, strict=True)
    ]
    if nearest and all(m % n == 0 and s == n / m for n, m, s in zip(lengths, sizes, steps, strict=True)):
        return _repeated(x, [m // n for n, m in zip(lengths, sizes, strict=True)])
    for axis, (m, step) in enumerate(zip(sizes, steps, strict=True), 2):
        n = x.shape[axis]
        if m == n and (step == 1 or mode == "area"):
            continue
        if mode == "area":
            x = bin_means(x, size=m, axis=axis - x.ndim)
            continue
        if nearest:
            weights = _nearest(n, m, step, kind, 0.5 if mode == "nearest-exact" else 0.0)
        else:
            weights = (_cubic if mode == "bicubic" else _linear)(n, m, step, align_corners=bool(align_corners))
        x = _along(x, constant(weights.astype(x.dtype)), axis)
    return x


def _for_each(value: Any, d: int) -> list[Any]:
    values = list(value) if np.ndim(value) else [value] * d
    if len(values) != d:
        raise ValueError(f"interpolate: needs one number or {d}, found {value!r}.")
    return values


def _repeated(x: Any, times: list[int]) -> Any:
    """Each element several times along its axis."""
    shape, wide = list(x.shape[:2]), list(x.shape[:2])
    for n, k in zip(x.shape[2:], times, strict=True):
        shape += [n, 1]
        wide += [n, k]
    whole = (*x.shape[:2], *(n * k for n, k in zip(x.shape[2:], times, strict=True)))
    return reshape(broadcast_to(reshape(x, shape=tuple(shape)), shape=tuple(wide)), shape=whole)


def _nearest(n: int, m: int, step: float, kind: Any, offset: float) -> np.ndarray[Any, Any]:
    """Which of n elements each of m is: 1 there, (m, n). Places are rounded as PyTorch rounds them: `kind`, single."""
    shares, rows = np.zeros((m, n)), np.arange(m)
    at = np.floor(((rows.astype(kind) + kind(offset)) * kind(step)).astype(np.float32)).astype(int)
    shares[rows, np.minimum(at, n - 1)] = 1
    return shares


def _places(n: int, m: int, step: float, *, align_corners: bool) -> Any:
    """Where among n elements each of m lies."""
    rows = np.arange(m)
    return rows * ((n - 1) / max(m - 1, 1)) if align_corners else (rows + 0.5) * step - 0.5


def _linear(n: int, m: int, step: float, *, align_corners: bool) -> np.ndarray[Any, Any]:
    """How much of each of n elements is in each of m: (m, n)."""
    shares, rows = np.zeros((m, n)), np.arange(m)
    at = np.maximum(_places(n, m, step, align_corners=align_corners), 0)
    low = np.minimum(at.astype(int), n - 1)
    part = at - low
    np.add.at(shares, (rows, low), 1 - part)
    np.add.at(shares, (rows, np.minimum(low + 1, n - 1)), part)
    return shares


def _cubic(n: int, m: int, step: float, *, align_corners: bool) -> np.ndarray[Any, Any]:
    """As `_linear`, from four elements; beyond the outermost there is that again."""
    shares, rows = np.zeros((m, n)), np.arange(m)
    at = _places(n, m, step, align_corners=align_corners)
    low = np.floor(at).astype(int)
    for i, share in enumerate(cubic_shares(at - low), -1):
        np.add.at(shares, (rows, np.clip(low + i, 0, n - 1)), share)
    return shares


def cubic_shares(t: Any) -> list[Any]:
    """The shares of the four elements around a place `t` behind the second (Keys, 1981, with a = −¾)."""
    a = -0.75
    near: Any = lambda d: ((a + 2) * d - (a + 3)) * d * d + 1
    far: Any = lambda d: ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return [far(1 + t), near(t), near(1 - t), far(2 - t)]


def _along(x: Any, weights: Any, axis: int) -> Any:
    """`weights` (m, n) times `x` along an axis of length n."""
    if axis == x.ndim - 1:
        return matmul(x, weights.T)
    axes = (*range(axis), *range(axis + 1, x.ndim), axis)
    back = (*range(axis), x.ndim - 1, *range(axis, x.ndim - 1))
    return transpose(matmul(transpose(x, axes=axes), weights.T), axes=back)
