"""Which steps run in one loop, and in which order.

Elementwise steps over one shape join where one reads what the other writes, element by element. What may move is read
off the places: two steps keep their order where one writes what the other reads or writes. Steps that write into memory
which outlives the call come last, so that all else has been computed, and its flags looked at, before they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..memory import Storage
    from .places import Place, Places
    from .steps import Step

__all__ = ["Group", "fuse"]

_FAR = 150  # groups between two that are not joined: their values would be out of the cache, and the search takes long


class Group:
    """Steps that run in one loop; or a single step of another kind."""

    __slots__ = ("after", "at", "before", "late", "shape", "steps")

    def __init__(self, step: Step, at: int) -> None:
        self.steps, self.shape, self.late = [step], step.shape, step.late
        self.at = at
        self.before: dict[Group, bool] = {}
        """The groups that run before it, and whether what both touch is the same for each element."""
        self.after: set[Group] = set()

    @property
    def kind(self) -> str:
        """The kind of its steps."""
        return self.steps[0].kind


def fuse(steps: Sequence[Step], places: Places, lasting: Collection[Storage]) -> list[Group]:
    """The groups of all steps, in an order in which they can run."""
    order = _dependences(steps, places, lasting)
    for group in reversed(order.copy()):
        if group.kind == "loop":
            for other in sorted(group.after, key=lambda g: -g.at):
                if other in group.after and _alike(group, other):
                    group = _join(order, group, other)  # noqa: PLW2901  it goes on as a part of the other
    return [g for g in order if not g.late] + [g for g in order if g.late]


def _alike(a: Group, b: Group) -> bool:
    """Whether two groups, the second of which needs the first, are loops that could be one."""
    return b.kind == "loop" and a.shape == b.shape and a.late == b.late and b.before[a] and b.at - a.at < _FAR


def _dependences(steps: Sequence[Step], places: Places, lasting: Collection[Storage]) -> list[Group]:
    """A group for each step, with what must run before it."""
    order: list[Group] = []
    near = _overlapping(steps, places)
    touched: dict[Any, list[tuple[Group, bool]]] = {}  # by place: who reads it, or writes
    chain: Group | None = None  # what runs where it stands: draws, and what may raise
    for i, step in enumerate(steps):
        group = Group(step, i)
        accesses = [(x, False) for x in step.reads]
        accesses += [(step.result, True)] if step.result is not None else []
        late = any(write and place.storage in lasting for place, write in accesses)
        for place, write in accesses:
            for there in near[place[:5]]:
                for other, written in touched.get(there[:5], ()):
                    if (write or written) and other is not group:
                        _order(other, group, same=_same(there, place, other, group))
                        late = late or other.late
        if step.op.bound is not None or step.op.must_run:
            if chain is not None:
                _order(chain, group, same=False)
                late = late or chain.late
            chain = group
        group.late = step.late = late
        for place, write in accesses:
            kept = touched.setdefault(place[:5], [])
            if write:  # whoever comes later and touches this, waits for this step, and so for those before it
                kept.clear()
            kept.append((group, write))
        order.append(group)
    _hold_back(order)
    return order


def _overlapping(steps: Sequence[Step], places: Places) -> dict[Any, list[Place]]:
    """By all of a place but its value: the places that have a byte in common with it."""
    distinct: dict[Storage, dict[Any, Place]] = {}
    for step in steps:
        for place in step.touches:
            distinct.setdefault(place.storage, {})[place[:5]] = place
    near: dict[Any, list[Place]] = {key: [] for found in distinct.values() for key in found}
    for found in distinct.values():
        behind: list[tuple[int, Place]] = []  # the places that begin before, and where each ends
        for place in sorted(found.values(), key=lambda place: place.bounds):
            begin, end = place.bounds
            behind = [*(x for x in behind if x[0] > begin), (end, place)]
            for _, there in behind:
                if places.overlap(place, there):
                    near[place[:5]].append(there)
                    if there is not place:
                        near[there[:5]].append(place)
    return near


def _hold_back(order: list[Group]) -> None:
    """Of an update, what is only needed to write into lasting memory runs late, too."""
    for group in reversed(order):
        step = group.steps[0]
        if step.kind == "loop" and step.op.section == "update" and group.after and all(g.late for g in group.after):
            group.late = step.late = True


def _order(first: Group, second: Group, *, same: bool) -> None:
    """Let one group run before another."""
    second.before[first] = second.before.get(first, True) and same
    first.after.add(second)


def _same(a: Place, b: Place, one: Group, other: Group) -> bool:
    """Whether two places of steps over one shape are the same for each element."""
    if not (one.kind == other.kind == "loop") or (one.shape, a.offset) != (other.shape, b.offset):
        return False
    alike = a.dtype.itemsize == b.dtype.itemsize
    return alike and a.spread(one.steps[0].result.shape) == b.spread(other.steps[0].result.shape)


def _join(order: list[Group], a: Group, b: Group) -> Group:
    """One group of two, if nothing has to run between them; else the first."""
    reached: set[Group] = set()
    waiting = [g for g in a.after if g is not b]
    while waiting:
        group = waiting.pop()
        if group is b:
            return a
        if group.at < b.at and group not in reached:
            reached.add(group)
            waiting += group.after
    between = order[a.at + 1 : b.at]
    waiting_for_a = [g for g in between if g in reached]
    order[a.at : b.at + 1] = [*(g for g in between if g not in reached), b, *waiting_for_a]
    for i in range(a.at, len(order)):
        order[i].at = i
    b.steps = [*a.steps, *b.steps]
    b.before.pop(a)
    for g, same in a.before.items():
        g.after.discard(a)
        _order(g, b, same=same)
    for g in a.after - {b}:
        _order(b, g, same=g.before.pop(a))
    return b
