"""SGD and Adam as people write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...workloads import ADAM, Workload

Array = np.ndarray


def optimizer(workload: Workload, parameters: Sequence[Array]) -> Callable[[Sequence[Array]], None]:
    """A function that takes the gradients, in the order of ``parameters``, and moves these in place."""
    return sgd(parameters, workload.lr) if workload.optimizer == "sgd" else adam(parameters)


def sgd(parameters: Sequence[Array], lr: float) -> Callable[[Sequence[Array]], None]:
    """p -= lr * g."""

    def update(gradients: Sequence[Array]) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p -= lr * g  # noqa: PLW2901  in place

    return update


def adam(parameters: Sequence[Array]) -> Callable[[Sequence[Array]], None]:
    """Kingma & Ba (2015), algorithm 1, with epsilon added after the root is corrected, as PyTorch does."""
    lr, (beta1, beta2), eps = ADAM["lr"], ADAM["betas"], ADAM["eps"]
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    t = 0

    def update(gradients: Sequence[Array]) -> None:
        nonlocal t
        t += 1
        for i, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
            first[i] = beta1 * first[i] + (1 - beta1) * g
            second[i] = beta2 * second[i] + (1 - beta2) * g**2
            m_hat, v_hat = first[i] / (1 - beta1**t), second[i] / (1 - beta2**t)
            p -= lr * m_hat / (np.sqrt(v_hat) + eps)  # noqa: PLW2901  in place

    return update
