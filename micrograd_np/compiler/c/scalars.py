"""The numbers of an optimiser's step as expressions in C: `scalars` runs on symbols, and each way it takes is noted."""

from __future__ import annotations

import math
import re
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from .places import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..naming import Names
    from ..program import UpdateGroup

__all__ = ["Clocks", "Symbol", "clocks", "scalars_in_c"]

_ATOM, _UNARY, _PRODUCT, _SUM, _COMPARISON, _CHOICE = 9, 8, 7, 6, 3, 1
_DEPTH = 6  # conditions on one way, and calls within calls


class _Undecided(Exception):  # noqa: N818  it asks
    """A condition that this way has not met yet."""


def _operator(sign: str, strength: int, *, swapped: bool = False) -> Callable[[Symbol, Any], Symbol]:
    """A method of symbols that an operator calls."""

    def apply(self: Symbol, other: Any) -> Symbol:
        if not isinstance(other, (Symbol, int, float)):
            return NotImplemented
        x, y = (other, self) if swapped else (self, other)
        return self.of(f"{tight(x, strength)} {sign} {tight(y, strength + 1)}", strength)

    return apply


class Symbol:
    """A number of which only the name is known: text in C, and how tightly that binds."""

    def __init__(self, text: str, strength: int = _ATOM, decided: dict[str, bool] | None = None) -> None:
        self.text, self.strength = text, strength
        self.decided = {} if decided is None else decided
        """What conditions are on this way, by their text."""

    def __bool__(self) -> bool:
        if self.text not in self.decided:
            raise _Undecided(self.text)
        return self.decided[self.text]

    def of(self, text: str, strength: int) -> Symbol:
        """Another symbol on the same way."""
        return Symbol(text, strength, self.decided)

    __add__, __radd__ = _operator("+", _SUM), _operator("+", _SUM, swapped=True)
    __sub__, __rsub__ = _operator("-", _SUM), _operator("-", _SUM, swapped=True)
    __mul__, __rmul__ = _operator("*", _PRODUCT), _operator("*", _PRODUCT, swapped=True)
    __truediv__, __rtruediv__ = _operator("/", _PRODUCT), _operator("/", _PRODUCT, swapped=True)
    __lt__, __le__ = _operator("<", _COMPARISON), _operator("<=", _COMPARISON)
    __gt__, __ge__ = _operator(">", _COMPARISON), _operator(">=", _COMPARISON)
    __eq__: Any = _operator("==", _COMPARISON)
    __ne__: Any = _operator("!=", _COMPARISON)
    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> Symbol:
        return self.of(f"-{tight(self, _UNARY)}", _UNARY)

    def __pow__(self, other: Any) -> Symbol:
        return self.of(f"pow({tight(self, 0)}, {tight(other, 0)})", _ATOM)

    def __rpow__(self, other: Any) -> Symbol:
        return self.of(f"pow({tight(other, 0)}, {tight(self, 0)})", _ATOM)


def tight(x: Any, least: int) -> str:
    """A number or a symbol, in parentheses where it binds less than `least`."""
    if not isinstance(x, Symbol):
        return repr(x) if x >= 0 else f"({x!r})"
    return x.text if x.strength >= least else f"({x.text})"


def scalars_in_c(scalars: Callable[..., Any], group: Mapping[str, Any], t: Symbol) -> dict[str, Any]:
    """What ``scalars(group, t)`` gives, with symbols for numbers that are not the same each time."""
    run, decided = _on_symbols(scalars), t.decided

    def way(depth: int) -> dict[str, Any]:
        try:
            return {**group, **run(group, t)}
        except _Undecided as error:
            condition, *others = str(error), decided.copy()
        results = []
        for answer in (True, False):
            decided.clear()
            decided.update(*others, **{condition: answer})
            if depth == _DEPTH:
                raise Unsupported(f"{scalars.__qualname__} has too many conditions")
            results.append(way(depth + 1))
        yes, no = results
        return {k: _choice(condition, yes[k], no[k], t) for k in yes}

    try:
        return way(0)
    except (TypeError, AttributeError, KeyError) as error:
        raise Unsupported(f"{scalars.__qualname__} does more with numbers than C says here ({error})") from None


