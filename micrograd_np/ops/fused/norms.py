"""Two products in one: the part of a normalisation that would hold an array as large as its input."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive


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
