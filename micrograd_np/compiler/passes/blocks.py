"""Long elementwise passages, block by block: what one line writes is still in the cache when the next one reads it.

Lines over arrays that together exceed the cache are memory-bound: each waits for main memory twice. Cut into blocks, a
passage of twenty lines waits once. Lines that do not belong (a sum between forward and backward) move behind the loop
where nothing in it depends on them, so that forward, backward and update often become one loop, whose intermediate
values never exist as whole arrays. Elementwise arithmetic does not notice: every bit stays.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..dataflow import ELEMENTWISE, operands
from ..program import Line, Loop, Storage, Value

if TYPE_CHECKING:
    from ..program import Program

BLOCK = 96 * 1024  # bytes of one operand in one block: measured; a dozen of them fit a usual second-level cache
_SHARED = 4_000_000  # elements times lines, about 1 ms, from which a second thread repays its start (0.1 ms)
_WORTH = 1024 * 1024  # bytes of all operands from which blocks win (measured: half of a usual second-level cache)


def cut_into_blocks(program: Program, *, sums: bool = False) -> int:
    """Replace long elementwise passages by loops; how many lines run in them.

    With `sums`, what a passage computes to be summed is summed block by block, which rounds in another order.
    """
    count = 0
    start = 0
    parts = {id(line.target) for line in program.lines if line.function == "part" and line.args[4] == "C"}
    while start < len(program.lines):
        target = program.lines[start].target
        small = target is None or target.nbytes < BLOCK  # some twenty operands would not make it worth while
        found = None if small else _passage(program, start, parts)
        if found is None:
            start += 1
            continue
        members, behind, end = found
        first = members[0]
        assert first.target is not None
        size = _size(first.target)
        loop = Loop("loop", _never, (), {}, None, "loop", first.section, first.where, lines=members, size=size)
        widest = max(v.dtype.itemsize for line in members for v in (*line.read(), line.target) if v is not None)
        loop.block = BLOCK // widest
        loop.threads = threads() if size * len(members) >= _SHARED else 1
        views = _read_elsewhere(program, members)
        program.lines[start:end] = [*views, loop, *behind]
        if sums:
            _sum_within(program, loop)
        _allot(program, loop)
        count += len(members)
        start += len(views) + 1
    return count


def threads() -> int:
    """How many threads may share a long passage: as many as NumPy's products may use by the usual variables, or all."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        told = os.environ.get(name, "")
        if told.isdigit() and int(told) > 0:
            return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _never(*_: Any) -> None:
    raise NotImplementedError


def _size(v: Value) -> int:
    return v.nbytes // v.dtype.itemsize


def _fits(line: Line, shape: tuple[int, ...] | None, parts: set[int]) -> tuple[int, ...] | None:
    """The common shape of a line that can run in blocks, if it can, and if it is `shape`."""
    v = line.target
    if v is None or v.shape == () or line.kwargs:
        return None
    if line.function == "method.view":  # the same bits under another type of the same width
        if line.effect != "view" or v.shape != line.args[0].shape or not _straight(line.args[0], parts):
            return None
        parts.add(id(v))
        return v.shape if shape in (None, v.shape) else None
    if not (line.function in ELEMENTWISE and line.effect == "out") and line.function != "routine.clear":
        return None
    if shape is not None and v.shape != shape:
        return None
    for x in (*line.args, v):
        if isinstance(x, Value) and x.shape != () and (x.shape != v.shape or not _straight(x, parts)):
            return None
    return v.shape


def _straight(v: Value, parts: set[int]) -> bool:
    """Whether the elements of `v` lie one after another in memory, as those of a fresh array do."""
    if v.view:
        return id(v) in parts
    if v.storage.kind in ("state", "constant"):
        return v.storage.array is not None and bool(v.storage.array.flags.c_contiguous)
    return v.storage.kind in ("buffer", "input") and v.strides is None


