"""ONNX's operators on images and sequences: convolution, pooling, resizing, sampling at points."""

from __future__ import annotations

from math import ceil, floor, inf, prod
from typing import Any

import numpy as np

from micrograd_np import functional as F  # noqa: N812 - the field's name
from micrograd_np.engine.constant import as_constant

Lengths = tuple[int, ...]


def _by_axes(name: str, d: int) -> Any:
    if not 1 <= d <= 3:
        raise ValueError(f"an input with {d} axes of places is not supported; 1, 2 and 3 are")
    return getattr(F, f"{name}{d}d")


def _pads(lengths: Lengths, spans: Lengths, strides: Lengths, pads: Any, auto_pad: str) -> list[tuple[int, int]]:
    """The padding before and after, axis by axis."""
    d = len(lengths)
    if auto_pad in {"NOTSET", "VALID"}:
        return list(zip(pads[:d], pads[d:], strict=True)) if pads and auto_pad == "NOTSET" else [(0, 0)] * d
    totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(lengths, spans, strides, strict=True)]
    return [(t // 2, t - t // 2) if auto_pad == "SAME_UPPER" else (t - t // 2, t // 2) for t in totals]


def _filled(x: Any, pads: list[tuple[int, int]], value: Any = 0) -> Any:
    """x with `value` around its places."""
    if not any(map(any, pads)):
        return x
    return np.pad(x, [(0, 0), (0, 0), *pads], constant_values=np.dtype(x.dtype).type(value))


def _axes_of(x: Any, w: Any, kernel_shape: Any) -> int:
    """How many axes of places there are; ValueError for a weight of another kernel than is declared."""
    if kernel_shape is not None and tuple(kernel_shape) != w.shape[2:]:
        raise ValueError(f"kernel_shape is {kernel_shape}, and the weight has {w.shape}")
    return x.ndim - 2


def convolve(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    """A convolution; where the padding differs at both ends, x is padded first."""
    d = _axes_of(x, w, kernel_shape)
    strides, dilations = strides or (1,) * d, dilations or (1,) * d
    spans = tuple((k - 1) * e + 1 for k, e in zip(w.shape[2:], dilations, strict=True))
    pairs = _pads(x.shape[2:], spans, strides, pads, auto_pad)
    if any(low != high for low, high in pairs):
        x, pairs = _filled(x, pairs), [(0, 0)] * d
    return _by_axes("conv", d)(x, w, b, tuple(strides), tuple(low for low, _ in pairs), tuple(dilations), group)


def convolve_transposed(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, output_padding: Any = None, output_shape: Any = None, pads: Any = None,
    strides: Any = None,
) -> Any:  # fmt: skip
    """The adjoint of a convolution: computed whole, then cut, or filled up with zeros, at the ends."""
    d = _axes_of(x, w, kernel_shape)
    strides, dilations = strides or (1,) * d, dilations or (1,) * d
    extra = output_padding or (0,) * d
    spans = tuple((k - 1) * e + 1 for k, e in zip(w.shape[2:], dilations, strict=True))
    whole = tuple((n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, spans, strict=True))
    if output_shape or auto_pad.startswith("SAME"):
        target = output_shape or tuple(n * s for n, s in zip(x.shape[2:], strides, strict=True))
        totals = [n + m - o for n, m, o in zip(whole, extra, target[-d:], strict=True)]
        pairs = [(t - t // 2, t // 2) if auto_pad != "SAME_UPPER" else (t // 2, t - t // 2) for t in totals]
    else:
        pairs = _pads(x.shape[2:], spans, strides, pads, auto_pad)
    if all(low == high >= 0 for low, high in pairs) and all(
        m < max(s, e) for m, s, e in zip(extra, strides, dilations, strict=True)
    ):
        padding = tuple(low for low, _ in pairs)
        return _by_axes("conv_transpose", d)(x, w, b, tuple(strides), padding, tuple(extra), group, tuple(dilations))
    z = _by_axes("conv_transpose", d)(x, w, None, tuple(strides), 0, 0, group, tuple(dilations))
    ends = [(max(-low, 0), max(m - high, 0)) for m, (low, high) in zip(extra, pairs, strict=True)]
    z = _filled(z, ends)
    cut = [
        slice(max(low, 0), max(low, 0) + n - low - high + m)
        for n, m, (low, high) in zip(whole, extra, pairs, strict=True)
    ]
    z = z[(slice(None), slice(None), *cut)]
    return z if b is None else z + np.reshape(b, (-1, *(1,) * d))


class _Pool:
    """Where the windows of a pool lie: padding as asked for, and more at the end for a last window that hangs over."""

    def __init__(
        self, x: Any, kernel: Any, strides: Any, pads: Any, dilations: Any, auto_pad: str, ceil_mode: int
    ) -> None:
        d = x.ndim - 2
        self.kernel, self.strides, self.dilations = kernel, strides or (1,) * d, dilations or (1,) * d
        spans = tuple((k - 1) * e + 1 for k, e in zip(kernel, self.dilations, strict=True))
        self.pads = _pads(x.shape[2:], spans, self.strides, pads, auto_pad)
        self.more, self.places = [], []
        for n, k, s, (low, high) in zip(x.shape[2:], spans, self.strides, self.pads, strict=True):
            room = n + low + high - k
            count = (-(-room // s) if ceil_mode else room // s) + 1
            if ceil_mode and (count - 1) * s >= n + low:
                count -= 1  # the last window has to start inside
            self.places.append(count)
            self.more.append((0, max(0, (count - 1) * s - room)))
        self.even = not any(map(any, self.more)) and all(
            a == b <= k // 2 for k, (a, b) in zip(kernel, self.pads, strict=True)
        )

    def sum(self, x: Any) -> Any:
        """The sum over each window of an x that has been padded."""
        d = x.ndim - 2
        ones = as_constant(np.ones((1, 1, *self.kernel), x.dtype))
        flat = np.reshape(x, (-1, 1, *x.shape[2:]))
        z = _by_axes("conv", d)(flat, ones, None, tuple(self.strides), 0, tuple(self.dilations))
        return np.reshape(z, (*x.shape[:2], *z.shape[2:]))


def average_pool(
    x: Any, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
    dilations: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    """The mean of each window."""
    pool = _Pool(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode)
    if pool.even and set(pool.dilations) == {1}:
        padding, d = tuple(low for low, _ in pool.pads), x.ndim - 2
        include = bool(count_include_pad)
        return _by_axes("avg_pool", d)(x, tuple(kernel_shape), tuple(pool.strides), padding, count_include_pad=include)
    ones = as_constant(np.ones((1, 1, *x.shape[2:]), x.dtype))
    counted = _filled(_filled(ones, pool.pads, 1 if count_include_pad else 0), pool.more)
    return pool.sum(_filled(_filled(x, pool.pads), pool.more)) / pool.sum(counted)


def max_pool(
    x: Any, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0, dilations: Any = None, pads: Any = None,
    storage_order: int = 0, strides: Any = None, outputs: int = 1,
) -> Any:  # fmt: skip
    """The largest element of each window, and its place in the whole tensor."""
    pool, d = _Pool(x, kernel_shape, strides, pads, dilations, auto_pad, ceil_mode), x.ndim - 2
    function, settings = _by_axes("max_pool", d), (tuple(kernel_shape), tuple(pool.strides))
    padding: Any = 0
    if pool.even:
        padding = tuple(low for low, _ in pool.pads)
    least = -inf if np.dtype(x.dtype).kind == "f" else np.iinfo(x.dtype).min
    wide = x if pool.even else _filled(_filled(x, pool.pads, least), pool.more, least)
    if outputs == 1:
        return function(wide, *settings, padding, tuple(pool.dilations)).astype(x.dtype)
    z, at = function(wide, *settings, padding, tuple(pool.dilations), return_indices=True)
    low = (0,) * d if pool.even else [pair[0] for pair in pool.pads]
    places = []
    for n in wide.shape[:1:-1]:
        places.append(at % n)
        at = at // n
    inside = [i - p for i, p in zip(places[::-1], low, strict=True)]
    steps = np.cumprod([1, *x.shape[2:]])[:-1] if storage_order else np.cumprod([1, *x.shape[:2:-1]])[::-1]
    flat = sum(i * int(s) for i, s in zip(inside, steps, strict=True))
    first = np.reshape(np.arange(prod(x.shape[:2])) * prod(x.shape[2:]), (*x.shape[:2], *(1,) * d))
    return z, flat + as_constant(first)


def fold(
    x: Any, *, image_shape: Any, block_shape: Any, dilations: Any = None, pads: Any = None, strides: Any = None
) -> Any:
    """Columns added up where their windows lie, in an image that is cut afterwards."""
    d = len(image_shape)
    if d != 2:
        raise ValueError(f"an image with {d} axes of places is not supported; 2 are")
    pads = tuple(pads or (0,) * 4)
    whole = tuple(n + pads[i] + pads[i + d] for i, n in enumerate(image_shape))
    z = F.fold(x, whole, tuple(block_shape), tuple(dilations or (1, 1)), 0, tuple(strides or (1, 1)))
    return z[(..., *(slice(pads[i], pads[i] + n) for i, n in enumerate(image_shape)))]


# resizing: along each axis a matrix, of which each row says how much of each element there is in a new one

_NEAREST = {
    "ceil": ceil, "floor": floor, "round_prefer_ceil": lambda p: floor(p + 0.5),
    "round_prefer_floor": lambda p: ceil(p - 0.5),
}  # fmt: skip


def _place(i: int, n: int, m: int, scale: float, roi: tuple[float, float], mode: str) -> float:
    """Where element i of m lies among n."""
    if mode == "half_pixel":
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        adjustment = m / (scale * n)
        return n / 2 * (1 - adjustment) + (i + 0.5) / scale - 0.5
    if mode == "pytorch_half_pixel":
        return (i + 0.5) / scale - 0.5 if m > 1 else 0.0
    if mode == "asymmetric":
        return i / scale
    if mode == "align_corners":
        return i * (n - 1) / (scale * n - 1) if scale * n != 1 else 0.0
    if mode == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    start, end = roi  # tf_crop_and_resize
    return start * (n - 1) + (i * (end - start) * (n - 1) / (m - 1) if m > 1 else (end - start) * (n - 1) / 2)


def _cubic(t: float, a: float) -> float:
    t = abs(t)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def _shares(p: float, n: int, mode: str, a: float, stretch: float, *, exclude: bool) -> np.ndarray[Any, Any]:
    """How much of each of n elements there is at the place p."""
    half = (1 if mode == "linear" else 2) / stretch
    near = range(ceil(p - half) if mode == "linear" or stretch < 1 else floor(p) - 1, floor(p + half) + 1)
    row = np.zeros(n)
    for j in near:
        t = (p - j) * stretch
        share = max(0.0, 1 - abs(t)) if mode == "linear" else _cubic(t, a)
        if 0 <= j < n or not exclude:
            row[min(max(j, 0), n - 1)] += share
    return row / row.sum() if exclude or stretch < 1 else row


def resize(
    x: Any, *, scales: Any = None, sizes: Any = None, roi: Any = None, mode: str = "nearest", axes: Any = None,
    coordinate_transformation_mode: str = "half_pixel", nearest_mode: str = "round_prefer_floor", antialias: int = 0,
    cubic_coeff_a: float = -0.75, exclude_outside: int = 0, extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch", since: int = 11,
) -> Any:  # fmt: skip
    """Longer or shorter along some axes: by the nearest element, or by lines or cubics through neighbours."""
    if since < 11:
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
        if mode == "nearest" and min(np.ravel(scales)) < 1:
            raise ValueError("opset 10 does not say which element is the nearest where there are to be fewer")
    axes = [a % x.ndim for a in (range(x.ndim) if axes is None else axes)]
    old = [x.shape[a] for a in axes]
    if sizes is None or not np.size(sizes):
        factors = [float(s) for s in np.ravel(scales)]
        new = [floor(n * f) for n, f in zip(old, factors, strict=True)]
    else:
        new = [int(n) for n in np.ravel(sizes)]
        factors = [m / n for n, m in zip(old, new, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            one = (min if keep_aspect_ratio_policy == "not_larger" else max)(factors)
            factors, new = [one] * len(old), [floor(n * one + 0.5) for n in old]
    parts = (
        [0.0] * len(axes) + [1.0] * len(axes) if roi is None or not np.size(roi) else [float(r) for r in np.ravel(roi)]
    )
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    for k, (axis, n, m, factor) in enumerate(zip(axes, old, new, factors, strict=True)):
        if m == n and factor == 1 and not crop:
            continue
        section = parts[k], parts[k + len(axes)]
        places = [_place(i, n, m, factor, section, coordinate_transformation_mode) for i in range(m)]
        if mode == "nearest":
            at = [min(max(_NEAREST[nearest_mode](p), 0), n - 1) for p in places]
            x_new = np.take(x, as_constant(np.asarray(at, np.int64)), axis=axis)
        else:
            stretch = min(1.0, factor) if antialias else 1.0
            way: dict[str, Any] = {"a": cubic_coeff_a, "stretch": stretch, "exclude": bool(exclude_outside)}
            w = np.stack([_shares(p, n, mode, **way) for p in places]).astype(x.dtype)
            x_new = np.moveaxis(np.matmul(np.moveaxis(x, axis, -1), as_constant(w.T)), -1, axis)
        if crop:
            shape = [m if a == axis else 1 for a in range(x.ndim)]
            outside = as_constant(np.reshape([not 0 <= p <= n - 1 for p in places], shape))
            x_new = np.where(outside, np.dtype(x.dtype).type(extrapolation_value), x_new)
        x = x_new
    return x


def upsample(x: Any, *, scales: Any, mode: str = "nearest") -> Any:
    """The older form of `resize`."""
    return resize(x, scales=scales, mode=mode, since=10)
