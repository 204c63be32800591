"""What every worker does with its shards: forward, backward, and the sums that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from micrograd_np import random
from micrograd_np.compiler import compile as compiled
from micrograd_np.compiler.step import Compiled
from micrograd_np.core.messages import describe_value, must_be
from micrograd_np.core.writes import writes
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module

from .shards import cut, length
from .tree import Array, Part, push, siblings

_RESULT = "a function of model and shard that returns the sum of the losses, a 0-d tensor, and the number of samples"


class Sums(NamedTuple):
    """What a range of shards adds to the step: gradients by node of the tree, and a row of float64 for each shard.

    A row is the sum of the losses, the number of samples, 1.0 or 0.0 for each parameter that a gradient has reached or
    not, and the elements of all buffers of the model afterwards.
    """

    parts: list[Part]
    rows: Array


class Work:
    """Model, loss and parameters of a run, in the process of one worker. It is pickled once for each Ray worker."""

    def __init__(self, loss: Any, model: Module, parameters: list[Tensor], shards: int, seed: int) -> None:
        self.model, self.parameters, self.shards, self.seed = model, parameters, shards, seed
        self.loss: Callable[[Any, Any], Any] = loss
        self.run: Callable[[Any], Any] = self._backward
        if isinstance(loss, Compiled):  # forward and backward in one program
            self.loss = loss.function
            self.run = compiled(self._backward, mode=loss.mode, backend=loss.backend)

    @property
    def trained(self) -> list[Tensor]:
        """The parameters that require a gradient now."""
        return [p for p in self.parameters if p.requires_grad]

    @property
    def dtype(self) -> Any:
        """The dtype of gradient vectors: that of the parameters, but never less than float32."""
        return np.result_type(np.float32, *(p.dtype for p in self.parameters))

    def buffers(self) -> list[Tensor]:
        """The buffers of the model, whichever it has bound now."""
        return list(self.model.buffers())

    def _backward(self, shard: Any) -> tuple[Tensor, Any]:
        """The sum of the losses of a shard, and its number of samples; gradients are in the parameters afterwards."""
        for p in self.parameters:
            p.grad = None
        result = self.loss(self.model, shard)
        if isinstance(result, Tensor):
            count: Any = length(shard)
            total = result * count
        elif isinstance(result, (tuple, list)) and len(result) == 2 and isinstance(result[0], Tensor):
            total, count = result
        else:
            found = describe_value(result)
            raise TypeError(must_be("data_parallel", "loss", f"{_RESULT}; or their mean", found))
        if total.shape != ():
            raise ValueError(must_be("data_parallel", "loss", _RESULT, f"a tensor of shape {total.shape}"))
        total.backward()
        return total, count

    def sums(self, batch: Any, step: int, start: int, stop: int) -> Sums:
        """Forward and backward for shards `start` … `stop` − 1 of `batch`; the model's buffers are as before."""
        trained, before = self.trained, [b.data.copy() for b in self.buffers()]
        rows: list[Array] = []
        parts: list[Part] = []
        try:
            for k in range(start, stop):
                self._write_buffers(before)
                with keyed(self.seed, step, k):
                    total, count = self.run(cut(batch, k, self.shards))
                number = float(count.data if isinstance(count, Tensor) else count)
                reached = [float(p._grad is not None) for p in trained]
                buffers = [b.data.ravel().astype(np.float64) for b in self.buffers()]
                rows.append(np.concatenate([[float(total.data), number], reached, *buffers]))
                if parts and siblings(parts[-1], k, k + 1, self.shards):
                    left = parts.pop()
                    push(parts, Part(left.start, k + 1, self._add(left.vector)), self.shards)
                else:
                    parts.append(Part(k, k + 1, self._add(None)))
        finally:
            self._write_buffers(before)
            for p in self.parameters:
                p.grad = None
        return Sums(parts, np.stack(rows))

    def _add(self, vector: Array | None) -> Array:
        """`vector` plus the gradients of all parameters, in its memory; without one, a new vector of these."""
        new = vector is None
        if vector is None:
            vector = np.empty(sum(p.size for p in self.trained), self.dtype)
        for p, place in zip(self.trained, self.views(vector), strict=True):
            g: Any = 0.0 if p._grad is None else p._grad.data
            if new:
                place[...] = g
            else:
                np.add(place, g, out=place)
        return vector

    def views(self, vector: Array) -> Iterator[Array]:
        """The parts of `vector` in the shapes of the parameters."""
        start = 0
        for p in self.trained:
            yield vector[start : start + p.size].reshape(p.shape)
            start += p.size

    def width(self) -> int:
        """The length of a row."""
        return 2 + len(self.trained) + sum(b.size for b in self.buffers())

    def _write_buffers(self, arrays: Iterable[Array]) -> None:
        for b, array in zip(self.buffers(), arrays, strict=True):
            b.data[...] = array
            writes.note(b.data)

    def average_buffers(self, totals: Array) -> None:
        """Set each buffer to its mean over the shards; whole numbers are rounded. `totals` are their sums in a row."""
        arrays, start = [], 0
        for b in self.buffers():
            mean = totals[start : start + b.size].reshape(b.shape) / self.shards
            arrays.append(mean if b.dtype.kind == "f" else np.rint(mean))
            start += b.size
        self._write_buffers(arrays)


@contextmanager
def keyed(seed: int, step: int, shard: int) -> Iterator[None]:
    """Draws from the package's generator depend on these three numbers inside; afterwards it is where it was."""
    generator = random.generator().bit_generator
    before = generator.state
    generator.state = np.random.PCG64([seed, step, shard]).state
    try:
        yield
    finally:
        generator.state = before
