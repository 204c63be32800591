"""What nothing needs goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..program import OUTLIVES

if TYPE_CHECKING:
    from ..program import Line, Program


def drop_dead_lines(program: Program) -> int:
    """Remove lines that nothing needs: not the results, not the state that outlives the step, not the draws."""
    needed: set[int] = {id(v.storage) for v in program.result_values()}
    used: set[int] = {id(v) for v in program.result_values()}
    kept: list[Line] = []
    for line in reversed(program.lines):
        target = line.target
        if line.effect in ("view", "fresh"):
            alive = target is not None and (
                id(target) in used or (line.effect == "fresh" and id(target.storage) in needed)
            )
        else:
            alive = target is not None and (id(target.storage) in needed or target.storage.kind in OUTLIVES)
        if not (alive or line.must_run):
            continue
        kept.append(line)
        if target is not None:
            needed.add(id(target.storage))
            if line.effect != "view":
                used.add(id(target))  # a write into a view needs the view
        for v in line.read():
            needed.add(id(v.storage))
            used.add(id(v))
    dropped = len(program.lines) - len(kept)
    program.lines[:] = reversed(kept)
    return dropped
