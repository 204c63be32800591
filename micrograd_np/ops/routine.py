"""Functions of arrays that kernels use and NumPy does not have.

A kernel calls one with its namespace first, ``clear(xp, z, keep)``. A compiled program contains the source of each
`Routine` that it uses, so a routine is self-contained: it uses `np` and nothing else.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


def floating(xp: Any, x: Any) -> Any:
    """`x`; integers and booleans are converted to the dtype that NumPy gives their exponential."""
    return x if x.dtype.kind == "f" else xp.asarray(x, dtype=np.exp.resolve_dtypes((x.dtype, None))[1])


def is_half(x: Any) -> bool:
    """Whether `x` has half precision, whose largest number, 65504, squares, powers and sums soon exceed."""
    return x.itemsize == 2 and x.dtype.kind == "f"


def in_single(kernel: Callable[..., Any], xp: Any, out: Any, *xs: Any, **static: Any) -> Any:
    """Run a kernel on inputs of half precision in single precision, and round once, at the end."""
    z = kernel(xp, ..., *[xp.asarray(x, dtype=np.float32) for x in xs], **static)
    if out is ...:
        return xp.asarray(z, dtype=np.float16)
    xp.copyto(out, z, casting="same_kind")
    return out


def stored(xp: Any, out: Any, z: Any) -> Any:
    """`z` as an array, in the memory of the destination `out` if there is one: for functions that take no `out`."""
    if out is ...:
        return xp.asarray(z)
    xp.copyto(out, z)
    return out


def zeroed(xp: Any, out: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """The destination `out`, filled with 0, or fresh zeros."""
    if out is ...:
        return xp.zeros(shape, dtype=dtype)
    xp.copyto(out, 0)
    return out


class Routine:
    """A routine that writes into its first argument, which is returned."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def __call__(self, xp: Any, z: Any, *args: Any) -> Any:
        """Run the function, or record the call where `xp` is a namespace that records."""
        if xp is np:
            self.function(z, *args)
        else:
            xp.routine(self.function, z, *args)
        return z


@Routine
def clear(z: Any, keep: Any) -> None:
    """Put 0 into z where keep does not hold, in the place of inf and nan too; mostly it holds everywhere."""
    if keep.size and not keep.item(keep.argmin()):  # argmin finds the first False, faster than all()
        if z.itemsize > 8:
            np.copyto(z, 0, where=~keep)
        else:
            bits = np.dtype(f"i{z.itemsize}")
            np.bitwise_and(z.view(bits), -keep.view(np.int8), out=z.view(bits))
