"""Exponentials, logarithms, powers, and the two sigmoid functions made of them, element by element."""

from typing import Any

from micrograd_np.core.domains import ABOVE_MINUS_ONE, NONZERO, POSITIVE, REALS
from micrograd_np.core.primitive import primitive

from .elementwise import divide_or_zero, zero_safe_divide, zero_safe_multiply, zeros_like
from .routine import clear, floating
from .ufunc import ufunc

exp = ufunc("exp", "exp {x}", "Elementwise e to the power x.", REALS, onnx="Exp")
exp.vjp(x=lambda g, z, x: g * z)

expm1 = ufunc("expm1", "expm1 {x}", "Elementwise exp(x) − 1, accurate near 0.", REALS)
expm1.vjp(x=lambda g, z, x: g * exp(x))  # z + 1 would lose the tail

log = ufunc(
    "log", "log {x}", "Elementwise natural logarithm. As in NumPy, −inf at 0 and nan below, each with a warning.",
    POSITIVE, onnx="Log",
)  # fmt: skip
log.vjp(x=lambda g, z, x: zero_safe_divide(g, x))

log1p = ufunc(
    "log1p", "log1p {x}", "Elementwise log(1 + x), accurate near 0. −inf at −1 and nan below, each with a warning.",
    ABOVE_MINUS_ONE,
)  # fmt: skip
log1p.vjp(x=lambda g, z, x: zero_safe_divide(g, 1 + x))

sqrt = ufunc(
    "sqrt", "√{x}", "Elementwise square root. At 0 the derivative is inf, but a gradient of 0 arriving there stays 0.",
    POSITIVE, onnx="Sqrt",
)  # fmt: skip
sqrt.vjp(x=lambda g, z, x: zero_safe_divide(0.5 * g, z))

tanh = ufunc("tanh", "tanh {x}", "Elementwise hyperbolic tangent.", REALS, onnx="Tanh")
tanh.vjp(x=lambda g, z, x: g * (1 - z * z))


@primitive("σ({x})", domain=(REALS,), onnx="Sigmoid")
def sigmoid(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise logistic function 1 / (1 + exp(−x)), accurate in both tails and silent for any x.

    Where exp(−x) overflows, its reciprocal is 0, as the logistic function is in floating point long before.
    """
    x = floating(xp, x)
    with xp.errstate(over="ignore"):
        z = xp.negative(x, out=out)
        z = xp.exp(z, out=z)
        z = xp.add(z, 1, out=z)
        return xp.reciprocal(z, out=z)


sigmoid.vjp(x=lambda g, z, x: g * (z - z * z))  # arrays alone: quicker than with a number, as in z * (1 - z)


@primitive("{x} ^ {y}", domain=(POSITIVE, REALS), onnx="Pow")
def power(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise x to the power y.

    The derivative by x is 0 wherever y is 0, also at x = 0; the derivative by y is 0 wherever x is 0.
    """
    return xp.power(x, y, out=out)


@primitive("{y} · {x} ^ ({y} − 1)", domain=(POSITIVE, NONZERO))
def power_slope(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """y · x^(y − 1), the derivative of `power` by x, and 0 wherever y is 0, even at x = 0; silent."""
    with xp.errstate(all="ignore"):
        z = xp.power(x, y - 1, out=out)
        z = xp.multiply(z, y, out=z)
    if isinstance(y, (int, float)):
        return z if y else zeros_like.kernel(xp, z, z)
    return clear(xp, z, xp.not_equal(y, 0))


@primitive("log {x}", domain=(POSITIVE,))
def log_or_zero(xp: Any, out: Any, x: Any) -> Any:
    """log x, and 0 at x = 0: the derivative of `power` by its exponent has this factor. Silent; nan below 0."""
    with xp.errstate(all="ignore"):
        z = xp.log(x, out=out)
    return clear(xp, z, xp.not_equal(x, 0))


log_or_zero.vjp(x=lambda g, z, x: divide_or_zero(g, x))
power.vjp(
    x=lambda g, z, x, y: zero_safe_multiply(g, power_slope(x, y)),
    y=lambda g, z, x, y: g * (z * log_or_zero(x)),
)
power_slope.vjp(
    x=lambda g, z, x, y: zero_safe_multiply(g * y, power_slope(x, y - 1)),
    y=lambda g, z, x, y: zero_safe_multiply(g, power(x, y - 1) + z * log_or_zero(x)),
)
