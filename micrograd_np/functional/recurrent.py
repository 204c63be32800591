"""Recurrences over time: a plain RNN, LSTM and GRU, each one primitive for all time steps.

What the input contributes to all steps is one matrix product, made before; here `x` is that, biases included. A step
then is a small product with the state before and a handful of elementwise lines. One primitive for all steps, because a
vertex per step and line would cost more than the arithmetic: 50 steps of 32 × 64 would leave 800 vertices on the tape
(measured: 2.5 times the time). Each result holds, beside the states, the gates, which the way back needs.

Gates lie one after another in memory, not side by side as in PyTorch: on 32 × 64 numbers with gaps between the rows a
NumPy call takes four to seven times as long as on the same numbers in one piece (measured).

On the way back an application's rules all need the same sweep from the last step to the first, so it is made once, for
whichever rule asks first; the others are one product or one slice of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from micrograd_np.backward import pull
from micrograd_np.grad_mode import enable_grad
from micrograd_np.ops.comparison import greater
from micrograd_np.ops.domains import REALS
from micrograd_np.ops.index import place
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import concatenate, reshape
from micrograd_np.ops.state import copy
from micrograd_np.ops.transcendental import tanh
from micrograd_np.primitive import primitive
from micrograd_np.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable


class _Once:
    """A function of a gradient and a result whose latest value is found again while somebody still holds it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.latest: tuple[Any, Any, Any] | None = None  # weak references: nothing is kept alive for this

    def __call__(self, g: Any, z: Any, *inputs: Any) -> Any:
        latest = self.latest
        if latest is not None and latest[0]() is g and latest[1]() is z:
            found = latest[2]()
            if found is not None:
                return found
        found = self.function(g, z, *inputs)
        self.latest = (ref(g), ref(z), ref(found))
        return found


def partial(function: Callable[..., Any], which: int) -> Callable[..., Any]:
    """The derivative rule, by one of its inputs, of an op that computes what `function` does in primitives."""

    def rule(g: Any, z: Any, *inputs: Any) -> Any:
        lifted = isinstance(g, Tensor)
        with enable_grad():  # fresh vertices, so that no other path from an input to this one counts
            fresh = [
                copy(x) if isinstance(x, Tensor) and x.requires_grad else Tensor(as_array(x), True) for x in inputs
            ]
            value = function(*fresh)
        found: list[Any] = []
        pull(value, g, lambda _, gx: found.append(gx), lifted=lifted, retain=True, targets=frozenset((fresh[which],)))
        return found[0] if found else inputs[which] * 0

    return rule


def as_array(x: Any) -> Any:
    """The array of a tensor, or an array itself."""
    return x.data if isinstance(x, Tensor) else x


def _before(first: Any, states: Any) -> Any:
    """The state that each step began with: ``(n, h), (t, n, h) -> (t, n, h)``."""
    return concatenate(reshape(first, shape=(1, *first.shape)), states[:-1])


def _weight_gradient(delta: Any, before: Any) -> Any:
    """Σ over steps and samples of delta ⊗ state: ``(t, n, g), (t, n, h) -> (g, h)``."""
    rows = reshape(delta, shape=(-1, delta.shape[-1]))
    return matmul(rows.T, reshape(before, shape=(-1, before.shape[-1])))


def _stacked(steps: list[Any]) -> Any:
    """Steps gathered from the last to the first, along a new first axis in their proper order."""
    return concatenate(*(reshape(x, shape=(1, *x.shape)) for x in reversed(steps)))


# the plain recurrence


