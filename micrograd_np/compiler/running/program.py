"""An emitted program, bound to its memory, with what must hold for it to be the right one, and how it is called.

A small step takes some 30 µs, and going through lists of guards would add a third of that. So guards, numbers and the
hand-over of gradients are written out as straight-line Python, once, for both ways in: `run`, for calls of any form,
and `quick`, for calls with plain arrays and tensors.
"""

from __future__ import annotations

import builtins
import itertools
import linecache
from collections.abc import Callable
from functools import cached_property, partial
from itertools import count
from typing import Any
from weakref import finalize, proxy

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import USUAL, mode, unusual
from micrograd_np.core.trees import parts, with_parts
from micrograd_np.core.vertex import Vertex, tensor_of
from micrograd_np.core.writes import clock, writes
from micrograd_np.engine.tensor import Tensor

from ..c.listen import FLAGGED
from ..c.policy import Policy
from ..guards import GONE, MISS, Guard
from ..ir import Value
from ..memory import Plan
from ..program import Program, Snapshot, UpdateGroup
from ..writing.write import Writer
from .failure import explain
from .pullback import BackwardProgram

_numbers = itertools.count(1)
_gone: list[str] = []  # files of programs that are gone; `linecache` can lose none while it looks through its own


class CompiledProgram:
    """One emitted program, what it is bound to, and what must still hold for it to be the right one."""

    def __init__(self, program: Program, traced: Snapshot, writer: Writer, passes: dict[str, int], plan: Plan) -> None:
        self.program, self.traced, self.writer, self.passes, self.plan = program, traced, writer, passes, plan
        self.source = writer.source()
        self.counter = [0]
        self.number = next(_numbers)
        self.filename = f"<micrograd_np {program.name} {self.number}>"
        lines = self.source.splitlines(keepends=True)
        while _gone:
            linecache.cache.pop(_gone.pop(), None)
        linecache.cache[self.filename] = (len(self.source), None, lines, self.filename)
        finalize(self, _gone.append, self.filename)
        finalize(self, _dissolve, [op.result for op in writer.every if op.result is not None] + traced.values)
        namespace: dict[str, Any] = {}
        exec(builtins.compile(self.source, self.filename, "exec"), namespace)  # noqa: S102  it was just written
        state = {n: memory.array for n, memory in writer.state.items()}
        numbers = {n: v.memory.array for n, v in writer.numbers.items() if v.memory is not None}
        self.step, self.outputs = namespace["build"](state, numbers, writer.constants, writer.objects)
        self.tensors = [(t, t.data, t.requires_grad) for t, _ in program.states.values() if t is not None]
        slots = [(state, *slot) for group in program.groups for state in group.states for slot in state.items()]
        self.memory = [Guard("{0}.data is {1}", (t, array)) for t, array, _ in self.tensors]
        self.memory += [Guard(f"{{0}}[{name!r}] is {{1}}", (s, a)) for s, name, a in slots if isinstance(a, np.ndarray)]
        """What says that the program's memory is still that of its tensors and optimisers."""
        changed = set(program.stores)
        into = [(t, v.root.memory) for t, v in program.states.values() if t is not None and v.root.memory in changed]
        arrays = [memory.array if memory.owner is None else t.data for t, memory in into]  # a common vector, or its own
        self.written = list({id(array): array for array in arrays}.values())
        """The memory of tensors that it writes into."""
        self.overwritten: list[int] = []
        """Which of the arrays among the arguments it writes into."""
        rest = iter(self.outputs)
        self.gradients = [(t, None if v is None else Tensor(next(rest))) for t, v in program.gradients_out]
        self.incoming = [t for t, _ in program.gradients_in]
        mine = [memory.array for memory in program.stores if memory.array is not None]
        mine += [g.data for _, g in self.gradients if g is not None]
        self.own = frozenset(id(a) for array in mine for a in _holders(array))
        """What holds the memory that it writes into of itself, by id."""
        self.absent = list(program.gradients_absent)
        self.reverse: BackwardProgram | None = None
        self.policy: Policy | None = None
        """Which of two programs each call runs, where there may be one in C."""
        self.seconds = (0.0, 0.0)
        """What tracing (the first call included) and emitting took."""
        self.captured: list[Guard] = []
        """Where things have been found that must still be there."""
        self.numbers: list[tuple[UpdateGroup, list[tuple[Any, str]]]] = [
            (g, [(v.memory.array, key.partition(":")[0]) for key, v in g.numbers.items() if v.memory is not None])
            for g in program.groups
        ]

    @property
    def raw(self) -> Program:
        """The program as it was traced, before any pass."""
        return self.traced.program

    @property
    def calls(self) -> int:
        """How many calls it has run."""
        return self.counter[0]

    def choice(self) -> Policy:
        """What may run its calls in C."""
        return Policy(self.raw, self.step, self.outputs, self.counter)

    def call(self, *arrays: Any) -> Any:
        """Run the step itself, and count the call."""
        results = self.step(*arrays) if self.policy is None else self.policy(*arrays)
        self.counter[0] += 1
        return results

    def overlap(self, arrays: list[Any]) -> bool:
        """Whether an array that is written into is read-only, or may share memory with another argument."""
        if any(id(a) in self.own for array in arrays for a in _holders(array)):
            return True
        if any(not arrays[i].flags.writeable for i in self.overwritten):
            return True
        return any(a is not arrays[i] and np.may_share_memory(a, arrays[i]) for i in self.overwritten for a in arrays)

    def in_place(self) -> bool:
        """Whether the state is still where the program has it, so that it could go on."""
        return all(guard.holds() for guard in (*self.memory, *self.captured))

    def guards(self) -> list[Guard]:
        """All that must hold for it to be the right program: same memory, same modes, same settings."""
        guards = [Guard(f"{{0}}.requires_grad is {flag}", (t,)) for t, _, flag in self.tensors]
        guards += [Guard(f"{{0}}._training is {flag}", (module,)) for module, flag in self.program.modes]
        for group in self.program.groups:  # one of them may have been left out of some step since
            steps = " == ".join(f"{{{i}}}['step']" for i in range(len(group.states)))
            guards.append(Guard(steps if len(group.states) > 1 else "'step' in {0}", tuple(group.states)))
        guards += [Guard("{0}._grad is None", (t,)) for t in self.absent]
        guards += [
            Guard("{0}._grad is not None and {0}._grad.data.shape == {0}.data.shape", (t,)) for t in self.incoming
        ]
        return [*self.memory, *guards, *self.captured]

    @cached_property
    def bound(self) -> _Source:
        """Guards and calls, as functions."""
        return _Source(self)

    def holds(self) -> bool:
        """Whether the program is still the right one."""
        return bool(self.bound.names["holds"]())

    def run(self, arrays: list[Any]) -> Any:
        """One call: set the numbers, run the step, hand out gradients and results; MISS if a setting changed.

        Results are arrays where a backward program will hang under them.
        """
        return self.bound.names["run"](*arrays)

    def quick(self, args: tuple[Any, ...], lock: Any) -> Callable[..., Any] | None:
        """``call(*args)`` for arguments like `args`: the step's result, or MISS. None where calls need the long way.

        These are arrays and tensors, and tuples of them.
        """
        plain = all(type(a) is np.ndarray or isinstance(a, Vertex) for arg in args for a in _pieces(arg))
        if self.incoming or self.reverse is not None or not plain:
            return None
        return self.bound.quick(args, lock)


