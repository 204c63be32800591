"""What a program relies on beyond memory and modes: that things are still kept where the trace has found them.

A container has another tensor by now, a module another layer, an optimiser has been given a new state: then the step
has to be traced again.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from inspect import unwrap
from keyword import iskeyword
from types import CodeType, FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

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

    def has(self, thing: Any) -> bool:
        """Whether it is kept there now."""
        return self.guard(thing).holds()

    def guard(self, thing: Any) -> Guard:
        """The condition that it is kept there."""
        if self.attribute:
            plain = self.key.isidentifier() and not iskeyword(self.key)
            where = f"{{0}}.{self.key}" if plain else f"getattr({{0}}, {_braced(repr(self.key))})"
            return Guard(f"{where} is {{1}}", (self.holder, thing))
        if type(self.key) in (int, str):
            return Guard(f"{{0}}[{_braced(repr(self.key))}] is {{1}}", (self.holder, thing))
        return Guard("{0}[{2}] is {1}", (self.holder, thing, self.key))


def _braced(text: str) -> str:
    """`text` as a part of a template."""
    return text.replace("{", "{{").replace("}", "}}")


@dataclass(eq=False)
class Parts:
    """Modules and tensors, with what `parts_of` has found in them."""

    parts: list[tuple[Any, list[Any]]] = field(default_factory=list)
    number: int = 0
    """Which number of changes it was when they were last looked at."""

    def hold(self) -> bool:
        """Look at all modules and hooks, and remember when that was; whether all parts are the same."""
        number = changes.number
        for x, parts in self.parts:
            now = parts_of(x, set(map(id, parts)))
            if len(now) != len(parts) or not all(map(_same, now, parts)):
                return False
        self.number = number
        return True

    def guard(self) -> Guard:
        """The condition that they do."""
        return Guard("({0}.number == {1}.number or {1}.hold())", (changes, self))


def parts_of(x: Any, read: set[int]) -> list[Any]:
    """What the work of a module or a tensor depends on: its hooks; modules, parameters, buffers, functions in it.

    Of plain tensors among the attributes of a module only those whose ids are in `read`, and of numbers, tuples, arrays
    and so on only those that its class speaks of, and does not count up while it works: others come and go.
    """
    if isinstance(x, Vertex):
        return [hook for hook, _ in (x.notes or {}).get("hooks", ())]
    hooks: dict[str, Any] = vars(x).get("_hooks") or {}
    mentioned = _names(type(x))
    parts = [
        y
        for name, y in vars(x).items()
        if callable(y)
        or (id(y) in read or type(y) is not y.result_type if isinstance(y, Vertex) else name in mentioned)
    ]
    return [*parts, *(hook for when in hooks.values() for hook, _ in when)]


_SETTINGS = frozenset((int, float, bool, str, type(None)))


def _same(x: Any, y: Any) -> bool:
    if x is y or type(x) is not type(y):
        return x is y
    if type(x) is tuple:
        return len(x) == len(y) and all(map(_same, x, y))
    return type(x) in _SETTINGS and repr(x) == repr(y)


_mentioned: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def _names(kind: type) -> frozenset[str]:
    """The attributes that a class of modules speaks of in its methods, but for those that `forward` itself sets."""
    if kind not in _mentioned:
        own = [c for c in kind.__mro__ if "named_parameters" not in vars(c)]
        codes = [unwrap(f).__code__ for c in own for f in vars(c).values() if isinstance(f, FunctionType)]
        for code in codes:  # grows as it goes
            codes += [part for part in code.co_consts if isinstance(part, CodeType)]
        steps = dis.get_instructions(kind.forward)  # type: ignore[attr-defined]
        counted = {step.argval for step in steps if step.opname == "STORE_ATTR"}
        mentioned = frozenset(name for code in codes for name in code.co_names) - counted
        _mentioned[kind] = mentioned.union(
            getattr(kind, "_settings", ())
        )  # which a layer passes on without naming them
    return _mentioned[kind]


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
        places = [(Place(o, "state", True), o.state), (Place(o, "param_groups", True), o.param_groups)]
        places += [(Place(o.param_groups, i), group) for i, group in enumerate(o.param_groups)]
        places += [(Place(group, "params"), group["params"]) for group in o.param_groups]
        guards += [place.guard(thing) for place, thing in places]
        guards += [size_of(x) for x in (o.param_groups, *(group["params"] for group in o.param_groups))]
    for group in groups:
        pairs = zip(group.params, group.states, strict=True)
        guards += [Place(group.optimizer.state, p).guard(state) for p, state in pairs]
    return guards


def size_of(container: Any) -> Guard:
    """The condition that a container holds as much as it does now."""
    return Guard(f"len({{0}}) == {len(container)}", (container,))
