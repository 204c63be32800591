"""What recurrences share: a plain RNN, an LSTM and a GRU are one primitive each for all time steps.

A step is a small product with the previous state and a few elementwise lines. A vertex for each step and line would
cost more than the arithmetic: 50 steps of 32 × 64 would leave 800 vertices on the tape (measured: 2.5 times the time).

Backpropagation through time (BPTT) needs the gates of every step. They are the result of another primitive,
`lstm_memory` or `gru_memory`, which has no derivative. The recurrence and its rules take that result as an optional
input, and read from it what they would otherwise compute. So no gradient arrives at a gate, and none is added there.

All rules of an application need the same sweep, from the last step to the first. The first rule computes it; each of
the others is one product or one slice of it.
"""

from collections.abc import Callable
from typing import Any
from weakref import ref

from micrograd_np.core.vertex import source
from micrograd_np.engine.backward import pull
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.index import scatter_slice
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import concatenate, reshape
from micrograd_np.ops.state import copy


class MemoizeLast:
    """A cache of size one, keyed by the identity of (g, z), so that the rules of several inputs share one sweep."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.latest: tuple[Any, Any, Any] | None = None

    def __call__(self, g: Any, z: Any, *inputs: Any, **static: Any) -> Any:
        """``function(g, z, *inputs, **static)``, or its latest value if that was for the same g and z."""
        latest = self.latest
        if latest is not None and latest[0]() is g and latest[1]() is z:
            return latest[2]
        value = self.function(g, z, *inputs, **static)
        self.latest = ref(g, self._forget), ref(z, self._forget), value
        return value

    def _forget(self, dead: Any) -> None:
        if self.latest is not None and (self.latest[0] is dead or self.latest[1] is dead):
            self.latest = None


def partials(function: Callable[..., Any], *names: str) -> dict[str, Callable[..., Any]]:
    """The derivative rules, by its inputs of these names, of an op that computes what `function` does in primitives."""

    def gradients(g: Any, _: Any, *inputs: Any, **static: Any) -> list[Any]:
        inputs = inputs[: len(names)]
        with enable_grad():  # fresh vertices, so that no other path from an input to this one counts
            arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
            leaves = [
                copy(x) if getattr(x, "requires_grad", False) else Tensor(a, True)
                for x, a in zip(inputs, arrays, strict=True)
            ]
            value = function(*leaves, **static)
        return [x * 0 if dx is None else dx for x, dx in zip(inputs, pulled(value, g, *leaves), strict=True)]

    shared = MemoizeLast(gradients)

    def rule(which: int) -> Callable[..., Any]:
        return lambda g, z, *inputs, **static: shared(g, z, *inputs, **static)[which]

    return {name: rule(i) for i, name in enumerate(names)}


def pulled(value: Any, gradient: Any, *inputs: Any) -> list[Any]:
    """The gradients by `inputs`, in primitives, if `gradient` is that by `value`; None where none arrives."""
    gradients: dict[Any, Any] = {}
    targets = frozenset(map(source, inputs))
    pull(value, gradient, gradients.__setitem__, lifted=isinstance(gradient, Tensor), retain=True, targets=targets)
    return [gradients.get(source(x)) for x in inputs]


def shared_sweep(sweep: Any, unrolled: Callable[..., Any]) -> MemoizeLast:
    """A `sweep` for all rules of one application; its own derivative is that of `unrolled`, the same in primitives."""
    sweep.vjp(**partials(unrolled, *sweep.inputs[:-1]))
    return MemoizeLast(lambda g, z, *inputs: sweep(g, *inputs))


def unrolled_sweep(by_gates: Any, by_state: Any) -> Any:
    """The result of a sweep, in primitives: ``(t, n, g), (n, h) -> (t + 1, n, g)``, the state's in the first places."""
    last = scatter_slice(by_state, index=(slice(None), slice(0, by_state.shape[1])), shape=by_gates.shape[1:])
    return concatenate(by_gates, reshape(last, shape=(1, *last.shape)))


def sweep_room(xp: Any, out: Any, shape: tuple[int, int, int], dtype: Any) -> tuple[Any, Any]:
    """Memory for the result of a sweep over steps of shape (t, n, h), ``(t + 1, n, 4h)``; and as (t + 1, 4, n, h)."""
    steps, n, k = shape
    z = xp.empty((steps + 1, n, 4 * k), dtype=dtype) if out is ... else out
    return z, xp.transpose(xp.reshape(z, (steps + 1, n, 4, k)), (0, 2, 1, 3))


def before(first: Any, states: Any) -> Any:
    """The state at the start of each step: ``(n, h), (t, n, h) -> (t, n, h)``."""
    first = reshape(first, shape=(1, *first.shape))
    return concatenate(first, states[:-1]) if states.shape[0] > 1 else first


def rows(x: Any) -> Any:
    """All steps and samples along one axis: ``(t, n, m) -> (t · n, m)``."""
    return reshape(x, shape=(-1, x.shape[-1]))


def by_input(delta: Any, weight: Any) -> Any:
    """The gradient by the factor of a weight: ``(t, n, g), (g, m) -> (t, n, m)``."""
    return reshape(matmul(rows(delta), weight), shape=(*delta.shape[:-1], weight.shape[1]))


def by_weight(delta: Any, x: Any) -> Any:
    """Σ over steps and samples of delta ⊗ x: ``(t, n, g), (t, n, m) -> (g, m)``."""
    return matmul(rows(delta).T, rows(x))


def gate_rules(by_gates: Callable[..., Any], weight_ih: int) -> dict[str, Callable[..., Any]]:
    """The rules by x, weight_ih (input number `weight_ih`) and bias; `by_gates` is the gradient by pre-activations."""
    return {
        "x": lambda g, z, *inputs: by_input(by_gates(g, z, *inputs), inputs[weight_ih]),
        "weight_ih": lambda g, z, x, *more: by_weight(x, by_gates(g, z, x, *more)).T,  # laid out as layers keep it
        "bias": lambda g, z, *inputs: rows(by_gates(g, z, *inputs)),
    }
