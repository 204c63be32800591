"""The zeros around small padded arrays are written once and for all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Op, Value
from ..program import Program

_SMALL = 256 * 1024  # bytes up to which memory of its own for each padded array is little beside what a call saves


def pad_once(program: Program) -> int:
    """Fill small arrays with zeros when the program is built, where each call then writes the same parts of them."""
    filled = [op for op in program.ops if op.function == "copy" and _is_zero(op.args[0])]
    if not filled:
        return 0
    uses = program.uses()
    needed = {v.root for v in program.needed()}
    count = 0
    for op in filled:
        z = op.result
        if z is None or z.nbytes > _SMALL:
            continue
        last = _filled(z, uses)
        if last is not z and last not in needed and not _written(last, uses):
            op.function = "once"
            count += 1
    return count


def _is_zero(x: Any) -> bool:
    return not isinstance(x, Value) and x == 0 and not np.signbit(x)


def _filled(z: Value, uses: dict[Value, list[Op]]) -> Value:
    """The last version of `z` after copies into parts of it, before which nothing else is done with it."""
    while True:
        readers = uses.get(z, [])
        part = readers[0].result if len(readers) == 1 and readers[0].function == "getitem" else None
        writes = uses.get(part, []) if part is not None else []
        if len(writes) != 1:
            return z
        write = writes[0]
        if write.function != "np.copyto" or write.kwargs or write.of is not part or write.result is None:
            return z
        z = write.result


def _written(v: Value, uses: dict[Value, list[Op]]) -> bool:
    """Whether anything writes into a value, or into a view of it."""
    into = [op for op in uses.get(v, []) if op.of is v]
    return any(op.effect == "update" or (op.result is not None and _written(op.result, uses)) for op in into)
