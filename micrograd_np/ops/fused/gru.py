"""Gated recurrent units."""

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

# what enters the gates, in the order of memory; σ takes half of it
_INPUT = (2, 1.0), (0, 0.5), (1, 0.5)  # n, r and z of r, z and n
_STATE = (0, 0.5), (1, 0.5), (2, 1.0)  # r, z and m


def _parts(xp: Any, memory: Any) -> tuple[Any, Any]:
    """What a memory holds: of every step n, r, z and m; and the result."""
    steps = memory.shape[0] // 5
    return xp.reshape(memory[: 4 * steps], (steps, 4, *memory.shape[1:])), memory[4 * steps :]


@primitive(
    "memory of gru {x}",
    domain=(REALS,) * 6,
    shape="(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(15,2,2)",
    not_differentiable=("x", "h", "weight_ih", "weight_hh", "bias", "own"),
)
def gru_memory(xp: Any, out: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, own: Any) -> Any:
    """All that the inputs of `gru` lead to, gates included, in one array: ``(5t, n, h)``; see `lstm_memory`."""
    (steps, samples, _), k = x.shape, h.shape[1]
    dtype = xp.result_type(x, h, weight_ih, weight_hh, bias, own)
    whole = out is not ... and out.flags.c_contiguous
    memory = out if whole else xp.empty((5 * steps, samples, k), dtype=dtype)
    blocks, states = _parts(xp, memory)
    project(xp, x, weight_ih, bias, _INPUT, blocks[:, :3])
    xp.copyto(blocks[:, 3], own)
    again = product(xp, weight_hh, _STATE, steps, xp.empty((3, samples, k), dtype=dtype))
    fresh, half = xp.empty((samples, k), dtype=dtype), xp.array(0.5, dtype=dtype)
    for t in range(steps):
        now = blocks[t]
        made, sigmoids, n = now[1:], now[1:3], now[0]
        xp.add(made, again(h), out=made)
        xp.tanh(sigmoids, out=sigmoids)
        xp.multiply(sigmoids, half, out=sigmoids)
        xp.add(sigmoids, half, out=sigmoids)
        xp.multiply(now[1], now[3], out=fresh)  # r m
        xp.add(n, fresh, out=n)
        xp.tanh(n, out=n)
        xp.subtract(h, n, out=fresh)
        xp.multiply(fresh, now[2], out=fresh)
        h = states[t]
        xp.add(n, fresh, out=h)  # n + z (h − n)
    return memory


@primitive(
    "gru {x}",
    domain=(REALS,) * 7,
    shape="(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(3,2,2)",
    not_differentiable=("memory",),
    view=True,
    onnx="GRU",
)
def gru(xp: Any, out: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, own: Any, *memory: Any) -> Any:
    """The state after every step: ``(t, n, m), (n, h), (3h, m), (3h, h), (3h,), (h,) -> (t, n, h)``.

    r, z, n = W xₜ + b, in three parts, and r', z', m = U hₜ₋₁; h = (1 − σ(z + z')) tanh(n + σ(r + r') (m + own))
    + σ(z + z') hₜ₋₁. A `memory`, that of the same inputs by `gru_memory`, spares computing it.
    Source: Cho et al. (2014), with PyTorch's place for r.
    """
    known = memory[0] if memory else gru_memory.kernel(xp, ..., x, h, weight_ih, weight_hh, bias, own)
    return _parts(xp, known)[1]


def _in_steps(x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, own: Any) -> Any:
    """What `gru` computes, in primitives. Biases may differ from step to step, and from sample to sample."""
    entering, u, k = matmul(x, transpose(weight_ih)) + bias, transpose(weight_hh), h.shape[1]
    found = []
    for t in range(x.shape[0]):
        now, again = entering[t], matmul(h, u)
        r, z = (sigmoid(now[:, a * k : (a + 1) * k] + again[:, a * k : (a + 1) * k]) for a in range(2))
        n = tanh(now[:, 2 * k :] + r * (again[:, 2 * k :] + own[t]))
        h = n + z * (h - n)
        found.append(h)
    return stack(found)


def _sweep_in_steps(gradient: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, own: Any) -> Any:
    """What `gru_sweep` computes, in primitives: what its own derivative is taken of."""
    wide, m = (broadcast_to(b, shape=(*x.shape[:2], *b.shape)) for b in (bias, own))
    entering, by_m, by_h = pulled(_in_steps(x, h, weight_ih, weight_hh, wide, m), gradient, wide, m, h)
    found = concatenate(by_m, entering, axis=-1)
    last = scatter_slice(by_h, index=(slice(None), slice(0, h.shape[1])), shape=found.shape[1:])
    return concatenate(found, reshape(last, shape=(1, *last.shape)))


