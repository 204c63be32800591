"""Parts of a graph that are drawn as one: deep modules, blocks that repeat, the middle of a long graph."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.values import inputs

from .formula import op_name

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
        self.place = array("i")  # by vertex: the vertex that is drawn for it, or ~k for box k
        constants = (sum(x is None or isinstance(x, np.ndarray) for x in inputs(z)) for z in record.vertices)
        self.constants = array("i", constants)  # by vertex, how many are drawn beside it
        self.boxes: list[Box] = []
        self.twin = array("i", range(len(record)))  # of a vertex in a repeated block: the one in the first
        self.alike: set[Path] = set()  # the blocks that repeat
        self._repeats()
        for v, x in enumerate(self.twin):
            self.twin[v] = self.twin[same.get(v, x)]
        deepest = max((len(homes.chain(v)) for v in range(len(record))), default=0)
        for level in range(deepest, -1, -1) if depth is None else (depth,):
            if self._fold_below(level) <= most:
                break
        else:
            self._shorten(most)
        for v, at in enumerate(self.place):
            if at < 0 and v not in same:
                box, z = self.boxes[~at], record.vertices[v]
                if record.is_op(v):
                    box.ops[op_name(z.op)] += 1
                    box.shape = z.shape
                else:
                    box.leaves += 1
                    box.trained += prod(z.shape) if z.requires_grad and self.twin[v] == v else 0

    def repeated(self, x: int, v: int) -> bool:
        """Whether the arrow from `x` to `v` lies in or between repeated blocks, and the first block shows its like."""
        return self.twin[v] != v and not self.alike.isdisjoint(self.homes.chain(x))

    def block(self, v: int) -> Path | None:
        """The repeated block in which the vertex at `v` was made, if it is drawn in the first one instead."""
        v = self.same.get(v, v)
        return next((p for p in reversed(self.homes.chain(v)) if p in self.alike), None) if self.twin[v] != v else None

    def _fold_below(self, level: int) -> int:
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

    def _shorten(self, most: int) -> None:
        """Draw the first and last ops as they are, and one box for the interval between: so without cycles."""
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

    # blocks that repeat

    def _repeats(self) -> None:
        """Find modules with numbers, of one parent, that do the same one after the other, and twins of their vertices.

        What a block does before its parameters come in is recorded only if its input requires a gradient, which that of
        the first block may not. So blocks are alike if they do the same with their parameters; what comes before is
        drawn in the first block, if it is there.
        """
        members: dict[Path, array[int]] = {}
        for v in range(len(self.record)):
            for path in self.homes.chain(v) if v not in self.same else ():
                if path[1].rpartition(".")[2].isdigit():
                    members.setdefault(path, array("i")).append(v)
        blocks: dict[Any, dict[Path, list[int]]] = {}
        for path in sorted(members, key=lambda path: (path[1].count("."), int(path[1].rpartition(".")[2]))):
            if sum(map(self.record.is_op, members[path])) >= _WORTH:
                core = self._core(path, members[path])
                if {*members[path]} <= {*core, *(x for v in members[path] for x in self._inputs(v))}:
                    key = path[0], path[1].rpartition(".")[0], self._signature(path, core)
                    blocks.setdefault(key, {})[path] = core
        for cores in blocks.values():
            first = next(iter(cores))
            if len(cores) > 1 and all(self.twin[v] == v for v in cores[first]) and self._adjoin(cores.keys()):
                self.homes.times[first] = len(cores)
                self.alike |= cores.keys()
                for path in [*cores][1:]:
                    for v, x in zip(cores[path], cores[first], strict=True):
                        self.twin[v] = x
                    for v in reversed(members[path]):  # an op before the parameters is drawn as its user
                        for x in self._inputs(v):
                            if self.twin[x] == x and path in self.homes.chain(x):
                                self.twin[x] = self.twin[v]

    def _inputs(self, v: int) -> list[int]:
        return [self.same.get(x, x) for x in self.record.inputs(v)]

    def _core(self, path: Path, vertices: Sequence[int]) -> list[int]:
        """The leaves of a block by their names, and the ops that its parameters reach."""
        names = {v: (self.homes.called(v) or "").partition(path[1])[2] for v in vertices if not self.record.is_op(v)}
        reached = {v for v in names if self.record.vertices[v].requires_grad}
        for v in vertices:
            if v not in names and not reached.isdisjoint(self._inputs(v)):
                reached.add(v)
        return [*sorted(names, key=names.__getitem__), *sorted(reached - names.keys())]

    def _signature(self, path: Path, core: Sequence[int]) -> Any:
        """Op, shape, module and links of each vertex of a block, equal for blocks that do the same."""
        number = {v: i for i, v in enumerate(core)}
        return tuple(
            (
                z.op.name if z.op else "",
                z.shape,
                tuple(p[1].removeprefix(path[1]) for p in self.homes.chain(v) if p[1].startswith(path[1])),
                tuple(number[x] for x in self._inputs(v) if x in number),
            )
            for v in core
            for z in (self.record.vertices[v],)
        )

    def _adjoin(self, blocks: Any) -> bool:
        """Whether results of these blocks go straight to one of them or never do, so that no op lies in between."""
        inside = bytearray(not blocks.isdisjoint(self.homes.chain(v)) for v in range(len(self.record)))
        behind = bytearray(len(self.record))
        for v, within in enumerate(inside):
            sources = self.record.inputs(v)
            if within and any(behind[x] for x in sources):
                return False
            behind[v] = not within and any(behind[x] or inside[x] for x in sources)
        return True
