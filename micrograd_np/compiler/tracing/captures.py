"""What a step finds around it, without being given it: variables, what they hold, and the tensors in that.

A program is bound to these tensors. Whoever puts others in their places has to be noticed: inside the step that is an
error, and between calls a reason to trace again.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import ChainMap, UserDict, UserList
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache, partial, partialmethod
from itertools import islice
from random import Random
from types import CellType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from micrograd_np.core.vertex import Vertex, grad_of

from ..guards import (
    CONTAINERS,
    GONE,
    MANY,
    MISS,
    Guard,
    Parts,
    Place,
    is_module,
    is_optimizer,
    of_optimizers,
    parts_of,
    size_of,
)
from ..program import Program
from .names import names_in, read_by, read_by_class, variables_of

_MOST = 10_000  # things looked at: more than anybody writes by hand, so that no data set is gone through
_OURS = __name__.partition(".")[0]
_FOREIGN = frozenset((_OURS, "numpy", *sys.stdlib_module_names))
"""Packages whose functions and objects keep no tensors of the user, or, like our own, change none behind his back."""

_PLAIN = frozenset((int, float, bool, str, bytes, type(None), np.ndarray))
_CODE = (FunctionType, MethodType, partial, type, ModuleType)


@dataclass(eq=False, slots=True)
class Captured:
    """Something around a step: where it is kept, and what that is part of."""

    thing: Any
    place: Place | None = None
    inside: Captured | None = None
    called: str = ""
    """What its name adds to the name of what it is in."""

    @property
    def name(self) -> str:
        """What the user calls it: "net.0.weight", "state['h']"."""
        return "".join(x.called for x in self.way()).removeprefix(".")

    def way(self) -> list[Captured]:
        """All that it is in, the outermost first, and itself."""
        steps = [self]
        while steps[-1].inside is not None:
            steps.append(steps[-1].inside)
        return steps[::-1]

    @property
    def by_name(self) -> bool:
        """Whether code finds it by name in a class."""
        return self.place is not None and isinstance(self.place.holder, (type, MappingProxyType))

    def is_there(self) -> bool:
        """Whether it is still where it was found."""
        return all(x.place is None or x.place.has(x.thing) for x in self.way())


class Surroundings:
    """What can be found from `function` and `given` on, the nearest first. Things in several places are found in each.

    `given` are arguments, with their names: those that are neither arrays nor containers are known by what they are.
    `later` only things and tensors are asked for.
    """

    def __init__(self, function: Any, arguments: Iterable[tuple[str, Any]] = (), *, later: bool = False) -> None:
        self.things = [Captured(function, called="" if is_module(function) else "self")]
        self.things += [Captured(x, called=name) for name, x in arguments if _opens(x)]
        self.others: list[Captured] = []
        """What nothing is found in: numbers, strings, arrays, and what belongs to other packages."""
        opened: set[int] = set()
        kinds: set[type] = set()
        named: set[str] = {"update", "scalars"}  # the names in all code that was found, or that ours asks for
        owners: dict[int, Captured] = {}  # classes and modules, in which code finds things by name
        seen: set[tuple[int, str]] = set()
        self.read: set[str] = set()
        """The attributes that code reads, and does not call."""
        for x in self.things:  # grows as it goes
            if id(x.thing) not in opened and _opens(x.thing):
                opened.add(id(x.thing))
                self._add(_inside(x))
                if isinstance(x.thing, FunctionType):
                    named |= names_in(x.thing.__code__)
                    self.read |= read_by(x.thing.__code__)
                kind = type(x.thing)
                if kind not in kinds and is_module(x.thing):
                    self._add(_work(kind))
                if kind not in kinds or isinstance(x.thing, (type, ModuleType)):
                    owners |= {id(owner.thing): owner for owner in _owners(x)}
                kinds.add(kind)
            if x is self.things[-1]:
                self._add(y for owner in owners.values() for y in _by_name(owner, named, seen))
        if later:
            return
        self.looks_at_gradients = "grad" in self.read or any(name.startswith("clip_grad") for name in named)
        self.decisive = [x for x in (*self.things, *self.others) if self._is_decisive(x)]
        """What code gets at by what it reads: anything else in its place, and the step may do something else."""
        arrays = [x for x in self.decisive if isinstance(x.thing, np.ndarray) and x.thing.size <= MANY]
        self.arrays = {id(x): x.thing.copy() for x in arrays}
        self.sizes = [size_of(x) for x in {id(x.thing): x.thing for x in self.decisive}.values() if _has_size(x)]
        modules = {id(x.thing): x.thing for x in self.things if is_module(x.thing)}.values()
        self.modules = [(x, dict(vars(x)), self.read | read_by_class(type(x))) for x in modules]

    def _add(self, more: Iterable[Captured]) -> None:
        for y in more:
            bare = type(y.thing) in _PLAIN
            plain = bare or not (isinstance(y.thing, Vertex) or callable(y.thing) or _opens(y.thing))
            if plain and (bare or not y.by_name):
                self.others += [y] if len(self.others) < MANY else []
            elif len(self.things) < _MOST:
                self.things.append(y)

    def _is_decisive(self, x: Captured) -> bool:
        """Whether all on the way there are variables, attributes that code reads, or elements of small containers."""
        if isinstance(x.thing, ModuleType) and _foreign(x.thing):
            return False
        for y in x.way():
            if y.place is None:
                continue
            if y.place.attribute and not isinstance(y.place.holder, CellType):
                if y.place.key not in self.read:
                    return False
            elif y.inside is not None and len(y.place.holder) > MANY:
                return False
        return True

    def tensors(self) -> Iterator[Captured]:
        """The tensors."""
        return (x for x in self.things if isinstance(x.thing, Vertex))

    def memory(self) -> Iterator[tuple[str, Any]]:
        """The arrays of the tensors and of their gradients, with their names."""
        for x in self.tensors():
            yield x.thing.name or x.name, x.thing.data
            if (grad := grad_of(x.thing)) is not None:
                yield f"the gradient of {x.thing.name or x.name}", grad.data

    def named(self) -> dict[str, Any]:
        """The tensors that have a name of their own: variables, and what is in a module that is one."""
        own: dict[str, Any] = {}
        for x in self.tensors():
            if isinstance(x.way()[0].thing, Vertex) or is_module(x.way()[0].thing):
                own.setdefault(x.name, x.thing)
        return own

    def names(self) -> dict[int, str]:
        """What to call tensors, by id, where that says more than their own names, or they have none."""
        names = {id(t): name for name, t in reversed(self.named().items()) if "." in name or not t.name}
        for x in self.tensors():
            if not x.thing.name and not any(is_module(y.thing) for y in x.way()):
                names.setdefault(id(x.thing), x.name)
        return names

    def has_more(self, later: Surroundings) -> bool:
        """Whether there are tensors `later` in places that had none."""
        before = {(id(x.place.holder), x.place.key) for x in self.tensors() if x.place is not None}
        return any(x.place is not None and (id(x.place.holder), x.place.key) not in before for x in later.tensors())

    def generators(self) -> list[Any]:
        """The generators of random numbers that are no tensor's: the program could not draw anew from them."""
        kinds = (np.random.Generator, np.random.RandomState, Random)
        return [x.thing for x in self.decisive if isinstance(x.thing, kinds)]

    def changed(self) -> bool:
        """Whether the step, which has just been run, has itself changed what it reads; that is no condition then.

        The next call may do something else: a flag says that the first is over, or a container is not empty any more.
        """
        decisive, sizes, modules = self.decisive, self.sizes, self.modules
        self.decisive = [x for x in decisive if x.place is None or x.place.has(self.arrays.get(id(x), x.thing))]
        self.sizes = [guard for guard in sizes if guard.holds()]
        self.modules = [
            (x, before, names - {name for name in names if vars(x).get(name, GONE) is not before.get(name, GONE)})
            for x, before, names in modules
        ]
        kept = sum(len(names) for _, _, names in self.modules) == sum(len(names) for _, _, names in modules)
        return not (kept and len(self.decisive) == len(decisive) and len(self.sizes) == len(sizes))

    def guards(self, program: Program, arrays: Collection[Any] = ()) -> list[Guard]:
        """What must still be where it was for `program`, whose step has just been run here, to be the right one.

        `arrays` are those of the arguments.
        """
        guards = of_optimizers(program.groups)
        tensors = [t for t, _ in program.states.values() if t is not None]
        read = set(map(id, tensors))
        used = read | {id(group.optimizer) for group in program.groups}
        filled: set[int] = set()
        for x in self.tensors():
            above = {id(y.thing) for y in x.way() if is_module(y.thing)}
            filled |= above
            used |= above if id(x.thing) in read else set()
        for x in self.things:  # a loss or an activation has no tensors by which one could tell
            if x.by_name or (id(x.thing) not in filled if is_module(x.thing) else callable(x.thing)):
                used.add(id(x.thing))
        places: dict[Any, Guard] = {}
        sizes = {id(guard.things[0]): guard for guard in self.sizes}
        modules: set[int] = set()
        memory = [*arrays, *(t.data for t in tensors)]
        for x in dict.fromkeys((*(x for x in self.things if id(x.thing) in used), *self.decisive)):
            for y in x.way():
                if is_module(y.thing):
                    modules.add(id(y.thing))
                if y.place is None or isinstance(y.place.holder, tuple):
                    continue
                if is_module(y.place.holder) and not isinstance(y.thing, (np.ndarray, *CONTAINERS)):  # one of its parts
                    modules.add(id(y.place.holder))
                    continue
                thing = self.arrays.get(id(y), y.thing)
                if thing is not y.thing and any(np.may_share_memory(y.thing, a) for a in memory):
                    thing = y.thing  # whose values are those of a tensor
                places[id(y.place.holder), y.place.key] = y.place.guard(thing)
                if id(x.thing) in used and y.inside is not None and not y.place.attribute:
                    sizes.setdefault(id(y.place.holder), size_of(y.place.holder))
        guards += [*places.values(), *sizes.values()]
        functions = {id(x.thing): x.thing for x in self.things if isinstance(x.thing, FunctionType) and _opens(x.thing)}
        for f in functions.values():
            parts = {name: getattr(f, name) for name in ("__code__", "__defaults__", "__kwdefaults__")}
            guards += [Place(f, name, attribute=True).guard(y) for name, y in parts.items() if y is not None]
        if self.looks_at_gradients:  # of leaves to which the step gives none, and which it does not clear
            reached = {id(t) for t, _ in (*program.gradients_in, *program.gradients_out)}
            leaves = {id(x.thing): x.thing for x in self.tensors() if id(x.thing) not in reached}.values()
            guards += [Guard(f"({{0}}._grad is None) is {t._grad is None}", (t,)) for t in leaves if t.requires_grad]
        looked: list[tuple[Any, Collection[str], list[Any]]] = [(t, (), parts_of(t, read, ())) for t in tensors]
        looked += [(x, names, parts_of(x, read, names)) for x, _, names in self.modules if id(x) in modules]
        return [*guards, Parts(looked).guard()]


