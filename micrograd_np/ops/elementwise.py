"""Arithmetic, comparison and choice, element by element, broadcasting as NumPy does."""

from __future__ import annotations

from typing import Any

from micrograd_np.primitive import primitive

from .domains import DISTINCT, KINK_AT_ZERO, MASK, NONZERO, REALS


@primitive("{x} + {y}", domain=(REALS, REALS), onnx="Add")
def add(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise sum, broadcasting as NumPy does."""
    return xp.add(x, y, out=out)


add.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: g,
)


@primitive("{x} − {y}", domain=(REALS, REALS), onnx="Sub")
def subtract(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise difference, broadcasting as NumPy does."""
    return xp.subtract(x, y, out=out)


subtract.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -g,
)


@primitive("{x} · {y}", domain=(REALS, REALS), onnx="Mul")
def multiply(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise product, broadcasting as NumPy does."""
    return xp.multiply(x, y, out=out)


multiply.vjp(
    x=lambda g, z, x, y: g * y,
    y=lambda g, z, x, y: g * x,
)


@primitive("{x} / {y}", domain=(REALS, NONZERO), onnx="Div", numpy=("true_divide",))
def divide(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise quotient, broadcasting as NumPy does. No gradient leaves where none arrives, even at y = 0."""
    return xp.true_divide(x, y, out=out)


divide.vjp(
    x=lambda g, z, x, y: xdivy(g, y),
    y=lambda g, z, x, y: -xdivy(g * z, y),
)


@primitive("{x} / {y}, 0 where {x} = 0", domain=(NONZERO, NONZERO))
def xdivy(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x / y, and 0 wherever x is 0, even at y = 0 or nan: "nothing arrives, so nothing leaves" in derivative rules."""
    if isinstance(y, (int, float)) and y:
        return xp.true_divide(x, y, out=out)
    mask = xp.not_equal(x, 0)
    z = xp.zeros_like(xp.broadcast_arrays(x, y)[0], dtype=xp.result_type(x, y)) if out is ... else out
    if out is not ...:
        xp.copyto(z, 0)
    return xp.true_divide(x, y, out=z, where=mask)


xdivy.vjp(
    x=lambda g, z, x, y: xdivy(g, y),
    y=lambda g, z, x, y: -xdivy(g * z, y),
)


@primitive("−{x}", domain=(REALS,), onnx="Neg")
def negative(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise −x."""
    return xp.negative(x, out=out)


negative.vjp(x=lambda g, z, x: -g)


@primitive("{x}²", domain=(REALS,))
def square(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise x²."""
    return xp.square(x, out=out)


square.vjp(x=lambda g, z, x: 2 * g * x)


@primitive("1 / {x}", domain=(NONZERO,), onnx="Reciprocal")
def reciprocal(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise 1 / x."""
    return xp.reciprocal(x, out=out)


reciprocal.vjp(x=lambda g, z, x: -xdivy(g * z, x))


@primitive("|{x}|", domain=(KINK_AT_ZERO,), onnx="Abs", numpy=("abs", "fabs"))
def absolute(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise |x|. The subgradient at 0 is 0."""
    return xp.absolute(x, out=out)


absolute.vjp(x=lambda g, z, x: g * sign(x))


@primitive("sign {x}", domain=(KINK_AT_ZERO,), onnx="Sign")
def sign(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise −1, 0 or 1. The gradient is 0 everywhere."""
    return xp.sign(x, out=out)


sign.vjp(x=lambda g, z, x: g * 0)


@primitive("max({x}, {y})", domain=(DISTINCT, DISTINCT), onnx="Max")
def maximum(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise larger of two; nan where either is nan. At ties each gets half of the gradient."""
    return xp.maximum(x, y, out=out)


maximum.vjp(
    x=lambda g, z, x, y: where(equal(x, y), 0.5 * g, where(greater(x, y), g, 0)),
    y=lambda g, z, x, y: where(equal(x, y), 0.5 * g, where(greater(y, x), g, 0)),
)


@primitive("min({x}, {y})", domain=(DISTINCT, DISTINCT), onnx="Min")
def minimum(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise smaller of two; nan where either is nan. At ties each gets half of the gradient."""
    return xp.minimum(x, y, out=out)


minimum.vjp(
    x=lambda g, z, x, y: where(equal(x, y), 0.5 * g, where(less(x, y), g, 0)),
    y=lambda g, z, x, y: where(equal(x, y), 0.5 * g, where(less(y, x), g, 0)),
)


@primitive("{x} if {condition} else {y}", domain=(MASK, REALS, REALS), onnx="Where", not_differentiable=("condition",))
def where(xp: Any, out: Any, condition: Any, x: Any, y: Any) -> Any:
    """Elements of x where the condition holds, of y elsewhere; the gradient goes to the one chosen."""
    if out is ...:
        return xp.asarray(xp.where(condition, x, y))
    xp.copyto(out, y)
    xp.copyto(out, x, where=condition)
    return out


where.vjp(
    x=lambda g, z, condition, x, y: where(condition, g, 0),
    y=lambda g, z, condition, x, y: where(condition, 0, g),
)


def _comparison(name: str, symbol: str, meaning: str) -> Any:
    def kernel(xp: Any, out: Any, x: Any, y: Any) -> Any:
        return getattr(xp, name)(x, y, out=out)

    kernel.__name__ = kernel.__qualname__ = name
    kernel.__doc__ = f"Where x {meaning} y, elementwise: booleans, without gradient."
    kernel.__module__ = __name__
    return primitive(f"{{x}} {symbol} {{y}}", domain=(DISTINCT, DISTINCT), not_differentiable=("x", "y"))(kernel)


equal = _comparison("equal", "=", "equals")
not_equal = _comparison("not_equal", "≠", "differs from")
less = _comparison("less", "<", "is less than")
less_equal = _comparison("less_equal", "≤", "is at most")
greater = _comparison("greater", ">", "is greater than")
greater_equal = _comparison("greater_equal", "≥", "is at least")
