"""A compiled library, bound to memory and called: addresses, NumPy's own lines in between, flags of floating point."""

from __future__ import annotations

import ctypes
import warnings
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..evaluate import carry_out
from ..ir import values_in, with_values
from .listen import FLAGGED
from .loops import find_loop
from .places import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ..ir import Op, Value
    from ..memory import Storage
    from .steps import Step

__all__ = ["Binding"]

STOP = 1 << 20
"""Beside C's flags: a check has failed, or an argument lies where C cannot read it."""
_WORDS = {
    "divide": "divide by zero", "over": "overflow", "under": "underflow", "invalid": "invalid value",
}  # fmt: skip
"""Kinds of flags, in the order of the library's `flag_numbers`, as NumPy tells of them."""


def _handling() -> Callable[[], Any]:
    """What gives another object whenever ``np.seterr`` or ``np.errstate`` has changed something."""
    try:
        from numpy._core.umath import _extobj_contextvar
    except ImportError:
        return object  # always another one: np.geterr is asked each time, for 1 µs
    return _extobj_contextvar.get


class Binding:
    """A program's library with the memory that it works on."""

    def __init__(self, native: Any, path: Path) -> None:
        self.native = native
        self.library = ctypes.CDLL(str(path))
        loops = [find_loop(getattr(np, name), signature) or () for name, signature in native.loops]
        self._table = (ctypes.c_void_p * (2 * len(loops) or 1))(*chain.from_iterable(loops))
        self.library.bind(self._table)
        flags = (ctypes.c_int * len(_WORDS)).in_dll(self.library, "flag_numbers")
        self.numbers = dict(zip(_WORDS, flags, strict=True))
        space = np.zeros(native.plan.nbytes + 64, np.uint8)
        self.arena = space[-space.ctypes.data % 64 :]
        addresses = [self._home(storage, ())[1] for storage in native.members.values()]
        self._memory = (ctypes.c_void_p * (1 + len(addresses)))(None, *addresses)
        self._reported = ctypes.c_int.from_buffer(self._memory)
        self._handling, self._seen = _handling(), None
        self.heeded: dict[str, str] = {}
        """The kinds of flags that are heeded, and how."""
        self._arrays: dict[Value, Any] = {}
        """By value, but for arguments and what lies in them: the array."""
        self.generators = self._generators()
        self.step = self._step()

    # memory

    def _home(self, storage: Storage, arrays: Sequence[Any]) -> tuple[Any, int]:
        """The array that a storage lies in, and the address where it begins; `arrays` are the arguments of the call."""
        native = self.native
        if storage in native.inputs:
            whole = arrays[native.inputs[storage]]
        elif storage in native.fixed:
            return native.fixed[storage]
        elif storage.memory is not None:
            whole = storage.memory.array
        else:
            return self.arena, int(self.arena.ctypes.data) + storage.start
        return whole, int(whole.ctypes.data)

    def _array(self, v: Value, arrays: Sequence[Any]) -> Any:
        """The array that a value is in this call."""
        if v in self._arrays:
            return self._arrays[v]
        place = self.native.places.of(v)
        whole, address = self._home(place.storage, arrays)
        array = whole
        if whole.ctypes.data != address + place.offset or (
            (whole.shape, whole.strides, whole.dtype) != (place.shape, place.strides, place.dtype)
        ):
            low, high = place.bounds
            span: Any = (ctypes.c_char * (high - low)).from_address(address + low)
            span.owner = whole  # its memory stays as long as the array
            array = np.ndarray(place.shape, place.dtype, span, place.offset - low, place.strides)
        if place.storage not in self.native.inputs:
            self._arrays[v] = array
        return array

    # NumPy's lines

    def _do(self, op: Op, arrays: Sequence[Any]) -> None:
        """A line that NumPy runs, on the memory of the program."""

        def array_of(v: Value) -> Any:
            return self._array(v, arrays)

        args, kwargs = with_values(op.args, array_of), with_values(op.kwargs, array_of)
        target = op.of if op.effect == "update" else op.result
        if target is None:
            op.call(*args, **kwargs)
        else:
            carry_out(op, args, kwargs, array_of(target))

    def _generators(self) -> list[Any]:
        """What draws random numbers, of which the state is put back where NumPy's program runs the call instead."""
        things = {id(op.bound[0]): op.bound[0] for op in self.native.program.ops if op.bound is not None}.values()
        for thing in things:
            if not isinstance(thing, np.random.Generator):
                raise Unsupported(f"C does not know how to put back the state of a {type(thing).__name__}.")
        return [thing.bit_generator for thing in things]

    # calls

    def look(self) -> None:
        """Find out which flags NumPy would report now."""
        silent = self.native.program.silent
        kinds: dict[str, Any] = {**np.geterr(), **silent}
        kinds |= dict.fromkeys(_WORDS, silent["all"]) if "all" in silent else {}
        self.heeded = {kind: kinds[kind] for kind in _WORDS if kinds[kind] != "ignore"}
        self._reported.value = STOP | sum(self.numbers[kind] for kind in self.heeded)

    def _step(self) -> Callable[..., Any]:
        native, memory = self.native, ctypes.addressof(self._memory)
        calls: list[tuple[Any, Any]] = []
        for piece in native.pieces:
            function = getattr(self.library, piece.name) if piece.rows else None
            if function is not None:
                function.argtypes = [ctypes.c_void_p] + [ctypes.py_object] * len(native.sources)
                function = partial(function, memory)
            calls.append((function, piece.steps))
        values = list(values_in(native.program.results))
        fixed = [None if native.plan.storage(v) in native.inputs else self._array(v, ()) for v in values]
        orders = ["K" if v.is_view or v.strides else "C" for v in values]
        unsure = [  # a gradient, and what a call that was cut in two hands on, may be laid out otherwise each time
            (i, (native.places.of(v).strides, v.dtype))
            for i, v in enumerate(native.sources)
            if v.memory is None or v.memory.kind == "gradient" or v.memory.strides is None
        ]
        if len(calls) == 1 and len(fixed) == 1 and fixed[0] is not None and calls[0][0] is not None and not unsure:
            return self._short(calls[0][0], fixed[0], orders[0])

        def step(*arrays: Any) -> Any:
            handling = self._handling()
            if handling is not self._seen:
                self.look()
                self._seen = handling
            for i, layout in unsure:
                if (arrays[i].strides, arrays[i].dtype) != layout:
                    return FLAGGED
            before = [g.state for g in self.generators]
            late = 0
            for function, steps in calls:
                if function is not None:
                    flags = function(*arrays)
                    if flags > 0:
                        return self._back(before)
                    late |= -flags
                elif not self._run(steps, arrays):
                    return self._back(before)
            if late:
                self.tell(late)
            results = zip(values, fixed, orders, strict=True)
            return tuple([(self._array(v, arrays) if a is None else a).copy(order) for v, a, order in results])

        return step

    def _short(self, function: Any, result: Any, order: str) -> Callable[..., Any]:
        """The step that is one function with one result."""
        look, current, copy = self.look, self._handling, result.copy
        seen = None

        def step(*arrays: Any) -> Any:
            nonlocal seen
            if current() is not seen:
                look()
                seen = current()
            flags = function(*arrays)
            if flags:
                if flags > 0:
                    return FLAGGED
                self.tell(-flags)
            return (copy(order),)

        return step

    def _run(self, steps: Sequence[Step], arrays: Sequence[Any]) -> bool:
        """Let NumPy do some lines; False where one that is not late has something to report."""
        for step in steps:
            how: Any = self.heeded if step.late else dict.fromkeys(self.heeded, "raise")
            how = dict.fromkeys(_WORDS, "ignore") | how
            try:
                with np.errstate(**how):
                    self._do(step.op, arrays)
            except Exception:
                if step.late:
                    raise
                return False
        return True

    def _back(self, before: Sequence[Any]) -> Any:
        for generator, state in zip(self.generators, before, strict=True):
            generator.state = state
        return FLAGGED

    def tell(self, flags: int) -> None:
        """Report flags that were raised while parameters were updated, as NumPy is told to report them."""
        late = [step.op.where for group in self.native.groups if group.late for step in group.steps]
        places = "; ".join(line for line in dict.fromkeys(late) if line)
        for kind, how in self.heeded.items():
            if flags & self.numbers[kind]:
                message = f"{_WORDS[kind]} encountered in the update ({places})"
                if how == "raise":
                    raise FloatingPointError(message)
                warnings.warn(message, RuntimeWarning, stacklevel=3)
