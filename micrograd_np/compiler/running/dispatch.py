"""The quick way into a program: every check, number and hand-over of one `Entry`, written out as straight-line Python.

A small step takes some 30 µs, and going through lists of guards would add a third of that. What the lines check and do
is what `Entry.holds` and `Entry.run` check and do; calls of any other kind take that way.
"""

from __future__ import annotations

import builtins
from itertools import count
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.hooks import changes
from micrograd_np.core.modes import mode
from micrograd_np.core.trees import parts, with_parts
from micrograd_np.core.vertex import Vertex, tensor_of
from micrograd_np.core.writes import clock as moments
from micrograd_np.core.writes import writes

from ..guards import GONE, MISS
from ..program import Value
from .failure import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..guards import Place
    from .entry import CompiledProgram


def dispatcher(entry: CompiledProgram, args: tuple[Any, ...], lock: Any) -> Callable[..., Any] | None:
    """``call(*args)`` for arguments like `args`: the step's result, or `MISS`. None where calls need the long way."""
    if (
        entry.incoming
        or entry.reverse is not None
        or not all(type(a) is np.ndarray or isinstance(a, Vertex) for a in args)
    ):
        return None
    writer = _Dispatcher(entry, args, lock)
    namespace = writer.names
    exec(builtins.compile("\n".join(writer.lines()), f"<dispatch {entry.filename}>", "exec"), namespace)  # noqa: S102
    return namespace["call"]


