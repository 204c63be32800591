"""Memory that only lines of a program may change while it is traced, and what it was when it was last looked at."""

from __future__ import annotations

from types import NoneType
from typing import Any
from weakref import ref

import numpy as np

from micrograd_np.core.writes import owner_of

from .arrays import digest


class Locks:
    """Arrays with names and digests, and arrays that are read-only meanwhile, so that NumPy tells who writes into them.

    A write that changes nothing this time, such as a `clip` of small numbers, has the digest as it was; a write through
    a view that was there before is not told by NumPy. None of the arrays is kept alive, so that others can be counted.
    """

    def __init__(self) -> None:
        self.by_owner: dict[int, list[list[Any]]] = {}  # by the owner of memory: name, weak reference, digest
        self.locked: dict[int, Any] = {}  # by id: a weak reference
        self.owners: dict[int, Any] = {}

    def lock(self, array: Any) -> None:
        """Make `array` read-only, if it lies in memory of NumPy's own: of others, nobody could undo that."""
        owner = owner_of(array)
        if array.flags.writeable and owner.base is None:
            array.flags.writeable = False
            self.owners[id(owner)] = ref(owner)
        elif self.owners.get(id(owner), NoneType)() is not owner or _repeats(array):
            return
        self.locked[id(array)] = ref(array)

    def unlock(self, array: Any) -> None:
        """Let `array` be written again, if it was locked."""
        for x in (owner_of(array), array):
            if self.locked.pop(id(x), NoneType)() is x:
                x.flags.writeable = True

    def release(self) -> None:
        """Let all be written again."""
        alive = [x for reference in self.locked.values() if (x := reference()) is not None]
        for array in sorted(alive, key=lambda x: isinstance(x.base, np.ndarray)):  # owners first
            self.unlock(array)

    def keep(self, name: str, array: Any) -> None:
        """Remember what is in `array`; what has been remembered of it stays."""
        beside = self.by_owner.setdefault(id(owner_of(array)), [])
        if not any(reference() is array for _, reference, _ in beside):
            beside.append([name, ref(array), digest(array)])

    def changed(self, array: Any = None) -> str | None:
        """The name of something that has changed, in the memory of `array` or anywhere; None if nothing has."""
        everything = (x for beside in self.by_owner.values() for x in beside)
        for name, reference, before in everything if array is None else self._beside(array):
            other = reference()
            if other is not None and digest(other) != before:
                return name
        return None

    def accept(self, array: Any) -> None:
        """Remember what is in the memory of `array` now."""
        for kept in self._beside(array):
            kept[2] = digest(kept[1]())

    def _beside(self, array: Any) -> list[list[Any]]:
        """What is remembered of the memory of `array`."""
        beside = self.by_owner.get(id(owner_of(array)), ())
        return [x for x in beside if (other := x[1]()) is not None and np.may_share_memory(other, array)]


def _repeats(array: Any) -> bool:
    """Whether elements lie in one place, so that `array` is read-only by itself."""
    return array.size > 0 and any(n > 1 and not step for n, step in zip(array.shape, array.strides, strict=True))