@primitive(
    "back through gru {gradient}",
    domain=(REALS,) * 8,
    shape="(3,2,2),(3,2,4),(2,2),(6,4),(6,2),(6),(2)->(4,2,8)",
    not_differentiable=("memory",),
)
def gru_sweep(
    xp: Any, out: Any, gradient: Any, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, own: Any, *memory: Any
) -> Any:
    """The gradients of `gru` by m and what enters r, z and n, step by step, and last, in the first places, by h.

    ``(t, n, h), ... -> (t + 1, n, 4h)``, with the inputs of `gru` after the gradient. A primitive as `lstm_sweep` is.
    """
    (steps, samples, _), k = x.shape, h.shape[1]
    dtype = xp.result_type(gradient, x, h, weight_ih, weight_hh, bias, own)
    found = xp.empty((steps + 1, samples, 4 * k), dtype=dtype) if out is ... else out
    by_gate = xp.transpose(xp.reshape(found, (steps + 1, samples, 4, k)), (0, 2, 1, 3))
    known = memory[0] if memory else gru_memory.kernel(xp, ..., x, h, weight_ih, weight_hh, bias, own)
    blocks, states = _parts(xp, known)
    one = xp.array(1, dtype=dtype)
    slopes = xp.multiply(blocks[:, 0], blocks[:, 0])
    xp.subtract(one, slopes, out=slopes)  # tanh′ is 1 − tanh²
    lags = xp.subtract(states, blocks[:, 0])  # z (h − n)
    rolled = xp.concatenate((weight_hh[2 * k :], weight_hh[: 2 * k]))  # by m, r and z
    state, carried = xp.empty((samples, k), dtype=dtype), xp.empty((samples, k), dtype=dtype)
    parts, rest = xp.empty((4, samples, k), dtype=dtype), xp.empty((2, samples, k), dtype=dtype)
    by_m, by_r, by_z, by_n = parts[0], parts[1], parts[2], parts[3]
    for t in range(steps - 1, -1, -1):
        now = blocks[t]
        if t == steps - 1:
            xp.copyto(state, gradient[t])
        else:
            xp.dot(found[t + 1, :, : 3 * k], rolled, state)
            xp.add(state, carried, out=state)
            xp.add(state, gradient[t], out=state)
        xp.multiply(state, now[2], out=carried)
        xp.subtract(one, now[1:3], out=rest)  # σ′ is σ (1 − σ)
        xp.multiply(state, rest[1], out=state)
        xp.multiply(state, lags[t], out=by_z)
        xp.multiply(state, slopes[t], out=by_n)
        xp.multiply(by_n, now[1], out=by_m)
        xp.multiply(by_m, now[3], out=by_r)
        xp.multiply(by_r, rest[0], out=by_r)
        xp.copyto(by_gate[t], parts)
    xp.dot(found[0, :, : 3 * k], rolled, state)
    found[steps] = 0
    xp.add(state, carried, out=found[steps, :, :k])
    return found


gru_sweep.vjp(**partials(_sweep_in_steps, *gru_sweep.inputs[:-1]))

_swept = MemoizeLast(lambda g, z, *inputs: gru_sweep(g, *inputs))


def _entering(g: Any, z: Any, x: Any, h: Any, *more: Any) -> Any:
    """The gradient by what enters r, z and n: ``(t, n, 3h)``."""
    return _swept(g, z, x, h, *more)[:-1, :, h.shape[1] :]


def _by_recurrence(g: Any, z: Any, x: Any, h: Any, *more: Any) -> Any:
    k = h.shape[1]
    found = by_weight(_swept(g, z, x, h, *more)[:-1, :, : 3 * k], before(h, z))  # of m, r and z
    return concatenate(found[k:], found[:k])


gru.vjp(
    x=lambda g, z, *inputs: by_input(_entering(g, z, *inputs), inputs[2]),
    h=lambda g, z, x, h, *more: _swept(g, z, x, h, *more)[-1, :, : h.shape[1]],
    weight_ih=lambda g, z, x, *more: by_weight(x, _entering(g, z, x, *more)).T,  # laid out as layers keep it
    weight_hh=_by_recurrence,
    bias=lambda g, z, *inputs: rows(_entering(g, z, *inputs)),
    own=lambda g, z, x, h, *more: rows(_swept(g, z, x, h, *more)[:-1, :, : h.shape[1]]),
)
