"""The sign of what goes into an exponential is changed where it is small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..dataflow import lines_touching
from ..program import Line, Storage, Value

if TYPE_CHECKING:
    from ..program import Program


def negate_what_is_small(program: Program) -> int:
    """exp(−(x + b)) as exp((−b) − x), where b is smaller than x: one pass over the large array instead of two.

    Rounding is symmetric, so only the sign of a zero can differ, and exp does not see it.
    """
    done = 0
    lines = program.lines
    touching = lines_touching(program) if any(line.function == "np.negative" for line in lines) else {}
    for j, line in enumerate(lines):
        if line.function != "np.negative" or line.effect != "out" or line.target is None:
            continue
        (t,) = line.args
        if line.target.storage.kind != "buffer":
            continue
        i = next((i for i in range(j - 1, -1, -1) if lines[i].target is not None and lines[i].writes() is t), None)
        if i is None or not _is_sum_of_unequal(lines[i]) or t.storage.kind != "buffer" or t.view:
            continue
        later = [k for k in touching[id(t.storage)] if k > i and k != j]
        if later or not _for_exp_alone(lines, j, touching):
            continue
        x, b = sorted(lines[i].args, key=lambda v: -v.nbytes)
        written = (lines[k].writes() for k in range(i + 1, j))
        if any(v is not None and v.storage is x.storage for v in written):
            continue  # x will be read later than it was
        negated = Value(Storage("buffer"), b.shape, b.dtype, hint="negated")
        lines[i] = Line("np.negative", np.negative, (b,), {}, negated, "out", line.section, lines[i].where)
        lines[j] = Line("np.subtract", np.subtract, (negated, x), {}, line.target, "out", line.section, line.where)
        touching[id(x.storage)].append(j)
        done += 1
    return done


def _for_exp_alone(lines: list[Line], j: int, touching: dict[int, list[int]]) -> bool:
    """Whether nobody but one exp sees what line `j` computes."""
    target = lines[j].target
    assert target is not None
    readers = sorted({k for k in touching[id(target.storage)] if k > j})
    if not readers or readers[0] == len(lines):
        return False
    exp = lines[readers[0]]
    if exp.function != "np.exp" or exp.effect != "out" or exp.args[0] is not target or exp.target is None:
        return False
    return len(readers) == 1 or exp.target is target  # in place, so that later readers see the exponential


def _is_sum_of_unequal(line: Line) -> bool:
    """Whether `line` adds two values, one of which is broadcast."""
    return (
        line.function == "np.add"
        and line.effect == "out"
        and all(isinstance(v, Value) for v in line.args)
        and len({v.dtype for v in line.args}) == 1
        and len({v.nbytes for v in line.args}) == 2
        and line.target is not None
        and any(v.shape == line.target.shape for v in line.args)
    )
