"""micrograd_np, eager, through ``nn`` and ``optim``: the same lines as ``torch_eager``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import micrograd_np as mg

from ..data import batch, parameters
from ..networks import criterion, elementwise_loss, network, optimizer
from ..workloads import Workload


def build(workload: Workload, compile: Callable[[Any], Any] = lambda function: function) -> Callable[[], Any]:
    """The whole step, or the model alone for inference, goes through ``compile``."""
    mg.set_default_dtype(workload.dtype)
    x, y = batch(workload)
    if workload.kind == "elementwise":
        values = mg.nn.Parameter(parameters(workload)["x"])
        return _training(lambda _, y: elementwise_loss(mg, values, y), workload, [values], x, y, compile)

    model = network(mg, workload)
    model.load_state_dict(parameters(workload))
    if workload.inference:
        predict = compile(model.eval())
        inputs = mg.Tensor(x)

        def infer() -> Any:
            with mg.no_grad():
                return predict(inputs)

        return infer
    loss_of = criterion(mg, workload)
    return _training(lambda x, y: loss_of(model(x), y), workload, model.parameters(), x, y, compile)


def _training(
    loss_at: Callable[..., Any], workload: Workload, parameters: Any, x: Any, y: Any, compile: Callable[[Any], Any]
) -> Callable[[], Any]:
    sgd_or_adam = optimizer(mg, workload, parameters)
    inputs, targets = mg.Tensor(x), mg.Tensor(y)

    def step(x: Any, y: Any) -> Any:
        sgd_or_adam.zero_grad()
        loss = loss_at(x, y)
        loss.backward()
        sgd_or_adam.step()
        return loss

    whole = compile(step)
    return lambda: whole(inputs, targets)


def finish(value: Any) -> Any:
    """What a step returned, for NumPy to read."""
    return value.data
