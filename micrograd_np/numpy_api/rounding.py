"""Rounding: steps, whose derivative is 0 wherever there is one, and 0 at the steps too."""

from typing import Any

from micrograd_np.core.domains import Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import zeros_like
from micrograd_np.ops.ufunc import ufunc

_BETWEEN_STEPS = Domain("ℝ, steps", low=0.1, high=0.4)


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
