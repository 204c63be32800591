"""What a computation does again and again, and a picture shows once: the search that graphs and networks share."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_LONGEST = 32  # parts of what repeats
_TRIES = 8  # to fold what repeats from the next part on


class Repeats(Generic[T]):
    """A search for what repeats: calls of modules, or runs of calls and of items outside of them.

    They do the same one after the other, each with what the one before made, or all with the same. Of an item, `scope`
    are the modules around it, outermost first, each a tuple that ends with its path; `sources` what it is computed
    from, and `does` what it does. `core` picks what is alike in equal parts at a depth. `fold` draws the first of some
    runs in place of all, with everything else in them, or refuses; `twins` are what is drawn instead of an item.
    """

    def __init__(
        self,
        items: Sequence[T],
        scope: Callable[[T], Sequence[tuple[Any, str]]],
        sources: Callable[[T], Iterable[T]],
        does: Callable[[T], Any],
        fold: Callable[["Repeats[T]", list[list[T]], AbstractSet[T], int], bool],
        core: Callable[[Sequence[T], int], Sequence[T]] = lambda part, _: part,
    ) -> None:
        self.scope, self.sources, self.does, self.core, self.fold = scope, sources, does, core, fold
        self.twins: dict[T, T] = {}
        self.users: dict[T, list[T]] = defaultdict(list)
        for item in items:
            for source in sources(item):
                self.users[source].append(item)
        self.search(items, 0)

    def twin(self, item: T) -> T:
        """What is drawn for this item."""
        return end(self.twins, item)

    def search(self, items: Sequence[T], depth: int) -> None:
        """Fold what repeats among the `items` of one call, whose parts are the calls at `depth`, and in those."""
        parts = [list(part) for _, part in groupby(items, lambda x: self.scope(x)[depth : depth + 1] or x)]
        cores, within = [self.core(part, depth) for part in parts], depth + 1
        numbers: dict[Any, int] = {}
        tails: Any = lambda x: tuple(path.rpartition(".")[2] for _, path in self.scope(x)[within:])
        kinds = [numbers.setdefault(tuple((self.does(x), tails(x)) for x in c), len(numbers)) for c in cores]
        i = refused = 0
        while i < len(parts):
            period, times = _period(kinds, i)
            runs = [list(chain(*cores[k : k + period])) for k in range(i, i + period * times, period)]
            shown = period
            if times == 1 or not self.fold(self, runs, {*chain(*parts[i : i + period * times])}, depth):
                refused = refused + 1 if times > 1 else 0
                period, times = (period, times - 1) if refused > _TRIES else (1, 1)
                shown = period * times  # where it is refused again and again, it will be from each of these parts on
            for part in parts[i : i + shown]:
                if any(len(self.scope(x)) > within for x in part):
                    self.search(part, within)
            i += period * times

    def alike(self, runs: list[list[T]], inside: AbstractSet[T], *, tied: bool = False) -> bool:
        """Whether each run takes what the one before made, or all the same.

        What uses one of them from outside must use the last as well, and of a chain only the last, unless it is `tied`.
        """
        place = {item: (k, j) for k, run in enumerate(runs) for j, item in enumerate(run)}

        def links(k: int, item: T) -> set[Any]:
            """Where its inputs come from: outside, or how many runs before, and which item of it."""
            places: set[Any] = set()
            for x in map(self.twin, self.sources(item)):
                places |= {(k - place[x][0], place[x][1])} if x in place else links(k, x) if x in inside else {x}
            return places

        first, second, *rest = ([links(k, item) for item in run] for k, run in enumerate(runs))
        lasting = [{x for x in places if not isinstance(x, tuple) or not x[0]} for places in second]
        chained = lasting != second
        for places, kept in zip(first, lasting, strict=True) if chained else ():
            places -= {x for x in places - kept if not isinstance(x, tuple)}  # in place of an earlier run's result
        users = ([{*self.users.get(x, ())} - inside for x in same] for same in zip(*runs, strict=True))
        last_only = chained and not tied
        return (
            first == lasting
            and all(places == second for places in rest)
            and all(used <= (set() if last_only else last) for *before, last in users for used in before)
        )

    def heading(self, runs: list[list[T]], depth: int) -> str:
        """The first and the last module of a run at `depth`, and how often it is there."""
        paths = [*dict.fromkeys(self.scope(x)[depth][-1] for x in runs[0] if depth < len(self.scope(x)))]
        return f"{' … '.join(paths[:: max(len(paths) - 1, 1)])}   × {len(runs)}"


def end(twins: Mapping[T, T], item: T) -> T:
    """Where a chain of `twins` from `item` on ends."""
    while item in twins:
        item = twins[item]
    return item


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
