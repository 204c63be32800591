"""`constant`: an array that is the same in every call, so that a compiled step may keep it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from micrograd_np.core.modes import mode, unusual
from micrograd_np.ops.state import copy

from .tensor import Tensor


def constant(data: ArrayLike | Tensor, name: str | None = None) -> Tensor:
    """A tensor of a read-only copy of `data`, without gradient, whose values a compiled program may keep.

    Inside a compiled step, an array that NumPy has just created is an error, because the program would repeat its
    values in every call. `constant` says that this is intended; elsewhere it gives an ordinary tensor. Raises TypeError
    for anything but numbers.

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
    if unusual:
        mode.events.constant(array, name or "")
    return t


def fresh(array: Any, requires_grad: bool = False) -> Tensor:
    """A tensor of `array`, computed from shapes and settings only: in a compiled step a copy of a constant."""
    kept = unusual and mode.events.constant(array) is not None
    t = copy(Tensor(array)) if kept else Tensor(array)  # the program may write into it
    return t.requires_grad_() if requires_grad else t


def as_constant(array: Any) -> Tensor:
    """A constant of `array` itself, not of a copy: this package has computed it from shapes and settings only."""
    t = Tensor(array)
    if unusual:
        mode.events.constant(array)
    return t
