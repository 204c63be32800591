"""A multi-layer perceptron as people write it: every line makes a new array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import Workload
from .updates import optimizer


def build(workload: Workload) -> Callable[[], object]:
    """One training step, or one forward pass."""
    x, y = batch(workload)
    arrays = list(parameters(workload).values())
    weights, biases = [np.ascontiguousarray(w.T) for w in arrays[::2]], arrays[1::2]
    update = optimizer(workload, [array for pair in zip(weights, biases, strict=True) for array in pair])

    def predict() -> object:
        a = x
        for w, b in zip(weights, biases, strict=True):
            a = 1 / (1 + np.exp(-(a @ w + b)))
        return a

    def step() -> object:
        a, activations = x, [x]
        for w, b in zip(weights, biases, strict=True):
            z = a @ w + b
            a = 1 / (1 + np.exp(-z))
            activations.append(a)
        loss = np.mean((a - y) ** 2)

        gradients = []
        da = 2 * (a - y) / y.size
        for i in range(len(weights) - 1, -1, -1):
            dz = da * activations[i + 1] * (1 - activations[i + 1])
            gradients += [dz.sum(axis=0), activations[i].T @ dz]
            if i:
                da = dz @ weights[i].T
        update(gradients[::-1])
        return loss

    return predict if workload.inference else step
