"""Elementary functions beyond those of `ops`: exponentials, roots, trigonometry in radians, rounding, remainders.

The slope of a step is 0 wherever there is one, and 0 at the step too.
"""

from math import log, pi
from typing import Any

from micrograd_np.core.domains import ABOVE_ONE, NONZERO, OPEN_UNIT, POSITIVE, REALS, Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import (
    divide,
    divide_or_zero,
    multiply,
    square,
    zero_safe_divide,
    zero_safe_multiply,
    zeros_like,
)
from micrograd_np.ops.routine import clear
from micrograd_np.ops.transcendental import sigmoid, sqrt
from micrograd_np.ops.ufunc import ufunc

_LN2, _LN10 = log(2), log(10)
_BETWEEN_POLES = Domain("ℝ∖{π/2 + kπ}", low=-1.5, high=1.5)
_BETWEEN_STEPS = Domain("ℝ, steps", low=0.1, high=0.4)
_DIVISION = Domain("ℝ, steps at multiples", low=1.1, high=1.4), Domain("ℝ∖{0}", low=0.75, high=1.0, kinks=(0.0,))

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


subtract_or_zero.vjp(x=lambda g, z, x, y: g, y=lambda g, z, x, y: -g)

logaddexp = ufunc(
    "logaddexp", "log(exp {x} + exp {y})",
    "Elementwise log(exp(x) + exp(y)), without overflow. Two equal infinities share the gradient equally.",
    REALS, REALS,
)  # fmt: skip
logaddexp.vjp(  # exp(x) / (exp(x) + exp(y)) is σ(x − y)
    x=lambda g, z, x, y: g * sigmoid(subtract_or_zero(x, y)),
    y=lambda g, z, x, y: g * sigmoid(subtract_or_zero(y, x)),
)

sin = ufunc("sin", "sin {x}", "Elementwise sine. nan at ±inf, with a warning.", REALS, onnx="Sin")
cos = ufunc("cos", "cos {x}", "Elementwise cosine. nan at ±inf, with a warning.", REALS, onnx="Cos")
sin.vjp(x=lambda g, z, x: g * cos(x))
cos.vjp(x=lambda g, z, x: -g * sin(x))

tan = ufunc(
    "tan", "tan {x}", "Elementwise tangent. No float is a pole, so it is finite for every finite x.",
    _BETWEEN_POLES, onnx="Tan",
)  # fmt: skip
tan.vjp(x=lambda g, z, x: g * (1 + z * z))

arcsin = ufunc(
    "arcsin", "arcsin {x}",
    "Elementwise inverse sine, in [−π/2, π/2]; nan outside [−1, 1], with a warning. The derivative at ±1 is inf.",
    OPEN_UNIT, onnx="Asin",
)  # fmt: skip
arcsin.vjp(x=lambda g, z, x: zero_safe_divide(g, sqrt((1 - x) * (1 + x))))

arccos = ufunc(
    "arccos", "arccos {x}",
    "Elementwise inverse cosine, in [0, π]; nan outside [−1, 1], with a warning. The derivative at ±1 is −inf.",
    OPEN_UNIT, onnx="Acos",
)  # fmt: skip
arccos.vjp(x=lambda g, z, x: -zero_safe_divide(g, sqrt((1 - x) * (1 + x))))


@primitive("1 + {x}²", domain=(REALS,))
def square_plus_one(xp: Any, out: Any, x: Any) -> Any:
    """1 + x², silent where it overflows: a divisor may become infinite."""
    with xp.errstate(over="ignore"):
        z = xp.square(x, out=out)
    return xp.add(z, 1, out=z)


square_plus_one.vjp(x=lambda g, z, x: zero_safe_multiply(2 * g, x))

arctan = ufunc("arctan", "arctan {x}", "Elementwise inverse tangent, in (−π/2, π/2).", REALS, onnx="Atan")
arctan.vjp(x=lambda g, z, x: g / square_plus_one(x))

hypot = ufunc(
    "hypot", "√({x}² + {y}²)",
    "Elementwise √(x² + y²), without overflow on the way. Both derivatives are 0 at (0, 0).", NONZERO, NONZERO,
)  # fmt: skip
hypot.vjp(x=lambda g, z, x, y: g * divide_or_zero(x, z), y=lambda g, z, x, y: g * divide_or_zero(y, z))


@primitive("∠({x}, {y})", domain=(NONZERO, NONZERO))
def arctan2(xp: Any, out: Any, y: Any, x: Any) -> Any:
    """Elementwise angle of the point (x, y) as seen from the origin, in [−π, π]. Both derivatives are 0 at (0, 0)."""
    return xp.arctan2(y, x, out=out)


