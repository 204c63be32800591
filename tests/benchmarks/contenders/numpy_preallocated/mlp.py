"""A multi-layer perceptron that allocates nothing: every array and every view exists before the first step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import Workload
from .updates import constant, optimizer, storage

Array = np.ndarray


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, y = batch(workload)
    initial = list(parameters(workload).values())
    weights_first = [array.T if array.ndim == 2 else array for array in initial]  # (in, out)
    values, gradients, pairs = storage(weights_first, flat=flat)
    update = optimizer(workload, pairs)
    dot, add, multiply, subtract = np.dot, np.add, np.multiply, np.subtract
    negative, exp, reciprocal, one = np.negative, np.exp, np.reciprocal, constant(1)

    layers, inputs = [], [x]
    for w, b in zip(values[::2], values[1::2], strict=True):
        layers.append((inputs[-1], w, b, np.empty((len(x), w.shape[1]), np.float32)))
        inputs.append(layers[-1][-1])
    output = inputs[-1]

    def forward() -> object:
        for a, w, b, z in layers:
            dot(a, w, z)
            add(z, b, z)
            negative(z, z)
            exp(z, z)
            add(z, one, z)
            reciprocal(z, z)
        return output

    if workload.inference:
        return forward

    ones = np.ones(len(x), np.float32)
    error = np.empty_like(output)
    error_flat, doubled, count = error.ravel(), constant(2 / y.size), y.size
    slope = np.empty(max(z.size for *_, z in layers), np.float32)  # scratch for a (1 - a), of every layer in turn
    back, above = [], error
    for i in range(len(layers) - 1, -1, -1):
        a, w, _, z = layers[i]
        below = np.empty_like(a) if i else None
        scratch = slope[: z.size].reshape(z.shape)
        back.append((z, above, scratch, a.T, gradients[2 * i], gradients[2 * i + 1], w.T, below))
        above = below

    def step() -> object:
        forward()
        subtract(output, y, error)
        loss = dot(error_flat, error_flat) / count
        multiply(error, doubled, error)
        for z, dz, s, a_t, dw, db, w_t, da in back:
            subtract(one, z, s)
            multiply(s, z, s)
            multiply(dz, s, dz)
            dot(a_t, dz, dw)
            dot(ones, dz, db)
            if da is not None:
                dot(dz, w_t, da)
        update()
        return loss

    return step
