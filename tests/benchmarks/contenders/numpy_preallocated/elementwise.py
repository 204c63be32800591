"""The elementwise loss, in place and block by block: the arrays of a block fit into the second-level cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...data import batch, parameters
from ...workloads import Workload
from .updates import constant

BLOCK = 16_384  # seven float32 arrays of this length are 448 KiB


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """One step. There is one parameter, so ``flat`` changes nothing."""
    x, (_, y) = parameters(workload)["x"], batch(workload)
    n, rate = x.size, workload.lr
    add, subtract, multiply, divide = np.add, np.subtract, np.multiply, np.divide
    negative, exp, sqrt, dot = np.negative, np.exp, np.sqrt, np.dot
    one, half, scale, lr, two = (constant(value) for value in (1, 0.5, 2 / n, rate, 2))
    scratch = [np.empty(min(n, BLOCK), np.float32) for _ in range(7)]
    blocks = [
        (x[at : at + BLOCK], y[at : at + BLOCK], *(s[: min(n - at, BLOCK)] for s in scratch))
        for at in range(0, n, BLOCK)
    ]

    def step() -> object:
        loss = 0.0
        for x, y, d, t, e, w, h, k, v in blocks:
            subtract(x, y, d)
            multiply(d, d, t)
            negative(t, e)
            exp(e, e)
            add(t, one, t)
            sqrt(t, h)
            multiply(e, h, k)
            multiply(x, y, v)
            divide(v, t, v)
            subtract(h, k, w)
            add(w, v, w)
            loss += float(dot(w, w))

            multiply(w, scale, w)
            multiply(w, k, k)  # ds by way of e
            subtract(one, e, e)
            multiply(e, half, e)
            multiply(w, e, e)
            divide(e, h, e)  # dt by way of h
            add(k, e, k)
            divide(w, t, w)  # du
            multiply(w, v, v)  # what dt gets by way of v, with the other sign
            subtract(k, v, k)  # ds
            multiply(k, d, k)
            multiply(k, two, k)
            multiply(w, y, w)
            add(k, w, k)
            multiply(k, lr, k)
            subtract(x, k, x)
        return loss / n

    return step
