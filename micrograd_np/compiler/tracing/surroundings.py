"""What a step finds around it, without being given it: variables, what they hold, and the tensors in that.

A program is bound to these tensors. Whoever puts others in their places has to be noticed: inside the step that is an
error, and between calls a reason to trace again.
"""

from __future__ import annotations

import dis
import sys
from argparse import Namespace
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.changes import changes
from micrograd_np.vertex import Vertex

from ..running.guards import GONE, Guards, Place, is_module, is_optimizer, of_optimizers, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..program import Program

_MOST = 10_000  # things looked at: more than anybody writes by hand, so that no data set is gone through
_FOREIGN = frozenset((__name__.partition(".")[0], "numpy", *sys.stdlib_module_names))
"""Packages whose functions and objects keep no tensors of the user, or, like our own, change none behind his back."""

_PLAIN = frozenset((int, float, bool, str, bytes, type(None), np.ndarray))


@dataclass(eq=False)
class Found:
    """Something around a step: where it is kept, and what that is part of."""

    thing: Any
    place: Place | None = None
    inside: Found | None = None
    called: str = ""
    """What its name adds to the name of what it is in."""

    @property
    def name(self) -> str:
        """What the user calls it: "net.0.weight", "state['h']"."""
        return "".join(x.called for x in self.way()).removeprefix(".")

    def way(self) -> list[Found]:
        """All that it is in, the outermost first, and itself."""
        steps = [self]
        while steps[-1].inside is not None:
            steps.append(steps[-1].inside)
        return steps[::-1]

    def is_there(self) -> bool:
        """Whether it is still where it was found."""
        return all(x.place is None or x.place.has(x.thing) for x in self.way())


class Surroundings:
    """What can be found from `function` on, the nearest first. Things in several places are found in each."""

    def __init__(self, function: Any) -> None:
        self.found = [Found(function, called="" if is_module(function) else "self")]
        opened: set[int] = set()
        named: set[str] = {"forward", "__call__"}  # the names in all code that was found
        owners: dict[int, Found] = {}  # classes and modules, in which code finds things by name
        seen: set[tuple[int, str]] = set()
        for x in self.found:  # grows as it goes
            if id(x.thing) not in opened and _opens(x.thing):
                opened.add(id(x.thing))
                self._add(_inside(x))
                named.update(_names(x.thing))
                owners |= {id(owner.thing): owner for owner in _owners(x)}
            if x is self.found[-1]:
                self._add(y for owner in owners.values() for y in _by_name(owner, named, seen))

    def _add(self, more: Iterable[Found]) -> None:
        some = (y for y in more if isinstance(y.thing, Vertex) or callable(y.thing) or _opens(y.thing))
        self.found += islice(some, max(0, _MOST - len(self.found)))

    def tensors(self) -> Iterator[Found]:
        """The tensors."""
        return (x for x in self.found if isinstance(x.thing, Vertex))

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

    def guards(self, program: Program) -> Guards:
        """What must still be where it was for `program`, whose step has just been run here, to be the right one."""
        guards = of_optimizers(program.clocks)
        guards.number = changes.number
        tensors = [t for t, _ in program.states.values() if t is not None]
        read = set(map(id, tensors))
        used = read | {id(clock.optimizer) for clock in program.clocks}
        filled: set[int] = set()
        for x in self.tensors():
            above = {id(y.thing) for y in x.way() if is_module(y.thing)}
            filled |= above
            used |= above if id(x.thing) in read else set()
        # a loss or an activation has no tensors by which one could tell
        used |= {id(x.thing) for x in self.found if is_module(x.thing) and id(x.thing) not in filled}
        used |= {id(x.thing) for x in self.found if callable(x.thing) and not is_module(x.thing)}
        places: dict[Any, tuple[Place, Any]] = {}
        containers: dict[int, Any] = {}
        modules: dict[int, Any] = {}
        for x in self.found:
            for y in x.way() if id(x.thing) in used else ():
                if is_module(y.thing):
                    modules[id(y.thing)] = y.thing
                if y.place is None or isinstance(y.place.holder, tuple):
                    continue
                if is_module(y.place.holder) and (isinstance(y.thing, Vertex) or callable(y.thing)):
                    continue  # one of its parts
                places[id(y.place.holder), y.place.key] = y.place, y.thing
                if y.inside is not None and not y.place.attribute:
                    containers[id(y.place.holder)] = y.place.holder
        guards.places += places.values()
        guards.sizes += [(x, len(x)) for x in containers.values()]
        guards.parts += [(x, parts_of(x, read)) for x in (*tensors, *modules.values())]
        return guards


