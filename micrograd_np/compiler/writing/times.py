"""Equal time steps and equal layers: which operations repeat, and what each time works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..ir import Op, Value, frozen

_LONGEST = 200  # operations of one time
_LEAST, _SAVED = 4, 24  # times, and rows less, from which on a loop is shorter to read
_TRIED = 12  # places where the first operation of a time may come again


class Word(str):
    """Source that stands for itself among the arguments of a call."""

    __slots__ = ()


def kind_of(op: Op) -> Any:
    """What an operation has in common with those that are the same row of source, but for the values in it."""
    pattern: Any = len(op.args)
    for x in op.args:
        if type(x) is not Value:
            pattern = frozen(op.args, type)
            break
    kwargs = frozen(op.kwargs, type) if op.kwargs else ()
    return op.function, op.effect, op.section, op.where, op.refusal, len(op.reads), pattern, kwargs


def repetitions(kinds: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Where operations of these kinds repeat, in order: the first of them, how many one time has, how many times."""
    places: dict[int, list[int]] = {}
    for i, kind in enumerate(kinds):
        places.setdefault(kind, []).append(i)
    passed = dict.fromkeys(places, 0)
    end = 0
    for i, kind in enumerate(kinds):
        passed[kind] += 1
        if i < end:
            continue
        best = (0, 0)
        for j in places[kind][passed[kind] : passed[kind] + _TRIED]:
            length = j - i
            times = _times(kinds, i, length) if length <= _LONGEST else 0
            if times >= _LEAST and (times - 1) * length >= _SAVED:
                best = max(best, (times, -length))
        if best[0]:
            yield i, -best[1], best[0]
            end = i - best[0] * best[1]


def _times(kinds: Sequence[int], i: int, length: int) -> int:
    """How often the operations from `i` on are done, one time after the other."""
    one, times = kinds[i : i + length], 1
    while kinds[i + times * length : i + (times + 1) * length] == one:
        times += 1
    return times


class Column(NamedTuple):
    """What stands in one place of a row, time after time."""

    kind: str
    """``same``: one name; ``listed``: a name for each; ``view``: a view that is made for each; ``own``: what each time
    computes for itself."""
    values: tuple[Value, ...]
    base: Any = None
    """Of a view: the column of what it shows."""
    args: tuple[Any, ...] = ()
    """Of a view: the other arguments, with a `Word` for a number that grows evenly."""


