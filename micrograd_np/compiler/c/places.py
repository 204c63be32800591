"""Where the elements of each value lie: storage, offset and strides. NumPy itself makes the views, on stand-ins."""

from __future__ import annotations

import functools
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..ir import with_values

if TYPE_CHECKING:
    from ..ir import Value
    from ..memory import Plan, Storage
    from ..program import Program

__all__ = ["Place", "Places", "Unsupported", "in_order"]


class Unsupported(Exception):  # noqa: N818  it is what the interface is called
    """Why a program cannot be said in C, in a sentence."""


class Place(NamedTuple):
    """A part of a storage: the offset and strides are in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    value: Value
    """A value that lies there, for its name."""

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)

    @property
    def bounds(self) -> tuple[int, int]:
        """The first byte, and the one behind the last."""
        before, behind = _reach(self.shape, self.strides, self.dtype.itemsize)
        return self.offset - before, self.offset + behind

    @property
    def contiguous(self) -> bool:
        """Whether the elements follow one another in C order."""
        packed = in_order(self.shape, self.dtype.itemsize)
        return all(n == 1 or s == t for n, s, t in zip(self.shape, self.strides, packed, strict=True))

    def spread(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Its strides when it is broadcast to a shape, without the axes of length 1."""
        own = (0,) * (len(shape) - len(self.shape)) + tuple(
            0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)
        )
        return tuple(s for n, s in zip(shape, own, strict=True) if n != 1)


class Places:
    """The places of the values of a program whose storages are known."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.plan = plan
        self._places: dict[Value, Place] = {}
        self._standins: dict[Value, Any] = {}
        self._overlaps: dict[Any, bool] = {}
        roots = {v.root for op in program.ops for v in (*op.reads, *op.defines)}
        roots |= {v.root for v in program.needed()}
        spans = [sum(_reach(v.shape, self._strides(v), v.dtype.itemsize)) for v in roots]
        self._scratch = np.empty(max(spans, default=1), np.uint8)  # nothing of it is ever touched

    def of(self, v: Value) -> Place:
        """Where a value lies."""
        place = self._places.get(v)
        if place is None:
            storage = self.plan.storage(v)
            if v.is_view:
                place = self._shown(v, v.root, self._standin(v))
            else:
                before = v.reach[0] if storage.kind == "buffer" else 0  # strides may be negative
                place = Place(storage, before, v.shape, self._strides(v), v.dtype, v)
            self._places[v] = place
        return place

    def _shown(self, v: Value, base: Value, view: Any) -> Place:
        """Where a view lies of the stand-in of `base`, which shares memory with v."""
        offset = self.of(base).offset + view.ctypes.data - self._standin(base).ctypes.data
        return Place(self.plan.storage(v), offset, view.shape, view.strides, view.dtype, v)

    def part(self, v: Value, index: Any) -> Place:
        """Where a part of a value lies that basic indexing shows."""
        parts = index if isinstance(index, tuple) else (index,)
        parts = parts if any(x is ... for x in parts) else (*parts, ...)  # one element is a view as well
        return self._shown(v, v, self._standin(v)[parts])

    def overlap(self, a: Place, b: Place) -> bool:
        """Whether two places have a byte in common."""
        if a.storage is not b.storage or not a.size or not b.size:
            return False
        (low, high), (begin, end) = a.bounds, b.bounds
        if high <= begin or end <= low:
            return False
        key = a[1:5], b[1:5]
        if key not in self._overlaps:
            start = min(low, begin)
            space = np.empty(max(high, end) - start, np.uint8)
            x, y = (np.ndarray(p.shape, p.dtype, space, p.offset - start, p.strides) for p in (a, b))
            try:
                self._overlaps[key] = np.shares_memory(x, y, max_work=1000)  # type: ignore[arg-type]
            except np.exceptions.TooHardError:
                self._overlaps[key] = True  # in doubt
        return self._overlaps[key]

    @staticmethod
    def _strides(v: Value) -> tuple[int, ...]:
        memory = v.memory
        if memory is not None and (memory.strides is not None or memory.array is not None):
            return tuple(memory.strides if memory.strides is not None else memory.array.strides)
        return v.strides if v.strides is not None else in_order(v.shape, v.dtype.itemsize)

    def _standin(self, v: Value) -> Any:
        """An array that is laid out as a value is."""
        place = self._standins.get(v)
        if place is None:
            memory = v.memory
            if memory is not None and memory.array is not None:
                place = memory.array
            elif not v.is_view:
                strides = self._strides(v)
                before, _ = _reach(v.shape, strides, v.dtype.itemsize)
                place = np.ndarray(v.shape, v.dtype, self._scratch, before, strides)
            else:
                assert v.op is not None
                args, kwargs = with_values(v.op.args, self._standin), with_values(v.op.kwargs, self._standin)
                place = v.op.call(*args, **kwargs)
                if v.size and not np.may_share_memory(place, self._standin(v.root)):
                    raise Unsupported(f"{v.op.function} copies what it should show.")
            self._standins[v] = place
        return place


def in_order(shape: tuple[int, ...], step: int) -> tuple[int, ...]:
    """The strides of an array in C order."""
    strides = []
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


@functools.cache
def _reach(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> tuple[int, int]:
    """How many bytes an array spans before its first element, and from there on."""
    ways = [(n - 1) * s for n, s in zip(shape, strides, strict=True) if n]
    return -sum(min(way, 0) for way in ways), sum(max(way, 0) for way in ways) + itemsize
