"""From a traced program to a compiled one: passes, memory, source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .copying import copied
from .passes import run_passes
from .passes.memory import plan
from .running.entry import CompiledProgram
from .writing.write import Writer

if TYPE_CHECKING:
    from .program import Program


def build(program: Program, mode: str) -> CompiledProgram:
    """Run the passes of `mode` over a traced program, plan its memory, write its source and bind it."""
    raw = copied(program)
    passes = run_passes(program, mode)
    layout = plan(program)
    writer = Writer(program, layout)
    compiled = CompiledProgram(program, writer.source(), writer, passes, layout.nbytes, layout.wanted)
    compiled.raw = raw
    return compiled
