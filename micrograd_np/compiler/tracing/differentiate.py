"""The backward pass of what a step returns, traced as well, and cut off as a program of its own.

The first program computes the results, and hands out what the second reads again: copies, so that several results can
be alive at once. The second computes the gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from micrograd_np.core.trees import instances
from micrograd_np.core.vertex import Node, Vertex, tensor_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import set_grad_enabled

from ..copying import Copy
from ..program import Program, Storage, Value, mapped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Traces(Protocol):
    """What is asked of the tracer."""

    program: Program

    def value(self, x: Any) -> Any:
        """The value of a tensor or an array."""

    def section(self, name: str) -> AbstractContextManager[None]:
        """Lines recorded inside belong to this section."""

    def _know(self, array: Any, value: Value) -> Value: ...


@dataclass
class Pullback:
    """How a traced backward pass hangs together with what came before it."""

    split: int
    """The lines before are the forward pass."""
    roots: list[Value]
    seeds: list[Value]
    leaves: list[Any]
    gradients: list[Value]


def differentiate(tracer: Traces, result: Any, floor: int) -> Pullback | None:
    """Trace the backward pass of `result`, down to what was there before the step; None if nobody can ask for it."""
    roots = list(dict.fromkeys(z for z in instances(result, Vertex) if z.requires_grad and z.order > floor))
    under = walk.topological(*roots, floor=floor)
    if not roots or any(walk.is_gone(z) for z in under if z.order > floor):
        return None
    tensors = {
        x: t if t.node is x else walk.with_record(a, x)
        for z in under
        if isinstance(z, Node) and z.held is not None and z.arrays is not None
        for x, t, a in zip(z.inputs, z.held, z.arrays, strict=True)
        if isinstance(x, Node)
    }
    program = tracer.program
    found = Pullback(len(program.lines), [tracer.value(z) for z in roots], [], [], [])
    seeds = []
    for z in roots:
        seeds.append(tensor_of(np.ones(z.shape, z.dtype)))
        value = Value(Storage("input"), z.shape, z.dtype, f"d_{tracer.value(z).name or 'result'}")
        found.seeds.append(tracer._know(seeds[-1].data, value))

    def deliver(leaf: Any, g: Any) -> None:
        found.leaves.append(tensors.get(leaf, leaf))
        found.gradients.append(tracer.value(g))

    more = list(zip(roots[1:], seeds[1:], strict=True))
    with tracer.section("backward"), set_grad_enabled(False):
        walk.pull(roots[0], seeds[0], deliver, retain=True, lifted=True, more=more, floor=floor)
    return found


def positions(program: Program, found: Pullback) -> list[int | None]:
    """For each value among the results, in order: which root it is."""
    roots = {id(v): i for i, v in enumerate(found.roots)}
    which: list[int | None] = []
    mapped(program.results, lambda v: which.append(roots.get(id(v))))
    return which


def cut(program: Program, found: Pullback) -> tuple[Program, Program]:
    """The forward program, giving ``(results, residuals)``, and the backward one, from inputs, residuals and seeds."""
    ahead, behind = program.lines[: found.split], program.lines[found.split :]
    seen = (v for line in ahead for v in (*line.read(), line.target) if v is not None)
    bases = {id(v.storage): v for v in seen if not v.view}  # memory may be written through views of it alone
    residuals: dict[int, Value] = {}
    for v in (*(v for line in behind for v in (*line.read(), line.target)), *found.gradients):
        if v is not None and v.storage.kind in ("buffer", "fresh") and id(v.storage) in bases:
            residuals[id(v.storage)] = bases[id(v.storage)]
    copy = Copy(dict.fromkeys(residuals, "input"))
    back = Program(f"{program.name}, backward", silent=program.silent)
    back.lines = [copy.line(line) for line in ahead if line.effect == "view"] + [copy.line(line) for line in behind]
    back.inputs = [copy.value(v) for v in (*program.inputs, *residuals.values(), *found.seeds)]
    back.results = [copy.value(v) for v in found.gradients]
    used = {id(v) for line in behind for v in line.read()} | {id(v.storage) for line in behind for v in line.read()}
    back.states = {
        key: (t, copy.value(v)) for key, (t, v) in program.states.items() if id(v) in used or id(v.storage) in used
    }
    program.lines = ahead
    program.results = (program.results, list(residuals.values()))
    return program, back
