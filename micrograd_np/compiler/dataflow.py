"""What lines do to values, as every pass asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .program import STATIC, Line, Value, mapped

if TYPE_CHECKING:
    from .program import Program


ELEMENTWISE = frozenset(
    f"np.{name}"
    for name in vars(np)  # dir(np) would import what NumPy loads lazily, its testing tools among it
    if isinstance(getattr(np, name), np.ufunc) and getattr(np, name).signature is None
)
"""Calls that treat every element alike, so that a uniform operand may stand as one number."""


RESHAPES = ("np.reshape", "method.reshape")
"""Calls that show the same elements in another shape, or copy them for that."""


def operands(line: Line) -> list[Value]:
    """Everything a line touches."""
    return [*line.read(), line.target] if line.target is not None else [*line.read()]


def static(v: Value) -> bool:
    """Whether the address of `v` is the same in every call."""
    return v.storage.kind in STATIC


def lines_touching(program: Program) -> dict[int, list[int]]:
    """By storage: which lines read or write it, in order; the number of lines, if it leaves the step."""
    found: dict[int, list[int]] = {}
    for k, line in enumerate(program.lines):
        for v in operands(line):
            found.setdefault(id(v.storage), []).append(k)
    for v in program.result_values():
        found.setdefault(id(v.storage), []).append(len(program.lines))
    return found


def lines_writing(program: Program) -> dict[int, list[int]]:
    """By storage: which lines write it, in order."""
    found: dict[int, list[int]] = {}
    for k, line in enumerate(program.lines):
        v = line.writes()
        if v is not None:
            found.setdefault(id(v.storage), []).append(k)
    return found


def replace_results(program: Program, replaced: dict[int, Value]) -> None:
    """Let other values leave the step, by the ids of those that do now."""
    program.results = mapped(program.results, lambda v: replaced.get(id(v), v))
    program.gradients_out = [(t, None if v is None else replaced.get(id(v), v)) for t, v in program.gradients_out]


def uniform(a: np.ndarray[Any, Any]) -> bool:
    """Whether all elements of an array are one number, in sign too."""
    same = bool((a == a.flat[0]).all())
    return same and (a.dtype.kind != "f" or bool((np.signbit(a) == np.signbit(a.flat[0])).all()))