def _holders(array: Any) -> list[Any]:
    """An array, and what it is a view of."""
    holders = [array]
    while isinstance(holders[-1].base, np.ndarray):
        holders.append(holders[-1].base)
    return holders


def _pieces(arg: Any) -> tuple[Any, ...]:
    """The parts of an argument that is a tuple; of another, itself alone."""
    return arg if type(arg) is tuple else (arg,)


def _dissolve(values: list[Value]) -> None:
    """Let go of operations whose program is gone: they and their values know each other, and would wait for `gc`."""
    for v in values:
        v.op = None


class _Source:
    """Collects the objects that the lines name."""

    def __init__(self, entry: CompiledProgram) -> None:
        self.entry = proxy(entry)
        self.names: dict[str, Any] = {
            "MISS": MISS, "mode": mode, "unusual": unusual, "USUAL": USUAL, "SILENT": (False, QUIET),
            "step": entry.step, "entry": proxy(entry), "explain": explain, "counter": entry.counter,
            "wrap": partial(tensor_of, kind=kind) if (kind := entry.program.kind) else tensor_of,
            "ndarray": np.ndarray, "GONE": GONE, "FLAGGED": FLAGGED, "with_parts": with_parts,
        }  # fmt: skip
        self.by_id = {id(x): name for name, x in self.names.items()}
        self.quicks: dict[Any, Callable[..., Any]] = {}
        self.condition = " and ".join([guard.source(self.name) for guard in entry.guards()] or ["True"])
        rows = ["try:", f"    return {self.condition}", "except GONE:", "    return False"]
        self._execute(["def holds():", *(f"    {row}" for row in rows), *self._run()])

    def name(self, thing: Any) -> str:
        """A name for an object."""
        name = self.by_id.get(id(thing))
        if name is None:
            kind = "".join(filter(str.isalnum, type(thing).__name__.lower()))
            name = self.by_id[id(thing)] = f"_{kind}{len(self.names)}"
            self.names[name] = thing
        return name

    def _execute(self, lines: list[str]) -> None:
        exec(builtins.compile("\n".join(lines), f"<dispatch {self.entry.filename}>", "exec"), self.names)  # noqa: S102

    def _run(self) -> list[str]:
        entry = self.entry
        own = self.name({id(g) for _, g in entry.gradients if g is not None})
        rows = []
        for t in entry.incoming:  # a gradient of the last call lies in the very buffer that this call will write
            g = f"{self.name(t)}._grad"
            rows.append(f"arrays = (*arrays, {g}.data.copy() if id({g}) in {own} else {g}.data)")
        rows += [*self._call("*arrays"), f"return {'out' if entry.reverse is not None else self._result()}"]
        return ["def run(*arrays):", *(f"    {row}" for row in rows)]

    def _call(self, arguments: str) -> list[str]:
        """The numbers of this call, the call, and what it leaves."""
        entry = self.entry
        rows = []
        for i, (group, slots) in enumerate(entry.numbers):
            settings, scalars = self.name(group.group), self.name(group.optimizer.scalars)
            rows.append(f"t{i} = {self.name(group.states[0])}['step'] + {1 + group.before}")
            rows.append(f"n{i} = {{**{settings}, **{scalars}({settings}, t{i})}}")
            tests = [f"n{i}[{key!r}] != {self.name(x)}" for key, x in group.fixed.items()]
            tests += [f"bool(n{i}[{key!r}]) is not {truth}" for key, truth in group.truths.items()]
            if tests:
                rows.append(f"if {' or '.join(tests)}: return MISS")
            rows += [f"{self.name(array)}.fill(n{i}[{key!r}])" for array, key in slots]
        if entry.policy is None:
            rows += ["try:", f"    out = step({arguments})"]
        else:
            policy = self.name(entry.policy)
            rows += ["try:", f"    out = {policy}.step({arguments})"]
            rows.append(f"    if out is FLAGGED: out = {policy}.fallback({arguments})")
        rows += ["except BaseException as error:", "    explain(error, entry)", "    raise"]
        for i, (group, _) in enumerate(entry.numbers):
            steps = [f"{self.name(state)}['step']" for state in group.states]
            rows.append(f"{' = '.join(steps)} = t{i}")
        rows += ["counter[0] += 1", *self._writes()]
        for t, g in entry.gradients:
            rows.append(f"{self.name(t)}._grad = {self.name(g) if g is not None else None}")
            if g is not None:
                rows.append(f"{self.name(g)}.data = {self.name(g.data)}")  # somebody may have put another there
        return rows

    def _writes(self) -> list[str]:
        """The log of what this call has written: for memory that stays, where to note it is known."""
        entry = self.entry
        rows = [f"{self.name(writes)}.latest = now = {self.name(clock)}()"] if entry.written else []
        for array in entry.written:
            places, key = writes.place(array)
            rows.append(f"{self.name(places)}[{'None' if key is None else self.name(key)}] = now")
        return rows

    def quick(self, args: tuple[Any, ...], lock: Any) -> Callable[..., Any]:
        """The function for arguments of the types of `args`; all else is one for a program."""
        types = tuple([(type(arg), *map(type, _pieces(arg))) for arg in args])
        if types not in self.quicks:
            self.quicks[types] = self._quick(args, lock)
        return self.quicks[types]

    def _quick(self, args: tuple[Any, ...], lock: Any) -> Callable[..., Any]:
        entry = self.entry
        other = "unusual and mode.state != USUAL" if mode.recording else "not unusual or mode.state != SILENT"
        rows = [f"if len(args) != {len(args)} or {other}: return MISS"]
        leaves: list[Any] = []
        for i, arg in enumerate(args):
            inside = _pieces(arg)
            names = [f"x{j}" for j in range(len(leaves), len(leaves) + len(inside))]
            if type(arg) is tuple:
                rows += [f"if type(args[{i}]) is not tuple or len(args[{i}]) != {len(arg)}: return MISS"]
            rows += [f"{', '.join(names)}{',' if arg is inside else ''} = args[{i}]"] if names else []
            leaves += inside
        arrays = [a.data if isinstance(a, Vertex) else a for a in leaves]
        for i, (a, array) in enumerate(zip(leaves, arrays, strict=True)):
            rows += [f"if type(x{i}) is not {self.name(type(a))}: return MISS"]
            if isinstance(a, Vertex):
                rows += [f"if x{i}.requires_grad is not {a.requires_grad}: return MISS", f"x{i} = x{i}.data"]
            alike = f"x{i}.shape != {a.shape!r} or x{i}.strides != {array.strides!r}"
            rows.append(f"if {alike} or x{i}.dtype is not {self.name(a.dtype)}: return MISS")
        tests = [  # which of the arguments of one shape are one and the same array, and which are not
            f"x{i} is {'not ' if a is arrays[j] else ''}x{j}"
            for i, a in enumerate(arrays)
            for j in range(i)
            if a.shape == arrays[j].shape and a.dtype == arrays[j].dtype
        ]
        pairs = [(i, j) for i in entry.overwritten for j in range(len(leaves)) if j not in entry.overwritten or j > i]
        overlap = self.name(np.may_share_memory)
        tests += [f"(x{i} is not x{j} and {overlap}(x{i}, x{j}))" for i, j in pairs]
        tests += [f"not x{i}.flags.writeable" for i in entry.overwritten]
        own = self.name(entry.own)
        tests += [f"id(x{i}) in {own} or id(x{i}.base) in {own}" for i in range(len(leaves)) if entry.own]
        rows += [f"if {' or '.join(tests)}: return MISS"] if tests else []
        rows += ["try:", f"    if not ({self.condition}): return MISS", "except GONE: return MISS"]
        rows += [f"if not {self.name(lock.acquire)}(False): return MISS", "try:"]
        body = self._call(", ".join(f"x{i}" for i in range(len(leaves))))
        body += [f"{self.name(writes)}.note(x{i})" for i in entry.overwritten]
        rows += [f"    {row}" for row in body]
        rows += [f"finally: {self.name(lock.release)}()", f"return {self._result()}"]
        self._execute(["def quick(*args):", *(f"    {row}" for row in rows)])
        return self.names["quick"]

    def _result(self) -> str:
        """What the step returns, with tensors around the arrays of the program."""
        numbers = count()

        def spelt(x: Any) -> str:
            if isinstance(x, Value):
                return f"wrap(out[{next(numbers)}])"
            held = parts(x)
            if held is None:
                return self.name(x)
            inside = ", ".join([spelt(part) for part in held.values()])
            if type(x) is tuple:
                return f"({inside}{',' if len(held) == 1 else ''})"
            return f"[{inside}]" if type(x) is list else f"with_parts({self.name(x)}, [{inside}])"

        return spelt(self.entry.program.results)
