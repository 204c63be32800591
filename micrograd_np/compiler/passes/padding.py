"""Arrays within zeros: forward and backward share them, and the zeros of small ones are written once and for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program import Line, Value
from .cse import merge_repeats
from .dce import drop_dead_lines

if TYPE_CHECKING:
    from ..program import Program

_SMALL = 256 * 1024  # bytes up to which memory of its own for each padded array is little beside what a call saves


@dataclass(eq=False)
class _Padding:
    """A buffer that is filled with a number, and then in parts with copies, before anything reads it."""

    whole: Value
    number: Any
    lines: list[int]
    parts: list[tuple[str, Value]] = field(default_factory=list)
    """Where in it, and what is copied there."""

    def key(self) -> Any:
        """Equal for paddings that give the same array, as long as what is copied stays as it is."""
        v = self.whole
        return v.shape, v.dtype, v.strides, repr(self.number), tuple((where, id(x)) for where, x in self.parts)


def pad_once(program: Program) -> int:
    """Merge equal paddings, and write the zeros of small ones only when the program is built; how many lines go."""
    before = len(program.lines)
    if not any(line.function == "np.copyto" and not isinstance(line.args[1], Value) for line in program.lines):
        return 0
    if _merge(program):
        merge_repeats(program)  # what is made of them is equal as well
        drop_dead_lines(program)
    gone = set()
    for padding in _paddings(program):
        if padding.whole.nbytes <= _SMALL and padding.number == 0 and not np.signbit(padding.number):
            padding.whole.storage.begins = 0.0
            gone.add(padding.lines[0])
    program.lines[:] = [line for i, line in enumerate(program.lines) if i not in gone]
    return before - len(program.lines)


def _paddings(program: Program) -> list[_Padding]:
    """All paddings, in the order of their last lines."""
    makers = {id(line.target): line for line in program.lines if line.effect == "view"}
    leaves = {id(v.storage) for v in program.result_values()}
    found: dict[int, _Padding] = {}
    read: set[int] = set()
    for i, line in enumerate(program.lines):
        v = line.writes()
        if line.effect != "view":
            read |= {id(x.storage) for x in line.read()}
        if v is None:
            continue
        key = id(v.storage)
        padding = found.get(key)
        copied = line.args[1] if line.function == "np.copyto" and not line.kwargs and line.args[0] is v else None
        where = _where(v, makers)
        if key in read or copied is None or v.storage.kind != "buffer" or key in leaves:
            found.pop(key, None)
            read.add(key)
        elif padding is None and not v.view and not isinstance(copied, Value):
            found[key] = _Padding(v, copied, [i])
        elif padding is not None and where is not None and isinstance(copied, Value):
            padding.lines.append(i)
            padding.parts.append((where, copied))
        else:
            found.pop(key, None)
            read.add(key)
    return sorted((p for p in found.values() if p.parts), key=lambda p: p.lines[-1])


def _where(v: Value, makers: dict[int, Line]) -> str | None:
    """Which part of a whole buffer a view is, if it is a plain one."""
    line = makers.get(id(v))
    if not v.view or line is None or line.function != "getitem" or line.args[0].view:
        return None
    return repr(line.args[1])


def _merge(program: Program) -> int:
    """Let equal paddings be one; how many go."""
    seen: dict[Any, _Padding] = {}
    gone: set[int] = set()
    count = 0
    for padding in _paddings(program):
        twin = seen.setdefault(padding.key(), padding)
        first, last = twin.lines[1], padding.lines[-1]
        written = {id(v.storage) for line in program.lines[first : last + 1] if (v := line.writes()) is not None}
        if twin is padding or written & {id(x.storage) for _, x in padding.parts}:
            seen[padding.key()] = padding
            continue
        gone |= set(padding.lines)
        _replace(program, padding.whole, twin.whole)
        count += 1
    program.lines[:] = [line for i, line in enumerate(program.lines) if i not in gone]
    return count


def _replace(program: Program, old: Value, new: Value) -> None:
    """Put one whole buffer in the place of another."""
    storage = old.storage
    for line in program.lines:
        line.substitute(lambda v: new if v is old else v)
        for v in (*line.read(), line.target):
            if v is not None and v.storage is storage:
                v.storage = new.storage
