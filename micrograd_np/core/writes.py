"""Which memory was written in place, and when: what backward asks before it believes an array that a rule reads.

A version belongs to memory, not to a tensor: views, slices, ``detach()`` and ``Tensor(w.data)`` look into the bytes of
one owner, and a write through any of them is seen by all whose bytes overlap. One clock counts recorded applications
and writes, so an array was changed since it was recorded exactly if a later write overlaps it.
"""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

clock = count(1).__next__
"""The next moment: recorded applications and writes share this clock."""


_MANY = 4096  # places in one array that are told apart


class _Places(dict[Any, int]):
    """Where one owner of memory was written, and when last; None stands for all of it."""

    __slots__ = ("owner",)

    owner: Any

    def has(self, array: Any, owner: Any) -> bool:
        """Whether a byte of `array`, the end of whose chain is `owner`, belongs to this owner."""
        mine = self.owner()
        return mine is owner or (mine is not None and _overlap(array, _layout(mine)))


class Writes:
    """The log of writes. It keeps no memory alive: what it knows of an array goes when the array does."""

    def __init__(self) -> None:
        self.latest = 0
        """The moment of the last write: whatever was recorded later need not look further."""
        self._log: dict[int, _Places] = {}

    def note(self, array: np.ndarray[Any, Any]) -> None:
        """`array` is written now."""
        self.note_all((array,))

    def note_all(self, arrays: Iterable[np.ndarray[Any, Any]]) -> None:
        """All of `arrays` are written now."""
        self.latest = now = clock()
        log = self._log
        for array in arrays:
            known = log.get(id(array))  # only owners are there
            if known is not None:
                known[None] = now
            else:
                places, key = self.place(array)
                places[key] = now
                if len(places) > _MANY:
                    self._shorten(places, now)

    def _shorten(self, places: _Places, now: int) -> None:
        """Forget the older half of the writes to foreign memory; of one array, where in it they were."""
        if places is self._log.get(0):
            for key in sorted(places, key=places.__getitem__)[: _MANY // 2]:
                del places[key]
        else:
            places.clear()
            places[None] = now

    def place(self, array: np.ndarray[Any, Any]) -> tuple[_Places, Hashable]:
        """Where the moment of a write to `array` is kept: ``places[key] = clock()``, for who writes often."""
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
        """Of `array`, if it is all of its memory, no write is known any more."""
        if array.base is None:
            self._log.pop(id(array), None)

    def later(self, moment: int) -> Writes:
        """A log for itself, of the writes after `moment` until now."""
        found = Writes()
        found.latest = self.latest
        for number, places in list(self._log.items()):
            late = {key: when for key, when in list(places.items()) if when > moment}
            owner = places.owner() if number else None
            if late and not (number and owner is None):
                found._places(number, owner).update(late)
        return found

    def since(self, array: np.ndarray[Any, Any], moment: int) -> bool:
        """Whether any byte of `array` was written after `moment`."""
        if moment >= self.latest or not array.size:
            return False
        owner = array if array.base is None else owner_of(array)
        if owner.base is None:  # what was written through foreign hands may lie in it, too
            logs = [self._log[number] for number in (id(owner), 0) if number in self._log]
        else:
            logs = list(self._log.values())
        for places in logs:
            for key, when in list(places.items()):
                if when > moment and (_overlap(array, key) if key is not None else places.has(array, owner)):
                    return True
        return False


def owner_of(array: Any) -> Any:
    """The array that `array` is a view of, at the end of the chain; what is no array is its own."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _layout(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return array.__array_interface__["data"][0], array.shape, array.strides, array.itemsize


def _overlap(array: np.ndarray[Any, Any], layout: tuple[Any, ...]) -> bool:
    """Whether `array` has a byte in common with an array that lay so; its memory is not read."""
    address, shape, strides, itemsize = layout
    told = {"data": (address, True), "shape": shape, "strides": strides, "typestr": f"|V{itemsize}", "version": 3}
    other = np.asarray(SimpleNamespace(__array_interface__=told))
    return np.may_share_memory(array, other) and np.shares_memory(array, other)


writes = Writes()
