"""Where every buffer lies: lifetimes, reuse in place, one arena."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..dataflow import ELEMENTWISE, operands
from ..program import Value

if TYPE_CHECKING:
    from ..program import Program

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


@dataclass
class Plan:
    """The bytes of the arena, where each storage begins in it, and its whole shape and type."""

    nbytes: int = 0
    offsets: dict[int, int] = field(default_factory=dict)
    whole: dict[int, Value] = field(default_factory=dict)
    """By storage: the value that spans it."""
    merged: int = 0
    wanted: int = 0
    """The bytes that all buffers would take side by side."""


def plan(program: Program) -> Plan:
    """Give every buffer a place: first merge what can be computed in place, then pack the rest by lifetime."""
    found = Plan()
    for line in program.lines:
        v = line.target
        if v is not None and v.storage.kind == "buffer" and line.effect in ("out", "in"):
            _widen(found.whole, v)
        for v in line.read():  # a buffer may first be seen through a view of it
            if v.storage.kind == "buffer" and not v.view:
                _widen(found.whole, v)
    _merge_in_place(program, found)
    spans = _lifetimes(program)
    for key, v in found.whole.items():
        if v.storage.begins is not None:
            spans[key] = (0, len(program.lines))
    sizes = {key: -(-v.nbytes // ALIGNMENT) * ALIGNMENT for key, v in found.whole.items() if key in spans}
    found.wanted += sum(sizes.values())
    placed: list[tuple[int, int, int, int]] = []  # (offset, size, first line, last line), in order
    for key in sorted(sizes, key=lambda k: (-sizes[k], spans[k])):
        first, last = spans[key]
        size = sizes[key]
        offset = 0
        for other, taken, begin, end in placed:
            if begin <= last and first <= end:  # alive at the same time
                if offset + size <= other:
                    break
                offset = max(offset, other + taken)
        insort(placed, (offset, size, first, last))
        found.offsets[key] = offset
        found.nbytes = max(found.nbytes, offset + size)
    return found


def _widen(whole: dict[int, Value], v: Value) -> None:
    """Note `v` as what spans its storage, if it is the widest so far."""
    known = whole.get(id(v.storage))
    if known is None or (known is not v and v.nbytes > known.nbytes):
        whole[id(v.storage)] = v


def _lifetimes(program: Program) -> dict[int, tuple[int, int]]:
    """By buffer: the first line that touches it, and the last; one past the end for what leaves the step."""
    spans: dict[int, tuple[int, int]] = {}
    for i, line in enumerate(program.lines):
        for v in operands(line):
            if v.storage.kind == "buffer":
                key = id(v.storage)
                spans[key] = (spans[key][0] if key in spans else i, i)
    end = len(program.lines)
    for v in program.result_values():
        if id(v.storage) in spans:
            spans[id(v.storage)] = (spans[id(v.storage)][0], end)
    return spans


def _merge_in_place(program: Program, found: Plan) -> None:
    """Let the result of an elementwise line take over the memory of an operand that dies there."""
    spans = _lifetimes(program)
    tenants: dict[int, dict[int, Value]] = {}  # by storage: the values in it
    for line in program.lines:
        for w in operands(line):
            tenants.setdefault(id(w.storage), {})[id(w)] = w
    for i, line in enumerate(program.lines):
        v = line.target
        if (
            line.function not in ELEMENTWISE
            or line.effect != "out"
            or v is None
            or v.storage.kind != "buffer"
            or v.view
        ):
            continue
        old = v.storage
        if spans[id(old)][0] != i or found.whole[id(old)].nbytes != v.nbytes:
            continue
        for x in line.args:
            if not (isinstance(x, Value) and _fits(x, v, found)) or spans[id(x.storage)][1] != i:
                continue
            new = x.storage
            if any(isinstance(y, Value) and y is not x and y.storage is new for y in line.args):
                continue  # another view of the same memory is read, in another order
            spans[id(new)] = (spans[id(new)][0], spans.pop(id(old))[1])
            moved = tenants.pop(id(old))
            for w in moved.values():
                w.storage = new
            tenants[id(new)].update(moved)
            found.wanted += -(-v.nbytes // ALIGNMENT) * ALIGNMENT
            found.merged += 1
            break


def _fits(x: Value, v: Value, found: Plan) -> bool:
    """Whether `x` spans a buffer of its own in just the layout of `v`."""
    s = x.storage
    whole = found.whole.get(id(s))
    return (
        s.kind == "buffer"
        and s is not v.storage
        and not x.view
        and s.begins is None
        and whole is not None
        and x.shape == v.shape
        and x.dtype == v.dtype
        and x.strides == v.strides
        and whole.nbytes == x.nbytes
    )