@primitive(
    "rnn {x}",
    domain=(REALS, REALS, REALS),
    shape="(3,2,4),(2,4),(4,4)->(3,2,4)",
    examples=({}, {"nonlinearity": "relu"}),
    onnx="RNN",
)
def rnn(xp: Any, out: Any, x: Any, h: Any, weight: Any, *, nonlinearity: str = "tanh") -> Any:
    """hₜ = tanh(xₜ + U hₜ₋₁), or relu: ``(t, n, h), (n, h), (h, h) -> (t, n, h)``, the state after every step."""
    z = xp.empty(x.shape, dtype=xp.result_type(x, h, weight)) if out is ... else out
    turned = weight.T
    for t in range(x.shape[0]):
        s = xp.dot(h, turned)
        s = xp.add(s, x[t], out=s)
        h = z[t]
        h = xp.tanh(s, out=h) if nonlinearity == "tanh" else xp.maximum(s, 0, out=h)
    return z


@_Once
def _rnn_sweep(g: Any, z: Any, weight: Any, nonlinearity: str) -> Any:
    slopes = 1 - z * z if nonlinearity == "tanh" else greater(z, 0)
    delta = g[-1] * slopes[-1]
    deltas = [delta]
    for t in range(g.shape[0] - 2, -1, -1):
        delta = (g[t] + matmul(delta, weight)) * slopes[t]
        deltas.append(delta)
    return _stacked(deltas)


rnn.vjp(
    x=lambda g, z, x, h, weight, nonlinearity: _rnn_sweep(g, z, weight, nonlinearity),
    h=lambda g, z, x, h, weight, nonlinearity: matmul(_rnn_sweep(g, z, weight, nonlinearity)[0], weight),
    weight=lambda g, z, x, h, weight, nonlinearity: _weight_gradient(
        _rnn_sweep(g, z, weight, nonlinearity), _before(h, z)
    ),
)


def _by_gate(xp: Any, weight: Any, gates: int) -> Any:
    """``(gates · h, h) -> (gates, h, h)``, each transposed: one product per gate leaves each gate's result in one
    piece.
    """
    k = weight.shape[1]
    return xp.ascontiguousarray(xp.transpose(xp.reshape(weight, (gates, k, k)), (0, 2, 1)))


def _squash(xp: Any, whole: Any, *parts: Any) -> None:
    """tanh of the whole in place, but σ of the parts, as σ(x) = ½ + ½ tanh(x/2), which here is half the time of 1 / (1
    + exp).

    A gate below 1e-16 becomes 0 by it, which nothing that it multiplies would notice.
    """
    for part in parts:
        xp.multiply(part, 0.5, out=part)
    xp.tanh(whole, out=whole)
    for part in parts:
        xp.multiply(part, 0.5, out=part)
        xp.add(part, 0.5, out=part)


# long short-term memory: z holds i, f, g, o, c and h


@primitive(
    "lstm {x}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,2,8),(2,2),(2,2),(8,2)->(3,6,2,2)",
    onnx="LSTM",
)
def lstm(xp: Any, out: Any, x: Any, h: Any, c: Any, weight: Any) -> Any:
    """Gates, cell and state after every step: ``(t, n, 4h), (n, h), (n, h), (4h, h) -> (t, 6, n, h)``.

    i, f, o = σ(xₜ + U hₜ₋₁), g = tanh(the same); c = f c + i g; h = o tanh c. In the order i, f, g, o, c, h.
    Source: Hochreiter & Schmidhuber (1997), Gers et al. (2000).
    """
    steps, n, wide = x.shape
    k = wide // 4
    z = xp.empty((steps, 6, n, k), dtype=xp.result_type(x, h, c, weight)) if out is ... else out
    turned = _by_gate(xp, weight, 4)
    given = xp.transpose(xp.reshape(x, (steps, n, 4, k)), (0, 2, 1, 3))
    fresh = xp.empty((n, k), dtype=z.dtype)
    for t in range(steps):
        now = z[t]
        gates, i_f, o, inside = now[:4], now[:2], now[3], now[4]
        xp.matmul(h, turned, out=gates)
        xp.add(gates, given[t], out=gates)
        _squash(xp, gates, i_f, o)
        xp.multiply(now[0], now[2], out=fresh)
        xp.multiply(now[1], c, out=inside)
        xp.add(inside, fresh, out=inside)
        xp.tanh(inside, out=fresh)
        h, c = now[5], inside
        xp.multiply(o, fresh, out=h)
    return z


