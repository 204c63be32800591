"""Copies that make a program fit for memory: each version is dead when the next one is written in its place.

Passes may let an old version be read after an update, a gradient be a part of something else, or a parameter take over
a value that stands elsewhere. That is all right among values; memory needs a copy then.
"""

from __future__ import annotations

import numpy as np

from .ir import Memory, Op, Value, copy_of, mapped, values_in
from .operations import elementwise
from .program import Program


def materialise(program: Program, *, gradients: bool = True) -> dict[Value, Memory]:
    """Insert the copies that memory needs; the values that are computed where they are to be stored, and where.

    With `gradients`, these get memory of their own as well.
    """
    if gradients:
        _copy_gradients(program)
    _copy_results(program)
    last, count = _last_reads(program), len(program.ops)
    homes = _store(program, last)
    last |= {v.root: i for i, op in enumerate(program.ops[count:], count) for v in op.reads}
    _copy_before_updates(program, last)
    return homes


def _copy_gradients(program: Program) -> None:
    """Each gradient has memory of its own, which lasts until the next call."""
    taken: set[Value] = set()
    for i, (t, v) in enumerate(program.gradients_out):
        if v is not None and (v.root.kind != "buffer" or v.root in taken):
            program.ops.append(copy_of(v, "after the backward"))
            program.gradients_out[i] = (t, program.ops[-1].result)
        taken.update((v.root,) if v is not None else ())


def _copy_results(program: Program) -> None:
    """What was in memory before it is written, and is returned, has memory of its own."""
    copies: dict[Value, Value] = {}
    for v in dict.fromkeys(values_in(program.results)):
        memory = v.first.memory
        if memory in program.stores and program.stores[memory].root is not v.root:
            program.ops.append(op := copy_of(v))
            copies[v] = op.result or v
    if copies:
        program.results = mapped(program.results, lambda v: copies.get(v, v))


def _store(program: Program, last: dict[Value, int]) -> dict[Value, Memory]:
    """Copy into memory that outlives the step what is not computed there; by value that is, the memory."""
    elsewhere = {memory: v for memory, v in program.stores.items() if v.first.memory is not memory}
    if not elsewhere:
        return {}
    first = _sources(program)
    pinned = {v.root for _, v in program.gradients_out if v is not None}
    pinned |= {v for op in program.ops if op.function == "pack" for v in op.reads}
    homes: dict[Value, Memory] = {}
    for memory, v in elsewhere.items():
        old, computed = first[memory], v.op is not None and v.op.effect == "new" and v not in pinned
        if computed and v not in homes and (v.shape, v.dtype, v.strides) == (old.shape, old.dtype, old.strides):
            homes[v] = memory
    last = last | {v.root: len(program.ops) for memory, v in elsewhere.items() if homes.get(v) is not memory}
    lies: dict[Value, Memory | None] = {}  # by version: where it lies
    where: dict[Value, int] = {}
    for i, op in enumerate(program.ops):
        for one in op.parts if op.effect != "view" else ():
            if one.effect == "update" and one.result is not None and one.of is not None:
                lies[one.result] = lies.get(one.of.root, one.of.root.memory)
            elif one.result in homes:
                where[one.result] = i
    latest: dict[Memory | None, int] = {}  # by memory: the last operation that reads what lies there
    for root, i in last.items():
        place = lies.get(root, root.memory)
        latest[place] = max(i, latest.get(place, -1))
    for v, memory in list(homes.items()):
        if latest.get(memory, -1) > where[v] or not _in_place(program.ops[where[v]], v, memory):
            del homes[v]
    for memory, v in elsewhere.items():
        if homes.get(v) is not memory:
            _copy_back(program, memory, v, first[memory])
    return homes


def _copy_back(program: Program, memory: Memory, v: Value, source: Value) -> None:
    """Copy a value into memory that outlives the step, at the end; `source` is what it held first."""
    versions = [op.result for op in program.ops if op.effect == "update" and op.result is not None]
    source = next((z for z in reversed(versions) if z.first.memory is memory), source)
    new = program.stores[memory] = source.alike()
    section = v.op.section if v.op is not None else "update"
    program.ops.append(Op("np.copyto", np.copyto, (v,), {}, new, "update", source, section))


def _sources(program: Program) -> dict[Memory | None, Value]:
    """By memory that is stored into: what it holds first."""
    read = [v for op in reversed(program.ops) for v in op.reads if v.memory is not None]
    sources = (*program.inputs, *(v for _, v in (*program.gradients_in, *program.states.values())))
    return {v.memory: v for v in (*read, *(v.root for v in sources))}


def _last_reads(program: Program) -> dict[Value, int]:
    """By root: the last operation that reads it, or a view of it."""
    return {v.root: i for i, op in enumerate(program.ops) for v in op.reads}


def _in_place(op: Op, v: Value, memory: Memory) -> bool:
    """Whether an operation may compute `v` in `memory`, as far as it reads that itself."""
    after = op.parts[next(i for i, one in enumerate(op.parts) if one.result is v) + 1 :]
    late = any(x.first.memory is memory for one in after for x in one.reads)
    return not late and all(_reads_alike(one, memory) for one in op.parts)


def _reads_alike(op: Op, memory: Memory) -> bool:
    """Whether an operation reads what lies in `memory` element by element, if at all."""
    read = [v for v in op.reads if v.first.memory is memory]
    return not read or (all(v is v.root for v in read) and (elementwise(op) or op.function == "copy"))


def _copy_before_updates(program: Program, last: dict[Value, int]) -> None:
    """Copy what an update writes into, where the old version is still read, or is not the program's to change."""
    needed = {v.root for v in program.needed()}
    ops: list[Op] = []
    displaced: list[tuple[Memory, Value]] = []
    for i, op in enumerate(program.ops):
        for one in op.parts if op.effect in ("update", "loop") else ():
            if one.effect != "update" or one.of is None:
                continue
            root = one.of.root
            foreign = root.memory is not None and root.memory not in program.stores
            if not foreign and last.get(root, -1) <= i and root not in needed:
                continue
            ops.append(copy := copy_of(root, op.section, op.where))
            memory = root.first.memory
            displaced += [(memory, root)] if memory is not None and memory in program.stores else []
            changed = {root: copy.result or root}
            for step in one.of.steps:
                assert step.result is not None
                seen = changed[step.result] = Value(step.result.shape, step.result.dtype, label=step.result.label)
                ops.append(step.copy(lambda v, changed=changed: changed.get(v, v), seen))  # type: ignore[misc]
            one.of = changed[one.of]
            one.look_again()
            op.look_again()
        ops.append(op)
    program.ops[:] = ops
    for memory, root in displaced:
        _copy_back(program, memory, program.stores[memory], root)
