"""What the compiler made of a step, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from ..ir import Value
from ..program import Program
from .program import CompiledProgram


@dataclass(frozen=True)
class Report:
    """Of one program: its size, its memory, what the passes saved, and how long it took to make. Prints well."""

    name: str
    lines: int
    traced_lines: int
    buffers: int
    arena_bytes: int
    """What all buffers take together: they share memory by lifetime."""
    separate_bytes: int
    """What they would take side by side."""
    eager_bytes: int
    """What eager holds at its peak at least: every intermediate array, from where it is made to its last use."""
    passes: Mapping[str, int]
    """What each pass saved, in order.

    Lines that went: dead lines, constants (computed once), repeats, guards (in the fast mode), negations, and by
    updating all parameters as one vector. Operands that changed: numbers and bounds (arrays instead of numbers), axes
    (biases in the shape of a single sample). Results that need no copy: copies. And how many lines run in blocks.
    """
    trace_seconds: float
    """Includes the first call itself, which is done for real."""
    compile_seconds: float
    backend: str
    """What runs calls: "numpy"; "compiling", which is NumPy while C is being compiled; or "c"."""
    reason: str
    """Why, in sentences, where C was asked for."""

    def __str__(self) -> str:
        saved = ", ".join(f"{name} {count}" for name, count in self.passes.items() if count) or "nothing"
        arena, separate, eager = map(_size, (self.arena_bytes, self.separate_bytes, self.eager_bytes))
        first, second = self.trace_seconds * 1e3, self.compile_seconds * 1e3
        return (
            f"{self.name}: {self.lines} lines, of {self.traced_lines} traced\n"
            f"  memory   {self.buffers} buffers in one arena of {arena}; side by side {separate}, "
            f"eager at least {eager}\n"
            f"  passes   {saved}\n"
            f"  time     {first:.1f} ms for the first call and its trace, {second:.1f} ms to write the program\n"
            f"  backend  {self.backend}{f': {self.reason}' if self.reason else ''}"
        )

    __repr__ = __str__


def report(entry: CompiledProgram) -> Report:
    """The report on an entry."""
    plan = entry.plan
    return Report(
        name=entry.program.name,
        lines=sum(len(getattr(op, "body", (op,))) for op in entry.program.ops),
        traced_lines=len(entry.raw.ops),
        buffers=len({s for s in plan.storages.values() if s.kind == "buffer"}),
        arena_bytes=plan.nbytes,
        separate_bytes=plan.separate,
        eager_bytes=peak(entry.raw),
        passes=dict(entry.passes),
        trace_seconds=entry.seconds[0],
        compile_seconds=entry.seconds[1],
        backend="numpy" if entry.policy is None else entry.policy.state,
        reason=". The backward pass: ".join(_reasons(entry)),
    )


def _reasons(entry: CompiledProgram) -> list[str]:
    """Why it runs what it runs; also of its backward program, where that is another reason."""
    behind = entry.reverse.entry.policy if entry.reverse is not None else None
    policies = [policy for policy in (entry.policy, behind) if policy is not None]
    return list(dict.fromkeys(policy.reason() for policy in policies))


def peak(program: Program) -> int:
    """The most bytes of intermediate arrays alive at once when each has memory of its own, from first to last use."""
    spans: dict[Value, list[int]] = {}
    for i, op in enumerate(program.ops):
        for v in (*op.reads, *op.defines):
            first = v.first
            if first.memory is None:
                begin, _, size = spans.get(first, [i, i, 0])
                spans[first] = [begin, i, max(size, v.nbytes)]
    for v in program.leaving():
        if (first := v.first) in spans:
            spans[first][1] = len(program.ops)
    changes = [0] * (len(program.ops) + 2)
    for begin, last, size in spans.values():
        changes[begin] += size
        changes[last + 1] -= size
    return max(accumulate(changes))


def _size(count: int) -> str:
    return (
        f"{count:,} bytes"
        if count < 10_000
        else f"{count / 1024:,.0f} KiB"
        if count < 10_000_000
        else f"{count / 2**20:,.0f} MiB"
    )