def _lstm_sweep_in_steps(gradient: Any, z: Any, c: Any, weight: Any) -> Any:
    """What `lstm_sweep` computes, in primitives: what its own derivative is taken of."""
    steps, _, n, k = z.shape
    i, f, g, o, cells = (z[:, a] for a in range(5))
    squashed, before = tanh(cells), _before(c, cells)
    slopes = i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o)
    found: list[Any] = []
    cell = None
    for t in range(steps - 1, -1, -1):
        state = gradient[t, 5] + matmul(found[-1], weight) if found else gradient[t, 5]
        fresh = gradient[t, 4] + state * (o[t] - z[t, 5] * squashed[t])
        cell = fresh if cell is None else fresh + cell * f[t + 1]
        parts = cell * g[t], cell * before[t], cell * i[t], state * squashed[t]
        found.append(concatenate(*((p + gradient[t, a]) * slopes[a][t] for a, p in enumerate(parts)), axis=-1))
    last = place(cell * f[0], index=(slice(None), slice(0, k)), shape=(n, 4 * k))
    return concatenate(_stacked(found), reshape(last, shape=(1, n, 4 * k)))


@primitive(
    "back through lstm {gradient}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,6,2,2),(3,6,2,2),(2,2),(8,2)->(4,2,8)",
)
def lstm_sweep(xp: Any, out: Any, gradient: Any, z: Any, c: Any, weight: Any) -> Any:
    """The gradients by what the gates of `lstm` were made of, step by step, and last, in the first h places, by c.

    ``(t, 6, n, h), (t, 6, n, h), (n, h), (4h, h) -> (t + 1, n, 4h)``. A primitive because it is half of the time of
    training an LSTM, and in place in one loop takes half as long as in primitives.
    """
    steps, _, n, k = z.shape
    found = xp.empty((steps + 1, n, 4 * k), dtype=xp.result_type(gradient, z, c, weight)) if out is ... else out
    by_gate = xp.transpose(xp.reshape(found, (steps + 1, n, 4, k)), (0, 2, 1, 3))
    state, cell, carried, squashed = (xp.empty((n, k), dtype=found.dtype) for _ in range(4))
    parts, squares, slopes = (xp.empty((4, n, k), dtype=found.dtype) for _ in range(3))
    for t in range(steps - 1, -1, -1):
        now, arriving = z[t], gradient[t]
        gates, last = now[:4], t == steps - 1
        if last:
            xp.copyto(state, arriving[5])
        else:
            xp.dot(found[t + 1], weight, state)
            xp.add(state, arriving[5], out=state)
        xp.tanh(now[4], out=squashed)
        xp.multiply(now[5], squashed, out=cell)
        xp.subtract(now[3], cell, out=cell)  # o (1 − tanh² c) is o − h tanh c
        xp.multiply(cell, state, out=cell)
        xp.add(cell, arriving[4], out=cell)
        if not last:
            xp.add(cell, carried, out=cell)
        xp.multiply(cell, now[2::-2], out=parts[::2])  # i and g are each other's factors
        xp.multiply(cell, z[t - 1, 4] if t else c, out=parts[1])
        xp.multiply(state, squashed, out=parts[3])
        xp.add(parts, arriving[:4], out=parts)
        xp.multiply(gates, gates, out=squares)
        xp.subtract(gates, squares, out=slopes)  # σ′ is σ − σ², tanh′ is 1 − tanh²
        xp.subtract(1, squares[2], out=slopes[2])
        xp.multiply(parts, slopes, out=by_gate[t])
        xp.multiply(cell, now[1], out=carried)
    found[steps] = 0
    xp.copyto(found[steps, :, :k], carried)
    return found


lstm_sweep.vjp(**{name: partial(_lstm_sweep_in_steps, i) for i, name in enumerate(lstm_sweep.inputs)})

