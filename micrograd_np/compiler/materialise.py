"""Copies that make a program fit for memory: each version is dead when the next one is written in its place.

Passes may let an old version be read after an update, a gradient be a part of something else, or a parameter take over
a value that stands elsewhere. That is all right among values; memory needs a copy then.
"""

from __future__ import annotations

import numpy as np

from .ir import Loop, Memory, Op, Value, mapped, values_in
from .operations import elementwise
from .program import Program


def materialise(program: Program, *, gradients: bool = True) -> dict[Value, Memory]:
    """Insert the copies that memory needs; the values that are computed where they are to be stored, and where.

    With `gradients`, these get memory of their own as well.
    """
    if gradients:
        _copy_gradients(program)
    _copy_results(program)
    homes = _store(program)
    _copy_before_updates(program)
    return homes


def _copy_gradients(program: Program) -> None:
    """Each gradient has memory of its own, which lasts until the next call."""
    taken: set[Value] = set()
    for i, (t, v) in enumerate(program.gradients_out):
        if v is None:
            continue
        root = v.root
        if root.kind != "buffer" or root in taken:
            copied = Value(v.shape, v.dtype, v.strides, v.label)
            program.ops.append(Op("copy", np.copyto, (v,), {}, copied, "new", None, "after the backward"))
            program.gradients_out[i] = (t, copied)
        taken.add(root)


def _copy_results(program: Program) -> None:
    """What was in memory before it is written, and is returned, has memory of its own."""
    copies: dict[Value, Value] = {}
    for v in values_in(program.results):
        memory = v.first.memory
        if memory in program.stores and program.stores[memory].root is not v.root and v not in copies:
            copies[v] = Value(v.shape, v.dtype, v.strides, v.label)
            program.ops.append(Op("copy", np.copyto, (v,), {}, copies[v], "new"))
    if copies:
        program.results = mapped(program.results, lambda v: copies.get(v, v))


def _store(program: Program) -> dict[Value, Memory]:
    """Copy into memory that outlives the step what is not computed there; by value that is, the memory."""
    if all(v.first.memory is memory for memory, v in program.stores.items()):
        return {}
    sources = _sources(program)
    pinned = {v.root for _, v in program.gradients_out if v is not None}
    pinned |= {v for op in program.ops if op.function == "pack" for v in op.reads}
    last = _last_reads(program)
    end = len(program.ops)
    homes: dict[Value, Memory] = {}
    copies: list[tuple[Memory, Value]] = []
    where = {v: i for i, op in enumerate(program.ops) for v in op.defines}
    for memory, v in program.stores.items():
        if v.first.memory is memory:
            continue
        source = sources[memory]
        computed = v.op is not None and v.op.effect == "new" and v not in homes and v not in pinned
        if computed and (v.shape, v.dtype, v.strides) == (source.shape, source.dtype, source.strides):
            homes[v] = memory
        else:
            copies.append((memory, v))
            last[v.root] = end
    latest: dict[Memory | None, int] = {}  # by memory: the last operation that reads what lies there
    lies: dict[Value, Memory | None] = {}  # by version: where it lies
    for op in program.ops:
        for one in op.body if isinstance(op, Loop) else (op,):
            if one.effect == "update" and one.result is not None and one.of is not None:
                root = one.of.root
                lies[one.result] = lies.get(root, root.memory)
    for root, i in last.items():
        place = lies.get(root, root.memory)
        latest[place] = max(i, latest.get(place, -1))
    for v, memory in list(homes.items()):
        if latest.get(memory, -1) > where[v] or not _in_place(program.ops[where[v]], v, memory):
            del homes[v]
            copies.append((memory, v))
    for memory, v in copies:
        _copy_back(program, memory, v, sources[memory])
    return homes


def _copy_back(program: Program, memory: Memory, v: Value, source: Value) -> None:
    """Copy a value into memory that outlives the step, at the end; `source` is what it held first."""
    versions = [op.result for op in program.ops if op.effect == "update" and op.result is not None]
    source = next((z for z in reversed(versions) if z.first.memory is memory), source)
    new = program.stores[memory] = Value(source.shape, source.dtype, source.strides, source.label)
    section = v.op.section if v.op is not None else "update"
    program.ops.append(Op("np.copyto", np.copyto, (v,), {}, new, "update", source, section))


def _sources(program: Program) -> dict[Memory, Value]:
    """By memory that is stored into: what it holds first."""
    sources: dict[Memory, Value] = {}
    for v in (*program.inputs, *(v for _, v in program.gradients_in), *(v for _, v in program.states.values())):
        if v.root.memory is not None:
            sources[v.root.memory] = v.root
    for op in program.ops:
        for v in op.reads:
            if v.memory is not None:
                sources.setdefault(v.memory, v)
    return sources


def _last_reads(program: Program) -> dict[Value, int]:
    """By root: the last operation that reads it, or a view of it."""
    return {v.root: i for i, op in enumerate(program.ops) for v in op.reads}


def _in_place(op: Op, v: Value, memory: Memory) -> bool:
    """Whether an operation may compute `v` in `memory`, as far as it reads that itself."""
    if isinstance(op, Loop):
        at = next(i for i, one in enumerate(op.body) if one.result is v)
        late = any(x.first.memory is memory for one in op.body[at + 1 :] for x in one.reads)
        return not late and all(_reads_alike(one, memory) for one in op.body)
    return _reads_alike(op, memory)


def _reads_alike(op: Op, memory: Memory) -> bool:
    """Whether an operation reads what lies in `memory` element by element, if at all."""
    read = [v for v in op.reads if v.first.memory is memory]
    return not read or (all(v is v.root for v in read) and (elementwise(op) or op.function == "copy"))


def _copy_before_updates(program: Program) -> None:
    """Copy what an update writes into, where the old version is still read, or is not the program's to change."""
    if not any(op.effect in ("update", "loop") for op in program.ops):
        return
    last = _last_reads(program)
    needed = {v.root for v in program.needed()}
    ops: list[Op] = []
    displaced: list[tuple[Memory, Value]] = []
    for i, op in enumerate(program.ops):
        for one in op.body if isinstance(op, Loop) else (op,):
            if one.effect != "update" or one.of is None:
                continue
            root = one.of.root
            foreign = root.memory is not None and root.memory not in program.stores
            if not foreign and last.get(root, -1) <= i and root not in needed:
                continue
            copied = Value(root.shape, root.dtype, root.strides, root.label)
            ops.append(Op("copy", np.copyto, (root,), {}, copied, "new", None, op.section, op.where))
            memory = root.first.memory
            displaced += [(memory, root)] if memory is not None and memory in program.stores else []
            changed = {root: copied}
            for step in one.of.steps:
                assert step.result is not None
                seen = changed[step.result] = Value(step.result.shape, step.result.dtype, label=step.result.label)
                ops.append(step.copy(lambda v, changed=changed: changed.get(v, v), seen))  # type: ignore[misc]
            one.of = changed[one.of]
            one.look_again()
            if isinstance(op, Loop):
                op.look_again()
        ops.append(op)
    program.ops[:] = ops
    for memory, root in displaced:
        _copy_back(program, memory, program.stores[memory], root)
