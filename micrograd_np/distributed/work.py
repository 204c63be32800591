"""What every worker does with its shards: forward, backward, and the sums that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from micrograd_np import random
from micrograd_np.compiler import compile as compiled
from micrograd_np.compiler.step import Compiled
from micrograd_np.core.hooks import changes
from micrograd_np.core.messages import describe_value, must_be
from micrograd_np.core.writes import writes
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module

from .shards import cut, length
from .tree import Array, Part, siblings

_BLOCK = 1 << 16  # elements that are added at once: few enough for the nearest caches
_RESULT = "a function of model and shard that returns the sum of the losses, a 0-d tensor, and the number of samples"


class Sums(NamedTuple):
    """What a range of shards adds to the step: gradients by node of the tree, and a row of float64 for each shard.

    A row is the sum of the losses, the number of samples, a number for each parameter, and the elements of all buffers
    of the model afterwards. The number is the memory order in which the parameter lies in vectors, 1 for C and 2 for
    Fortran (to transpose a gradient takes longer than to add it), and negative where no gradient has reached it.
    """

    parts: list[Part]
    rows: Array


class Work:
    """Model, loss and parameters of a run, in the process of one worker. It is pickled once for each Ray worker."""

    def __init__(self, loss: Any, model: Module, parameters: list[Tensor], shards: int, seed: int) -> None:
        self.loss, self.model, self.shards, self.seed = loss, model, shards, seed
        self.train(parameters)

    def train(self, parameters: list[Tensor]) -> None:
        """Compute the gradients of `parameters` from now on."""
        self.parameters = parameters
        self._seen: tuple[int, Any] = (-1, ())
        model, function = self.model, self.loss.function if isinstance(self.loss, Compiled) else self.loss

        def loss(shard: Any) -> tuple[Tensor, Any]:
            return _backward(function, model, parameters, shard)

        self.run: Callable[[Any], Any] = loss
        if isinstance(self.loss, Compiled):  # forward and backward in one program
            self.run = compiled(loss, mode=self.loss.mode, backend=self.loss.backend)

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
        return self._parts()[1]

    def tensors(self) -> list[Tensor]:
        """What a loss may depend on: parameters, those too that another optimiser trains or none, and buffers."""
        return self._parts()[2]

    def modes(self) -> tuple[list[bool], list[bool]]:
        """Which modules are in training mode, and which tensors require a gradient."""
        modules, _, tensors = self._parts()
        return [m.training for m in modules], [t.requires_grad for t in tensors]

    def _parts(self) -> tuple[list[Module], list[Tensor], list[Tensor]]:
        """Modules, buffers and all tensors; looked for again where a module has changed, or may have unnoticed."""
        if self._seen[0] != changes.number:
            modules, buffers = list(self.model.modules()), list(self.model.buffers())
            tensors = list(dict.fromkeys([*self.parameters, *self.model.parameters(), *buffers]))
            attributes = {id(x) for m in modules for x in vars(m).values()}
            in_lists = any(id(x) not in attributes for x in (*modules[1:], *buffers))  # of which nobody says a change
            self._seen = -1 if in_lists else changes.number, (modules, buffers, tensors)
        return self._seen[1]

    def sums(self, batch: Any, step: int, start: int, stop: int) -> Sums:
        """Forward and backward for shards `start` … `stop` − 1 of `batch`; the model's buffers are as before."""
        trained, buffers, dtype = self.trained, self.buffers(), self.dtype
        before, orders = [b.data.copy() for b in buffers], [_order(p) for p in trained]
        generator = random.generator().bit_generator
        drawn = generator.state
        draws = [np.random.PCG64([self.seed, step, k]).state for k in range(start, stop)]
        rows: list[Array] = []
        parts: list[Part] = []
        try:
            for k, state in enumerate(draws, start):
                write(buffers, before)
                generator.state = state
                total, count = self.run(cut(batch, k, self.shards))
                number = float(count.data if isinstance(count, Tensor) else count)
                reached = [-order if p._grad is None else order for p, order in zip(trained, orders, strict=True)]
                buffers = self.buffers()  # the loss may have bound others
                after = [b.data.ravel().astype(np.float64) for b in buffers]
                rows.append(np.concatenate([[float(total.data), number], reached, *after]))
                first, lefts = k, []
                while parts and siblings(parts[-1], first, k + 1, self.shards):
                    left = parts.pop()
                    first = left.start
                    lefts.append(left.vector)
                parts.append(Part(first, k + 1, _added(lefts, _flat(trained, orders, dtype), dtype)))
        finally:
            generator.state = drawn
            write(self.buffers(), before)
            for p in self.parameters:
                p.grad = None
        return Sums(parts, np.stack(rows))

    def orders(self, rows: Array) -> list[int]:
        """The memory order of each parameter in the vectors of `rows`."""
        return np.abs(rows[0, 2 : 2 + len(self.trained)]).astype(int).tolist()

    def reached(self, rows: Array) -> list[bool]:
        """Which parameters a gradient has reached in any shard."""
        return [bool(column.max() > 0) for column in rows[:, 2 : 2 + len(self.trained)].T]

    def views(self, vector: Array, orders: list[int]) -> list[Array]:
        """The parts of `vector` in the shapes of the parameters."""
        views, start = [], 0
        for p, order in zip(self.trained, orders, strict=True):
            part = vector[start : start + p.data.size]
            views.append(part.reshape(p.shape[::-1]).T if order == 2 else part.reshape(p.shape))
            start += p.data.size
        return views

    def reordered(self, vector: Array, before: list[int], after: list[int]) -> Array:
        """`vector` in other memory orders; itself where they are the same."""
        if before == after:
            return vector
        result = np.empty_like(vector)
        for new, old in zip(self.views(result, after), self.views(vector, before), strict=True):
            new[...] = old
        return result

    def width(self) -> int:
        """The length of a row."""
        return 2 + len(self.trained) + sum(b.data.size for b in self.buffers())

    def average_buffers(self, rows: Array, totals: Array) -> None:
        """Set what shards have changed in buffers to its mean over them; whole numbers are rounded.

        `totals` is the sum of the rows. What no shard has changed stays, for a mean of equal numbers may differ from
        them by rounding.
        """
        start = 2 + len(self.trained)
        for b in self.buffers():
            here = slice(start, start + b.data.size)
            changed = (rows[:, here] != b.data.ravel()).any(0).reshape(b.shape)
            mean = totals[here].reshape(b.shape)[changed] / self.shards
            b.data[changed] = mean if b.dtype.kind == "f" else np.rint(mean)
            writes.note(b.data)
            start += b.data.size