_lstm_sweep = _Once(lstm_sweep)

lstm.vjp(
    x=lambda g, z, x, h, c, weight: _lstm_sweep(g, z, c, weight)[:-1],
    h=lambda g, z, x, h, c, weight: matmul(_lstm_sweep(g, z, c, weight)[0], weight),
    c=lambda g, z, x, h, c, weight: _lstm_sweep(g, z, c, weight)[-1, :, : c.shape[1]],
    weight=lambda g, z, x, h, c, weight: _weight_gradient(_lstm_sweep(g, z, c, weight)[:-1], _before(h, z[:, 5])),
)


# gated recurrent units: out holds r, z, n, m and h


@primitive(
    "gru {x}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,2,6),(2,2),(6,2),(2)->(3,5,2,2)",
    onnx="GRU",
)
def gru(xp: Any, out: Any, x: Any, h: Any, weight: Any, bias: Any) -> Any:
    """Gates and state after every step: ``(t, n, 3h), (n, h), (3h, h), (h,) -> (t, 5, n, h)``.

    r, z = σ(xₜ + U hₜ₋₁); m = Uₙ hₜ₋₁ + b; n = tanh(xₜ + r m); h = (1 − z) n + z hₜ₋₁. In the order r, z, n, m, h.
    `bias` is that of m alone; the others are part of x. Source: Cho et al. (2014), with PyTorch's place for r.
    """
    steps, samples, wide = x.shape
    k = wide // 3
    z = xp.empty((steps, 5, samples, k), dtype=xp.result_type(x, h, weight, bias)) if out is ... else out
    turned = _by_gate(xp, weight, 3)
    given = xp.transpose(xp.reshape(x, (steps, samples, 3, k)), (0, 2, 1, 3))
    s, old = xp.empty((3, samples, k), dtype=z.dtype), xp.empty((samples, k), dtype=z.dtype)
    for t in range(steps):
        now, put = z[t], given[t]
        gates, n = now[:2], now[2]
        xp.matmul(h, turned, out=s)
        xp.add(s[:2], put[:2], out=gates)
        _squash(xp, gates, gates)
        xp.add(s[2], bias, out=now[3])
        xp.multiply(now[0], now[3], out=n)
        xp.add(n, put[2], out=n)
        xp.tanh(n, out=n)
        xp.subtract(h, n, out=old)  # n + z (h − n)
        xp.multiply(old, now[1], out=old)
        h = now[4]
        xp.add(n, old, out=h)
    return z


def _gru_sweep_in_steps(gradient: Any, out: Any, h: Any, weight: Any) -> Any:
    """What `gru_sweep` computes, in primitives: what its own derivative is taken of."""
    r, z, n, m, states = (out[:, a] for a in range(5))
    before = _before(h, states)
    slope_r, slope_z, slope_n = r * (1 - r), z * (1 - z), 1 - n * n
    found: list[Any] = []
    carried = None
    for t in range(out.shape[0] - 1, -1, -1):
        state = gradient[t, 4] if carried is None else gradient[t, 4] + carried
        made_n = (state * (1 - z[t]) + gradient[t, 2]) * slope_n[t]
        made_z = (state * (before[t] - n[t]) + gradient[t, 1]) * slope_z[t]
        made_r = (made_n * m[t] + gradient[t, 0]) * slope_r[t]
        made_m = made_n * r[t] + gradient[t, 3]
        carried = state * z[t] + matmul(concatenate(made_r, made_z, made_m, axis=-1), weight)
        found.append(concatenate(made_r, made_z, made_m, made_n, axis=-1))
    last = place(carried, index=(slice(None), slice(0, h.shape[1])), shape=found[0].shape)
    return concatenate(_stacked(found), reshape(last, shape=(1, *last.shape)))


