"""Comparisons and logic, element by element: booleans, through which no gradient passes."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import DISTINCT, MASK, REALS
from micrograd_np.core.primitive import primitive


def _comparison(name: str, symbol: str, meaning: str) -> Any:
    def kernel(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return getattr(xp, name)(x, y, out=out)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Where x {meaning} y, elementwise: booleans, without gradient. Nothing compares with nan."
    kernel.__module__ = __name__
    return primitive(f"{{x}} {symbol} {{y}}", domain=(DISTINCT, DISTINCT), not_differentiable=("x", "y"))(kernel)


equal = _comparison("equal", "=", "equals")
not_equal = _comparison("not_equal", "≠", "differs from")
less = _comparison("less", "<", "is less than")
less_equal = _comparison("less_equal", "≤", "is at most")
greater = _comparison("greater", ">", "is greater than")
greater_equal = _comparison("greater_equal", "≥", "is at least")


def _connective(name: str, symbol: str, meaning: str) -> Any:
    def kernel(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return getattr(xp, name)(x, y, out=out)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Where {meaning}, elementwise: booleans, without gradient. Numbers count as true unless 0."
    kernel.__module__ = __name__
    return primitive(f"{{x}} {symbol} {{y}}", domain=(MASK, MASK), not_differentiable=("x", "y"))(kernel)


logical_and = _connective("logical_and", "∧", "x and y hold")
logical_or = _connective("logical_or", "∨", "x or y holds")
logical_xor = _connective("logical_xor", "⊻", "exactly one of x and y holds")


@primitive("¬{x}", domain=(MASK,), not_differentiable=("x",))
def logical_not(xp: Any, out: Any, x: Any) -> Any:
    """Where x does not hold, elementwise: booleans, without gradient."""
    return xp.logical_not(x, out=out)


def _of_bits(name: str, symbol: str, meaning: str) -> Any:
    def kernel(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return getattr(xp, name)(x, y, out=out)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Where {meaning}, elementwise and without gradient; of integers bit by bit."
    kernel.__module__ = __name__
    return primitive(f"{{x}} {symbol} {{y}}", domain=(MASK, MASK), not_differentiable=("x", "y"))(kernel)


bitwise_and = _of_bits("bitwise_and", "&", "x and y hold")
bitwise_or = _of_bits("bitwise_or", "|", "x or y holds")
bitwise_xor = _of_bits("bitwise_xor", "^", "exactly one of x and y holds")


@primitive("~{x}", domain=(MASK,), not_differentiable=("x",))
def invert(xp: Any, out: Any, x: Any) -> Any:
    """Where x does not hold, elementwise and without gradient; of integers bit by bit."""
    return xp.invert(x, out=out)


def _classification(name: str, meaning: str) -> Any:
    def kernel(xp: Any, out: Any, x: Any) -> Any:
        return getattr(xp, name)(x, out=out)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Where x is {meaning}, elementwise: booleans, without gradient."
    kernel.__module__ = __name__
    return primitive(f"{name}({{x}})", domain=(REALS,), not_differentiable=("x",))(kernel)


isfinite = _classification("isfinite", "a number, neither infinite nor nan")
isinf = _classification("isinf", "inf or −inf")
isnan = _classification("isnan", "nan")
