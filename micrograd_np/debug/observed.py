"""A forward pass that a watcher observes, and that leaves the model and the generator as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.events import Events
from micrograd_np.core.modes import mode
from micrograd_np.core.writes import writes
from micrograd_np.engine.grad_mode import enable_grad
from micrograd_np.engine.tensor import Tensor


@contextmanager
def observed(model: Any, events: Events) -> Iterator[None]:
    """Report to `events`, and record a graph; then restore attributes and buffers of `model`, and the generator."""
    buffers = [(b, b.data.copy(), (b.data, b.node, b.requires_grad, b._notes)) for b in model.buffers()]
    attributes = [(module, dict(vars(module))) for module in model.modules()]  # a call may replace a buffer
    state, outer = random.generator().bit_generator.state, mode.events
    mode.set(events=events)
    try:
        with enable_grad():
            yield
    finally:
        mode.set(events=outer)
        random.generator().bit_generator.state = state
        for module, before in attributes:
            vars(module).clear()
            vars(module).update(before)
        for b, values, kept in buffers:
            b.data, b.node, b.requires_grad, b._notes = kept  # a write in the graph makes it a result
            b.data[...] = values
            writes.note(b.data)


def as_inputs(function: str, model: Any, inputs: Sequence[Any]) -> list[Tensor]:
    """Arrays and Tensors as inputs of `model`: floating arrays are cast to the dtype of its parameters.

    TypeError, which names the `function`, for a tuple of integers, which may be meant as a shape.
    """
    floating = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), None)
    return [x if isinstance(x, Tensor) else Tensor(_as_array(function, x, floating)) for x in inputs]


def _as_array(function: str, x: Any, floating: Any) -> Any:
    if type(x) is tuple and all(isinstance(n, int) for n in x):
        advice = f"For a shape, pass np.zeros({x}); for values, np.array({x})."
        raise TypeError(f"{function}: {x} may be a shape or values. {advice}")
    array = np.asarray(x)
    return array.astype(floating) if array.dtype.kind == "f" and floating is not None else array
