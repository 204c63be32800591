"""Choosing element by element: masks, the larger and the smaller of two, bounds.

An element that is not chosen gets the gradient 0, even where inf or nan arrives: masks clear the bits of a number, they
do not multiply. So ``sqrt(maximum(x, 0))`` has the gradient 0 for negative x, where a product would be inf · 0.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from micrograd_np.core.domains import DISTINCT, KINK_AT_ZERO, MASK, REALS
from micrograd_np.core.primitive import primitive

from .comparison import equal, greater, less, not_equal
from .routine import stored
from .state import copy
from .ufunc import ufunc

_INT8 = np.dtype(np.int8)
_BITS = {2: np.dtype(np.int16), 4: np.dtype(np.int32), 8: np.dtype(np.int64)}


def apply_bit_mask(xp: Any, out: Any, x: Any, keep: Any) -> Any:
    """`x` where the int8 array `keep` is −1, all of whose bits are set, and 0 where it is 0.

    A million float32 with a random mask take an eighth of the time of `where`, as long as a product (measured); inf and
    nan are no exception.
    """
    bits = _BITS.get(x.dtype.itemsize)
    if bits is None:
        return where.kernel(xp, out, keep, x, 0)  # long double
    if out is ...:
        return xp.bitwise_and(x.view(bits), keep, out=...).view(x.dtype)
    xp.bitwise_and(x.view(bits), keep, out=out.view(bits))
    return out


@primitive("{x} · [{mask}]", domain=(REALS, MASK), not_differentiable=("mask",))
def masked_keep(xp: Any, out: Any, x: Any, mask: Any) -> Any:
    """`x` where the mask holds and 0 elsewhere, even where x is inf or nan."""
    return apply_bit_mask(xp, out, x, xp.negative(mask.view(_INT8)))


masked_keep.vjp(x=lambda g, z, x, mask: masked_keep(g, mask))


@primitive("{x} · [¬({mask})]", domain=(REALS, MASK), not_differentiable=("mask",))
def masked_zero(xp: Any, out: Any, x: Any, mask: Any) -> Any:
    """0 where the mask holds, even where x is inf or nan, and `x` elsewhere."""
    return apply_bit_mask(xp, out, x, xp.subtract(mask.view(_INT8), 1))


masked_zero.vjp(x=lambda g, z, x, mask: masked_zero(g, mask))


@primitive("{x} / (1 + [{mask}])", domain=(REALS, MASK), not_differentiable=("mask",))
def masked_halve(xp: Any, out: Any, x: Any, mask: Any) -> Any:
    """`x`, halved where the mask holds: the gradient of each of two at a tie. Quick where ties are rare."""
    if out is ... and x.shape == mask.shape:
        z = xp.array(x)
    elif out is ...:
        return xp.asarray(xp.where(mask, x * 0.5, x))
    else:
        z = out
        xp.copyto(z, x)
    return xp.multiply(z, 0.5, out=z, where=mask)


masked_halve.vjp(x=lambda g, z, x, mask: masked_halve(g, mask))


@primitive("{x} if {condition} else {y}", domain=(MASK, REALS, REALS), onnx="Where", not_differentiable=("condition",))
def where(xp: Any, out: Any, condition: Any, x: Any, y: Any) -> Any:
    """Elements of x where the condition holds, of y elsewhere. The gradient goes to the one chosen, 0 to the other."""
    return stored(xp, out, xp.where(condition, x, y))


def _holds(condition: Any) -> Any:
    return condition if getattr(condition, "dtype", None) == np.bool_ else not_equal(condition, 0)


where.vjp(
    x=lambda g, z, condition, x, y: masked_keep(g, _holds(condition)),
    y=lambda g, z, condition, x, y: masked_zero(g, _holds(condition)),
)


@lru_cache(maxsize=64)
def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    zeros = np.zeros(shape, dtype)  # pages that are never written take no memory
    zeros.flags.writeable = False
    return zeros


_FEW = 256  # elements above which the maximum with an array takes a half to a third of that with a number (measured)


@primitive("relu {x}", domain=(KINK_AT_ZERO,), onnx="Relu")
def relu(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise max(x, 0). The subgradient at 0 is 0; nan stays nan."""
    many = x.dtype.kind == "f" and x.size > _FEW and x.flags.c_contiguous
    return xp.maximum(x, _zeros(x.shape, x.dtype) if many else 0, out=out)


relu.vjp(x=lambda g, z, x: masked_keep(g, greater(z, 0)))


def _extreme_of_two(name: str, meaning: str, onnx: str, is_beaten: Any) -> Any:
    doc = f"Elementwise {meaning} of two; nan where either is nan. At ties each gets half of the gradient."
    return ufunc(name, f"{onnx.lower()}({{x}}, {{y}})", doc, DISTINCT, DISTINCT, onnx=onnx).vjp(
        x=lambda g, z, x, y: masked_halve(masked_zero(g, is_beaten(x, y)), equal(x, y)),
        y=lambda g, z, x, y: masked_halve(masked_zero(g, is_beaten(y, x)), equal(x, y)),
    )


maximum = _extreme_of_two("maximum", "larger", "Max", less)
minimum = _extreme_of_two("minimum", "smaller", "Min", greater)


@primitive("{x} ↑ {bound}", domain=(DISTINCT, DISTINCT))
def clamp_min(xp: Any, out: Any, x: Any, bound: Any) -> Any:
    """`x` where it is not below the bound, else the bound. Where they are equal, the gradient goes to x alone."""
    return xp.maximum(x, bound, out=out)


clamp_min.vjp(
    x=lambda g, z, x, bound: masked_zero(g, less(x, bound)),
    bound=lambda g, z, x, bound: masked_keep(g, less(x, bound)),
)


@primitive("{x} ↓ {bound}", domain=(DISTINCT, DISTINCT))
def clamp_max(xp: Any, out: Any, x: Any, bound: Any) -> Any:
    """`x` where it is not above the bound, else the bound. Where they are equal, the gradient goes to x alone."""
    return xp.minimum(x, bound, out=out)


clamp_max.vjp(
    x=lambda g, z, x, bound: masked_zero(g, greater(x, bound)),
    bound=lambda g, z, x, bound: masked_keep(g, greater(x, bound)),
)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` held between two bounds, which broadcast and take part in the gradient; either may be None.

    At a bound the gradient is 1 for `x` and 0 for the bound. nan stays nan; where the bounds cross, `max` wins.

    >>> import numpy as np
    >>> clip(np.array([-2.0, 0.5, 3.0]), 0, 1)
    array([0. , 0.5, 1. ])
    """
    if min is None and max is None:
        return copy(x)
    z = x if min is None else clamp_min(x, min)
    return z if max is None else clamp_max(z, max)
