"""MyGrad: the formula on its tensors, ``backward``, NumPy's update; memory guarding off, for speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad

from .. import formulas
from ..data import batch, parameters
from ..workloads import Workload
from .numpy_plain.updates import optimizer


def build(workload: Workload) -> Callable[[], Any]:
    """The training step, for the perceptrons and the elementwise loss."""
    if workload.inference or workload.kind not in ("mlp", "elementwise"):
        raise NotImplementedError
    mygrad.turn_memory_guarding_off()
    x, y = batch(workload)
    weights = [mygrad.tensor(array) for array in parameters(workload).values()]
    update = optimizer(workload, [w.data for w in weights])

    def step() -> Any:
        loss = formulas.loss(mygrad, workload, weights, x, y)
        loss.backward()
        update([w.grad for w in weights])
        return loss

    return step


def finish(value: Any) -> Any:
    """What a step returned, for NumPy to read."""
    return value.data
