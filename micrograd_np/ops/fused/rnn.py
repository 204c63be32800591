"""The plain recurrence."""

from typing import Any

from micrograd_np.core.domains import KINK_AT_ZERO, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.comparison import greater
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import stack

from .recurrent_sweep import MemoizeLast, before, by_weight, partials


@primitive(
    "rnn {x}", domain=(REALS, REALS, REALS), shape="(3,2,4),(2,4),(4,4)->(3,2,4)",
    examples=({}, {"nonlinearity": "relu"}), onnx="RNN",
)  # fmt: skip
def rnn(xp: Any, out: Any, x: Any, h: Any, weight: Any, *, nonlinearity: str = "tanh") -> Any:
    """hₜ = tanh(xₜ + U hₜ₋₁), or relu: ``(t, n, h), (n, h), (h, h) -> (t, n, h)``, the state after every step."""
    dtype = xp.result_type(x, h, weight)
    z = xp.empty(x.shape, dtype=dtype) if out is ... else out
    transposed = xp.ascontiguousarray(weight.T) if x.shape[0] > 1 else weight.T  # a copy pays from two steps on
    for t in range(x.shape[0]):
        s = xp.dot(h, transposed)
        s = xp.add(s, x[t], out=s)
        h = z[t]
        h = xp.tanh(s, out=h) if nonlinearity == "tanh" else xp.maximum(s, 0, out=h)
    return z


def _unrolled_sweep(gradient: Any, z: Any, weight: Any, nonlinearity: str) -> Any:
    """`rnn_sweep` in primitives, whose derivative is that of `rnn_sweep`."""
    slopes = 1 - z * z if nonlinearity == "tanh" else greater(z, 0)
    deltas = [gradient[-1] * slopes[-1]]
    for t in range(z.shape[0] - 2, -1, -1):
        deltas.append((gradient[t] + matmul(deltas[-1], weight)) * slopes[t])
    return stack(deltas[::-1])


@primitive(
    "back through rnn {gradient}", domain=(REALS, KINK_AT_ZERO, REALS), shape="(3,2,4),(3,2,4),(4,4)->(3,2,4)",
    examples=({}, {"nonlinearity": "relu"}),
)  # fmt: skip
def rnn_sweep(xp: Any, out: Any, gradient: Any, z: Any, weight: Any, *, nonlinearity: str = "tanh") -> Any:
    """BPTT: the gradient by x of `rnn`, whose result is z: ``(t, n, h), (t, n, h), (h, h) -> (t, n, h)``."""
    deltas = xp.empty(z.shape, dtype=xp.result_type(gradient, z, weight)) if out is ... else out
    if nonlinearity == "tanh":  # the slopes of all steps, which the gradients replace
        xp.multiply(z, z, out=deltas)
        xp.subtract(1, deltas, out=deltas)
    else:
        xp.greater(z, 0, out=deltas)
    by_h = gradient[-1]
    for t in range(z.shape[0] - 1, -1, -1):
        delta = deltas[t]
        xp.multiply(delta, by_h, out=delta)
        if t:
            by_h = xp.dot(delta, weight)
            xp.add(by_h, gradient[t - 1], out=by_h)
    return deltas


rnn_sweep.vjp(**partials(_unrolled_sweep, *rnn_sweep.inputs))

_swept = MemoizeLast(lambda g, z, weight, nonlinearity: rnn_sweep(g, z, weight, nonlinearity=nonlinearity))

rnn.vjp(
    x=lambda g, z, x, h, weight, nonlinearity: _swept(g, z, weight, nonlinearity),
    h=lambda g, z, x, h, weight, nonlinearity: matmul(_swept(g, z, weight, nonlinearity)[0], weight),
    weight=lambda g, z, x, h, weight, nonlinearity: by_weight(_swept(g, z, weight, nonlinearity), before(h, z)),
)
