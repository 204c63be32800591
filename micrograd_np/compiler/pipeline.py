"""From a traced program to a compiled one: passes, memory, source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .ir import copied
from .memory import plan
from .passes import run_passes
from .running.program import CompiledProgram
from .writing.write import Writer

if TYPE_CHECKING:
    from .ir import Program


def build(program: Program, mode: str) -> CompiledProgram:
    """Run the passes of `mode` over a traced program, plan its memory, write its source and bind it."""
    raw, _ = copied(program)
    passes = run_passes(program, mode)
    layout = plan(program)
    return CompiledProgram(program, raw, Writer(program, layout), passes, layout)
