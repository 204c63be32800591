"""ONNX's recurrent operators: gates in another order than ours, weights of both directions in one tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd_np import functional as F  # noqa: N812 - the field's name
from micrograd_np.engine.constant import as_constant
from micrograd_np.nn.recurrent import _KINDS

ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "LSTM": ("Sigmoid", "Tanh", "Tanh"),
    "GRU": ("Sigmoid", "Tanh"),
    "RNN": ("Tanh",),
}
ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which of ONNX's blocks of rows each of ours is: i, o, f, c to i, f, g, o; z, r, h to r, z, n."""


def rows(w: Any, kind: str) -> Any:
    """Blocks of rows in our order."""
    order = ORDER[kind]
    k = w.shape[0] // len(order)
    return w if len(order) == 1 else np.concatenate([w[i * k : (i + 1) * k] for i in order])


def _reset_first(x: Any, h: Any, weights: Sequence[Any]) -> Any:
    """A GRU whose reset gate acts before the product, which ours has not."""
    w_ih, w_hh, b_ih, b_hh = weights
    k = w_hh.shape[1]
    by_x = F.linear(x, w_ih, b_ih if b_hh is None else b_ih + b_hh)
    states = []
    for t in range(x.shape[0]):
        r, z = (F.sigmoid(by_x[t][:, s] + F.linear(h, w_hh[s])) for s in (slice(0, k), slice(k, 2 * k)))
        n = F.tanh(by_x[t][:, 2 * k :] + F.linear(r * h, w_hh[2 * k :]))
        h = n + z * (h - n)
        states.append(h)
    return np.stack(states), (h,)


def _recurrent(kind: str) -> Callable[..., Any]:
    """The operator of this kind, a function of x, W, R, B and the states."""

    def run(
        x: Any, w: Any, r: Any, b: Any = None, h: Any = None, c: Any = None, *, direction: str = "forward",
        hidden_size: int | None = None, layout: int = 0, activations: Any = None, activation_alpha: Any = None,
        activation_beta: Any = None, linear_before_reset: int = 0, sequence_lens: Any = None, outputs: int = 1,
    ) -> Any:  # fmt: skip
        default = ACTIVATIONS[kind] * w.shape[0]
        names = tuple(activations or default)[: len(default)]  # the standard's default is for two directions
        if names != default and not (kind == "RNN" and set(names) == {"Relu"}):
            raise ValueError(f"activations {names} are not supported; {default} are")
        x = np.swapaxes(x, 0, 1) if layout else x
        if sequence_lens is not None and {*np.ravel(sequence_lens)} != {x.shape[0]}:
            raise ValueError("sequence_lens that differ from the length of the input are not supported")
        steps, states = [], []
        for d in range(w.shape[0]):
            backward = d == 1 or direction == "reverse"
            k = r.shape[2]
            bias = (None, None) if b is None else (b[d][: b.shape[1] // 2], b[d][b.shape[1] // 2 :])
            weights = [v if v is None else rows(v, kind) for v in (w[d], r[d], *bias)]
            zero = as_constant(np.zeros((x.shape[1], k), x.dtype))
            start = tuple(zero if s is None else (s[:, d] if layout else s[d]) for s in (h, c)[: _KINDS[kind].states])
            turned = np.flip(x, axis=0) if backward else x
            if kind == "GRU" and not linear_before_reset:
                z, last = _reset_first(turned, start[0], weights)
            else:
                z, last = _KINDS[kind].run(turned, start, [*weights, None], names[0].lower())
            steps.append(np.flip(z, axis=0) if backward else z)
            states.append(last)
        axis = 2 if layout else 1
        y = np.stack(steps, axis=1)
        y = np.transpose(y, (2, 0, 1, 3)) if layout else y
        return y, *(np.stack(s, axis=axis - 1) for s in zip(*states, strict=True))

    return run


lstm, gru, rnn = (_recurrent(kind) for kind in ("LSTM", "GRU", "RNN"))


def by_direction(results: Any, directions: int) -> tuple[Any, ...]:
    """What a layer of ours gives, as ONNX has it: outputs ``(t, n, d·h) -> (t, d, n, h)``, then the states."""
    z, states = results
    t, n, k = z.shape
    y = np.transpose(np.reshape(z, (t, n, directions, k // directions)), (0, 2, 1, 3))
    return y, *(states if isinstance(states, tuple) else (states,))
