"""Gated recurrent units."""

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import broadcast_to, concatenate, stack, transpose
from micrograd_np.ops.transcendental import sigmoid, tanh

from .recurrent_gates import product, project, room, split
from .recurrent_sweep import before, by_weight, gate_rules, pulled, rows, shared_sweep, sweep_room, unrolled_sweep

# the order of pre-activations in memory; σ takes half of its input
_INPUT = (2, 1.0), (0, 0.5), (1, 0.5)  # n, r and z of PyTorch's r, z, n
_STATE = (0, 0.5), (1, 0.5), (2, 1.0)  # r, z and m
_BLOCKS = 4  # of every step a memory holds n, r, z and m


@primitive(
    "memory of gru {x}", domain=(REALS,) * 6, shape="(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(15,2,2)",
    not_differentiable=("x", "h", "weight_ih", "weight_hh", "bias", "bias_hn"),
)  # fmt: skip
def gru_memory(xp: Any, out: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any) -> Any:
    """The gates and states of every step, in one array: ``(5t, n, h)``; see `lstm_memory`."""
    (steps, n, _), k = x.shape, h.shape[1]
    dtype = xp.result_type(x, h, weight_ih, weight_hh, bias, bias_hn)
    memory, blocks, _ = room(xp, out, (5 * steps, n, k), dtype, _BLOCKS)
    project(xp, x, weight_ih, bias, _INPUT, blocks[:, :3])
    xp.copyto(blocks[:, 3], bias_hn)
    multiply = product(xp, weight_hh, _STATE, steps, xp.empty((3, n, k), dtype=dtype))
    term, half = xp.empty((n, k), dtype=dtype), xp.array(0.5, dtype=dtype)
    for t in range(steps):
        o = _BLOCKS * t  # see `lstm_memory`
        gates = memory[o + 1 : o + 4]
        xp.add(gates, multiply(h), out=gates)
        sigmoids = memory[o + 1 : o + 3]
        xp.tanh(sigmoids, out=sigmoids)
        xp.multiply(sigmoids, half, out=sigmoids)
        xp.add(sigmoids, half, out=sigmoids)
        xp.multiply(memory[o + 1], memory[o + 3], out=term)  # r m
        new = memory[o]
        xp.add(new, term, out=new)
        xp.tanh(new, out=new)
        xp.subtract(h, new, out=term)
        xp.multiply(term, memory[o + 2], out=term)
        h = memory[_BLOCKS * steps + t]
        xp.add(new, term, out=h)  # n + z (h − n)
    return memory


@primitive(
    "gru {x}", domain=(REALS,) * 7, shape="(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(3,2,2)", not_differentiable=("memory",),
    view=True, onnx="GRU",
)  # fmt: skip
def gru(
    xp: Any, out: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any, *memory: Any
) -> Any:
    """The state after every step: ``(t, n, m), (n, h), (3h, m), (3h, h), (3h,), (h,) -> (t, n, h)``.

    r, z, n = W xₜ + b, in three parts, and r', z', m = U hₜ₋₁; h = (1 − σ(z + z')) tanh(n + σ(r + r') (m + bias_hn))
    + σ(z + z') hₜ₋₁. A `memory`, that of the same inputs by `gru_memory`, saves computing it.
    Source: Cho et al. (2014), with PyTorch's place for r.
    """
    saved = memory[0] if memory else gru_memory.kernel(xp, ..., x, h, weight_ih, weight_hh, bias, bias_hn)
    return split(xp, saved, _BLOCKS)[1]


def _unrolled(x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any) -> Any:
    """`gru` in primitives. Biases may differ from step to step, and from sample to sample."""
    projected, u, k = matmul(x, transpose(weight_ih)) + bias, transpose(weight_hh), h.shape[1]
    states = []
    for t in range(x.shape[0]):
        by_x, by_h = projected[t], matmul(h, u)
        r, z = (sigmoid(by_x[:, a * k : (a + 1) * k] + by_h[:, a * k : (a + 1) * k]) for a in range(2))
        n = tanh(by_x[:, 2 * k :] + r * (by_h[:, 2 * k :] + bias_hn[t]))
        h = n + z * (h - n)
        states.append(h)
    return stack(states)


