"""All parameters of one optimiser as one vector, so that an update is a handful of calls however many layers there are.

The updates of the single parameters are the same operations on other arrays. Where that is so, parameters, gradients
and the optimiser's arrays are laid out side by side, and the operations run once, over everything. Elementwise
arithmetic does not notice: every bit stays. Parameters and optimiser state move into the common memory (``tensor.data``
becomes a view of it); gradients are packed: each is computed where it belongs in the common vector.

The gaps that padding leaves between the parts hold nan, in all roles alike. Whatever an optimiser does, nan goes
through it without a warning and stays nan, where zeros would be divided by zeros, and any other number might vanish,
overflow or lose its variance in a long run.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from ..ir import Label, Memory, Op, Value, never
from ..operations import RESHAPES, elementwise
from ..program import Program

_LANE = 64  # bytes to which every part is padded: a cache line, and the widest vector register
_ours: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""The common vectors that are alive, by id."""

_Span = tuple[int, int]
"""Where a part begins and ends in the common vector, in elements."""


def fuse_updates(program: Program) -> int:
    """Join the updates of each group where they are alike; how many operations that saved."""
    saved = 0
    for i in range(len(program.groups)):
        units: dict[int, _Unit] = {}
        memories = _stored(program)
        for op in program.ops:
            if op.unit is not None and op.unit[0] == i:
                units.setdefault(op.unit[1], _Unit(memories, program.stores)).add(op)
        alike: dict[Any, list[_Unit]] = {}
        for unit in units.values():
            pattern = unit.pattern()
            if pattern is not None:
                alike.setdefault(pattern, []).append(unit)
        for members in alike.values():
            if len(members) > 1:
                saved += _join(program, members)
    return saved


def _stored(program: Program) -> dict[Value, Value]:
    """By value that is stored in state: what this held first."""
    first = {v.memory: v for _, v in program.states.values()}
    return {v: first[memory] for memory, v in program.stores.items() if memory in first}


class _Unit:
    """The update of one parameter."""

    def __init__(self, stored: dict[Value, Value], later: dict[Memory, Value]) -> None:
        self.stored, self.later = stored, later
        self.ops: list[Op] = []
        self.roles: dict[Value, int] = {}
        """Its arrays, numbered in the order of their appearance."""
        self.order = "C"
        """How they follow one another in memory."""

    def add(self, op: Op) -> None:
        """Note an operation."""
        if op.effect == "view":
            return  # a gradient in the shape of its parameter
        self.ops.append(op)
        for x in (*op.args, op.result):
            if isinstance(x, Value) and not _is_number(x):
                self.roles.setdefault(x, len(self.roles))
                if x in self.stored:
                    self.roles.setdefault(self.stored[x], len(self.roles))

    def pattern(self) -> Any:
        """What it does, with roles for its arrays; None if it is not elementwise arithmetic on whole arrays."""
        inside = {op.result for op in self.ops}
        shape = self.ops[0].result.shape if self.ops and self.ops[0].result is not None else None
        if not all(op.result is not None and (elementwise(op) or op.function == "copy") for op in self.ops):
            return None
        orders: set[str] = set()
        kinds = []
        for v in self.roles:
            whole, order = _whole(v)
            if v.shape != shape or whole is None or whole.kind not in ("state", "buffer"):
                return None
            if whole.memory is not None and (whole.memory.shared or self.later.get(whole.memory, v) not in self.roles):
                return None  # it has to stay where it is; or something else is stored there later
            kinds.append((whole.kind, v.dtype, self.roles.get(self.stored.get(v, v))))
            if v not in inside:
                orders.add(order)
        orders -= {""}
        if len(orders) > 1 or "?" in orders:
            return None
        self.order = "".join(orders) or "C"

        def role(x: Any) -> Any:
            return x if isinstance(x, Value) and _is_number(x) else self.roles[x] if isinstance(x, Value) else repr(x)

        calls = [(op.function, tuple([role(x) for x in (*op.args, op.result)])) for op in self.ops]
        return tuple(kinds), tuple(calls)


def _is_number(v: Value) -> bool:
    return v.shape == () and v.memory is not None and v.memory.kind in ("number", "constant")


def _whole(v: Value) -> tuple[Value | None, str]:
    """The value of which `v` is a turned or reshaped view, and its order in memory: "C", "F", "" for either."""
    if v.memory is not None and v.memory.kind == "state":
        a = v.memory.array
        either = a.flags.c_contiguous and a.flags.f_contiguous
        return v, "" if either else "C" if a.flags.c_contiguous else "F" if a.flags.f_contiguous else "?"
    whole, order = v, "C"
    while whole.is_view:
        op = whole.op
        assert op is not None
        if op.function == "attribute.T" and not whole.base.is_view and whole is v:
            order = "F"
        elif op.function not in RESHAPES or op.kwargs or order == "F":
            return None, "?"
        whole = whole.base
    if whole.strides is not None:
        return whole, "?"
    return whole, order if order == "F" or sum(n > 1 for n in v.shape) > 1 else ""


