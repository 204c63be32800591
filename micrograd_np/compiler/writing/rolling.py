"""Equal time steps and equal layers as a loop over what each of them works on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..ir import Op, Value
from .layout import wrapped
from .times import Column, Times

_NUMBER = re.compile(r"[._]\d+(?![^._])")


def rolled(times: Times, writer: Any) -> Iterator[tuple[Op, list[str]]]:
    """The rows of a loop, with the operation that each of them does.

    What the loop runs over is made once, by rows that the writer is given.
    """
    lists = _Lists(times, writer)
    works_on = {c.values: lists.stand(c) for row in times.rows for c in row if c.kind in ("listed", "view")}
    work = list(dict.fromkeys(works_on.values()))
    if work:
        name = writer.names.unique("times")
        writer.once += [(row, None) for row in lists.rows(name, work)]
        yield times.ops[0], wrapped("for (", work, f"{',' * (len(work) == 1)}) in {name}:")
    else:
        yield times.ops[0], [f"for _ in range({times.count}):"]
    for op, row in zip(times.ops, times.rows, strict=False):
        for column in row:
            if column.values not in works_on:
                writer.operand(column.values[0])  # named here, and not in terms of the loop
        writer.inner = {c.values[0]: works_on[c.values] for c in row if c.values in works_on}
        yield op, [f"    {text}" for text in writer.statements(op)]
        writer.inner = {}


class _Lists:
    """What each time works on, as variables of the loop that makes the list."""

    def __init__(self, times: Times, writer: Any) -> None:
        self.times, self.writer = times, writer
        self.variables: dict[tuple[Value, ...], str] = {}
        self.listed: dict[tuple[str, ...], str] = {}
        """By names, one for each time: the variable that stands for them."""
        self.views: dict[str, str] = {}
        """By what makes it each time: the variable."""

    def stand(self, column: Column) -> str:
        """What stands for a column where the list is made."""
        values = column.values
        if column.kind == "same":
            return str(self.writer.operand(values[0]))
        if values not in self.variables:
            self.variables[values] = self._listed(values) if column.kind == "listed" else self._view(column)
        return self.variables[values]

    def _listed(self, values: tuple[Value, ...]) -> str:
        names = tuple(map(self.writer.operand, values))
        if names not in self.listed:
            self.listed[names] = self._variable(values)
        return self.listed[names]

    def _view(self, column: Column) -> str:
        op = column.values[0].op
        assert op is not None
        one, base = op.clone(), self.stand(column.base)
        one.args = (op.args[0], *column.args)
        self.writer.inner = {op.args[0]: base}
        text = self.writer.expression(one)
        self.writer.inner = {}
        if text not in self.views:
            self.views[text] = self._variable(column.values)
        return self.views[text]

    def _variable(self, values: tuple[Value, ...]) -> str:
        """A name for what is another value each time: theirs, without the numbers that tell them apart."""
        names = self.writer.names
        called = (*self.times.later.get(values, ()), values[-1], values[0])
        first = next((v for v in called if v.label.name or isinstance(v.label.hint, str)), values[0])
        return str(names.unique(f"{_NUMBER.sub('', names.wish(first)) or 'value'}_i"))

    def rows(self, name: str, work: list[str]) -> list[str]:
        """The rows that make the list."""
        times, variables = self.times, list(self.listed.values())
        runs = [row for names in self.listed for row in wrapped("    (", names, "),")]
        if times.clock is not None:
            variables, runs = [times.counter, *variables], [f"    {times.range},", *runs]
        if not self.views:
            return [f"{name} = list(zip(", *runs, "))"]
        if variables == [times.counter]:
            rows = [f"for {times.counter} in {times.range}:"]
        else:
            rows = [*wrapped("for (", variables, f"{',' * (len(variables) == 1)}) in zip("), *runs, "):"]
        rows += [f"    {variable} = {text}" for text, variable in self.views.items()]
        return [f"{name} = []", *rows, *wrapped(f"    {name}.append((", work, f"{',' * (len(work) == 1)}))")]
