"""Picking elements and putting them back: each the other's adjoint."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.primitive import primitive

from .domains import REALS


def is_basic(index: Any) -> bool:
    """Whether NumPy answers `index` with a view (ints, slices, None, ...), so that no element is picked twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or isinstance(part, (slice, int, np.integer)) and part is not True and part is not False for part in parts)


@primitive(
    "{x}[{index}]",
    domain=(REALS,),
    shape="(4,3)->(2,3)",
    examples=({"index": slice(1, 3)}, {"index": [1, 1]}, {"index": np.array([True, False, True, False])}),
    view=True,
)
def getitem(xp: Any, out: Any, x: Any, *, index: Any) -> Any:
    """Elements picked as NumPy picks them: basic indices give views, arrays and masks give copies."""
    return xp.asarray(x[index])


getitem.vjp(x=lambda g, z, x, index: put_add(g, index=index, shape=x.shape))


@primitive(
    "0[{index}] += {x}",
    domain=(REALS,),
    shape="(2,3)->(4,3)",
    examples=({"index": slice(1, 3), "shape": (4, 3)}, {"index": [1, 1], "shape": (4, 3)}),
)
def put_add(xp: Any, out: Any, x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at `index`, as often as an element is named there: the adjoint of `getitem`."""
    z = xp.zeros(shape, dtype=x.dtype) if out is ... else out
    if out is not ...:
        xp.copyto(z, 0)
    if is_basic(index):
        z[index] = x
    else:
        xp.add.at(z, index, x)
    return z


put_add.vjp(x=lambda g, z, x, index, shape: getitem(g, index=index))


@primitive(
    "{x} with [{index}] = {value}",
    domain=(REALS, REALS),
    shape="(4,3),(2,3)->(4,3)",
    examples=({"index": slice(1, 3)}, {"index": [2, 0]}),
)
def setitem(xp: Any, out: Any, x: Any, value: Any, *, index: Any) -> Any:
    """`x` with the elements at `index` replaced by `value`, which broadcasts. What is replaced gets no gradient."""
    z = xp.array(x, dtype=xp.result_type(x)) if out is ... else out
    if out is not ... and out is not x:
        xp.copyto(z, x)
    z[index] = value
    return z


setitem.vjp(
    x=lambda g, z, x, value, index: setitem(g, 0, index=index),
    value=lambda g, z, x, value, index: getitem(g, index=index),
)