def _opens(x: Any) -> bool:
    """Whether tensors may be found in `x`: containers, modules, functions, and objects of classes of the user."""
    if isinstance(x, (dict, list, tuple, deque, MethodType, partial, SimpleNamespace, Namespace)) or is_module(x):
        return True
    if isinstance(x, (FunctionType, type, ModuleType)):
        return not _foreign(x)
    if isinstance(x, (np.ndarray, np.generic)):
        return False
    return not _foreign(type(x)) or hasattr(x, "__wrapped__") or is_optimizer(x)


def _foreign(x: Any) -> bool:
    return str(x.__name__ if isinstance(x, ModuleType) else x.__module__).partition(".")[0] in _FOREIGN


def _inside(x: Found) -> Iterator[Found]:
    """What is directly in a thing."""
    thing = x.thing
    if isinstance(thing, (Vertex, type, ModuleType)) or is_optimizer(thing):
        return
    if isinstance(thing, (dict, list, tuple, deque)):
        dotted = any(is_module(y.thing) for y in x.way())
        for key, y in list(islice(thing.items() if isinstance(thing, dict) else enumerate(thing), _MOST)):
            if type(y) not in _PLAIN:
                told = repr(key) if type(key) in (int, str) else type(key).__name__
                yield Found(y, Place(thing, key), x, f".{key}" if dotted else f"[{told}]")
    elif isinstance(thing, FunctionType):
        yield from _variables(thing)
    elif isinstance(thing, MethodType):
        root = x.inside is None and x.place is None
        called = "" if is_module(thing.__self__) else "self"
        yield Found(thing.__self__, None, *((None, called) if root else (x, ".__self__")))
        yield Found(thing.__func__)
    elif isinstance(thing, partial):
        yield Found(thing.func)
        yield Found(thing.args, None, x, ".args")
        yield Found(thing.keywords, None, x, ".keywords")
    elif hasattr(thing, "__wrapped__"):  # a compiled function within
        yield Found(thing.__wrapped__)
    else:
        for name, y in _attributes(thing):
            yield Found(y, Place(thing, name, attribute=True), x, f".{name}")


def _owners(x: Found) -> Iterator[Found]:
    """The classes and modules of the user in which names that are asked of a thing are found."""
    if isinstance(x.thing, ModuleType):
        yield x
        return
    kind = x.thing if isinstance(x.thing, type) else type(x.thing)
    yield from (Found(cls, called=cls.__name__) for cls in kind.__mro__ if not _foreign(cls))


def _by_name(owner: Found, named: set[str], seen: set[tuple[int, str]]) -> Iterator[Found]:
    """What the user has put into `owner`, or a class that it derives from, under names among `named`; each once."""
    kinds = owner.thing.__mro__ if isinstance(owner.thing, type) else (owner.thing,)
    theirs = {name: y for kind in reversed(kinds) if not _foreign(kind) for name, y in list(vars(kind).items())}
    for name in sorted(named & theirs.keys()):
        if (id(owner.thing), name) not in seen:
            seen.add((id(owner.thing), name))
            y = theirs[name]
            if isinstance(y, (property, classmethod)):  # of which every look makes something new
                yield Found(y.fget if isinstance(y, property) else y.__func__)
            else:
                y = y.__func__ if isinstance(y, staticmethod) else y
                yield Found(y, Place(owner.thing, name, attribute=True), owner, f".{name}")


def _attributes(x: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that an object has itself; no property is asked."""
    yield from ((name, y) for name, y in list(getattr(x, "__dict__", {}).items()) if name != "_hooks")
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in vars(kind) and hasattr(x, name):
                yield name, getattr(x, name)


def _variables(function: FunctionType) -> Iterator[Found]:
    """The variables outside a function that it uses, and its defaults."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        place = Place(cell, "cell_contents", attribute=True)
        try:
            yield Found(cell.cell_contents, place, None, name)
        except GONE:  # a variable that has no value yet
            continue
    for name in dict.fromkeys(_globals(code)):
        if name in function.__globals__:
            yield Found(function.__globals__[name], Place(function.__globals__, name), None, name)
    names = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    for name, y in (*zip(reversed(names), reversed(defaults), strict=False), *(function.__kwdefaults__ or {}).items()):
        yield Found(y, None, None, name)


def _names(x: Any) -> Iterator[str]:
    """The names in the code of a function and of the functions inside it."""
    codes = [x.__code__] if isinstance(x, FunctionType) else []
    for code in codes:  # grows as it goes
        yield from code.co_names
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]


def _globals(code: CodeType) -> Iterator[str]:
    """The names of the global variables in a function and in the functions inside it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _globals(part)
