"""An LSTM and its backpropagation through time as people write it. Gates in PyTorch's order: i, f, g, o."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import Workload
from .losses import cross_entropy
from .updates import optimizer

Array = np.ndarray


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), as it is usually written."""
    return 1 / (1 + np.exp(-z))


def build(workload: Workload) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, labels = batch(workload)
    weights = parameters(workload)
    update = optimizer(workload, list(weights.values()))
    w_in, w_hid, b_in, b_hid, w_out, b_out = weights.values()
    size = workload.sizes[1]

    def forward() -> tuple[list[tuple[Array, ...]], Array]:
        h = c = np.zeros((x.shape[1], size), x.dtype)
        tape = []
        for x_t in x:
            z = x_t @ w_in.T + b_in + h @ w_hid.T + b_hid
            i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
            g, o = np.tanh(z[:, 2 * size : 3 * size]), sigmoid(z[:, 3 * size :])
            before_h, before_c = h, c
            c = f * c + i * g
            tanh_c = np.tanh(c)
            h = o * tanh_c
            tape.append((x_t, before_h, before_c, i, f, g, o, tanh_c))
        return tape, h

    def predict() -> object:
        return forward()[1] @ w_out.T + b_out

    def step() -> object:
        tape, h = forward()
        loss, d_logits = cross_entropy(h @ w_out.T + b_out, labels)
        dh, dc = d_logits @ w_out, np.zeros_like(h)
        dw_in, dw_hid, db = np.zeros_like(w_in), np.zeros_like(w_hid), np.zeros_like(b_in)
        for x_t, before_h, before_c, i, f, g, o, tanh_c in reversed(tape):
            dc = dc + dh * o * (1 - tanh_c**2)
            dz_i, dz_f = dc * g * i * (1 - i), dc * before_c * f * (1 - f)
            dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
            dz = np.concatenate((dz_i, dz_f, dz_g, dz_o), axis=1)
            dw_in += dz.T @ x_t
            dw_hid += dz.T @ before_h
            db += dz.sum(axis=0)
            dh, dc = dz @ w_hid, dc * f
        update((dw_in, dw_hid, db, db, d_logits.T @ h, d_logits.sum(axis=0)))
        return loss

    return predict if workload.inference else step
