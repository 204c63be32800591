"""LeNet that allocates nothing: windows gathered into a buffer, one product for each convolution.

Images lie channels last, ``(n, rows, columns, channels)``: then the product that makes a convolution leaves its result
where the next layer wants it, and nothing is transposed on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ...data import batch, parameters
from ...workloads import Workload
from .losses import cross_entropy
from .updates import constant, optimizer, storage

Array = np.ndarray
KERNEL = 5
ZERO = constant(0)


def empty(*shape: int) -> Array:
    """An array to be written."""
    return np.empty(shape, np.float32)


class Stage(NamedTuple):
    """Convolution, relu and 2×2 pooling: what goes forward, and what goes back."""

    forward: Callable[[], None]
    back: Callable[[], None]
    output: Array  # (n, rows, columns, channels), pooled
    d_output: Array


def stage(x: Array, w: Array, b: Array, dw: Array, db: Array, dx: Array | None) -> Stage:
    """``x`` is (n, i, j, c), ``w`` is (5 · 5 · c, o). ``dx`` receives the gradient by x unless nobody wants it."""
    n, rows, columns, _ = x.shape
    rows, columns, out = rows - KERNEL + 1, columns - KERNEL + 1, w.shape[1]
    windows = sliding_window_view(x, (KERNEL, KERNEL), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    gathered = empty(*windows.shape)  # (n, rows, columns, 5, 5, c)
    patches, ones = gathered.reshape(-1, w.shape[0]), np.ones(n * rows * columns, np.float32)
    z, pooled, scratch = empty(n, rows, columns, out), *(empty(n, rows // 2, columns // 2, out) for _ in range(2))
    z_flat, dz = z.reshape(-1, out), empty(n, rows, columns, out)
    dz_flat, d_pooled = dz.reshape(-1, out), np.empty_like(pooled)
    corners = [(slice(None), slice(i, None, 2), slice(j, None, 2)) for i in (0, 1) for j in (0, 1)]
    squares, d_squares = [z[corner] for corner in corners], [dz[corner] for corner in corners]
    largest = np.empty(pooled.shape, bool)
    patches_t, w_t = patches.T, w.T

    def forward() -> None:
        np.copyto(gathered, windows)
        np.dot(patches, w, z_flat)
        np.maximum(squares[0], squares[1], out=pooled)
        np.maximum(squares[2], squares[3], out=scratch)
        np.maximum(
            pooled, scratch, out=pooled
        )  # relu and bias after the pooling: both are monotone, and it is a quarter
        np.add(pooled, b, scratch)
        np.maximum(scratch, ZERO, out=scratch)

    spread = gathered  # its windows have been used when the gradient is spread over them
    spread_flat = spread.reshape(-1, w.shape[0])
    places = [] if dx is None else [
        (dx[:, k : k + rows, m : m + columns], spread[:, :, :, k, m]) for k in range(KERNEL) for m in range(KERNEL)
    ]  # fmt: skip

    def back() -> None:
        np.greater(scratch, ZERO, largest)
        np.multiply(d_pooled, largest, d_pooled)
        for square, d_square in zip(squares, d_squares, strict=True):
            np.equal(square, pooled, largest)
            np.multiply(d_pooled, largest, d_square)
        np.dot(patches_t, dz_flat, dw)
        np.dot(ones, dz_flat, db)
        if dx is not None:
            np.dot(dz_flat, w_t, spread_flat)
            dx.fill(0)
            for target, part in places:
                np.add(target, part, target)

    return Stage(forward, back, scratch, d_pooled)


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """One training step, or one forward pass."""
    images, labels = batch(workload)
    x = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    n, initial = len(x), parameters(workload)
    for name in ("conv1.weight", "conv2.weight"):  # (o, c, k, l) -> (k l c, o)
        initial[name] = initial[name].transpose(2, 3, 1, 0).reshape(-1, len(initial[name]))
    wide = initial["fc1.weight"].reshape(-1, 16, 4, 4)  # PyTorch flattens channels first
    initial["fc1.weight"] = wide.transpose(0, 2, 3, 1).reshape(len(wide), -1)
    values, gradients, pairs = storage(initial, flat=flat)
    update = optimizer(workload, pairs)
    w1, b1, w2, b2, *dense = values
    dw1, db1, dw2, db2, *d_dense = gradients

    first = stage(x, w1, b1, dw1, db1, None)
    second = stage(first.output, w2, b2, dw2, db2, first.d_output)
    inputs, layers = second.output.reshape(n, -1), []
    for i in range(0, 6, 2):
        w, b = dense[i : i + 2]
        layers.append((inputs, w, w.T, b, empty(n, len(b)), d_dense[i], d_dense[i + 1], empty(*inputs.shape)))
        inputs = layers[-1][4]
    logits = inputs

    def forward() -> object:
        first.forward()
        second.forward()
        for a, _, w_t, b, z, *_ in layers:
            np.dot(a, w_t, z)
            np.add(z, b, z)
            if z is not logits:
                np.maximum(z, ZERO, out=z)
        return logits

    if workload.inference:
        return forward

    loss_and_gradient, ones = cross_entropy(logits, labels), np.ones(n, np.float32)
    masks = [np.empty(layer[0].shape, bool) for layer in layers]
    second_gradient = second.d_output.reshape(n, -1)

    def step() -> object:
        forward()
        loss = loss_and_gradient()
        dz = logits
        for i in (2, 1, 0):
            a, w, _, _, _, dw, db, da = layers[i]
            np.dot(dz.T, a, dw)
            np.dot(ones, dz, db)
            if not i:
                break
            np.dot(dz, w, da)
            np.greater(a, ZERO, masks[i])
            np.multiply(da, masks[i], da)
            dz = da
        np.dot(dz, layers[0][1], second_gradient)  # its relu is the second stage's own
        second.back()
        first.back()
        update()
        return loss

    return step
