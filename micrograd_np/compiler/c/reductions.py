"""How NumPy walks through a reduction: the loops around its inner loop, which decide the bits of a sum.

Axes are sorted by stride, the smallest innermost, and neighbours that lie together are merged. The innermost axis is
one call of the ufunc's inner loop: if it is reduced, the call has result strides of 0, and np.add sums it pairwise
(blocks of at most 128, 8 accumulators each); if it is kept, the call adds a row to the row of results. The axes around
it are walked in order, outermost first. So for a C-contiguous operand:

- all axes, or the last ones: one pairwise sum over all that is summed, for each result;
- the first axis: row after row is added to the result, from the first row to the last;
- first and last axis of three: a pairwise sum of each last axis, and these are added in order.

np.add starts at -0.0, np.multiply at 1; np.maximum and np.minimum copy the first element along each reduced axis and
skip it (`first` below). A float operand is never cut into blocks of NumPy's buffer, except where its axes do not merge:
then NumPy may copy parts into its buffer, which moves the borders of the pairwise sums. `loop_nest` says None there.
The bits of np.add and np.multiply hang on the order alone; np.maximum's may hang on n and the strides (0.0 beside -0.0,
NaNs), so hand its inner loop exactly these. keepdims does not matter, nor does alignment.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Axis", "loop_nest"]


class Axis(NamedTuple):
    """One loop of a reduction: how often, and by how many bytes the result and the operand move each time."""

    n: int
    result: int
    operand: int


def loop_nest(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    axes: tuple[int, ...] | int | None,
    itemsize: int,
    result: tuple[int, ...] | None = None,
) -> tuple[Axis, ...] | None:
    """The loops of a reduction, outermost first; the last is the count and the strides of NumPy's inner loop.

    `result` holds the strides of `out=` (without the reduced axes); None: NumPy allocates the result. None is returned
    where NumPy copies the operand into its buffer, or where there is nothing to reduce: leave that to NumPy.
    """
    ndim = len(shape)
    reduced = {x % ndim for x in ((axes,) if isinstance(axes, int) else range(ndim) if axes is None else axes)}
    if 0 in shape or not reduced:
        return None
    kept = iter(result or ())
    into = [0 if k in reduced or result is None else next(kept) for k in range(ndim)]
    order: list[int] = []  # innermost first
    for k in reversed(range(ndim)):
        if shape[k] != 1:
            order.insert(_place(k, order, into, strides), k)
    if result is None:  # allocated in the order of the operand
        step = itemsize
        for k in order:
            if k not in reduced:
                into[k], step = step, step * shape[k]
    merged: list[Axis] = []
    for axis in (Axis(shape[k], into[k], strides[k]) for k in order):
        if merged and merged[-1].n * merged[-1].result == axis.result and _follows(merged[-1], axis):
            merged[-1] = merged[-1]._replace(n=merged[-1].n * axis.n)
        else:
            merged.append(axis)
    if len(merged) > 1 and not _follows(*merged[:2]):
        return None  # NumPy copies parts into its buffer, to make its inner loop longer
    return tuple(reversed(merged)) or (Axis(1, 0, itemsize),)


def _follows(inner: Axis, outer: Axis) -> bool:
    """Whether the operand goes on along `outer` where `inner` has ended."""
    return inner.n * inner.operand == outer.operand


def _place(k: int, order: list[int], *strides: tuple[int, ...] | list[int]) -> int:
    """Where NumPy's insertion sort puts axis k; the result's strides come first, and in doubt C's order stays."""
    place = len(order)
    for i in reversed(range(len(order))):
        pairs = [(abs(x[order[i]]), abs(x[k])) for x in strides if x[order[i]] and x[k]]
        if not pairs:
            continue
        if pairs[0][0] <= pairs[0][1] or any(there <= here for there, here in pairs[1:]):
            break
        place = i
    return place
