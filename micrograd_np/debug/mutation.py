"""Raw arrays that change between forward and backward."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from micrograd_np.core.primitive import Primitive
from micrograd_np.core.vertex import Node, Source, Vertex

from .origin import Watch, origin_of


class detect_mutation(Watch):  # noqa: N801  a function to its users
    """In this block (or decorated function) backward raises RuntimeError if an array that it needs was changed.

    Writes through a Tensor (``t += 1``, ``t[0] = 1``, an optimiser's step) are always counted and noticed. A write to
    the array itself (``t.data[0] = 1``, or to the batch that was passed in) cannot be counted; this context keeps a
    checksum of every array that an op saves, and compares it before the derivative is computed. The message names the
    op that saved the array and its line.

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

    def applied(self, op: Primitive[Any], inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Keep checksums of what `op` saves for its derivative: inputs and result."""
        super().applied(op, inputs, static, result)
        if isinstance(result, Vertex) and result.op is not None and result.notes is not None:
            result.notes["saved"] = [_checksum(x) for x in (*inputs, result)]

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """Compare, once for each vertex."""
        saved = (z.notes or {}).pop("saved", None)
        if saved is None:
            return
        inputs = z.held or z.arrays or ()
        for k, (array, before) in enumerate(zip((*(z.arrays or ()), z.data), saved, strict=True)):
            if _checksum(array) != before:
                op, origin, x = z.op, origin_of(z), (*inputs, z)[k]
                alias = f" ({x.name})" if getattr(x, "name", None) else ""
                where = f" at {origin}: {origin.source}" if origin else ""
                position = "the result" if k == len(z.inputs) else f"input {op.inputs[min(k, len(op.inputs) - 1)]}"
                raise RuntimeError(
                    f"detect_mutation: {position} of {op.name}{alias}, an array of shape {x.shape}, was changed after "
                    f"{op.name} had saved it{where}. Its derivative would be wrong. Change a copy, or change it after "
                    f"backward()."
                )


def _checksum(x: Any) -> int | None:
    array = x.data if isinstance(x, Source) else x
    return zlib.crc32(np.ascontiguousarray(array).data) if isinstance(array, np.ndarray) else None
