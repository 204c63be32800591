"""The error function, the normal distribution function, and x log y, element by element. NumPy has none of them."""

from math import pi
from typing import Any

import numpy as np

from micrograd_np.core.domains import POSITIVE, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.choice import apply_bit_mask, masked_zero
from micrograd_np.ops.comparison import equal, logical_and
from micrograd_np.ops.elementwise import zero_safe_divide, zero_safe_multiply
from micrograd_np.ops.routine import clear

from .blocks import in_blocks

# Cody (1969), "Rational Chebyshev approximations for the error function", Mathematics of Computation 23: numerators and
# denominators, highest power first, of erf(y)/y in y² up to y = 1/2, and of exp(y²) erfc(y) in y above.
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
FAR = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
     8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
MEETING = 0.5
# For single precision erf(x) is tanh(x p(x²)), and tanh is as quick as a product: p by least squares on the relative
# error of erf up to 4.6, weighted towards where that is largest (Lawson's iteration); 1e-7 before rounding. Above, p
# only grows. With q from p, the normal distribution function is Φ(x) = 1 / (1 + exp(x q(x²))).
_SINGLE = (
    1.41852591e-7, -5.66848275e-6, 8.76373762e-5, -6.19784804e-4, -1.91830614e-4, 1.02769056e-1, 1.12837927,
)  # fmt: skip
_SINGLE_NDTR = (*(-(2**0.5) * c / 2**k for k, c in zip(range(len(_SINGLE) - 1, -1, -1), _SINGLE, strict=True)),)
FARTHEST = 28.0  # where exp(−y²) is 0 in float64, and powers of y do not overflow
_INT8 = np.dtype(np.int8)


def _polynomial(xp: Any, coefficients: tuple[float, ...], y: Any) -> Any:
    """Horner's scheme, in place after the first step."""
    first, second, *rest = coefficients
    z = y if first == 1 else xp.multiply(y, first, out=...)
    z = xp.add(z, second, out=... if first == 1 else z)
    for c in rest:
        z = xp.multiply(z, y, out=z)
        z = xp.add(z, c, out=z)
    return z


def _near(xp: Any, y: Any) -> Any:
    """erf(y) for 0 ≤ y ≤ 1/2."""
    s = xp.square(y, out=...)
    z = xp.multiply(y, _polynomial(xp, NEAR[0], s), out=...)
    return xp.true_divide(z, _polynomial(xp, NEAR[1], s), out=z)


def _far(xp: Any, y: Any) -> Any:
    """1 − erf(y) for 1/2 ≤ y ≤ 28."""
    z = _polynomial(xp, FAR[0], y)
    z = xp.true_divide(z, _polynomial(xp, FAR[1], y), out=z)
    s = xp.square(y, out=...)
    s = xp.negative(s, out=s)
    s = xp.exp(s, out=s)
    return xp.multiply(z, s, out=z)


def _exponent(xp: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """x p(x²). It may overflow, but only where tanh and exp of it have reached their limits."""
    z = _polynomial(xp, coefficients, xp.square(x, out=...))
    return xp.multiply(z, x, out=z)


def _joined(xp: Any, near: Any, far: Any, is_far: Any) -> Any:
    """`far` where the int8 array `is_far` is −1, `near` where it is 0."""
    near = apply_bit_mask(xp, near, near, xp.invert(is_far))
    far = apply_bit_mask(xp, far, far, is_far)
    return xp.add(near, far, out=far)


@primitive("exp(−{x}²)", domain=(REALS,))
def gaussian(xp: Any, out: Any, x: Any) -> Any:
    """exp(−x²), silent where x² overflows."""
    with xp.errstate(over="ignore"):
        z = xp.square(x, out=out)
    z = xp.negative(z, out=z)
    return xp.exp(z, out=z)


gaussian.vjp(x=lambda g, z, x: zero_safe_multiply(g, -2 * zero_safe_multiply(z, x)))


@primitive("erf {x}", domain=(REALS,), onnx="Erf")
@in_blocks
def erf(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise error function 2/√π ∫₀ˣ exp(−t²) dt: relative error below 1e-15 in float64, below 3e-7 in float32."""
    if x.itemsize <= 4:
        with xp.errstate(over="ignore"):
            z = _exponent(xp, x, _SINGLE)
        return xp.tanh(z, out=out)
    y = xp.absolute(x, out=...)
    is_far = xp.negative(xp.greater(y, MEETING).view(_INT8))
    near = _near(xp, xp.minimum(y, MEETING, out=...))
    far = _far(xp, xp.minimum(y, FARTHEST, out=y))  # its values for y < 1/2 are not used
    far = xp.subtract(1, far, out=far)
    z = _joined(xp, near, far, is_far)
    return xp.copysign(z, x, out=out)


erf.vjp(x=lambda g, z, x: g * (2 / pi**0.5 * gaussian(x)))


@primitive("Φ({x})", domain=(REALS,))
@in_blocks
def ndtr(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise probability that a standard normal variable is below x; in float64 its lower tail keeps digits."""
    if x.itemsize <= 4:
        with xp.errstate(over="ignore"):
            z = _exponent(xp, x, _SINGLE_NDTR)
            z = xp.exp(z, out=z)
            z = xp.add(z, 1, out=z)
            return xp.reciprocal(z, out=out)
    x = xp.multiply(x, 0.5**0.5, out=...)
    y = xp.absolute(x, out=...)
    is_far = xp.negative(xp.greater(y, MEETING).view(_INT8))
    near = _near(xp, xp.minimum(y, MEETING, out=...))
    near = xp.copysign(near, x, out=near)
    near = xp.add(near, 1, out=near)
    far = _far(xp, xp.minimum(y, FARTHEST, out=y))  # its values for y < 1/2 are not used
    upper = xp.greater(x, 0)
    far = xp.copysign(far, xp.negative(x), out=far)
    far = xp.add(far, xp.multiply(upper, 2, dtype=far.dtype), out=far)  # erfc(−y) = 2 − erfc(y)
    return xp.multiply(_joined(xp, near, far, is_far), 0.5, out=out)


# no gradient passes where the slope is 0, even if an infinite one arrives, as in gelu at ∞
ndtr.vjp(x=lambda g, z, x: zero_safe_multiply(g, (2 * pi) ** -0.5 * gaussian(x * 0.5**0.5)))


@primitive("{x} log {y}", domain=(REALS, POSITIVE))
def xlogy(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise x log(y), and 0 where x is 0, even at y = 0, where both derivatives are 0 too. nan for y < 0."""
    narrow = isinstance(y, (int, float)) and x.dtype.kind == "f"  # a Python number must not make float32 wide
    with xp.errstate(all="ignore"):
        z = xp.log(y, dtype=x.dtype) if narrow else xp.log(y)
        z = xp.multiply(x, z, out=out)
    keep = xp.logical_or(xp.not_equal(x, 0), xp.isnan(y))
    return clear(xp, z, keep)


xlogy.vjp(
    x=lambda g, z, x, y: masked_zero(xlogy(g, y), logical_and(equal(x, 0), equal(y, 0))),
    y=lambda g, z, x, y: zero_safe_divide(zero_safe_multiply(g, x), y),
)
