"""`constant`: an array that a compiled step may keep, because it is the same in every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.modes import mode

from .tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def constant(data: ArrayLike | Tensor, name: str | None = None) -> Tensor:
    """A tensor of a read-only copy of `data`, without gradient, whose values a compiled program may hold for good.

    Inside a step that is compiled, an array that NumPy has just made is an error, because the program would repeat its
    values for ever. Where that is just what is meant, say so with this; elsewhere it is a tensor like any other.
    Raises TypeError for what is not numbers.

    >>> weights = constant([0.25, 0.5, 0.25])
    >>> weights
    Tensor([0.25, 0.5 , 0.25])
    >>> weights += 1
    Traceback (most recent call last):
    ...
    ValueError: add: x is (3,) and y is (): output array is read-only.
    """
    array = Tensor(np.array(data.data) if isinstance(data, Tensor) else data).data.copy()
    array.setflags(write=False)
    t = Tensor(array, name=name)
    t.notes = {"constant": True}
    mode.events.constant(array, name or "")
    return t


def settled(array: Any) -> Tensor:
    """A tensor of an array that this package has made from shapes and settings alone: the same one in every call."""
    t = Tensor(array)
    mode.events.constant(array)
    return t