def _opens(x: Any) -> bool:
    """Whether tensors may be found in `x`: containers, modules, functions, and objects of classes of the user."""
    if isinstance(x, (FunctionType, type, ModuleType)):
        return not _foreign(x) or _holds_what_was_passed(x)
    kind: Any = type(x)
    opens = _opens_as(kind)
    return is_module(x) or is_optimizer(x) or hasattr(x, "__wrapped__") if opens is None else opens


@lru_cache(maxsize=1024)
def _opens_as(kind: Any) -> bool | None:
    """Whether tensors may be found in an object of this class; None where the class does not tell."""
    if issubclass(kind, Vertex):
        return not _foreign(kind)
    if issubclass(kind, (np.ndarray, np.generic)):
        return False
    if issubclass(kind, _OPEN) or not _foreign(kind):
        return True
    return False if issubclass(kind, Enum) else None  # whose class takes long to say what it does not have


_PYTHONS = (SimpleNamespace, Namespace, ChainMap, UserDict, UserList)
"""Objects of Python's own that keep what users put there."""
_OPEN = (*CONTAINERS, MethodType, partial, *_PYTHONS)


def _has_size(x: Any) -> bool:
    """Whether code may ask how much is in `x`: containers, and objects of classes of the user."""
    if isinstance(x, CONTAINERS):
        return not isinstance(x, (tuple, frozenset))  # which stay as they are
    return _opens(x) and not (isinstance(x, (Vertex, *_CODE)) or is_module(x) or _foreign(type(x)))


