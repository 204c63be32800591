"""Convolution and pooling; in float64, one slice for each element of the kernel."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from micrograd_np.ops.fused.pooling import bins, window_sizes
from micrograd_np.ops.fused.windows import Geometry, positions

from ..graph import Graph
from ..sizes import Size
from .table import operator


def _pads(padding: Any) -> list[int]:
    return [int(low) for low, _ in padding] + [int(high) for _, high in padding]


def _steps(g: Graph, name: str, kernel: Any, stride: Any, dilation: Any, places: Any) -> list[tuple[Any, str]]:
    """For each element of a kernel: its position, and what lies under it at all places."""
    steps = []
    for at in product(*map(range, kernel)):
        parts = [
            (axis + 2, slice(k * d, k * d + (p - 1) * s + 1, s))
            for axis, (k, d, s, p) in enumerate(zip(at, dilation, stride, places, strict=True))
        ]
        steps.append((at, g.slice(name, parts)))
    return steps


def _padded(g: Graph, name: str, padding: Any, value: float) -> str:
    pads = [0, 0, *(low for low, _ in padding), 0, 0, *(high for _, high in padding)]
    return g.node("Pad", name, g.sizes(pads), g.constant(float(value))) if any(pads) else name


@operator("primitive.convolve")
def _convolve(g: Graph, x: Any, weight: Any, *, stride: Any, padding: Any, dilation: Any) -> str:
    group = x.shape[1] // weight.shape[1]
    g.require_fixed(weight, range(len(weight.shape)))
    if not g.double:
        return g.node(
            "Conv", g.of(x), g.of(weight), strides=list(stride), pads=_pads(padding), dilations=list(dilation),
            group=group, hint=g.hint,
        )  # fmt: skip
    g.require_fixed(g.result, range(2, len(g.result.shape)))
    places, lengths = g.result.shape[2:], g.shapes(g.result)
    n, wide = lengths[0], math.prod(places)
    total = ""
    for at, part in _steps(g, _padded(g, g.of(x), padding, 0), weight.shape[2:], stride, dilation, places):
        rows = g.reshape(part, [n, group, weight.shape[1], wide])
        matrix = g.reshape(_cut(g, weight, at), [group, weight.shape[0] // group, weight.shape[1]])
        term = g.node("MatMul", matrix, rows)
        total = g.node("Add", total, term) if total else term
    return g.reshape(total, lengths, g.hint)


@operator("primitive.convolve_back")
def _convolve_back(g: Graph, x: Any, weight: Any, *, shape: Any, stride: Any, padding: Any, dilation: Any) -> str:
    group = g.result.shape[1] // weight.shape[1]
    g.require_fixed(weight, range(len(weight.shape)))
    if g.double:
        g.require_fixed(x, range(2, len(x.shape)))
        n, wide = g.shapes(x)[0], math.prod(x.shape[2:])
        rows, parts = g.reshape(g.of(x), [n, group, x.shape[1] // group, wide]), []
        for at in product(*map(range, weight.shape[2:])):
            matrix = g.reshape(_cut(g, weight, at), [group, x.shape[1] // group, weight.shape[1]])
            part = g.node("MatMul", g.node("Transpose", matrix, perm=[0, 2, 1]), rows)
            parts.append((at, g.reshape(part, [n, g.result.shape[1], *x.shape[2:]])))
        return _placed(g, parts, x.shape[2:], stride, padding, dilation)
    rest = [
        length + -1 * (s * (n + -1) + d * (k - 1) + (1 - low - high))
        for length, n, k, s, d, (low, high) in zip(
            g.shapes(g.result)[2:], g.shapes(x)[2:], weight.shape[2:], stride, dilation, padding, strict=True
        )
    ]
    if any(isinstance(n, Size) for n in rest):
        raise g.refuse("needs axes of a fixed length here; leave them out of dynamic")
    return g.node(
        "ConvTranspose", g.of(x), g.of(weight), strides=list(stride), pads=_pads(padding), dilations=list(dilation),
        output_padding=rest, group=group, hint=g.hint,
    )  # fmt: skip


def _reaching(
    g: Graph, x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> list[tuple[int, int]]:  # fmt: skip
    """The padding with which windows reach all places: one may hang over the edge."""
    places, lengths = (g.shapes(v)[-len(kernel) :] for v in (g.result, x))
    reach = []
    for p, n, k, s, (low, high), d in zip(places, lengths, kernel, stride, padding, dilation, strict=True):
        over = (p + -1) * s + n * -1 + (d * (k - 1) + 1 - low)
        if any(m > high for m in getattr(over, "values", ())):
            raise g.refuse("needs axes of a fixed length here; leave them out of dynamic")
        reach.append((low, max(high, int(over))))
    return reach


def _image(g: Graph, x: Any, kernel: Any) -> str:
    """`x` as (n, c, *lengths), whatever comes before the lengths."""
    shape = g.shapes(x)
    before = len(shape) - len(kernel)
    return g.of(x) if before == 2 else g.reshape(g.of(x), [1, math.prod(shape[:before]), *shape[before:]])


def _pooled(g: Graph, x: Any, kernel: Any, name: str) -> str:
    """The result of a pool of `_image`, in the shape that it has."""
    return name if len(x.shape) - len(kernel) == 2 else g.reshape(name, g.shapes(g.result))


@operator("primitive.max_pool")
def _max_pool(g: Graph, x: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, places: Any) -> str:
    reach = _reaching(g, x, kernel, stride, padding, dilation)
    image = _image(g, x, kernel)
    if g.double or reach != list(padding):
        g.require_fixed(x, range(len(x.shape) - len(kernel), len(x.shape)))
    if g.double or any(high >= k for (_, high), k in zip(reach, kernel, strict=True)):  # which runtimes refuse
        image, reach = _padded(g, image, reach, -np.inf), [(0, 0)] * len(kernel)
    if g.double:
        parts = _steps(g, image, kernel, stride, dilation, places)
        return _pooled(g, x, kernel, g.node("Max", *(part for _, part in parts)))
    settings: dict[str, Any] = {
        "kernel_shape": list(kernel),
        "strides": list(stride),
        "pads": _pads(reach),
        "dilations": list(dilation),
    }
    return _pooled(g, x, kernel, g.node("MaxPool", image, **settings))


@operator("primitive.avg_pool")
def _avg_pool(g: Graph, x: Any, *, kernel: Any, stride: Any, padding: Any, places: Any, divide: Any) -> str:
    ones = (1,) * len(kernel)
    reach = _reaching(g, x, kernel, stride, padding, ones)
    lengths = x.shape[-len(kernel) :]
    divisors = window_sizes(Geometry(lengths, kernel, stride, padding, ones, places), divide, np.float64)
    image, size = _image(g, x, kernel), math.prod(kernel)
    if g.double or np.size(divisors) > 1 or reach != list(padding):
        g.require_fixed(x, range(len(x.shape) - len(kernel), len(x.shape)))
    if g.double:
        parts = _steps(g, _padded(g, image, reach, 0), kernel, stride, ones, places)
        total = g.node("Sum", *(part for _, part in parts))
    else:
        settings: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(stride), "pads": _pads(reach)}
        total, divisors = g.node("AveragePool", image, count_include_pad=1, **settings), divisors / size
    if not np.all(divisors == 1):
        total = g.node("Div", total, g.constant(np.asarray(divisors, np.float64)))
    return _pooled(g, x, kernel, total)


@operator("primitive.bin_means")
def _bin_means(g: Graph, x: Any, *, size: int, axis: int) -> str:
    axis = axis % len(x.shape)
    if size == 1:
        return g.node("ReduceMean", g.of(x), g.sizes([axis]), keepdims=1)
    g.require_fixed(x, [axis])
    parts = [g.slice(g.of(x), [(axis, where)]) for where in bins(x.shape[axis], size)]
    means = [g.node("ReduceMean", part, g.sizes([axis]), keepdims=1) for part in parts]
    return g.node("Concat", *means, axis=axis, hint=g.hint)


@operator("primitive.unfold")
def _unfold(g: Graph, x: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any) -> str:
    places = positions(x.shape[2:], kernel, stride, padding, dilation)
    g.require_fixed(x, range(2, len(x.shape)))
    parts = [part for _, part in _steps(g, _padded(g, g.of(x), padding, 0), kernel, stride, dilation, places)]
    columns = [g.axes(part, [2], "Unsqueeze") for part in parts]
    return g.reshape(g.node("Concat", *columns, axis=2), g.shapes(g.result), g.hint)


@operator("primitive.fold")
def _fold(
    g: Graph, x: Any, *, lengths: Any, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> str:  # fmt: skip
    g.require_fixed(x, range(2, len(x.shape)))
    if g.double:
        places = positions(lengths, kernel, stride, padding, dilation)
        n, channels = g.shapes(g.result)[:2]
        rows = g.reshape(g.of(x), [n, channels, math.prod(kernel), *places])
        parts = [
            (at, g.axes(g.slice(rows, [(2, slice(i, i + 1))]), [2], "Squeeze"))
            for i, at in enumerate(product(*map(range, kernel)))
        ]
        return _placed(g, parts, places, stride, padding, dilation)
    return g.node(
        "Col2Im", g.of(x), g.sizes(lengths), g.sizes(kernel), strides=list(stride), pads=_pads(padding),
        dilations=list(dilation), hint=g.hint,
    )  # fmt: skip


def _cut(g: Graph, weight: Any, at: Any) -> str:
    """One element of a kernel, for all channels."""
    return g.slice(g.of(weight), [(axis + 2, slice(k, k + 1)) for axis, k in enumerate(at)])


def _placed(g: Graph, parts: Any, places: Any, stride: Any, padding: Any, dilation: Any) -> str:
    """The sum of what lies under each element of a kernel, (n, c, *places), put where it belongs."""
    shape, terms = g.shapes(g.result), []
    wide = [n * s for n, s in zip(places, stride, strict=True)]
    for at, part in parts:
        starts = [k * d - low for k, d, (low, _) in zip(at, dilation, padding, strict=True)]
        spread = part
        if any(s > 1 for s in stride):  # with zeros in between
            split = g.reshape(part, [*shape[:2], *(m for n in places for m in (n, 1))])
            zeros = [0] * (2 + 2 * len(places) + 2) + [m for s in stride for m in (0, s - 1)]
            spread = g.reshape(g.node("Pad", split, g.sizes(zeros), g.constant(0.0)), [*shape[:2], *wide])
        ends = [n - m - start for n, m, start in zip(g.result.shape[2:], wide, starts, strict=True)]
        cuts = [slice(max(0, -a), m + min(0, b)) for a, b, m in zip(starts, ends, wide, strict=True)]
        inside = g.slice(spread, [(i + 2, cut) for i, cut in enumerate(cuts)])
        terms.append(_padded(g, inside, [(max(0, a), max(0, b)) for a, b in zip(starts, ends, strict=True)], 0))
    return g.node("Sum", *terms, hint=g.hint)
