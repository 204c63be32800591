"""Convolution and its two adjoints: three bilinear maps, each the derivative of the others.

With x an image, w a kernel and y a result, each of `convolve` (x, w → y), `convolve_back` (y, w → x) and
`convolve_weight` (x, y → w) is linear in both arguments, and the derivative of each by either is one of the other two.

Inside, arrays lie (channels, *lengths, n): the samples innermost. Then the copying of windows into columns and the
adding of columns back move runs of n · width numbers instead of width (measured: 2 to 4 times as fast), one matrix
product serves all samples, and results stay in that layout, seen through a transpose, from layer to layer. The number
of groups follows from the shapes: channels of x over channels of w.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from micrograd_np.primitive import primitive

from .domains import REALS
from .windows import Lengths, Padding, interior, lay, padded, positions, sliding

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALL = slice(None)
_BLOCK = 1 << 20  # columns are made in blocks of about so many numbers, to stay in cache
_SMALL_BLOCK = 1 << 17  # the same for kernels with few weights, whose products gain nothing by size: a fifth quicker
_BLOCKS = 16  # but in no more blocks than that, to keep emitted programs short
_FEW = 512  # kernels with fewer weights: one product per row of places beats one for all (BLAS need not pack)


def _inward(xp: Any, x: Any, padding: Padding) -> Any:
    """(n, c, *lengths) as (c, *padded lengths, n) in memory of that order."""
    z = xp.transpose(x, (*range(1, x.ndim), 0))
    return padded(xp, z, padding, 1) if any(map(any, padding)) else xp.ascontiguousarray(z)


def _outward(xp: Any, out: Any, z: Any) -> Any:
    """(c, *lengths, n) as (n, c, *lengths): a view, unless it has to go to `out`."""
    z = xp.transpose(z, (z.ndim - 1, *range(z.ndim - 1)))
    if out is ...:
        return z
    xp.copyto(out, z)
    return out


def _blocks(rows: int, numbers: int, weights: int) -> Iterator[slice]:
    """Slices of `rows` with at most a block of all `numbers` in each, or a `_BLOCKS`-th of the rows."""
    most = _BLOCK if weights >= _FEW else _SMALL_BLOCK
    step = max(1, -(-rows // _BLOCKS), rows * most // max(1, numbers))
    return (slice(start, min(rows, start + step)) for start in range(0, rows, step))


def _multiply(xp: Any, w: Any, x: Any, out: Any) -> None:
    """out = w @ x, group by group: (g,m,k), (g,k,rows,q) -> (g,m,rows,q)."""
    groups, m, k = w.shape
    rows, q = x.shape[2:]
    if m * k >= _FEW:  # one product for all rows
        x = xp.reshape(x, (groups, k, 1, rows * q))
        out = xp.reshape(out, (groups, m, 1, rows * q))  # a view: rows follow one another also in a block of them
    xp.matmul(xp.reshape(w, (groups, 1, m, k)), xp.transpose(x, (0, 2, 1, 3)), out=xp.transpose(out, (0, 2, 1, 3)))


_STATICS = {"stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)}
_EXAMPLES = (_STATICS, {"stride": (1, 1), "padding": ((1, 1), (1, 2)), "dilation": (2, 1)})


@primitive(
    "{x} ∗ {weight}", domain=(REALS, REALS), shape="(2,4,6,7),(6,2,3,2)->(2,6,3,6)", examples=_EXAMPLES, onnx="Conv"
)
def convolve(xp: Any, out: Any, x: Any, weight: Any, *, stride: Lengths, padding: Padding, dilation: Lengths) -> Any:
    """Σ x[p · stride + k · dilation] weight[k], the sliding product: (n,c,*in), (o,c/groups,*k) -> (n,o,*out)."""
    n, c = x.shape[:2]
    o, per_group = weight.shape[:2]
    kernel = weight.shape[2:]
    groups = c // per_group
    places = positions(x.shape[2:], kernel, stride, padding, dilation)
    rows, q = places[0], prod(places[1:]) * n
    windows = sliding(xp, _inward(xp, x, padding), kernel, stride, dilation, 1)
    w = xp.reshape(weight, (groups, o // groups, per_group * prod(kernel)))
    z = xp.empty((groups, o // groups, rows, q), dtype=xp.result_type(x, weight))
    before = (_ALL,) * (1 + len(kernel))
    for block in _blocks(rows, windows.size, w.size // groups):
        columns = xp.ascontiguousarray(windows[(*before, block)])
        columns = xp.reshape(columns, (groups, w.shape[2], block.stop - block.start, q))
        _multiply(xp, w, columns, z[:, :, block])
    return _outward(xp, out, xp.reshape(z, (o, *places, n)))


@primitive(
    "{x} ∗ᵀ {weight}",
    domain=(REALS, REALS),
    shape="(2,6,3,6),(6,2,3,2)->(2,4,6,7)",
    examples=({**_STATICS, "shape": (4, 6, 7)},),
    onnx="ConvTranspose",
)
def convolve_back(
    xp: Any,
    out: Any,
    x: Any,
    weight: Any,
    *,
    shape: Lengths,
    stride: Lengths,
    padding: Padding,
    dilation: Lengths,
) -> Any:
    """The adjoint of `convolve` in its image: what each place of `x` saw gets its share, (n,o,*out) -> (n, *shape)."""
    n, o = x.shape[:2]
    per_group, kernel = weight.shape[1], weight.shape[2:]
    c, lengths = shape[0], shape[1:]
    groups, m = c // per_group, o * per_group // c
    places = positions(lengths, kernel, stride, padding, dilation)
    if places != x.shape[2:]:
        message = f"an image of {lengths} has {places} places for this window, but x has {x.shape[2:]}."
        raise ValueError(message)
    y = _inward(xp, x, ((0, 0),) * len(kernel))
    w = xp.reshape(weight, (groups, m, per_group, *kernel))
    last, width = kernel[-1], lengths[-1]
    spread = 3 * c * last * prod(kernel[:-1]) * places[-1]
    tail: Lengths
    narrow = stride[-1] == 1 and (o * last + 2 * c * prod(kernel[:-1])) * width < spread
    if narrow:  # gather along the last axis, which the product sums, and only add up along the others
        y = _reversed_windows(xp, y, last, width, padding[-1][0], dilation[-1])
        w = xp.transpose(w[..., ::-1], (0, 2, *range(3, w.ndim - 1), 1, w.ndim - 1))  # (g, c/g, *rest, m, last)
        k, tail = m * last, (width, n)
        kernel, stride, dilation = kernel[:-1], stride[:-1], dilation[:-1]
        padding, lengths, places = padding[:-1], lengths[:-1], places[:-1]
    else:
        w = xp.transpose(w, (0, 2, *range(3, w.ndim), 1))
        k, tail = m, (n,)
    rows_shape = (*places, *tail)
    rows, q = (rows_shape[0], prod(rows_shape[1:])) if places else (1, prod(rows_shape))
    w = xp.reshape(w, (groups, per_group * prod(kernel), k))
    columns = xp.empty((groups, w.shape[1], rows, q), dtype=xp.result_type(x, weight))
    _multiply(xp, w, xp.reshape(y, (groups, k, rows, q)), columns)
    columns = xp.reshape(columns, (c, *kernel, *rows_shape))
    if prod(kernel) == 1 == max((*stride, 1)) and not any(map(any, padding)):  # each place saw one element
        z = xp.reshape(columns, (c, *rows_shape))
    else:
        wide = tuple(length + low + high for length, (low, high) in zip(lengths, padding, strict=True))
        z = xp.zeros((c, *wide, *tail), dtype=columns.dtype)
        lay(xp, z, columns, kernel, stride, dilation, 1)
        z = z[(_ALL, *interior(padding, lengths))]
    return _outward(xp, out, z)


def _reversed_windows(xp: Any, y: Any, k: int, width: int, low: int, dilation: int) -> Any:
    """(o, …, places, n) as (o, k, …, width, n): for each position the places whose windows see it, last first."""
    shift = low - dilation * (k - 1)
    start, stop = max(0, shift), min(y.shape[-2], width + low)  # what of the places is seen at all
    wide = xp.zeros((*y.shape[:-2], width + dilation * (k - 1), y.shape[-1]), dtype=y.dtype)
    xp.copyto(wide[..., start - shift : stop - shift, :], y[..., start:stop, :])
    z = sliding(xp, wide, (k,), (1,), (dilation,), y.ndim - 2)  # (o, …, k, width, n)
    return xp.ascontiguousarray(xp.moveaxis(z, -3, 1))


@primitive(
    "Σ {x} ⊗ {y}",
    domain=(REALS, REALS),
    shape="(2,4,6,7),(2,6,3,6)->(6,2,3,2)",
    examples=({**_STATICS, "shape": (6, 2, 3, 2)},),
)
def convolve_weight(
    xp: Any, out: Any, x: Any, y: Any, *, shape: Lengths, stride: Lengths, padding: Padding, dilation: Lengths
) -> Any:
    """The adjoint of `convolve` in its kernel: Σ over samples and places of what was seen times `y`, of `shape`."""
    n, c = x.shape[:2]
    (o, per_group), kernel = shape[:2], shape[2:]
    groups, places = c // per_group, y.shape[2:]
    rows, q = places[0], prod(places[1:]) * n
    windows = sliding(xp, _inward(xp, x, padding), kernel, stride, dilation, 1)
    k, m = per_group * prod(kernel), o // groups
    y = xp.reshape(_inward(xp, y, ((0, 0),) * len(kernel)), (groups, m, rows, q))
    total = None
    before = (_ALL,) * (1 + len(kernel))
    for block in _blocks(rows, windows.size, m * k):
        columns = xp.ascontiguousarray(windows[(*before, block)])
        count = block.stop - block.start
        columns, part = xp.reshape(columns, (groups, k, count, q)), y[:, :, block]
        if m * k >= _FEW:
            columns, part = xp.reshape(columns, (groups, k, 1, count * q)), xp.reshape(part, (groups, m, 1, count * q))
        z = xp.matmul(xp.transpose(columns, (0, 2, 1, 3)), xp.transpose(part, (0, 2, 3, 1)))  # (g, rows, k, m)
        z = xp.add.reduce(z, axis=1) if z.shape[1] > 1 else xp.reshape(z, (groups, k, m))
        total = z if total is None else xp.add(total, z, out=total)
    z = xp.reshape(xp.transpose(total, (0, 2, 1)), shape)
    if out is ...:
        return z
    xp.copyto(out, z)
    return out


convolve.vjp(
    x=lambda g, z, x, weight, **geometry: convolve_back(g, weight, shape=x.shape[1:], **geometry),
    weight=lambda g, z, x, weight, **geometry: convolve_weight(x, g, shape=weight.shape, **geometry),
)
convolve_back.vjp(
    x=lambda g, z, x, weight, shape, **geometry: convolve(g, weight, **geometry),
    weight=lambda g, z, x, weight, shape, **geometry: convolve_weight(g, x, shape=weight.shape, **geometry),
)
convolve_weight.vjp(
    x=lambda g, z, x, y, shape, **geometry: convolve_back(y, g, shape=x.shape[1:], **geometry),
    y=lambda g, z, x, y, shape, **geometry: convolve(x, g, **geometry),
)


@convolve.advise
def _advice(x: Lengths, weight: Lengths, stride: Lengths, padding: Padding, dilation: Lengths) -> str | None:
    try:
        positions(x[2:], weight[2:], stride, padding, dilation)
    except ValueError as error:
        return str(error)
    return None
