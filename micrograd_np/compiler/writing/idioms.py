"""What kernels do for speed, said as one says it by hand: masks of bits become ``np.where``, copies of results go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataflow import replace_results
from ..passes.constants import merge_constants
from ..passes.cse import merge_repeats
from ..program import Line, Storage, Value
from .names import name_by_making
from .shapes import drop_copies, merge_views, shape_what_is_computed

if TYPE_CHECKING:
    from ..program import Program


def respell(program: Program) -> None:
    """Change lines in place; the numbers stay the same, and the work may grow."""
    shape_what_is_computed(program)
    drop_copies(program)
    _Respelling(program).run()
    _keep_results_where_they_are(program)
    merge_views(program)
    merge_constants(program)
    merge_repeats(program)
    name_by_making(program)


class _Respelling:
    """Finds masks made of bits, and says them as choices."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.writes: dict[int, list[int]] = {}
        self.makers: dict[int, int] = {}
        for i, line in enumerate(program.lines):
            v = line.writes()
            if v is not None:
                self.writes.setdefault(id(v.storage), []).append(i)
            if line.target is not None:
                self.makers.setdefault(id(line.target), i)

    def run(self) -> None:
        """Every mask of the program."""
        program = self.program
        replaced: dict[int, Value] = {}
        lines: list[Line] = []
        for i, line in enumerate(program.lines):
            line.substitute(lambda v: replaced.get(id(v), v))
            if line.target is not None and line.effect != "view":
                line.target = replaced.get(id(line.target), line.target)
            if line.function == "np.bitwise_and" and line.effect == "out":
                lines += self.masked(i, line, replaced)
            elif line.function == "routine.clear" and lines:
                lines += self.cleared(line, lines)
            elif line.function == "np.multiply" and set(line.kwargs) == {"where"} and lines:
                lines += self.halved(line, lines)
            else:
                lines.append(line)
        program.lines[:] = [line for line in lines if id(line.target) not in replaced]
        replace_results(program, replaced)

    def masked(self, i: int, line: Line, replaced: dict[int, Value]) -> list[Line]:
        """``where(condition, x, 0)`` for the bits of x and those of a mask; the line itself if it is anything else."""
        bits, mask = line.args
        target = line.target
        x = self.viewed(bits)
        if x is None or target is None or x.dtype.kind != "f" or not isinstance(mask, Value):
            return [line]
        z = self.viewed(target)
        if z is None:  # the numbers are seen through a view of the bits
            seen = [w.target for w in self.program.lines[i:] if w.effect == "view" and w.args and w.args[0] is target]
            readers = [w for w in self.program.lines[i:] if any(v.storage is target.storage for v in w.read())]
            if len(seen) != 1 or seen[0] is None or seen[0].dtype != x.dtype:
                return [line]
            if any(w.effect == "view" and w.target is not seen[0] and w.args[0] is target for w in readers):
                return [line]
            z = Value(Storage("buffer"), target.shape, x.dtype, seen[0].name, seen[0].hint or target.hint)
        else:
            seen = []
        found = self.condition(i, mask)
        if found is None:
            return [line]
        if seen and seen[0] is not None:
            replaced[id(seen[0])] = z
        condition, keeps = found
        if condition is None:  # it holds everywhere
            if z is x:
                return []
            return [Line("np.copyto", np.copyto, (z, x), {}, z, "in", line.section, line.where)]
        args = (condition, x, 0) if keeps else (condition, 0, x)
        return [Line("np.where", np.where, args, {}, z, "out", line.section, line.where)]

    def cleared(self, line: Line, before: list[Line]) -> list[Line]:
        """``where(keep, x, 0)`` for an x that has been computed for nothing else."""
        z, keep = line.args
        at = next((i for i in reversed(range(len(before))) if _writes(before[i], z)), None)
        if at is None or any(v.storage is z.storage for w in before[at + 1 :] for v in w.read()):
            return [line]
        made = before[at]
        if made.target is not z or made.effect != "out" or not isinstance(z, Value):
            return [line]
        made.target = Value(Storage("buffer"), z.shape, z.dtype)
        return [Line("np.where", np.where, (keep, made.target, 0), {}, z, "out", line.section, line.where)]

    def viewed(self, v: Any) -> Value | None:
        """The array of which `v` is a view as another type."""
        if not isinstance(v, Value) or not v.view or id(v) not in self.makers:
            return None
        line = self.program.lines[self.makers[id(v)]]
        if line.function != "method.view" or line.effect != "view":
            return None
        x = line.args[0]
        return x if isinstance(x, Value) and x.shape == v.shape else None

    def condition(self, i: int, mask: Value) -> tuple[Value | None, bool] | None:
        """(condition, whether its elements are kept) of a mask of bits; no condition where all are; None if unknown."""
        if mask.storage.kind == "constant" and mask.storage.array is not None:
            a = mask.storage.array
            if (a == -1).all():
                return None, True
            if not np.isin(a, (0, -1)).all():
                return None
            return Value(Storage("constant", a != 0), a.shape, np.dtype(bool)), True
        made = self.makers.get(id(mask))
        if made is None or len(self.writes.get(id(mask.storage), ())) != 1:
            return None
        line = self.program.lines[made]
        if line.function == "np.invert":
            inner = self.condition(made, line.args[0])
            return None if inner is None or inner[0] is None else (inner[0], not inner[1])
        keeps = line.function == "np.negative"
        if not keeps and (line.function != "np.subtract" or not _is_one(line.args[1])):
            return None
        condition = self.viewed(line.args[0])
        if condition is None or condition.dtype != np.bool_:
            return None
        if any(made < w < i for w in self.writes.get(id(condition.storage), ())):
            return None
        return condition, keeps

    def halved(self, line: Line, before: list[Line]) -> list[Line]:
        """``where(condition, x * number, x)`` for a copy of x, a part of which is then multiplied."""
        copied = before[-1]
        z, factor = line.args
        if copied.function != "np.copyto" or copied.kwargs or line.target is not z or copied.target is not z:
            return [line]
        x = copied.args[1]
        if not (isinstance(x, Value) and isinstance(z, Value)) or x.storage is z.storage:
            return [line]
        if x.shape != z.shape or x.dtype != z.dtype:
            return [line]
        before.pop()
        product = Value(Storage("buffer"), z.shape, z.dtype)
        args = (line.kwargs["where"], product, x)
        return [
            Line("np.multiply", np.multiply, (x, factor), {}, product, "out", line.section, line.where),
            Line("np.where", np.where, args, {}, z, "out", line.section, line.where),
        ]


