"""Elementwise functions: what NumPy would convert its operands to, ONNX wants converted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from micrograd_np.compiler.ir import Value

from ..declared import ELEMENTWISE
from ..graph import Graph
from ..sizes import Size
from .arithmetic import choose, expm1, log1p, minus_abs, plus, power, times
from .table import OPERATORS, operator


def _asinh(g: Graph, x: str) -> str:
    """log1p(x + x² / (1 + √(x² + 1))) of a positive x."""
    square = g.node("Mul", x, x)
    return log1p(g, g.node("Add", x, g.node("Div", square, plus(g, g.node("Sqrt", plus(g, square, 1.0)), 1.0))))


def _arctan2(g: Graph, y: str, x: str) -> str:
    """The angle of (x, y), by the arc tangent of y / x and the quadrant."""
    zero, pi = g.constant(0.0), g.constant(math.pi)
    still = g.node("Equal", x, zero)
    angle = g.node("Atan", g.node("Div", y, choose(g, still, g.constant(1.0), x)))
    turned = choose(g, g.node("Less", y, zero), g.node("Sub", angle, pi), g.node("Add", angle, pi))
    upright = g.node("Mul", g.node("Sign", y), g.constant(math.pi / 2))
    return choose(g, still, upright, choose(g, g.node("Less", x, zero), turned, angle))


def _is_float(g: Graph, x: str) -> bool:
    return g.types[x].kind == "f"


def _mod(g: Graph, x: str, y: str) -> str:
    """x modulo y, with the sign of y."""
    if not _is_float(g, x):
        return g.node("Mod", x, y)
    return g.node("Sub", x, g.node("Mul", g.node("Floor", g.node("Div", x, y)), y))


_DIRECT = {"rint": "Round"} | {name: op.onnx for op in ELEMENTWISE for name in (op.name, *op.numpy)}
"""The operators that ops declare, by the names of NumPy's functions that work element by element."""
_MADE_OF: dict[str, Callable[..., str]] = {
    "arctan2": _arctan2,
    "cbrt": lambda g, x: g.node("Mul", g.node("Sign", x), power(g, g.node("Abs", x), 1 / 3)),
    "copysign": lambda g, x, y: choose(g, g.node("Less", y, g.constant(0.0)), minus_abs(g, x), g.node("Abs", x)),
    "exp2": lambda g, x: g.node("Exp", times(g, x, math.log(2))),
    "expm1": expm1,
    "floor_divide": lambda g, x, y: (
        g.node("Floor", g.node("Div", x, y)) if _is_float(g, x) else g.node("Div", g.node("Sub", x, _mod(g, x, y)), y)
    ),
    "fmod": lambda g, x, y: g.node("Mod", x, y, fmod=1),
    "hypot": lambda g, x, y: g.node("Sqrt", g.node("Add", g.node("Mul", x, x), g.node("Mul", y, y))),
    "isfinite": lambda g, x: g.node("Less", g.node("Abs", x), g.constant(np.inf)),
    "isinf": lambda g, x: g.node("Equal", g.node("Abs", x), g.constant(np.inf)),
    "log10": lambda g, x: times(g, g.node("Log", x), 1 / math.log(10)),
    "log1p": log1p,
    "log2": lambda g, x: times(g, g.node("Log", x), 1 / math.log(2)),
    "logaddexp": lambda g, x, y: g.node(
        "Add", g.node("Max", x, y), log1p(g, g.node("Exp", minus_abs(g, g.node("Sub", x, y))))
    ),
    "not_equal": lambda g, x, y: g.node("Not", g.node("Equal", x, y)),
    "remainder": _mod,
    "square": lambda g, x: g.node("Mul", x, x),
    "trunc": lambda g, x: g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x))),
}
_OF_BOOLS = {
    "add": "Or", "bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "invert": "Not", "maximum": "Or",
    "minimum": "And", "multiply": "And",
}  # fmt: skip
_ROUNDED = ("ceil", "floor", "rint", "trunc")  # which leave whole numbers alone
_WITHOUT_DOUBLE: dict[str, Callable[..., str] | None] = {  # runtimes have no float64 kernels for these
    "Acos": None,
    "Asin": None,
    "Atan": None,
    "Tan": lambda g, x: g.node("Div", g.node("Sin", x), g.node("Cos", x)),
    "Sinh": lambda g, x: times(g, g.node("Sub", expm1(g, x), expm1(g, g.node("Neg", x))), 0.5),
    "Cosh": lambda g, x: times(g, g.node("Add", g.node("Exp", x), g.node("Exp", g.node("Neg", x))), 0.5),
    "Asinh": lambda g, x: g.node("Mul", g.node("Sign", x), _asinh(g, g.node("Abs", x))),
    "Acosh": lambda g, x: g.node("Log", g.node("Add", x, g.node("Sqrt", plus(g, g.node("Mul", x, x), -1.0)))),
    "Atanh": lambda g, x: times(g, g.node("Sub", log1p(g, x), log1p(g, g.node("Neg", x))), 0.5),
}


