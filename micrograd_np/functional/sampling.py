"""Images and volumes at places between their elements, which a grid names: a spatial transformer's functions."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_choice
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.elementary import floor, remainder
from micrograd_np.numpy_api.elementary import round as nearest
from micrograd_np.numpy_api.order import take_along_axis
from micrograd_np.ops.axes import whole
from micrograd_np.ops.choice import clip, where
from micrograd_np.ops.comparison import less, less_equal
from micrograd_np.ops.elementwise import absolute
from micrograd_np.ops.shape import reshape
from micrograd_np.ops.state import astype

from .operands import as_floats


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """An image or volume at the places of `grid`: ``(n, c, h, w), (n, rows, columns, 2) -> (n, c, rows, columns)``.

    A place is x, y (and z, for ``(n, c, d, h, w)``), from −1 to 1 across the outer edges of the input, or with
    `align_corners` across the middles of the outermost elements. `mode` is "bilinear", also of volumes, or "nearest".
    Outside there are 0, the outermost elements ("border") or a mirror image ("reflection"); at nan there is 0. The
    gradient is of both; by the nearest, of `input` only. ValueError for shapes that do not fit and for other modes.
    Source: Jaderberg et al. (2015), "Spatial transformer networks".

    >>> image = Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(image, [[[[0.0, 0.0], [0.5, -0.5]]]])
    Tensor([[[[2.5, 2. ]]]])
    """
    require_choice("grid_sample", "mode", mode, "bilinear", "nearest")
    require_choice("grid_sample", "padding_mode", padding_mode, "zeros", "border", "reflection")
    x, places = as_floats(input), as_floats(grid)
    d, lengths = x.ndim - 2, x.shape[2:]
    fits = d in (2, 3) and places.ndim == d + 2 and places.shape[0] == x.shape[0] and places.shape[-1] == d
    if not fits or not all(lengths):
        raise ValueError(
            f"grid_sample: input is {x.shape} and grid {places.shape}; they must be (n, channels, rows, columns) and "
            f"(n, …, …, 2), or (n, channels, depth, rows, columns) and (n, …, …, …, 3), with at least one element."
        )
    axes = []  # for each, the elements around each place: how much of which
    for axis, n in enumerate(lengths):
        at = reshape(places[..., d - 1 - axis], shape=(x.shape[0], 1, prod(places.shape[1:-1])))
        at = (at + 1) * ((n - 1) / 2) if align_corners else ((at + 1) * n - 1) / 2
        at = _inside(at, n, padding_mode, aligned=bool(align_corners))
        value = at.detach()
        if mode == "nearest":
            around = [(nearest(value), value * 0 + 1)]
        else:
            low = floor(value)
            around = [(low, 1 - (at - low)), (low + 1, at - low)]
        axes.append([(i, part, less(absolute(i - (n - 1) / 2), n / 2)) for i, part in around])
    flat, total = reshape(x, shape=(*x.shape[:2], prod(lengths))), 0.0
    for corner in product(*axes):
        index, share = 0.0, 1.0
        for (i, part, there), n in zip(corner, lengths, strict=True):
            index, share = index * n + where(there, i, 0.0), share * where(there, part, 0.0)
        total = total + take_along_axis(flat, astype(index, dtype=np.int64), axis=2) * share
    return reshape(total, shape=(*x.shape[:2], *places.shape[1:-1]))


def _inside(at: Any, n: int, padding_mode: str, *, aligned: bool) -> Any:
    """Places among `n` elements, brought inside; at the edges and beyond them no gradient, as in PyTorch."""
    if padding_mode == "zeros":  # what is farther than an element away, infinity and nan too, has a share of 0
        return where(less_equal(absolute(at - (n - 1) / 2), (n + 1) / 2), at, -1.0)
    if padding_mode == "reflection":
        start, span = (0.0, n - 1.0) if aligned else (-0.5, float(n))
        if not span:
            return at * 0
        at = absolute(remainder(at - start + span, 2 * span) - span) + start
    return where(less(absolute(at - (n - 1) / 2), (n - 1) / 2), at, clip(at.detach(), 0.0, n - 1.0))


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Tensor:
    """The places that `grid_sample` takes, moved by `theta`: ``(n, 2, 3) -> (n, h, w, 2)`` for a `size` (n, c, h, w).

    ``(n, 3, 4) -> (n, d, h, w, 3)`` for volumes. `theta` multiplies x, y (and z) and 1. ValueError for other shapes.

    >>> affine_grid([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], (1, 1, 1, 2))
    Tensor([[[[-0.5,  0. ],
              [ 0.5,  0. ]]]])
    """
    theta = as_floats(theta)
    n, _, *lengths = (whole(k, "size") for k in size)
    d = len(lengths)
    if d not in (2, 3) or theta.shape != (n, d, d + 1) or min(lengths) < 1:
        raise ValueError(
            f"affine_grid: theta is {theta.shape} and size {tuple(size)}; they must be (n, 2, 3) and (n, c, h, w), or "
            f"(n, 3, 4) and (n, c, d, h, w), of positive lengths."
        )
    steps = [np.linspace(-1, 1, k) * (1 if align_corners else (k - 1) / k) if k > 1 else np.zeros(1) for k in lengths]
    base = np.stack([*np.meshgrid(*steps, indexing="ij")[::-1], np.ones(lengths)], axis=-1).reshape(-1, d + 1)
    return reshape(constant(base.astype(theta.dtype)) @ theta.swapaxes(1, 2), shape=(n, *lengths, d))
