"""Which memory was written in place, and when: backward asks before a rule reads an array that was recorded.

A write belongs to memory, not to a tensor: views, slices, ``detach()`` and ``Tensor(w.data)`` share the bytes of one
owner, and a write through any of them counts for all whose bytes overlap. One clock counts recorded applications and
writes, so an array was changed since it was recorded exactly if a later write overlaps it.
"""

from collections.abc import Hashable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any
from weakref import ref

import numpy as np

clock = count(1).__next__
"""The next moment: recorded applications and writes share this clock."""


_MAX_PLACES = 4096  # places in one array that are distinguished


class _Places(dict[Any, int]):
    """Where one owner of memory was written, and when last; None stands for all of it."""

    __slots__ = ("owner",)

    owner: Any

    def has(self, array: Any, owner: Any) -> bool:
        """Whether a byte of `array`, the end of whose chain is `owner`, belongs to this owner."""
        own = self.owner()
        return own is owner or (own is not None and _overlap(array, _layout(own)))


class Writes:
    """The log of writes. It keeps no memory alive: the entries of an array go when the array does."""

    def __init__(self) -> None:
        self.latest = 0
        """The moment of the last write: nothing that was recorded later has been changed."""
        self._log: dict[int, _Places] = {}

    def note(self, array: np.ndarray[Any, Any]) -> None:
        """`array` is written now."""
        self.note_all((array,))

    def note_all(self, arrays: Iterable[np.ndarray[Any, Any]]) -> None:
        """All of `arrays` are written now."""
        self.latest = now = clock()
        log = self._log
        for array in arrays:
            places = log.get(id(array))  # only owners are there
            if places is not None:
                places[None] = now
                continue
            places, key = self.place(array)
            places[key] = now
            if len(places) <= _MAX_PLACES:
                continue
            if places is log.get(0):  # forget the older half of the writes to foreign memory
                for old in sorted(places, key=places.__getitem__)[: _MAX_PLACES // 2]:
                    del places[old]
            else:  # forget where in the array they were
                places.clear()
                places[None] = now

    def place(self, array: np.ndarray[Any, Any]) -> tuple[_Places, Hashable]:
        """Where the moment of a write to `array` is kept: ``places[key] = clock()``, for code that writes often."""
        owner = owner_of(array)
        foreign = owner.base is not None  # of a file, a buffer or another library: one log for all such memory
        places = self._places(0 if foreign else id(owner), owner)
        return places, None if array is owner and not foreign else _layout(array)

    def _places(self, number: int, owner: Any) -> _Places:
        places = self._log.get(number)
        if places is None:
            places = self._log[number] = _Places()
            if number:
                places.owner = ref(owner, lambda _: self._log.pop(number, None))
        return places

    def forget(self, array: np.ndarray[Any, Any]) -> None:
        """Drop all writes to `array`, if it owns its memory."""
        if array.base is None:
            self._log.pop(id(array), None)

    def later(self, moment: int) -> "Writes":
        """A separate log of the writes after `moment` until now."""
        log = Writes()
        log.latest = self.latest
        for number, places in list(self._log.items()):
            late = {key: when for key, when in list(places.items()) if when > moment}
            owner = places.owner() if number else None
            if late and not (number and owner is None):
                log._places(number, owner).update(late)
        return log

    def since(self, array: np.ndarray[Any, Any], moment: int) -> bool:
        """Whether any byte of `array` was written after `moment`."""
        if moment >= self.latest or not array.size:
            return False
        owner = array if array.base is None else owner_of(array)
        numbers = (id(owner), 0) if owner.base is None else tuple(self._log)  # foreign memory may be part of any
        return any(
            when > moment and (_overlap(array, key) if key is not None else places.has(array, owner))
            for number in numbers
            if (places := self._log.get(number)) is not None
            for key, when in list(places.items())
        )


def owner_of(array: Any) -> Any:
    """The array that `array` is a view of, at the end of the chain; anything but an array is its own."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _layout(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return array.__array_interface__["data"][0], array.shape, array.strides, array.itemsize


def _overlap(array: np.ndarray[Any, Any], layout: tuple[Any, ...]) -> bool:
    """Whether `array` has a byte in common with an array of this layout; its memory is not read."""
    address, shape, strides, itemsize = layout
    interface = {"data": (address, True), "shape": shape, "strides": strides, "typestr": f"|V{itemsize}", "version": 3}
    other = np.asarray(SimpleNamespace(__array_interface__=interface))
    return np.may_share_memory(array, other) and np.shares_memory(array, other)


writes = Writes()
