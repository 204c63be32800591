"""Hyperbolic functions and their inverses, element by element."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import ABOVE_ONE, OPEN_UNIT, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import zero_safe_divide
from micrograd_np.ops.transcendental import sqrt

from .trigonometric import hypot


@primitive("sinh {x}", domain=(REALS,), onnx="Sinh")
def sinh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise hyperbolic sine."""
    return xp.sinh(x, out=out)


@primitive("cosh {x}", domain=(REALS,), onnx="Cosh")
def cosh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise hyperbolic cosine."""
    return xp.cosh(x, out=out)


sinh.vjp(x=lambda g, z, x: g * cosh(x))
cosh.vjp(x=lambda g, z, x: g * sinh(x))


@primitive("arcsinh {x}", domain=(REALS,), onnx="Asinh")
def arcsinh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse hyperbolic sine."""
    return xp.arcsinh(x, out=out)


arcsinh.vjp(x=lambda g, z, x: g / hypot(x, 1.0))  # √(x² + 1) without overflow


@primitive("arccosh {x}", domain=(ABOVE_ONE,), onnx="Acosh")
def arccosh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse hyperbolic cosine, for x ≥ 1; nan below, with a warning. At 1 the derivative is inf."""
    return xp.arccosh(x, out=out)


arccosh.vjp(x=lambda g, z, x: zero_safe_divide(g, sqrt(x - 1) * sqrt(x + 1)))


@primitive("arctanh {x}", domain=(OPEN_UNIT,), onnx="Atanh")
def arctanh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise inverse hyperbolic tangent on [−1, 1]; ±inf at the ends, nan outside, each with a warning."""
    return xp.arctanh(x, out=out)


arctanh.vjp(x=lambda g, z, x: zero_safe_divide(g, (1 - x) * (1 + x)))
