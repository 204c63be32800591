"""Exponentials, logarithms, powers, and the two sigmoid functions made of them, element by element."""

from __future__ import annotations

from math import log as _log
from typing import Any

from micrograd_np.core.domains import ABOVE_MINUS_ONE, NONZERO, POSITIVE, REALS
from micrograd_np.core.primitive import primitive

from .elementwise import divide_or_zero, square, zero_safe_divide, zero_safe_multiply, zeros_like
from .routine import clear, floating

_LN2, _LN10 = _log(2), _log(10)


@primitive("exp {x}", domain=(REALS,), onnx="Exp")
def exp(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise e to the power x."""
    return xp.exp(x, out=out)


exp.vjp(x=lambda g, z, x: g * z)


@primitive("expm1 {x}", domain=(REALS,))
def expm1(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise exp(x) − 1, accurate near 0."""
    return xp.expm1(x, out=out)


expm1.vjp(x=lambda g, z, x: g * exp(x))  # z + 1 would lose the tail


@primitive("exp2 {x}", domain=(REALS,))
def exp2(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise 2 to the power x."""
    return xp.exp2(x, out=out)


exp2.vjp(x=lambda g, z, x: g * (z * _LN2))


@primitive("log {x}", domain=(POSITIVE,), onnx="Log")
def log(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise natural logarithm. As in NumPy, −inf at 0 and nan below, each with a warning."""
    return xp.log(x, out=out)


log.vjp(x=lambda g, z, x: zero_safe_divide(g, x))


@primitive("log1p {x}", domain=(ABOVE_MINUS_ONE,))
def log1p(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise log(1 + x), accurate near 0. −inf at −1 and nan below, each with a warning."""
    return xp.log1p(x, out=out)


log1p.vjp(x=lambda g, z, x: zero_safe_divide(g, 1 + x))


@primitive("log₂ {x}", domain=(POSITIVE,))
def log2(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise logarithm to base 2."""
    return xp.log2(x, out=out)


log2.vjp(x=lambda g, z, x: zero_safe_divide(g * (1 / _LN2), x))


@primitive("log₁₀ {x}", domain=(POSITIVE,))
def log10(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise logarithm to base 10."""
    return xp.log10(x, out=out)


log10.vjp(x=lambda g, z, x: zero_safe_divide(g * (1 / _LN10), x))


@primitive("log(exp {x} + exp {y})", domain=(REALS, REALS))
def logaddexp(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise log(exp(x) + exp(y)), without overflow. Two equal infinities share the gradient equally."""
    return xp.logaddexp(x, y, out=out)


@primitive("{x} − {y}", domain=(REALS, REALS))
def subtract_or_zero(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """x − y, and 0 where they are equal, also where both are the same infinity; silent."""
    with xp.errstate(invalid="ignore"):
        z = xp.subtract(x, y, out=out)
    return clear(xp, z, xp.not_equal(x, y))


subtract_or_zero.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -g,
)


@primitive("log {x}", domain=(POSITIVE,))
def log_or_zero(xp: Any, out: Any, x: Any) -> Any:
    """log x, and 0 at x = 0: how `power` depends on its exponent. Silent; nan below 0."""
    with xp.errstate(all="ignore"):
        z = xp.log(x, out=out)
    return clear(xp, z, xp.not_equal(x, 0))


log_or_zero.vjp(x=lambda g, z, x: divide_or_zero(g, x))


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


power.vjp(
    x=lambda g, z, x, y: zero_safe_multiply(g, power_slope(x, y)),
    y=lambda g, z, x, y: g * (z * log_or_zero(x)),
)

power_slope.vjp(
    x=lambda g, z, x, y: zero_safe_multiply(g * y, power_slope(x, y - 1)),
    y=lambda g, z, x, y: zero_safe_multiply(g, power(x, y - 1) + z * log_or_zero(x)),
)


@primitive("√{x}", domain=(POSITIVE,), onnx="Sqrt")
def sqrt(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise square root. At 0 the derivative is inf, but a gradient of 0 arriving there stays 0."""
    return xp.sqrt(x, out=out)


sqrt.vjp(x=lambda g, z, x: zero_safe_divide(0.5 * g, z))


@primitive("∛{x}", domain=(NONZERO,))
def cbrt(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise cube root, also of negative numbers. At 0 the derivative is inf; a gradient of 0 stays 0."""
    return xp.cbrt(x, out=out)


cbrt.vjp(x=lambda g, z, x: zero_safe_divide(g, 3 * square(z)))


@primitive("σ({x})", domain=(REALS,), onnx="Sigmoid")
def sigmoid(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise logistic function 1 / (1 + exp(−x)), accurate in both tails and silent for any x.

    Where exp(−x) overflows, its reciprocal is the 0 that the logistic function has long reached.
    """
    x = floating(xp, x)
    with xp.errstate(over="ignore"):
        z = xp.negative(x, out=out)
        z = xp.exp(z, out=z)
        z = xp.add(z, 1, out=z)
        return xp.reciprocal(z, out=z)


sigmoid.vjp(x=lambda g, z, x: g * (z - z * z))  # arrays alone: quicker than with a number, as in z * (1 - z)
logaddexp.vjp(  # exp(x) / (exp(x) + exp(y)) is σ(x − y)
    x=lambda g, z, x, y: g * sigmoid(subtract_or_zero(x, y)),
    y=lambda g, z, x, y: g * sigmoid(subtract_or_zero(y, x)),
)


@primitive("tanh {x}", domain=(REALS,), onnx="Tanh")
def tanh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise hyperbolic tangent."""
    return xp.tanh(x, out=out)


tanh.vjp(x=lambda g, z, x: g * (1 - z * z))
