"""Results that somebody will call ``backward()`` on: the trace goes on through the backward pass, and is cut in two.

The first program computes the results, and hands out what the second will want to see again: copies, so that several
results can be alive at once. The second computes the gradients. A result of the compiled function is then a vertex
whose derivative rule runs the second program.
"""

from __future__ import annotations

from copy import copy as shallow
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.primitive import Primitive, wrap_result
from micrograd_np.core.trees import instances
from micrograd_np.core.vertex import Node, Vertex, tensor_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from ..program import Line, Program, Storage, Value, mapped
from .failure import explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tracing.trace import Tracer
    from .entry import CompiledProgram


@dataclass
class Pullback:
    """How a traced backward pass hangs together with what came before it."""

    split: int
    """The lines before are the forward pass."""
    roots: list[Value]
    seeds: list[Value]
    leaves: list[Any]
    gradients: list[Value]


def differentiate(tracer: Tracer, result: Any, floor: int) -> Pullback | None:
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
    copy = _Copy(dict.fromkeys(residuals, "input"))
    back = Program(f"{program.name}, backward", silent=program.silent)
    back.lines = [copy.line(line) for line in ahead if line.made == "view"] + [copy.line(line) for line in behind]
    back.inputs = [copy.value(v) for v in (*program.inputs, *residuals.values(), *found.seeds)]
    back.results = [copy.value(v) for v in found.gradients]
    used = {id(v) for line in behind for v in line.read()} | {id(v.storage) for line in behind for v in line.read()}
    back.states = {
        key: (t, copy.value(v)) for key, (t, v) in program.states.items() if id(v) in used or id(v.storage) in used
    }
    program.lines = ahead
    program.results = (program.results, list(residuals.values()))
    return program, back


class _Copy:
    """Copies of values and storages, so that the passes on one program leave the other alone."""

    def __init__(self, kinds: dict[int, str]) -> None:
        self.kinds = kinds
        self.values: dict[int, Value] = {}
        self.storages: dict[int, Storage] = {}
        self.alive: list[Any] = []

    def value(self, v: Value) -> Value:
        known = self.values.get(id(v))
        if known is None:
            hint = (v.hint[0], self.value(v.hint[1])) if isinstance(v.hint, tuple) else v.hint
            known = Value(self.storage(v.storage), v.shape, v.dtype, v.name, hint, v.view, v.strides)
            self.values[id(v)] = known
            self.alive.append(v)
        return known

    def storage(self, s: Storage) -> Storage:
        known = self.storages.get(id(s))
        if known is None:
            known = Storage(self.kinds.get(id(s), s.kind), s.array, s.owner, s.shared, s.begins)
            self.storages[id(s)] = known
            self.alive.append(s)
        return known

    def line(self, line: Line) -> Line:
        target = None if line.target is None else self.value(line.target)
        other = Line(
            line.function, line.call, line.args, line.kwargs, target, line.made, line.section, line.where,
            line.effect, line.unit, line.asked,
        )  # fmt: skip
        other.substitute(self.value)
        return other


def copied(program: Program) -> Program:
    """A copy of a program that passes may change without touching the other: same memory, other values and lines."""
    copy = _Copy({})
    other = shallow(program)
    other.lines = [copy.line(line) for line in program.lines]
    other.inputs = [copy.value(v) for v in program.inputs]
    other.states = {key: (t, copy.value(v)) for key, (t, v) in program.states.items()}
    other.gradients_in = [(t, copy.value(v)) for t, v in program.gradients_in]
    other.gradients_out = [(t, None if v is None else copy.value(v)) for t, v in program.gradients_out]
    other.results = mapped(program.results, copy.value)
    return other


