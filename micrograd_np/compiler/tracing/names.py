"""The names in code: variables from outside, attributes that it reads, whatever it asks for by name."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from functools import lru_cache
from inspect import unwrap
from types import CodeType, FunctionType
from weakref import WeakKeyDictionary

_OURS = __name__.partition(".")[0]
_READS = frozenset(("LOAD_ATTR", "LOAD_SUPER_ATTR", "IMPORT_FROM"))
_BY_STRINGS = frozenset(("getattr", "hasattr", "attrgetter", "vars", "__dict__"))


def names_in(code: CodeType) -> frozenset[str]:
    """The names in the code of a function and of the functions inside it."""
    return frozenset().union(*(c.co_names for c in _codes(code)))


@lru_cache(maxsize=1024)
def read_by(code: CodeType) -> frozenset[str]:
    """The attributes that a function reads and does not call; where it asks for some by a string, the names it has."""
    names: set[str] = set()
    for c in _codes(code):
        names.update(step.argval for step in dis.get_instructions(c) if step.opname in _READS and not _calls(step))
        if not _BY_STRINGS.isdisjoint(c.co_names):
            names.update(x for x in c.co_consts if type(x) is str and x.isidentifier())
    return frozenset(names)


def _calls(step: dis.Instruction) -> bool:
    """Whether what is loaded here is called as a method; before Python 3.12 that has an instruction of its own."""
    return step.opname == "LOAD_ATTR" and sys.version_info >= (3, 12) and bool((step.arg or 0) & 1)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of the functions inside it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


_by_class: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def read_by_class(kind: type) -> frozenset[str]:
    """The attributes that a class of modules reads in its methods; of one of ours, all that it speaks of."""
    if kind not in _by_class:
        names = frozenset(getattr(kind, "_settings", ()))  # which a layer passes on without naming them
        for c in kind.__mro__:
            functions = vars(c).values() if "named_parameters" not in vars(c) else ()
            read = names_in if c.__module__.partition(".")[0] == _OURS else read_by
            names = names.union(*(read(unwrap(f).__code__) for f in functions if isinstance(f, FunctionType)))
        _by_class[kind] = names
    return _by_class[kind]


@lru_cache(maxsize=1024)
def variables_of(code: CodeType) -> tuple[tuple[str, ...], ...]:
    """The variables outside a function that it asks for, and their attributes: ("F",) and ("F", "relu") for F.relu."""
    paths: dict[tuple[str, ...], None] = {}  # in order, each once
    for c in _codes(code):
        path: tuple[str, ...] = ()
        for step in dis.get_instructions(c):
            if step.opname == "LOAD_GLOBAL" or (step.opname == "LOAD_DEREF" and step.argval in code.co_freevars):
                path = (step.argval,)
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and path:
                path = (*path, step.argval)
            elif step.opname not in ("EXTENDED_ARG", "PUSH_NULL"):
                path = ()
            if path:
                paths[path] = None
    return tuple(paths)
