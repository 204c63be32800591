"""Elements moved to other places: padding, and channels exchanged for space, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.arrange import pad as numpy_pad
from micrograd_np.ops.axes import whole
from micrograd_np.ops.index import view
from micrograd_np.ops.shape import reshape, transpose

from .dimensions import as_vertex

PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's names, and NumPy's."""


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """`input` made longer at both ends of its last axes: ``(…, n) -> (…, before + n + after)``.

    `pad` is (before, after) of the last axis, then of the one before it, and so on, as in PyTorch; `mg.pad` names the
    first axis first. A negative number shortens. Modes: "constant" (puts `value`, by default 0), "reflect" (mirrors at
    the last element), "replicate" (repeats the last element), "circular" (continues at the other end). ValueError for
    another mode, for an odd count or too many numbers, and where there are fewer elements than the mode needs.

    >>> pad(Tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    Tensor([[3., 2., 1., 2., 3., 2.]])
    """
    x = as_vertex(input)
    require_value("pad", "mode", mode, str(mode) in PAD_MODES, f"one of {', '.join(PAD_MODES)}")
    flat = [whole(n, "pad") for n in (pad if np.ndim(pad) else [pad])]
    if len(flat) % 2 or len(flat) > 2 * x.ndim:
        raise ValueError(f"pad: input is {x.shape} and pad is {tuple(flat)}; it must be (before, after) of last axes.")
    if value and mode != "constant":
        raise ValueError(f"pad: value={value} is for mode 'constant'; mode {mode!r} takes the elements there are.")
    pairs = [(0, 0)] * (x.ndim - len(flat) // 2) + list(zip(flat[-2::-2], flat[::-2], strict=True))
    cut = tuple(slice(max(0, -low), n - max(0, -high)) for n, (low, high) in zip(x.shape, pairs, strict=True))
    if any(low < 0 or high < 0 for low, high in pairs):
        if any(low + n + high < 0 or max(-low, -high) > n for n, (low, high) in zip(x.shape, pairs, strict=True)):
            raise ValueError(f"pad: input is {x.shape}; pad={tuple(flat)} takes away more than there is.")
        if mode in ("constant", "circular"):
            x = view(x, index=cut)
    widths = [(max(0, low), max(0, high)) for low, high in pairs]
    z = numpy_pad(x, widths, PAD_MODES[mode], constant_values=value or 0) if any(map(any, widths)) else x
    if mode in ("reflect", "replicate"):  # as in PyTorch, these see what is cut
        ends = zip(cut, z.shape, x.shape, strict=True)
        z = view(z, index=tuple(slice(c.start, m - (n - c.stop)) for c, m, n in ends))
    return z


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """Channels become space, r × r of them one pixel: ``(…, c · r², h, w) -> (…, c, h · r, w · r)``.

    ValueError for fewer than three axes, and unless r² divides the channels. Source: Shi et al. (2016).

    >>> pixel_shuffle(Tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), 2)
    Tensor([[[1., 2.],
             [3., 4.]]])
    """
    x, r = _image("pixel_shuffle", input), whole(upscale_factor, "upscale_factor", 1)
    *n, c, h, w = x.shape
    if c % r**2:
        raise ValueError(f"pixel_shuffle: input is {x.shape}; {c} channels do not divide into {r}² each.")
    d = len(n)
    z = transpose(reshape(x, shape=(*n, c // r**2, r, r, h, w)), axes=(*range(d + 1), d + 3, d + 1, d + 4, d + 2))
    return reshape(z, shape=(*n, c // r**2, h * r, w * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """Space becomes channels, the inverse of `pixel_shuffle`: ``(…, c, h · r, w · r) -> (…, c · r², h, w)``.

    ValueError for fewer than three axes, and unless r divides height and width.

    >>> pixel_unshuffle(Tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).shape
    (4, 1, 1)
    """
    x, r = _image("pixel_unshuffle", input), whole(downscale_factor, "downscale_factor", 1)
    *n, c, h, w = x.shape
    if h % r or w % r:
        raise ValueError(f"pixel_unshuffle: input is {x.shape}; {h} × {w} pixels do not divide by {r}.")
    d = len(n)
    z = transpose(reshape(x, shape=(*n, c, h // r, r, w // r, r)), axes=(*range(d + 1), d + 2, d + 4, d + 1, d + 3))
    return reshape(z, shape=(*n, c * r**2, h // r, w // r))


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """The channels of `groups` dealt out in turn: ``(n, c, …) -> (n, c, …)``. ValueError unless groups divide them.

    Source: Zhang et al. (2018).

    >>> channel_shuffle(Tensor([[[1.0], [2.0], [3.0], [4.0]]]), 2).tolist()
    [[[1.0], [3.0], [2.0], [4.0]]]
    """
    x, groups = as_vertex(input), whole(groups, "groups", 1)
    if x.ndim < 3 or x.shape[1] % groups:
        raise ValueError(f"channel_shuffle: input is {x.shape}; it must be (n, c, …), and c divide into {groups}.")
    n, c, *rest = x.shape
    z = reshape(x, shape=(n, groups, c // groups, *rest))
    return reshape(transpose(z, axes=(0, 2, 1, *range(3, 3 + len(rest)))), shape=x.shape)


def _image(name: str, input: Any) -> Any:
    x = as_vertex(input)
    if x.ndim < 3:
        raise ValueError(f"{name}: input is {x.shape}; it must be (…, channels, rows, columns).")
    return x
