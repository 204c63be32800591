"""Lists of numbers among the arguments of a step: arrays to ops, and to Python what they are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from micrograd_np.core.modes import mode
from micrograd_np.engine.tensor import Tensor


def array_of(x: list[Any]) -> Any:
    """The array that NumPy makes of a list of numbers of one type, nested evenly; None for any other list.

    >>> array_of([[1.0, 2.0]]), array_of([1, "a"]), array_of([[1], []])
    (array([[1., 2.]]), None, None)
    """
    flat = x
    while flat and all(type(part) is list for part in flat):
        flat = list(chain.from_iterable(flat))
    kinds = set(map(type, flat))
    if len(kinds) != 1 or not (kinds <= {int, float, bool} or issubclass(kinds.pop(), np.generic)):
        return None
    try:
        array = np.array(x)
    except ValueError:  # of uneven lengths
        return None
    return array if array.dtype.kind in "fiub" else None


def _applied(op: Any, inputs: tuple[Any, ...], static: Mapping[str, Any]) -> Any:
    """What an op gives for lists and tuples of numbers among its inputs."""
    return op(*(Tensor(np.asarray(x)) if isinstance(x, (Numbers, Fixed)) else x for x in inputs), **static)


class Fixed(tuple[Any, ...]):
    """A tuple that a traced step is given: its numbers belong to the program, and an array of them is a constant."""

    __slots__ = ()
    __primitive__ = staticmethod(_applied)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.array(tuple(self), dtype)
        mode.events.numbers_copied(array)
        return array

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The array."""
        return np.asarray(self)


class Numbers(list[Any]):
    """A list of numbers that a traced step is given, with the array that it stands for.

    Ops take the array, which may hold other numbers in each call. Whoever looks at the list itself makes its numbers
    part of the program, and the watcher hears of it.
    """

    __slots__ = ("array",)

    def __init__(self, numbers: list[Any], array: np.ndarray[Any, Any]) -> None:
        super().__init__(numbers)
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = np.array(self.array, dtype)
        mode.events.numbers_copied(array, self.array)
        return array

    data = property(lambda self: self.array)
    __primitive__ = staticmethod(_applied)

    def __reduce__(self) -> Any:
        return list, (self[:],)

    def __radd__(self, other: Any) -> Any:
        return other + self[:]


def _looking(name: str) -> Any:
    method = getattr(list, name)

    def look(self: Numbers, *args: Any, **kwargs: Any) -> Any:
        mode.events.numbers_read(self.array)
        return method(self, *args, **kwargs)

    return look


_BLIND = (
    "__new__",
    "__init__",
    "__len__",
    "__getattribute__",
    "__class_getitem__",
    "__hash__",
    "__doc__",
    "__sizeof__",
)
for _name in vars(list):
    if _name not in _BLIND:
        setattr(Numbers, _name, _looking(_name))
