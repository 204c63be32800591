"""Arithmetic, element by element, broadcasting as NumPy does."""

from typing import Any

from micrograd_np.core.domains import KINK_AT_ZERO, NONZERO, REALS
from micrograd_np.core.primitive import primitive

from .routine import clear
from .ufunc import ufunc

add = ufunc("add", "{x} + {y}", "Elementwise sum, broadcasting as NumPy does.", REALS, REALS, onnx="Add")
add.vjp(x=lambda g, z, x, y: g, y=lambda g, z, x, y: g)

subtract = ufunc(
    "subtract", "{x} − {y}", "Elementwise difference, broadcasting as NumPy does.", REALS, REALS, onnx="Sub"
)
subtract.vjp(x=lambda g, z, x, y: g, y=lambda g, z, x, y: -g)

multiply = ufunc("multiply", "{x} · {y}", "Elementwise product, broadcasting as NumPy does.", REALS, REALS, onnx="Mul")
multiply.vjp(x=lambda g, z, x, y: g * y, y=lambda g, z, x, y: g * x)

negative = ufunc("negative", "−{x}", "Elementwise −x.", REALS, onnx="Neg")
negative.vjp(x=lambda g, z, x: -g)

square = ufunc("square", "{x}²", "Elementwise x².", REALS)
square.vjp(x=lambda g, z, x: 2 * g * x)


@primitive("0", domain=(REALS,), not_differentiable=("x",))
def zeros_like(xp: Any, out: Any, x: Any) -> Any:
    """0 in the shape and dtype of `x`."""
    if out is ...:
        return xp.zeros(x.shape, x.dtype)
    xp.copyto(out, out.dtype.type(0).item())  # False of booleans
    return out


@primitive("{x} × {y}", domain=(REALS, REALS))
def zero_safe_multiply(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x · y, and 0 wherever either is 0, even where the other is ∞ or nan; silent. For derivative rules."""
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

    In derivative rules a gradient of 0 stays 0 by it: ``where(x > 0, sqrt(x), 0)`` has the gradient 0 at 0.
    """
    if isinstance(y, (int, float)) and (y < 0 or y > 0):  # neither 0 nor nan
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
    """x / y, and 0 wherever y is 0, derivatives of any order included; silent. For directions of vectors, also of 0."""
    keep = xp.not_equal(y, 0)
    with xp.errstate(all="ignore"):
        z = xp.true_divide(x, y, out=out)
    return clear(xp, z, keep)


divide_or_zero.vjp(
    x=lambda g, z, x, y: divide_or_zero(g, y),
    y=lambda g, z, x, y: -divide_or_zero(zero_safe_multiply(z, g), y),
)

divide = ufunc(
    "divide", "{x} / {y}",
    "Elementwise quotient, broadcasting as NumPy does. No gradient leaves where none arrives, even at y = 0.",
    REALS, NONZERO, function="true_divide", onnx="Div", numpy=("true_divide",),
)  # fmt: skip
divide.vjp(
    x=lambda g, z, x, y: zero_safe_divide(g, y),
    y=lambda g, z, x, y: -zero_safe_multiply(zero_safe_divide(g, y), z),
)

reciprocal = ufunc("reciprocal", "1 / {x}", "Elementwise 1 / x.", NONZERO, onnx="Reciprocal")
reciprocal.vjp(x=lambda g, z, x: -zero_safe_multiply(zero_safe_multiply(g, z), z))

sign = ufunc("sign", "sign {x}", "Elementwise −1, 0 or 1. The gradient is 0 everywhere.", KINK_AT_ZERO, onnx="Sign")
sign.vjp(x=lambda g, z, x: zeros_like(g))

absolute = ufunc(
    "absolute", "|{x}|", "Elementwise |x|. The subgradient at 0 is 0.",
    KINK_AT_ZERO, onnx="Abs", numpy=("abs", "fabs"),
)  # fmt: skip
absolute.vjp(x=lambda g, z, x: g * sign(x))
