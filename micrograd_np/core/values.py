"""The values of a recorded graph: those that are held, and those that can be recomputed from them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from .events import QUIET
from .modes import mode
from .reads import Blank
from .vertex import Node, Source, Vertex, held_inputs
from .writes import writes

_MAX_RECOMPUTED = 1000  # results that are recomputed on the way to those asked for


def inputs(z: Source) -> list[Any]:
    """What `z` was computed from: nodes, leaves, arrays and numbers, None for what is not held any more; of a leaf [].

    The memory that an op takes only to save work is not among them.
    """
    if not isinstance(z, Node):
        return []
    return list(islice(held_inputs(z), z.op.fixed if z.op.inputs[-1] == "memory" else None))


def values(
    sources: Iterable[Source],
    held: Mapping[Source, Any],
    read: Callable[[Source, Any], Any] = lambda _, data: data,
    *,
    freed: bool = False,
) -> dict[Source, Any]:
    """What `read` makes of each of `sources` and its array, None for one that is lost; inputs before their results.

    A record holds what its rules read, a tensor that retains its gradient its own array, and the caller may hold more
    (`held`); the rest is recomputed from leaves and constants that are still there, and dropped after its last use.
    Memory that was written since is no value of the computation; a leaf is what it is now. If a held array contradicts
    recomputed ones, a write that nobody counts, ``w.data[0] = 1``, changed what they were computed from: then only held
    arrays are known. With `freed`, freed records are recomputed too, as far as they hold what that needs.
    """
    waiting = list(dict.fromkeys(sources))
    requested = set(waiting)
    most = len(waiting) + _MAX_RECOMPUTED
    uses = dict.fromkeys(waiting, 0)
    far: set[Source] = set()
    for z in waiting:  # grows as it goes
        if not isinstance(z, Node) or _held(z, held) is not None:
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
    held_data = {z: _held(z, held) if isinstance(z, Node) else z.data for z in order}
    parts = {z: [x for x in z.inputs if isinstance(x, Node) and x in held_data] for z in order if z not in far}
    checked = {z for z, xs in parts.items() if held_data[z] is not None and any(held_data[x] is None for x in xs)}
    for x in (x for z in checked for x in parts[z]):
        uses[x] += 1
    arrays: dict[Any, Any] = {}
    results: dict[Source, Any] = {}
    trusted = True
    for z in order:
        data = held_data[z]
        if isinstance(z, Node) and z not in far and (data is None or z in checked):
            if data is not None:
                trusted = trusted and agrees(z, operands(z, arrays), data)
            elif trusted and (freed or z.arrays is not None):
                data = _recomputed(z, operands(z, arrays))
            for x in parts[z]:
                uses[x] -= 1
                if not uses[x]:
                    arrays.pop(x, None)
        if uses[z] > 0:
            arrays[z] = data
        if z in requested:
            results[z] = read(z, data)
    return results if trusted else {z: read(z, None) if held_data[z] is None else x for z, x in results.items()}


def agrees(z: Node, inputs: list[Any], data: Any) -> bool:
    """Whether the op of `z` computes `data` from `inputs`; if one of them is lost, nothing contradicts it."""
    array = None if z.op.inputs[-1] == "memory" else _recomputed(z, inputs)  # which writes there
    pairs = zip(parts_of(array), parts_of(data), strict=True) if array is not None else ()
    return all(np.allclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True) for a, b in pairs)


def parts_of(array: Any) -> Iterator[Any]:
    """The elements, so many at a time that what is made of a part takes little memory beside the array."""
    size = max(array.size >> 6, 2**10)
    return (array.flat[start : start + size] for start in range(0, array.size, size))


def operands(z: Node, arrays: Mapping[Any, Any]) -> list[Any]:
    """The arrays and numbers that `z` was computed from, where those of nodes are `arrays`; None for what is lost."""
    parts = [arrays.get(x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x for x in held_inputs(z)]
    return [None if isinstance(a, np.ndarray) and writes.since(a, z.order) else a for a in parts]


def _held(z: Node, held: Mapping[Source, Any]) -> Any:
    """The array of `z`, if it is held somewhere and was not written since."""
    retains = z.notes and z.notes.get("retain_grad")
    holder = retains() if retains else None
    for data in (held.get(z), z.data, None if holder is None or holder.node is not z else holder.data):
        if isinstance(data, np.ndarray) and not writes.since(data, z.order):
            return data
    return None


def _recomputed(z: Node, inputs: list[Any]) -> Any:
    """What the op of `z` computes from `inputs`; None if one of them, or a setting, is lost."""
    if any(x is None for x in inputs) or any(isinstance(x, Blank) for x in z.static.values()):
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
