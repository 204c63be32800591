"""An emitted program, bound to its memory, with what must still hold for it to be the right one."""

from __future__ import annotations

import builtins
import itertools
import linecache
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from micrograd_np.core.writes import writes
from micrograd_np.engine.tensor import Tensor

from ..guards import MISS, Guards
from ..program import mapped
from .failure import explain
from .pullback import BackwardProgram

if TYPE_CHECKING:
    from ..program import Program, UpdateGroup
    from ..writing.write import Writer

_numbers = itertools.count(1)


class CompiledProgram:
    """One emitted program, what it is bound to, and what must still hold for it to be the right one."""

    def __init__(
        self, program: Program, source: str, writer: Writer, passes: dict[str, int], arena: int, wanted: int
    ) -> None:
        self.program, self.source, self.passes, self.arena, self.wanted = program, source, passes, arena, wanted
        self.calls = 0
        """How many calls it has run."""
        self.number = next(_numbers)
        self.filename = f"<micrograd_np {program.name} {self.number}>"
        linecache.cache[self.filename] = (len(source), None, source.splitlines(keepends=True), self.filename)
        namespace: dict[str, Any] = {}
        exec(builtins.compile(source, self.filename, "exec"), namespace)  # noqa: S102  the program that was just written
        state = {n: v.storage.array for n, v in writer.state.items()}
        self.numbers = {n: v.storage.array for n, v in writer.numbers.items()}
        self.build = namespace["build"]
        self.writer = writer
        self.step, outputs = self.build(state, self.numbers, writer.constants, writer.objects)
        # whoever still has the step, such as a backward pass, may want to see its source
        finalize(self.step, linecache.cache.pop, self.filename, None).atexit = False
        self.tensors = [(t, t.data, t.requires_grad) for t, _ in program.states.values() if t is not None]
        self.slots = [
            (state, name, array)
            for clock in program.clocks
            for state in clock.states
            for name, array in state.items()
            if isinstance(array, np.ndarray)
        ]
        """What optimisers keep of each parameter."""
        self.written = self._written()
        self.overwritten: list[int] = []
        """Which of the arrays among the arguments it writes into."""
        rest = iter(outputs)
        self.gradients = [(t, None if v is None else Tensor(next(rest))) for t, v in program.gradients_out]
        self.delivered = [(t, g, None if g is None else g.data) for t, g in self.gradients]
        self.incoming = [t for t, _ in program.gradients_in]
        self.absent = list(program.gradients_absent)
        self.own = {id(g) for _, g in self.gradients if g is not None}
        self.modes = program.modes
        self.reverse: BackwardProgram | None = None
        self.raw: Program = program
        """The program as it was traced, before any pass."""
        self.seconds = (0.0, 0.0)
        """What tracing (the first call included) and emitting took."""
        self.guards = Guards()
        """Where things have been found that must still be there."""
        self.ticks: list[tuple[UpdateGroup, list[tuple[Any, str]]]] = [
            (c, [(v.storage.array, key.partition(":")[0]) for key, v in c.numbers.items()]) for c in program.clocks
        ]

    def rebuilt(self, results: Any) -> Any:
        """What the step returns, with tensors around the arrays of the program."""
        rest = iter(results)
        return mapped(self.program.results, lambda _: Tensor(next(rest)))

    def _written(self) -> list[Any]:
        found = self.program.written()
        return [t for t, v in self.program.states.values() if t is not None and id(v.storage) in found]

    def overlap(self, arrays: list[Any]) -> bool:
        """Whether an array that it writes into may share memory with another, of which its lines know nothing."""
        return any(a is not arrays[i] and np.may_share_memory(a, arrays[i]) for i in self.overwritten for a in arrays)

    def holds(self) -> bool:
        """Whether the program is still the right one: same memory, same modes, same settings."""
        for t, array, wanted in self.tensors:
            if t.data is not array or t.requires_grad is not wanted:
                return False
        for module, flag in self.modes:
            if module._training is not flag:
                return False
        for state, name, array in self.slots:
            if state.get(name) is not array:
                return False
        for clock, _ in self.ticks:
            t = clock.states[0].get("step")
            if t is None or any(state.get("step") != t for state in clock.states):
                return False  # one of them was left out of some step since, or starts afresh
        for t in self.absent:
            if t._grad is not None:
                return False
        if not all(t._grad is not None and t._grad.data.shape == t.data.shape for t in self.incoming):
            return False
        return self.guards.hold()

    def in_place(self) -> bool:
        """Whether the state is still where the program has it, so that it could go on."""
        return (
            all(t.data is array for t, array, _ in self.tensors)
            and all(state.get(name) is array for state, name, array in self.slots)
            and self.guards.hold()
        )

    def run(self, arrays: list[Any]) -> Any:
        """One call: advance the clocks, run the step, hand out gradients and results; MISS if a setting changed."""
        for clock, slots in self.ticks:
            t = clock.states[0]["step"] + 1 + clock.before
            numbers = {**clock.group, **clock.optimizer.scalars(clock.group, t)}
            for name, x in clock.fixed.items():
                if numbers[name] != x:
                    return MISS
            for name, truth in clock.truths.items():
                if bool(numbers[name]) is not truth:
                    return MISS
            for array, name in slots:
                array.fill(numbers[name])
        if self.incoming:  # a gradient of the last call lies in the very buffer that this call will write
            grads = [t._grad for t in self.incoming]
            arrays = [*arrays, *(g.data.copy() if id(g) in self.own else g.data for g in grads)]
        try:
            results = self.step(*arrays)
        except BaseException as error:
            explain(error, self)
            raise
        for clock, _ in self.ticks:
            states = clock.states
            t = states[0]["step"] + 1
            for state in states:
                state["step"] = t
        self.calls += 1
        for t in self.written:
            writes.note(t.data)
        for t, g, array in self.delivered:
            t._grad = g
            if g is not None:
                g.data = array  # somebody may have put another there
        return results
