"""Long short-term memory."""

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import broadcast_to, stack, transpose
from micrograd_np.ops.transcendental import sigmoid, tanh

from .recurrent_gates import product, project, room, split
from .recurrent_sweep import before, by_weight, gate_rules, pulled, shared_sweep, sweep_room, unrolled_sweep

_GATES = (3, 0.5), (0, 0.5), (1, 0.5), (2, 1.0)  # o, i, f, g of PyTorch's i, f, g, o; σ takes half of its input
_BLOCKS = 6  # of every step a memory holds o, i, f, g, the previous cell state, and tanh of the next


@primitive(
    "memory of lstm {x}", domain=(REALS,) * 6, shape="(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(22,2,2)",
    not_differentiable=("x", "h", "c", "weight_ih", "weight_hh", "bias"),
)  # fmt: skip
def lstm_memory(xp: Any, out: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """The gates and states of every step, in one array: ``(7t + 1, n, h)``.

    σ(x) is ½ + ½ tanh(x/2), so that one tanh serves all gates. It takes half of the time of 1 / (1 + exp), and rounds a
    gate below 1e-16 to 0, which changes no product.
    """
    (steps, n, _), k = x.shape, c.shape[1]
    dtype = xp.result_type(x, h, c, weight_ih, weight_hh, bias)
    memory, blocks, states = room(xp, out, (7 * steps + 1, n, k), dtype, _BLOCKS)
    project(xp, x, weight_ih, bias, _GATES, blocks[:, :4])
    products = xp.empty((4, n, k), dtype=dtype)
    multiply = product(xp, weight_hh, _GATES, steps, products)
    terms = xp.empty((2, n, k), dtype=dtype)
    half = xp.array(0.5, dtype=dtype)  # NumPy combines two arrays faster than an array and a number
    xp.copyto(memory[4], c)
    for t in range(steps):
        o = _BLOCKS * t  # where its block begins, of which each part is one view: a view of views takes longer
        gates = memory[o : o + 4]
        xp.tanh(xp.add(gates, multiply(h), out=products), out=gates)
        sigmoids = memory[o : o + 3]
        xp.multiply(sigmoids, half, out=sigmoids)
        xp.add(sigmoids, half, out=sigmoids)
        xp.multiply(memory[o + 1 : o + 3], memory[o + 3 : o + 5], out=terms)  # i g and f c
        next_c = states[steps] if t + 1 == steps else memory[o + _BLOCKS + 4]
        xp.add(terms[0], terms[1], out=next_c)
        tanh_c = memory[o + 5]
        xp.tanh(next_c, out=tanh_c)
        h = memory[_BLOCKS * steps + t]
        xp.multiply(memory[o], tanh_c, out=h)
    return memory


@primitive(
    "lstm {x}", domain=(REALS,) * 7, shape="(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(4,2,2)",
    not_differentiable=("memory",), view=True, onnx="LSTM",
)  # fmt: skip
def lstm(xp: Any, out: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any, *memory: Any) -> Any:
    """The hidden state after every step, then the last cell state: ``(t, n, m), (n, h), (n, h), … -> (t + 1, n, h)``.

    i, f, g, o = W xₜ + U hₜ₋₁ + b, in four parts; c = σ(f) c + σ(i) tanh g; h = σ(o) tanh c. W is (4h, m), U (4h, h)
    and b (4h,). A `memory`, that of the same inputs by `lstm_memory`, saves computing it.
    Source: Hochreiter & Schmidhuber (1997), Gers et al. (2000).
    """
    saved = memory[0] if memory else lstm_memory.kernel(xp, ..., x, h, c, weight_ih, weight_hh, bias)
    return split(xp, saved, _BLOCKS)[1]


def _unrolled(x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """`lstm` in primitives. The bias may differ from step to step, and from sample to sample."""
    projected, u, k = matmul(x, transpose(weight_ih)) + bias, transpose(weight_hh), c.shape[1]
    states = []
    for t in range(x.shape[0]):
        gates = projected[t] + matmul(h, u)
        i, f, g, o = (gates[:, a * k : (a + 1) * k] for a in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        states.append(h)
    return stack([*states, c])


def _unrolled_sweep(gradient: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """`lstm_sweep` in primitives, whose derivative is that of `lstm_sweep`."""
    wide = broadcast_to(bias, shape=(*x.shape[:2], *bias.shape))
    return unrolled_sweep(*pulled(_unrolled(x, h, c, weight_ih, weight_hh, wide), gradient, wide, c))


@primitive(
    "back through lstm {gradient}", domain=(REALS,) * 8, shape="(4,2,2),(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(4,2,8)",
    not_differentiable=("memory",),
)  # fmt: skip
def lstm_sweep(
    xp: Any, out: Any, gradient: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any, *memory: Any
) -> Any:
    """BPTT: the gradients of `lstm` by the pre-activations of i, f, g and o in every step, and last that by c.

    ``(t + 1, n, h), ... -> (t + 1, n, 4h)``, with the inputs of `lstm` after the gradient; c has the first h places. In
    place in one loop it takes half as long as in primitives.
    """
    (steps, n, _), k = x.shape, c.shape[1]
    dtype = xp.result_type(gradient, x, h, c, weight_ih, weight_hh, bias)
    result, by_gate = sweep_room(xp, out, (steps, n, k), dtype)
    saved = memory[0] if memory else lstm_memory.kernel(xp, ..., x, h, c, weight_ih, weight_hh, bias)
    blocks, states = split(xp, saved, _BLOCKS)
    slopes = xp.multiply(states[:-1], blocks[:, 5])
    xp.subtract(blocks[:, 0], slopes, out=slopes)  # o (1 − tanh² c) is o − h tanh c
    by_h, by_c = xp.empty((n, k), dtype=dtype), xp.empty((n, k), dtype=dtype)
    terms, factors, rest = (xp.empty((a, n, k), dtype=dtype) for a in (2, 4, 4))
    one = xp.array(1, dtype=dtype)
    carried = gradient[-1]
    for t in range(steps - 1, -1, -1):
        o = _BLOCKS * t
        if t == steps - 1:
            xp.copyto(by_h, gradient[t])
        else:
            xp.dot(result[t + 1], weight_hh, by_h)
            xp.add(by_h, gradient[t], out=by_h)
        xp.multiply(by_h, slopes[t], out=by_c)
        xp.add(by_c, carried, out=by_c)
        xp.multiply(by_c, saved[o + 1 : o + 3], out=terms)
        by_i, carried = terms[0], terms[1]
        xp.multiply(terms, saved[o + 3 : o + 5], out=factors[:2])  # by g and by the previous cell state
        xp.add(by_i, factors[0], out=factors[2])  # and 1 − g² is (1 + g)(1 − g)
        xp.multiply(by_h, states[t], out=factors[3])
        xp.subtract(one, saved[o + 1 : o + 4], out=rest[:3])
        xp.subtract(one, saved[o], out=rest[3])
        xp.multiply(factors, rest, out=by_gate[t])
    result[steps] = 0
    xp.copyto(result[steps, :, :k], carried)
    return result


_swept = shared_sweep(lstm_sweep, _unrolled_sweep)


def _by_gates(g: Any, z: Any, *inputs: Any) -> Any:
    """The gradient by the pre-activations of the gates: ``(t, n, 4h)``."""
    return _swept(g, z, *inputs)[:-1]


lstm.vjp(
    **gate_rules(_by_gates, 3),
    h=lambda g, z, *inputs: matmul(_swept(g, z, *inputs)[0], inputs[4]),
    c=lambda g, z, x, h, c, *more: _swept(g, z, x, h, c, *more)[-1, :, : c.shape[1]],
    weight_hh=lambda g, z, x, h, *more: by_weight(_by_gates(g, z, x, h, *more), before(h, z[:-1])),
)
