"""Rounding: steps, whose derivative is 0 wherever there is one, and 0 at the steps too."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.domains import Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import zeros_like

_BETWEEN_STEPS = Domain("ℝ, steps", low=0.1, high=0.4)


@primitive("⌊{x}⌋", domain=(_BETWEEN_STEPS,), onnx="Floor")
def floor(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise largest integer that is at most x, as a float. The gradient is 0 everywhere."""
    return xp.floor(x, out=out)


@primitive("⌈{x}⌉", domain=(_BETWEEN_STEPS,), onnx="Ceil")
def ceil(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise smallest integer that is at least x, as a float. The gradient is 0 everywhere."""
    return xp.ceil(x, out=out)


@primitive("trunc({x})", domain=(_BETWEEN_STEPS,), numpy=("fix",))
def trunc(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise nearest integer towards 0, as a float. The gradient is 0 everywhere."""
    return xp.trunc(x, out=out)


@primitive("round({x}, {decimals})", domain=(_BETWEEN_STEPS,), onnx="Round", numpy=("around", "rint"))
def round(xp: Any, out: Any, x: Any, *, decimals: int = 0) -> Any:
    """Elementwise nearest multiple of 10^−decimals, halves to even. The gradient is 0 everywhere."""
    return xp.asarray(xp.round(x, decimals, out=None if out is ... else out))


for _step in (floor, ceil, trunc):
    _step.vjp(x=lambda g, z, x: zeros_like(g))
round.vjp(x=lambda g, z, x, decimals: zeros_like(g))