def _foreign(x: Any) -> bool:
    return _package(x) in _FOREIGN


def _holds_what_was_passed(x: Any) -> bool:
    """Whether `x` is a function that one of ours has made around what users gave it, such as the step of `fit`."""
    return isinstance(x, FunctionType) and _package(x) == _OURS and "<locals>" in x.__qualname__ and bool(x.__closure__)


def _is_ours(x: Any) -> bool:
    return isinstance(x, ModuleType) and _package(x) == _OURS


def _package(x: Any) -> str:
    return str(x.__name__ if isinstance(x, ModuleType) else x.__module__).partition(".")[0]


def _inside(x: Captured) -> Iterator[Captured]:
    """What is directly in a thing."""
    thing = x.thing
    if isinstance(thing, (Vertex, type, ModuleType)) or is_optimizer(thing):
        return
    if isinstance(thing, (set, frozenset)):
        yield from (Captured(y, None, x, "{...}") for y in islice(thing, _MOST))
    elif isinstance(thing, CONTAINERS):
        dotted = any(is_module(y.thing) for y in x.way())
        pairs = thing.items() if isinstance(thing, (dict, MappingProxyType)) else enumerate(thing)
        for key, y in list(islice(pairs, _MOST)):
            if type(y) not in _PLAIN or len(thing) <= MANY:
                shown = repr(key) if type(key) in (int, str) else type(key).__name__
                yield Captured(y, Place(thing, key), x, f".{key}" if dotted else f"[{shown}]")
    elif isinstance(thing, (ChainMap, UserDict, UserList)):
        yield Captured(thing.maps if isinstance(thing, ChainMap) else thing.data, None, x)
    elif isinstance(thing, FunctionType):
        yield from _variables(thing)
        yield from (Captured(y, Place(thing, name, attribute=True), x, f".{name}") for name, y in vars(thing).items())
    elif isinstance(thing, MethodType):
        root = x.inside is None and x.place is None
        called = "" if is_module(thing.__self__) else "self"
        yield Captured(thing.__self__, None, *((None, called) if root else (x, ".__self__")))
        yield Captured(thing.__func__)
    elif isinstance(thing, partial):
        yield Captured(thing.func)
        yield Captured(thing.args, None, x, ".args")
        yield Captured(thing.keywords, None, x, ".keywords")
    elif hasattr(thing, "__wrapped__"):  # a compiled function within
        yield Captured(thing.__wrapped__)
    else:
        plain = _PLAIN - {np.ndarray} if is_module(thing) else ()  # whose parts tell the rest
        for name, y in _attributes(thing):
            if type(y) not in plain:
                yield Captured(y, Place(thing, name, attribute=True), x, f".{name}")


