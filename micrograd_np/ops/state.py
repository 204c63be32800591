"""Copies of a tensor, in the same or another dtype."""

from typing import Any

import numpy as np

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive

from .operand import as_operand


@primitive("{x}", domain=(REALS,), onnx="Identity", numpy=("positive",))
def copy(xp: Any, out: Any, x: Any) -> Any:
    """The same values in fresh memory.

    ``(…) -> (…)``.

    >>> Tensor([1.0, 2.0]).copy()
    Tensor([1., 2.])
    """
    if out is ...:
        return xp.array(x, order="C")
    xp.copyto(out, x)
    return out


copy.vjp(x=lambda g, z, x: g)


@primitive("{x} as {dtype}", domain=(REALS,), examples=({"dtype": "float64"},), onnx="Cast")
def astype(xp: Any, out: Any, x: Any, *, dtype: Any) -> Any:
    """The same values in another dtype; the gradient comes back in the dtype of x."""
    return xp.array(x, dtype=dtype)


astype.vjp(x=lambda g, z, x, dtype: g)


def as_floating(x: Any) -> Any:
    """`x` as `as_operand` gives it; integers and booleans as floating numbers, in the dtype of their exponential."""
    x = as_operand(x)
    return x if x.dtype.kind == "f" else astype(x, dtype=np.exp.resolve_dtypes((x.dtype, None))[1])
