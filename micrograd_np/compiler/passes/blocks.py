"""Long elementwise passages, block by block: what one operation writes is in the cache when the next one reads it.

Operations on arrays that together exceed the cache are memory-bound: each waits for main memory twice. Cut into blocks,
a passage of twenty waits once. Operations that do not belong (a sum between forward and backward) move behind the loop
where nothing in it depends on them, so that forward, backward and update often become one loop, whose intermediate
values never exist as whole arrays. Elementwise arithmetic does not notice: every bit stays.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ..ir import Label, Loop, Memory, Op, Value
from ..operations import elementwise
from ..program import Program

BLOCK = 96 * 1024  # bytes of one operand in one block: measured; a dozen of them fit a usual second-level cache
_SHARED = 4_000_000  # elements times operations, about 1 ms, from which a second thread repays its start (0.1 ms)
_WORTH = 1024 * 1024  # bytes of all operands from which blocks win (measured: half of a usual second-level cache)
_PATIENCE = 8  # more operations that move behind a passage than there are in it: then it ends


def cut_into_blocks(program: Program) -> int:
    """Replace long elementwise passages by loops; how many operations run in them."""
    count = 0
    start = 0
    while start < len(program.ops):
        op = program.ops[start]
        small = op.effect == "view" or op.result is None or op.result.nbytes < BLOCK
        passage = None if small else _passage(program, start)
        if passage is None:
            start += 1
            continue
        members, behind, end = passage
        assert members[0].result is not None
        size = members[0].result.size
        widest = max(v.dtype.itemsize for op in members for v in (*op.reads, *op.defines))
        loop = Loop(members, size, BLOCK // widest, threads() if size * len(members) >= _SHARED else 1)
        program.ops[start:end] = [loop, *behind]
        count += len(members)
        start += 1 + settle(program, loop)
    return count


def threads() -> int:
    """How many threads may share a long passage: as many as NumPy's products may use by the usual variables, or all."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        number = os.environ.get(name, "")
        if number.isdigit() and int(number) > 0:
            return int(number)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fits(op: Op, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The shape of an operation that can run in blocks, if it can, and if that is `shape`."""
    z = op.result
    if z is None or z.shape == () or op.kwargs or (shape is not None and z.shape != shape) or z.strides is not None:
        return None
    clears = op.function == "routine.clear" and op.of is not None and not op.of.is_view
    if not (elementwise(op) or clears or _is_cast(op)):
        return None
    for x in op.reads:
        if x.shape != () and (x.shape != z.shape or not _straight(x)):
            return None
    return z.shape


def _is_cast(op: Op) -> bool:
    """Whether an operation shows the same bits under another type of the same width."""
    z = op.result
    return op.function == "method.view" and op.effect == "view" and z is not None and op.args[0].shape == z.shape


def _straight(v: Value) -> bool:
    """Whether the elements of `v` lie one after another in memory, as those of a fresh array do."""
    while v.op is not None and _is_cast(v.op):
        v = v.op.args[0]
    if v.is_view:
        return v.op is not None and v.op.function == "part" and v.op.args[4] == "C"
    if v.constant is not None:
        return bool(v.constant.flags.c_contiguous)
    return v.kind in ("buffer", "input", "state") and v.strides is None


def _passage(program: Program, start: int) -> tuple[list[Op], list[Op], int] | None:
    """The passage that begins at `start`: its operations, those that move behind it, its end. None if not worth it."""
    shape = _fits(program.ops[start], None)
    if shape is None or program.ops[start].effect == "view":
        return None
    stored: dict[Value | None, Memory] = {v: memory for memory, v in program.stores.items()}
    members: list[Op] = []
    behind: list[Op] = []
    end = start
    later: set[Value] = set()  # what is computed behind
    read: set[Memory | None] = set()  # the memory that is read there, which the passage must not change before
    for i in range(start, len(program.ops)):
        op = program.ops[i]
        if (
            _fits(op, shape) is not None
            and later.isdisjoint(op.reads)
            and stored.get(op.result) not in read
            and not (op.effect == "update" and _is_wanted(op.of, program, (*behind, *program.ops[i + 1 :])))
        ):
            members.append(op)
            end = end if op.effect == "view" else i + 1
            continue
        if op.must_run and op.bound is None:  # it looks at memory, or may raise before what stands behind happens
            break
        behind.append(op)
        later.update(op.defines)
        read |= {v.root.memory for v in op.reads} - {None}
        if len(behind) > len(members) + _PATIENCE:
            break
    while members and members[-1].effect == "view":
        members.pop()
    chosen = set(members)
    behind = [op for op in program.ops[start:end] if op not in chosen]
    arrays = {v.root: v.nbytes for op in members for v in (*op.reads, *op.defines) if v.shape}
    if len(members) < 2 or sum(arrays.values()) < _WORTH:
        return None
    return members, behind, end


def _is_wanted(old: Value | None, program: Program, later: Iterable[Op]) -> bool:
    """Whether a version that is written over is still read `later`: then it has to be copied before that."""
    return any(v.root is old for op in later for v in op.reads) or any(v.root is old for v in program.needed())


def settle(program: Program, loop: Loop) -> int:
    """Settle what leaves the loop, with views of it behind it, and which block stands for what does not.

    How many operations that puts behind the loop.
    """
    outside = {v for op in program.ops if op is not loop for v in op.reads} | set(program.needed())
    views = [op for op in loop.body if op.effect == "view" and op.result in outside]
    copies: dict[Value, Value] = {}
    for op in views:  # outside they are views of whole arrays, and the passage has its own, of a block
        assert op.result is not None
        copies[op.result] = Value(op.result.shape, op.result.dtype, label=op.result.label)
    behind = [op.copy(lambda v: copies.get(v, v), copies[op.result]) for op in views if op.result is not None]
    at = program.ops.index(loop) + 1
    for op in program.ops[at:]:
        op.substitute(copies)
    program.replace_needed(copies)
    program.ops[at:at] = behind
    outside |= {v for op in behind for v in op.reads}
    loop.leaving = tuple(v for op in loop.body for v in op.defines if v in outside and op.effect != "view")
    loop.look_again()
    _allot(loop)
    return len(behind)


def _allot(loop: Loop) -> None:
    """Give values that live in the loop only a buffer of one block, and let them share as they die."""

    def base(v: Value) -> Value:
        """The first version of the memory in which `v` lies."""
        v = v.root
        while v.op is not None and v.op.effect == "update" and v.op in body:
            v = v.base.root
        return v

    body = set(loop.body)
    whole = {base(v) for v in loop.leaving}
    last = {base(v): i for i, op in enumerate(loop.body) for v in (*op.reads, *op.defines)}
    free: defaultdict[Any, list[Value]] = defaultdict(list)
    home: dict[Value, Value] = {}
    for i, op in enumerate(loop.body):
        z = op.result
        if z is None or op.effect == "view":
            continue
        place, spots = base(z), free[z.dtype]
        for v in dict.fromkeys(map(base, op.reads)):  # elementwise, so the result may take the place of what dies
            if v in home and last[v] == i and v is not place:
                free[home[v].dtype].append(home[v])
        if place in whole or place.op not in body:
            continue
        if place not in home:
            shape = (min(loop.block, loop.size) * loop.threads,)
            home[place] = spots.pop() if spots else Value(shape, z.dtype, label=Label("", "block"))
        loop.slots[z] = home[place]
        if last[place] == i:
            spots.append(home[place])
