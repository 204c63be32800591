"""A traced program as C that computes what eager computes, in every bit, and how it is called."""

from __future__ import annotations

import ctypes
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Op, Value, values_in, with_values
from ..memory import Plan, Storage, arrange, place
from ..operations import writes_first
from ..passes import PASSES
from ..program import Program, copied
from .fuse import Group, fuse
from .loops import find_loop
from .places import Place, Places, Unsupported
from .source import Source
from .steps import Step, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["FLAGGED", "Native", "Unsupported"]

_NOT_FOR_C = frozenset(("bounds", "axes", "copies", "one vector", "in blocks"))
"""Passes that only lower the costs of NumPy's calls."""
_FLAGS = {"invalid": 1, "divide": 4, "over": 8, "under": 16}
"""What NumPy calls the flags of floating point, and C's numbers for them on x86."""


class _Flagged:
    def __repr__(self) -> str:
        return "FLAGGED"


FLAGGED = _Flagged()
"""What a step returns that has changed nothing, since NumPy would report something: let NumPy's program run."""


class Native:
    """The C of a program: its source, and its step once it is compiled."""

    def __init__(self, raw: Program, outputs: Sequence[np.ndarray[Any, Any] | None]) -> None:
        self.program, _ = copied(raw)
        for one in PASSES:
            if one.mode == "" and one.name not in _NOT_FOR_C:
                one.run(self.program)
        self.plan = place(self.program)
        for storage in self._storages():
            storage.kind = "buffer" if storage.kind == "fresh" else storage.kind
        self.places = Places(self.program, self.plan)
        self.fixed: dict[Storage, int] = {}
        """Addresses of storages that are not in the arena."""
        self._keep: list[Any] = []
        self._hand_out(outputs)
        self.inputs: dict[Storage, int] = {}
        for i, v in enumerate((*self.program.inputs, *(v for _, v in self.program.gradients_in))):
            self.inputs.setdefault(self.plan.storage(v), i)
        lasting = {self.plan.sources[m] for m in self.program.stores if m in self.plan.sources}
        self.groups = fuse(steps(self.program, self.places), self.places, lasting)
        stored = self._arrange()
        found = Source(self.program, self.groups, self.inputs, stored)
        self.source, self._fields, self._pieces, self._loops = found.text, found.fields, found.pieces, found.loops
        python = [step for piece in self._pieces if isinstance(piece, list) for step in piece]
        self.segments = len(python)
        self.why = list(Counter(step.op.function for step in python).items())

    def _storages(self) -> list[Storage]:
        return list(dict.fromkeys([*self.plan.storages.values(), *self.plan.sources.values()]))

    def _hand_out(self, outputs: Sequence[np.ndarray[Any, Any] | None]) -> None:
        """Let gradients lie where NumPy's program leaves them."""
        program = self.program
        for i, ((t, v), out) in enumerate(zip(program.gradients_out, outputs, strict=True)):
            if v is None or out is None:
                continue
            found = self.places.of(v)
            spots = zip(out.shape, out.strides, found.strides, strict=True)
            if any(s != other for n, s, other in spots if n != 1) or found.storage in self.fixed:
                z = Value(v.shape, v.dtype, out.strides, v.label)
                program.ops.append(Op("copy", np.copyto, (v,), {}, z, "new", None, "after the backward"))
                program.gradients_out[i] = (t, z)
                self.plan.storages[z] = Storage("buffer", z)
                found = self.places.of(z)
            self.fixed[found.storage] = out.ctypes.data - found.offset
            self._keep.append(out)

    def _arrange(self) -> set[Step]:
        """Give memory to what more than one loop needs; the steps whose results are stored."""
        program = self.program
        needed = {self.plan.storage(v) for v in program.leaving()}
        users: dict[Storage, list[int]] = {}
        for i, group in enumerate(self.groups):
            for step in group.steps:
                for x in (*step.reads, *([step.result] if step.result is not None else [])):
                    users.setdefault(x.storage, []).append(i)
        end = len(self.groups)
        spans: dict[Storage, tuple[int, int]] = {}
        inside: set[Storage] = set()
        for storage in users.keys() | needed:
            if storage.kind != "buffer" or storage in self.fixed:
                continue
            found = users.get(storage, [end])
            alone = len(set(found)) == 1 and found[0] < end and self.groups[found[0]].kind == "loop"
            if alone and storage not in needed:
                inside.add(storage)
            elif storage.begins is not None:
                spans[storage] = (0, end)
            else:
                spans[storage] = (min(found), end if storage in needed else max(found))
        arrange(self.plan, spans)
        return {
            step
            for group in self.groups
            for step in group.steps
            if step.result is not None and step.result.storage not in inside
        }

    # running

    def bind(self, path: Path) -> Callable[..., Any]:
        """The step in the library at `path`: ``step(*arrays)`` gives a tuple of fresh arrays, or FLAGGED."""
        library = ctypes.CDLL(str(path))
        loops = [find_loop(getattr(np, name), signature) for name, signature in self._loops]
        if None in loops:
            message = "an inner loop of NumPy's is gone."
            raise Unsupported(message)
        table = (ctypes.c_void_p * (2 * len(loops) or 1))(*[x for loop in loops if loop is not None for x in loop])
        library.bind(table)
        space = np.zeros(self.plan.nbytes + 64, np.uint8)
        arena = space[-space.ctypes.data % 64 :]
        start = arena.ctypes.data
        self._arena = arena
        addresses = [self._address(storage, start) for storage in self._fields]
        memory = (ctypes.c_void_p * (1 + len(addresses)))(0, *addresses)
        self._reported = ctypes.c_int.from_buffer(memory)
        self._keep += [memory, table, library, space]
        calls: list[Any] = []
        for piece in self._pieces:
            if isinstance(piece, list):
                calls += [(None, self._segment(step)) for step in piece]
                continue
            f = getattr(library, piece[0])
            f.argtypes = [ctypes.c_void_p] + [ctypes.py_object] * len(self._sources())
            calls.append((f, None))
        return self._step(calls, ctypes.addressof(memory))

    def mind(self, modes: Mapping[str, str]) -> None:
        """Let the step look for the flags that NumPy reports under these settings, which `np.geterr()` gives."""
        self._reported.value = sum(flag for name, flag in _FLAGS.items() if modes[name] != "ignore") | 1 << 20

    def _sources(self) -> list[Value]:
        return [*self.program.inputs, *(v for _, v in self.program.gradients_in)]

    def _address(self, storage: Storage, start: int) -> int:
        if storage in self.fixed:
            return self.fixed[storage]
        if storage.memory is not None:
            return int(storage.memory.array.ctypes.data)
        return start + storage.start

    def _array(self, place: Place, arrays: Sequence[Any] = ()) -> Any:
        """The array at a place."""
        storage = place.storage
        if storage in self.inputs:
            whole = arrays[self.inputs[storage]]
        elif storage in self.fixed:
            (whole,) = [a for a in self._keep if isinstance(a, np.ndarray) and self._owns(a, storage)][:1]
        elif storage.memory is not None:
            whole = storage.memory.array
        else:
            return np.ndarray(place.shape, place.dtype, self._arena, storage.start + place.offset, place.strides)
        if place.offset == 0 and (place.shape, place.strides, place.dtype) == (whole.shape, whole.strides, whole.dtype):
            return whole
        flat = np.lib.stride_tricks.as_strided(whole.reshape(-1)[:1] if whole.ndim else whole.reshape(1), (1,))
        address = whole.ctypes.data + place.offset
        span = (ctypes.c_char * max(1, place.bounds[1] - place.offset)).from_address(address)
        self._keep.append(flat)
        return np.ndarray(place.shape, place.dtype, span, 0, place.strides)

    def _owns(self, a: Any, storage: Storage) -> bool:
        return bool(a.ctypes.data <= self.fixed[storage] < a.ctypes.data + max(1, a.nbytes))

    def _segment(self, step: Step) -> Callable[[Sequence[Any]], None]:
        """A call of NumPy's on the memory of the program."""
        op = step.op
        target = step.result

        def run(arrays: Sequence[Any]) -> None:
            def array_of(v: Value) -> Any:
                return self._array(self.places.of(v), arrays)

            args, kwargs = with_values(op.args, array_of), with_values(op.kwargs, array_of)
            if op.effect == "check":
                op.call(*args, **kwargs)
                return
            assert target is not None
            out = self._array(target, arrays)
            call = getattr(*op.bound) if op.bound is not None else op.call
            if op.effect == "fresh":
                out[...] = call(*args, **kwargs)
            elif op.effect == "update" and writes_first(op.function):
                call(out, *args, **kwargs)
            elif op.function == "copy":
                np.copyto(out, args[0], casting="unsafe")
            else:
                call(*args, **kwargs, out=out)

        return run

    def _step(self, calls: list[Any], memory: int) -> Callable[..., Any]:
        results = [self._array(self.places.of(v), ()) if self.plan.storage(v) not in self.inputs else v for v in values_in(self.program.results)]
        orders = ["K" if v.is_view or v.strides else "C" for v in values_in(self.program.results)]
        plain = not any(isinstance(r, Value) for r in results)
        if len(calls) == 1 and calls[0][0] is not None and len(results) == 1 and plain:
            f, copy, order = calls[0][0], results[0].copy, orders[0]

            def short(*arrays: Any) -> Any:
                if f(memory, *arrays):
                    return FLAGGED
                return (copy(order),)

            return short

        def step(*arrays: Any) -> Any:
            for f, segment in calls:
                if f is None:
                    segment(arrays)
                elif f(memory, *arrays):
                    return FLAGGED
            found = [self._array(self.places.of(r), arrays) if isinstance(r, Value) else r for r in results]
            return tuple([r.copy(order) for r, order in zip(found, orders, strict=True)])

        return step
