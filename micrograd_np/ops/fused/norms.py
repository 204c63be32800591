"""Parts of normalisations: products that would hold an array as large as their input, and division by a deviation."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import POSITIVE, REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.transcendental import sqrt


@primitive("{x} · {scale} · {weight}", domain=(REALS, REALS, REALS), shape="(3,4),(3,1),(4)->(3,4)")
def scaled(xp: Any, out: Any, x: Any, scale: Any, weight: Any) -> Any:
    """x · scale · weight, in that order; both broadcast to the shape of x.

    One primitive instead of two, so that the product in between, as large as x, is not held for its derivatives.
    """
    z = xp.multiply(x, scale, out=out)
    return xp.multiply(z, weight, out=z)


scaled.vjp(
    x=lambda g, z, x, scale, weight: g * weight * scale,
    scale=lambda g, z, x, scale, weight: g * weight * x,
    weight=lambda g, z, x, scale, weight: g * (x * scale),
)


@primitive("{x} / √({variance} + {eps})", domain=(REALS, POSITIVE), shape="(3,4),(4)->(3,4)", examples=({"eps": 0.1},))
def over_deviation(xp: Any, out: Any, x: Any, variance: Any, *, eps: float = 1e-5) -> Any:
    """x / √(variance + eps), as x · (1 / √(variance + eps)).

    One primitive, so that a graph knows the variance itself, which takes no gradient where it is a running one.
    """
    return xp.multiply(x, xp.divide(1, xp.sqrt(xp.add(variance, eps))), out=out)


over_deviation.vjp(
    x=lambda g, z, x, variance, eps: g * (1 / sqrt(variance + eps)),
    variance=lambda g, z, x, variance, eps: g * (z / (-2 * (variance + eps))),
)
