"""All parameters of one optimiser as one vector, so that an update is a handful of calls however many layers there are.

The updates of the single parameters are the same lines on other arrays. Where that is so, parameters, gradients and the
optimiser's arrays are laid out side by side, and the lines run once, over everything. Elementwise arithmetic does not
notice: every bit stays. Parameters and optimiser state move into the common memory (``tensor.data`` becomes a view of
it).

The gaps that padding leaves between the parts hold nan, in all roles alike. Whatever an optimiser does, nan goes
through it without a warning and stays nan, where zeros would be divided by zeros, and any other number might vanish,
overflow or lose its variance in a long run.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import ELEMENTWISE, RESHAPES
from ..program import Line, Storage, Value

if TYPE_CHECKING:
    from ..program import Program, UpdateGroup

_LANE = 64  # bytes to which every part is padded: a cache line, and the widest vector register
_ours: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""The common vectors that are alive, by id."""


def flatten(program: Program) -> int:
    """Join the updates of each clock where they are alike; how many lines that saved."""
    before = _work(program)
    for i, clock in enumerate(program.clocks):
        units: dict[int, list[Line]] = {}
        for line in program.lines:
            if line.unit is not None and line.unit[0] == i:
                units.setdefault(line.unit[1], []).append(line)
        alike: dict[Any, list[list[Line]]] = {}
        wholes = _wholes(program)
        for lines in units.values():
            pattern = _pattern(lines, wholes)
            if pattern is not None:
                alike.setdefault(pattern, []).append(lines)
        for group in alike.values():
            if len(group) > 1:
                _join(program, clock, group)
    return before - _work(program)


def _work(program: Program) -> int:
    """How many lines do something in each call: views of fixed memory are made once."""
    return sum(line.effect != "view" for line in program.lines)


def _pattern(lines: list[Line], wholes: dict[int, tuple[Value, str]]) -> Any:
    """What an update does, with roles for its arrays; None if it is not elementwise arithmetic on whole arrays."""
    first = lines[0].target
    if first is None:
        return None
    roles: dict[int, int] = {}
    pattern: list[Any] = [first.dtype]
    for line in lines:
        if (line.function not in ELEMENTWISE and line.function != "np.copyto") or line.kwargs or line.effect == "fresh":
            return None
        told: list[tuple[Any, ...]] = []
        for x in (*line.args, line.target):
            if not isinstance(x, Value):
                told.append(("literal", repr(x)))
            elif x.storage.kind in ("number", "constant") and x.shape == ():
                told.append(("shared", id(x)))
            elif (
                x.shape != first.shape or x.storage.kind not in ("state", "buffer") or (x.view and id(x) not in wholes)
            ):
                return None
            elif x.storage.shared:
                return None  # it has to stay where it is
            else:
                told.append((x.storage.kind, str(x.dtype), roles.setdefault(id(x), len(roles))))
        pattern.append((line.function, line.effect, tuple(told)))
    made = {id(line.target) for line in lines}
    orders = {_order(v, wholes) for v in _roles(lines) if v.storage.kind == "state" or id(v) not in made} - {""}
    return tuple(pattern) if len(orders) <= 1 and "?" not in orders else None


def _wholes(program: Program) -> dict[int, tuple[Value, str]]:
    """By value that is all of a buffer, turned ("F") or in another shape ("C"): that buffer, and which of the two."""
    found: dict[int, tuple[Value, str]] = {}
    for line in program.lines:
        if line.effect != "view" or line.target is None:
            continue
        x = line.args[0]
        whole, order = found.get(id(x), (x, "C"))
        plain = order == "C" and not whole.view and whole.strides is None and whole.storage.kind == "buffer"
        if line.function == "attribute.T" and not x.view:
            found[id(line.target)] = x, "F"
        elif line.function in RESHAPES and plain:
            found[id(line.target)] = whole, "C"
    return found


def _order(v: Value, wholes: dict[int, tuple[Value, str]]) -> str:
    """How the elements of `v` follow one another in memory: "C", "F", or "" where it does not matter."""
    if v.storage.kind == "state":
        a = v.storage.array
        assert a is not None
        both = a.flags.c_contiguous and a.flags.f_contiguous
        return "" if both else "C" if a.flags.c_contiguous else "F" if a.flags.f_contiguous else "?"
    if v.strides is not None:
        return f"?{id(v)}"
    order = wholes[id(v)][1] if id(v) in wholes else "C"
    return order if order == "F" or sum(n > 1 for n in v.shape) > 1 else ""


def _roles(lines: list[Line]) -> list[Value]:
    """The arrays of an update in the order of their roles."""
    found: dict[int, Value] = {}
    for line in lines:
        for x in (*line.args, line.target):
            if isinstance(x, Value) and not (x.storage.kind in ("number", "constant") and x.shape == ()):
                found.setdefault(id(x), x)
    return list(found.values())


