"""Comparisons and logic, element by element: booleans, through which no gradient passes."""

from typing import Any

from micrograd_np.core.domains import DISTINCT, MASK, REALS, Domain

from .ufunc import ufunc


def _binary(name: str, symbol: str, doc: str, domain: Domain, onnx: str | None = None) -> Any:
    return ufunc(name, f"{{x}} {symbol} {{y}}", doc, domain, domain, not_differentiable=("x", "y"), onnx=onnx)


def _comparison(name: str, symbol: str, meaning: str, onnx: str | None = None) -> Any:
    doc = f"Where x {meaning} y, elementwise: booleans, without gradient. Nothing compares with nan."
    return _binary(name, symbol, doc, DISTINCT, onnx)


def _logical(name: str, symbol: str, meaning: str, onnx: str) -> Any:
    doc = f"Where {meaning}, elementwise: booleans, without gradient. Numbers count as true unless 0."
    return _binary(name, symbol, doc, MASK, onnx)


def _bitwise(name: str, symbol: str, meaning: str) -> Any:
    return _binary(name, symbol, f"Where {meaning}, elementwise and without gradient; of integers bit by bit.", MASK)


def _classification(name: str, meaning: str, onnx: str | None = None) -> Any:
    doc = f"Where x is {meaning}, elementwise: booleans, without gradient."
    return ufunc(name, f"{name}({{x}})", doc, REALS, not_differentiable=("x",), onnx=onnx)


equal = _comparison("equal", "=", "equals", "Equal")
not_equal = _comparison("not_equal", "≠", "differs from")
less = _comparison("less", "<", "is less than", "Less")
less_equal = _comparison("less_equal", "≤", "is at most", "LessOrEqual")
greater = _comparison("greater", ">", "is greater than", "Greater")
greater_equal = _comparison("greater_equal", "≥", "is at least", "GreaterOrEqual")

logical_and = _logical("logical_and", "∧", "x and y hold", "And")
logical_or = _logical("logical_or", "∨", "x or y holds", "Or")
logical_xor = _logical("logical_xor", "⊻", "exactly one of x and y holds", "Xor")
logical_not = ufunc(
    "logical_not", "¬{x}", "Where x does not hold, elementwise: booleans, without gradient.", MASK,
    not_differentiable=("x",), onnx="Not",
)  # fmt: skip

bitwise_and = _bitwise("bitwise_and", "&", "x and y hold")
bitwise_or = _bitwise("bitwise_or", "|", "x or y holds")
bitwise_xor = _bitwise("bitwise_xor", "^", "exactly one of x and y holds")
invert = ufunc(
    "invert", "~{x}", "Where x does not hold, elementwise and without gradient; of integers bit by bit.", MASK,
    not_differentiable=("x",),
)  # fmt: skip

isfinite = _classification("isfinite", "a number, neither infinite nor nan")
isinf = _classification("isinf", "inf or −inf")
isnan = _classification("isnan", "nan", "IsNaN")
