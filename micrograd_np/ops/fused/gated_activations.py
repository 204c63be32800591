"""Activations that multiply x by a smooth step from 0 to 1, and their slopes, all computed in blocks.

At ±∞ they have their limits: x is clipped where the step has long been 0 or 1, so that no product is 0 · ∞.
"""

from math import pi
from typing import Any

from micrograd_np.core.domains import REALS
from micrograd_np.core.primitive import primitive
from micrograd_np.ops.elementwise import square
from micrograd_np.ops.transcendental import sigmoid, tanh

from .blocks import in_blocks
from .rectifiers import hardtanh, softplus

_FAR = 50.0  # for the sigmoid of a cube, which does not overflow there in any precision
_FAR_SIGMOID = 800.0  # exp(−800) is 0 in float64


def _clip(x: Any, limit: float) -> Any:
    return hardtanh(x, min_val=-limit, max_val=limit)


@primitive("{x} · σ({x})", domain=(REALS,))
@in_blocks
def silu(xp: Any, out: Any, x: Any) -> Any:
    """x · σ(x), also known as swish, as x / (1 + exp(−x)); 0 at −∞."""
    with xp.errstate(over="ignore"):
        z = xp.negative(x, out=...)
        z = xp.exp(z, out=z)
        z = xp.add(z, 1, out=z)
        return xp.true_divide(xp.maximum(x, -_FAR_SIGMOID), z, out=out)


@primitive("d silu {x}", domain=(REALS,))
@in_blocks
def silu_slope(xp: Any, out: Any, x: Any) -> Any:
    """σ(x) (1 + x (1 − σ(x))), the derivative of `silu`."""
    s = sigmoid.kernel(xp, ..., x)
    z = xp.subtract(1, s, out=...)
    z = xp.multiply(z, hardtanh.kernel(xp, ..., x, min_val=-_FAR_SIGMOID, max_val=_FAR_SIGMOID), out=z)
    z = xp.add(z, 1, out=z)
    return xp.multiply(z, s, out=out)


def _silu_curvature(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1 - s) * (_clip(x, _FAR_SIGMOID) * (1 - 2 * s) + 2)


silu.vjp(x=lambda g, z, x: g * silu_slope(x))
silu_slope.vjp(x=lambda g, z, x: g * _silu_curvature(x))


_A = 2 * (2 / pi) ** 0.5  # ½ + ½ tanh(y) is σ(2y)
_B = 0.044715 * _A


@primitive("gelu tanh {x}", domain=(REALS,))
@in_blocks
def gelu_tanh(xp: Any, out: Any, x: Any) -> Any:
    """x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, an approximation of x Φ(x); 0 at −∞."""
    with xp.errstate(over="ignore"):
        z = xp.square(x, out=...)
        z = xp.multiply(z, -_B, out=z)
        z = xp.subtract(z, _A, out=z)
        z = xp.multiply(z, x, out=z)
        z = xp.exp(z, out=z)
        z = xp.add(z, 1, out=z)
        return xp.true_divide(xp.maximum(x, -_FAR), z, out=out)


@primitive("d gelu tanh {x}", domain=(REALS,))
@in_blocks
def gelu_tanh_slope(xp: Any, out: Any, x: Any) -> Any:
    """p + x p (1 − p) (A + 3 B x²), p = σ(A x + B x³): the derivative of `gelu_tanh`."""
    x = hardtanh.kernel(xp, ..., x, min_val=-_FAR, max_val=_FAR)
    s = xp.square(x, out=...)
    y = xp.multiply(s, _B, out=...)
    y = xp.add(y, _A, out=y)
    p = sigmoid.kernel(xp, ..., xp.multiply(y, x, out=y))
    s = xp.multiply(s, 3 * _B, out=s)
    s = xp.add(s, _A, out=s)
    s = xp.multiply(s, x, out=s)
    s = xp.multiply(s, xp.subtract(1, p, out=y), out=s)
    s = xp.add(s, 1, out=s)
    return xp.multiply(s, p, out=out)


def _gelu_tanh_curvature(x: Any) -> Any:
    x = _clip(x, _FAR)
    s = square(x)
    p = sigmoid((s * _B + _A) * x)
    rise, q = s * (3 * _B) + _A, p * (1 - p)
    steep = q * rise  # 0 where p is 0 or 1, before a square of half precision would overflow
    return steep * (2 + x * (1 - 2 * p) * rise) + q * (s * (6 * _B))


gelu_tanh.vjp(x=lambda g, z, x: g * gelu_tanh_slope(x))
gelu_tanh_slope.vjp(x=lambda g, z, x: g * _gelu_tanh_curvature(x))


@primitive("{x} · tanh(log(1 + exp {x}))", domain=(REALS,), onnx="Mish")
@in_blocks
def mish(xp: Any, out: Any, x: Any) -> Any:
    """x tanh(log(1 + exp(x))); 0 at −∞. Source: Misra (2019)."""
    z = _mish_step(xp, x)
    return xp.multiply(xp.maximum(x, -_FAR_SIGMOID), z, out=out)


def _mish_step(xp: Any, x: Any) -> Any:
    """tanh(log(1 + w)) as n / (n + 2) with n = w (w + 2), w = exp(x); above x = 20 it is 1, and w² might overflow."""
    z = xp.minimum(x, 20.0, out=...)
    z = xp.exp(z, out=z)
    n = xp.add(z, 2, out=...)
    n = xp.multiply(n, z, out=n)
    return xp.true_divide(n, xp.add(n, 2, out=z), out=n)


@primitive("d mish {x}", domain=(REALS,))
@in_blocks
def mish_slope(xp: Any, out: Any, x: Any) -> Any:
    """t + x (1 − t²) σ(x), t = tanh(log(1 + exp(x))): the derivative of `mish`."""
    t = _mish_step(xp, x)
    z = xp.square(t, out=...)
    z = xp.subtract(1, z, out=z)
    z = xp.multiply(z, sigmoid.kernel(xp, ..., x), out=z)
    z = xp.multiply(z, hardtanh.kernel(xp, ..., x, min_val=-_FAR_SIGMOID, max_val=_FAR_SIGMOID), out=z)
    return xp.add(z, t, out=out)


def _mish_curvature(x: Any) -> Any:
    t, s = tanh(softplus(x)), sigmoid(x)
    q = (1 - square(t)) * s
    return q * (_clip(x, _FAR_SIGMOID) * (1 - s - 2 * (t * s)) + 2)


mish.vjp(x=lambda g, z, x: g * mish_slope(x))
mish_slope.vjp(x=lambda g, z, x: g * _mish_curvature(x))
