"""What is drawn as one: modules below a depth, blocks that repeat, and the middle of what is too long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .structure import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .structure import Homes, Path

__all__ = ["Box", "Folding", "fold"]

_LEAVES = 8  # of one op that are all drawn where there is no room
_WORTH = 3  # ops in a block that is worth being drawn once for all


@dataclass(eq=False)
class Box:
    """One node of the picture that stands for several vertices."""

    path: Path | None  # of the module that is folded; None for the middle of a long graph
    around: tuple[Path, ...] = ()
    vertices: list[Value] = field(default_factory=list)


@dataclass
class Folding:
    """Where each vertex is drawn: as itself, in a `Box`, or not at all because an equal block is (None)."""

    place: dict[Value, Value | Box]
    twins: dict[Value, Value]  # of a repeated block: the same in the first
    times: dict[Path, int]  # how many blocks are drawn as this one
    copies: dict[Value, Path]  # the block, of those that repeat, in which a value lies

    def onward(self, x: Value, v: Value) -> bool:
        """Whether `x` goes from one repeated block on to the next, where its use `v` is."""
        return x in self.copies and v in self.copies and self.copies[x] != self.copies[v]

    def drawn(self) -> Iterable[Value | Box]:
        """What is drawn, in order."""
        return dict.fromkeys(self.place.values())


def fold(order: Sequence[Value], homes: Homes, depth: int | None, most: int, roots: Iterable[Value]) -> Folding:
    """Fold modules deeper than `depth`; with None, as deep as leaves at most `most` nodes."""
    chains = {v: homes.chain(v) for v in order}
    twins, times, copies = _repeats(order, chains)
    deepest = max(map(len, chains.values()), default=0)
    for level in range(deepest, -1, -1) if depth is None else (depth,):
        folding = Folding(_boxes(order, chains, twins, level), twins, times, copies)
        if len(set(folding.place.values())) <= most:
            break
    if len(set(folding.place.values())) > most:
        folding.place = _shortened(order, folding.place, most, set(roots))
    return folding


def _boxes(
    order: Sequence[Value], chains: dict[Value, tuple[Path, ...]], twins: dict[Value, Value], level: int
) -> dict[Value, Value | Box]:
    boxes: dict[Path, Box] = {}
    place: dict[Value, Value | Box] = {}
    for v in order:
        first = twins.get(v, v)
        chain = chains[first]
        if len(chain) > level:
            path = chain[level]
            box = place[v] = boxes.setdefault(path, Box(path, chain[:level]))
            box.vertices.append(v)
        else:
            place[v] = first
    return place


def _shortened(
    order: Sequence[Value], place: dict[Value, Value | Box], most: int, roots: set[Value]
) -> dict[Value, Value | Box]:
    """The first ops and the last as they are, and one box for those between: an interval, so that no cycle arises."""
    ops = [v for v in order if v.op is not None]
    keep = most // 6
    ends = {*ops[:keep], *ops[-keep:]} | roots
    box = Box(None)
    users: dict[Value, set[bool]] = {}  # whether those that use a leaf are kept
    for v in ops:
        for x in v.inputs:
            if isinstance(x, Value) and x.op is None:
                users.setdefault(x, set()).add(v in ends)
    found: dict[Value, Value | Box] = {}
    for v in order:
        hidden = v not in ends if v.op is not None else users.get(v) == {False}
        found[v] = box if hidden and v not in roots else place[v]
        if found[v] is box:
            box.vertices.append(v)
    for v in ops:
        leaves = [x for x in v.inputs if isinstance(x, Value) and found.get(x) is x and x.op is None]
        if len(leaves) > _LEAVES:
            rest = Box(None, vertices=leaves[3:-1])
            found |= dict.fromkeys(rest.vertices, rest)
    return found


def _repeats(
    order: Sequence[Value], chains: dict[Value, tuple[Path, ...]]
) -> tuple[dict[Value, Value], dict[Path, int], dict[Value, Path]]:
    """Blocks of one parent that do the same one after the other: each vertex's twin in the first of them."""
    members: dict[Path, list[Value]] = {}
    for v in order:
        for path in chains[v]:
            if path[1].rpartition(".")[2].isdigit():
                members.setdefault(path, []).append(v)
    groups: dict[Any, list[Path]] = {}
    for path, vertices in members.items():
        if sum(v.op is not None for v in vertices) >= _WORTH:
            parent = path[1].rpartition(".")[0]
            groups.setdefault((path[0], parent, _signature(path, vertices, chains)), []).append(path)
    twins: dict[Value, Value] = {}
    times: dict[Path, int] = {}
    copies: dict[Value, Path] = {}
    for paths in groups.values():
        first, *others = sorted(paths, key=lambda p: int(p[1].rpartition(".")[2]))
        if not others or any(v in twins for v in members[first]):
            continue
        times[first] = 1 + len(others)
        model = _sorted(first, members[first])
        copies |= {v: path for path in (first, *others) for v in members[path]}
        for path in others:
            twins.update(zip(_sorted(path, members[path]), model, strict=True))
    return twins, times, copies


def _sorted(path: Path, vertices: list[Value]) -> list[Value]:
    return sorted(vertices, key=lambda v: (v.order, (v.name or "").partition(path[1])[2] if v.op is None else ""))


def _signature(path: Path, vertices: list[Value], chains: dict[Value, tuple[Path, ...]]) -> Any:
    listed = _sorted(path, vertices)
    place = {v: i for i, v in enumerate(listed)}
    return tuple(
        (
            v.op.name if v.op else "",
            v.shape,
            tuple(p[1][len(path[1]) :] for p in chains[v] if len(p[1]) >= len(path[1])),
            tuple(place.get(x, -1) for x in v.inputs if isinstance(x, Value)),
        )
        for v in listed
    )
