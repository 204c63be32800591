"""Recompute instead of store: `checkpoint`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import random
from micrograd_np.core import trees
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive, wrap_result
from micrograd_np.core.vertex import Source, Vertex, source, tensor_of
from micrograd_np.core.writes import clock, writes
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import enable_grad, set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .rereading import Rereading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class _Segment:
    """A call that can be made again: the function, its arguments, and the state of the random generator before it."""

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.f, self.args, self.kwargs = f, args, kwargs
        self.given = trees.mapped(_as_it_is, (tuple(args), dict(kwargs)))  # for the second call, whatever is written
        self.drawn_from = random.generator()
        self.state = self.drawn_from.bit_generator.state
        self.floor = self.made = 0
        self.boundary: list[Source] = []
        self.again: list[Tensor] | None = None
        self.pulled: tuple[int, Any, dict[Source, Any]] | None = None

    def run(self) -> Any:
        """Call it, recorded; what it records comes after `floor`."""
        self.floor = clock()
        with enable_grad():
            return self.f(*self.args, **self.kwargs)

    def run_again(self) -> Any:
        """Call it for backward; RuntimeError where what it reads was written since it was first called."""
        outer = mode.events
        if writes.latest > self.made:
            mode.set(events=Rereading(self.made, outer))
        try:
            return self.run()
        finally:
            mode.set(events=outer)

    def outputs(self, result: Any) -> list[Tensor]:
        """The tensors in the result that the call itself recorded."""
        return [y for _, y in trees.leaves(result) if isinstance(y, Tensor) and y.order > self.floor]

    def gradients(self, which: int, g: Any, boundary: Sequence[Source]) -> dict[Source, Any]:
        """What arrives at `boundary` when `g` arrives at output `which`; the call is made again the first time."""
        if self.pulled is None or self.pulled[0] != which or self.pulled[1] is not g:
            if self.again is None:
                generator, now = self.drawn_from, self.drawn_from.bit_generator.state
                generator.bit_generator.state = self.state
                try:
                    self.args, self.kwargs = self.given
                    self.again = self.outputs(self.run_again())
                finally:
                    generator.bit_generator.state = now
                lost = set(boundary).difference(walk.reached(*self.again, floor=self.floor))
                if lost:
                    raise RuntimeError(
                        "backward: a function under checkpoint() no longer uses what it used at first: a tensor that "
                        "it reaches from outside was changed in place since. Pass it as an argument, or change a copy."
                    )
            found: dict[Source, Any] = {}
            lifted = isinstance(g, Vertex)
            with set_grad_enabled(lifted and mode.recording):
                walk.pull(
                    self.again[which],
                    g,
                    found.__setitem__,
                    retain=True,
                    lifted=lifted,
                    targets=frozenset(boundary),
                    floor=self.floor,
                )
            self.pulled = (which, g, found)
        return self.pulled[2]

    def forget(self) -> None:
        """Give the recomputed record back."""
        self.again = self.pulled = None


def _as_it_is(t: Any) -> Any:
    """A tensor that stays what `t` is now; a leaf that requires a gradient is not written to in the graph."""
    if not isinstance(t, Tensor) or (t.requires_grad and t.is_leaf):
        return t
    same = tensor_of(t.data)  # and no view that follows a write in the graph
    same.node, same.requires_grad = t.node, t.requires_grad
    return same


def _kernel(xp: Any, out: Any, *xs: Any, segment: _Segment, which: int) -> Any:
    raise NotImplementedError  # its value is known before the vertex is made


def _rule(i: int, g: Any, z: Any, *xs: Any, segment: _Segment, which: int) -> Any:
    boundary = segment.boundary
    found = segment.gradients(which, g, boundary).get(boundary[i])
    if which == 0 and i == len(xs) - 1:  # outputs are walked from the last to the first, inputs from first to last
        segment.forget()
    return g.sum() * 0 if found is None else found


_kernel.__name__ = "checkpoint"
_kernel.__qualname__ = "_recomputed"  # under which pickle finds it
_recomputed: Primitive[Any] = Primitive(
    _kernel, "checkpoint", domain=(), shape=None, examples=(), onnx=None, not_differentiable=(), view=False, numpy=()
).vjp(xs=_rule)
_recomputed.reads_all = True  # the call that is made again does


def checkpoint(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``f(*args, **kwargs)``, remembering only what goes in: backward calls `f` again for what lies between.

    Memory for time: a chain of n layers in √n checkpoints keeps about 2√n results, for one more forward pass. `f`
    returns a tensor, or nested lists, tuples and dicts of them; it may use tensors, such as a module's parameters,
    that are not arguments. What it draws from ``mg.random`` is drawn again alike. It must do the same both times, and
    what it writes (running means) it writes twice.
    Source: Chen et al. (2016), "Training deep nets with sublinear memory cost".

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = checkpoint(lambda x: (x * x).exp(), x)
    >>> y.sum().backward()
    >>> bool((x.grad == 2 * x * (x * x).exp()).data.all())
    True
    """
    if mode.events.on_tensors or not mode.recording:
        return f(*args, **kwargs)
    segment = _Segment(f, args, kwargs)
    result = segment.run()
    segment.made = clock()
    outputs = segment.outputs(result)
    boundary = [
        x for x in walk.topological(*outputs, floor=segment.floor) if x.order <= segment.floor and x.requires_grad
    ]
    segment.boundary = boundary
    numbers = {y: i for i, y in enumerate(outputs)}
    given = {
        x: a
        for z in walk.topological(*outputs, floor=segment.floor)
        for x, a in zip(z.inputs, getattr(z, "arrays", None) or (), strict=False)
        if isinstance(x, Source) and isinstance(a, np.ndarray)
    }
    given |= {source(t): t.data for _, t in trees.leaves(segment.given) if isinstance(t, Tensor)}
    sources, arrays = tuple(boundary), [given.get(x, x.data) for x in boundary]
    needs = (1 << len(boundary)) - 1
    remade = {
        y: wrap_result(Tensor, _recomputed, sources, arrays, {"segment": segment, "which": i}, y.data, needs)
        for y, i in numbers.items()
    }
    return trees.mapped(lambda y: remade.get(y, y) if isinstance(y, Tensor) else y, result)
