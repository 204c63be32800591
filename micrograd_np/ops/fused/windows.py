"""Windows sliding over the spatial axes of (n, channels, *lengths): laying them out as columns, and adding them back.

`unfold` and `fold` are each other's adjoint. Geometry is static and complete: for every spatial axis a kernel length, a
stride, a dilation, and a padding before and after.
"""

from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.routine import stored

Lengths = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]

_ALL = slice(None)


class Geometry(NamedTuple):
    """How a window moves over spatial axes: for each axis a number, and for `padding` a pair, before and after."""

    lengths: Lengths  # of the array
    kernel: Lengths
    stride: Lengths
    padding: Padding
    dilation: Lengths
    places: Lengths

    @property
    def settings(self) -> dict[str, Any]:
        """All but `lengths`, as the primitives of pooling take it."""
        _, kernel, stride, padding, dilation, places = self
        return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "places": places}


def positions(lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths) -> Lengths:
    """How many places the window has along each axis; ValueError where it does not fit once.

    >>> positions((5,), (3,), (2,), ((1, 1),), (1,))
    (3,)
    """
    if not len(lengths) == len(kernel) == len(stride):
        raise ValueError(f"a window of {len(kernel)} axes cannot move along {len(lengths)}.")
    places = []
    for wide, k, s, e in zip(widened(lengths, padding), kernel, stride, dilation, strict=True):
        span = (k - 1) * e + 1
        if wide < span:
            misfits = f"the window spans {span}, more than the padded length {wide}"
            raise ValueError(f"{misfits}; pad more or take a smaller window.")
        places.append((wide - span) // s + 1)
    return tuple(places)


def misfit(*lengths_and_kernel: Any, **steps: Any) -> str | None:
    """Why a window has no `positions`; None where it has."""
    try:
        positions(*lengths_and_kernel, **steps)
    except ValueError as error:
        return str(error)
    return None


def stretch(start: int, count: int, step: int, length: int) -> slice:
    """`count` elements of `length`, `step` apart, as the shortest slice.

    >>> stretch(0, 3, 2, 6), stretch(1, 3, 1, 6)
    (slice(None, None, 2), slice(1, 4, None))
    """
    stop = start + (count - 1) * step + 1
    return slice(start or None, None if stop + step > length else stop, step if step > 1 else None)


def interior(padding: Padding, lengths: Lengths) -> tuple[slice, ...]:
    """Where in the padded lengths the array itself lies."""
    return tuple(stretch(low, n, 1, low + n + high) for n, (low, high) in zip(lengths, padding, strict=True))


def widened(lengths: Lengths, padding: Padding) -> Lengths:
    """The padded lengths."""
    return tuple(n + low + high for n, (low, high) in zip(lengths, padding, strict=True))


def padded(xp: Any, x: Any, padding: Padding, front: int) -> Any:
    """`x` within zeros, its first `front` axes and those after the padded ones unchanged; itself without padding."""
    if not any(map(any, padding)):
        return x
    d = len(padding)
    lengths = x.shape[front : front + d]
    z = xp.zeros((*x.shape[:front], *widened(lengths, padding), *x.shape[front + d :]), dtype=x.dtype)
    xp.copyto(z[(_ALL,) * front + interior(padding, lengths)], x)
    return z


def sliding(xp: Any, x: Any, kernel: Lengths, stride: Lengths, dilation: Lengths, front: int) -> Any:
    """The windows of (front…, *lengths, tail…) as a view of shape (front…, *kernel, *places, tail…)."""
    d, n = len(kernel), x.ndim
    spans = tuple((k - 1) * e + 1 for k, e in zip(kernel, dilation, strict=True))
    if xp is np and x.flags.c_contiguous:  # the same view in a twentieth of the time
        lengths, strides = x.shape[front : front + d], x.strides[front : front + d]
        places = tuple((length - span) // s + 1 for length, span, s in zip(lengths, spans, stride, strict=True))
        within = tuple(step * e for step, e in zip(strides, dilation, strict=True))
        between = tuple(step * s for step, s in zip(strides, stride, strict=True))
        shape = (*x.shape[:front], *kernel, *places, *x.shape[front + d :])
        return np.ndarray(shape, x.dtype, x, 0, (*x.strides[:front], *within, *between, *x.strides[front + d :]))
    windows = xp.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(front, front + d)))
    if any(s > 1 for s in stride + dilation):  # of (front…, *places, tail…, *spans)
        steps = [slice(None, None, s) for s in stride], [slice(None, None, e) for e in dilation]
        windows = windows[(*(_ALL,) * front, *steps[0], *(_ALL,) * (n - front - d), *steps[1])]
    return windows.transpose((*range(front), *range(n, n + d), *range(front, n)))


