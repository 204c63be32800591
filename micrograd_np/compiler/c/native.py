"""A traced program as C that computes what eager computes, in every bit.

It stands on the form of program before it was made fit for NumPy's calls: steps are joined to loops first, memory is
planned afterwards, so what lives in one loop only needs none. What C does not say (draws of random numbers, sorting,
an index of unusual form) is left to NumPy, between two functions of C.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ir import Op, Value
from ..memory import Storage, arrange
from ..operations import PRODUCTS
from ..passes import run_passes
from ..passes.blocks import threads
from ..program import Program, copied
from .binding import Binding
from .places import Unsupported
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Native", "Unsupported"]

_SHARED = 1 << 18  # multiplications from which OpenBLAS uses its threads, which then wait for more, busily


class Native(Source):
    """The C of a program, and its step once it is compiled.

    `raw` is the program as it was traced. `outputs` are the arrays in which NumPy's program leaves the gradients, in
    their order, None where there is none: C leaves them there as well. Raises Unsupported, which says why.
    """

    def __init__(self, raw: Program, outputs: Sequence[np.ndarray[Any, Any] | None]) -> None:
        if any(op.function == "after" for op in raw.ops):
            message = "several tensors lie in the same memory, and C would read one before another has been written."
            raise Unsupported(message)
        program, _ = copied(raw)
        run_passes(program, "exact", calls=False)
        self.outputs = outputs
        super().__init__(program, [*program.inputs, *(v for _, v in program.gradients_in)], _threads(program))
        self.lines = Counter(step.op.function for piece in self.pieces for step in piece.steps)
        """What NumPy still runs, and how often."""

    def bind(self, path: Path) -> Callable[..., Any]:
        """The step in the library at `path`: ``step(*arrays)`` gives a tuple of fresh arrays, or FLAGGED."""
        return Binding(self, path).step

    def _fixed(self) -> dict[Storage, tuple[Any, int]]:
        """Gradients lie where NumPy's program leaves them: by storage, the array that it lies in, and its address."""
        fixed: dict[Storage, tuple[Any, int]] = {}
        program = self.program
        for i, ((t, v), out) in enumerate(zip(program.gradients_out, self.outputs, strict=True)):
            if v is None or out is None:
                continue
            place = self.places.of(v)
            axes = zip(out.shape, out.strides, place.strides, strict=True)
            if place.storage in fixed or any(mine != its for n, mine, its in axes if n != 1):
                z = Value(v.shape, v.dtype, out.strides, v.label)
                program.ops.append(Op("copy", np.copyto, (v,), {}, z, "new", None, "after the backward"))
                program.gradients_out[i] = (t, z)
                self.plan.storages[z] = Storage("buffer", z)
                place = self.places.of(z)
            fixed[place.storage] = out, out.ctypes.data - place.offset
        return fixed

    def _lay_out(self) -> None:
        super()._lay_out()
        arrange(self.plan, self.spans)


def _threads(program: Program) -> int:
    """How many threads share a long loop: one beside large products, whose own threads keep the processors busy."""
    shapes = [(op.args[0].shape, op.result.shape) for op in program.ops if op.function in PRODUCTS and op.result]
    large = any(a and prod(z[-2:]) * a[-1] >= _SHARED for a, z in shapes)
    return 1 if large else threads()
