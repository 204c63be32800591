"""The fixed tree by which the sums of shards are added: it depends on the number of shards, and on nothing else.

Shards 2i and 2i + 1 are added first, then pairs of neighbouring pairs, and so on; at the right edge, where the number
of shards is no power of two, what has no neighbour waits. A node is the range of the shards under it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Part(NamedTuple):
    """The sum of the vectors of shards `start` … `stop` − 1, a node of the tree."""

    start: int
    stop: int
    vector: Array


def block(rank: int, size: int, shards: int) -> tuple[int, int]:
    """The range of shards of worker `rank` of `size`: neighbours, and as many as any other worker has, or one more.

    >>> [block(rank, 3, 8) for rank in range(3)]
    [(0, 3), (3, 6), (6, 8)]
    """
    return -(-rank * shards // size), -(-(rank + 1) * shards // size)


def siblings(left: Part, start: int, stop: int, shards: int) -> bool:
    """Whether `left` and the node of `start` … `stop` − 1 are the two parts of one node."""
    n = left.stop - left.start
    aligned = n & (n - 1) == 0 and left.start % (2 * n) == 0
    return aligned and left.stop == start and stop == min(left.start + 2 * n, shards)


def push(parts: list[Part], part: Part, shards: int) -> None:
    """Append `part`, and add what belongs together, in the memory of the left one."""
    while parts and siblings(parts[-1], part.start, part.stop, shards):
        left = parts.pop()
        part = Part(left.start, part.stop, np.add(left.vector, part.vector, out=left.vector))
    parts.append(part)


def fold(parts: Iterable[Part], shards: int) -> Array:
    """The sum of all parts, which are in order and cover every shard. The memory of some of them is overwritten.

    >>> fold([Part(k, k + 1, np.array([10.0**k])) for k in range(3)], 3)
    array([111.])
    """
    stack: list[Part] = []
    for part in parts:
        push(stack, part, shards)
    (root,) = stack
    return root.vector


def nodes(start: int, stop: int, shards: int) -> list[tuple[int, int]]:
    """The fewest nodes that cover shards `start` … `stop` − 1: the sums that their worker sends.

    >>> nodes(0, 3, 8), nodes(3, 6, 8), nodes(4, 8, 8)
    ([(0, 2), (2, 3)], [(3, 4), (4, 6)], [(4, 8)])
    """
    empty = np.empty(0)
    stack: list[Part] = []
    for k in range(start, stop):
        push(stack, Part(k, k + 1, empty), shards)
    return [(part.start, part.stop) for part in stack]
