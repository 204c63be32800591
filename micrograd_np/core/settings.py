"""Requirements of settings: a constructor states them in its annotations, and its arguments are checked when called.

``in_features: Size`` is a whole number of at least 0, ``kernel_size: Counts`` one of at least 1 or several of them,
``mode: Annotated[str, "min", "max"]`` one of these words; annotations of other kinds (a dtype, a function) say nothing.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .messages import DTYPE, must_be, without_inert, wrong_call

F = TypeVar("F", bound="Callable[..., Any]")

Size = int
"""A whole number of at least 0."""
Count = int
"""A whole number of at least 1."""
Positive = float
"""A number above 0."""
Share = float
"""A number in [0, 1]."""
Sizes = int | tuple[int, ...]
Counts = int | tuple[int, ...]


class Rule(NamedTuple):
    """A requirement in words and as two tests, of the kind (else TypeError) and of the value (else ValueError).

    `kind` and `value` are functions of the argument; `value` is only called for what is of the kind.
    """

    words: str
    kind: Callable[[Any], bool]
    value: Callable[[Any], bool] = lambda x: True


def _is_whole(x: Any) -> bool:
    array = getattr(x, "ndim", None) == 0 and getattr(x, "dtype", np.dtype("O")).kind in "iu"
    return (array or isinstance(x, Integral)) and not isinstance(x, bool)


def _is_number(x: Any) -> bool:
    real = isinstance(x, Real) or (hasattr(x, "__float__") and getattr(x, "ndim", None) == 0)
    return real and not isinstance(x, bool)


def _is_dtype(x: Any) -> bool:
    try:
        np.dtype(x)
    except TypeError:
        return False
    return True


def _at_least(least: int) -> Rule:
    return Rule(f"a whole number of at least {least}", _is_whole, lambda x: x >= least)


_RULES = {
    "int": Rule("a whole number", _is_whole),
    "float": Rule("a number", _is_number),
    "Size": _at_least(0),
    "Count": _at_least(1),
    "Positive": Rule("a number above 0", _is_number, lambda x: x > 0),
    "Share": Rule("a number in [0, 1]", _is_number, lambda x: 0 <= x <= 1),
}


def _either(rules: Sequence[Rule]) -> Rule:
    return Rule(
        " or ".join(rule.words for rule in rules),
        lambda x: any(rule.kind(x) for rule in rules),
        lambda x: any(rule.kind(x) and rule.value(x) for rule in rules),
    )


def _several(rule: Rule, length: int | None) -> Rule:
    """A sequence of what `rule` allows; an iterator is not looked into, because that would use it up."""

    def listed(x: Any) -> bool:
        return isinstance(x, Sequence) or hasattr(x, "__array__")

    return Rule(
        f"{length or 'several'} values, each {rule.words}",
        lambda x: isinstance(x, Iterable) and not isinstance(x, str) and (not listed(x) or all(map(rule.kind, x))),
        lambda x: not listed(x) or (all(map(rule.value, x)) and length in (None, len(x))),
    )


def _rule(node: ast.expr) -> Rule | None:
    """The rule of an annotation; None where it says nothing that can be checked."""
    match node:
        case ast.Name("Sizes" | "Counts" as name):
            one = _RULES[name[:-1]]
            return Rule(f"{one.words}, or several of them", *_either([one, _several(one, None)])[1:])
        case ast.Name(name):
            return _RULES.get(name)
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([_, *choices])):
            words = [ast.literal_eval(choice) for choice in choices]
            suits = lambda x: isinstance(x, str | None) and x in words
            return Rule(" or ".join(map(repr, words)), lambda x: True, suits)
        case ast.Constant(None):
            return Rule("None", lambda x: x is None)
        case ast.BinOp(left, ast.BitOr(), right):
            rules = [rule for side in (left, right) if (rule := _rule(side)) is not None]
            return _either(rules) if len(rules) == 2 else None
        case ast.Subscript(ast.Name("tuple" | "Sequence" | "Iterable"), inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            one_of = _rule(parts[0])
            fixed = isinstance(inside, ast.Tuple) and not (isinstance(parts[-1], ast.Constant))
            return None if one_of is None else _several(one_of, len(parts) if fixed else None)
    return None


def rules_of(function: Callable[..., Any]) -> dict[str, Rule]:
    """The rules of those parameters of `function` whose annotations state one, and of a `dtype`."""
    rules = {}
    for name, parameter in signature(function).parameters.items():
        if name == "dtype":
            rules[name] = Rule(DTYPE, _is_dtype)
        if isinstance(parameter.annotation, str) and parameter.kind is not Parameter.VAR_POSITIONAL:
            rule = _rule(ast.parse(parameter.annotation, mode="eval").body)
            if rule is not None:
                rules[name] = rule
    return rules


def check(function: str, rules: Mapping[str, Rule], values: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for the first of `values`, arguments of `function`, that breaks its rule."""
    for name, x in values.items():
        rule = rules.get(name)
        if rule is None or (rule.kind(x) and rule.value(x)):
            continue
        error: type[Exception] = ValueError if rule.kind(x) else TypeError
        raise error(must_be(function, name, rule.words, f"{x!r:.80}"))


def checked(function: F) -> F:
    """`function`, a function or an ``__init__``, with its arguments checked against its annotations first.

    Where they are too many, too few or unknown, the TypeError names the class and shows its settings.
    """
    method = function.__name__ == "__init__"

    @cache  # the first call works it out, not the import
    def requirements() -> tuple[dict[str, Rule], Signature]:
        return rules_of(function), signature(function)

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        name = type(args[0]).__name__ if method else function.__name__
        rules, accepted = requirements()
        try:
            try:
                arguments = accepted.bind(*args, **named).arguments
            except TypeError as error:
                rest = without_inert(name, named, accepted.parameters)
                if len(rest) < len(named):
                    return call(*args, **rest)
                raise wrong_call(name, accepted, named, error) from None
            check(name, rules, arguments)
            return function(*args, **named)
        except (TypeError, ValueError) as error:
            if method and hasattr(type(args[0]), "forward") and any(getattr(x, "ndim", 0) for x in args[1:]):
                inputs = list(signature(type(args[0]).forward).parameters)[1:]
                error.add_note(f"To apply it, make it first: {name}()({', '.join(inputs)}).")
            raise

    call.rules = lambda: requirements()[0]  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def check_all(names: Iterable[str], namespace: Mapping[str, Any]) -> None:
    """Apply `checked` to the constructor of every class among `names` of `namespace`."""
    for name in names:
        cls: Any = namespace[name]
        if isinstance(cls, type) and isinstance(cls.__init__, FunctionType) and not hasattr(cls.__init__, "rules"):  # type: ignore[misc]
            cls.__init__ = checked(cls.__init__)  # type: ignore[misc]
