"""Copies of programs, which passes may change without touching the original."""

from __future__ import annotations

from copy import copy as shallow
from typing import Any

from .program import Line, Program, Storage, Value, mapped


class Copy:
    """Copies of values and storages, so that the passes on one program leave the other alone."""

    def __init__(self, kinds: dict[int, str]) -> None:
        self.kinds = kinds
        self.values: dict[int, Value] = {}
        self.storages: dict[int, Storage] = {}
        self.alive: list[Any] = []

    def value(self, v: Value) -> Value:
        """The copy of a value."""
        known = self.values.get(id(v))
        if known is None:
            hint = (v.hint[0], self.value(v.hint[1])) if isinstance(v.hint, tuple) else v.hint
            known = Value(self.storage(v.storage), v.shape, v.dtype, v.name, hint, v.view, v.strides)
            self.values[id(v)] = known
            self.alive.append(v)
        return known

    def storage(self, s: Storage) -> Storage:
        """The copy of a storage."""
        known = self.storages.get(id(s))
        if known is None:
            known = Storage(self.kinds.get(id(s), s.kind), s.array, s.owner, s.shared, s.begins)
            self.storages[id(s)] = known
            self.alive.append(s)
        return known

    def line(self, line: Line) -> Line:
        """The copy of a line."""
        target = None if line.target is None else self.value(line.target)
        other = Line(
            line.function, line.call, line.args, line.kwargs, target, line.effect, line.section, line.where,
            line.must_run, line.unit, line.asked,
        )  # fmt: skip
        other.substitute(self.value)
        return other


def copied(program: Program) -> Program:
    """A copy of a program that passes may change without touching the other: same memory, other values and lines."""
    copy = Copy({})
    other = shallow(program)
    other.lines = [copy.line(line) for line in program.lines]
    other.inputs = [copy.value(v) for v in program.inputs]
    other.states = {key: (t, copy.value(v)) for key, (t, v) in program.states.items()}
    other.gradients_in = [(t, copy.value(v)) for t, v in program.gradients_in]
    other.gradients_out = [(t, None if v is None else copy.value(v)) for t, v in program.gradients_out]
    other.results = mapped(program.results, copy.value)
    return other