class BackwardProgram:
    """The second program of an entry, and how to hang it under results."""

    def __init__(
        self,
        entry: CompiledProgram,
        found: Pullback,
        arguments: Sequence[Any],
        tree: Any,
        which: list[int | None],
        lock: Any,
        others: Sequence[Any],
    ) -> None:
        self.which = which
        self.entry, self.tree, self.lock = entry, tree, lock
        positions: dict[int, int] = {id(x): i for i, x in enumerate(arguments)}
        every = (*found.leaves, *dict.fromkeys(others))
        self.inputs = [(positions.get(id(x)), x if id(x) not in positions else None) for x in every]
        """The leaves, and behind them others on which the gradients depend: a write to one is to be noticed."""
        self.count = len(found.leaves)
        self.shapes = [(v.shape, v.dtype) for v in found.seeds]

    def results(self, arrays: Any, arguments: Sequence[Any], inputs: list[Any]) -> Any:
        """The results of the forward program as tensors that remember how to pull a gradient back."""
        known: tuple[Any, ...] = tuple(arguments[i] if i is not None else x for i, x in self.inputs)
        values = [x.data for x in known]
        call = _Call(self, inputs, list(arrays[len(self.which) :]))
        needs = sum(1 << i for i, x in enumerate(known) if x.requires_grad)
        made: dict[int, Any] = {}
        rest = iter(zip(arrays, self.which, strict=False))  # behind them lie the residuals
        whole: Any = None
        if len(self.shapes) > 1:
            whole = wrap_result(Tensor, _compiled, known, values, {"call": call}, np.zeros(()), needs)

        def tensor(_: Value) -> Any:
            array, which = next(rest)
            if which is None:
                return Tensor(array)
            if which not in made and whole is None:
                made[which] = wrap_result(Tensor, _compiled, known, values, {"call": call}, array, needs)
            elif which not in made:
                static = {"call": call, "which": which}
                made[which] = wrap_result(Tensor, _part, (whole,), [whole.data], static, array, 1)
            return made[which]

        return mapped(self.tree, tensor)


def watched(back: Program, arrays: Sequence[Any], given: Sequence[tuple[Any, Any]]) -> list[Any]:
    """The tensors that take no gradient, but whose memory the backward program reads: arguments, and others outside.

    `arrays` are those of all arguments, `given` the tensors among these with their arrays.
    """
    read = {id(v.storage) for line in back.lines for v in line.read()}
    mine = {id(a) for a, v in zip(arrays, back.inputs, strict=False) if id(v.storage) in read}
    found = [t for t, a in given if id(a) in mine]
    found += [t for t, v in back.states.values() if t is not None and id(v.storage) in read]
    return [t for t in found if not t.requires_grad]


class _Call:
    """One call's inputs and residuals, until its gradients have been asked for."""

    def __init__(self, reverse: BackwardProgram, inputs: list[Any], residuals: list[Any]) -> None:
        self.reverse, self.inputs, self.residuals = reverse, inputs, residuals
        self.seeds: dict[int, Any] = {}
        """The gradients that have arrived at results, by which result it is."""
        self.pulled: tuple[Any, Any] | None = None

    def arrive(self, which: int, g: Any) -> Any:
        """Note that `g` has arrived at result `which`; what stands for that in the gradient of the whole call."""
        if isinstance(g, Vertex):
            message = (
                "compile: the gradient of a compiled result cannot be differentiated again or traced: it is a finished "
                "program. Take the second derivative inside the compiled function, or call the function uncompiled."
            )
            raise RuntimeError(message)  # noqa: TRY004  it is too late, not the wrong kind
        self.seeds[which] = np.asarray(g)
        return np.zeros(())

    def gradients(self, g: Any) -> Any:
        """The gradients by all leaves, once for all results; `g` is one object in each backward pass."""
        if self.pulled is None or self.pulled[0] is not g:
            shapes, seeds = self.reverse.shapes, self.seeds
            if len(shapes) == 1:
                self.arrive(0, g)
            every = [seeds[i] if i in seeds else np.zeros(*shapes[i]) for i in range(len(shapes))]
            self.seeds = {}
            with self.reverse.lock:
                try:
                    found = self.reverse.entry.step(*self.inputs, *self.residuals, *every)
                except BaseException as error:
                    explain(error, self.reverse.entry)
                    raise
            self.pulled = (g, found)
        return self.pulled[1]


def _kernel(xp: Any, out: Any, *xs: Any, call: _Call) -> Any:
    raise NotImplementedError  # its value is known before the vertex is made


def _rule(i: int, g: Any, z: Any, *xs: Any, call: _Call) -> Any:
    found = call.gradients(g)[i]
    if i == call.reverse.count - 1:
        call.pulled = None
    return found


def _kernel_of_part(xp: Any, out: Any, x: Any, *, call: _Call, which: int) -> Any:
    raise NotImplementedError


_plain: dict[str, Any] = {
    "domain": (),
    "shape": None,
    "examples": (),
    "onnx": None,
    "not_differentiable": (),
    "view": False,
    "numpy": (),
}
_kernel.__name__ = _kernel_of_part.__name__ = "compiled"
_compiled: Primitive[Any] = Primitive(_kernel, "compiled call", **_plain).vjp(xs=_rule)
_compiled.reads_all = True  # the second program does
_part: Primitive[Any] = Primitive(_kernel_of_part, "compiled", **_plain).vjp(
    x=lambda g, z, x, call, which: call.arrive(which, g)
)
"""One result of a call: where several are differentiated, the second program runs once."""
