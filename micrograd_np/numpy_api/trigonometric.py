"""Trigonometric and hyperbolic functions and their inverses, element by element, in radians."""

from math import pi
from typing import Any

from micrograd_np.core.domains import ABOVE_ONE, NONZERO, OPEN_UNIT, REALS, Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import divide_or_zero, multiply, zero_safe_divide, zero_safe_multiply
from micrograd_np.ops.transcendental import sqrt
from micrograd_np.ops.ufunc import ufunc

_BETWEEN_POLES = Domain("ℝ∖{π/2 + kπ}", low=-1.5, high=1.5)

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
hypot.vjp(
    x=lambda g, z, x, y: g * divide_or_zero(x, z),
    y=lambda g, z, x, y: g * divide_or_zero(y, z),
)


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
    """Degrees as radians: x π / 180."""
    return multiply(x, pi / 180)


def degrees(x: Any) -> Any:
    """Radians as degrees: x 180 / π."""
    return multiply(x, 180 / pi)


deg2rad, rad2deg = radians, degrees
