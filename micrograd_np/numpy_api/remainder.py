"""Division with remainder: the remainder has slope 1 by the dividend, the quotient goes in steps."""

from micrograd_np.core.domains import Domain
from micrograd_np.ops.elementwise import divide, zero_safe_multiply, zeros_like
from micrograd_np.ops.ufunc import ufunc

from .rounding import trunc

_DOMAINS = (
    Domain("ℝ, steps at multiples", low=1.1, high=1.4),
    Domain("ℝ∖{0}", low=0.75, high=1.0, kinks=(0.0,)),
)
_STEP = "At a step the slope by x is 1. nan for y = 0."

floor_divide = ufunc(
    "floor_divide", "⌊{x} / {y}⌋",
    "Elementwise largest integer that is at most x / y. The gradients are 0 everywhere.", *_DOMAINS,
)  # fmt: skip
floor_divide.vjp(
    x=lambda g, z, x, y: zeros_like(g),
    y=lambda g, z, x, y: zeros_like(g),
)

remainder = ufunc(
    "remainder", "{x} mod {y}",
    f"Elementwise x − ⌊x / y⌋ y, with the sign of y, as Python's %. {_STEP}", *_DOMAINS, numpy=("mod",),
)  # fmt: skip
remainder.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -zero_safe_multiply(g, floor_divide(x, y)),
)

fmod = ufunc(
    "fmod", "{x} fmod {y}", f"Elementwise x − trunc(x / y) y, with the sign of x, as C's fmod. {_STEP}", *_DOMAINS
)
fmod.vjp(
    x=lambda g, z, x, y: g,
    y=lambda g, z, x, y: -zero_safe_multiply(g, trunc(divide(x, y))),
)
