"""The numbers of an optimiser's step as expressions in C: `scalars` runs on symbols, and each way it takes is noted."""

from __future__ import annotations

import math
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .places import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ATOM", "Symbol", "scalars_in_c"]

ATOM, _UNARY, _PRODUCT, _SUM, _COMPARISON, _CHOICE = 9, 8, 7, 6, 3, 1
_DEPTH = 6  # conditions on one way


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

    def __init__(self, text: str, strength: int = ATOM, decided: dict[str, bool] | None = None) -> None:
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
    __eq__, __ne__ = _operator("==", _COMPARISON), _operator("!=", _COMPARISON)
    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> Symbol:
        return self.of(f"-{tight(self, _UNARY)}", _UNARY)

    def __pow__(self, other: Any) -> Symbol:
        return self.of(f"pow({tight(self, 0)}, {tight(other, 0)})", ATOM)

    def __rpow__(self, other: Any) -> Symbol:
        return self.of(f"pow({tight(other, 0)}, {tight(self, 0)})", ATOM)


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
                message = "there are too many conditions"
                raise Unsupported(message)
            results.append(way(depth + 1))
        yes, no = results
        return {k: _choice(condition, yes[k], no[k], t) for k in yes}

    try:
        return way(0)
    except (TypeError, AttributeError, KeyError) as error:
        raise Unsupported(str(error)) from None


def _choice(condition: str, x: Any, y: Any, t: Symbol) -> Any:
    texts = [tight(z, 0) if isinstance(z, (Symbol, int, float)) else "" for z in (x, y)]
    return x if texts[0] == texts[1] else t.of(f"{condition} ? {texts[0]} : {texts[1]}", _CHOICE)


def _on_symbols(function: Any) -> Any:
    """A function of plain Python, with mathematical functions that take symbols too, in itself and in what it calls."""
    if getattr(math, getattr(function, "__name__", ""), None) is function:
        return lambda x: x.of(f"{function.__name__}({x.text})", ATOM) if isinstance(x, Symbol) else function(x)
    if function is math:
        return type("maths", (), {name: staticmethod(_on_symbols(f)) for name, f in vars(math).items() if callable(f)})
    if not isinstance(function, FunctionType):
        return function
    space = {**function.__globals__}
    for name in function.__code__.co_names:
        if name in space and space[name] is not function:
            space[name] = _on_symbols(space[name])
    return FunctionType(function.__code__, space, function.__name__, function.__defaults__, function.__closure__)
