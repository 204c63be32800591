"""Which of its arguments a derivative rule reads, found in its code: nothing else is held for backward, or checked.

A rule that asks an argument only for its shape or dtype does not read it; it is given a `Blank`. A rule that cannot be
analysed, such as an object with ``__call__``, counts as reading everything.
"""

from __future__ import annotations

import dis
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

NOTHING, SHAPE, VALUE = range(3)
"""What a rule wants to know of an argument."""

_BY_NAME = frozenset({"locals", "vars", "eval", "exec"})
_OUTER = frozenset({"shape", "dtype", "ndim", "size"})


class Blank:
    """The shape and dtype of an array that nobody holds any more."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=int))

    def __reduce__(self) -> tuple[Any, ...]:
        return Blank, (self.shape, self.dtype)


def reads(rule: Any, count: int, *, skip: int = 0) -> tuple[int, ...]:
    """What `rule` wants of its arguments ``z, *inputs``, of which there are `count`, behind `skip` others and g.

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
    wanted = _wanted(code)
    positional = code.co_varnames[: code.co_argcount]
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else None  # *args
    names = [*positional, *[rest] * (skip + 1 + count)][skip + 1 : skip + 1 + count]
    return tuple(VALUE if name is None else wanted.get(name, NOTHING) for name in names)


@cache
def _wanted(code: CodeType) -> dict[str, int]:
    """What the code asks of each of its local names, a name that an inner function uses included."""
    found = dict.fromkeys(code.co_cellvars, VALUE)
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else None
    steps = [s for s in dis.get_instructions(code) if s.opname not in {"CACHE", "NOP", "EXTENDED_ARG"}]
    for i, step in enumerate(steps):
        if "LOAD_FAST" not in step.opname:
            continue
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        for name in names[step.opname.startswith("STORE") :]:
            outer = name == names[-1] and _asks_outside(steps[i + 1 : i + 4], many=name == rest)
            found[name] = max(found.get(name, NOTHING), SHAPE if outer else VALUE)
    return found


def _asks_outside(following: list[dis.Instruction], *, many: bool) -> bool:
    """Whether the next thing that happens to the argument is ``.shape`` or the like, or to `many`, ``[i].shape``."""
    if not many and following and following[0].opname == "LOAD_ATTR":
        return following[0].argval in _OUTER
    if many and len(following) == 3 and following[0].opname.startswith(("LOAD_FAST", "LOAD_CONST", "LOAD_SMALL_INT")):
        indexed = following[1].opname == "BINARY_SUBSCR" or following[1].argrepr == "[]"
        alone = not isinstance(following[0].argval, tuple)
        return alone and indexed and following[2].opname == "LOAD_ATTR" and following[2].argval in _OUTER
    return False
