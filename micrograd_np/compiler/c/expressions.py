"""How C says what NumPy's elementwise functions compute, in every bit; or which inner loop of NumPy's to call."""

from __future__ import annotations

import functools
import platform
from typing import Any, NamedTuple

import numpy as np

from .loops import find_loop

__all__ = ["MATHS", "TYPES", "Spelling", "cast", "has_type", "literal", "power_by", "spelling"]

TYPES = {
    "float32": "float", "float64": "double", "bool": "boolean",
    **{f"{u}int{n}": f"{u}int{n}_t" for u in ("", "u") for n in (8, 16, 32, 64)},
}  # fmt: skip
"""NumPy's types in C."""

_ANY = {
    "np.equal": "{0} == {1}", "np.not_equal": "{0} != {1}", "np.less": "{0} < {1}", "np.less_equal": "{0} <= {1}",
    "np.greater": "{0} > {1}", "np.greater_equal": "{0} >= {1}", "np.logical_and": "{0} && {1}",
    "np.logical_or": "{0} || {1}", "np.logical_not": "!{0}", "np.logical_xor": "!{0} != !{1}",
    "np.positive": "{0}",
}  # fmt: skip
_NUMBERS = {
    **_ANY, "np.add": "{0} + {1}", "np.subtract": "{0} - {1}", "np.multiply": "{0} * {1}", "np.negative": "-{0}",
    "np.square": "{0} * {0}",
}  # fmt: skip
_BITS = {"np.bitwise_and": "{0} & {1}", "np.bitwise_or": "{0} | {1}", "np.bitwise_xor": "{0} ^ {1}"}
_WHOLE = {
    **_NUMBERS, **_BITS, "np.invert": "~{0}", "np.maximum": "({0} > {1} ? {0} : {1})",
    "np.minimum": "({0} < {1} ? {0} : {1})", "np.absolute": "({0} < 0 ? -{0} : {0})",
}  # fmt: skip
_TRUTHS = {
    **_ANY, **_BITS, "np.add": "{0} | {1}", "np.multiply": "{0} & {1}", "np.maximum": "{0} | {1}",
    "np.minimum": "{0} & {1}", "np.invert": "!{0}", "np.bitwise_not": "!{0}",
}  # fmt: skip
_FLOATS = {
    **_NUMBERS, "np.true_divide": "{0} / {1}", "np.divide": "{0} / {1}", "np.reciprocal": "1 / {0}",
    "np.isfinite": "isfinite({0})", "np.isnan": "isnan({0})", "np.isinf": "isinf({0})", "np.signbit": "signbit({0})",
    "np.sqrt": "sqrtF({0})", "np.absolute": "fabsF({0})", "np.fabs": "fabsF({0})",
}  # fmt: skip
"""F is f in single precision."""
if platform.machine().lower() in {"x86_64", "amd64", "i386", "i686"}:
    _FLOATS |= {f"np.{name}": f"{name}_TYPE({{0}}, {{1}})" for name in ("maximum", "minimum")}
_EXPRESSIONS = {"b": _TRUTHS, "i": _WHOLE, "u": _WHOLE, "f": _FLOATS}
"""By the kind of the operands: what C computes in every bit."""

MATHS = {
    **{f"np.{name}": name for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "cbrt",
        "floor", "ceil", "trunc", "rint", "hypot", "fmod", "copysign", "fmax", "fmin",
    )},
    **{f"np.arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "np.power": "pow", "np.float_power": "pow",
}  # fmt: skip
"""What C's own library computes, to rounding."""
_ROUNDED = {
    **_FLOATS, "np.maximum": "{0} > {1} || isnan({0}) ? {0} : {1}", "np.minimum": "{0} < {1} || isnan({0}) ? {0} : {1}",
    "np.sign": "isnan({0}) ? {0} : ({0} > 0) - ({0} < 0)",
    **{f: f"{name}F({{0}}{', {1}' * (getattr(np, f[3:]).nin == 2)})" for f, name in MATHS.items()},
}  # fmt: skip