def _elementwise(g: Graph, *operands: Any, **settings: Any) -> str:
    name = g.op.function.partition(".")[2]
    if settings:
        raise g.refuse(f"with {', '.join(settings)} has no equivalent")
    call: Any = getattr(np, name)
    types: tuple[Any, ...] = tuple(
        x.dtype if isinstance(x, (Value, np.ndarray, np.generic)) else type(x) for x in operands
    )
    types = tuple(int if t is Size else t for t in types)
    if all(t in (int, float, bool) for t in types):
        types = tuple(map(np.dtype, types))
    dtypes = call.resolve_dtypes((*types, None))
    if name in ("isfinite", "isinf", "isnan"):
        dtypes = (np.dtype(float), *dtypes[1:])
    names = [g.of(x, dtype) for x, dtype in zip(operands, dtypes, strict=False)]
    if name in _ROUNDED and dtypes[0].kind != "f":
        return names[0]
    without = g.double and dtypes[0].kind == "f"
    if name in _MADE_OF and not (name == "arctan2" and without):
        return _MADE_OF[name](g, *names)
    onnx = (_OF_BOOLS if dtypes[0] == np.bool_ else _DIRECT).get(name, _DIRECT.get(name))
    if onnx is None:
        raise g.refuse("has no kernel in float64; export in float32" if without else "has no equivalent")
    if without and onnx in _WITHOUT_DOUBLE:
        double = _WITHOUT_DOUBLE[onnx]
        if double is None:
            raise g.refuse("has no kernel in float64; export in float32")
        return double(g, *names)
    return g.node(onnx, *names, hint=g.hint)


for _name in {*_DIRECT, *_MADE_OF, *_OF_BOOLS}:
    OPERATORS[f"np.{_name}"] = OPERATORS[f"primitive.{_name}"] = _elementwise


@operator("copy")
def _filled(g: Graph, x: Any) -> str:
    """A copy of a value, or an array of one number."""
    name = g.of(x, g.result.dtype)
    shape = g.shapes(g.result)
    return name if isinstance(x, Value) and g.shapes(x) == shape else g.node("Expand", name, g.sizes(shape))


@operator(
    "primitive.copy", "np.ascontiguousarray", "np.asarray", "np.array", "method.copy", "np.positive",
    "primitive.astype", "method.astype",
)  # fmt: skip
def _same(g: Graph, x: Any, *_: Any, **__: Any) -> str:
    return g.of(x, g.result.dtype)


@operator("primitive.where", "np.where")
def _where(g: Graph, condition: Any, x: Any, y: Any) -> str:
    dtype = g.result.dtype
    return g.node("Where", g.of(condition, np.bool_), g.of(x, dtype), g.of(y, dtype), hint=g.hint)


@operator("primitive.round", "np.round")
def _round(g: Graph, x: Any, *, decimals: int = 0) -> str:
    if not decimals:
        return g.node("Round", g.of(x))
    scale = g.constant(float(10**decimals))
    return g.node("Div", g.node("Round", g.node("Mul", g.of(x), scale)), scale)


@operator("primitive.masked_keep", "primitive.masked_zero")
def _masked(g: Graph, x: Any, mask: Any) -> str:
    keep, zero = g.of(x), g.constant(0, x.dtype)
    parts = (keep, zero) if g.op.function.endswith("keep") else (zero, keep)
    return g.node("Where", g.of(mask, np.bool_), *parts)


@operator("primitive.clamp_min", "primitive.clamp_max")
def _clamp(g: Graph, x: Any, bound: Any) -> str:
    dtype = g.result.dtype
    return g.node("Max" if g.op.function.endswith("min") else "Min", g.of(x, dtype), g.of(bound, dtype), hint=g.hint)
