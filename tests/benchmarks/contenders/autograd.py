"""HIPS autograd: ``value_and_grad`` of the formula, NumPy's update."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
from autograd import value_and_grad

from .. import formulas
from ..data import batch, parameters
from ..workloads import Workload
from .numpy_plain.updates import optimizer


def build(workload: Workload) -> Callable[[], Any]:
    """The training step. Convolutions are left out: autograd has none that a person would train with."""
    if workload.inference or workload.kind == "lenet":
        raise NotImplementedError
    x, y = batch(workload)
    weights = list(parameters(workload).values())
    update = optimizer(workload, weights)
    differentiate = value_and_grad(lambda weights: formulas.loss(anp, workload, weights, x, y))

    def step() -> Any:
        loss, gradients = differentiate(weights)
        update(gradients)
        return loss

    return step