def _join(program: Program, clock: UpdateGroup, group: list[list[Line]]) -> None:
    members = {id(line) for lines in group for line in lines}
    places = [i for i, line in enumerate(program.lines) if id(line) in members]
    if any(program.lines[i].unit is None for i in range(places[0], places[-1])):
        return  # something else happens between the updates
    wholes = _wholes(program)
    roles = [_roles(lines) for lines in group]
    columns = list(zip(*([wholes.get(id(v), (v, ""))[0] for v in row] for row in roles), strict=True))
    spans, total = _layout(columns[0])
    if not all(_movable(column, spans, total) for column in columns if column[0].storage.kind == "state"):
        return
    outside = {
        id(v) for line in program.lines if id(line) not in members for v in (*line.read(), line.target) if v is not None
    }
    outside |= {id(v) for v in program.result_values()}
    flats: list[Value] = []
    parts: list[Line] = []
    moved: dict[int, Storage] = {}
    made = {id(line.target) for line in group[0]}
    for column in columns:
        flat = _flat(clock, column, spans, total, given=id(column[0]) not in made)
        flats.append(flat)
        for v, (start, stop) in zip(column, spans, strict=True):
            moved[id(v.storage)] = flat.storage
            v.view = True
            if id(v) in outside or flat.storage.kind == "state":
                a = v.storage.array if flat.storage.kind == "state" else None
                order = "F" if a is not None and not a.flags.c_contiguous else "C"
                parts.append(Line("part", _part, (flat, start, stop, v.shape, order), {}, v, "view"))
    for line in program.lines:
        for v in (*line.read(), line.target):
            if v is not None:
                v.storage = moved.get(id(v.storage), v.storage)
    for _, v in program.states.values():
        v.storage = moved.get(id(v.storage), v.storage)
    whole = {id(v): flat for v, flat in zip(roles[0], flats, strict=True)}
    joined = []
    for line in group[0]:
        args = tuple(whole.get(id(x), x) if isinstance(x, Value) else x for x in line.args)
        target = whole[id(line.target)] if line.target is not None and id(line.target) in whole else line.target
        joined.append(
            Line(line.function, line.call, args, {}, target, line.effect, line.section, line.where, unit=line.unit)
        )
    rest = [line for i, line in enumerate(program.lines) if i < places[0] and id(line) not in members]
    after = [line for i, line in enumerate(program.lines) if i >= places[0] and id(line) not in members]
    program.lines[:] = [*parts, *rest, *joined, *after]


def _layout(column: tuple[Value, ...]) -> tuple[list[tuple[int, int]], int]:
    """Where each part begins and ends in the common vector, in elements, and how long that is."""
    spans = []
    at = 0
    for v in column:
        lane = max(1, _LANE // v.dtype.itemsize)
        n = v.nbytes // v.dtype.itemsize
        spans.append((at, at + n))
        at = -(-(at + n) // lane) * lane
    return spans, at


def _movable(column: tuple[Value, ...], spans: list[tuple[int, int]], total: int) -> bool:
    """Whether this memory may move: it is plain, and a part of nothing but a common vector."""
    if _already(column, spans, total) is not None:
        return True
    return all(
        a is not None and a.flags.forc and a.flags.writeable and (a.base is None or id(_root(a)) in _ours)
        for a in (v.storage.array for v in column)
    )


def _root(a: Any) -> Any:
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _already(column: tuple[Value, ...], spans: list[tuple[int, int]], total: int) -> Any:
    """The common vector, if the arrays lie in one just so, from an earlier program."""
    first = column[0].storage.array
    if first is None:
        return None
    root = _root(first)
    if root.ndim != 1 or root.size != total or root.dtype != first.dtype:
        return None
    start = root.ctypes.data
    for v, (a, _) in zip(column, spans, strict=True):
        if v.storage.array is None or _root(v.storage.array) is not root:
            return None
        if v.storage.array.ctypes.data != start + a * root.itemsize:
            return None
    return root


def _flat(
    clock: UpdateGroup, column: tuple[Value, ...], spans: list[tuple[int, int]], total: int, *, given: bool
) -> Value:
    """The value that spans all of a role, its memory set up. What is `given` to the update are the gradients."""
    first = column[0]
    if first.storage.kind == "buffer":
        # gradients are written part by part; nothing else may leave its traces in the gaps between them, which are nan
        storage = Storage("buffer", begins=np.nan if given else None)
        return Value(storage, (total,), first.dtype, "gradients" if given else "", hint=first.hint)
    owner = first.storage.owner
    name = "parameters" if not isinstance(owner, tuple) else owner[1]
    vector = _already(column, spans, total)
    if vector is None:
        vector = np.full(total, np.nan if first.dtype.kind == "f" else 1, first.dtype)
        _ours[id(vector)] = vector
        for v, (a, b) in zip(column, spans, strict=True):
            old = v.storage.array
            assert old is not None
            new = v.storage.array = vector[a:b].reshape(v.shape, order="C" if old.flags.c_contiguous else "F")
            new[...] = old
            owner = v.storage.owner
            if isinstance(owner, tuple):
                tensor, slot = owner
                clock.optimizer.state[tensor][slot] = new
            else:
                owner.data = new
    return Value(Storage("state", vector), (total,), first.dtype, name)


def _part(flat: Any, start: int, stop: int, shape: tuple[int, ...], order: str) -> Any:
    return flat[start:stop].reshape(shape, order=order)
