"""The backward pass of what a step returns, traced as well, and cut off as a program of its own.

The first program computes the results, and hands out what the second reads again: copies, so that several results can
be alive at once. The second computes the gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd_np.core.trees import instances
from micrograd_np.core.vertex import Node, Source, Vertex, source, tensor_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import set_grad_enabled

from ..ir import Label, Memory, Value, values_in
from ..program import Program, copied
from .cells import Cell, Ref


@dataclass
class Pullback:
    """Where the trace splits into forward and backward, and which values cross."""

    split: int
    """The operations before are the forward pass."""
    roots: list[Value]
    seeds: list[Value]
    leaves: list[Any]
    gradients: list[Value]
    reaching: list[int]
    """By leaf: from which roots a gradient reaches it, as bits."""


def differentiate(tracer: Any, result: Any, floor: int) -> Pullback | None:
    """Trace the backward pass of `result`, down to what was there before the step; None if nobody can ask for it."""
    roots = list(dict.fromkeys(z for z in instances(result, Vertex) if z.requires_grad and z.order > floor))
    under = walk.topological(*roots, floor=floor)
    if not roots or any(walk.is_freed(z) for z in under if z.order > floor):
        return None
    tensors = {
        x: t if t.node is x else walk.with_record(a, x)
        for z in under
        if isinstance(z, Node) and z.held is not None and z.arrays is not None
        for x, t, a in zip(z.inputs, z.held, z.arrays, strict=True)
        if isinstance(x, Node)
    }
    program = tracer.program
    results = [tracer.value(z) for z in roots]
    pullback = Pullback(len(program.ops), results, [], [], [], [])
    reaching = _reaching(roots, under, floor)
    seeds = []
    for z, value in zip(roots, results, strict=True):
        seeds.append(tensor_of(np.ones(z.shape, z.dtype)))
        label = Label(f"d_{value.label.name or 'result'}")
        tracer._know(seeds[-1].data, Ref(Cell(z.shape, z.dtype, None, Memory("input"), label)))
        pullback.seeds.append(tracer.value(seeds[-1]))

    def deliver(leaf: Any, g: Any) -> None:
        pullback.leaves.append(tensors.get(leaf, leaf))
        pullback.gradients.append(tracer.value(g))
        pullback.reaching.append(reaching[leaf])

    more = list(zip(roots[1:], seeds[1:], strict=True))
    with tracer.section("backward"), set_grad_enabled(False):
        walk.pull(roots[0], seeds[0], deliver, retain=True, lifted=True, more=more, floor=floor)
    return pullback


def _reaching(roots: list[Any], under: list[Any], floor: int) -> dict[Any, int]:
    """From which of `roots` the walk comes to what is `under` them, as bits."""
    reaching: dict[Any, int] = dict.fromkeys(under, 0)
    for i, z in enumerate(roots):
        reaching[source(z)] |= 1 << i
    for z in reversed(under):
        if z.order > floor:
            for x, rule in zip(z.inputs, z.op.rules_for(len(z.inputs)), strict=False):
                if rule is not None and isinstance(x, Source) and x in reaching:
                    reaching[x] |= reaching[z]
    return reaching


def positions(program: Program, pullback: Pullback) -> list[int | None]:
    """For each value among the results, in order: which root it is."""
    roots = {v: i for i, v in enumerate(pullback.roots)}
    return [roots.get(v) for v in values_in(program.results)]


def cut(program: Program, pullback: Pullback) -> tuple[Program, Program]:
    """The forward program, giving ``(results, residuals)``, and the backward one, from inputs, residuals and seeds."""
    ahead, behind = program.ops[: pullback.split], program.ops[pullback.split :]
    views = {v for op in ahead for v in op.defines if v.is_view}
    computed = {v for op in ahead for v in op.defines} - views
    read = [v for op in behind for v in op.reads] + pullback.gradients
    residuals = list(dict.fromkeys(v.root for v in read if v.root in computed))
    views_read = dict.fromkeys(op for v in read for op in v.steps if op.result in views)  # are made again
    back, copies = copied(program, [*views_read, *behind])
    seeds, out, handed = ([copies.get(v, v) for v in x] for x in (pullback.seeds, pullback.gradients, residuals))
    crossing = {v: Value(v.shape, v.dtype, None, v.label, Memory("input")) for v in handed}
    back.name = f"{program.name}, backward"
    back.inputs += [*crossing.values(), *seeds]
    back.results = out
    back.replace(crossing)
    used = {v.root for op in back.ops for v in op.reads}
    back.states = {key: (t, v) for key, (t, v) in back.states.items() if v in used}
    back.stores, back.gradients_in, back.gradients_out, back.gradients_absent = {}, [], [], []
    back.groups, back.modes, back.pullback = [], [], None
    program.ops = ahead
    program.results = (program.results, residuals)
    return program, back
