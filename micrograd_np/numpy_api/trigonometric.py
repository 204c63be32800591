"""Sines, tangents and their inverses, element by element, in radians."""

from __future__ import annotations

from math import pi
from typing import Any

from micrograd_np.core.domains import NONZERO, OPEN_UNIT, REALS, Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import divide_or_zero, multiply, zero_safe_divide, zero_safe_multiply
from micrograd_np.ops.transcendental import sqrt

_NEAR_ZERO = Domain("ℝ∖{π/2 + kπ}", low=-1.5, high=1.5)


@primitive("sin {x}", domain=(REALS,), onnx="Sin")
def sin(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise sine. nan at ±inf, with a warning."""
    return xp.sin(x, out=out)


@primitive("cos {x}", domain=(REALS,), onnx="Cos")
def cos(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise cosine. nan at ±inf, with a warning."""
    return xp.cos(x, out=out)


sin.vjp(x=lambda g, z, x: g * cos(x))
cos.vjp(x=lambda g, z, x: -g * sin(x))


@primitive("tan {x}", domain=(_NEAR_ZERO,), onnx="Tan")
def tan(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise tangent. No float is a pole, so it is finite for every finite x."""
    return xp.tan(x, out=out)


tan.vjp(x=lambda g, z, x: g * (1 + z * z))


@primitive("arcsin {x}", domain=(OPEN_UNIT,), onnx="Asin")
def arcsin(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse sine, in [−π/2, π/2]; nan outside [−1, 1], with a warning. The derivative at ±1 is inf."""
    return xp.arcsin(x, out=out)


arcsin.vjp(x=lambda g, z, x: zero_safe_divide(g, sqrt((1 - x) * (1 + x))))


@primitive("arccos {x}", domain=(OPEN_UNIT,), onnx="Acos")
def arccos(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse cosine, in [0, π]; nan outside [−1, 1], with a warning. The derivative at ±1 is −inf."""
    return xp.arccos(x, out=out)


arccos.vjp(x=lambda g, z, x: -zero_safe_divide(g, sqrt((1 - x) * (1 + x))))


@primitive("1 + {x}²", domain=(REALS,))
def one_plus_square(xp: Any, out: Any, x: Any) -> Any:
    """1 + x², silent where it overflows: a divisor may become infinite."""
    with xp.errstate(over="ignore"):
        z = xp.square(x, out=out)
    return xp.add(z, 1, out=z)


one_plus_square.vjp(x=lambda g, z, x: zero_safe_multiply(2 * g, x))


@primitive("arctan {x}", domain=(REALS,), onnx="Atan")
def arctan(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse tangent, in (−π/2, π/2)."""
    return xp.arctan(x, out=out)


arctan.vjp(x=lambda g, z, x: g / one_plus_square(x))


@primitive("√({x}² + {y}²)", domain=(NONZERO, NONZERO))
def hypot(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise √(x² + y²), without overflow on the way. Both derivatives are 0 at (0, 0)."""
    return xp.hypot(x, y, out=out)


hypot.vjp(
    x=lambda g, z, x, y: g * divide_or_zero(x, z),
    y=lambda g, z, x, y: g * divide_or_zero(y, z),
)


@primitive("∠({x}, {y})", domain=(NONZERO, NONZERO))
def arctan2(xp: Any, out: Any, y: Any, x: Any) -> Any:
    """Elementwise angle of the point (x, y) as seen from the origin, in [−π, π]. Both derivatives are 0 at (0, 0)."""
    return xp.arctan2(y, x, out=out)


def _inverse_distance(g: Any, x: Any, y: Any) -> Any:
    r = hypot(x, y)
    return divide_or_zero(divide_or_zero(g, r), r)  # twice, because r² may overflow


arctan2.vjp(
    y=lambda g, z, y, x: _inverse_distance(g * x, x, y),
    x=lambda g, z, y, x: -_inverse_distance(g * y, x, y),
)


def radians(x: Any) -> Any:
    """Degrees as radians: x π / 180."""
    return multiply(x, pi / 180)


def degrees(x: Any) -> Any:
    """Radians as degrees: x 180 / π."""
    return multiply(x, 180 / pi)


deg2rad, rad2deg = radians, degrees
