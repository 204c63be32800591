"""Images and sequences at another size."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np

from micrograd_np.constant import constant
from micrograd_np.ops.axes import whole, within
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import broadcast_to, reshape, transpose
from micrograd_np.tensor import Tensor

from .loss import as_tensor

_RANKS = {"nearest": (3, 4), "linear": (3,), "bilinear": (4,)}


def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """(n, c, *lengths) at the lengths `size`, or `scale_factor` times as long: by the nearest element, or linearly.

    `mode` is "nearest", "linear" for sequences or "bilinear" for images. Elements are areas, whose outer edges
    coincide; with `align_corners` they are points, of which the outermost coincide. Exactly one of `size` and
    `scale_factor` is given, as one number or one for each axis. A factor also says how far apart elements lie, so that
    1.1 of 7 elements is not the same 7 by the nearest; linearly, an axis that keeps its length stays as it is.
    ValueError for anything else, and for an input or a result of no length.

    >>> interpolate(Tensor([[[1.0, 2.0]]]), scale_factor=2)
    Tensor([[[1., 1., 2., 2.]]])
    """
    x = as_tensor(input)
    if str(mode) not in _RANKS or x.ndim not in _RANKS[mode]:
        message = (
            f"interpolate: mode is {mode!r} and input is {x.shape}; there are nearest, linear for (n, c, l) and "
            f"bilinear for (n, c, h, w)."
        )
        raise ValueError(message)
    lengths = x.shape[2:]
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give one of size and scale_factor.")
    if size is None:
        factors = _for_each(scale_factor, len(lengths))
        if not all(within(f, "scale_factor", 0, 2**63) for f in factors):
            message = f"interpolate: scale_factor must be positive and finite, found {scale_factor!r}."
            raise ValueError(message)
        wanted = [floor(n * f) for n, f in zip(lengths, factors, strict=True)]
    else:
        factors = [None] * len(lengths)
        wanted = [whole(n, "size") for n in _for_each(size, len(lengths))]
    if min((*lengths, *wanted), default=1) < 1:
        message = f"interpolate: input is {x.shape}, to lengths {tuple(wanted)}; all lengths must be at least 1."
        raise ValueError(message)
    repeated = all(factor is None or factor == int(factor) for factor in factors)
    if mode == "nearest" and repeated and all(m % n == 0 for n, m in zip(lengths, wanted, strict=True)):
        return _repeated(x, [m // n for n, m in zip(lengths, wanted, strict=True)])
    for axis, (m, factor) in enumerate(zip(wanted, factors, strict=True), 2):
        if mode != "nearest" and m == x.shape[axis]:
            continue  # as in PyTorch, whatever the factor
        step = x.shape[axis] / m if factor is None else 1 / factor
        weights = _shares(x.shape[axis], m, step, mode, align_corners=bool(align_corners))
        x = _along(x, constant(weights.astype(x.dtype)), axis)
    return x


def _for_each(value: Any, d: int) -> list[Any]:
    values = list(value) if isinstance(value, (tuple, list)) else [value] * d
    if len(values) != d:
        message = f"interpolate: needs one number or {d}, found {value!r}."
        raise ValueError(message)
    return values


def _repeated(x: Any, times: list[int]) -> Any:
    """Each element several times along its axis."""
    shape, wide = list(x.shape[:2]), list(x.shape[:2])
    for n, k in zip(x.shape[2:], times, strict=True):
        shape += [n, 1]
        wide += [n, k]
    whole = (*x.shape[:2], *(n * k for n, k in zip(x.shape[2:], times, strict=True)))
    return reshape(broadcast_to(reshape(x, shape=tuple(shape)), shape=tuple(wide)), shape=whole)


def _shares(n: int, m: int, step: float, mode: str, *, align_corners: bool) -> np.ndarray[Any, Any]:
    """How much of each of n elements is in each of m: (m, n)."""
    shares, rows = np.zeros((m, n)), np.arange(m)
    if mode == "nearest":
        shares[rows, np.minimum(np.floor(rows * step).astype(int), n - 1)] = 1
        return shares
    at = rows * ((n - 1) / max(m - 1, 1)) if align_corners else np.maximum((rows + 0.5) * step - 0.5, 0)
    low = np.minimum(at.astype(int), n - 1)
    part = at - low
    np.add.at(shares, (rows, low), 1 - part)
    np.add.at(shares, (rows, np.minimum(low + 1, n - 1)), part)
    return shares


def _along(x: Any, weights: Any, axis: int) -> Any:
    """`weights` (m, n) times `x` along an axis of length n."""
    if axis == x.ndim - 1:
        return matmul(x, weights.T)
    axes = (*range(axis), *range(axis + 1, x.ndim), axis)
    back = (*range(axis), x.ndim - 1, *range(axis, x.ndim - 1))
    return transpose(matmul(transpose(x, axes=axes), weights.T), axes=back)
