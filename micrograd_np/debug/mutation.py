"""Raw arrays that change between forward and backward."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.vertex import Node, Source, Vertex

from .origin import origin_of
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from micrograd_np.core.vertex import Op


class detect_mutation(Watch):  # noqa: N801  a function to its users
    """In this block (or decorated function) backward raises RuntimeError if an array it needs was changed behind its
    back.

    Writes through a Tensor (``t += 1``, ``t[0] = 1``, an optimiser's step) are noticed always, by counting them. A
    write to the array itself (``t.data[0] = 1``, or to the batch that was passed in) cannot be counted; here every
    array that an op saves is summed up, and compared before its derivative is believed. The message names the op that
    saved it and its line.

    >>> import numpy as np
    >>> import micrograd_np as mg
    >>> batch = np.ones(3)
    >>> w = mg.Tensor(2.0, requires_grad=True)
    >>> with mg.detect_mutation():
    ...     loss = (w * batch).sum()
    ...     batch[0] = 5.0
    ...     loss.backward()
    Traceback (most recent call last):
    RuntimeError: detect_mutation: input y of multiply...
    """

    def applied(self, op: Op, inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Sum up what `op` keeps for its derivative: inputs and result."""
        super().applied(op, inputs, static, result)
        if isinstance(result, Vertex) and result.op is not None and result.notes is not None:
            result.notes["saved"] = [_sum(x) for x in (*inputs, result)]

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """Compare, once for each vertex."""
        saved = (z.notes or {}).pop("saved", None)
        if saved is None:
            return
        inputs = z.held or z.arrays or ()
        for k, (array, before) in enumerate(zip((*(z.arrays or ()), z.data), saved, strict=True)):
            if _sum(array) != before:
                raise _changed(z, k, (*inputs, z)[k])


def _sum(x: Any) -> int | None:
    array = x.data if isinstance(x, Source) else x
    return zlib.crc32(np.ascontiguousarray(array).data) if isinstance(array, np.ndarray) else None


def _changed(z: Node, k: int, x: Any) -> RuntimeError:
    op, origin = z.op, origin_of(z)
    assert op is not None
    name = getattr(x, "name", None)
    where = f" at {origin}: {origin.source}" if origin else ""
    position = "the result" if k == len(z.inputs) else f"input {op.inputs[min(k, len(op.inputs) - 1)]}"
    return RuntimeError(
        f"detect_mutation: {position} of {op.name}{f' ({name})' if name else ''}, an array of shape {x.shape}, was "
        f"changed after {op.name} had saved it{where}. Its derivative would be wrong. Change a copy, or change it "
        f"after backward()."
    )
