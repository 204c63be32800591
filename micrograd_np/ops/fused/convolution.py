"""Convolution and its two adjoints: three bilinear maps, each the derivative of the others.

With x an image, w a kernel and y a result, each of `convolve` (x, w → y), `convolve_back` (y, w → x) and
`convolve_weight` (x, y → w) is linear in both arguments, and the derivative of each by either is one of the other two.

The kernels compute on arrays (channels, *lengths, n), samples innermost. Then copying windows into columns and adding
columns back move runs of n · width numbers instead of width (measured: 2 to 4 times as fast), and results keep that
layout from layer to layer, behind a transpose. The number of groups is the channels of x over the channels of w; if it
is one, arrays have no axis for it.

The sum is split into matrix products in one of three ways, chosen by measurement:

- *whole*: one product, with a column for every window. For short rows of places.
- *rows*: one for each row of places. Along the first axis the windows of neighbouring rows overlap in memory, which a
  matrix product allows, so that only the other axes need a copy.
- *places*: one for each place in a row and each row, on columns that overlap in the same way. For many samples.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.routine import stored

from .windows import Lengths, Padding, interior, lay, misfit, padded, positions, sliding, widened

_ALL = slice(None)
_BLOCK = 1 << 20  # windows are copied in blocks of about as many numbers, to stay in cache
_BLOCKS = 16  # at most so many blocks, to keep emitted programs short
_FEW = 16  # columns in a product for one row of places; with so few, it is mostly the packing of its weights
_SAMPLES = 32  # with so many samples one product for each place beats one for each row of places, if it is
_PRODUCT = range(1 << 16, 1 << 18)  # of so many multiplications: OpenBLAS neither packs such a product nor splits it


def _cut(n: int, places: int, weights: int, kernel: Lengths) -> str:
    """How the sum is split, for `n` samples, `places` in a row, and `weights` in a group."""
    if n * places <= _FEW:
        return "whole"
    if n >= _SAMPLES and n * weights in _PRODUCT:
        return "places"
    return "rows" if prod(kernel) > 1 else "whole"


def _blocks(rows: int, numbers: int) -> Iterator[slice]:
    """Slices of `rows` with at most a block of all `numbers` in each, or a `_BLOCKS`-th of the rows."""
    step = max(1, -(-rows // _BLOCKS), rows * _BLOCK // max(1, numbers))
    return (slice(start, min(rows, start + step)) for start in range(0, rows, step))


def _of(x: Any, rows: slice, axis: int) -> Any:
    """Some rows along an axis; `x` itself where these are all."""
    if rows == slice(0, x.shape[axis]):
        return x
    return x[(*(_ALL,) * axis, rows)] if axis else x[rows]


def _inward(xp: Any, x: Any, padding: Padding) -> Any:
    """(n, c, *lengths) as (c, *padded lengths, n) in memory of that order."""
    image = x.transpose((*range(1, x.ndim), 0))
    return padded(xp, image, padding, 1) if any(map(any, padding)) else xp.ascontiguousarray(image)


def _room(xp: Any, out: Any, shape: Lengths, dtype: Any, *inputs: Any, zero: bool = False) -> Any:
    """Memory for a result (c, *lengths, n): that of `out` if it has this layout and shares none with the inputs."""
    if out is not ...:
        z = out.transpose((*range(1, out.ndim), 0))
        if z.flags.c_contiguous and z.dtype == dtype and not any(xp.may_share_memory(z, x) for x in inputs):
            if zero:
                xp.copyto(z, 0)
            return z
    return (xp.zeros if zero else xp.empty)(shape, dtype=dtype)


def _outward(xp: Any, out: Any, z: Any) -> Any:
    """(c, *lengths, n) as (n, c, *lengths): a view, or a copy in `out` where it is not there already."""
    if out is not ... and xp.may_share_memory(out, z):
        return out
    z = z.transpose((z.ndim - 1, *range(z.ndim - 1)))
    if out is ...:
        return z
    xp.copyto(out, z)
    return out


def _seen(image: Any, rows: slice, kernel: Lengths, stride: Lengths, dilation: Lengths) -> Any:
    """The part of (c, *padded lengths, n) that the windows in some rows of places cover."""
    reach = (kernel[0] - 1) * dilation[0] + 1
    if rows.start == 0 and rows.stop * stride[0] + reach > image.shape[1]:
        return image  # these are all rows
    return image[:, rows.start * stride[0] : (rows.stop - 1) * stride[0] + reach]


def _columns(xp: Any, image: Any, rows: slice, kernel: Lengths, stride: Lengths, dilation: Lengths) -> Any:
    """The windows in some rows of places, whole: (c, *kernel, rows, *other places, n)."""
    windows = sliding(xp, _seen(image, rows, kernel, stride, dilation), kernel, stride, dilation, 1)
    return xp.ascontiguousarray(windows)


def _windows(
    xp: Any, image: Any, rows: slice, groups: int, kernel: Lengths, stride: Lengths, dilation: Lengths, cut: str
) -> Any:
    """The windows in some rows of places, overlapping in memory: ([groups], rows, k, other places · n).

    By places ([groups], other places, rows, k, n). Only the windows along the other axes are copied: along the first,
    those of the next row start one row later in the same memory. So k runs over the kernel's first axis, then channels,
    then the other axes.
    """
    image = _seen(image, rows, kernel, stride, dilation)
    c, length, n = image.shape[0], image.shape[1], image.shape[-1]
    windows = sliding(xp, image, kernel[1:], stride[1:], dilation[1:], 2)  # (c, length, *kernel, *others, n)
    d = len(kernel) - 1
    q = prod(windows.shape[2 + d : 2 + 2 * d])
    front = (groups,) if groups > 1 else ()
    at = len(front)
    windows = windows.reshape((*front, c // groups, *windows.shape[1:])) if front else windows
    inside, outside = range(at + 2, at + 2 + d), range(at + 2 + d, at + 2 + 2 * d)
    order = (*outside, at + 1, at, *inside) if cut == "places" else (at + 1, at, *inside, *outside)
    packed = xp.ascontiguousarray(windows.transpose((*range(at), *order, at + 2 + 2 * d)))
    k = c // groups * prod(kernel[1:])
    shape = (*front, q, length, k, n) if cut == "places" else (*front, length, k, q * n)
    return _overlapping(xp, packed.reshape(shape), kernel[0], stride[0], dilation[0])


def _overlapping(xp: Any, packed: Any, kernel: int, stride: int, dilation: int) -> Any:
    """(…, length, k, q), C-contiguous, as (…, places, kernel · k, q): without dilation the windows share memory."""
    *front, _, k, q = packed.shape
    windows = sliding(xp, packed, (kernel,), (stride,), (dilation,), len(front)).swapaxes(-4, -3)
    return windows.reshape((*front, windows.shape[-4], kernel * k, q))


def _as_products(z: Any, groups: int, cut: str) -> Any:
    """(channels, rows, *other places, n) as the products fill it: ([groups], rows, channels, other places · n).

    By places ([groups], other places, rows, channels, n).
    """
    channels, rows, *places, n = z.shape
    front = (groups,) if groups > 1 else ()
    at = len(front)
    if cut == "places":
        z = z.reshape((*front, channels // groups, rows, prod(places), n))
        return z.transpose((*range(at), at + 2, at + 1, at, at + 3))
    return z.reshape((*front, channels // groups, rows, prod(places) * n)).swapaxes(at, at + 1)


def _for_each_product(matrix: Any, groups: int, cut: str) -> Any:
    """([groups], rows, columns) with axes of length 1 where those of rows and places are."""
    if groups == 1:
        return matrix
    return matrix.reshape((groups, *(1,) * (2 if cut == "places" else 1), *matrix.shape[1:]))


_STATICS = {"stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)}
_EXAMPLES = (_STATICS, {"stride": (1, 1), "padding": ((1, 1), (1, 2)), "dilation": (2, 1)})


@primitive(
    "{x} ∗ {weight}", domain=(REALS, REALS), shape="(2,4,6,7),(6,2,3,2)->(2,6,3,6)", examples=_EXAMPLES, onnx="Conv"
)
def convolve(xp: Any, out: Any, x: Any, weight: Any, *, stride: Lengths, padding: Padding, dilation: Lengths) -> Any:
    """Σ x[p · stride + k · dilation] weight[k], the sliding product: (n,c,*in), (o,c/groups,*k) -> (n,o,*out)."""
    n, c = x.shape[:2]
    (o, per_group), kernel = weight.shape[:2], weight.shape[2:]
    groups, k = c // per_group, per_group * prod(kernel)
    places = positions(x.shape[2:], kernel, stride, padding, dilation)
    m, front = o // groups, (groups,) if groups > 1 else ()
    cut = _cut(n, prod(places[1:]), m * k, kernel)
    image = _inward(xp, x, padding)
    z = _room(xp, out, (o, *places, n), xp.result_type(x, weight), x, weight)
    if cut == "whole":
        matrix = weight.reshape((*front, m, k))
        for rows in _blocks(places[0], k * prod(places) * n):
            columns = _columns(xp, image, rows, kernel, stride, dilation)
            q = (rows.stop - rows.start) * prod(places[1:]) * n
            xp.matmul(matrix, columns.reshape((*front, k, q)), out=_of(z, rows, 1).reshape((*front, m, q)))
        return _outward(xp, out, z)
    transposed = (weight.reshape((*front, m, *weight.shape[1:])) if front else weight).swapaxes(
        len(front) + 1, len(front) + 2
    )
    matrix = transposed.reshape((*front, m, k))  # the kernel's first axis before channels
    for rows in _blocks(places[0], k // kernel[0] * prod(places) * n):
        windows = _windows(xp, image, rows, groups, kernel, stride, dilation, cut)
        products = _as_products(_of(z, rows, 1), groups, cut)
        xp.matmul(_for_each_product(matrix, groups, cut), windows, out=products)
    return _outward(xp, out, z)


@primitive(
    "{x} ∗ᵀ {weight}", domain=(REALS, REALS), shape="(2,6,3,6),(6,2,3,2)->(2,4,6,7)",
    examples=({**_STATICS, "shape": (4, 6, 7)},), onnx="ConvTranspose",
)  # fmt: skip
def convolve_back(
    xp: Any, out: Any, x: Any, weight: Any, *, shape: Lengths, stride: Lengths, padding: Padding, dilation: Lengths,
) -> Any:  # fmt: skip
    """The adjoint of `convolve` in its image: each place of `x` adds to its window, (n,o,*out) -> (n, *shape)."""
    n, o = x.shape[:2]
    per_group, kernel = weight.shape[1], weight.shape[2:]
    (c, *_), lengths = shape, shape[1:]
    groups, d = c // per_group, len(kernel)
    m = o // groups
    places = positions(lengths, kernel, stride, padding, dilation)
    if places != x.shape[2:]:
        raise ValueError(f"an image of {lengths} has {places} places for this window, but x has {x.shape[2:]}.")
    cut = _cut(n, prod(places[1:]), m * per_group * prod(kernel), kernel)
    dtype = xp.result_type(x, weight)
    front = (groups,) if groups > 1 else ()
    at = len(front)
    matrix = weight.reshape((*front, m, *weight.shape[1:])) if front else weight
    rows, k, before = places[0], 1, padding[0][0]
    heavy = cut == "whole" and m > prod(places) * n  # transposing the weights would cost more than it saves
    if kernel[0] > 1 == stride[0] and lengths[0] <= 2 * rows and not heavy:
        rows, k = lengths[0], kernel[0]  # products sum along the first axis, last place first
        matrix = matrix[(*(_ALL,) * (at + 2), slice(None, None, -1))]
        inner = (at, at + 2) if cut == "whole" else (at + 2, at)
        matrix = matrix.transpose((*range(at), at + 1, *range(at + 3, at + d + 2), *inner))
        kernel, padding = (1, *kernel[1:]), ((0, 0), *padding[1:])
    else:
        matrix = matrix.transpose((*range(at), *range(at + 1, at + d + 2), at))
    matrix = matrix.reshape((*front, per_group * prod(kernel), k * m))
    pointwise = prod(kernel) == 1 == max(stride) == k and not any(map(any, padding))  # each window is one element
    columns = _room(xp, out if pointwise else ..., (c * prod(kernel), rows, *places[1:], n), dtype, x, weight)
    y = _around(xp, x, groups, rows if k > 1 else 0, dilation[0] * (k - 1), before, cut)
    if cut == "whole":
        y = xp.ascontiguousarray(sliding(xp, y, (k,), (1,), (dilation[0],), at + 1))  # ([groups], m, k, rows, q)
        y = y.reshape((*front, k * m, rows * y.shape[-1]))
        xp.matmul(matrix, y, out=columns.reshape((*front, per_group * prod(kernel), y.shape[-1])))
    else:
        y = _overlapping(xp, y, k, 1, dilation[0])
        xp.matmul(_for_each_product(matrix, groups, cut), y, out=_as_products(columns, groups, cut))
    if pointwise:
        return _outward(xp, out, columns)
    shares = columns.reshape((c, *kernel, *columns.shape[1:]))
    pads = any(map(any, padding))
    z = _room(xp, ... if pads else out, (c, *widened(lengths, padding), n), dtype, x, weight, zero=True)
    lay(xp, z, shares, kernel, stride, dilation, 1)
    return _outward(xp, out, z[(_ALL, *interior(padding, lengths))] if pads else z)


def _around(xp: Any, x: Any, groups: int, rows: int, reach: int, before: int, cut: str) -> Any:
    """(n, o, *places) in memory of the order ([groups], rows, o / groups, other places · n).

    By places ([groups], other places, rows, o / groups, n); for a whole product ([groups], o / groups, rows, …). If
    windows are to move over `rows` of them, there are zeros before and behind, so far as they reach.
    """
    n, o, first, *others = x.shape
    front = (groups,) if groups > 1 else ()
    at, d = len(front), len(others)
    y = x.transpose((*range(1, x.ndim), 0))
    y = y.reshape((*front, o // groups, *y.shape[1:])) if front else y
    outside = range(at + 2, at + 2 + d)
    orders = {"places": (*outside, at + 1, at), "rows": (at + 1, at, *outside), "whole": (at, at + 1, *outside)}
    y = y.transpose((*range(at), *orders[cut], at + 2 + d))
    axis = at + orders[cut].index(at + 1)
    if rows:
        ahead = reach - before
        start, stop = max(0, -ahead), min(first, rows + before)  # what of the places is seen at all
        z = xp.zeros((*y.shape[:axis], rows + reach, *y.shape[axis + 1 :]), dtype=y.dtype)
        xp.copyto(_of(z, slice(start + ahead, stop + ahead), axis), _of(y, slice(start, stop), axis))
        y = z
    y = xp.ascontiguousarray(y)
    if cut == "places":
        return y.reshape((*front, prod(others), *y.shape[axis:]))
    return y.reshape((*y.shape[: at + 2], prod(others) * n))


@primitive(
    "Σ {x} ⊗ {y}", domain=(REALS, REALS), shape="(2,4,6,7),(2,6,3,6)->(6,2,3,2)",
    examples=({**_STATICS, "shape": (6, 2, 3, 2)},),
)  # fmt: skip
def convolve_weight(
    xp: Any, out: Any, x: Any, y: Any, *, shape: Lengths, stride: Lengths, padding: Padding, dilation: Lengths
) -> Any:
    """The adjoint of `convolve` in its kernel: Σ over samples and places of the window times `y`, of `shape`."""
    n, c = x.shape[:2]
    (o, per_group), kernel = shape[:2], shape[2:]
    groups, k = c // per_group, per_group * prod(kernel)
    m = o // groups
    places = y.shape[2:]
    front = (groups,) if groups > 1 else ()
    at, q = len(front), prod(places[1:]) * n
    image, y_image = _inward(xp, x, padding), _inward(xp, y, ((0, 0),) * len(kernel))
    direct = out is not ... and out.flags.c_contiguous and not any(xp.may_share_memory(out, a) for a in (x, y))
    z = out if direct else xp.empty(shape, dtype=xp.result_type(x, y))
    total: Any = None
    if _cut(n, prod(places[1:]), m * k, kernel) == "whole":
        for rows in _blocks(places[0], k * prod(places) * n):
            columns = _columns(xp, image, rows, kernel, stride, dilation).reshape((*front, k, -1))
            part = _of(y_image, rows, 1).reshape((*front, m, columns.shape[-1]))
            into = z.reshape((*front, m, k)) if total is None else ...
            part = xp.matmul(part, columns.swapaxes(at, at + 1), out=into)
            total = part if total is None else xp.add(total, part, out=total)
    else:
        by_rows = y_image.reshape((*front, m, places[0], q))
        for rows in _blocks(places[0], max(k // kernel[0] * q, k * m) * places[0]):
            windows = _windows(xp, image, rows, groups, kernel, stride, dilation, "rows")
            products = xp.matmul(windows, _of(by_rows, rows, at + 1).transpose((*range(at), at + 1, at + 2, at)))
            part = xp.add.reduce(products, axis=at)  # of ([groups], rows, k, m)
            total = part if total is None else xp.add(total, part, out=total)
        total = total.reshape((*front, kernel[0], per_group, *kernel[1:], m))
        total = total.transpose((*range(at), total.ndim - 1, at + 1, at, *range(at + 2, total.ndim - 1)))
        xp.copyto(z.reshape(total.shape), total)
    return z if out is ... or direct else stored(xp, out, z)


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
convolve.advise(lambda x, weight, **steps: misfit(x[2:], weight[2:], **steps))
