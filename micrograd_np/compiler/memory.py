"""Where every value lies: lifetimes, reuse in place, one arena."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field

import numpy as np

from .ir import Loop, Memory, Op, Value
from .materialise import materialise
from .operations import elementwise
from .program import Program

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


@dataclass(eq=False, slots=True)
class Storage:
    """The memory of all versions of a value, and of those that take its place when it is dead."""

    kind: str
    """As `Value.kind`: "buffer" lies in the arena."""
    spans: Value
    """A value that spans it."""
    memory: Memory | None = None
    begins: float | None = None
    """What a buffer holds where nothing writes, so that its place in the arena is its own; None where all is."""
    offset: int = 0
    """Of a buffer, in bytes: where it begins in the arena, or in the storage that it lies in."""
    inside: Storage | None = None
    """The common vector of which it is a part."""

    @property
    def is_free(self) -> bool:
        """Whether it is a buffer like any other, which may be shared and moved."""
        return self.kind == "buffer" and self.inside is None

    @property
    def nbytes(self) -> int:
        """How many bytes of the arena it takes."""
        return -(-sum(self.spans.reach) // ALIGNMENT) * ALIGNMENT

    @property
    def start(self) -> int:
        """Where it begins in the arena."""
        return self.offset + (0 if self.inside is None else self.inside.start)


@dataclass(eq=False)
class Plan:
    """Which storage each value lies in, and how large the arena is."""

    storages: dict[Value, Storage] = field(default_factory=dict)
    """By root, and by view outside loops."""
    sources: dict[Memory, Storage] = field(default_factory=dict)
    nbytes: int = 0
    separate: int = 0
    """The bytes that all buffers would take side by side."""

    def storage(self, v: Value) -> Storage:
        """The storage of a value."""
        storage = self.storages.get(v) or self.storages.get(v := v.root)
        if storage is None:
            assert v.memory is not None, f"{v} is not defined"
            storage = self.storages[v] = self.source(v.memory, v)
        return storage

    def source(self, memory: Memory, spans: Value) -> Storage:
        """The storage of memory that the program finds."""
        return self.sources.setdefault(memory, Storage(memory.kind, spans, memory))


def plan(program: Program) -> Plan:
    """Give every value a place: versions and results in place share one, the rest is packed by lifetime."""
    layout = place(program)
    spans = _lifetimes(program, layout)
    _merge_in_place(program, layout, spans)
    arrange(layout, spans)
    return layout


def place(program: Program) -> Plan:
    """Give every value a storage, which is not yet part of the arena; versions share one."""
    homes = materialise(program)
    layout = Plan()
    for op in program.ops:
        if op.effect == "view" and op.of is not None and op.result is not None:
            layout.storages[op.result] = layout.storage(op.of)
            continue
        slots = op.slots if isinstance(op, Loop) else {}
        for one in op.parts:
            z = one.result
            if z is None or z in slots or one.effect == "view":
                continue
            if one.effect == "update":
                assert one.of is not None
                layout.storages[z] = layout.storage(one.of)
            elif z in homes:
                layout.storages[z] = layout.source(homes[z], z)
            else:
                layout.storages[z] = Storage("fresh" if one.effect == "fresh" else "buffer", z)
            if one.function == "pack":
                _pack(one, layout.storages[z], layout)
        for v in slots.values():
            layout.storages.setdefault(v, Storage("buffer", v))
    return layout


def _pack(op: Op, vector: Storage, layout: Plan) -> None:
    """Let each gradient lie where it belongs in the common vector, between which there is nan."""
    vector.begins = np.nan
    *parts, spans = op.args
    for v, (start, _) in zip(parts, spans, strict=True):
        storage = layout.storage(v)
        storage.inside, storage.offset = vector, start * v.dtype.itemsize


def _lifetimes(program: Program, layout: Plan) -> dict[Storage, tuple[int, int]]:
    """By storage: the first operation that touches it, and the last; one past the end for what leaves the step."""
    begins: dict[Storage, int] = {}
    ends: dict[Storage, int] = {}
    storages, storage_of = layout.storages, layout.storage
    for i, op in enumerate(program.ops):
        touched = op.reads if op.result is None or op.effect == "view" else (*op.reads, op.result)
        if isinstance(op, Loop):
            inside = (v for one in op.body for v in one.defines if v in storages)
            touched = (*op.reads, *op.leaving, *op.slots.values(), *inside)
        for v in touched:
            storage = storages.get(v) or storage_of(v)
            if storage not in begins:
                begins[storage] = i
            ends[storage] = i
    spans = {storage: (i, ends[storage]) for storage, i in begins.items()}
    end = len(program.ops)
    for v in program.leaving():
        storage = layout.storage(v)
        spans[storage] = (spans.get(storage, (0, 0))[0], end)
    for storage in spans:
        if storage.begins is not None:
            spans[storage] = (0, end)
    return spans


def _merge_in_place(program: Program, layout: Plan, spans: dict[Storage, tuple[int, int]]) -> None:
    """Let the result of an elementwise operation take over the memory of an operand that dies there."""
    for i, op in enumerate(program.ops):
        for one in op.parts if op.effect in ("update", "view", "loop") else ():
            if one.effect in ("update", "view") and one.of is not None and one.result in layout.storages:
                layout.storages[one.result] = layout.storage(one.of)  # which may have moved
        z = op.result
        if z is None or not elementwise(op) or not (old := layout.storage(z)).is_free:
            continue
        for x in op.args:
            if not isinstance(x, Value) or x.is_view or (x.shape, x.dtype, x.strides) != (z.shape, z.dtype, z.strides):
                continue
            new = layout.storage(x)
            if not new.is_free or spans[new][1] != i:
                continue
            if any(isinstance(y, Value) and y is not x and layout.storage(y) is new for y in op.args):
                continue  # another view of the same memory is read, in another order
            spans[new] = (spans[new][0], spans.pop(old)[1])
            layout.storages[z] = new
            layout.separate += old.nbytes
            break


def arrange(layout: Plan, spans: dict[Storage, tuple[int, int]]) -> None:
    """Pack the buffers into one arena, the largest first, where nothing lies that is alive at the same time.

    `spans` says of each storage when it is touched first, and when last.
    """
    buffers = {storage: storage.nbytes for storage in spans if storage.is_free}
    layout.separate += sum(buffers.values())
    placed: list[tuple[int, int, int, int]] = []  # (begin, end, first operation, last operation), in order
    for storage in sorted(buffers, key=lambda s: (-buffers[s], spans[s])):
        first, last = spans[storage]
        size, offset = buffers[storage], 0
        for begin, end, since, until in placed:
            if since <= last and first <= until:  # alive at the same time
                if offset + size <= begin:
                    break
                offset = end if end > offset else offset  # noqa: FURB136  a call would take as long as the rest
        insort(placed, (offset, offset + size, first, last))
        storage.offset = offset
        layout.nbytes = max(layout.nbytes, offset + size)