def lay(xp: Any, z: Any, columns: Any, kernel: Lengths, stride: Lengths, dilation: Lengths, front: int) -> None:
    """Add columns of shape (front…, *kernel, *places, tail…) to `z` of shape (front…, *padded lengths, tail…)."""
    d, before = len(kernel), (_ALL,) * front
    lengths, places = z.shape[front : front + d], columns.shape[front + d : front + 2 * d]
    for at in product(*map(range, kernel)):  # each element of the kernel covers these slices as the window moves
        axes = zip(at, stride, dilation, places, lengths, strict=True)
        target = z[before + tuple(stretch(i * e, p, s, n) for i, s, e, p, n in axes)]
        xp.add(target, columns[before + at], out=target)


_GEOMETRY = {"kernel": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 2)), "dilation": (1, 2)}


@primitive("windows {kernel} of {x}", domain=(REALS,), shape="(2,3,5,6)->(2,18,18)", examples=(_GEOMETRY,))
def unfold(xp: Any, out: Any, x: Any, *, kernel: Lengths, stride: Lengths, padding: Padding, dilation: Lengths) -> Any:
    """Every window of (n, c, *lengths) as a column: (n, c · kernel, places), as PyTorch orders them."""
    z = sliding(xp, padded(xp, x, padding, 2), kernel, stride, dilation, 2)
    n, c = x.shape[:2]
    places = z.shape[2 + len(kernel) :]
    if out is ...:
        z = xp.array(z, order="C")  # always fresh: a window of one element would be a view
    else:
        out = xp.reshape(out, z.shape)
        xp.copyto(out, z)
        z = out
    return xp.reshape(z, (n, c * prod(kernel), prod(places)))


@primitive(
    "Σ windows {kernel} of {x}", domain=(REALS,), shape="(2,18,18)->(2,3,5,6)",
    examples=({**_GEOMETRY, "lengths": (5, 6)},),
)  # fmt: skip
def fold(
    xp: Any, out: Any, x: Any, *, lengths: Lengths, kernel: Lengths, stride: Lengths, padding: Padding,
    dilation: Lengths,
) -> Any:  # fmt: skip
    """Columns (n, c · kernel, places) added up where their windows lie in (n, c, *lengths): the adjoint of `unfold`."""
    places = positions(lengths, kernel, stride, padding, dilation)
    n, c = x.shape[0], x.shape[1] // prod(kernel)
    columns = xp.reshape(x, (n, c, *kernel, *places))
    z = xp.zeros((n, c, *widened(lengths, padding)), dtype=x.dtype)
    lay(xp, z, columns, kernel, stride, dilation, 2)
    z = z[(_ALL, _ALL, *interior(padding, lengths))]
    return z if out is ... else stored(xp, out, z)


unfold.vjp(x=lambda g, z, x, **geometry: fold(g, lengths=x.shape[2:], **geometry))
fold.vjp(x=lambda g, z, x, lengths, **geometry: unfold(g, **geometry))
unfold.advise(lambda x, **geometry: misfit(x[2:], **geometry))


@fold.advise
def _advice_fold(x: Lengths, lengths: Lengths, kernel: Lengths, **steps: Any) -> str | None:
    if reason := misfit(lengths, kernel, **steps):
        return reason
    k, places = prod(kernel), prod(positions(lengths, kernel, **steps))
    if len(x) == 3 and (x[1] % k or x[2] != places):
        return f"x must be (n, c · {k}, {places}): {k} elements to a window, {places} windows."
    return None
