"""The values of a recorded graph: those that are held, and those that follow from them by computing again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from .events import QUIET
from .modes import mode
from .vertex import Node, Source, Vertex, held_inputs
from .writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MORE = 1000  # results that are computed again on the way to those that are wanted


def inputs(z: Source) -> list[Any]:
    """What `z` was applied to: nodes, leaves, arrays and numbers, None for what nobody holds any more; of a leaf [].

    The memory that an op was given to spare it work is not among them.
    """
    if not isinstance(z, Node):
        return []
    return list(islice(held_inputs(z), z.op.fixed if z.op.inputs[-1] == "memory" else None))


def values(wanted: Iterable[Source], known: Mapping[Source, Any]) -> Iterator[tuple[Source, Any]]:
    """Each of `wanted` with its array, inputs before what is made of them; None for what is lost.

    A record holds what its rules read, a tensor that retains its gradient its own array, and the caller may have
    `known` more; the rest is computed again from leaves and constants that are still there, and given up after its last
    use. Memory that was written since is no value of the computation; a leaf is what it is now.
    """
    waiting = list(dict.fromkeys(wanted))
    told = set(waiting)
    most = len(waiting) + _MORE
    uses = dict.fromkeys(waiting, 0)
    far: set[Source] = set()
    for z in waiting:  # grows as it goes
        if not isinstance(z, Node) or _held(z, known) is not None:
            continue
        if len(waiting) > most:
            far.add(z)
            continue
        for x in z.inputs:
            if isinstance(x, Node):
                if x not in uses:
                    waiting.append(x)
                uses[x] = uses.get(x, 0) + 1
    found: dict[Any, Any] = {}
    for z in sorted(waiting, key=lambda z: z.order):
        data = _held(z, known) if isinstance(z, Node) else z.data
        if data is None and isinstance(z, Node):
            data = None if z in far else _again(z, operands(z, found))
            for x in z.inputs if z not in far else ():
                if isinstance(x, Node):
                    uses[x] -= 1
                    if not uses[x]:
                        found.pop(x, None)
        if uses[z] > 0:
            found[z] = data
        if z in told:
            yield z, data


def operands(z: Node, found: Mapping[Any, Any]) -> list[Any]:
    """The arrays and numbers that `z` was computed from, where those of nodes are `found`; None for what is lost."""
    arrays = [found.get(x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x for x in held_inputs(z)]
    return [None if isinstance(a, np.ndarray) and writes.since(a, z.order) else a for a in arrays]


def _held(z: Node, known: Mapping[Source, Any]) -> Any:
    """The array of `z`, if somebody holds it and it was not written since."""
    retains = z.notes and z.notes.get("retain_grad")
    holder = retains() if retains else None
    for data in (known.get(z), z.data, None if holder is None or holder.node is not z else holder.data):
        if isinstance(data, np.ndarray) and not writes.since(data, z.order):
            return data
    return None


def _again(z: Node, inputs: list[Any]) -> Any:
    """What the op of `z` makes of `inputs`; None if they are not all known."""
    if z.arrays is None or any(x is None for x in inputs):
        return None
    before, recording = mode.events, mode.recording
    mode.set(events=QUIET, recording=False)
    try:
        with np.errstate(all="ignore"):
            return z.op.kernel(np, ..., *inputs, **z.static)
    except NotImplementedError:  # a compiled or a recomputed segment has no kernel
        return None
    finally:
        mode.set(events=before, recording=recording)