def _work(kind: Any) -> Iterator[Captured]:
    """What the modules of a class do."""
    yield Captured(kind.forward, Place(kind, "forward", attribute=True))
    if _foreign(kind.forward):  # one of ours: what it asks of our modules, such as functional.linear
        yield from (Captured(y.thing, y.place) for y in _variables(kind.forward) if y.inside is not None)


def _owners(x: Captured) -> Iterator[Captured]:
    """The classes and modules of the user in which names that are asked of a thing are found."""
    if isinstance(x.thing, ModuleType):
        yield x
        return
    kind = x.thing if isinstance(x.thing, type) else type(x.thing)
    yield from (Captured(cls, called=cls.__name__) for cls in kind.__mro__ if not _foreign(cls))


def _by_name(owner: Captured, named: set[str], seen: set[tuple[int, str]]) -> Iterator[Captured]:
    """What the user has put into `owner`, or a class that it derives from, under names among `named`; each once."""
    kinds = owner.thing.__mro__ if isinstance(owner.thing, type) else (owner.thing,)
    theirs = {name: kind for kind in reversed(kinds) if not _foreign(kind) for name in list(vars(kind))}
    for name, kind in theirs.items():
        y = vars(kind)[name]
        named_by_code = name in named or (isinstance(y, FunctionType) and _is_asked_silently(name))
        if not named_by_code or (id(owner.thing), name) in seen:
            continue
        seen.add((id(owner.thing), name))
        place = Place(owner.thing, name, attribute=True)
        if isinstance(y, staticmethod):
            y = y.__func__
        elif isinstance(y, classmethod):  # of which every look makes something new
            place = Place(vars(kind), name)
        yield Captured(y, place, owner, f".{name}")
        if type(y) in _AROUND:
            yield Captured(getattr(y, _AROUND[type(y)]))


_AROUND = {property: "fget", cached_property: "func", partialmethod: "func", classmethod: "__func__"}
"""What classes have around a function, and where it is."""


def _is_asked_silently(name: str) -> bool:
    """Whether Python asks for this method without code that names it: with [], (), with, for, operators."""
    return name.startswith("__") and name not in ("__init__", "__repr__", "__str__", "__eq__", "__hash__")


def _attributes(x: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that an object has itself; no property is asked."""
    yield from ((name, y) for name, y in list(getattr(x, "__dict__", {}).items()) if name != "_hooks")
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in vars(kind):
                yield name, getattr(x, name, MISS)


def _variables(function: FunctionType) -> Iterator[Captured]:
    """The variables outside a function that it uses, what it asks of our modules by name, and its defaults."""
    code = function.__code__
    variables: dict[tuple[str, ...], Captured] = {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        place = Place(cell, "cell_contents", attribute=True)
        try:
            variables[name,] = Captured(cell.cell_contents, place, None, name)
        except GONE:  # a variable that has no value yet
            continue
    for path in variables_of(code):
        name, inside = path[-1], variables.get(path[:-1])
        if len(path) == 1 and path not in variables and name in function.__globals__:
            variables[path] = Captured(function.__globals__[name], Place(function.__globals__, name), None, name)
        elif inside is not None and _is_ours(inside.thing) and name in vars(inside.thing):
            place = Place(inside.thing, name, attribute=True)
            variables[path] = Captured(vars(inside.thing)[name], place, inside, f".{name}")
    yield from variables.values()
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    for name, y in (*zip(reversed(names), reversed(defaults), strict=False), *(function.__kwdefaults__ or {}).items()):
        yield Captured(y, None, None, name)
