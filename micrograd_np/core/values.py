"""The values of a recorded graph: those that are held, and those that can be recomputed from them."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np

from .events import QUIET
from .modes import mode
from .reads import Blank
from .vertex import Node, Source, Vertex, held_inputs
from .writes import writes

_order = attrgetter("order")
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
    requested = dict.fromkeys(sources)
    most = len(requested) + _MAX_RECOMPUTED
    nodes: list[Node] = []
    lost = bytearray()  # by node, whether it is neither held nor recomputed

    def required(z: Node) -> Sequence[Any]:
        is_held = _held(z, held) is not None
        lost.append(not is_held and len(z.inputs) > most - (0 if z in requested else len(nodes)))
        return () if is_held or lost[-1] else z.inputs

    nodes.extend(latest_first(requested, required))
    nodes.reverse()
    lost.reverse()
    uses = array("i", bytes(4 * len(nodes)))

    def place(x: Source) -> int:
        i = bisect_left(nodes, x.order, key=_order)
        return i if nodes[i : i + 1] == [x] else -1

    def parts(k: int) -> list[int]:
        """The places of what node `k` is recomputed from, or compared with, if one of them is recomputed."""
        places = [i for x in nodes[k].inputs if isinstance(x, Node) and (i := place(x)) >= 0]
        is_held = _held(nodes[k], held) is not None
        if lost[k] or any(lost[i] for i in places):
            lost[k] = not is_held
            return []
        return [] if is_held and all(_held(nodes[i], held) is not None for i in places) else places

    for i in (i for k in range(len(nodes)) for i in parts(k)):
        uses[i] += 1
    arrays: list[Any] = [None] * len(nodes)  # as long as they are used
    array_of: Callable[[Source], Any] = lambda x: arrays[i] if (i := place(x)) >= 0 else None
    results = {z: read(z, z.data) for z in requested if not isinstance(z, Node)}
    trusted = True
    for k, z in enumerate(nodes):
        data, places = _held(z, held), parts(k)
        if data is not None and places:
            trusted = trusted and agrees(z, operands(z, array_of), data)
        elif data is None and not lost[k] and trusted and (freed or z.arrays is not None):
            data = _recomputed(z, operands(z, array_of))
        for i in places:
            uses[i] -= 1
            arrays[i] = arrays[i] if uses[i] else None
        arrays[k] = data if uses[k] else None
        if z in requested:
            results[z] = read(z, data)
    unknown = (z for z in results if isinstance(z, Node) and _held(z, held) is None)
    return results if trusted else results | {z: read(z, None) for z in unknown}


def latest_first(roots: Iterable[Source], inputs: Callable[[Node], Iterable[Any]]) -> Iterator[Node]:
    """The nodes under `roots`, latest first, by the `inputs` of each.

    No set of all of them is needed, as a node was recorded after its inputs; those that wait are in one sorted list.
    """
    waiting: list[Node] = []

    def add(nodes: Iterable[Any]) -> None:
        for x in sorted((x for x in nodes if isinstance(x, Node)), key=_order):
            i = bisect_left(waiting, x.order, key=_order)
            if waiting[i : i + 1] != [x]:
                waiting.insert(i, x)

    add(roots)
    while waiting:
        z = waiting.pop()
        yield z
        add(inputs(z))


def agrees(z: Node, inputs: list[Any], data: Any) -> bool:
    """Whether the op of `z` computes `data` from `inputs`; if one of them is lost, nothing contradicts it."""
    computed = None if z.op.inputs[-1] == "memory" else _recomputed(z, inputs)  # which writes there
    pairs = zip(parts_of(computed), parts_of(data), strict=True) if computed is not None else ()
    return all(np.allclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True) for a, b in pairs)


def parts_of(array: Any) -> Iterator[Any]:
    """The elements, so many at a time that what is made of a part takes little memory beside the array."""
    size = max(array.size >> 6, 2**10)
    return (array.flat[start : start + size] for start in range(0, array.size, size))


def operands(z: Node, array: Callable[[Any], Any]) -> list[Any]:
    """The arrays and numbers that `z` was computed from, where `array` gives those of nodes; None for what is lost."""
    parts = [array(x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x for x in held_inputs(z)]
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
