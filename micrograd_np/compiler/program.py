"""A traced step as a program: operations in order, what comes in, what leaves, and what is stored.

``str(program)`` shows it, `parser.parse` reads that text, and `verify.verify` checks the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy as shallow
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.tensor import Tensor

from .ir import Label, Memory, Op, Value, mapped, values_in
from .operations import elementwise
from .printer import printed


@dataclass(eq=False)
class UpdateGroup:
    """Parameters of one optimiser that step together: same group, same step number, in each call."""

    optimizer: Any
    group: dict[str, Any]
    states: list[dict[str, Any]]
    """The optimiser's state of each of these parameters, in the order of the update."""
    settings: dict[str, Any]
    """The group as the trace found it."""
    numbers: dict[str, Value] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    """Settings that decided something while tracing: another value needs another program."""
    truths: dict[str, bool] = field(default_factory=dict)
    """Numbers of which only "zero or not" decided something."""
    params: list[Any] = field(default_factory=list)
    """The parameters, in the same order."""
    before: int = 0
    """How many steps they have made in the same call before this one."""


@dataclass
class Program:
    """A traced step."""

    name: str
    ops: list[Op] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    results: Any = None
    """What the step returns, with values where tensors stand."""
    kind: type[Vertex] | None = None
    """The class of the tensors that it returns, if it is not `Tensor`."""
    stores: dict[Memory, Value] = field(default_factory=dict)
    """What memory that outlives the step holds at its end, where that is not what it held at the beginning."""
    states: dict[int, tuple[Any, Value]] = field(default_factory=dict)
    """Every tensor whose memory the program uses, by id: (tensor or None for bare arrays, what it holds first)."""
    gradients_in: list[tuple[Tensor, Value]] = field(default_factory=list)
    gradients_out: list[tuple[Tensor, Value | None]] = field(default_factory=list)
    gradients_absent: list[Tensor] = field(default_factory=list)
    """Leaves that must come without a gradient, because the step adds none to what they have."""
    groups: list[UpdateGroup] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    """The floating-point warnings that some kernel wants silenced."""
    inspected: set[int] = field(default_factory=set)
    """The arrays of lists of numbers, by id, at which Python has looked itself."""
    modes: list[tuple[Any, bool]] = field(default_factory=list)
    """Modules whose training flag was read."""
    pullback: Any = None
    """The traced backward pass of the results, where they carry gradients out of the step."""

    def leaving(self) -> list[Value]:
        """Every value that leaves the step: returned, or as a gradient."""
        return [*values_in(self.results), *(v for _, v in self.gradients_out if v is not None)]

    def needed(self) -> list[Value]:
        """Every value that must be there at the end: those that leave, and those that are stored."""
        return [*self.leaving(), *self.stores.values()]

    def uses(self) -> dict[Value, list[Op]]:
        """By value that is computed elementwise: the operations that read it, in order, each once."""
        readers: dict[Value, list[Op]] = {op.result: [] for op in self.ops if op.result is not None and elementwise(op)}
        for op in self.ops:
            for v in op.reads:
                if v in readers and (not readers[v] or readers[v][-1] is not op):
                    readers[v].append(op)
        return readers

    def replace(self, replacements: Mapping[Value, Value]) -> None:
        """Let other values be read, and leave, by those that do now, whose operations go; also in several steps."""
        if not replacements:
            return
        final: dict[Value, Value] = {}
        for v in replacements:
            w = replacements[v]
            while w in replacements:
                w = replacements[w]
            final[v] = w
        self.ops[:] = [op for op in self.ops if op.result not in final]
        read_none = final.keys().isdisjoint
        for op in self.ops:
            if not read_none(op.reads):
                op.substitute(final)
        self.replace_needed(final)

    def replace_needed(self, final: Mapping[Value, Value]) -> None:
        """Let other values leave and be stored, by those that are now."""
        if not final:
            return
        self.results = mapped(self.results, lambda v: final.get(v, v))
        self.gradients_out = [(t, None if v is None else final.get(v, v)) for t, v in self.gradients_out]
        self.stores = {memory: final.get(v, v) for memory, v in self.stores.items()}

    def __str__(self) -> str:
        return printed(self)


_CHANGEABLE = ("function", "call", "args", "kwargs", "result", "effect", "of", "reads", "_shows")
_changeable = attrgetter(*_CHANGEABLE)
"""What passes may change of an operation."""


class Snapshot:
    """A program as it is now: passes may change it meanwhile, but not values and memory."""

    def __init__(self, program: Program) -> None:
        self._program, self._ops = shallow(program), list(program.ops)
        self._program.stores, self._program.gradients_out = dict(program.stores), list(program.gradients_out)
        self._parts = list(map(_changeable, self._ops))

    @cached_property
    def program(self) -> Program:
        """The program as it was, with operations of its own, to be `copied`."""
        program = self._program
        program.ops = [op.clone() for op in self._ops]
        for op, parts in zip(program.ops, self._parts, strict=True):
            for name, part in zip(_CHANGEABLE, parts, strict=True):
                setattr(op, name, part)
        return program

    @property
    def values(self) -> list[Value]:
        """What its operations define."""
        place = _CHANGEABLE.index("result")
        return [z for parts in self._parts if (z := parts[place]) is not None]


def copied(program: Program, ops: Iterable[Op] | None = None) -> tuple[Program, dict[Value, Value]]:
    """A copy of a program, which passes may change without touching the other, and its values by those of the other."""
    copies: dict[Value, Value] = {}
    labels: dict[Label, Label] = {}

    def label(x: Label) -> Label:
        if x not in labels:
            labels[x] = new = Label(x.name, x.hint)
            if isinstance(x.hint, tuple):
                new.hint = (x.hint[0], label(x.hint[1]))
        return labels[x]

    def value(v: Value) -> Value:
        copy = copies.get(v)
        if copy is None:
            copy = copies[v] = Value(v.shape, v.dtype, v.strides, label(v.label), v.memory)
        return copy

    other = shallow(program)
    ops = program.ops if ops is None else ops
    other.ops = [op.copy(value, None if op.result is None else value(op.result)) for op in ops]
    other.inputs = [value(v) for v in program.inputs]
    other.states = {key: (t, value(v)) for key, (t, v) in program.states.items()}
    other.gradients_in = [(t, value(v)) for t, v in program.gradients_in]
    other.gradients_out = [(t, None if v is None else value(v)) for t, v in program.gradients_out]
    other.stores = {memory: value(v) for memory, v in program.stores.items()}
    other.results = mapped(program.results, value)
    return other, copies