def _unrolled_sweep(gradient: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any) -> Any:
    """`gru_sweep` in primitives, whose derivative is that of `gru_sweep`."""
    wide, m = (broadcast_to(b, shape=(*x.shape[:2], *b.shape)) for b in (bias, bias_hn))
    by_gates, by_m, by_h = pulled(_unrolled(x, h, weight_ih, weight_hh, wide, m), gradient, wide, m, h)
    return unrolled_sweep(concatenate(by_m, by_gates, axis=-1), by_h)


@primitive(
    "back through gru {gradient}", domain=(REALS,) * 8, shape="(3,2,2),(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(4,2,8)",
    not_differentiable=("memory",),
)  # fmt: skip
def gru_sweep(
    xp: Any, out: Any, gradient: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any,
    *memory: Any,
) -> Any:  # fmt: skip
    """BPTT: the gradients of `gru` by m and the pre-activations of r, z and n in every step, and last that by h.

    ``(t, n, h), ... -> (t + 1, n, 4h)``, with the inputs of `gru` after the gradient; see `lstm_sweep`.
    """
    (steps, n, _), k = x.shape, h.shape[1]
    dtype = xp.result_type(gradient, x, h, weight_ih, weight_hh, bias, bias_hn)
    result, by_gate = sweep_room(xp, out, (steps, n, k), dtype)
    saved = memory[0] if memory else gru_memory.kernel(xp, ..., x, h, weight_ih, weight_hh, bias, bias_hn)
    blocks, states = split(xp, saved, _BLOCKS)
    one = xp.array(1, dtype=dtype)
    slopes = xp.multiply(blocks[:, 0], blocks[:, 0])
    xp.subtract(one, slopes, out=slopes)  # tanh′ is 1 − tanh²
    lags = xp.subtract(states, blocks[:, 0])  # z (h − n)
    rolled = xp.concatenate((weight_hh[2 * k :], weight_hh[: 2 * k]))  # by m, r and z
    by_h, carried = xp.empty((n, k), dtype=dtype), xp.empty((n, k), dtype=dtype)
    factors, rest = xp.empty((4, n, k), dtype=dtype), xp.empty((2, n, k), dtype=dtype)
    by_m, by_r, by_z, by_n = factors[0], factors[1], factors[2], factors[3]
    for t in range(steps - 1, -1, -1):
        o = _BLOCKS * t
        if t == steps - 1:
            xp.copyto(by_h, gradient[t])
        else:
            xp.dot(result[t + 1, :, : 3 * k], rolled, by_h)
            xp.add(by_h, carried, out=by_h)
            xp.add(by_h, gradient[t], out=by_h)
        xp.multiply(by_h, saved[o + 2], out=carried)
        xp.subtract(one, saved[o + 1 : o + 3], out=rest)  # σ′ is σ (1 − σ)
        xp.multiply(by_h, rest[1], out=by_h)
        xp.multiply(by_h, lags[t], out=by_z)
        xp.multiply(by_h, slopes[t], out=by_n)
        xp.multiply(by_n, saved[o + 1], out=by_m)
        xp.multiply(by_m, saved[o + 3], out=by_r)
        xp.multiply(by_r, rest[0], out=by_r)
        xp.copyto(by_gate[t], factors)
    xp.dot(result[0, :, : 3 * k], rolled, by_h)
    result[steps] = 0
    xp.add(by_h, carried, out=result[steps, :, :k])
    return result


_swept = shared_sweep(gru_sweep, _unrolled_sweep)


def _by_gates(g: Any, z: Any, x: Any, h: Any, *more: Any) -> Any:
    """The gradient by the pre-activations of r, z and n: ``(t, n, 3h)``."""
    return _swept(g, z, x, h, *more)[:-1, :, h.shape[1] :]


def _by_weight_hh(g: Any, z: Any, x: Any, h: Any, *more: Any) -> Any:
    k = h.shape[1]
    gradient = by_weight(_swept(g, z, x, h, *more)[:-1, :, : 3 * k], before(h, z))  # of m, r and z
    return concatenate(gradient[k:], gradient[:k])


gru.vjp(
    **gate_rules(_by_gates, 2),
    h=lambda g, z, x, h, *more: _swept(g, z, x, h, *more)[-1, :, : h.shape[1]],
    weight_hh=_by_weight_hh,
    bias_hn=lambda g, z, x, h, *more: rows(_swept(g, z, x, h, *more)[:-1, :, : h.shape[1]]),
)
