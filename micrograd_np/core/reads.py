"""Which of its arguments a derivative rule reads, by its bytecode: nothing else is held for backward, or checked.

A rule that asks an argument only for its shape or dtype does not read it, and gets a `Blank`. A rule that cannot be
analysed, such as an object with ``__call__``, counts as reading everything.
"""

import dis
from functools import cache
from inspect import CO_VARARGS
from types import CodeType
from typing import Any

import numpy as np

NOTHING, SHAPE, VALUE = range(3)
"""What a rule reads of an argument."""

_BY_NAME = frozenset({"locals", "vars", "eval", "exec"})
_LOADS = ("LOAD_FAST", "LOAD_CONST", "LOAD_SMALL_INT")
_SHAPE_ATTRIBUTES = frozenset({"shape", "dtype", "ndim", "size"})


class Blank:
    """The shape and dtype of an array that is not held any more."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return "…"

    ndim: Any = property(lambda self: len(self.shape), doc="The number of axes.")
    size: Any = property(lambda self: int(np.prod(self.shape, dtype=int)), doc="The number of elements.")


def reads(rule: Any, count: int, *, skip: int = 0) -> tuple[int, ...]:
    """What `rule` reads of its `count` arguments ``z, *inputs``, which come behind `skip` others and ``g``.

    >>> reads(lambda g, z, x, y: g * y, 3)
    (0, 0, 2)
    >>> reads(lambda g, z, x: g.reshape(x.shape), 2)
    (0, 1)
    """
    code = getattr(rule, "__code__", None)
    if not isinstance(code, CodeType) or hasattr(rule, "__wrapped__") or hasattr(rule, "__self__"):
        return (VALUE,) * count
    if not _BY_NAME.isdisjoint(code.co_names):
        return (VALUE,) * count
    levels = _levels(code)
    names = [*code.co_varnames[: code.co_argcount], *[_starred(code)] * (skip + 1 + count)]
    return tuple(VALUE if x is None else levels.get(x, NOTHING) for x in names[skip + 1 : skip + 1 + count])


def _starred(code: CodeType) -> str | None:
    """The name of ``*args``, if there is one."""
    return code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & CO_VARARGS else None


@cache
def _levels(code: CodeType) -> dict[str, int]:
    """What the code reads of each of its local names, a name that an inner function uses included."""
    levels = dict.fromkeys(code.co_cellvars, VALUE)
    rest = _starred(code)
    steps = [s for s in dis.get_instructions(code) if s.opname not in {"CACHE", "NOP", "EXTENDED_ARG"}]
    for i, step in enumerate(steps):
        if "LOAD_FAST" not in step.opname:
            continue
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        for name in names[step.opname.startswith("STORE") :]:
            of_shape = name == names[-1] and _reads_shape(steps[i + 1 : i + 4], starred=name == rest)
            levels[name] = max(levels.get(name, NOTHING), SHAPE if of_shape else VALUE)
    return levels


def _reads_shape(following: list[dis.Instruction], *, starred: bool) -> bool:
    """Whether the next thing that happens to the argument is ``.shape`` or the like; to ``*args``, ``[i].shape``."""
    if not starred and following and following[0].opname == "LOAD_ATTR":
        return following[0].argval in _SHAPE_ATTRIBUTES
    if starred and len(following) == 3 and following[0].opname.startswith(_LOADS):
        indexed = following[1].opname == "BINARY_SUBSCR" or following[1].argrepr == "[]"
        alone = not isinstance(following[0].argval, tuple)
        return alone and indexed and following[2].opname == "LOAD_ATTR" and following[2].argval in _SHAPE_ATTRIBUTES
    return False
