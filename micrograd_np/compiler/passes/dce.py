"""Dead code elimination."""

from __future__ import annotations

from ..ir import Op
from ..program import Program


def drop_dead_ops(program: Program) -> int:
    """Remove operations whose results nobody needs; how many. Draws of random numbers and checks stay."""
    needed = set(program.needed())
    kept: list[Op] = []
    for op in reversed(program.ops):
        if op.must_run or op.result in needed or (op.effect == "loop" and not needed.isdisjoint(op.defines)):
            kept.append(op)
            needed.update(op.reads)
    dropped = len(program.ops) - len(kept)
    program.ops[:] = reversed(kept)
    return dropped