class _Dispatcher:
    """Collects the objects that the lines name."""

    def __init__(self, entry: CompiledProgram, args: tuple[Any, ...], lock: Any) -> None:
        self.entry, self.args = entry, args
        self.names: dict[str, Any] = {
            "MISS": MISS, "QUIET": QUIET, "mode": mode, "step": entry.step, "entry": entry, "explain": explain,
            "wrap": tensor_of,
            "ndarray": np.ndarray, "GONE": GONE, "acquire": lock.acquire, "release": lock.release,
        }  # fmt: skip

    def name(self, kind: str, thing: Any) -> str:
        """A name for an object."""
        for name, known in self.names.items():
            if known is thing and name.startswith(kind):
                return name
        name = f"{kind}{len(self.names)}"
        self.names[name] = thing
        return name

    def lines(self) -> list[str]:
        """The function."""
        entry = self.entry
        other = "not mode.fast_path" if mode.recording else "mode.recording or mode.events is not QUIET"
        body = [f"if len(args) != {len(self.args)} or {other}: return MISS"]
        arrays = []
        for i, a in enumerate(self.args):
            x = f"x{i}_"
            body.append(f"{x} = args[{i}]")
            kind = self.name("kind", type(a))
            body.append(f"if type({x}) is not {kind}: return MISS")
            if isinstance(a, Vertex):
                body.append(f"if {x}.requires_grad is not {a.requires_grad}: return MISS")
                body.append(f"{x} = {x}.data")
            shape, dtype = a.shape, self.name("dtype", a.dtype)
            strides = (a.data if isinstance(a, Vertex) else a).strides
            body.append(
                f"if {x}.shape != {shape!r} or {x}.strides != {strides!r} or {x}.dtype is not {dtype}: return MISS"
            )
            arrays.append(x)
        body += self.repeats()
        pairs = [(i, j) for i in entry.overwritten for j in range(len(arrays)) if j not in entry.overwritten or j > i]
        if pairs:
            overlap = self.name("overlap", np.may_share_memory)
            tests = [f"(x{i}_ is not x{j}_ and {overlap}(x{i}_, x{j}_))" for i, j in pairs]
            body.append(f"if {' or '.join(tests)}: return MISS")
        body += self.guards()
        body.append("if not acquire(False): return MISS")
        body.append("try:")
        inside = self.clocks()
        inside += ["try:", f"    out = step({', '.join(arrays)})", "except BaseException as error:"]
        inside += ["    explain(error, entry)", "    raise"]
        for clock, _ in entry.ticks:
            t = self.name("t", clock)
            targets = " = ".join(f"{self.name('state', s)}['step']" for s in clock.states)
            inside.append(f"{targets} = {t}_now")
        inside.append("entry.calls += 1")
        inside += self.writes()
        inside += [
            f"{self.name('tensor', t)}._grad = {self.name('grad', g) if g is not None else None}"
            for t, g in entry.gradients
        ]
        inside += [
            f"{self.name('grad', g)}.data = {self.name('array', array)}"  # somebody may have put another there
            for _, g, array in entry.delivered
            if g is not None
        ]
        body += [f"    {line}" for line in inside]
        body += ["finally: release()", f"return {self.result()}"]
        return ["def call(*args):", *(f"    {line}" for line in body)]

    def writes(self) -> list[str]:
        """The log of what this call has written: for memory that stays, where to note it is known."""
        lines = []
        if self.entry.written or self.entry.overwritten:
            lines.append(f"{self.name('writes', writes)}.latest = now = {self.name('moments', moments)}()")
        for t in self.entry.written:
            places, key = writes.place(t.data)
            lines.append(f"{self.name('places', places)}[{'None' if key is None else self.name('key', key)}] = now")
        lines += [f"{self.name('writes', writes)}.note(x{i}_)" for i in self.entry.overwritten]
        return lines

    def repeats(self) -> list[str]:
        """Which of the arguments of one shape must be one and the same array, and which not."""
        arrays = [a.data if isinstance(a, Vertex) else a for a in self.args]
        tests = [
            f"x{i}_ is {'not ' if a is arrays[j] else ''}x{j}_"
            for i, a in enumerate(arrays)
            for j in range(i)
            if a.shape == arrays[j].shape and a.dtype == arrays[j].dtype
        ]
        return [f"if {' or '.join(tests)}: return MISS"] if tests else []

    def guards(self) -> list[str]:
        """What must still hold."""
        entry = self.entry
        tests = []
        for t, array, wanted in entry.tensors:
            name = self.name("tensor", t)
            tests.append(f"{name}.data is not {self.name('array', array)} or {name}.requires_grad is not {wanted}")
        tests += [f"{self.name('module', m)}.training is not {flag}" for m, flag in entry.modes]
        tests += [
            f"{self.name('state', state)}[{slot!r}] is not {self.name('array', array)}"
            for state, slot, array in entry.slots
        ]
        tests += [f"{self.name('tensor', t)}._grad is not None" for t in entry.absent]
        guards = self.name("guards", entry.guards)
        tests += [f"{self.place(place)} is not {self.name('thing', x)}" for place, x in entry.guards.places]
        tests += [f"len({self.name('thing', x)}) != {n}" for x, n in entry.guards.sizes]
        tests.append(f"{self.name('changes', changes)}.number != {guards}.number and not {guards}.parts_hold()")
        return _unless_gone(f"if {' or '.join(tests)}: return MISS")

    def place(self, place: Place) -> str:
        """What is kept in a place."""
        holder, key = self.name("thing", place.holder), place.key
        if place.attribute:
            plain = key.isidentifier() and not iskeyword(key)
            return f"{holder}.{key}" if plain else f"getattr({holder}, {key!r})"
        return f"{holder}[{repr(key) if type(key) in (int, str) else self.name('thing', key)}]"

    def clocks(self) -> list[str]:
        """The numbers of this call."""
        lines = []
        for clock, slots in self.entry.ticks:
            t = self.name("t", clock)
            scalars, group = self.name("scalars", clock.optimizer.scalars), self.name("group", clock.group)
            steps = [f"{self.name('state', state)}['step']" for state in clock.states]
            equal = f"if not {' == '.join(steps)}: return MISS"  # one may have been left out of some step since
            lines += _unless_gone(*([equal] if len(steps) > 1 else []), f"{t}_now = {steps[0]} + {1 + clock.before}")
            lines.append(f"{t}_n = {{**{group}, **{scalars}({group}, {t}_now)}}")
            tests = [f"{t}_n[{n!r}] != {self.name('fixed', x)}" for n, x in clock.fixed.items()]
            tests += [f"bool({t}_n[{n!r}]) is not {truth}" for n, truth in clock.truths.items()]
            if tests:
                lines.append(f"if {' or '.join(tests)}: return MISS")
            lines += [f"{self.name('number', array)}.fill({t}_n[{n!r}])" for array, n in slots]
        return lines

    def result(self) -> str:
        """What the call returns."""
        self.names["with_parts"] = with_parts
        numbers = count()

        def spelt(x: Any) -> str:
            if isinstance(x, Value):
                return f"wrap(out[{next(numbers)}])"
            held = parts(x)
            if held is None:
                return self.name("thing", x)
            found = [spelt(part) for part in held.values()]
            if type(x) is tuple:
                return f"({''.join(f'{part}, ' for part in found)})"
            return (
                f"[{', '.join(found)}]"
                if type(x) is list
                else f"with_parts({self.name('thing', x)}, [{', '.join(found)}])"
            )

        return spelt(self.entry.program.results)


def _unless_gone(*lines: str) -> list[str]:
    """`lines`, which look for things that somebody may have taken away."""
    return ["try:", *(f"    {line}" for line in lines), "except GONE: return MISS"]


__all__ = ["dispatcher"]
