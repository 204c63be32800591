"""Exponentials and logarithms to the bases 2 and 10, cube roots, and the logarithm of a sum of two exponentials."""

from math import log
from typing import Any

from micrograd_np.core.domains import NONZERO, POSITIVE, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import square, zero_safe_divide
from micrograd_np.ops.routine import clear
from micrograd_np.ops.transcendental import sigmoid
from micrograd_np.ops.ufunc import ufunc

_LN2, _LN10 = log(2), log(10)

exp2 = ufunc("exp2", "exp2 {x}", "Elementwise 2 to the power x.", REALS)
exp2.vjp(x=lambda g, z, x: g * (z * _LN2))

log2 = ufunc("log2", "log₂ {x}", "Elementwise logarithm to base 2.", POSITIVE)
log2.vjp(x=lambda g, z, x: zero_safe_divide(g * (1 / _LN2), x))

log10 = ufunc("log10", "log₁₀ {x}", "Elementwise logarithm to base 10.", POSITIVE)
log10.vjp(x=lambda g, z, x: zero_safe_divide(g * (1 / _LN10), x))

cbrt = ufunc(
    "cbrt", "∛{x}",
    "Elementwise cube root, also of negative numbers. At 0 the derivative is inf; a gradient of 0 stays 0.", NONZERO,
)  # fmt: skip
cbrt.vjp(x=lambda g, z, x: zero_safe_divide(g, 3 * square(z)))


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

logaddexp = ufunc(
    "logaddexp", "log(exp {x} + exp {y})",
    "Elementwise log(exp(x) + exp(y)), without overflow. Two equal infinities share the gradient equally.",
    REALS, REALS,
)  # fmt: skip
logaddexp.vjp(  # exp(x) / (exp(x) + exp(y)) is σ(x − y)
    x=lambda g, z, x, y: g * sigmoid(subtract_or_zero(x, y)),
    y=lambda g, z, x, y: g * sigmoid(subtract_or_zero(y, x)),
)
