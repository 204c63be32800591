"""Images and volumes at the places of a grid, for spatial transformers."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_choice
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.elementary import floor, remainder, round  # noqa: A004
from micrograd_np.numpy_api.order import take_along_axis
from micrograd_np.ops.axes import whole
from micrograd_np.ops.choice import clip, where
from micrograd_np.ops.comparison import greater_equal, less, less_equal, logical_and
from micrograd_np.ops.elementwise import absolute
from micrograd_np.ops.index import view
from micrograd_np.ops.linear import matmul, swap_last_axes
from micrograd_np.ops.shape import broadcast_to, reshape
from micrograd_np.ops.state import astype

from .interpolation import cubic_shares
from .operands import as_floats


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """`input` (n, c, h, w) at the places of `grid` (n, rows, columns, 2), between its elements: (n, c, rows, columns).

    Also ``(n, c, d, h, w), (n, slices, rows, columns, 3) -> (n, c, slices, rows, columns)``. A place is (x, y) or
    (x, y, z) in [−1, 1]: −1 and 1 are the outer edges of the outermost elements, with `align_corners` their middles.
    `mode` is "bilinear", "nearest", or "bicubic" for images. Outside, `padding_mode` "zeros" has 0, "border" the
    outermost element, "reflection" what mirrors there show. There are gradients by `input` and, but for "nearest", by
    `grid`. ValueError for other modes and shapes. Source: Jaderberg et al. (2015).

    >>> grid_sample(Tensor([[[[1.0, 2.0]]]]), [[[[0.0, 0.0], [0.5, 0.0]]]])
    Tensor([[[[1.5, 2. ]]]])
    """
    x, places = as_floats(input), as_floats(grid)
    d = x.ndim - 2
    if d not in (2, 3) or places.ndim != x.ndim or places.shape[0] != x.shape[0] or places.shape[-1] != d:
        raise ValueError(
            f"grid_sample: input is {x.shape} and grid is {places.shape}; they must be (n, c, h, w) and "
            f"(n, rows, columns, 2), or (n, c, d, h, w) and (n, slices, rows, columns, 3)."
        )
    require_choice("grid_sample", "mode", mode, "bilinear", "nearest", *("bicubic",) * (d == 2))
    require_choice("grid_sample", "padding_mode", padding_mode, "zeros", "border", "reflection")
    n, c, *lengths = x.shape
    if not all(lengths):
        raise ValueError(f"grid_sample: input is {x.shape}; all its lengths must be at least 1.")
    corners, count = bool(align_corners), prod(places.shape[1:-1])
    taps = []
    for axis, m in enumerate(lengths):
        p = reshape(view(places, index=(..., d - 1 - axis)), shape=(n, 1, count))
        at = (p + 1) * ((m - 1) / 2) if corners else ((p + 1) * m - 1) / 2
        if mode == "bicubic":
            low = floor(at)
            shares = enumerate(cubic_shares(at - low), -1)
            taps.append([(_within(low + i, m, padding_mode, corners), share) for i, share in shares])
            continue
        at = _within(at, m, padding_mode, corners)
        low = round(at) if mode == "nearest" else floor(at)
        taps.append([(low, None)] if mode == "nearest" else [(low, 1 - (at - low)), (low + 1, at - low)])
    flat, total = reshape(x, shape=(n, c, prod(lengths))), None
    for corner in product(*taps):
        place, share, inside = _corner(corner, lengths)
        wide = broadcast_to(place, shape=(n, c, count))
        part = where(inside, take_along_axis(flat, wide, axis=2), 0.0)
        part = part if share is None else part * share
        total = part if total is None else total + part
    return reshape(total, shape=(n, c, *places.shape[1:-1]))


def _within(at: Any, n: int, padding: str, corners: bool) -> Any:
    """Places among `n` elements, brought inside; at the edges and beyond them no gradient, as in PyTorch."""
    if padding == "zeros":  # what is farther than an element away, infinity and nan too, has a share of 0
        return where(less_equal(absolute(at - (n - 1) / 2), (n + 1) / 2), at, -1.0)
    if padding == "reflection":
        start, span = (0.0, n - 1.0) if corners else (-0.5, float(n))
        if not span:
            return at * 0
        at = absolute(remainder(at - start + span, 2 * span) - span) + start
    return where(less(absolute(at - (n - 1) / 2), (n - 1) / 2), at, clip(at.detach(), 0.0, n - 1.0))


def _corner(corner: Any, lengths: list[int]) -> tuple[Any, Any, Any]:
    """Where an element of the flattened image is that has a place on each axis, its share, and whether it is there."""
    index: Any = 0
    share: Any = None
    inside: Any = True
    for (at, part), n in zip(corner, lengths, strict=True):
        there = logical_and(greater_equal(at, 0), less_equal(at, n - 1))
        index = index * n + astype(where(there, at, 0.0), dtype=np.int64)
        own = None if part is None else where(there, part, 0.0)  # of nan, too
        share = own if share is None else share * own
        inside = there if inside is True else logical_and(inside, there)
    return index, share, inside


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Tensor:
    """The places that `grid_sample` takes, of an image turned and moved by `theta`: ``(n, 2, 3) -> (n, h, w, 2)``.

    Also ``(n, 3, 4) -> (n, d, h, w, 3)``; `size` is that of the result of `grid_sample`, (n, c, h, w) or
    (n, c, d, h, w). ValueError for shapes that do not fit.

    >>> affine_grid([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], (1, 1, 1, 2))
    Tensor([[[[-0.5,  0. ],
              [ 0.5,  0. ]]]])
    """
    theta, lengths = as_floats(theta), tuple(whole(n, "size") for n in size)
    d = len(lengths) - 2
    if d not in (2, 3) or theta.shape != (lengths[0], d, d + 1):
        raise ValueError(
            f"affine_grid: theta is {theta.shape} and size {lengths}; they must be (n, 2, 3) and (n, c, h, w), or "
            f"(n, 3, 4) and (n, c, d, h, w)."
        )
    edges = [np.linspace(-1, 1, m) if m > 1 else np.zeros(m) for m in lengths[2:]]
    if not align_corners:
        edges = [at * ((m - 1) / m) if m else at for at, m in zip(edges, lengths[2:], strict=True)]
    grid = np.meshgrid(*edges, indexing="ij")[::-1]
    base = np.stack([*grid, np.ones(lengths[2:])], -1).reshape(-1, d + 1).astype(theta.dtype)
    return reshape(matmul(constant(base), swap_last_axes(theta)), shape=(lengths[0], *lengths[2:], d))
