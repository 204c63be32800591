"""Equal calls on equal operands are one."""

from __future__ import annotations

from copy import copy as shallow
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import ELEMENTWISE, lines_touching, lines_writing, replace_results
from ..program import OUTLIVES, Line, Opaque, Storage, Value

if TYPE_CHECKING:
    from ..program import Program


def merge_repeats(program: Program) -> int:
    """One line for equal calls on unchanged operands."""
    writes, touching = lines_writing(program), lines_touching(program)
    products = _Products(program)
    replaced: dict[int, Value] = {}
    moved: dict[int, Storage] = {}
    seen: dict[Any, tuple[int, Line]] = {}
    kept = []
    returned = {id(v.storage) for v in program.result_values()}

    def current(v: Value) -> Value:
        return replaced.get(id(v), v)

    for i, line in enumerate(program.lines):
        if replaced:
            line.substitute(current)
        if line.target is not None and line.effect in ("out", "in"):
            line.target = current(line.target)  # a view of the destination may be a repeat
        target = line.target
        key = _key(line)
        if line.effect == "view" and target is not None:
            target.storage = moved.get(id(target.storage), target.storage)
        if target is None or key is None or (line.effect == "in" and not _copies(line)) or line.must_run:
            kept.append(line)
            continue
        if line.effect != "view" and (
            len(writes.get(id(target.storage), ())) != 1
            or target.storage.kind in OUTLIVES
            or touching[id(target.storage)][0] < i  # it is filled through a view, or one was taken before
        ):
            kept.append(line)
            continue
        if line.effect == "out" and target.view:  # what the view looks into is read under its own name
            kept.append(line)
            continue
        earlier = seen.get(key)
        if earlier is not None and (line.effect == "view" or id(target.storage) not in returned):
            j, twin = earlier
            assert twin.target is not None
            unchanged = not any(j < w < i for v in line.read() for w in writes.get(id(v.storage), ()))
            if line.effect == "view" or (unchanged and products.unite(twin.target.storage, target.storage)):
                replaced[id(target)] = twin.target
                if line.effect != "view":
                    moved[id(target.storage)] = twin.target.storage
                    twin.target.name = twin.target.name or target.name
                continue
        seen[key] = (i, line)
        kept.append(line)
    dropped = len(program.lines) - len(kept)
    program.lines[:] = kept
    if replaced:
        replace_results(program, replaced)
    return dropped


class _Products:
    """Which storages meet as operands: a product of a matrix with itself rounds otherwise than of two equal ones."""

    def __init__(self, program: Program) -> None:
        self.others: dict[int, set[int]] = {}
        for line in program.lines:
            if line.effect != "view" and line.function not in ELEMENTWISE:
                met = {id(v.storage) for v in line.read()}
                for key in met:
                    self.others.setdefault(key, set()).update(met - {key})

    def unite(self, storage: Storage, twin: Storage) -> bool:
        """Whether one may stand for both, in which case it does from here on."""
        mine = self.others.setdefault(id(storage), set())
        if id(twin) in mine:
            return False
        for other in self.others.get(id(twin), ()):
            mine.add(other)
            self.others[other].add(id(storage))
        return True


def _copies(line: Line) -> bool:
    """Whether a line does nothing but fill a whole buffer with a copy."""
    v = line.target
    whole = v is not None and v is line.args[0] and not v.view and v.storage.kind == "buffer"
    return whole and line.function == "np.copyto" and not line.kwargs


def _key(line: Line) -> Any:
    args, z = line.args, line.target
    if line.effect == "in" and _copies(line):
        args = args[1:]
    laid_out = (z.shape, z.dtype, z.strides) if z is not None and line.effect != "view" else None
    try:
        key = (line.function, line.effect, _frozen(args), _frozen(tuple(sorted(line.kwargs.items()))), laid_out)
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(x: Any) -> Any:
    if isinstance(x, Value):
        return ("value", id(x))
    if isinstance(x, (tuple, list)):
        return tuple(_frozen(part) for part in x)
    if isinstance(x, slice):
        return ("slice", x.start, x.stop, x.step)
    if isinstance(x, Opaque):
        return ("literal", id(x.thing))
    return (type(x).__name__, repr(x) if isinstance(x, (float, complex)) else x)  # zeros have two signs


def merge_repeated_buffers(program: Program) -> int:
    """One buffer for two that the same lines fill, one after another; how many lines that saved."""
    lines = program.lines
    touching = lines_touching(program)
    writes = lines_writing(program)
    products = _Products(program)
    known: dict[Any, tuple[list[int], Value]] = {}
    replaced: dict[int, Value] = {}
    moved: dict[int, Storage] = {}
    gone: set[int] = set()
    for line in list(lines):
        z = line.target
        if z is None or z.view or z.storage.kind != "buffer" or z.storage.begins is not None or id(z) in replaced:
            continue
        group = writes.get(id(z.storage), [])
        if len(group) < 2 or line is not lines[group[0]]:
            continue
        inside = [i for i in touching[id(z.storage)] if i <= group[-1]]
        alone = set(inside) == set(group) and touching[id(z.storage)][-1] < len(lines)
        if not alone or any(lines[i].target is not z or lines[i].must_run for i in group):
            continue

        def told(v: Value, z: Value = z) -> Value:
            return _SELF if v is z else replaced.get(id(v), v)

        members = [shallow(lines[i]) for i in group]
        for member in members:
            member.substitute(told)
        lines_told = tuple(map(_key, members))
        if None in lines_told:
            continue
        key = z.shape, z.dtype, z.strides, lines_told
        if key not in known:
            known[key] = group, z
            continue
        before, twin = known[key]
        read = {id(v.storage) for member in members for v in member.read() if v is not _SELF}
        last = max(before[-1], group[-1])
        if any(before[0] < w <= last for s in read for w in writes.get(s, ())):
            continue
        if any(i <= before[-1] for i in touching[id(z.storage)] if i not in group):
            continue  # read before its twin is complete
        if not products.unite(twin.storage, z.storage):
            continue
        replaced[id(z)], moved[id(z.storage)] = twin, twin.storage
        gone.update(group)
    if not replaced:
        return 0
    program.lines[:] = [line for i, line in enumerate(lines) if i not in gone]
    for line in program.lines:
        line.substitute(lambda v: replaced.get(id(v), v))
        if line.effect == "view" and line.target is not None:
            line.target.storage = moved.get(id(line.target.storage), line.target.storage)
    return len(gone)


_SELF = Value(Storage("buffer"), (), np.dtype(bool))
"""Stands for the buffer that lines fill, where only what they do is compared."""
