"""What is drawn as one: modules below a depth, blocks that repeat, and the middle of what is too long."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.values import inputs

from .formula import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .structure import Homes, Path, Record

__all__ = ["Box", "Folding"]

_LEAVES = 8  # of one op that are all drawn where there is no room
_WORTH = 3  # ops in a block that is worth being drawn once for all


@dataclass(slots=True)
class Box:
    """One node of the picture that stands for several vertices."""

    path: Path | None  # of the module that is folded; None for the middle of a long graph
    around: tuple[Path, ...] = ()
    ops: Counter[str] = field(default_factory=Counter)
    leaves: int = 0
    trained: int = 0  # numbers, of a block that repeats once
    shape: tuple[int, ...] = ()  # of what comes out


class Folding:
    """Where each vertex is drawn: as itself, in a `Box`, or where its twin in an equal block is.

    Modules deeper than `depth` are boxes; with None, as deep as leaves at most `most` nodes. A vertex that `same` maps
    to another is drawn as that.
    """

    def __init__(self, record: Record, homes: Homes, same: Mapping[int, int], depth: int | None, most: int) -> None:
        self.record, self.homes, self.same = record, homes, same
        self.place = array("i")  # by vertex: the one that is drawn for it; or of a box ~k, its number from the end
        constants = (sum(x is None or isinstance(x, np.ndarray) for x in inputs(z)) for z in record.vertices)
        self.constants = array("i", constants)  # by vertex, how many are drawn beside it
        self.boxes: list[Box] = []
        self.twin = array("i", range(len(record)))  # of a vertex in a repeated block: the same in the first
        self.times: dict[Path, int] = {}  # how many blocks are drawn as this one
        self.alike: set[Path] = set()  # the blocks that repeat
        self._repeats()
        for v, x in same.items():
            self.twin[v] = self.twin[x]
        deepest = max((len(homes.chain(v)) for v in range(len(record))), default=0)
        for level in range(deepest, -1, -1) if depth is None else (depth,):
            if self._frames(level) <= most:
                break
        else:
            self._shorten(most)
        for v, at in enumerate(self.place):
            if at < 0 and v not in same:
                self._count(self.boxes[~at], v)

    def onward(self, x: int, v: int) -> bool:
        """Whether `x` goes from one repeated block on to the next, where its use `v` is."""
        a, b = ([p for p in self.homes.chain(w) if p in self.alike] for w in (x, v))
        return any(p != q for p, q in zip(a, b, strict=False))

    def _frames(self, level: int) -> int:
        """Draw modules deeper than `level` as boxes; return how many nodes there are."""
        numbers: dict[Path, int] = {}
        self.boxes = []
        self.place = array("i", range(len(self.record)))
        count = 0
        for v in range(len(self.record)):
            first = self.twin[v]
            around = self.homes.chain(first)
            if len(around) > level:
                path = around[level]
                if path not in numbers:
                    numbers[path] = self._box(Box(path, around[:level]))
                first = numbers[path]
            self.place[v] = first
            count += (1 + self.constants[v]) * (first == v)
        return count + len(self.boxes)

    def _box(self, box: Box) -> int:
        self.boxes.append(box)
        return ~(len(self.boxes) - 1)

    def _count(self, box: Box, v: int) -> None:
        z = self.record.vertices[v]
        if self.record.is_op(v):
            box.ops[spoken(z.op)] += 1
            box.shape = z.shape
        else:
            box.leaves += 1
            box.trained += prod(z.shape) if z.requires_grad and self.twin[v] == v else 0

    def _shorten(self, most: int) -> None:
        """Draw the first and last ops as they are, and one box for those between: an interval, so without cycles."""
        record = self.record
        keep = max(most // 6, 1)
        ops = array("i", (v for v in range(len(record)) if record.is_op(v)))
        ends = {*ops[:keep], *ops[-keep:], *record.roots}
        used = {self.same.get(x, x) for v in ends for x in record.inputs(v)}
        middle = None
        for v in range(len(record)):
            if v not in ends and (record.is_op(v) or self.same.get(v, v) not in used):
                if middle is None:
                    middle = self._box(Box(None))
                self.place[v] = middle
        for v in sorted(ends):
            leaves = [x for x in record.inputs(v) if self.place[x] == x and not record.is_op(x)]
            if len(leaves) > _LEAVES:
                rest = self._box(Box(None))
                for x in leaves[3:-1]:
                    self.place[x] = rest

    def _repeats(self) -> None:
        """Find blocks of one parent that do the same one after the other, and the twins of their vertices."""
        members: dict[Path, list[int]] = {}
        for v in range(len(self.record)):
            for path in self.homes.chain(v) if v not in self.same else ():
                if path[1].rpartition(".")[2].isdigit():
                    members.setdefault(path, []).append(v)
        firsts: dict[Any, _Block] = {}
        for path in sorted(members, key=lambda path: (path[1].count("."), int(path[1].rpartition(".")[2]))):
            if sum(map(self.record.is_op, members[path])) < _WORTH:
                continue
            block = _Block(path, members[path], self)
            first = firsts.setdefault((path[0], _parent(path), block.does), block)
            twins = first.twins(block) if first is not block else {}
            if twins and all(self.twin[v] == v for v in first.vertices):
                self.times[first.path] = self.times.get(first.path, 1) + 1
                self.alike |= {first.path, path}
                for v, x in twins.items():
                    self.twin[v] = x
        for model in self.times.copy():
            blocks = {path for path in self.alike if path[0] == model[0] and _parent(path) == _parent(model)}
            if not self._direct(blocks):
                self.alike -= blocks
                del self.times[model]
                for v in (v for path in blocks for v in members[path]):
                    self.twin[v] = v

    def _direct(self, blocks: set[Path]) -> bool:
        """Whether what leaves one of these blocks goes to another at once or never, so that nothing is in between."""
        inside = bytearray(not blocks.isdisjoint(self.homes.chain(v)) for v in range(len(self.record)))
        behind = bytearray(len(self.record))
        for v, within in enumerate(inside):
            given = self.record.inputs(v)
            if within and any(behind[x] for x in given):
                return False
            behind[v] = not within and any(behind[x] or inside[x] for x in given)
        return True


def _parent(path: Path) -> str:
    return path[1].rpartition(".")[0]


class _Block:
    """A module with a number: its vertices, and what it does.

    Blocks are alike if they do the same with their parameters. What a block does before these come in is recorded only
    if its input requires a gradient, which that of the first block may not.
    """

    def __init__(self, path: Path, vertices: Sequence[int], folding: Folding) -> None:
        record, homes = folding.record, folding.homes
        self.path = path
        self.inputs = {v: [folding.same.get(x, x) for x in record.inputs(v)] for v in vertices}
        names = {v: (homes.called(v) or "").partition(path[1])[2] for v in vertices if not record.is_op(v)}
        self.vertices = sorted(vertices, key=lambda v: (v not in names, names.get(v, ""), v))
        reached: set[int] = set()  # by parameters
        for v in self.vertices:
            if record.vertices[v].requires_grad if v in names else not reached.isdisjoint(self.inputs[v]):
                reached.add(v)
        self.core = [v for v in self.vertices if v in names or v in reached]
        self.does = self._signature(self.core, folding)
        self.whole = self._signature(self.vertices, folding)

    def _signature(self, vertices: Sequence[int], folding: Folding) -> Any:
        number = {v: i for i, v in enumerate(vertices)}
        length = len(self.path[1])
        return tuple(
            (
                z.op.name if z.op else "",
                z.shape,
                tuple(p[1][length:] for p in folding.homes.chain(v) if len(p[1]) >= length),
                tuple(number[x] for x in self.inputs[v] if x in number),
            )
            for v in vertices
            for z in (folding.record.vertices[v],)
        )

    def twins(self, other: _Block) -> dict[int, int]:
        """The vertices of `other`, each with the one here that is drawn for it; empty if the two are not alike."""
        if other.whole == self.whole:
            return dict(zip(other.vertices, self.vertices, strict=True))
        if len(self.core) < len(self.vertices):
            return {}
        found = dict(zip(other.core, self.core, strict=True))
        for v in reversed(other.vertices):
            if v not in found:
                user = next((u for u in other.vertices if v in other.inputs[u]), None)
                if user is None:
                    return {}
                found[v] = found[user]
        return found
