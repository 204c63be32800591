"""Recurrences: one layer, one direction, (t, n, ·); in float64, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Graph
from .table import operator


def _unrolled(g: Graph, x: Any, weight: Any, bias: Any, step: Callable[[str], str]) -> str:
    """The states of all steps, of which each is ``step(its projected input)``: for float64."""
    g.require_fixed(x, [0])
    states = []
    for t in range(x.shape[0]):
        part = g.axes(g.slice(g.of(x), [(0, slice(t, t + 1))]), [0], "Squeeze")
        gates = part if weight is None else g.node("Gemm", part, g.of(weight), g.of(bias), transB=1)
        states.append(g.axes(step(gates), [0], "Unsqueeze"))
    return g.node("Concat", *states, axis=0)


def _width(g: Graph, h: Any, *weights: Any) -> int:
    """How wide a state is, which is fixed as the weights are."""
    for v in weights:
        g.require_fixed(v, range(len(v.shape)))
    g.require_fixed(h, [1])
    return int(h.shape[1])


def _gate(g: Graph, gates: str, a: int, k: int) -> str:
    return g.slice(gates, [(1, slice(a * k, (a + 1) * k))])


def _rows(g: Graph, weight: Any, order: Sequence[int]) -> str:
    """The gates of a weight or bias in ONNX's order, for one direction."""
    k = weight.shape[0] // len(order)
    rows = np.concatenate([np.arange(a * k, (a + 1) * k) for a in order])
    return g.axes(g.node("Gather", g.of(weight), g.constant(rows), axis=0), [0], "Unsqueeze")


@operator("primitive.lstm_memory", "primitive.gru_memory")
def _memory(g: Graph, *_: Any) -> str:
    return ""  # what only the backward pass reads, or the primitive itself


@operator("primitive.lstm")
def _lstm(g: Graph, x: Any, h: Any, c: Any, weight_ih: Any, weight_hh: Any, bias: Any, *_: Any) -> str:
    order, k = (0, 3, 1, 2), _width(g, c, weight_ih, weight_hh, bias)
    if g.double or h.shape[1] != k:  # after a projection, which stands between the steps
        state = {"h": g.of(h), "c": g.of(c)}

        def step(projected: str) -> str:
            gates = g.node("Add", projected, g.node("Gemm", state["h"], g.of(weight_hh), transB=1))
            i, f, o = (g.node("Sigmoid", _gate(g, gates, a, k)) for a in (0, 1, 3))
            new = g.node("Mul", i, g.node("Tanh", _gate(g, gates, 2, k)))
            state["c"] = g.node("Add", g.node("Mul", f, state["c"]), new)
            state["h"] = g.node("Mul", o, g.node("Tanh", state["c"]))
            return state["h"]

        every = _unrolled(g, x, weight_ih, bias, step)
        return g.node("Concat", every, g.axes(state["c"], [0], "Unsqueeze"), axis=0)
    w, r, b = (_rows(g, part, order) for part in (weight_ih, weight_hh, bias))
    zeros = g.constant(np.zeros((1, 4 * k)), np.float64)
    states = [g.axes(g.of(part), [0], "Unsqueeze") for part in (h, c)]
    every, _last, cell = g.node(
        "LSTM", g.of(x), w, r, g.node("Concat", b, zeros, axis=1), "", *states, hidden_size=k, outputs=3
    )
    return g.node("Concat", g.axes(every, [1], "Squeeze"), cell, axis=0, hint=g.hint)


@operator("primitive.gru")
def _gru(g: Graph, x: Any, h: Any, weight_ih: Any, weight_hh: Any, bias: Any, bias_hn: Any, *_: Any) -> str:
    order, k = (1, 0, 2), _width(g, h, weight_ih, weight_hh, bias, bias_hn)
    if g.double:
        hidden = [g.of(h)]

        def step(by_x: str) -> str:
            by_h = g.node("Gemm", hidden[-1], g.of(weight_hh), transB=1)
            r, z = (g.node("Sigmoid", g.node("Add", _gate(g, by_x, a, k), _gate(g, by_h, a, k))) for a in (0, 1))
            inner = g.node("Mul", r, g.node("Add", _gate(g, by_h, 2, k), g.of(bias_hn)))
            new = g.node("Tanh", g.node("Add", _gate(g, by_x, 2, k), inner))
            hidden.append(g.node("Add", new, g.node("Mul", z, g.node("Sub", hidden[-1], new))))
            return hidden[-1]

        return _unrolled(g, x, weight_ih, bias, step)
    w, r, b = (_rows(g, part, order) for part in (weight_ih, weight_hh, bias))
    inner = g.node("Concat", g.constant(np.zeros((1, 2 * k))), g.axes(g.of(bias_hn), [0], "Unsqueeze"), axis=1)
    state = g.axes(g.of(h), [0], "Unsqueeze")
    every, _last = g.node(
        "GRU", g.of(x), w, r, g.node("Concat", b, inner, axis=1), "", state, hidden_size=k, linear_before_reset=1,
        outputs=2,
    )  # fmt: skip
    return g.axes(every, [1], "Squeeze")


@operator("primitive.rnn")
def _rnn(g: Graph, x: Any, h: Any, weight: Any, *, nonlinearity: str = "tanh") -> str:
    k = _width(g, h, weight)
    if g.double:
        states = [g.of(h)]

        def step(projected: str) -> str:
            gates = g.node("Add", projected, g.node("Gemm", states[-1], g.of(weight), transB=1))
            states.append(g.node(nonlinearity.capitalize(), gates))
            return states[-1]

        return _unrolled(g, x, None, None, step)
    recurrent, state = (g.axes(g.of(part), [0], "Unsqueeze") for part in (weight, h))
    every, _last = g.node(
        "RNN", g.of(x), g.constant(np.eye(k)[None]), recurrent, "", "", state, hidden_size=k,
        activations=[nonlinearity.capitalize()], outputs=2,
    )  # fmt: skip
    return g.axes(every, [1], "Squeeze")
