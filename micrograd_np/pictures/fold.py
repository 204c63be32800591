"""Parts of a graph that are drawn as one: deep modules, blocks that repeat, the middle of a long graph."""

from array import array
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from math import inf, prod
from typing import Any

import numpy as np

from micrograd_np.core.values import inputs
from micrograd_np.functional.dropout import MASK

from .repeats import Repeats, end
from .structure import Homes, Path, Record
from .text import op_name

_LEAVES = 8  # of one op that are all drawn where there is no room
_WORTH = 3  # ops in a block that is worth being drawn once for all; of smaller ones twice as many must be spared
_ROWS = 0.4  # of the nodes that there may be, as many may follow each other: a picture is no ribbon


@dataclass(slots=True)
class Box:
    """One node of the picture that stands for several vertices."""

    modules: tuple[Path, ...] = ()  # around it and, the last, the one that is folded; none: the middle of a long graph
    first: int = 0  # of its vertices
    ops: Counter[str] = field(default_factory=Counter)
    leaves: int = 0
    trained: int = 0  # numbers, of a block that repeats once
    shape: tuple[int, ...] = ()  # of what comes out


class Folding:
    """Where each vertex is drawn: as itself, in a `Box`, or where its twin in an equal block is.

    Modules deeper than `depth` are boxes; with None, as deep as leaves at most `most` nodes, which are no ribbon. A
    vertex with another in its place in `same` is drawn as that.
    """

    def __init__(self, record: Record, homes: Homes, same: Sequence[int], depth: int | None, most: int) -> None:
        self.record, self.homes, self.same = record, homes, same
        self.place = array("i")  # by vertex: the vertex that is drawn for it, or ~k for box k
        self.boxes: list[Box] = []
        self.blocks: dict[int, Path] = {}  # vertices in blocks that repeat, and in which
        self.around: dict[int, list[tuple[int, Any, str]]] = {}  # frames of blocks that are no module: depth, key, text
        ops = [v for v in range(len(record)) if record.is_op(v) and same[v] == v] if homes.modules else []
        self.twins = Repeats(ops, homes.chain, self._sources, self._does, self._fold, self._core).twins
        deepest = max((len(homes.chain(v)) for v in range(len(record))), default=0)
        levels = range(deepest, -1, -1) if depth is None else (depth,)
        fitting = [level for level in levels if self._fold_below(level) <= most]
        if fitting:
            self._fold_below(min(fitting, key=lambda level: max(self._rows(level), _ROWS * most)))
        else:
            for folds in (self.twins, self.blocks, self.around, homes.times):
                folds.clear()  # the first or the last block may be in the middle
            self._fold_below(levels[-1])
            self._shorten(most)
        for v, at in enumerate(self.place):
            if at < 0 and same[v] == v:
                box, z = self.boxes[~at], record.vertices[v]
                if record.is_op(v):
                    box.ops[op_name(z.op)] += 1
                    box.shape = z.shape
                else:
                    box.leaves += 1
                    box.trained += prod(z.shape) if z.requires_grad and self._drawn(v) == v else 0

    def arrows(self) -> Mapping[tuple[int, int], None]:
        """The places that arrows join; of those in or between repeated blocks, those of the first."""
        pairs = (
            (self.place[x], self.place[v])
            for v in range(len(self.record))
            if self.same[v] == v
            for x in self._inputs(v)
            if self._drawn(v) == v or x not in self.blocks
        )
        return dict.fromkeys(pair for pair in pairs if pair[0] != pair[1])

    def block(self, v: int) -> Path | None:
        """The repeated block in which the vertex at `v` was made, if it is drawn in the first one instead."""
        v = self.same[v]
        return self.blocks.get(v) if self._drawn(v) != v else None

    def frames(self, at: int) -> list[tuple[Any, str]]:
        """The frames around what is drawn at a place: of modules, and of blocks that are more than one."""
        box = self.boxes[~at] if at < 0 else None
        v, around = (box.first, box.modules[:-1]) if box else (at, self.homes.chain(at))
        frames: list[tuple[Any, str]] = [*self.homes.frames(around)]
        for n, (depth, key, text) in enumerate(self.around.get(v, ())):
            if depth <= len(around):
                frames.insert(depth + n, (key, text))
        return frames

    def _drawn(self, v: int) -> int:
        """The vertex that is drawn for `v`, unless a box is."""
        return end(self.twins, self.same[v])

    def _inputs(self, v: int) -> Iterator[int]:
        return (self.same[x] for x in self.record.inputs(v))

    def _rows(self, level: int) -> float:
        """How many nodes the longest way through the picture has, if modules deeper than `level` are boxes.

        If one of them is called several times, a way may lead around.
        """
        self._fold_below(level)
        sources: dict[int, list[int]] = {at: [] for at in self.place}
        for tail, head in self.arrows():
            sources[head].append(tail)
        rows: dict[int, int] = {}
        with suppress(CycleError):
            for at in TopologicalSorter(sources).static_order():
                rows[at] = 1 + max((rows[x] for x in sources[at]), default=0)
            return max(rows.values())
        return inf

    def _fold_below(self, level: int) -> int:
        """Draw modules deeper than `level` as boxes; return how many nodes there are."""
        numbers: dict[Path, int] = {}
        self.boxes = []
        self.place = array("i", map(self._drawn, range(len(self.record))))
        count = 0
        for v, first in enumerate(self.place):
            around = self.homes.chain(first)
            if len(around) > level:
                if around[level] not in numbers:
                    numbers[around[level]] = self._box(Box(around[: level + 1], first))
                self.place[v] = numbers[around[level]]
            if self.place[v] == v:
                data = inputs(self.record.vertices[v])
                count += 1 + sum(x is None or isinstance(x, np.ndarray) for x in data)
        return count + len(self.boxes)

    def _box(self, box: Box) -> int:
        self.boxes.append(box)
        return ~(len(self.boxes) - 1)

    def _shorten(self, most: int) -> None:
        """Draw the first and last ops as they are, and one box for the interval between: so without cycles."""
        record, keep = self.record, max(most // 6, 1)
        ops: Any = lambda: (v for v in range(len(record)) if record.is_op(v) and self.same[v] == v)
        ends = {*islice(ops(), keep), *deque(ops(), keep), *record.roots}
        used = bytearray(len(record))
        for x in (x for v in ends for x in self._inputs(v)):
            used[x] = True
        middle = None
        for v in range(len(record)):
            if v not in ends and (record.is_op(v) or not used[self.same[v]]):
                middle = self._box(Box()) if middle is None else middle
                self.place[v] = middle
        for v in sorted(ends):
            leaves = [x for x in self._inputs(v) if self.place[x] == x and not record.is_op(x)]
            if len(leaves) > _LEAVES:
                rest = self._box(Box())
                for x in leaves[3:-1]:
                    self.place[x] = rest
        for v, x in enumerate(self.same):
            self.place[v] = self.place[x]

    # blocks that repeat

    def _is_own(self, x: int) -> bool:
        """Whether it belongs to the module that reads it: a parameter, a buffer, or what was drawn by chance."""
        is_leaf = not self.record.is_op(x)
        return is_leaf and (bool(self.homes.chain(x)) or self.record.vertices[x].name == MASK)

    def _sources(self, v: int) -> Iterator[int]:
        return (x for x in self._inputs(v) if not self._is_own(x))

    def _own(self, v: int) -> Iterator[int]:
        return filter(self._is_own, self._inputs(v))

    def _does(self, v: int) -> Any:
        z = self.record.vertices[v]
        return z.op and z.op.name, z.shape, *((self.homes.called(x) or "").rpartition(".")[2] for x in self._own(v))

    def _core(self, part: Sequence[int], depth: int) -> Sequence[int]:
        """The ops that the parameters of a module reach.

        What it does before those come in is recorded only if its input requires a gradient, which that of the first
        block may not. It is drawn in the first block, if it is there.
        """
        around = self.homes.chain(part[0])[depth : depth + 1]
        trained = (x for v in part for x in self._own(v) if self.record.vertices[x].requires_grad)
        reached = {x for x in trained if self.homes.chain(x)[depth : depth + 1] == around}
        for v in part:
            if not reached.isdisjoint(self._inputs(v)):
                reached.add(v)
        return [v for v in part if v in reached] if around else part

    def _fold(self, repeats: Repeats[int], runs: list[list[int]], inside: AbstractSet[int], depth: int) -> bool:
        first, *others = runs
        modules = [[*dict.fromkeys(p for v in run for p in self.homes.chain(v)[depth : depth + 1])] for run in runs]
        every = [path for paths in modules for path in paths]
        numbered = every and all(path[1].rpartition(".")[2].isdigit() for path in every)
        worth = len(first) >= _WORTH or len(first) * len(others) >= 2 * _WORTH
        if not numbered or len({*every}) < len(every) or not worth or not repeats.alike(runs, inside):
            return False
        paths = {v: run_paths[-1] for run, run_paths in zip(runs, modules, strict=True) for v in run}
        own: dict[int, Path] = {}
        for v, twin in (pair for run in others for pair in zip(run, first, strict=True)):
            for x, y in ((v, twin), *zip(self._own(v), self._own(twin), strict=True)):
                if repeats.twin(y) != x:  # as one that they share is
                    repeats.twins.setdefault(x, y)
        for v in sorted(inside, reverse=True):
            path = self.blocks[v] = next((p for p in self.homes.chain(v) if p in every), None) or paths[v]
            mine = [x for x in self._own(v) if path in self.homes.chain(x) or self.record.vertices[x].name == MASK]
            own |= dict.fromkeys(mine, path)
            if path not in modules[0] and v not in repeats.twins:  # before the parameters: it is drawn as its user
                repeats.twins[v] = repeats.twins.get(repeats.users[v][0], first[-1])
                for x in mine:
                    repeats.twins.setdefault(x, repeats.twins[v])
        self.blocks |= own
        if len(modules[0]) == 1 and all(len(self.homes.chain(v)) > depth for v in first):
            self.homes.times[modules[0][0]] = len(runs)
            return True
        text = repeats.heading(runs, depth)
        for v in (v for v in (*inside, *own) if v not in repeats.twins):
            self.around.setdefault(v, []).append((depth, ("run", first[0]), text))
        return True
