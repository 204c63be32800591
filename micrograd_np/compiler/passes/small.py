"""What matters where arrays are small and each call of NumPy costs more than its arithmetic.

Operands get the number of axes that the result has, by views made once: then NumPy walks one loop over all, which takes
a third of the time. And a result is made by its last line, instead of copied from a buffer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..dataflow import ELEMENTWISE, operands, static
from ..program import Line, Storage, Value, mapped, natural

if TYPE_CHECKING:
    from ..program import Program

_SMALL = 64 * 1024  # bytes of a result up to which the calls cost more than the memory


def match_axes(program: Program) -> int:
    """Give operands the leading axes of length one that their results have; how many operands that were."""
    known: dict[tuple[int, tuple[int, ...]], Value] = {}
    lines: list[Line] = []
    count = 0
    for line in program.lines:
        z = line.target
        if line.function in ELEMENTWISE and line.effect == "out" and z is not None and z.nbytes <= _SMALL:
            args = list(line.args)
            for i, v in enumerate(args):
                if not isinstance(v, Value) or not v.shape or v.view or not static(v) or v.strides is not None:
                    continue
                lead = len(z.shape) - len(v.shape)
                if lead <= 0 or z.shape != (1,) * lead + v.shape:
                    continue
                row = known.get((id(v), z.shape))
                if row is None:
                    row = known[id(v), z.shape] = Value(v.storage, z.shape, v.dtype, hint=("row", v), view=True)
                    lines.append(Line("np.reshape", np.reshape, (v, z.shape), {}, row, "view", line.section))
                args[i] = row
                count += 1
            line.args = tuple(args)
        lines.append(line)
    program.lines[:] = lines
    return count


def make_results_last(program: Program) -> int:
    """Let the last line of a result make it, where it is a buffer that would be copied; how many copies that saves."""
    leaving: dict[int, int] = {}
    for v in program.result_values():
        leaving[id(v.storage)] = leaving.get(id(v.storage), 0) + 1
    last: dict[int, int] = {}
    for i, line in enumerate(program.lines):
        for v in operands(line):
            last[id(v.storage)] = i
    given: dict[int, Value] = {}

    def made(v: Value) -> Value:
        if id(v) in given or v.view or v.storage.kind != "buffer" or not v.shape or leaving[id(v.storage)] > 1:
            return given.get(id(v), v)
        line = program.lines[last[id(v.storage)]]
        if line.effect != "out" or line.target is not v or "where" in line.kwargs or v.nbytes > _SMALL:
            return v
        if line.function not in ELEMENTWISE and line.function != "np.dot":
            return v
        if natural(line) != (v.shape, v.dtype):
            return v
        fresh = given[id(v)] = Value(Storage("fresh"), v.shape, v.dtype, v.name, v.hint)
        v.name = ""
        line.target, line.effect = fresh, "fresh"
        return fresh

    gradients = {id(v.storage) for _, v in program.gradients_out if v is not None}
    program.results = mapped(program.results, lambda v: v if id(v.storage) in gradients else made(v))
    return len(given)
