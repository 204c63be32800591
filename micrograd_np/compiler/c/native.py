"""A traced program as C that computes what eager computes, in every bit.

It stands on the form of program before it was made fit for NumPy's calls: steps are joined to loops first, memory is
planned afterwards, so what lives in one loop only needs none. What C does not say (draws of random numbers, sorting,
an index of unusual form) is left to NumPy, between two functions of C.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Op, Value
from ..memory import Plan, Storage, arrange, place
from ..passes import run_passes
from ..passes.blocks import threads
from ..program import Program, copied
from .binding import Binding
from .fuse import Group, fuse
from .places import Places, Unsupported
from .source import Source
from .steps import Step, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

__all__ = ["Native", "Unsupported", "lay_out", "placed"]


class Native:
    """The C of a program, and its step once it is compiled.

    `raw` is the program as it was traced. `outputs` are the arrays in which NumPy's program leaves the gradients, in
    their order, None where there is none: C leaves them there as well. Raises Unsupported, which says why.
    """

    def __init__(self, raw: Program, outputs: Sequence[np.ndarray[Any, Any] | None]) -> None:
        if any(op.function == "after" for op in raw.ops):
            message = "several tensors lie in the same memory, and C would read one before another has been written."
            raise Unsupported(message)
        self.program, _ = copied(raw)
        run_passes(self.program, "exact", calls=False)
        self.plan, self.places, lasting = placed(self.program)
        self.fixed: dict[Storage, tuple[Any, int]] = {}
        """By storage of a gradient: the array that it lies in, and its address."""
        self._hand_out(outputs)
        self.inputs: dict[Storage, int] = {}
        self.sources = [*self.program.inputs, *(v for _, v in self.program.gradients_in)]
        for i, v in enumerate(self.sources):
            self.inputs.setdefault(self.plan.storage(v), i)
        self.groups = fuse(steps(self.program, self.places), self.places, lasting)
        stored, spans = lay_out(self.plan, self.groups, self.program.leaving(), self.fixed)
        arrange(self.plan, spans)
        written = Source(self.program, self.groups, self.sources, self.inputs, stored, threads())
        self.source = written.text
        """The text, to be compiled."""
        self.fields, self.pieces, self.loops = written.fields, written.pieces, written.loops
        lines = [step.op.function for piece in self.pieces if piece.steps for step in piece.steps]
        self.segments = len(lines)
        """How many lines NumPy still runs."""
        self.why = list(Counter(lines).items())

    def bind(self, path: Path) -> Callable[..., Any]:
        """The step in the library at `path`: ``step(*arrays)`` gives a tuple of fresh arrays, or FLAGGED."""
        return Binding(self, path).step

    def _hand_out(self, outputs: Sequence[np.ndarray[Any, Any] | None]) -> None:
        """Let gradients lie where NumPy's program leaves them."""
        program = self.program
        for i, ((t, v), out) in enumerate(zip(program.gradients_out, outputs, strict=True)):
            if v is None or out is None:
                continue
            place = self.places.of(v)
            axes = zip(out.shape, out.strides, place.strides, strict=True)
            if place.storage in self.fixed or any(mine != its for n, mine, its in axes if n != 1):
                z = Value(v.shape, v.dtype, out.strides, v.label)
                program.ops.append(Op("copy", np.copyto, (v,), {}, z, "new", None, "after the backward"))
                program.gradients_out[i] = (t, z)
                self.plan.storages[z] = Storage("buffer", z)
                place = self.places.of(z)
            self.fixed[place.storage] = out, out.ctypes.data - place.offset


def placed(program: Program) -> tuple[Plan, Places, set[Storage]]:
    """Where the values of a program lie, as far as that is known before loops; and what it changes that outlives it."""
    plan = place(program)
    for storage in [*plan.storages.values(), *plan.sources.values()]:
        storage.kind = "buffer" if storage.kind == "fresh" else storage.kind
    return plan, Places(program, plan), {plan.sources[memory] for memory in program.stores if memory in plan.sources}


def lay_out(
    plan: Plan, groups: Sequence[Group], leaving: Iterable[Value], fixed: Collection[Storage]
) -> tuple[set[Step], dict[Storage, tuple[int, int]]]:
    """What needs memory, since it is read outside the loop that computes it.

    The steps whose results are stored; and by storage but for the `fixed`, the first group that touches it, and the
    last.
    """
    needed = {plan.storage(v) for v in leaving}
    users: dict[Storage, list[int]] = {}
    for i, group in enumerate(groups):
        for step in group.steps:
            for x in step.touches:
                users.setdefault(x.storage, []).append(i)
    end = len(groups)
    spans: dict[Storage, tuple[int, int]] = {}
    inside: set[Storage] = set()
    for storage in dict.fromkeys((*users, *needed)):
        if storage.kind != "buffer" or storage in fixed:
            continue
        first, last = min(users.get(storage, [0])), max(users.get(storage, [end]))
        if storage not in needed and first == last and groups[first].kind == "loop":
            inside.add(storage)
        elif storage.begins is not None:
            spans[storage] = 0, end
        else:
            spans[storage] = first, end if storage in needed else last
    every = (step for group in groups for step in group.steps)
    return {step for step in every if step.result is not None and step.result.storage not in inside}, spans
