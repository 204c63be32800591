"""Recurrences over time: a plain RNN, LSTM and GRU, each one primitive for all time steps.

What the input contributes to all steps is one matrix product, made before; here `x` is that, biases included. A step then
is a small product with the state before and a handful of elementwise lines. One primitive for all steps, because a vertex
per step and line would cost more than the arithmetic: 50 steps of 32 × 64 would leave 800 vertices on the tape (measured:
2.5 times the time). Each result holds, beside the states, the gates, which the way back needs.

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
    """A derivative rule for an op that computes what `function` does of primitives: the gradient by one of its inputs."""

    def rule(g: Any, z: Any, *inputs: Any) -> Any:
        lifted = isinstance(g, Tensor)
        with enable_grad():  # fresh vertices, so that no other path from an input to this one counts
            fresh = [copy(x) if isinstance(x, Tensor) and x.requires_grad else Tensor(as_array(x), True) for x in inputs]
            value = function(*fresh)
        found: list[Any] = []
        pull(value, g, lambda _, gx: found.append(gx), lifted=lifted, retain=True, targets={fresh[which]})
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


# long short-term memory


@primitive(
    "lstm {x}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,2,8),(2,2),(2,2),(8,2)->(3,2,12)",
    onnx="LSTM",
)
def lstm(xp: Any, out: Any, x: Any, h: Any, c: Any, weight: Any) -> Any:
    """Gates, cell and state after every step, side by side: ``(t, n, 4h), (n, h), (n, h), (4h, h) -> (t, n, 6h)``.

    i, f, o = σ(xₜ + U hₜ₋₁), g = tanh(the same); c = f c + i g; h = o tanh c. In the order i, f, g, o, c, h.
    Source: Hochreiter & Schmidhuber (1997), Gers et al. (2000).
    """
    steps, n, wide = x.shape
    k = wide // 4
    z = xp.empty((steps, n, 6 * k), dtype=xp.result_type(x, h, c, weight)) if out is ... else out
    turned = weight.T
    with xp.errstate(over="ignore"):
        for t in range(steps):
            now = z[t]
            s = xp.dot(h, turned)
            s = xp.add(s, x[t], out=s)
            e = xp.negative(s)  # σ of all four, of g in vain: one call on contiguous memory beats two on parts
            e = xp.exp(e, out=e)
            e = xp.add(e, 1, out=e)
            xp.reciprocal(e, out=now[:, :wide])
            g = xp.tanh(s[:, 2 * k : 3 * k], out=now[:, 2 * k : 3 * k])
            fresh = xp.multiply(now[:, :k], g)
            c = xp.multiply(now[:, k : 2 * k], c, out=now[:, wide : wide + k])
            c = xp.add(c, fresh, out=c)
            fresh = xp.tanh(c, out=fresh)
            h = xp.multiply(now[:, 3 * k : wide], fresh, out=now[:, wide + k :])
    return z


def _lstm_sweep_in_steps(gradient: Any, z: Any, c: Any, weight: Any) -> Any:
    """What `lstm_sweep` computes, in primitives: what its own derivative is taken of."""
    steps, _, wide = z.shape
    k = wide // 6
    i, f, g, o, cells = (z[:, :, a * k : (a + 1) * k] for a in range(5))
    squashed, before = tanh(cells), _before(c, cells)
    direct, dc, dh = gradient[:, :, : 4 * k], gradient[:, :, 4 * k : 5 * k], gradient[:, :, 5 * k :]
    slopes = concatenate(i * (1 - i), f * (1 - f), 1 - g * g, o * (1 - o), axis=-1)
    found: list[Any] = []
    for t in range(steps - 1, -1, -1):
        state = dh[t] + matmul(found[-1][:, : 4 * k], weight) if found else dh[t]
        cell = dc[t] + state * (o[t] * (1 - squashed[t] * squashed[t]))
        cell = cell + found[-1][:, 4 * k :] if found else cell
        parts = concatenate(cell * g[t], cell * before[t], cell * i[t], state * squashed[t], axis=-1)
        found.append(concatenate((parts + direct[t]) * slopes[t], cell * f[t], axis=-1))
    return _stacked(found)


@primitive(
    "back through lstm {gradient}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,2,12),(3,2,12),(2,2),(8,2)->(3,2,10)",
)
def lstm_sweep(xp: Any, out: Any, gradient: Any, z: Any, c: Any, weight: Any) -> Any:
    """The gradients by what the gates of `lstm` were made of, and behind them that by the cell before each step.

    ``(t, n, 6h), (t, n, 6h), (n, h), (4h, h) -> (t, n, 5h)``. A primitive because it is half of the time of training an
    LSTM, and in place in one loop takes half as long as in primitives.
    """
    steps, n, wide = z.shape
    k = wide // 6
    found = xp.empty((steps, n, 5 * k), dtype=xp.result_type(gradient, z, c, weight)) if out is ... else out
    carried = delta = None
    for t in range(steps - 1, -1, -1):
        now, arriving, leaving = z[t], gradient[t], found[t]
        before = z[t - 1, :, 4 * k : 5 * k] if t else c
        i, f, g, o = now[:, :k], now[:, k : 2 * k], now[:, 2 * k : 3 * k], now[:, 3 * k : 4 * k]
        if delta is None:
            state = arriving[:, 5 * k :]
        else:
            state = xp.dot(delta, weight)
            state = xp.add(state, arriving[:, 5 * k :], out=state)
        squashed = xp.tanh(now[:, 4 * k : 5 * k])
        cell = xp.multiply(squashed, squashed)
        cell = xp.subtract(1, cell, out=cell)
        cell = xp.multiply(cell, o, out=cell)
        cell = xp.multiply(cell, state, out=cell)
        cell = xp.add(cell, arriving[:, 4 * k : 5 * k], out=cell)
        if carried is not None:
            cell = xp.add(cell, carried, out=cell)
        delta = leaving[:, : 4 * k]
        xp.multiply(cell, g, out=delta[:, :k])
        xp.multiply(cell, before, out=delta[:, k : 2 * k])
        xp.multiply(cell, i, out=delta[:, 2 * k : 3 * k])
        xp.multiply(state, squashed, out=delta[:, 3 * k :])
        delta = xp.add(delta, arriving[:, : 4 * k], out=delta)
        slopes = xp.subtract(1, now[:, : 4 * k])  # σ′ is σ (1 − σ), of all four, of g in vain, as on the way there
        slopes = xp.multiply(slopes, now[:, : 4 * k], out=slopes)
        flat = xp.multiply(g, g, out=slopes[:, 2 * k : 3 * k])
        xp.subtract(1, flat, out=flat)
        delta = xp.multiply(delta, slopes, out=delta)
        carried = xp.multiply(cell, f, out=leaving[:, 4 * k :])
    return found


lstm_sweep.vjp(**{name: partial(_lstm_sweep_in_steps, i) for i, name in enumerate(lstm_sweep.inputs)})

_lstm_sweep = _Once(lstm_sweep)


def _lstm_gates(gradient: Any, z: Any, c: Any, weight: Any) -> Any:
    return _lstm_sweep(gradient, z, c, weight)[:, :, : weight.shape[0]]


lstm.vjp(
    x=lambda g, z, x, h, c, weight: _lstm_gates(g, z, c, weight),
    h=lambda g, z, x, h, c, weight: matmul(_lstm_gates(g, z, c, weight)[0], weight),
    c=lambda g, z, x, h, c, weight: _lstm_sweep(g, z, c, weight)[0, :, weight.shape[0] :],
    weight=lambda g, z, x, h, c, weight: _weight_gradient(
        _lstm_gates(g, z, c, weight), _before(h, z[:, :, -weight.shape[1] :])
    ),
)


# gated recurrent units


@primitive(
    "gru {x}",
    domain=(REALS, REALS, REALS, REALS),
    shape="(3,2,6),(2,2),(6,2),(2)->(3,2,10)",
    onnx="GRU",
)
def gru(xp: Any, out: Any, x: Any, h: Any, weight: Any, bias: Any) -> Any:
    """Gates and state after every step, side by side: ``(t, n, 3h), (n, h), (3h, h), (h,) -> (t, n, 5h)``.

    r, z = σ(xₜ + U hₜ₋₁); m = Uₙ hₜ₋₁ + b; n = tanh(xₜ + r m); h = (1 − z) n + z hₜ₋₁. In the order r, z, n, m, h. `bias` is
    that of m alone; the others are part of x. Source: Cho et al. (2014), with PyTorch's place for r.
    """
    steps, samples, wide = x.shape
    k = wide // 3
    z = xp.empty((steps, samples, 5 * k), dtype=xp.result_type(x, h, weight, bias)) if out is ... else out
    turned = weight.T
    with xp.errstate(over="ignore"):
        for t in range(steps):
            now, given = z[t], x[t]
            s = xp.dot(h, turned)
            gates = s[:, : 2 * k]
            gates = xp.add(gates, given[:, : 2 * k], out=gates)
            gates = xp.negative(gates, out=gates)
            gates = xp.exp(gates, out=gates)
            gates = xp.add(gates, 1, out=gates)
            xp.reciprocal(gates, out=now[:, : 2 * k])
            m = xp.add(s[:, 2 * k :], bias, out=now[:, 3 * k : 4 * k])
            n = xp.multiply(now[:, :k], m, out=now[:, 2 * k : 3 * k])
            n = xp.add(n, given[:, 2 * k :], out=n)
            n = xp.tanh(n, out=n)
            old = xp.subtract(h, n)  # n + z (h − n)
            old = xp.multiply(old, now[:, k : 2 * k], out=old)
            h = xp.add(n, old, out=now[:, 4 * k :])
    return z


@_Once
def _gru_sweep(gradient: Any, out: Any, h: Any, weight: Any) -> Any:
    """The gradients by r's, z's, n's and m's makings and by the state before each step: (t, n, 5h)."""
    k = weight.shape[1]
    r, z, n, m, states = (out[:, :, a * k : (a + 1) * k] for a in range(5))
    by = [gradient[:, :, a * k : (a + 1) * k] for a in range(5)]
    before = _before(h, states)
    slope_r, slope_z, slope_n = r * (1 - r), z * (1 - z), 1 - n * n
    apart, rest = (before - n) * slope_z, 1 - z
    direct_z, direct_r = by[1] * slope_z, by[0] * slope_r
    pull_r = m * slope_r
    found: list[Any] = []
    carried = None
    for t in range(out.shape[0] - 1, -1, -1):
        state = by[4][t] if carried is None else by[4][t] + carried
        made_n = (state * rest[t] + by[2][t]) * slope_n[t]
        made_z = state * apart[t] + direct_z[t]
        made_r = made_n * pull_r[t] + direct_r[t]
        made_m = made_n * r[t] + by[3][t]
        carried = state * z[t] + matmul(concatenate(made_r, made_z, made_m, axis=-1), weight)
        found.append(concatenate(made_r, made_z, made_n, made_m, carried, axis=-1))
    return _stacked(found)


def _gru_weight(g: Any, z: Any, x: Any, h: Any, weight: Any, bias: Any) -> Any:
    k = weight.shape[1]
    sweep = _gru_sweep(g, z, h, weight)
    delta = concatenate(sweep[:, :, : 2 * k], sweep[:, :, 3 * k : 4 * k], axis=-1)
    return _weight_gradient(delta, _before(h, z[:, :, 4 * k :]))


gru.vjp(
    x=lambda g, z, x, h, weight, bias: _gru_sweep(g, z, h, weight)[:, :, : 3 * weight.shape[1]],
    h=lambda g, z, x, h, weight, bias: _gru_sweep(g, z, h, weight)[0, :, 4 * weight.shape[1] :],
    weight=_gru_weight,
    bias=lambda g, z, x, h, weight, bias: _gru_sweep(g, z, h, weight)[:, :, 3 * bias.shape[0] : 4 * bias.shape[0]],
)
