"""An exponential moving average of weights: a smoother network than any single step leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from micrograd_np.core.settings import Share
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor

from .advice import listed


class ExponentialMovingAverage:
    """Running means of `parameters`: a ← decay · a + (1 − decay) · p at each `update`, starting from what they are.

    Call `update` after every step; evaluate inside `applied`, which lends the averages to the network.

    >>> p = Tensor([1.0], requires_grad=True)
    >>> average = ExponentialMovingAverage([p], decay=0.9)
    >>> p.data[...] = 2.0
    >>> average.update()
    >>> with average.applied():
    ...     print(p.data)
    [1.1]
    >>> p.data
    array([2.])
    """

    def __init__(self, parameters: Iterable[Tensor], decay: Share = 0.999) -> None:
        self.parameters = listed(type(self).__name__, parameters)
        self.decay = decay
        self.averages = [Tensor(p.data.copy()) for p in self.parameters]

    def update(self) -> None:
        """Move each average towards the present value of its parameter."""
        share = 1.0 - self.decay
        with no_grad():
            for a, p in zip(self.averages, self.parameters, strict=True):
                a *= self.decay  # noqa: PLW2901  in the memory of the average
                a += share * p  # noqa: PLW2901

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block the parameters have the averaged values; afterwards their own again."""
        values = [p.data.copy() for p in self.parameters]
        try:
            self._write(self.averages)
            yield
        finally:
            self._write(values)

    def _write(self, values: Iterable[Any]) -> None:
        with no_grad():
            for p, value in zip(self.parameters, values, strict=True):
                p.copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the averages, in the order of the parameters, and the decay."""
        return {"decay": self.decay, "averages": [a.data.copy() for a in self.averages]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over averages and decay. ValueError, and nothing changed, if the shapes differ."""
        saved = [np.shape(a) for a in state_dict["averages"]]
        shapes = [a.shape for a in self.averages]
        if saved != shapes:
            message = f"load_state_dict into ExponentialMovingAverage: shapes are {shapes} here and {saved} there."
            raise ValueError(message)
        self.decay = state_dict["decay"]
        for a, value in zip(self.averages, state_dict["averages"], strict=True):
            a.copy_(value)