def _passage(program: Program, start: int, parts: set[int]) -> tuple[list[Line], list[Line], int] | None:
    """The passage that begins at `start`: its lines, those that move behind it, its end. None if not worth it."""
    shape = _fits(program.lines[start], None, parts)
    if shape is None or program.lines[start].effect == "view":
        return None
    members: list[Line] = []
    behind: list[Line] = []
    end = start
    read: set[int] = set()
    written: set[int] = set()
    made: set[int] = set()
    for i in range(start, len(program.lines)):
        line = program.lines[i]
        if line.effect == "none":  # what must not happen if a check fails stays behind it
            break
        if line.effect == "view" and line.function != "method.view" and not any(id(v) in made for v in line.read()):
            if any(id(v.storage) in written for v in line.read()) or line.target is None:
                break
            behind.append(line)
            made.add(id(line.target))
            continue
        touches = {id(v.storage) for v in line.read()}
        target = line.writes()
        if (
            _fits(line, shape, parts) is not None
            and not touches & written
            and not any(id(v) in made for v in line.read())
            and (line.effect == "view" or (target is not None and id(target.storage) not in read | written))
        ):
            members.append(line)
            end = end if line.effect == "view" else i + 1
            continue
        behind.append(line)
        read |= touches
        if target is not None:
            written.add(id(target.storage))
            made.add(id(target))
        if len(behind) > len(members) + 8:
            break
    while members and members[-1].effect == "view":
        members.pop()
    chosen = {id(line) for line in members}
    behind = [line for line in program.lines[start:end] if id(line) not in chosen]
    arrays = {
        id(v.storage): v.nbytes for line in members for v in (*line.read(), line.target) if v is not None and v.shape
    }
    if len(members) < 2 or sum(arrays.values()) < _WORTH:
        return None
    return members, behind, end


def _read_elsewhere(program: Program, members: list[Line]) -> list[Line]:
    """The views among the lines of a passage that others read as well: the passage will have its own, of a block."""
    inside = {id(line) for line in members}
    others = {id(v) for line in program.lines if id(line) not in inside for v in operands(line)}
    others |= {id(v) for v in program.result_values()}
    return [line for line in members if line.effect == "view" and id(line.target) in others]


def _sum_within(program: Program, loop: Loop) -> None:
    """Move sums over all of what the passage computes into the loop, where nobody else wants it."""
    made = {id(line.target): line.target for line in loop.lines if line.effect == "out"}
    leaving = {id(v.storage) for v in program.result_values()}
    for line in program.lines:
        if line.function != "np.add.reduce" or line.effect != "out" or line.kwargs.get("axis", 0) is not None:
            continue
        if line.kwargs.keys() - {"axis", "keepdims"}:
            continue
        (x,), z = line.args, line.target
        if id(x) not in made or z is None or z.shape != () or x.storage.kind != "buffer" or id(x.storage) in leaving:
            continue
        if any(v.storage is x.storage for other in program.lines if other not in (line, loop) for v in operands(other)):
            continue
        count = -(-loop.size // loop.block)
        parts = Value(Storage("buffer"), (count,), z.dtype, hint="sums")
        part = Value(parts.storage, (), z.dtype, view=True, hint="sum")
        told = {"axis": None}
        loop.lines.append(Line(line.function, line.call, (x,), told, part, "out", line.section, line.where))
        loop.sums.append((part, parts))
        line.args = (parts,)


def _allot(program: Program, loop: Loop) -> None:
    """Give values that live in the loop only a buffer of one block, and let them share as they die."""
    elsewhere = {id(v.storage) for v in program.result_values()}
    for line in program.lines:
        if line is not loop:
            elsewhere |= {id(v.storage) for v in (*line.read(), line.target) if v is not None}
    last: dict[int, int] = {}
    for i, line in enumerate(loop.lines):
        for v in (*line.read(), line.target):
            if v is not None:
                last[id(v.storage)] = i
    free: dict[Any, list[Value]] = {}
    home: dict[int, Value] = {}
    for i, line in enumerate(loop.lines):
        v = line.target
        assert v is not None
        if line.effect == "view":
            continue
        dying = dict.fromkeys(
            id(x.storage) for x in line.read() if last[id(x.storage)] == i and x.storage is not v.storage
        )
        for key in dying:  # elementwise, so the result may take the place of what dies here
            if key in home:
                spot = home.pop(key)
                free.setdefault(spot.dtype, []).append(spot)
        if v.storage.kind != "buffer" or id(v.storage) in elsewhere or v.view:
            continue
        if id(v) not in loop.slots:
            if id(v.storage) not in home:
                spots, shape = free.setdefault(v.dtype, []), (min(loop.block, loop.size) * loop.threads,)
                home[id(v.storage)] = spots.pop() if spots else Value(Storage("buffer"), shape, v.dtype, hint="block")
            loop.slots[id(v)] = home[id(v.storage)]
        if last[id(v.storage)] == i and id(v.storage) in home:
            spot = home.pop(id(v.storage))
            free.setdefault(spot.dtype, []).append(spot)