def _backward(
    function: Callable[[Any, Any], Any], model: Module, parameters: list[Tensor], shard: Any
) -> tuple[Tensor, Any]:
    """The sum of the losses of a shard, and its number of samples; gradients are in the parameters afterwards."""
    for p in parameters:
        p.grad = None
    result = function(model, shard)
    if isinstance(result, Tensor):
        result = result * length(shard), length(shard)
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    if not (pair and isinstance(result[0], Tensor) and _is_number(result[1])):
        kinds = " and ".join(map(describe_value, result if pair else [result]))
        raise TypeError(must_be("data_parallel", "loss", f"{_RESULT}; or their mean", kinds))
    total, count = result
    if total.shape != ():
        raise ValueError(must_be("data_parallel", "loss", _RESULT, f"a tensor of shape {total.shape}"))
    total.backward()
    return total, count


def _is_number(x: Any) -> bool:
    """Whether `x` is one number, in any of its types."""
    return isinstance(x, (Real, np.ndarray, Tensor)) and getattr(x, "shape", ()) == ()


def write(tensors: Iterable[Tensor], arrays: Iterable[Array]) -> None:
    """Write each array into the memory of its tensor."""
    for t, array in zip(tensors, arrays, strict=True):
        t.data[...] = array
        writes.note(t.data)


def _order(p: Tensor) -> int:
    """The memory order of `p`, which its gradients mostly have, and its update wants: 2 for Fortran, else 1."""
    return 2 if p.data.flags.f_contiguous and not p.data.flags.c_contiguous else 1


def _flat(trained: list[Tensor], orders: list[int], dtype: Any) -> list[Array]:
    """The gradient of each parameter as one axis; zeros where it has none."""
    return [
        np.broadcast_to(dtype.type(0), p.size)
        if p._grad is None
        else (p._grad.data.T if order == 2 else p._grad.data).reshape(-1)
        for p, order in zip(trained, orders, strict=True)
    ]


def _added(lefts: list[Array], gradients: list[Array], dtype: Any) -> Array:
    """Gradients one after another as a vector; or added to the first of `lefts`, that to the second, and so on.

    The last of them is overwritten and returned. They are added block by block, so that each is read once.
    """
    if not lefts:
        return np.concatenate([np.zeros(0, dtype), *gradients], dtype=dtype)
    *inner, target = lefts
    scratch = np.empty(_BLOCK, dtype)
    place = 0
    for g in gradients:
        for i in range(0, g.size, _BLOCK):
            right = g[i : i + _BLOCK]
            here = slice(place + i, place + i + right.size)
            for left in inner:
                right = np.add(left[here], right, out=scratch[: right.size])
            np.add(target[here], right, out=target[here])
        place += g.size
    return target
