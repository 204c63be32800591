"""The bare ``np.dot`` calls of a perceptron's step, and nothing else: what no NumPy program can beat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data import batch
from ..workloads import Workload


def build(workload: Workload) -> Callable[[], object]:
    """Three products for each layer (forward, weight, input), two for the first; one each for inference."""
    if workload.kind != "mlp":
        raise NotImplementedError
    x, _ = batch(workload)
    generator, products, dot = np.random.default_rng(0), [], np.dot
    a = x
    for n, m in zip(workload.sizes, workload.sizes[1:], strict=False):
        w, z = generator.standard_normal((n, m)).astype(x.dtype), np.empty((len(x), m), x.dtype)
        dz = generator.standard_normal(z.shape).astype(x.dtype)
        products.append((a, w, z))
        if not workload.inference:
            products.append((a.T, dz, np.empty_like(w)))
            products += [] if a is x else [(dz, w.T, np.empty_like(a))]
        a = z

    def step() -> object:
        for left, right, out in products:
            dot(left, right, out)
        return None

    return step