def _join(program: Program, members: list[_Unit]) -> int:
    """Let one update of common vectors stand for those of `members`; how many operations that saves."""
    joined = {op for unit in members for op in unit.ops}
    place = next(i for i, op in enumerate(program.ops) if op in joined)
    inside = {op.result for op in joined}
    columns = list(zip(*(unit.roles for unit in members), strict=True))
    states = [column for column in columns if column[0].memory is not None]
    gradients = [column for column in columns if column[0].memory is None and column[0] not in inside]
    late = {v for op in program.ops[place:] for v in op.defines}
    if any(v.root in late for column in gradients for v in column):
        return 0  # a gradient is computed between the updates
    spans, total = _layout(columns[0])
    if not all(_movable(column, spans, total) for column in states) or not _packable(program, gradients):
        return 0
    where = program.ops[place]
    vectors: dict[Value, Value] = {}  # by value of the first member: the vector of its role
    parts: dict[Value, Value] = {}  # by value: the part of the vector that stands for it

    def part(v: Value, k: int, section: str) -> Op:
        parts[v] = Value(v.shape, v.dtype, label=v.label)
        vector = vectors[columns[column_of[v]][0]]
        order = members[k].order if v.memory is None else "C" if v.memory.array.flags.c_contiguous else "F"
        args = (vector, *spans[k], v.shape, order)
        return Op("part", part_of, args, {}, parts[v], "view", vector, section)

    column_of = {v: i for i, column in enumerate(columns) for v in column}
    first, new, last = [], [], []
    for column in states:
        vectors[column[0]] = _common(column, spans, total)
        first += [part(v, k, "update") for k, v in enumerate(column)]
    for column in gradients:
        vector = vectors[column[0]] = Value((total,), column[0].dtype, None, Label("gradients"))
        args = (*(v.root for v in column), tuple(spans))
        new.append(Op("pack", never, args, {}, vector, "new", None, where.section, where.where))
    read = {v for op in program.ops if op not in joined for v in op.reads} | set(program.leaving())
    for op in members[0].ops:
        assert op.result is not None
        z = vectors[op.result] = Value((total,), op.result.dtype, None, Label("", op.result.label.hint))
        new.append(op.copy(lambda v: vectors.get(v, v), z))
        for k, v in enumerate(columns[column_of[op.result]]):
            if v in members[k].stored:
                source = members[k].stored[v]
                assert source.memory is not None
                program.stores.pop(source.memory)
                memory = vectors[columns[column_of[source]][0]].memory
                assert memory is not None
                program.stores[memory] = z
            if v in read:
                last.append(part(v, k, op.section))
    ahead = [op for op in program.ops[:place] if op not in joined]
    behind = [op for op in program.ops[place:] if op not in joined]
    program.ops[:] = [*first, *ahead, *new, *last, *behind]
    program.replace(parts)
    program.states = {key: (t, parts.get(v, v)) for key, (t, v) in program.states.items()}
    return len(joined) - len(members[0].ops)  # views of fixed memory are made once


def _packable(program: Program, columns: list[tuple[Value, ...]]) -> bool:
    """Whether each gradient can be computed where it belongs: its memory is its own, and no other vector takes it."""
    taken = {v for op in program.ops if op.function == "pack" for v in op.reads}
    roots = [v.root for column in columns for v in column]
    return len(set(roots)) == len(roots) and taken.isdisjoint(roots)


def _layout(column: tuple[Value, ...]) -> tuple[list[_Span], int]:
    """Where each part begins and ends in the common vector, in elements, and how long that is."""
    spans = []
    at = 0
    for v in column:
        lane = max(1, _LANE // v.dtype.itemsize)
        spans.append((at, at + v.size))
        at = -(-(at + v.size) // lane) * lane
    return spans, at


def _movable(column: tuple[Value, ...], spans: list[_Span], total: int) -> bool:
    """Whether this memory may move: it is plain, and a part of nothing but a common vector."""
    if _already(column, spans, total) is not None:
        return True
    arrays = [v.memory.array for v in column if v.memory is not None]
    return all(a.flags.forc and a.flags.writeable and (a.base is None or id(_owner(a)) in _ours) for a in arrays)


def _owner(a: Any) -> Any:
    """The array that owns the memory of `a`."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _already(column: tuple[Value, ...], spans: list[_Span], total: int) -> Any:
    """The common vector, if the arrays lie in one just so, from an earlier program."""
    arrays = [v.memory.array for v in column if v.memory is not None]
    vector = _owner(arrays[0])
    if vector.ndim != 1 or vector.size != total or vector.dtype != arrays[0].dtype:
        return None
    start = vector.ctypes.data
    for a, (begin, _) in zip(arrays, spans, strict=True):
        if _owner(a) is not vector or a.ctypes.data != start + begin * vector.itemsize:
            return None
    return vector


def _common(column: tuple[Value, ...], spans: list[_Span], total: int) -> Value:
    """The value that spans all of a role that outlives the step, its memory set up."""
    first = column[0]
    assert first.memory is not None
    owner = first.memory.owner
    name = "parameters" if not isinstance(owner, tuple) else owner[1]
    vector = _already(column, spans, total)
    if vector is None:
        vector = np.full(total, np.nan if first.dtype.kind == "f" else 1, first.dtype)
        _ours[id(vector)] = vector
        for v, (begin, end) in zip(column, spans, strict=True):
            memory = v.memory
            assert memory is not None
            old = memory.array
            order: Any = "C" if old.flags.c_contiguous else "F"
            new = memory.array = vector[begin:end].reshape(v.shape, order=order)
            new[...] = old
            if isinstance(memory.owner, tuple):
                tensor, slot, optimizer = memory.owner
                optimizer.state[tensor][slot] = new
            else:
                memory.owner.data = new
    return Value((total,), first.dtype, None, Label(name), Memory("state", vector))


def part_of(flat: Any, start: int, stop: int, shape: tuple[int, ...], order: Any) -> Any:
    """A part of a common vector in the shape that it has had alone."""
    return flat[start:stop].reshape(shape, order=order)