class Times:
    """Operations that are done several times, and the columns of values that they work on."""

    def __init__(
        self,
        ops: list[Op],
        length: int,
        counter: str,
        name: Callable[[Value], str | None],
        is_own: Callable[[Op, int], bool],
        later: Sequence[Op] = (),
    ) -> None:
        """`length` operations each time, which are numbered by the variable `counter`.

        `name` names memory whose address is always the same, and a view of it ""; None for other memory. `is_own` says
        whether what an operation defines is dead after that many of them. `later` are the same operations, done once
        more, which are no part of it.
        """
        self.ops, self.length, self.counter, self.name = ops, length, counter, name
        self.count = len(ops) // length
        self.clock: tuple[int, int] | None = None
        """Where the counter begins, and whether it grows or falls; None if nothing is counted."""
        self.columns: dict[tuple[Value, ...], Column | None] = {}
        self.rows: list[list[Column]] = []
        """For each operation of a time: the columns of what it names."""
        self.later: dict[tuple[Value, ...], tuple[Value, ...]] = {}
        """By values of a column: what stands in their place later."""
        self._times = {op: divmod(i, length) for i, op in enumerate(ops)}
        for j in range(length):
            same = ops[j::length]
            places = list(zip(*map(_named, same), strict=True))
            columns = list(map(self._column, places))
            firsts: dict[Value, Column] = {}
            if any(c is None or firsts.setdefault(c.values[0], c) is not c for c in columns):
                break
            z = same[0].result
            if z is not None and name(z) is None and not all(is_own(op, t * length) for t, op in enumerate(same, 1)):
                break
            self.rows.append([c for c in columns if c is not None])
            if later:
                self.later.update(zip(places, ((v,) for v in _named(later[j])), strict=True))

    @property
    def cost(self) -> float:
        """How many columns have to be listed name by name; infinite where no loop can do the operations."""
        if len(self.rows) < self.length:
            return float("inf")
        return sum(column is not None and column.kind == "listed" for column in self.columns.values())

    @property
    def range(self) -> str:
        """What the counter runs through, as source."""
        assert self.clock is not None
        begin, by = self.clock
        if by < 0:
            return f"range({begin}, {begin - self.count}, -1)"
        return f"range({begin}, {begin + self.count})" if begin else f"range({self.count})"

    def _column(self, values: tuple[Value, ...]) -> Column | None:
        if values not in self.columns:
            self.columns[values] = self._column_of(values)
        return self.columns[values]

    def _column_of(self, values: tuple[Value, ...]) -> Column | None:
        first, n = values[0], len(values)
        if values.count(first) == n:
            return Column("same", values)
        names = list(map(self.name, values))
        if None in names:
            return Column("own", values) if self._is_own(values) else None
        if names[0] and names.count(names[0]) == n:
            return Column("same", values)
        return (None if any(names) else self._view(values)) or Column("listed", values)

    def _is_own(self, values: tuple[Value, ...]) -> bool:
        """Whether each is computed by the same operation of the time that reads it."""
        places = [self._times.get(v.op) for v in values if v.op is not None]
        if not places or places[0] is None:
            return False
        return places == [(t, places[0][1]) for t in range(len(values))]

    def _view(self, values: tuple[Value, ...]) -> Column | None:
        """The column of views whose numbers grow evenly; None if these do not, or have names of the user's."""
        ops = [v.op for v in values if v.op is not None]
        op = ops[0]
        if op.function == "part" or any(o.function != op.function or o.reads != (o.args[0],) for o in ops):
            return None
        base = self._column(tuple([o.args[0] for o in ops]))
        if base is None or any(o.kwargs != op.kwargs for o in ops):
            return None
        shown = [o.args[1:] for o in ops]
        try:
            args = self._grown(shown)
        except _UnevenError:
            return None
        if base.kind == "same" and args == shown[0]:
            return Column("same", values)
        return Column("view", values, base, args)

    def _grown(self, xs: Sequence[Any]) -> Any:
        """The arguments of all times as those of one, with words for what grows."""
        x = xs[0]
        kind = type(x)
        if len(set(map(type, xs))) > 1:
            raise _UnevenError
        if xs.count(x) == len(xs):
            return x
        if kind is int:
            by = xs[1] - x
            if any(y != x + t * by for t, y in enumerate(xs)):
                raise _UnevenError
            return self._word(x, by)
        if kind is tuple or kind is list:
            if any(len(y) != len(x) for y in xs):
                raise _UnevenError
            return kind(map(self._grown, zip(*xs, strict=True)))
        if kind is slice:
            return slice(*(self._grown([getattr(y, part) for y in xs]) for part in ("start", "stop", "step")))
        raise _UnevenError

    def _word(self, first: int, by: int) -> Word:
        """A number that is `first`, and grows by `by` each time, in terms of the counter."""
        if self.clock is None:
            self.clock = (first, by) if abs(by) == 1 else (0, 1)
        begin, direction = self.clock
        by *= direction
        rest = first - by * begin
        if by < 0:
            return Word(f"{rest} - {self.counter if by == -1 else f'{-by} * {self.counter}'}")
        text = self.counter if by == 1 else f"{by} * {self.counter}"
        return Word(f"{text} {'-' if rest < 0 else '+'} {abs(rest)}" if rest else text)


class _UnevenError(Exception):
    """Arguments differ by more than numbers that grow evenly."""


def _named(op: Op) -> tuple[Value, ...]:
    """The values that the row of an operation names, in the same order each time."""
    return (*op.reads, op.result) if op.effect == "new" and op.result is not None else op.reads


def fitting(make: Callable[[int, int], Times], count: int) -> tuple[Times, int, int] | None:
    """What can be one loop: the times from the first on or without it, with the last or not; None if nothing can.

    The first and the last time are often others: they start from zeros, or leave results.
    """
    best: tuple[Times, int, int] | None = None
    for begin, end in ((0, count), (1, count - 1), (1, count), (0, count - 1)):
        if best is not None and not best[0].cost:
            break
        times = make(begin, end)
        if best is None or times.cost < best[0].cost:
            best = times, begin, end
    return best if best is not None and best[0].cost < float("inf") else None
