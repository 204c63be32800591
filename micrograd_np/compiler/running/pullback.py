"""Results that somebody will call ``backward()`` on: vertices whose derivative rule runs the backward program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd_np.core.primitive import Primitive, wrap_result
from micrograd_np.core.vertex import Vertex, preferred_type, tensor_of
from micrograd_np.engine.tensor import Tensor

from ..ir import Value, mapped
from ..program import Program
from ..tracing.differentiate import Pullback
from .failure import explain


class BackwardProgram:
    """The second program of an entry, and how to hang it under results."""

    def __init__(
        self,
        entry: Any,
        pullback: Pullback,
        arguments: Sequence[Any],
        tree: Any,
        which: list[int | None],
        lock: Any,
        others: Sequence[Any],
        *,
        wrote: bool,
    ) -> None:
        self.which, self.wrote = which, wrote
        self.entry, self.tree, self.lock = entry, tree, lock
        positions: dict[int, int] = {id(x): i for i, x in enumerate(arguments)}
        every = (*pullback.leaves, *dict.fromkeys(others))
        self.inputs = [(positions.get(id(x)), x if id(x) not in positions else None) for x in every]
        """The leaves, and behind them others on which the gradients depend: a write to one is to be noticed."""
        count = len(pullback.leaves)
        self.groups = {
            roots: [i for i in range(len(every)) if i >= count or pullback.reaching[i] == roots]
            for roots in dict.fromkeys(pullback.reaching)
        }
        """By results, as bits: the leaves that these reach, and all others."""
        self.shapes = [(v.shape, v.dtype) for v in pullback.seeds]

    def results(self, arrays: Any, arguments: Sequence[Any], inputs: list[Any]) -> Any:
        """The results of the forward program as tensors that remember how to pull a gradient back."""
        leaves: tuple[Any, ...] = tuple(arguments[i] if i is not None else x for i, x in self.inputs)
        call = _Call(self, inputs, list(arrays[len(self.which) :]))
        tensors: dict[int, Any] = {}
        rest = iter(zip(arrays, self.which, strict=False))  # behind them lie the residuals

        def hung(op: Any, under: Sequence[Any], which: Any, array: Any) -> Any:
            needs = sum(1 << i for i, x in enumerate(under) if x.requires_grad)
            static = {"call": call, "which": which}
            return wrap_result(Tensor, op, tuple(under), [x.data for x in under], static, array, needs)

        alone = len(self.shapes) == 1
        wholes = {
            roots: hung(_compiled, [leaves[i] for i in own], own, np.zeros(()))
            for roots, own in self.groups.items()
            if not alone
        }

        def tensor(_: Value) -> Any:
            array, which = next(rest)
            if which is None:
                return tensor_of(array, None, preferred_type(Tensor, leaves))
            if which not in tensors and alone:
                tensors[which] = hung(_compiled, leaves, range(len(leaves)), array)
            elif which not in tensors:
                tensors[which] = hung(_part, [x for roots, x in wholes.items() if roots >> which & 1], which, array)
            return tensors[which]

        return mapped(self.tree, tensor)


def watched(back: Program, arrays: Sequence[Any], tensors: Sequence[tuple[Any, Any]]) -> list[Any]:
    """The tensors that take no gradient, but whose memory the backward program reads: arguments, and others outside.

    `arrays` are those of all arguments, `tensors` the tensors among these with their arrays.
    """
    read = {v.root for op in back.ops for v in op.reads}
    mine = {id(a) for a, v in zip(arrays, back.inputs, strict=False) if v in read}
    others = [t for t, a in tensors if id(a) in mine]
    others += [t for t, v in back.states.values() if t is not None and v.root in read]
    return [t for t in others if not t.requires_grad]


class _Call:
    """One call's inputs and residuals, until its gradients have been asked for."""

    def __init__(self, reverse: BackwardProgram, inputs: list[Any], residuals: list[Any]) -> None:
        self.reverse, self.inputs, self.residuals = reverse, inputs, residuals
        self.seeds: dict[int, Any] = {}
        """The gradients that have arrived at results, by which result it is."""
        self.pulled: list[Any] = []
        """The gradients that have been computed; None for those that have been handed out."""
        self.latest: Any = None

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

    def gradient(self, i: int, g: Any) -> Any:
        """The gradient by leaf `i`: all are computed at once, for all results; `g` is that of a result alone."""
        shapes, alone = self.reverse.shapes, len(self.reverse.shapes) == 1
        if alone and (self.latest is not g or self.pulled[i] is None):
            self.arrive(0, g)
            self.latest = g
        if self.seeds:
            seeds, self.seeds = self.seeds, {}
            every = [seeds[i] if i in seeds else np.zeros(*shapes[i]) for i in range(len(shapes))]
            with self.reverse.lock:
                try:
                    self.pulled = list(self.reverse.entry.call(*self.inputs, *self.residuals, *every))
                except BaseException as error:
                    explain(error, self.reverse.entry, wrote=self.reverse.wrote)
                    raise
        gradient, self.pulled[i] = self.pulled[i], None
        return gradient


def _kernel(xp: Any, out: Any, *xs: Any, call: _Call, which: Any) -> Any:
    raise NotImplementedError  # its value is known before the vertex is made


_plain: dict[str, Any] = {
    "domain": (),
    "shape": None,
    "examples": (),
    "onnx": None,
    "not_differentiable": (),
    "view": False,
    "numpy": (),
}
_kernel.__name__ = "compiled"
_compiled: Primitive[Any] = Primitive(_kernel, "compiled call", **_plain).vjp(
    xs=lambda i, g, z, *xs, call, which: call.gradient(which[i], g)
)
_compiled.reads_all = True  # the second program does
_part: Primitive[Any] = Primitive(_kernel, "compiled", **_plain).vjp(
    xs=lambda i, g, z, *xs, call, which: call.arrive(which, g)
)
"""One result of a call: where several are differentiated, the second program runs once."""
