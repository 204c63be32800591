"""What recurrences over time share: a plain RNN, an LSTM and a GRU are one primitive each for all time steps.

A step is a small product with the state before and a handful of elementwise lines. A vertex for each step and line
would cost more than the arithmetic: 50 steps of 32 × 64 would leave 800 vertices on the tape (measured: 2.5 times the
time).

The backward pass needs the gates of every step. They are the result of another primitive, `lstm_memory` or
`gru_memory`, which has no derivative. The recurrence and its rules take that result as an aid and look up in it what
they would otherwise compute. No gradient ever arrives at a gate, and the backward pass need not add it.

In the backward pass all rules of an application need the same sweep from the last step to the first. The rule that
asks first makes the sweep; each of the others is one product or one slice of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from micrograd_np.core.vertex import source
from micrograd_np.engine.backward import pull
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import concatenate, reshape
from micrograd_np.ops.state import copy

if TYPE_CHECKING:
    from collections.abc import Callable


class MemoizeLast:
    """A function of a gradient, a result and more, whose latest value is found again for the same two."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.latest: tuple[Any, Any, Any] | None = None

    def __call__(self, g: Any, z: Any, *inputs: Any, **static: Any) -> Any:
        """``function(g, z, *inputs, **static)``, or what that was just before."""
        latest = self.latest
        if latest is not None and latest[0]() is g and latest[1]() is z:
            return latest[2]
        found = self.function(g, z, *inputs, **static)
        self.latest = ref(g, self._forget), ref(z, self._forget), found
        return found

    def _forget(self, gone: Any) -> None:
        if self.latest is not None and (self.latest[0] is gone or self.latest[1] is gone):
            self.latest = None


def partials(function: Callable[..., Any], *names: str) -> dict[str, Callable[..., Any]]:
    """The derivative rules, by its inputs of these names, of an op that computes what `function` does in primitives."""

    def gradients(g: Any, _: Any, *inputs: Any, **static: Any) -> list[Any]:
        inputs = inputs[: len(names)]
        with enable_grad():  # fresh vertices, so that no other path from an input to this one counts
            fresh = [
                copy(x) if isinstance(x, Tensor) and x.requires_grad else Tensor(_as_array(x), True) for x in inputs
            ]
            value = function(*fresh, **static)
        found: dict[Any, Any] = {}
        targets = frozenset(map(source, fresh))
        pull(value, g, found.__setitem__, lifted=isinstance(g, Tensor), retain=True, targets=targets)
        return [found.get(source(x), given * 0) for x, given in zip(fresh, inputs, strict=True)]

    shared = MemoizeLast(gradients)

    def rule(which: int) -> Callable[..., Any]:
        return lambda g, z, *inputs, **static: shared(g, z, *inputs, **static)[which]

    return {name: rule(i) for i, name in enumerate(names)}


def _as_array(x: Any) -> Any:
    """The array of a tensor, or an array itself."""
    return x.data if isinstance(x, Tensor) else x


def pulled(value: Any, gradient: Any, *inputs: Any) -> list[Any]:
    """What arrives at each of `inputs` when `gradient` arrives at `value`, in primitives."""
    found: dict[Any, Any] = {}
    pull(value, gradient, found.__setitem__, lifted=True, retain=True, targets=frozenset(map(source, inputs)))
    return [found[source(x)] for x in inputs]


def before(first: Any, states: Any) -> Any:
    """The state that each step began with: ``(n, h), (t, n, h) -> (t, n, h)``."""
    first = reshape(first, shape=(1, *first.shape))
    return concatenate(first, states[:-1]) if states.shape[0] > 1 else first


def rows(x: Any) -> Any:
    """All steps and samples along one axis: ``(t, n, m) -> (t · n, m)``."""
    return reshape(x, shape=(-1, x.shape[-1]))


def by_input(delta: Any, weight: Any) -> Any:
    """The gradient by what a weight was multiplied with: ``(t, n, g), (g, m) -> (t, n, m)``."""
    return reshape(matmul(rows(delta), weight), shape=(*delta.shape[:-1], weight.shape[1]))


def by_weight(delta: Any, x: Any) -> Any:
    """Σ over steps and samples of delta ⊗ x: ``(t, n, g), (t, n, m) -> (g, m)``."""
    return matmul(rows(delta).T, rows(x))
