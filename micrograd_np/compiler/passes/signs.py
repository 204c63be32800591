"""Negations that need not be computed: a sum takes the other sign as a difference, a product hands it on.

x + (−y) is x − y, (−x) · y is −(x · y) and −(−x) is x in every bit (but the sign of a nan, which means nothing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..dataflow import lines_writing, operands
from ..program import Line, Storage, Value

if TYPE_CHECKING:
    from ..program import Program

_PRODUCTS = ("np.multiply", "np.true_divide")


def absorb_signs(program: Program) -> int:
    """Drop negations whose readers can all take the other sign; how many lines that saved."""
    negated = {id(line.target.storage) for line in program.lines if line.function == "np.negative" and line.target}
    writers = lines_writing(program) if negated else {}
    if not any(len(writers[key]) == 1 for key in negated):
        return 0  # as for the sigmoid, whose kernel goes on in place
    uses = _Uses(program, writers)
    before = len(program.lines)
    for n, line in enumerate(program.lines):
        if line.function == "np.negative" and uses.plain(line):
            _Absorption(uses, n).attempt()
    program.lines[:] = [line for line in uses.lines if line.function != "dropped"]
    return before - len(program.lines)


class _Uses:
    """Which lines read a value, and which write a storage, by number."""

    def __init__(self, program: Program, writers: dict[int, list[int]]) -> None:
        self.lines, self.writers = program.lines, writers
        self.readers: dict[int, list[int]] = {}
        self.viewed: set[int] = set()  # storages that are read in parts, or leave the step
        for i, line in enumerate(program.lines):
            for v in line.read():
                self.readers.setdefault(id(v), []).append(i)
            self.viewed.update(id(v.storage) for v in operands(line) if v.view)
        self.viewed.update(id(v.storage) for v in program.result_values())

    def plain(self, line: Line) -> bool:
        """Whether a line computes a whole buffer, which nothing else writes and nothing sees in parts."""
        z = line.target
        return (
            z is not None
            and z.dtype.kind in "fc"  # integers wrap
            and line.effect == "out"
            and not line.kwargs
            and line.unit is None
            and not z.view
            and z.storage.kind == "buffer"
            and z.storage.begins is None
            and len(self.writers[id(z.storage)]) == 1
            and id(z.storage) not in self.viewed
        )

    def steady(self, v: Value, since: int, until: int) -> bool:
        """Whether nothing writes `v` after line `since` and before line `until`."""
        return not any(since < w < until for w in self.writers.get(id(v.storage), ()))


class _Absorption:
    """What becomes of the lines if the negation in line `n` is left out."""

    def __init__(self, uses: _Uses, n: int) -> None:
        self.uses, self.n = uses, n
        self.opposite: dict[int, tuple[Value, int]] = {}  # by value: what will hold its negative, made in which line
        self.changed: dict[int, Line] = {}
        self.same: dict[int, Value] = {}  # by value that a second negation made: what it will be

    def attempt(self) -> None:
        """Do it, if all who read the negation can do without."""
        lines = self.uses.lines
        z, x = lines[self.n].target, lines[self.n].args[0]
        if z is None or not isinstance(x, Value):
            return
        self.opposite[id(z)] = x, self.n
        waiting = [z]
        while waiting:
            v = waiting.pop()
            for i in self.uses.readers.get(id(v), []):
                if i in self.changed:
                    return  # two ways to one line: not worth the thought
                product = self._without(i, v)
                if product is False:
                    return
                if isinstance(product, Value):
                    waiting.append(product)
        lines[self.n] = _dropped(lines[self.n])
        for i, line in self.changed.items():
            lines[i] = line
            for v in line.read():
                self.uses.readers.setdefault(id(v), []).append(i)
        for v, _ in self.opposite.values():
            if (
                isinstance(v.hint, tuple)
                and v.hint[0] == "d"
                and any(line.target is v for line in self.changed.values())
            ):
                v.hint = ("minus_d", v.hint[1])
        for key, v in self.same.items():
            for i in self.uses.readers.pop(key, []):
                lines[i].substitute(lambda w, key=key, v=v: v if id(w) == key else w)  # type: ignore[misc]
                self.uses.readers.setdefault(id(v), []).append(i)

    def _without(self, i: int, v: Value) -> Value | bool:
        """Plan line `i`, which reads `v`, to read the negative: its result if that changes sign; False if it cannot."""
        line = self.uses.lines[i]
        minus, made = self.opposite[id(v)]
        if line.effect != "out" or line.kwargs or line.unit is not None or not self.uses.steady(minus, made, i):
            return False
        if sum(x is v for x in line.args) != 1 or any(
            isinstance(x, Value) and x is not v and id(x) in self.opposite for x in line.args
        ):
            return False
        rest = [x for x in line.args if x is not v]
        if line.function == "np.add":
            self.changed[i] = _again(line, "np.subtract", np.subtract, (rest[0], minus))
            return True
        if line.function == "np.subtract" and line.args[1] is v:
            self.changed[i] = _again(line, "np.add", np.add, (rest[0], minus))
            return True
        z = line.target
        if z is None or z.name or not self.uses.plain(line):
            return False
        if line.function == "np.negative":
            last = max(self.uses.readers.get(id(z), [i]))
            if not self.uses.steady(minus, made, last):
                return False
            self.changed[i] = _dropped(line)
            self.same[id(z)] = minus
            return True
        if line.function in _PRODUCTS:
            args = tuple(minus if x is v else x for x in line.args)
            self.changed[i] = _again(line, line.function, line.call, args)
            self.opposite[id(z)] = z, i
            return z
        return False


def _again(line: Line, function: str, call: object, args: tuple[object, ...]) -> Line:
    return Line(function, call, args, {}, line.target, "out", line.section, line.where)  # type: ignore[arg-type]


def _dropped(line: Line) -> Line:
    return Line("dropped", line.call, (), {}, Value(Storage("fresh"), (), np.dtype(bool)), "fresh")
