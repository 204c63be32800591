"""`checkpoint`: recompute results in backward instead of storing them, from the same memory as at first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core import trees
from micrograd_np.core.events import QUIET, Events, Relay
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive, wrap_result
from micrograd_np.core.vertex import Source, Vertex, source, tensor_of
from micrograd_np.core.writes import clock, owner_of, writes
from micrograd_np.engine import backward as walk
from micrograd_np.engine.grad_mode import enable_grad, set_grad_enabled
from micrograd_np.engine.tensor import Tensor

from .reverse import array_of


class _Rereading(Relay):
    """Watches a repeated call: RuntimeError where a gradient would depend on memory that was written in between.

    A result without a gradient that is computed from written memory counts as written, too. So running means may
    change, as long as nothing that is differentiated reads them.
    """

    def __init__(self, moment: int, outer: Events) -> None:
        self.moment = moment
        self.changed = writes.later(moment)
        self.outer = outer
        self.holds, self.on_tensors = outer is not QUIET and outer.holds, outer.on_tensors

    def applied(self, op: Any, inputs: tuple[Any, ...], static: Any, result: Any) -> None:
        """Check the inputs of an op with a gradient."""
        owner = owner_of(array_of(result))
        if self._reads_changed(inputs) and not any(owner is owner_of(array_of(x)) for x in inputs):  # readers of views
            if isinstance(result, Vertex) and result.requires_grad:
                raise RuntimeError(
                    "backward: a function under checkpoint() is called again, and a tensor that it uses was changed in "
                    "place since it was first called. Change it after backward(), or change a copy."
                )
            self.changed.note(array_of(result))
        super().applied(op, inputs, static, result)

    def written(self, op: Any, target: Any, inputs: tuple[Any, ...], static: Any) -> None:
        """The call itself writes, as it did the first time."""
        if self._reads_changed(inputs):
            self.changed.note(target.data)
        else:
            self.changed.forget(target.data)
        super().written(op, target, inputs, static)

    def _reads_changed(self, inputs: Iterable[Any]) -> bool:
        return any(self.changed.since(array_of(x), self.moment) for x in inputs)


class _Segment:
    """A call that can be repeated: the function, its arguments as they are now, and the random generator's state."""

    floor = end = 0
    boundary: Sequence[Source] = ()
    recomputed: list[Tensor] | None = None
    latest: tuple[int, Any, dict[Source, Any]] | None = None  # the output pulled last, its gradient, and the result

    def __init__(self, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.f = f
        self.args, self.kwargs = trees.mapped(_snapshot, (tuple(args), dict(kwargs)))
        self.drawn_from = random.generator()
        self.state = self.drawn_from.bit_generator.state
        self.floor = clock()  # what the call records comes later

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self.boundary = tuple(map(source, self.boundary))  # an older pickle has tensors there

    def outputs(self, result: Any) -> list[Tensor]:
        """The tensors in the result that the call itself recorded."""
        return [y for y in trees.values(result) if isinstance(y, Tensor) and y.order > self.floor]

    def repeat(self) -> list[Tensor]:
        """The outputs of a second call; RuntimeError where it reads memory that was written after the first."""
        events, generator, state = mode.events, self.drawn_from, self.drawn_from.bit_generator.state
        generator.bit_generator.state = self.state
        if writes.latest > self.end:
            mode.set(events=_Rereading(self.end, events))
        self.floor = clock()
        try:
            with enable_grad():
                outputs = self.outputs(self.f(*self.args, **self.kwargs))
        finally:
            mode.set(events=events)
            generator.bit_generator.state = state
        if set(self.boundary).difference(walk.reached(*outputs, floor=self.floor)):
            raise RuntimeError(
                "backward: a function under checkpoint() no longer uses what it used at first: a tensor that it "
                "reaches from outside was changed in place since. Pass it as an argument, or change a copy."
            )
        return outputs

    def gradients(self, which: int, g: Any) -> dict[Source, Any]:
        """The gradients of the boundary when `g` arrives at output `which`; the first of them repeats the call."""
        if self.latest is None or self.latest[0] != which or self.latest[1] is not g:
            self.recomputed = self.recomputed or self.repeat()
            gradients: dict[Source, Any] = {}
            lifted, targets = isinstance(g, Vertex), frozenset(self.boundary)
            y, floor = self.recomputed[which], self.floor
            with set_grad_enabled(lifted and mode.recording):
                walk.pull(y, g, gradients.__setitem__, retain=True, lifted=lifted, targets=targets, floor=floor)
            self.latest = (which, g, gradients)
        return self.latest[2]

    def release(self) -> None:
        """Release the recomputed graph."""
        self.recomputed = self.latest = None


def _snapshot(t: Any) -> Any:
    """A tensor that stays what `t` is now; a leaf that requires a gradient is not written to in the graph."""
    if not isinstance(t, Tensor) or (t.requires_grad and t.is_leaf):
        return t
    copy = tensor_of(t.data)  # and no view that follows a write in the graph
    copy.node, copy.requires_grad = t.node, t.requires_grad
    return copy


def _kernel(xp: Any, out: Any, *xs: Any, segment: _Segment, which: int) -> Any:
    raise NotImplementedError  # the call itself computes its value


def _rule(i: int, g: Any, z: Any, *xs: Any, segment: _Segment, which: int) -> Any:
    boundary = segment.boundary
    gradient = segment.gradients(which, g).get(boundary[i])
    if which == 0 and i == len(xs) - 1:  # outputs are walked from the last to the first, inputs from first to last
        segment.release()
    return g.sum() * 0 if gradient is None else gradient


_kernel.__name__ = "checkpoint"
_kernel.__qualname__ = "_recomputed"  # under which pickle finds it
_recomputed: Primitive[Any] = Primitive(_kernel, "checkpoint", domain=()).vjp(xs=_rule)
_recomputed.reads_all = True  # the repeated call does


def checkpoint(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``f(*args, **kwargs)``, of which only the inputs are saved; backward calls `f` again for everything between.

    It saves memory and costs time: a chain of n layers in √n checkpoints keeps about 2√n results, for one more forward
    pass. `f` returns a tensor, or nested lists, tuples and dicts of them; it may use tensors, such as a module's
    parameters, that are not arguments. Both calls draw the same numbers from ``mg.random``. `f` must do the same in
    both; what it writes (running means) it writes twice.
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
    with enable_grad():
        result = f(*args, **kwargs)
    segment.end = clock()
    outputs = segment.outputs(result)
    graph = walk.topological(*outputs, floor=segment.floor)
    segment.boundary = tuple(x for x in graph if x.order <= segment.floor and x.requires_grad)
    read = {
        x: a
        for z in graph
        for x, a in zip(z.inputs, getattr(z, "arrays", None) or (), strict=False)
        if isinstance(x, Source) and isinstance(a, np.ndarray)
    }
    read |= {source(t): t.data for t in trees.values((segment.args, segment.kwargs)) if isinstance(t, Tensor)}
    arrays = [read.get(x, x.data) for x in segment.boundary]
    needs = (1 << len(arrays)) - 1
    replacements = {
        y: wrap_result(Tensor, _recomputed, segment.boundary, arrays, {"segment": segment, "which": i}, y.data, needs)
        for y, i in {y: i for i, y in enumerate(outputs)}.items()
    }
    return trees.mapped(lambda y: replacements.get(y, y) if isinstance(y, Tensor) else y, result)
