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
        self.compiled = isinstance(loss, Compiled)
        self.loss: Callable[[Any, Any], Any] = loss.function if self.compiled else loss
        self.run: Callable[[Any], Any] = self._backward
        if self.compiled:
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

    def _backward(self, shard: Any, keep: bool = False) -> tuple[Tensor, Any]:
        """The sum of the losses of a shard, and its number of samples; gradients are in the parameters afterwards.

        With `keep` they are added to those that the parameters have.
        """
        if not keep:
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

        def evaluate(k: int, keep: bool = False) -> None:
            """Evaluate shard `k` and append its row."""
            held = [p._grad if keep else None for p in trained]
            self._write_buffers(before)
            with keyed(self.seed, step, k):
                shard = cut(batch, k, self.shards)
                total, count = self.run(shard, keep=True) if keep else self.run(shard)
            reached = [float(p._grad is not g) for p, g in zip(trained, held, strict=True)]
            buffers = [b.data.ravel().astype(np.float64) for b in self.buffers()]
            numbers = [float(total.data), float(count.data if isinstance(count, Tensor) else count), *reached]
            rows.append(np.concatenate([np.asarray(numbers), *buffers]))
            for p in trained:
                if p._grad is None:
                    p.grad = Tensor(np.zeros_like(p.data))

        k = start
        try:
            while k < stop:
                evaluate(k)
                last = k + 1
                if not self.compiled and k % 2 == 0 and last < stop:  # backward adds, so no other vector is needed
                    evaluate(last, keep=True)
                    last += 1
                if parts and siblings(parts[-1], k, last, self.shards):
                    left = parts.pop()
                    push(parts, Part(left.start, last, self._add(left.vector)), self.shards)
                else:
                    push(parts, Part(k, last, self._add(None)), self.shards)
                k = last
        finally:
            self._write_buffers(before)
            for p in self.parameters:
                p.grad = None
        return Sums(parts, np.stack(rows))

    def _add(self, vector: Array | None) -> Array:
        """`vector` plus the gradients of all parameters, in its memory; without one, a new vector of these."""
        trained, new = self.trained, vector is None
        if vector is None:
            vector = np.empty(sum(p.size for p in trained), self.dtype)
        for p, place in zip(trained, self.views(vector), strict=True):
            g: Any = p._grad
            if new:
                place[...] = g.data
            else:
                np.add(place, g.data, out=place)
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