def _choice(condition: str, x: Any, y: Any, t: Symbol) -> Any:
    texts = [tight(z, 0) if isinstance(z, (Symbol, int, float)) else "" for z in (x, y)]
    return x if texts[0] == texts[1] else t.of(f"{condition} ? {texts[0]} : {texts[1]}", _CHOICE)


def _on_symbols(function: Any, depth: int = 0) -> Any:
    """A function of plain Python, with mathematical functions that take symbols too, in itself and in what it calls."""
    if function is math:
        return type("maths", (), {k: staticmethod(_on_symbols(f)) for k, f in vars(math).items() if callable(f)})
    name = getattr(function, "__name__", "")
    if vars(math).get(name, math) is function:
        return lambda x: x.of(f"{name}({x.text})", _ATOM) if isinstance(x, Symbol) else function(x)
    if not isinstance(function, FunctionType) or depth == _DEPTH:
        return function
    used = [k for k in function.__code__.co_names if k in function.__globals__]
    space = function.__globals__ | {k: _on_symbols(function.__globals__[k], depth + 1) for k in used}
    return FunctionType(function.__code__, space, name, function.__defaults__, function.__closure__)


class Clocks(NamedTuple):
    """Rows of C for the numbers of optimisers: the settings, what a step computes first, and what it counts."""

    settings: list[str]
    before: list[str]
    after: list[str]


def clocks(
    updates: Sequence[tuple[UpdateGroup, list[tuple[Any, str]]]],
    numbers: dict[int, str],
    types: Mapping[str, str],
    names: Names,
) -> Clocks:
    """What computes the runtime numbers that C has a name for, by the id of their arrays."""
    rows = Clocks([], [], [])
    structures: dict[int, str] = {}
    for clock, slots in updates:
        mine = [(numbers.pop(id(array)), key) for array, key in slots if id(array) in numbers]
        if not mine:
            continue
        first, title = clock.states[0], type(clock.optimizer).__name__
        name = structures.get(id(first)) or names.unique(title.lower())
        t = Symbol(names.unique("t"))
        group = {k: _setting(f"{name}.{k}", x, t) for k, x in clock.group.items() if k not in clock.fixed}
        scalars = scalars_in_c(clock.optimizer.scalars, {**clock.group, **group}, t)
        texts = [tight(scalars[key], 0) for _, key in mine]
        if t.text in re.findall(r"[\w.]+", " ".join(texts)):
            rows.before.append(f"const double {t.text} = {name}.steps + {1 + clock.before};")
        for (n, _), x in zip(mine, texts, strict=True):
            rows.before.append(f"const {types[n]} {n} = {x if types[n] == 'double' else f'({types[n]})({x})'};")
        if id(first) not in structures:
            structures[id(first)] = name
            rows.after.append(f"{name}.steps += {sum(any(s is first for s in c.states) for c, _ in updates)};")
            rows.settings.extend(_structure(title, name, clock.group, group, first["step"]))
    if numbers:
        raise Unsupported(f"nothing says how {', '.join(numbers.values())} is computed")
    return rows


def _setting(name: str, x: Any, t: Symbol) -> Any:
    """A setting that may change, though not become 0: a float, or a tuple of floats."""
    if isinstance(x, tuple):
        return tuple(_setting(f"{name}[{i}]", y, t) for i, y in enumerate(x))
    if not isinstance(x, float) or not x:
        return x
    t.decided[name] = True
    return t.of(name, _ATOM)


def _structure(title: str, name: str, group: dict[str, Any], symbols: dict[str, Any], done: int) -> list[str]:
    """The settings of an optimiser as a structure."""
    changing = [k for k, x in symbols.items() if isinstance(x[0] if isinstance(x, tuple) else x, Symbol)]
    fields = [f"{k}[{len(group[k])}]" if isinstance(group[k], tuple) else k for k in changing]
    values = [str(group[k]).replace("(", "{").replace(")", "}") for k in changing]
    return [
        f"/* the settings of {title}, which may change from call to call, and how many steps it has made */",
        f"static struct {{ double {', '.join([*fields, 'steps'])}; }} {name} =",
        f"    {{ {', '.join([*values, str(done)])} }};",
        "",
    ]
