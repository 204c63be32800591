"""Parameters, their gradients, and SGD or Adam on them, all in place.

Constants are 0-d float32 arrays: NumPy takes those in half the time of a Python float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...workloads import ADAM, Workload

Array = np.ndarray
Pair = tuple[Array, Array]


def constant(value: float) -> Array:
    """A 0-d float32 array."""
    return np.array(value, np.float32)


def storage(
    arrays: Mapping[str, Array] | Sequence[Array], *, flat: bool
) -> tuple[list[Array], list[Array], list[Pair]]:
    """Parameters, gradients, and the pairs of both that an update has to visit.

    With ``flat`` all parameters are pieces of one vector, their gradients of another, and one update moves everything.
    """
    parameters = list(arrays.values() if isinstance(arrays, Mapping) else arrays)
    if not flat:
        parameters = [np.array(p, order="C") for p in parameters]
        gradients = [np.empty_like(p) for p in parameters]
        return parameters, gradients, list(zip(parameters, gradients, strict=True))
    whole = np.concatenate([p.ravel() for p in parameters])
    slopes = np.empty_like(whole)
    return _pieces(whole, parameters), _pieces(slopes, parameters), [(whole, slopes)]


def _pieces(whole: Array, like: Sequence[Array]) -> list[Array]:
    ends = np.cumsum([p.size for p in like])
    return [whole[end - p.size : end].reshape(p.shape) for end, p in zip(ends, like, strict=True)]


def optimizer(workload: Workload, pairs: Sequence[Pair]) -> Callable[[], None]:
    """A function that moves the parameters by their gradients, which it may overwrite."""
    return adam(pairs) if workload.optimizer == "adam" else sgd(pairs, workload.lr)


def sgd(pairs: Sequence[Pair], lr: float) -> Callable[[], None]:
    """p -= lr g."""
    multiply, subtract, rate = np.multiply, np.subtract, constant(lr)

    def update() -> None:
        for p, g in pairs:
            multiply(g, rate, g)
            subtract(p, g, p)

    return update


def adam(pairs: Sequence[Pair]) -> Callable[[], None]:
    """Kingma & Ba (2015), algorithm 1, with epsilon added after the root is corrected, as PyTorch does."""
    multiply, add, divide, subtract, sqrt = np.multiply, np.add, np.divide, np.subtract, np.sqrt
    lr, (beta1, beta2) = ADAM["lr"], ADAM["betas"]
    keep1, keep2, take1, take2 = map(constant, (beta1, beta2, 1 - beta1, 1 - beta2))
    root, size, eps = constant(0), constant(0), constant(ADAM["eps"])
    states = [(p, g, np.zeros_like(p), np.zeros_like(p), np.empty_like(p)) for p, g in pairs]
    t = 0

    def update() -> None:
        nonlocal t
        t += 1
        root[...] = (1 - beta2**t) ** -0.5
        size[...] = lr / (1 - beta1**t)
        for p, g, m, v, s in states:
            multiply(m, keep1, m)
            multiply(g, take1, s)
            add(m, s, m)
            multiply(v, keep2, v)
            multiply(g, g, s)
            multiply(s, take2, s)
            add(v, s, v)
            sqrt(v, s)
            multiply(s, root, s)
            add(s, eps, s)
            divide(m, s, s)
            multiply(s, size, s)
            subtract(p, s, p)

    return update
