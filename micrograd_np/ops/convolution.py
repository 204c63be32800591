"""Convolution and its two adjoints: three bilinear maps, each the derivative of the others.

With x an image, w a kernel and y a result, each of `convolve` (x, w → y), `convolve_back` (y, w → x) and
`convolve_weight` (x, y → w) is linear in both arguments, and the derivative of each by either is one of the other two.

Inside, arrays lie (channels, *lengths, n): the samples innermost. Then the copying of windows into columns and the
adding of columns back move runs of n · width numbers instead of width (measured: 2 to 4 times as fast), one matrix
product serves all samples, and results stay in that layout, seen through a transpose, from layer to layer. Columns are
never whole: along the first axis the windows of neighbouring rows overlap in memory, which a matrix product does not
mind, so that only the other axes cost a copy. The number of groups follows from the shapes: channels of x over channels
of w.
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
_BLOCK = 1 << 20  # windows are copied in blocks of about so many numbers, to stay in cache
_BLOCKS = 16  # but in no more blocks than that, to keep emitted programs short
_SAMPLES = 32  # with so many samples one product for each place beats one for each row of places, if it is
_PRODUCT = range(1 << 16, 1 << 18)  # of so many multiplications: OpenBLAS neither packs such a product nor splits it


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


def _blocks(rows: int, numbers: int) -> Iterator[slice]:
    """Slices of `rows` with at most a block of all `numbers` in each, or a `_BLOCKS`-th of the rows."""
    step = max(1, -(-rows // _BLOCKS), rows * _BLOCK // max(1, numbers))
    return (slice(start, min(rows, start + step)) for start in range(0, rows, step))


def _apart(n: int, weights: int) -> bool:
    """Whether each place gets a product of its own, of n columns, rather than each row of places one of places · n."""
    return n >= _SAMPLES and n * weights in _PRODUCT


def _overlapping(xp: Any, z: Any, kernel: int, stride: int, dilation: int) -> Any:
    """(g, b, length, c, q), C-contiguous, as (g, b, rows, kernel · c, q): without dilation the windows share memory."""
    g, b, length, c, q = z.shape
    rows = (length - dilation * (kernel - 1) - 1) // stride + 1
    steps = (*z.strides[:2], stride * z.strides[2], dilation * z.strides[2], *z.strides[3:])
    z = xp.lib.stride_tricks.as_strided(z, (g, b, rows, kernel, c, q), steps)  # a third of sliding_window_view's time
    if dilation > 1 and kernel > 1:
        z = xp.ascontiguousarray(z)
    return xp.reshape(z, (g, b, rows, kernel * c, q))


def _windows(
    xp: Any, x: Any, rows: slice, groups: int, kernel: Lengths, stride: Lengths, dilation: Lengths, apart: bool
) -> Any:
    """What windows in some rows of places see of (c, *padded lengths, n), as (g, 1, rows, k, other places · n).

    If `apart`, (g, other places, rows, k, n). Copied is only what lies along all axes but the first: along that one the
    windows of the next row are the same memory a row on. So k runs over the kernel's first axis, channels, other axes.
    """
    d, c, n = len(kernel), x.shape[0], x.shape[-1]
    first = rows.start * stride[0]
    x = x[:, first : first + (rows.stop - rows.start - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1]
    z = sliding(xp, x, kernel[1:], stride[1:], dilation[1:], 2)  # (c, length, *kernel, *others, n)
    others = z.shape[d + 1 : 2 * d]
    z = xp.reshape(z, (groups, c // groups, *z.shape[1:]))
    seen, at = range(3, d + 2), range(d + 2, 2 * d + 1)
    z = xp.transpose(z, (0, *at, 2, 1, *seen, 2 * d + 1) if apart else (0, 2, 1, *seen, *at, 2 * d + 1))
    k, (b, q) = c // groups * prod(kernel[1:]), (prod(others), n) if apart else (1, prod(others) * n)
    z = xp.reshape(xp.ascontiguousarray(z), (groups, b, x.shape[1], k, q))
    return _overlapping(xp, z, kernel[0], stride[0], dilation[0])


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
    groups, m, k = c // per_group, o * per_group // c, per_group * prod(kernel)
    places = positions(x.shape[2:], kernel, stride, padding, dilation)
    apart = _apart(n, m * k)
    x = _inward(xp, x, padding)
    w = xp.reshape(weight, (groups, m, *weight.shape[1:]))
    w = xp.reshape(xp.swapaxes(w, 2, 3), (groups, 1, 1, m, k))  # first axis of the kernel before the channels
    b, q = (prod(places[1:]), n) if apart else (1, prod(places[1:]) * n)
    z = xp.empty((groups, m, places[0], b, q), dtype=xp.result_type(x, weight))
    for block in _blocks(places[0], k // kernel[0] * prod(places) * n):
        windows = _windows(xp, x, block, groups, kernel, stride, dilation, apart)
        xp.matmul(w, windows, out=xp.transpose(z[:, :, block], (0, 3, 2, 1, 4)))
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
    d, rows, k = len(kernel), places[0], 1
    w = xp.reshape(weight, (groups, m, per_group, *kernel))
    if kernel[0] > 1 == stride[0] and lengths[0] <= 2 * rows:  # products sum along the first axis, last place first
        rows, k, before = lengths[0], kernel[0], padding[0][0]
        w = xp.transpose(w[:, :, :, ::-1], (0, 2, *range(4, d + 3), 3, 1))
        kernel, padding = (1, *kernel[1:]), ((0, 0), *padding[1:])
    else:
        w = xp.transpose(w, (0, 2, *range(3, d + 3), 1))
    columns_of = per_group * prod(kernel)
    apart = _apart(n, columns_of * k * m)
    b, q = (prod(places[1:]), n) if apart else (1, prod(places[1:]) * n)
    w = xp.reshape(w, (groups, 1, 1, columns_of, k * m))
    y = xp.reshape(xp.transpose(x, (*range(1, d + 2), 0)), (groups, m, *places, n))
    others, at = range(3, d + 2), d if apart else 1
    y = xp.transpose(y, (0, *others, 2, 1, d + 2) if apart else (0, 2, 1, *others, d + 2))
    length = rows + dilation[0] * (k - 1)
    if k > 1:
        ahead = dilation[0] * (k - 1) - before
        start, stop = max(0, -ahead), min(places[0], rows + before)  # what of the places is seen at all
        front = (_ALL,) * at
        z = xp.zeros((*y.shape[:at], length, *y.shape[at + 1 :]), dtype=y.dtype)
        xp.copyto(z[(*front, slice(start + ahead, stop + ahead))], y[(*front, slice(start, stop))])
        y = z
    y = xp.reshape(xp.ascontiguousarray(y), (groups, b, length, m, q))
    y = _overlapping(xp, y, k, 1, dilation[0])
    columns = xp.empty((groups, columns_of, rows, b, q), dtype=xp.result_type(x, weight))
    xp.matmul(w, y, out=xp.transpose(columns, (0, 3, 2, 1, 4)))
    tail = (rows, *places[1:], n)
    columns = xp.reshape(columns, (c, *kernel, *tail))
    if prod(kernel) == 1 == max(stride) and not any(map(any, padding)):  # one each
        z = xp.reshape(columns, (c, *tail))
    else:
        wide = tuple(length + low + high for length, (low, high) in zip(lengths, padding, strict=True))
        z = xp.zeros((c, *wide, n), dtype=columns.dtype)
        lay(xp, z, columns, kernel, stride, dilation, 1)
        z = z[(_ALL, *interior(padding, lengths))]
    return _outward(xp, out, z)


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
    groups, m, k = c // per_group, o * per_group // c, per_group * prod(kernel)
    places = y.shape[2:]
    q = prod(places[1:]) * n
    x = _inward(xp, x, padding)
    y = xp.reshape(_inward(xp, y, ((0, 0),) * len(kernel)), (groups, m, places[0], 1, q))
    total = None
    for block in _blocks(places[0], max(k // kernel[0] * q, k * m) * places[0]):
        windows = _windows(xp, x, block, groups, kernel, stride, dilation, apart=False)
        z = xp.matmul(windows, xp.transpose(y[:, :, block], (0, 3, 2, 4, 1)))  # (g, 1, rows, k, m)
        z = xp.add.reduce(z, axis=(1, 2))
        total = z if total is None else xp.add(total, z, out=total)
    z = xp.reshape(total, (groups, kernel[0], per_group, *kernel[1:], m))
    z = xp.reshape(xp.transpose(z, (0, z.ndim - 1, 2, 1, *range(3, z.ndim - 1))), shape)
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