@primitive(
    "back through gru {gradient}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,5,2,2),(3,5,2,2),(2,2),(6,2)->(4,2,8)",
)
def gru_sweep(xp: Any, out: Any, gradient: Any, z: Any, h: Any, weight: Any) -> Any:
    """The gradients by what r, z, m and n of `gru` were made of, step by step, and last, in the first places, by h.

    ``(t, 5, n, h), (t, 5, n, h), (n, h), (3h, h) -> (t + 1, n, 4h)``. A primitive for the reason that `lstm_sweep` is
    one.
    """
    steps, _, samples, k = z.shape
    found = xp.empty((steps + 1, samples, 4 * k), dtype=xp.result_type(gradient, z, h, weight)) if out is ... else out
    by_gate = xp.transpose(xp.reshape(found, (steps + 1, samples, 4, k)), (0, 2, 1, 3))
    state, slope = xp.empty((samples, k), dtype=found.dtype), xp.empty((samples, k), dtype=found.dtype)
    parts = xp.empty((4, samples, k), dtype=found.dtype)
    by_r, by_z, by_m, by_n = parts[0], parts[1], parts[2], parts[3]
    for t in range(steps - 1, -1, -1):
        now, arriving = z[t], gradient[t]
        r, update, n = now[0], now[1], now[2]
        if t == steps - 1:
            xp.copyto(state, arriving[4])
        else:
            xp.multiply(state, z[t + 1, 1], out=slope)
            xp.dot(found[t + 1, :, : 3 * k], weight, state)
            xp.add(state, slope, out=state)
            xp.add(state, arriving[4], out=state)
        xp.subtract(1, update, out=slope)
        xp.multiply(state, slope, out=by_n)
        xp.add(by_n, arriving[2], out=by_n)
        xp.multiply(slope, update, out=slope)
        xp.subtract(z[t - 1, 4] if t else h, n, out=by_z)
        xp.multiply(by_z, state, out=by_z)
        xp.add(by_z, arriving[1], out=by_z)
        xp.multiply(by_z, slope, out=by_z)
        xp.multiply(n, n, out=slope)
        xp.subtract(1, slope, out=slope)
        xp.multiply(by_n, slope, out=by_n)
        xp.multiply(by_n, now[3], out=by_r)
        xp.add(by_r, arriving[0], out=by_r)
        xp.subtract(1, r, out=slope)
        xp.multiply(slope, r, out=slope)
        xp.multiply(by_r, slope, out=by_r)
        xp.multiply(by_n, r, out=by_m)
        xp.add(by_m, arriving[3], out=by_m)
        xp.copyto(by_gate[t], parts)
    xp.multiply(state, z[0, 1], out=slope)
    xp.dot(found[0, :, : 3 * k], weight, state)
    found[steps] = 0
    xp.add(state, slope, out=found[steps, :, :k])
    return found


gru_sweep.vjp(**{name: partial(_gru_sweep_in_steps, i) for i, name in enumerate(gru_sweep.inputs)})

_gru_sweep = _Once(gru_sweep)


def _gru_by_x(g: Any, z: Any, x: Any, h: Any, weight: Any, bias: Any) -> Any:
    sweep, k = _gru_sweep(g, z, h, weight)[:-1], bias.shape[0]
    return concatenate(sweep[:, :, : 2 * k], sweep[:, :, 3 * k :], axis=-1)


def _gru_by_weight(g: Any, z: Any, x: Any, h: Any, weight: Any, bias: Any) -> Any:
    sweep, k = _gru_sweep(g, z, h, weight)[:-1], bias.shape[0]
    return _weight_gradient(sweep[:, :, : 3 * k], _before(h, z[:, 4]))


gru.vjp(
    x=_gru_by_x,
    h=lambda g, z, x, h, weight, bias: _gru_sweep(g, z, h, weight)[-1, :, : bias.shape[0]],
    weight=_gru_by_weight,
    bias=lambda g, z, x, h, weight, bias: _gru_sweep(g, z, h, weight)[:-1, :, 2 * bias.shape[0] : 3 * bias.shape[0]],
)
