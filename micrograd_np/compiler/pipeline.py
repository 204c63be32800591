"""From a traced program to a compiled one: passes, memory, source."""

from __future__ import annotations

from .memory import plan
from .passes import run_passes
from .program import Program, Snapshot
from .running.program import CompiledProgram
from .verify import verify, verify_plan
from .writing.write import Writer


def build(program: Program, mode: str, *, verified: bool = False) -> CompiledProgram:
    """Run the passes of `mode` over a traced program, plan its memory, write its source and bind it.

    If `verified`, the rules of programs are checked after each pass that saved something and at the end, where those of
    memory are, too.
    """
    traced = Snapshot(program)
    if verified:
        verify(program)
    passes = run_passes(program, mode, verify if verified else None)
    layout = plan(program)
    if verified:
        verify(program)
        verify_plan(program, layout)
    return CompiledProgram(program, traced, Writer(program, layout), passes, layout)
