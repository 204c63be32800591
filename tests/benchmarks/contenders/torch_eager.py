"""PyTorch, as its users write it: ``zero_grad``, forward, ``backward``, ``step``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..data import batch, parameters
from ..networks import criterion, elementwise_loss, network, optimizer
from ..workloads import Workload


def build(workload: Workload, compile: Callable[[Any], Any] = lambda function: function) -> Callable[[], Any]:
    """The step; what maps arrays to a loss or to an output goes through ``compile`` first."""
    x, y = map(torch.from_numpy, batch(workload))
    if workload.kind == "elementwise":
        values = torch.nn.Parameter(torch.from_numpy(parameters(workload)["x"]))
        return _training(compile(lambda _, y: elementwise_loss(torch, values, y)), workload, [values], x, y)

    model = network(torch, workload).to(getattr(torch, workload.dtype))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in parameters(workload).items()})
    if workload.inference:
        predict = compile(model.eval())

        def infer() -> Any:
            with torch.inference_mode():
                return predict(x)

        return infer
    loss_of = criterion(torch, workload)
    return _training(compile(lambda x, y: loss_of(model(x), y)), workload, model.parameters(), x, y)


def _training(loss_at: Callable[..., Any], workload: Workload, parameters: Any, x: Any, y: Any) -> Callable[[], Any]:
    sgd_or_adam = optimizer(torch, workload, parameters)

    def step() -> Any:
        sgd_or_adam.zero_grad()
        loss = loss_at(x, y)
        loss.backward()
        sgd_or_adam.step()
        return loss

    return step


def finish(value: Any) -> Any:
    """What a step returned, for NumPy to read."""
    return value.detach().numpy()