class Spelling(NamedTuple):
    """A call in C: an expression of {0}, {1}, … or the inner loop of a ufunc, with the types that it computes in."""

    text: str
    loop: tuple[str, str] | None
    """A ufunc's name, and the signature of its loop."""
    inputs: tuple[np.dtype[Any], ...]
    output: np.dtype[Any]


@functools.cache
def spelling(function: str, kinds: tuple[Any, ...], *, exact: bool = True) -> Spelling | None:
    """How C says a ufunc of operands of these dtypes, or types of Python's numbers; None: it does not.

    Unless `exact`, C's own functions will do.
    """
    ufunc = getattr(np, function.removeprefix("np."), None)
    if not isinstance(ufunc, np.ufunc) or ufunc.nout != 1 or ufunc.nin != len(kinds):
        return None
    try:
        *inputs, output = ufunc.resolve_dtypes((*kinds, None))
    except TypeError:
        return None
    if not all(map(has_type, (*inputs, output))):
        return None
    kind = inputs[0]
    text = (_EXPRESSIONS[kind.kind] if exact or kind.kind != "f" else _ROUNDED).get(function)
    if text:
        text = text.replace("F(", "f(" if kind.itemsize == 4 else "(").replace("TYPE", TYPES[kind.name])
        return Spelling(text, None, tuple(inputs), output)
    signature = f"{''.join(x.char for x in inputs)}->{output.char}"
    if not exact or kind.name not in ("float32", "float64") or function in ("np.fmax", "np.fmin"):
        return None
    if find_loop(ufunc, signature) is None:
        return None
    return Spelling("", (ufunc.__name__, signature), tuple(inputs), output)


@functools.lru_cache(maxsize=None, typed=True)  # np.float64(3) gives other types than 3 does
def power_by(exponent: Any, dtype: np.dtype[Any]) -> str:
    """What NumPy computes for a power by one number, in every bit: a square, a root, a reciprocal, or a power.

    Its loop takes the first three where they will do, which have other last bits. Empty where it is none of these.
    """
    if dtype.kind != "f":
        return ""
    x = np.random.default_rng(0).lognormal(0, 9, 1000) * np.resize([1, 1, -1], 1000)
    x = np.concatenate((x, [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0])).astype(dtype)
    with np.errstate(all="ignore"):
        powers = np.power(x, exponent)
        for name in ("square", "sqrt", "reciprocal"):
            if powers.dtype == dtype and getattr(np, name)(x).tobytes() == powers.tobytes():
                return f"np.{name}"
        x = x.astype(powers.dtype)
        return "np.power" if np.power(x, np.full_like(x, exponent)).tobytes() == powers.tobytes() else ""


def has_type(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a type are numbers in C as they lie there: not in the byte order of other machines."""
    return dtype.name in TYPES and dtype.isnative


def cast(text: str, before: np.dtype[Any], after: np.dtype[Any]) -> str:
    """An operand in another type."""
    if before == after:
        return text
    return f"({text} != 0)" if after.kind == "b" else f"({TYPES[after.name]}){text}"


def literal(x: Any, dtype: np.dtype[Any]) -> str:
    """A number as C writes it in a type."""
    x = np.asarray(x).astype(dtype)[()]
    if dtype.kind == "b":
        return str(int(x))
    if dtype.kind in "iu":
        if dtype.kind == "i" and x == np.iinfo(dtype).min:
            return f"({int(x) + 1} - 1)"
        return f"({int(x)}{'u' if dtype.kind == 'u' else ''}{'LL' if dtype.itemsize > 4 else ''})"
    if np.isnan(x) or np.isinf(x):
        sign = "-" if np.signbit(x) else ""
        return f"({sign}{'NAN' if np.isnan(x) else 'INFINITY'})"
    text = str(x)
    text = text if "." in text or "e" in text else f"{text}.0"
    text = f"{text}f" if dtype.itemsize == 4 else text
    return f"({text})" if text[0] == "-" else text
