"""Division with remainder: what is left over follows the dividend with slope 1, the quotient goes in steps."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import divide, zero_safe_multiply, zeros_like

from .rounding import trunc

_DIVIDEND = Domain("ℝ, steps at multiples", low=1.1, high=1.4)
_DIVISOR = Domain("ℝ∖{0}", low=0.75, high=1.0, kinks=(0.0,))


@primitive("⌊{x} / {y}⌋", domain=(_DIVIDEND, _DIVISOR))
def floor_divide(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise largest integer that is at most x / y. The gradients are 0 everywhere."""
    return xp.floor_divide(x, y, out=out)


floor_divide.vjp(
    x=lambda g, z, x, y: zeros_like(g),
    y=lambda g, z, x, y: zeros_like(g),
)


@primitive("{x} mod {y}", domain=(_DIVIDEND, _DIVISOR), numpy=("mod",))
def remainder(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise x − ⌊x / y⌋ y, with the sign of y, as Python's %. At a step the slope by x is 1. nan for y = 0."""
    return xp.remainder(x, y, out=out)


remainder.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -zero_safe_multiply(g, floor_divide(x, y)),
)


@primitive("{x} fmod {y}", domain=(_DIVIDEND, _DIVISOR))
def fmod(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise x − trunc(x / y) y, with the sign of x, as C's fmod. At a step the slope by x is 1. nan for y = 0."""
    return xp.fmod(x, y, out=out)


fmod.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -zero_safe_multiply(g, trunc(divide(x, y))),
)
