"""What a step may change outside of itself: to be copied, put back and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..ir import values_in
from ..program import Program

__all__ = ["Outside", "free_memory", "same_bits"]

_Copy = tuple[list[np.ndarray], list[Any]]
"""The content of arrays, and the states of generators."""


class Outside:
    """Parameters, statistics and the optimiser's arrays, gradients, arguments that are overwritten, generators."""

    def __init__(self, program: Program, outputs: Sequence[np.ndarray | None]) -> None:
        stored = {memory: v.label.name or "an array" for memory, v in program.stores.items()}
        self.named = [(name, memory.array) for memory, name in stored.items() if memory.kind == "state"]
        self.named += [("a gradient", array) for array in outputs if array is not None]
        sources = [*program.inputs, *(v for _, v in program.gradients_in)]
        self.overwritten = [(stored[v.memory], i) for i, v in enumerate(sources) if v.memory in stored]
        self.generators = list({id(op.bound[0]): op.bound[0] for op in program.ops if op.bound is not None}.values())
        self.pure = not stored and not self.generators
        """Whether nothing that a call leaves outside is read by another."""
        self._results = sum(v.nbytes for v in values_in(program.results))

    def nbytes(self, arguments: Sequence[Any]) -> int:
        """How many bytes it takes to copy all of this twice, and the results once."""
        return 2 * sum(array.nbytes for _, array in self._arrays(arguments)) + self._results

    def _arrays(self, arguments: Sequence[Any]) -> Iterator[tuple[str, np.ndarray]]:
        yield from self.named
        yield from ((name, arguments[i]) for name, i in self.overwritten)

    def _states(self) -> list[Any]:
        return [generator.bit_generator.state for generator in self.generators]

    def copy(self, arguments: Sequence[Any]) -> _Copy:
        """What is there now."""
        return [array.copy() for _, array in self._arrays(arguments)], self._states()

    def put(self, copy: _Copy, arguments: Sequence[Any]) -> None:
        """Let everything be as it was."""
        for (_, array), content in zip(self._arrays(arguments), copy[0], strict=True):
            array[...] = content
        for generator, state in zip(self.generators, copy[1], strict=True):
            generator.bit_generator.state = state

    def difference(self, copy: _Copy, arguments: Sequence[Any]) -> str:
        """What has other bits by now than in a copy; "" if nothing has."""
        for (name, array), content in zip(self._arrays(arguments), copy[0], strict=True):
            if not same_bits(array, content):
                return f"{name} of shape {array.shape}"
        return "" if _same_state(self._states(), copy[1]) else "the state of a generator of random numbers"


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same bits. A nan is a nan: which of them results, no standard says."""
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    number = ~np.isnan(a)
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a) & number, np.signbit(b) & number)


def _same_state(a: Any, b: Any) -> bool:
    """Whether two states of generators, which hold dicts, arrays and numbers, are equal."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same_state(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same_state, a, b))
    return bool(np.array_equal(a, b))


def free_memory() -> int:
    """How many bytes of memory are free, as far as the system says; else 1 GiB."""
    try:
        rows = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 2**30
