"""What a computation does again and again, and a picture shows once: the search that graphs and networks share."""

from __future__ import annotations

from abc import abstractmethod
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["Repeats"]

T = TypeVar("T")
_LONGEST = 32  # parts of what repeats


class Repeats(Generic[T]):
    """A search among `items`, which stand in the order of computation, for parts that do the same one after the other.

    A part is a call of a module or an item outside of those; several parts in a row may be what repeats. They do the
    same if each takes what the one before made, or all take the same. `twins` are what is drawn instead of an item.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.twins: dict[T, T] = {}
        self.users: dict[T, list[T]] = {}
        for item in items:
            for source in self.sources(item):
                self.users.setdefault(source, []).append(item)

    @abstractmethod
    def scope(self, item: T) -> Sequence[tuple[Any, str]]:
        """The modules around an item, outermost first: each a pair whose last is its path."""

    @abstractmethod
    def sources(self, item: T) -> Iterable[T]:
        """The items that it was computed from."""

    @abstractmethod
    def does(self, item: T) -> Any:
        """What it does."""

    def core(self, part: Sequence[T], depth: int) -> Sequence[T]:
        """What is alike in parts that do the same."""
        del depth
        return part

    @abstractmethod
    def fold(self, runs: Sequence[Sequence[T]], inside: AbstractSet[T], depth: int) -> bool:
        """Let the first of `runs` stand for all of them, with everything `inside` the calls at `depth`; or refuse."""

    def twin(self, item: T) -> T:
        """What is drawn for this item."""
        while item in self.twins:
            item = self.twins[item]
        return item

    def search(self, items: Sequence[T], depth: int = 0) -> None:
        """Fold what repeats among the `items` of one call, whose parts are the calls at `depth`, and in those."""
        parts = [list(part) for _, part in groupby(items, lambda x: self.scope(x)[depth : depth + 1] or x)]
        cores = [self.core(part, depth) for part in parts]
        kinds = [
            [(self.does(x), [p.rpartition(".")[2] for _, p in self.scope(x)[depth + 1 :]]) for x in c] for c in cores
        ]
        i = 0
        while i < len(parts):
            period, times = _period(kinds, i)
            runs = [list(chain(*cores[k : k + period])) for k in range(i, i + period * times, period)]
            if times == 1 or not self.fold(runs, {*chain(*parts[i : i + period * times])}, depth):
                period = times = 1
            for part in parts[i : i + period]:
                if any(len(self.scope(x)) > depth + 1 for x in part):
                    self.search(part, depth + 1)
            i += period * times

    def alike(self, runs: Sequence[Sequence[T]], inside: AbstractSet[T], *, tied: bool = False) -> bool:
        """Whether each run takes what the one before made, or all the same.

        What uses one of them from outside must use the last as well, and of a chain only the last, unless it is `tied`.
        """
        place = {item: (k, j) for k, run in enumerate(runs) for j, item in enumerate(run)}

        def links(k: int, item: T) -> set[Any]:
            """Where its inputs come from: outside, or how many runs before, and which item of it."""
            found: set[Any] = set()
            for x in map(self.twin, self.sources(item)):
                found |= {(k - place[x][0], place[x][1])} if x in place else links(k, x) if x in inside else {x}
            return found

        first, second, *rest = ([links(k, item) for item in run] for k, run in enumerate(runs))
        lasting = [{x for x in found if not isinstance(x, tuple) or not x[0]} for found in second]
        chained = lasting != second
        for found, kept in zip(first, lasting, strict=True) if chained else ():
            found -= {x for x in found - kept if not isinstance(x, tuple)}  # in place of an earlier run's result
        users = ([{*self.users.get(x, ())} - inside for x in run] for run in zip(*runs, strict=True))
        return (
            first == lasting
            and all(found == second for found in rest)
            and all(used <= (set() if chained and not tied else last) for *before, last in users for used in before)
        )

    def heading(self, runs: Sequence[Sequence[T]], depth: int) -> str:
        """The first and the last module of a run at `depth`, and how often it is there."""
        paths = [*dict.fromkeys(self.scope(x)[depth][1] for x in runs[0] if depth < len(self.scope(x)))]
        return f"{' … '.join(paths[:: max(len(paths) - 1, 1)])}   × {len(runs)}"


def _period(kinds: Sequence[Any], i: int) -> tuple[int, int]:
    """How many of `kinds` repeat from `i` on, and how often; the choice that covers the most."""
    best = (1, 1)
    for period in range(1, min((len(kinds) - i) // 2, _LONGEST) + 1):
        times = 1
        while kinds[i + times * period : i + (times + 1) * period] == kinds[i : i + period]:
            times += 1
        if times > 1 and period * times > best[0] * best[1]:
            best = period, times
    return best
