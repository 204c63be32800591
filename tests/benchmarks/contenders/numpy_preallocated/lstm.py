"""An LSTM that allocates nothing: inputs of all steps projected by one product, gates of a step in one array.

Since sigmoid(z) = (tanh(z/2) + 1) / 2, one tanh over all four gates, with vectors that scale and shift, serves the
three sigmoids and the tanh. Weight gradients of all steps are one product each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import Workload
from .losses import cross_entropy
from .updates import constant, optimizer, storage

Array = np.ndarray


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, labels = batch(workload)
    values, gradients, pairs = storage(parameters(workload), flat=flat)
    update = optimizer(workload, pairs)
    w_in, w_hid, b_in, b_hid, w_out, b_out = values
    dw_in, dw_hid, db_in, db_hid, dw_out, db_out = gradients
    steps, n, features = x.shape
    size = workload.sizes[1]
    dot, add, subtract, multiply, tanh = np.dot, np.add, np.subtract, np.multiply, np.tanh
    one = constant(1)

    x_flat = x.reshape(-1, features)
    gates = np.empty((steps, n, 4 * size), np.float32)
    gates_flat, bias = gates.reshape(-1, 4 * size), np.empty_like(b_in)
    hs, cs = np.zeros((steps + 1, n, size), np.float32), np.zeros((steps + 1, n, size), np.float32)
    tanh_cs, product, recurrent = (
        np.empty_like(cs[1:]),
        np.empty((n, size), np.float32),
        np.empty((n, 4 * size), np.float32),
    )
    logits = np.empty((n, len(b_out)), np.float32)
    half = np.full(4 * size, 0.5, np.float32)  # sigmoid for i, f and o ...
    shift = np.full(4 * size, 0.5, np.float32)
    half[2 * size : 3 * size], shift[2 * size : 3 * size] = 1, 0  # ... and tanh itself for g
    w_in_t, w_hid_t, w_out_t = w_in.T, w_hid.T, w_out.T
    ahead = [
        (gates[t], *np.split(gates[t], 4, axis=1), hs[t], hs[t + 1], cs[t], cs[t + 1], tanh_cs[t]) for t in range(steps)
    ]

    def forward() -> object:
        add(b_in, b_hid, bias)
        dot(x_flat, w_in_t, gates_flat)
        add(gates_flat, bias, gates_flat)
        for z, i, f, g, o, h, new_h, c, new_c, tanh_c in ahead:
            dot(h, w_hid_t, recurrent)
            add(z, recurrent, z)
            multiply(z, half, z)
            tanh(z, z)
            multiply(z, half, z)
            add(z, shift, z)
            multiply(f, c, new_c)
            multiply(i, g, product)
            add(new_c, product, new_c)
            tanh(new_c, tanh_c)
            multiply(o, tanh_c, new_h)
        dot(hs[-1], w_out_t, logits)
        add(logits, b_out, logits)
        return logits

    if workload.inference:
        return forward

    loss_and_gradient = cross_entropy(logits, labels)
    d_gates = np.empty_like(gates)
    d_flat_t, d_flat = d_gates.reshape(-1, 4 * size).T, d_gates.reshape(-1, 4 * size)
    slopes, slopes_flat = np.empty_like(gates), np.empty_like(gates_flat)
    dh, dc, scratch = (np.empty((n, size), np.float32) for _ in range(3))
    past, ones, ones_n = hs[:-1].reshape(-1, size), np.ones(steps * n, np.float32), np.ones(n, np.float32)
    cell_slopes = np.empty_like(tanh_cs)
    g_all = gates[..., 2 * size : 3 * size]
    slope_g = slopes[..., 2 * size : 3 * size]
    slopes_flat = slopes.reshape(-1, 4 * size)
    behind = [
        (gates[t], d_gates[t], *np.split(d_gates[t], 4, axis=1), slopes[t], *np.split(gates[t], 4, axis=1), cs[t],
         tanh_cs[t], cell_slopes[t])
        for t in range(steps - 1, -1, -1)
    ]  # fmt: skip

    def step() -> object:
        forward()
        loss = loss_and_gradient()
        dot(logits.T, hs[-1], dw_out)
        dot(ones_n, logits, db_out)
        dot(logits, w_out, dh)
        dc.fill(0)
        subtract(one, gates_flat, slopes_flat)  # a (1 - a) for the sigmoids
        multiply(slopes_flat, gates_flat, slopes_flat)
        multiply(g_all, g_all, slope_g)  # 1 - g² for the tanh
        subtract(one, slope_g, slope_g)
        multiply(tanh_cs, tanh_cs, cell_slopes)
        subtract(one, cell_slopes, cell_slopes)
        for _, dz, di, df, dg, do, slope, i, f, g, o, c, tanh_c, cell_slope in behind:
            multiply(dh, tanh_c, do)
            multiply(dh, o, scratch)
            multiply(scratch, cell_slope, scratch)
            add(dc, scratch, dc)
            multiply(dc, g, di)
            multiply(dc, c, df)
            multiply(dc, i, dg)
            multiply(dz, slope, dz)
            multiply(dc, f, dc)
            dot(dz, w_hid, dh)
        dot(d_flat_t, x_flat, dw_in)
        dot(d_flat_t, past, dw_hid)
        dot(ones, d_flat, db_in)
        np.copyto(db_hid, db_in)
        update()
        return loss

    return step
