"""LeNet as people write it: windows by ``sliding_window_view``, one ``tensordot`` for each convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...data import batch, parameters
from ...workloads import Workload
from .losses import cross_entropy
from .updates import optimizer

Array = np.ndarray


def convolve(x: Array, w: Array, b: Array) -> Array:
    """(n, c, i, j), (o, c, k, l), (o,) -> (n, o, i-k+1, j-l+1)."""
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.tensordot(windows, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]


def convolve_back(g: Array, x: Array, w: Array, *, wants_x: bool = True) -> tuple[Array | None, Array, Array]:
    """The gradients by x (None if nobody wants it), w and b."""
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    dw = np.tensordot(g, windows, axes=((0, 2, 3), (0, 2, 3)))
    db = g.sum(axis=(0, 2, 3))
    if not wants_x:
        return None, dw, db
    dx = np.zeros_like(x)
    rows, columns = g.shape[2:]
    spread = np.tensordot(g, w, axes=(1, 0))  # (n, i, j, c, k, l)
    for k in range(w.shape[2]):
        for m in range(w.shape[3]):
            dx[:, :, k : k + rows, m : m + columns] += spread[..., k, m].transpose(0, 3, 1, 2)
    return dx, dw, db


def pool(x: Array) -> Array:
    """The largest of each 2×2 square."""
    n, c, rows, columns = x.shape
    return x.reshape(n, c, rows // 2, 2, columns // 2, 2).max(axis=(3, 5))


def pool_back(g: Array, x: Array, z: Array) -> Array:
    """The gradient goes to the largest. Equal zeros, after relu, all receive it, and relu then takes it from them."""
    n, c, rows, columns = x.shape
    squares = x.reshape(n, c, rows // 2, 2, columns // 2, 2)
    return ((squares == z[:, :, :, None, :, None]) * g[:, :, :, None, :, None]).reshape(x.shape)


def build(workload: Workload) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, labels = batch(workload)
    weights = parameters(workload)
    update = optimizer(workload, list(weights.values()))
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = weights.values()

    def forward() -> tuple[Array, ...]:
        a1 = np.maximum(convolve(x, w1, b1), 0)
        p1 = pool(a1)
        a2 = np.maximum(convolve(p1, w2, b2), 0)
        p2 = pool(a2)
        flat = p2.reshape(len(x), -1)
        a3 = np.maximum(flat @ w3.T + b3, 0)
        a4 = np.maximum(a3 @ w4.T + b4, 0)
        return a1, p1, a2, p2, flat, a3, a4, a4 @ w5.T + b5

    def step() -> object:
        a1, p1, a2, p2, flat, a3, a4, logits = forward()
        loss, g5 = cross_entropy(logits, labels)
        g4 = (g5 @ w5) * (a4 > 0)
        g3 = (g4 @ w4) * (a3 > 0)
        g2 = pool_back((g3 @ w3).reshape(p2.shape), a2, p2) * (a2 > 0)
        dp1, dw2, db2 = convolve_back(g2, p1, w2)
        g1 = pool_back(dp1, a1, p1) * (a1 > 0)
        _, dw1, db1 = convolve_back(g1, x, w1, wants_x=False)
        dense = (g3.T @ flat, g3.sum(axis=0), g4.T @ a3, g4.sum(axis=0), g5.T @ a4, g5.sum(axis=0))
        update((dw1, db1, dw2, db2, *dense))
        return loss

    return (lambda: forward()[-1]) if workload.inference else step
