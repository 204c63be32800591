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


def values(
    wanted: Iterable[Source], known: Mapping[Source, Any], *, spent: bool = False
) -> Iterator[tuple[Source, Any]]:
    """Each of `wanted` with its array, inputs before what is made of them; None for what is lost.

    A record holds what its rules read, a tensor that retains its gradient its own array, and the caller may have
    `known` more; the rest is computed again from leaves and constants that are still there, and given up after its last
    use. Memory that was written since is no value of the computation; a leaf is what it is now. Where what is computed
    again contradicts what is held, memory was changed by a write that nobody counts, ``w.data[0] = 1``: then only what
    is held is known. With `spent`, used-up records are computed again too, as far as they have what that needs.
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
    order = sorted(waiting, key=lambda z: z.order)
    held = {z: _held(z, known) if isinstance(z, Node) else z.data for z in order}
    checked = {z for z in order if isinstance(z, Node) and held[z] is not None and z.op.inputs[-1] != "memory"}
    checked = {z for z in checked if any(held.get(x, z) is None for x in z.inputs if isinstance(x, Node))}
    for z in checked:
        for x in z.inputs:
            if x in uses:
                uses[x] += 1

    def computed() -> Iterator[tuple[Source, Any, bool]]:
        """Each with its array, and whether that agrees with those that were computed again."""
        found: dict[Any, Any] = {}
        left = uses.copy()
        for z in order:
            data, agreed = held[z], True
            if isinstance(z, Node) and z not in far and (data is None or z in checked):
                arrays = operands(z, found)
                if z in checked:
                    agreed = agrees(z, arrays, data)
                elif spent or z.arrays is not None:
                    data = _again(z, arrays)
                for x in z.inputs:
                    if isinstance(x, Node) and x in left:
                        left[x] -= 1
                        if not left[x]:
                            found.pop(x, None)
            if left[z] > 0:
                found[z] = data
            yield z, data, agreed

    believed = all(agreed for *_, agreed in computed())
    results = ((z, data) for z, data, _ in computed()) if believed else held.items()
    yield from ((z, data) for z, data in results if z in told)


def agrees(z: Node, inputs: list[Any], data: Any) -> bool:
    """Whether the op of `z` makes of `inputs` what `data` are; if they are not all known, nothing contradicts it."""
    again = _again(z, inputs)
    return again is None or np.allclose(again, data, rtol=1e-3, atol=1e-6, equal_nan=True)


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
    if any(x is None for x in inputs):
        return None
    before, recording = mode.events, mode.recording
    mode.set(events=QUIET, recording=False)
    try:
        with np.errstate(all="ignore"):
            return np.asarray(z.op.kernel(np, ..., *inputs, **z.static))
    except Exception as error:
        if z.arrays is None or isinstance(error, NotImplementedError):  # a compiled or a recomputed segment
            return None
        raise
    finally:
        mode.set(events=before, recording=recording)
