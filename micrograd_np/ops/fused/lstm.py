"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.index import scatter_slice
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import broadcast_to, concatenate, reshape, stack, transpose
from micrograd_np.ops.transcendental import sigmoid, tanh

from .recurrent_gates import product, project
from .recurrent_sweep import MemoizeLast, before, by_input, by_weight, partials, pulled, rows

_GATES = (3, 0.5), (0, 0.5), (1, 0.5), (2, 1.0)  # o, i, f and g of i, f, g and o; σ takes half of what enters


def _parts(xp: Any, memory: Any) -> tuple[Any, Any]:
    """What a memory holds: of every step o, i, f, g, the cell before and tanh of the cell after; and the result."""
    steps = memory.shape[0] // 7
    return xp.reshape(memory[: 6 * steps], (steps, 6, *memory.shape[1:])), memory[6 * steps :]


@primitive(
    "memory of lstm {x}",
    domain=(REALS,) * 6,
    shape="(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(22,2,2)",
    not_differentiable=("x", "h", "c", "weight_ih", "weight_hh", "bias"),
)
def lstm_memory(xp: Any, out: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """All that the inputs of `lstm` lead to, gates included, in one array: ``(7t + 1, n, h)``.

    σ(x) is ½ + ½ tanh(x/2), so that one tanh serves all gates. It takes half of the time of 1 / (1 + exp), and makes a
    gate below 1e-16 0, which nothing that it multiplies would notice.
    """
    (steps, n, _), k = x.shape, c.shape[1]
    dtype = xp.result_type(x, h, c, weight_ih, weight_hh, bias)
    whole = out is not ... and out.flags.c_contiguous
    memory = out if whole else xp.empty((7 * steps + 1, n, k), dtype=dtype)
    blocks, z = _parts(xp, memory)
    project(xp, x, weight_ih, bias, _GATES, blocks[:, :4])
    again = product(xp, weight_hh, _GATES, steps, xp.empty((4, n, k), dtype=dtype))
    both = xp.empty((2, n, k), dtype=dtype)
    half = xp.array(0.5, dtype=dtype)  # beside an array NumPy takes an array sooner than a number
    xp.copyto(blocks[0, 4], c)
    for t in range(steps):
        now = blocks[t]
        gates, sigmoids, squashed = now[:4], now[:3], now[5]
        xp.add(gates, again(h), out=gates)
        xp.tanh(gates, out=gates)
        xp.multiply(sigmoids, half, out=sigmoids)
        xp.add(sigmoids, half, out=sigmoids)
        xp.multiply(now[1:3], now[3:5], out=both)  # i g and f c
        after = z[steps] if t + 1 == steps else blocks[t + 1, 4]
        xp.add(both[0], both[1], out=after)
        xp.tanh(after, out=squashed)
        h = z[t]
        xp.multiply(now[0], squashed, out=h)
    return memory


@primitive(
    "lstm {x}",
    domain=(REALS,) * 7,
    shape="(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(4,2,2)",
    not_differentiable=("memory",),
    view=True,
    onnx="LSTM",
)
def lstm(xp: Any, out: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any, *memory: Any) -> Any:
    """The state after every step, then the last cell: ``(t, n, m), (n, h), (n, h), … -> (t + 1, n, h)``.

    i, f, g, o = W xₜ + U hₜ₋₁ + b, in four parts; c = σ(f) c + σ(i) tanh g; h = σ(o) tanh c. W is (4h, m), U (4h, h)
    and b (4h,). A `memory`, that of the same inputs by `lstm_memory`, spares computing it.
    Source: Hochreiter & Schmidhuber (1997), Gers et al. (2000).
    """
    known = memory[0] if memory else lstm_memory.kernel(xp, ..., x, h, c, weight_ih, weight_hh, bias)
    return _parts(xp, known)[1]


def _in_steps(x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """What `lstm` computes, in primitives. The bias may differ from step to step, and from sample to sample."""
    entering, u, k = matmul(x, transpose(weight_ih)) + bias, transpose(weight_hh), c.shape[1]
    found = []
    for t in range(x.shape[0]):
        now = entering[t] + matmul(h, u)
        i, f, g, o = (now[:, a * k : (a + 1) * k] for a in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        found.append(h)
    return stack([*found, c])


def _sweep_in_steps(gradient: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any) -> Any:
    """What `lstm_sweep` computes, in primitives: what its own derivative is taken of."""
    wide = broadcast_to(bias, shape=(*x.shape[:2], *bias.shape))
    entering, by_c = pulled(_in_steps(x, h, c, weight_ih, weight_hh, wide), gradient, wide, c)
    last = scatter_slice(by_c, index=(slice(None), slice(0, c.shape[1])), shape=wide.shape[1:])
    return concatenate(entering, reshape(last, shape=(1, *last.shape)))


@primitive(
    "back through lstm {gradient}",
    domain=(REALS,) * 8,
    shape="(4,2,2),(3,2,4),(2,2),(2,2),(8,4),(8,2),(8)->(4,2,8)",
    not_differentiable=("memory",),
)
def lstm_sweep(
    xp: Any, out: Any, gradient: Any, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any, *memory: Any
) -> Any:
    """The gradients of `lstm` by what enters i, f, g and o, step by step, and last, in the first places, by c.

    ``(t + 1, n, h), ... -> (t + 1, n, 4h)``, with the inputs of `lstm` after the gradient. A primitive because in place
    in one loop it takes half as long as in primitives.
    """
    (steps, n, _), k = x.shape, c.shape[1]
    dtype = xp.result_type(gradient, x, h, c, weight_ih, weight_hh, bias)
    found = xp.empty((steps + 1, n, 4 * k), dtype=dtype) if out is ... else out
    by_gate = xp.transpose(xp.reshape(found, (steps + 1, n, 4, k)), (0, 2, 1, 3))
    known = memory[0] if memory else lstm_memory.kernel(xp, ..., x, h, c, weight_ih, weight_hh, bias)
    blocks, z = _parts(xp, known)
    slopes = xp.multiply(z[:-1], blocks[:, 5])
    xp.subtract(blocks[:, 0], slopes, out=slopes)  # o (1 − tanh² c) is o − h tanh c
    state, cell = xp.empty((n, k), dtype=dtype), xp.empty((n, k), dtype=dtype)
    both, parts, rest = (xp.empty((a, n, k), dtype=dtype) for a in (2, 4, 4))
    one = xp.array(1, dtype=dtype)
    carried = gradient[-1]
    for t in range(steps - 1, -1, -1):
        now = blocks[t]
        if t == steps - 1:
            xp.copyto(state, gradient[t])
        else:
            xp.dot(found[t + 1], weight_hh, state)
            xp.add(state, gradient[t], out=state)
        xp.multiply(state, slopes[t], out=cell)
        xp.add(cell, carried, out=cell)
        by_i, carried = both[0], both[1]
        xp.multiply(cell, now[1], out=by_i)
        xp.multiply(cell, now[2], out=carried)
        xp.multiply(both, now[3:5], out=parts[:2])  # by g and by the cell before
        xp.add(by_i, parts[0], out=parts[2])  # and 1 − g² is (1 + g)(1 − g)
        xp.multiply(state, z[t], out=parts[3])
        xp.subtract(one, now[1:4], out=rest[:3])
        xp.subtract(one, now[0], out=rest[3])
        xp.multiply(parts, rest, out=by_gate[t])
    found[steps] = 0
    xp.copyto(found[steps, :, :k], carried)
    return found


lstm_sweep.vjp(**partials(_sweep_in_steps, *lstm_sweep.inputs[:-1]))

_swept = MemoizeLast(lambda g, z, *inputs: lstm_sweep(g, *inputs))


def _entering(g: Any, z: Any, *inputs: Any) -> Any:
    """The gradient by what enters the gates: ``(t, n, 4h)``."""
    return _swept(g, z, *inputs)[:-1]


def _by_recurrence(g: Any, z: Any, x: Any, h: Any, *more: Any) -> Any:
    return by_weight(_entering(g, z, x, h, *more), before(h, z[:-1]))


lstm.vjp(
    x=lambda g, z, *inputs: by_input(_entering(g, z, *inputs), inputs[3]),
    h=lambda g, z, *inputs: matmul(_swept(g, z, *inputs)[0], inputs[4]),
    c=lambda g, z, x, h, c, *more: _swept(g, z, x, h, c, *more)[-1, :, : c.shape[1]],
    weight_ih=lambda g, z, x, *more: by_weight(x, _entering(g, z, x, *more)).T,  # laid out as layers keep it
    weight_hh=_by_recurrence,
    bias=lambda g, z, *inputs: rows(_entering(g, z, *inputs)),
)
