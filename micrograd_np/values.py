"""The values of a recorded graph: those that are held, and those that follow from them by computing again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .modes import mode
from .vertex import Node, Source, Vertex, held_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable


def values(order: Iterable[Source]) -> dict[Source, Any]:
    """The array of each vertex in `order`, inputs before what is made of them; None where it is lost.

    A record holds what its rules read; the rest is computed again from leaves and constants that are still there.
    """
    found: dict[Source, Any] = {}
    for z in order:
        if isinstance(z.data, np.ndarray):
            found[z] = z.data
        elif isinstance(z, Node):
            inputs = [_array(x, found) for x in held_inputs(z)]
            known = z.arrays is not None and all(x is not None for x in inputs)
            found[z] = _again(z, inputs) if known else None
    return found


def _array(x: Any, found: dict[Source, Any]) -> Any:
    if isinstance(x, Node):
        return found.get(x)
    return x.data if isinstance(x, Vertex) else x


def _again(z: Node, inputs: list[Any]) -> Any:
    before, recording = mode.watcher, mode.recording
    mode.set(watcher=None, recording=False)
    try:
        with np.errstate(all="ignore"):
            return z.op.kernel(np, ..., *inputs, **z.static)
    except NotImplementedError:  # a compiled or a recomputed segment has no kernel
        return None
    finally:
        mode.set(watcher=before, recording=recording)
