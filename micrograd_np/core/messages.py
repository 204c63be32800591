"""What the user asked for, for error messages: the public function, and our name for another library's argument."""

from __future__ import annotations

import sys
from functools import wraps
from inspect import CO_VARKEYWORDS, Parameter, signature
from numbers import Integral
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

F = TypeVar("F", bound="Callable[..., Any]")

_PACKAGE = __name__.partition(".")[0]
_PUBLIC = (f"{_PACKAGE}.ops.", f"{_PACKAGE}.numpy_api.", f"{_PACKAGE}.functional.")
_LAYERS = f"{_PACKAGE}.nn."
_INSIDE = (
    *_PUBLIC,
    _LAYERS,
    f"{_PACKAGE}.core.primitive",
    f"{_PACKAGE}.engine.tensor",
    f"{_PACKAGE}.engine.in_place",
    f"{_PACKAGE}.compiler.tracing",
    __name__,
)
_SAME = (
    ("axis", "dim", "dims", "axes"),
    ("keepdims", "keepdim"),
    ("ddof", "correction"),
    ("x", "input", "a", "m", "arr", "ary"),
    ("y", "other", "b"),
)
"""Names of one argument here, in PyTorch and in NumPy."""
_NUMPYS = frozenset(("axis", "axes", "keepdims", "ddof", "x", "a", "m", "arr", "ary", "b", "y"))
_RENAMED = frozenset(("axis", "dim", "keepdims", "keepdim", "ddof", "x", "a", "m", "arr", "ary"))


def caller(default: str = "") -> str:
    """The public function that the user called to get here: the outermost of ours without a break, else `default`.

    It looks at the stack, so it is for error messages only. Private names never appear.
    """
    name = default.lstrip("_")
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (module := frame.f_globals.get("__name__", "")).startswith(_INSIDE):
        called = frame.f_code.co_qualname
        if called == "Tensor.__setitem__":
            name = "setitem"
        elif called.endswith(".__init__") and module.startswith(_LAYERS):
            name = type(frame.f_locals["self"]).__name__
        elif called.isidentifier() and not called.startswith("_") and module.startswith(_PUBLIC):
            name = called
        frame = frame.f_back
    return name


def an(noun: str) -> str:
    """`noun` with its article, as it is read aloud: "a Tensor", "an int", "an ndarray", "an LSTM"."""
    spelt_out = noun[:2].isupper() or noun.startswith("nd")
    return f"{'an' if noun[:1].upper() in ('AEFHILMNORSX' if spelt_out else 'AEIO') else 'a'} {noun}"


def several(n: int, noun: str) -> str:
    """`n` of them: "1 node", "1,200 nodes"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def described(x: Any) -> str:
    """What was given in the place of something else: "an int", "'adam'", "the function step", or a class."""
    if isinstance(x, type):
        return f"the class {x.__name__}; make one of it: {x.__name__}(...)"
    if isinstance(x, (str, bool, type(None))):
        return repr(x)
    return f"the function {x.__name__}" if isinstance(x, FunctionType) else an(type(x).__name__)


def insist(caller: str, name: str, x: Any, suits: bool, wanted: str) -> None:
    """Raise TypeError unless `x`, given as `name`, suits: it must be what is `wanted`."""
    if not suits:
        raise TypeError(f"{caller}: {name} must be {wanted}; found {described(x)}.")


def insist_one_of(caller: str, name: str, x: Any, *choices: Any) -> None:
    """Raise ValueError unless `x`, given as `name`, is one of `choices`; TypeError for what is not of their kinds."""
    if any(isinstance(x, type(choice)) and x == choice for choice in choices):
        return
    *some, last = ['"auto"' if choice == "auto" else str(choice) for choice in choices]
    error = ValueError if isinstance(x, tuple({type(choice) for choice in choices})) else TypeError
    raise error(f"{caller}: {name} is {x!r:.80}; choose {', '.join(some)} or {last}.")


def insist_at_least(caller: str, name: str, x: Any, least: int, wanted: str = "a whole number") -> None:
    """Raise TypeError unless `x`, given as `name`, is a whole number, and ValueError if it is below `least`."""
    insist(caller, name, x, isinstance(x, Integral) and not isinstance(x, bool), wanted)
    if x < least:
        raise ValueError(f"{caller}: {name} is {x}; it must be at least {least}.")


def translations(names: Iterable[str], known: Iterable[str]) -> str:
    """A sentence for each of `names` that is called otherwise here, if `known` has it; each with a space before it."""
    known = set(known)
    told = []
    for name in names:
        ours = [other for group in _SAME if name in group for other in group if other in known]
        told += [f" {'NumPy' if name in _NUMPYS else 'PyTorch'}'s {name} is {ours[0]} here."] if ours else []
    return "".join(told)


def answering(function: F) -> F:
    """`function`, which answers a keyword that it does not have with a TypeError that says what it is called here.

    One that has no argument of several names is returned as it is: what layers call costs nothing more.
    """
    code = function.__code__  # read here, since `inspect.signature` of all of them is a tenth of the import
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    if not known & _RENAMED or code.co_flags & CO_VARKEYWORDS:
        return function

    @wraps(function)
    def answer(*args: Any, **named: Any) -> Any:
        if named and not named.keys() <= known:
            raise TypeError(refusal(function.__name__, signature(function).parameters.values(), named.keys() - known))
        return function(*args, **named)

    return answer  # type: ignore[return-value]


def refusal(name: str, parameters: Iterable[Parameter], unknown: Iterable[str]) -> str:
    """What to say to keywords that a function does not have."""
    names = [p.name for p in parameters if p.name != "self"]
    given = ", ".join(f"{key}=" for key in sorted(unknown))
    return f"{name}: does not take {given}; its arguments are {', '.join(names)}.{translations(sorted(unknown), names)}"


def answer_all(names: Iterable[str], home: dict[str, Any]) -> None:
    """Let every plain function among `names` of the namespace `home` answer so, and where it was defined as well.

    So it is one object wherever it is found, by pickle too.
    """
    for name in names:
        function = home.get(name)
        if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
            continue
        origin = vars(sys.modules[function.__module__])
        called = function.__name__
        now, answer = origin.get(called), answering(function)
        if now is function:
            origin[called] = home[name] = answer
        elif hasattr(now, "__wrapped__"):
            home[name] = now