def _writes(line: Line, v: Value) -> bool:
    target = line.writes()
    return target is not None and target.storage is v.storage


def _is_one(x: Any) -> bool:
    if isinstance(x, Value):
        return x.storage.kind == "constant" and x.shape == () and bool(x.storage.array == 1)
    return bool(x == 1)


def _keep_results_where_they_are(program: Program) -> None:
    """What NumPy allocates and a kernel then copies to where it is wanted is the wanted array itself."""
    writes: dict[int, int] = {}
    reads: dict[int, int] = {}
    for line in program.lines:
        v = line.writes()
        if v is not None:
            writes[id(v.storage)] = writes.get(id(v.storage), 0) + 1
        for r in line.read():
            reads[id(r.storage)] = reads.get(id(r.storage), 0) + 1
    for v in program.result_values():
        reads[id(v.storage)] = reads.get(id(v.storage), 0) + 1
    makers: dict[int, int] = {}
    gone: set[int] = set()
    for i, line in enumerate(program.lines):
        if line.effect == "fresh" and line.target is not None and not line.must_run:
            makers[id(line.target)] = i
        z = line.target
        if line.function != "np.copyto" or line.kwargs or z is None:
            continue
        t = line.args[1]
        if not isinstance(t, Value) or id(t) not in makers or t.view or z.view or z.storage.kind != "buffer":
            continue
        alone = writes[id(z.storage)] == writes[id(t.storage)] == reads.get(id(t.storage)) == 1
        if alone and t.shape == z.shape and t.dtype == z.dtype:
            z.storage.kind = "fresh"
            program.lines[i].target = program.lines[makers[id(t)]].target = z
            gone.add(i)
    program.lines[:] = [line for i, line in enumerate(program.lines) if i not in gone]


__all__ = ["respell"]
