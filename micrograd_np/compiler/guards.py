"""What a program relies on beyond memory and modes: that things are still kept where the trace has found them.

A container has another tensor by now, a module another layer, an optimiser has been given a new state: then the step
has to be traced again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from keyword import iskeyword
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.hooks import changes
from micrograd_np.core.vertex import Vertex

from .program import UpdateGroup

GONE = (KeyError, IndexError, AttributeError, ValueError, TypeError)
"""What looking somewhere raises that has nothing by now: in a dict, a list, an object, a variable of a function."""

MISS = object()
"""What a call returns that has done nothing, because the program is not the right one for it."""


class Guard(NamedTuple):
    """A condition on things outside a program, as an expression with a place for each of them.

    >>> Guard("len({0}) == 2", ([1, 2],)).holds()
    True
    """

    template: str
    things: tuple[Any, ...]

    def source(self, name: Callable[[Any], str]) -> str:
        """The expression, with the names of its things."""
        return self.template.format(*map(name, self.things))

    def holds(self) -> bool:
        """Whether it is so now."""
        names = {f"_{i}": x for i, x in enumerate(self.things)}
        try:
            return bool(eval(self.template.format(*names), names))  # noqa: S307  an expression of our own
        except GONE:
            return False


class Place(NamedTuple):
    """Where something is kept: ``holder[key]``, or ``holder.key``."""

    holder: Any
    key: Any
    attribute: bool = False

    def now(self) -> Any:
        """What is kept there; raises one of `GONE` if nothing is."""
        return getattr(self.holder, self.key) if self.attribute else self.holder[self.key]

    def has(self, thing: Any) -> bool:
        """Whether it is kept there now, or a value that is no other."""
        try:
            return same_value(self.now(), thing)
        except GONE:
            return thing is MISS

    def guard(self, thing: Any) -> Guard:
        """The condition that it is kept there, or a value that is no other; that there is nothing, for MISS."""
        if thing is MISS:
            return Guard(f"getattr({{0}}, {_braced(repr(self.key))}, {{1}}) is {{1}}", (self.holder, thing))
        if self.attribute:
            plain = self.key.isidentifier() and not iskeyword(self.key)
            where = f"{{0}}.{self.key}" if plain else f"getattr({{0}}, {_braced(repr(self.key))})"
        else:
            where = f"{{0}}[{_braced(repr(self.key))}]" if type(self.key) in (int, str) else "{0}[{2}]"
        things = (self.holder, thing, self.key, same_value)
        if isinstance(thing, np.ndarray):
            return Guard(f"{{3}}({where}, {{1}})", things)
        return Guard(f"({where} is {{1}} or {{3}}({where}, {{1}}))" if is_value(thing) else f"{where} is {{1}}", things)


def _braced(text: str) -> str:
    """`text` as a part of a template."""
    return text.replace("{", "{{").replace("}", "}}")


class Parts:
    """Modules and tensors, with what `parts_of` has found in them under some names."""

    def __init__(self, parts: list[tuple[Any, Collection[str], list[Any]]]) -> None:
        self.parts, self.settings = parts, changes.settings
        self.number = changes.number  # when they were last looked at

    def hold(self) -> bool:
        """Look at all modules and hooks, and remember when that was; whether all parts and settings are the same."""
        number = changes.number
        if changes.settings != self.settings:
            return False
        for x, names, parts in self.parts:
            now = parts_of(x, set(map(id, parts)), names)
            if len(now) != len(parts) or not all(map(same_value, now, parts)):
                return False
        self.number = number
        return True

    def guard(self) -> Guard:
        """The condition that they do."""
        return Guard("({0}.number == {1}.number or {1}.hold())", (changes, self))


def parts_of(x: Any, read: set[int], names: Collection[str]) -> list[Any]:
    """What the work of a module or a tensor depends on: its hooks; modules, parameters, buffers, functions in it.

    Of plain tensors among the attributes of a module only those whose ids are in `read`, and of numbers, tuples, arrays
    and so on only those with one of `names`: others come and go.
    """
    if isinstance(x, Vertex):
        return [hook for hook, _ in (x.notes or {}).get("hooks", ())]
    hooks: dict[str, Any] = vars(x).get("_hooks") or {}
    parts = [
        y
        for name, y in vars(x).items()
        if callable(y) or (id(y) in read or type(y) is not y.result_type if isinstance(y, Vertex) else name in names)
    ]
    return [*parts, *(hook for when in hooks.values() for hook, _ in when)]


_VALUES = (int, float, complex, str, bytes, type(None), slice, range, np.generic)
"""What is told apart by how it looks: 1 and True are equal, as 0.0 and -0.0 are, and nan is not."""


def is_value(x: Any) -> bool:
    """Whether nobody can tell `x` from another one like it: numbers, strings, tuples of these."""
    return all(map(is_value, x)) if type(x) is tuple else isinstance(x, _VALUES)


def same_value(x: Any, y: Any) -> bool:
    """Whether `x` is `y`, or a value or an array that is no other."""
    if x is y or type(x) is not type(y):
        return x is y
    if type(x) is tuple:
        return len(x) == len(y) and all(map(same_value, x, y))
    if isinstance(x, np.ndarray):
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    return isinstance(x, _VALUES) and repr(x) == repr(y)


def is_module(x: Any) -> bool:
    """Whether `x` is a module; this floor knows them by their looks only."""
    return hasattr(type(x), "named_parameters")


def is_optimizer(x: Any) -> bool:
    """Whether `x` is an optimiser, which is known by its looks as well."""
    return hasattr(type(x), "scalars") and hasattr(type(x), "started")


def of_optimizers(groups: Iterable[UpdateGroup]) -> list[Guard]:
    """What an update relies on: the groups, their parameters, and what is kept of each of those that are updated."""
    groups = list(groups)
    guards = []
    for o in {id(group.optimizer): group.optimizer for group in groups}.values():
        places = [Place(o, name, attribute=True) for name in ("state", "param_groups")]
        places += [Place(o.param_groups, i) for i in range(len(o.param_groups))]
        places += [Place(group, "params") for group in o.param_groups]
        guards += [place.guard(place.now()) for place in places]
        guards += [size_of(x) for x in (o.param_groups, *(group["params"] for group in o.param_groups))]
    for group in groups:
        pairs = zip(group.params, group.states, strict=True)
        guards += [Place(group.optimizer.state, p).guard(state) for p, state in pairs]
    return guards


def size_of(x: Any) -> Guard:
    """The condition that a container holds as much as it does now, in this order, or an object as many attributes."""
    if isinstance(x, (set, frozenset)) and len(x) <= MANY:
        return Guard("{0} == {1}", (x, x.copy()))
    if isinstance(x, (dict, MappingProxyType)) and len(x) <= MANY:
        return Guard("[*{0}] == {1}", (x, list(x)))
    if isinstance(x, CONTAINERS):
        return Guard(f"len({{0}}) == {len(x)}", (x,))
    size = f" and len({{0}}.__dict__) == {len(vars(x))}" if hasattr(x, "__dict__") else ""
    return Guard(f"{{0}}.__class__ is {{1}}{size}", (x, type(x)))


CONTAINERS = (dict, MappingProxyType, list, tuple, deque, set, frozenset)
MANY = 1_000
"""Elements from which on a container or an array is taken for data, of which only the size is compared."""
