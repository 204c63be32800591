"""Arithmetic, element by element, broadcasting as NumPy does."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import KINK_AT_ZERO, NONZERO, REALS
from micrograd_np.core.primitive import primitive

from .routine import clear


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


@primitive("{x} × {y}", domain=(REALS, REALS))
def zero_safe_multiply(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x · y, and 0 wherever either is 0, even where the other is ∞ or nan; silent. For rules."""
    keep = xp.logical_and(xp.not_equal(x, 0), xp.not_equal(y, 0))  # of floats themselves it is slow
    with xp.errstate(all="ignore"):
        z = xp.multiply(x, y, out=out)
    return clear(xp, z, keep)


zero_safe_multiply.vjp(
    x=lambda g, z, x, y: zero_safe_multiply(g, y),
    y=lambda g, z, x, y: zero_safe_multiply(g, x),
)


@primitive("{x} ÷ {y}", domain=(NONZERO, NONZERO))
def zero_safe_divide(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x / y, and 0 wherever x is 0, even at y = 0 or nan; silent.

    In rules it says "where nothing arrives, nothing leaves": ``where(x > 0, sqrt(x), 0)`` has the gradient 0 at 0.
    """
    if isinstance(y, (int, float)) and y:
        return xp.true_divide(x, y, out=out)
    keep = xp.not_equal(x, 0)
    with xp.errstate(all="ignore"):
        z = xp.true_divide(x, y, out=out)
    return clear(xp, z, keep)


zero_safe_divide.vjp(
    x=lambda g, z, x, y: zero_safe_divide(g, y),
    y=lambda g, z, x, y: -zero_safe_divide(zero_safe_multiply(z, g), y),
)


@primitive("{x} ÷₀ {y}", domain=(REALS, NONZERO))
def divide_or_zero(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x / y, and 0 wherever y is 0, derivatives of any order included; silent. For vectors without direction."""
    keep = xp.not_equal(y, 0)
    with xp.errstate(all="ignore"):
        z = xp.true_divide(x, y, out=out)
    return clear(xp, z, keep)


divide_or_zero.vjp(
    x=lambda g, z, x, y: divide_or_zero(g, y),
    y=lambda g, z, x, y: -divide_or_zero(zero_safe_multiply(z, g), y),
)


@primitive("{x} / {y}", domain=(REALS, NONZERO), onnx="Div", numpy=("true_divide",))
def divide(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise quotient, broadcasting as NumPy does. No gradient leaves where none arrives, even at y = 0."""
    return xp.true_divide(x, y, out=out)


divide.vjp(
    x=lambda g, z, x, y: zero_safe_divide(g, y),
    y=lambda g, z, x, y: -zero_safe_multiply(zero_safe_divide(g, y), z),
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


reciprocal.vjp(x=lambda g, z, x: -zero_safe_multiply(zero_safe_multiply(g, z), z))


@primitive("0", domain=(REALS,), not_differentiable=("x",))
def zeros_like(xp: Any, out: Any, x: Any) -> Any:
    """0 in the shape and dtype of `x`."""
    if out is ...:
        return xp.zeros(x.shape, x.dtype)
    xp.copyto(out, out.dtype.type(0).item())  # False of booleans
    return out


@primitive("sign {x}", domain=(KINK_AT_ZERO,), onnx="Sign")
def sign(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise −1, 0 or 1. The gradient is 0 everywhere."""
    return xp.sign(x, out=out)


sign.vjp(x=lambda g, z, x: zeros_like(g))


@primitive("|{x}|", domain=(KINK_AT_ZERO,), onnx="Abs", numpy=("abs", "fabs"))
def absolute(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise |x|. The subgradient at 0 is 0."""
    return xp.absolute(x, out=out)


absolute.vjp(x=lambda g, z, x: g * sign(x))
