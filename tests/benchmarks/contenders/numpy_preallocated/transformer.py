"""One transformer encoder layer that allocates nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...data import batch, parameters
from ...workloads import HEADS, Workload
from .updates import constant, optimizer, storage

Array = np.ndarray
ZERO, EPSILON = constant(0), constant(1e-5)


def empty(*shape: int) -> Array:
    """An array to be written."""
    return np.empty(shape, np.float32)


class Norm(NamedTuple):
    """Layer norm over rows: forward overwrites ``x`` with the normalised rows, back overwrites the gradient."""

    forward: Callable[[], None]
    back: Callable[[], None]


def norm(x: Array, z: Array, g: Array, weight: Array, bias: Array, d_weight: Array, d_bias: Array) -> Norm:
    """``x`` and ``z`` are (rows, width); ``g`` holds the gradient by z, and after ``back`` that by x."""
    rows, width = x.shape
    mean, scale, scratch = empty(rows, 1), empty(rows, 1), np.empty_like(x)
    mean_flat, scale_flat = mean.ravel(), scale.ravel()
    average, ones = (
        np.full(width, 1 / width, np.float32),
        np.ones(rows, np.float32),
    )  # means by products: faster than sums

    def forward() -> None:
        np.dot(x, average, mean_flat)
        np.subtract(x, mean, x)
        np.multiply(x, x, scratch)
        np.dot(scratch, average, scale_flat)
        np.add(scale, EPSILON, scale)
        np.sqrt(scale, scale)
        np.reciprocal(scale, scale)
        np.multiply(x, scale, x)
        np.multiply(x, weight, z)
        np.add(z, bias, z)

    def back() -> None:
        np.multiply(g, x, scratch)
        np.dot(ones, scratch, d_weight)
        np.dot(ones, g, d_bias)
        np.multiply(g, weight, g)
        np.multiply(g, x, scratch)
        np.dot(scratch, average, mean_flat)
        np.multiply(x, mean, scratch)
        np.dot(g, average, mean_flat)
        np.subtract(g, mean, g)
        np.subtract(g, scratch, g)
        np.multiply(g, scale, g)

    return Norm(forward, back)


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """One training step, or one forward pass."""
    images, targets = batch(workload)
    values, gradients, pairs = storage(parameters(workload), flat=flat)
    update = optimizer(workload, pairs)
    w_qkv, b_qkv, w_o, b_o, w1, b1, w2, b2, n1, c1, n2, c2 = values
    dw_qkv, db_qkv, dw_o, db_o, dw1, db1, dw2, db2, dn1, dc1, dn2, dc2 = gradients
    n, length, width = images.shape
    rows, wide, each = n * length, len(b1), width // HEADS
    dot, add, multiply, matmul = np.dot, np.add, np.multiply, np.matmul
    x, y = images.reshape(rows, width), targets.reshape(rows, width)

    def heads(flat_array: Array, parts: int) -> Array:
        return flat_array.reshape(n, length, parts, HEADS, each).transpose(
            2, 0, 3, 1, 4
        )  # (parts, n, heads, length, each)

    qkv, d_qkv = empty(rows, 3 * width), empty(rows, 3 * width)
    q, k, v = apart = empty(3, n, HEADS, length, each)  # heads lie together: products of contiguous matrices
    d_apart = np.empty_like(apart)
    dq, dk, dv = d_apart
    qkv_heads, d_qkv_heads = heads(qkv, 3), heads(d_qkv, 3)
    attention, d_scores = empty(n, HEADS, length, length), empty(n, HEADS, length, length)
    scratch, column = np.empty_like(attention), empty(n, HEADS, length, 1)
    column_flat, mixed_apart = column[..., 0], empty(n, HEADS, length, each)
    mixed, d_mixed = empty(rows, width), empty(rows, width)
    mixed_heads, d_mixed_heads = heads(mixed, 1)[0], heads(d_mixed, 1)[0]
    u1, a, u2, z, g, skip = (empty(rows, width) for _ in range(6))
    hidden, d_hidden, mask = empty(rows, wide), empty(rows, wide), np.empty((rows, wide), bool)
    k_t, v_t, attention_t, d_scores_t = (array.swapaxes(-1, -2) for array in (k, v, attention, d_scores))
    norm1, norm2 = norm(u1, a, g, n1, c1, dn1, dc1), norm(u2, z, g, n2, c2, dn2, dc2)
    shrink, ones, doubled, g_flat = constant(each**-0.5), np.ones(rows, np.float32), constant(2 / y.size), g.ravel()

    def forward() -> object:
        dot(x, w_qkv.T, qkv)
        add(qkv, b_qkv, qkv)
        np.copyto(apart, qkv_heads)
        multiply(q, shrink, q)
        matmul(q, k_t, attention)
        np.maximum.reduce(attention, 3, None, column_flat)
        np.subtract(attention, column, attention)
        np.exp(attention, attention)
        add.reduce(attention, 3, None, column_flat)
        np.divide(attention, column, attention)
        matmul(attention, v, mixed_apart)
        np.copyto(mixed_heads, mixed_apart)
        dot(mixed, w_o.T, u1)
        add(u1, b_o, u1)
        add(u1, x, u1)
        norm1.forward()
        dot(a, w1.T, hidden)
        add(hidden, b1, hidden)
        np.maximum(hidden, ZERO, out=hidden)
        dot(hidden, w2.T, u2)
        add(u2, b2, u2)
        add(u2, a, u2)
        norm2.forward()
        return z

    def step() -> object:
        forward()
        np.subtract(z, y, g)
        loss = dot(g_flat, g_flat) / g_flat.size
        multiply(g, doubled, g)
        norm2.back()
        dot(g.T, hidden, dw2)
        dot(ones, g, db2)
        dot(g, w2, d_hidden)
        np.greater(hidden, ZERO, mask)
        multiply(d_hidden, mask, d_hidden)
        dot(d_hidden.T, a, dw1)
        dot(ones, d_hidden, db1)
        dot(d_hidden, w1, skip)
        add(g, skip, g)
        norm1.back()
        dot(g.T, mixed, dw_o)
        dot(ones, g, db_o)
        dot(g, w_o, d_mixed)
        np.copyto(mixed_apart, d_mixed_heads)
        matmul(attention_t, mixed_apart, dv)
        matmul(mixed_apart, v_t, d_scores)
        multiply(d_scores, attention, scratch)
        add.reduce(scratch, 3, None, column_flat)
        multiply(attention, column, attention)
        np.subtract(scratch, attention, d_scores)
        matmul(d_scores, k, dq)
        multiply(dq, shrink, dq)
        matmul(d_scores_t, q, dk)  # q has been shrunk already
        np.copyto(d_qkv_heads, d_apart)
        dot(d_qkv.T, x, dw_qkv)
        dot(ones, d_qkv, db_qkv)
        update()
        return loss

    return forward if workload.inference else step
