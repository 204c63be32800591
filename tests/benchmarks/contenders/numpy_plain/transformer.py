"""One transformer encoder layer as people write it: attention, addition, norm, two dense layers, addition, norm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import HEADS, Workload
from .updates import optimizer

Array = np.ndarray


def norm(x: Array, weight: Array, bias: Array) -> tuple[Array, Array, Array]:
    """Layer norm over the last axis; with the normalised values and 1/deviation, which the way back needs."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    unit = centred * scale
    return unit * weight + bias, unit, scale


def norm_back(g: Array, weight: Array, unit: Array, scale: Array) -> tuple[Array, Array, Array]:
    """The gradients by x, weight and bias."""
    axes = tuple(range(g.ndim - 1))
    du = g * weight
    dx = scale * (du - du.mean(axis=-1, keepdims=True) - unit * (du * unit).mean(axis=-1, keepdims=True))
    return dx, (g * unit).sum(axis=axes), g.sum(axis=axes)


def softmax(z: Array) -> Array:
    """Softmax over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def build(workload: Workload) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, y = batch(workload)
    weights = parameters(workload)
    update = optimizer(workload, list(weights.values()))
    w_qkv, b_qkv, w_o, b_o, w1, b1, w2, b2, n1, c1, n2, c2 = weights.values()
    n, length, width = x.shape
    per_head = width // HEADS
    shrink = 1 / np.sqrt(x.dtype.type(per_head))

    def split(qkv: Array) -> Array:
        return qkv.reshape(n, length, 3, HEADS, per_head).transpose(2, 0, 3, 1, 4)  # (3, n, heads, length, per_head)

    def flat(a: Array) -> Array:
        return a.reshape(n * length, -1)

    def forward() -> tuple[Array, ...]:
        q, k, v = split(x @ w_qkv.T + b_qkv)
        attention = softmax(q @ k.transpose(0, 1, 3, 2) * shrink)  # (n, heads, length, length)
        mixed = (attention @ v).transpose(0, 2, 1, 3).reshape(n, length, width)
        a, unit1, scale1 = norm(x + mixed @ w_o.T + b_o, n1, c1)
        hidden = np.maximum(a @ w1.T + b1, 0)
        z, unit2, scale2 = norm(a + hidden @ w2.T + b2, n2, c2)
        return q, k, v, attention, mixed, a, unit1, scale1, hidden, z, unit2, scale2

    def step() -> object:
        q, k, v, attention, mixed, a, unit1, scale1, hidden, z, unit2, scale2 = forward()
        loss = np.mean((z - y) ** 2)
        ds2, dn2, dc2 = norm_back(2 * (z - y) / y.size, n2, unit2, scale2)
        d_hidden = (ds2 @ w2) * (hidden > 0)
        ds1, dn1, dc1 = norm_back(ds2 + d_hidden @ w1, n1, unit1, scale1)
        d_mixed = (ds1 @ w_o).reshape(n, length, HEADS, per_head).transpose(0, 2, 1, 3)
        d_attention = d_mixed @ v.transpose(0, 1, 3, 2)
        d_scores = attention * (d_attention - (d_attention * attention).sum(axis=-1, keepdims=True)) * shrink
        d_qkv = np.stack((d_scores @ k, d_scores.transpose(0, 1, 3, 2) @ q, attention.transpose(0, 1, 3, 2) @ d_mixed))
        d_qkv = d_qkv.transpose(1, 3, 0, 2, 4).reshape(n * length, 3 * width)
        attends = (d_qkv.T @ flat(x), d_qkv.sum(axis=0), flat(ds1).T @ flat(mixed), ds1.sum(axis=(0, 1)))
        d_wide, ds2 = flat(d_hidden), flat(ds2)
        dense = (d_wide.T @ flat(a), d_wide.sum(axis=0), ds2.T @ flat(hidden), ds2.sum(axis=0))
        update((*attends, *dense, dn1, dc1, dn2, dc2))
        return loss

    return (lambda: forward()[9]) if workload.inference else step
