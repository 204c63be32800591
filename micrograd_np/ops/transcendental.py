"""Exponentials, logarithms, powers and the squashing functions, element by element."""

from __future__ import annotations

from typing import Any

from micrograd_np.primitive import primitive

from .domains import KINK_AT_ZERO, POSITIVE, REALS
from .elementwise import equal, greater, where, xdivy


@primitive("exp {x}", domain=(REALS,), onnx="Exp")
def exp(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise e to the power x."""
    return xp.exp(x, out=out)


exp.vjp(x=lambda g, z, x: g * z)


@primitive("log {x}", domain=(POSITIVE,), onnx="Log")
def log(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise natural logarithm. As in NumPy, −inf at 0 and nan below, each with a warning."""
    return xp.log(x, out=out)


log.vjp(x=lambda g, z, x: xdivy(g, x))


@primitive("{x} ^ {y}", domain=(POSITIVE, REALS), onnx="Pow")
def power(xp: Any, out: Any, x: Any, y: Any) -> Any:
    """Elementwise x to the power y.

    The derivative by x is 0 wherever y is 0, also at x = 0; the derivative by y is 0 wherever x is 0.
    """
    return xp.power(x, y, out=out)


def _power_by_x(g: Any, z: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (int, float)):
        return g * 0 if y == 0 else g * (y * power(x, y - 1))
    constant = equal(y, 0)
    return g * where(constant, 0, y * power(x, where(constant, 1, y - 1)))


power.vjp(
    x=_power_by_x,
    y=lambda g, z, x, y: g * z * log(where(equal(x, 0), 1, x)),
)


@primitive("√{x}", domain=(POSITIVE,), onnx="Sqrt")
def sqrt(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise square root. At 0 the derivative is inf, but a gradient of 0 arriving there stays 0."""
    return xp.sqrt(x, out=out)


sqrt.vjp(x=lambda g, z, x: xdivy(0.5 * g, z))


@primitive("σ({x})", domain=(REALS,), onnx="Sigmoid")
def sigmoid(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise logistic function 1 / (1 + exp(−x)), accurate in both tails and silent for any x.

    Where exp(−x) overflows, its reciprocal is the 0 that the logistic function has long reached.
    """
    with xp.errstate(over="ignore"):
        z = xp.negative(x, out=out)
        z = xp.exp(z, out=z)
        z = xp.add(z, 1, out=z)
        return xp.reciprocal(z, out=z)


sigmoid.vjp(x=lambda g, z, x: g * (z * (1 - z)))


@primitive("tanh {x}", domain=(REALS,), onnx="Tanh")
def tanh(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise hyperbolic tangent."""
    return xp.tanh(x, out=out)


tanh.vjp(x=lambda g, z, x: g * (1 - z * z))


@primitive("relu {x}", domain=(KINK_AT_ZERO,), onnx="Relu")
def relu(xp: Any, out: Any, x: Any) -> Any:
    """Elementwise max(x, 0). The subgradient at 0 is 0; nan stays nan."""
    return xp.maximum(x, 0, out=out)


relu.vjp(x=lambda g, z, x: g * greater(z, 0))
