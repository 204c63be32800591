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
        self.count = len(pullback.leaves)
        self.shapes = [(v.shape, v.dtype) for v in pullback.seeds]

    def results(self, arrays: Any, arguments: Sequence[Any], inputs: list[Any]) -> Any:
        """The results of the forward program as tensors that remember how to pull a gradient back."""
        leaves: tuple[Any, ...] = tuple(arguments[i] if i is not None else x for i, x in self.inputs)
        values = [x.data for x in leaves]
        call = _Call(self, inputs, list(arrays[len(self.which) :]))
        needs = sum(1 << i for i, x in enumerate(leaves) if x.requires_grad)
        tensors: dict[int, Any] = {}
        rest = iter(zip(arrays, self.which, strict=False))  # behind them lie the residuals
        whole: Any = None
        if len(self.shapes) > 1:
            whole = wrap_result(Tensor, _compiled, leaves, values, {"call": call}, np.zeros(()), needs)

        def tensor(_: Value) -> Any:
            array, which = next(rest)
            if which is None:
                return tensor_of(array, None, preferred_type(Tensor, leaves))
            if which not in tensors and whole is None:
                tensors[which] = wrap_result(Tensor, _compiled, leaves, values, {"call": call}, array, needs)
            elif which not in tensors:
                static = {"call": call, "which": which}
                tensors[which] = wrap_result(Tensor, _part, (whole,), [whole.data], static, array, 1)
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
        self.pulled: tuple[Any, Any] | None = None

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

    def gradients(self, g: Any) -> Any:
        """The gradients by all leaves, once for all results; `g` is one object in each backward pass."""
        if self.pulled is None or self.pulled[0] is not g:
            shapes, seeds = self.reverse.shapes, self.seeds
            if len(shapes) == 1:
                self.arrive(0, g)
            every = [seeds[i] if i in seeds else np.zeros(*shapes[i]) for i in range(len(shapes))]
            self.seeds = {}
            with self.reverse.lock:
                try:
                    gradients = self.reverse.entry.call(*self.inputs, *self.residuals, *every)
                except BaseException as error:
                    explain(error, self.reverse.entry, wrote=self.reverse.wrote)
                    raise
            self.pulled = (g, gradients)
        return self.pulled[1]


def _kernel(xp: Any, out: Any, *xs: Any, call: _Call, which: int = 0) -> Any:
    raise NotImplementedError  # its value is known before the vertex is made


def _rule(i: int, g: Any, z: Any, *xs: Any, call: _Call, which: int = 0) -> Any:
    gradient = call.gradients(g)[i]
    if i == call.reverse.count - 1:
        call.pulled = None
    return gradient


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
_compiled: Primitive[Any] = Primitive(_kernel, "compiled call", **_plain).vjp(xs=_rule)
_compiled.reads_all = True  # the second program does
_part: Primitive[Any] = Primitive(_kernel, "compiled", **_plain).vjp(
    xs=lambda i, g, z, *xs, call, which: call.arrive(which, g)
)
"""One result of a call: where several are differentiated, the second program runs once."""