def _over_squared_distance(g: Any, x: Any, y: Any) -> Any:
    r = hypot(x, y)
    return divide_or_zero(divide_or_zero(g, r), r)  # twice, because r² may overflow


arctan2.vjp(
    y=lambda g, z, y, x: _over_squared_distance(g * x, x, y),
    x=lambda g, z, y, x: -_over_squared_distance(g * y, x, y),
)

sinh = ufunc("sinh", "sinh {x}", "Elementwise hyperbolic sine.", REALS, onnx="Sinh")
cosh = ufunc("cosh", "cosh {x}", "Elementwise hyperbolic cosine.", REALS, onnx="Cosh")
sinh.vjp(x=lambda g, z, x: g * cosh(x))
cosh.vjp(x=lambda g, z, x: g * sinh(x))

arcsinh = ufunc("arcsinh", "arcsinh {x}", "Elementwise inverse hyperbolic sine.", REALS, onnx="Asinh")
arcsinh.vjp(x=lambda g, z, x: g / hypot(x, 1.0))  # √(x² + 1) without overflow

arccosh = ufunc(
    "arccosh", "arccosh {x}",
    "Elementwise inverse hyperbolic cosine, for x ≥ 1; nan below, with a warning. At 1 the derivative is inf.",
    ABOVE_ONE, onnx="Acosh",
)  # fmt: skip
arccosh.vjp(x=lambda g, z, x: zero_safe_divide(g, sqrt(x - 1) * sqrt(x + 1)))

arctanh = ufunc(
    "arctanh", "arctanh {x}",
    "Elementwise inverse hyperbolic tangent on [−1, 1]; ±inf at the ends, nan outside, each with a warning.",
    OPEN_UNIT, onnx="Atanh",
)  # fmt: skip
arctanh.vjp(x=lambda g, z, x: zero_safe_divide(g, (1 - x) * (1 + x)))


def radians(x: Any) -> Any:
    """Degrees as radians: x π / 180. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.radians(mg.Tensor([0.0, 180.0]))
    Tensor([0.        , 3.14159265])
    """
    return multiply(x, pi / 180)


def degrees(x: Any) -> Any:
    """Radians as degrees: x 180 / π. Elementwise.

    >>> import micrograd_np as mg
    >>> mg.degrees(mg.Tensor([0.0, 3.141592653589793]))
    Tensor([  0., 180.])
    """
    return multiply(x, 180 / pi)


deg2rad, rad2deg = radians, degrees


def _rounding(name: str, label: str, value: str, **settings: Any) -> Any:
    doc = f"Elementwise {value}, as a float. The gradient is 0 everywhere."
    return ufunc(name, label, doc, _BETWEEN_STEPS, **settings).vjp(x=lambda g, z, x: zeros_like(g))


floor = _rounding("floor", "⌊{x}⌋", "largest integer that is at most x", onnx="Floor")
ceil = _rounding("ceil", "⌈{x}⌉", "smallest integer that is at least x", onnx="Ceil")
trunc = _rounding("trunc", "trunc({x})", "nearest integer towards 0", numpy=("fix",))


@primitive("round({x}, {decimals})", domain=(_BETWEEN_STEPS,), onnx="Round", numpy=("around", "rint"))
def round(xp: Any, out: Any, x: Any, *, decimals: int = 0) -> Any:
    """Elementwise nearest multiple of 10^−decimals, halves to even. The gradient is 0 everywhere."""
    return xp.asarray(xp.round(x, decimals, out=None if out is ... else out))


round.vjp(x=lambda g, z, x, decimals: zeros_like(g))

_STEP = "At a step the slope by x is 1. nan for y = 0."

floor_divide = ufunc(
    "floor_divide", "⌊{x} / {y}⌋",
    "Elementwise largest integer that is at most x / y. The gradients are 0 everywhere.", *_DIVISION,
)  # fmt: skip
floor_divide.vjp(x=lambda g, z, x, y: zeros_like(g), y=lambda g, z, x, y: zeros_like(g))

remainder = ufunc(
    "remainder", "{x} mod {y}",
    f"Elementwise x − ⌊x / y⌋ y, with the sign of y, as Python's %. {_STEP}", *_DIVISION, numpy=("mod",),
)  # fmt: skip
remainder.vjp(x=lambda g, z, x, y: g, y=lambda g, z, x, y: -zero_safe_multiply(g, floor_divide(x, y)))

fmod = ufunc(
    "fmod", "{x} fmod {y}", f"Elementwise x − trunc(x / y) y, with the sign of x, as C's fmod. {_STEP}", *_DIVISION
)
fmod.vjp(x=lambda g, z, x, y: g, y=lambda g, z, x, y: -zero_safe_multiply(g, trunc(divide(x, y))))
