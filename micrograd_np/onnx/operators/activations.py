"""Activations, by the operator of their name or in others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from micrograd_np.ops.fused.special import FAR, FARTHEST, MEETING, NEAR

from ..graph import Graph
from .arithmetic import choose, expm1, log1p, minus_abs, plus, times
from .table import OPERATORS, operator


def _activation(name: str, double: Callable[..., str] | None = None, **attributes: str) -> None:
    """An op that declares its operator; `attributes` are ours, by ONNX's name. `double` says it without a kernel."""

    def convert(g: Graph, x: Any, **settings: Any) -> str:
        numbers: dict[str, Any] = {k: float(settings[ours]) for k, ours in attributes.items() if ours in settings}
        if g.double and double is not None:
            return double(g, g.of(x), *numbers.values())
        return g.node(g.declared, g.of(x), hint=g.hint, **numbers)

    OPERATORS[f"primitive.{name}"] = convert


def _relu(g: Graph, x: str) -> str:
    return g.node("Relu", x)


def _leaky_relu(g: Graph, x: str, slope: float = 0.01) -> str:
    return choose(g, g.node("Greater", x, g.constant(0.0)), x, times(g, x, slope))


def _elu(g: Graph, x: str, alpha: float = 1.0) -> str:
    return g.node("Add", _relu(g, x), times(g, expm1(g, g.node("Min", x, g.constant(0.0))), alpha))


def _softplus(g: Graph, x: str) -> str:
    return g.node("Add", _relu(g, x), log1p(g, g.node("Exp", minus_abs(g, x))))


def _hardswish(g: Graph, x: str) -> str:
    inside = g.node("Min", g.node("Max", plus(g, x, 3.0), g.constant(0.0)), g.constant(6.0))
    return g.node("Mul", times(g, inside, 1 / 6), x)


_activation("relu")
_activation("sigmoid")
_activation("leaky_relu", _leaky_relu, alpha="negative_slope")
_activation("elu", _elu, alpha="alpha")
_activation("softplus", _softplus)
_activation("hardswish", _hardswish)


@operator("primitive.mish")
def _mish(g: Graph, x: Any) -> str:
    name = g.of(x)  # the operator itself expands to what runtimes then refuse
    softplus = _softplus(g, name) if g.double else g.node("Softplus", name)
    return g.node("Mul", name, g.node("Tanh", softplus), hint=g.hint)


@operator("primitive.hardtanh")
def _hardtanh(g: Graph, x: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> str:
    return g.node("Clip", g.of(x), g.constant(float(min_val)), g.constant(float(max_val)), hint=g.hint)


@operator("primitive.log_sigmoid")
def _log_sigmoid(g: Graph, x: Any) -> str:
    name = g.node("Neg", g.of(x))  # −log(1 + exp(−x)): a sigmoid in float32 may be exactly 0
    return g.node("Neg", _softplus(g, name) if g.double else g.node("Softplus", name), hint=g.hint)


@operator("primitive.silu")
def _silu(g: Graph, x: Any) -> str:
    return g.node("Mul", g.of(x), g.node("Sigmoid", g.of(x)), hint=g.hint)


@operator("primitive.erf", "primitive.ndtr")
def _erf(g: Graph, x: Any) -> str:
    """erf(x), or Φ(x) = (1 + erf(x / √2)) / 2; in float64 by the quotients of the primitives themselves."""
    normal = g.op.function.endswith("ndtr")
    name = times(g, g.of(x), math.sqrt(0.5)) if normal else g.of(x)
    if not g.double:
        erf = g.node("Erf", name, hint="" if normal else g.hint)
        return times(g, plus(g, erf, 1.0), 0.5) if normal else erf
    y = g.node("Abs", name)
    small, large = (g.node("Min", y, g.constant(end)) for end in (MEETING, FARTHEST))
    square = g.node("Mul", small, small)
    near = g.node("Mul", g.node("Sign", name), g.node("Mul", small, _quotient(g, NEAR, square)))
    tail = g.node("Mul", _quotient(g, FAR, large), g.node("Exp", g.node("Neg", g.node("Mul", large, large))))
    is_far = g.node("Greater", y, g.constant(MEETING))
    rest = g.node("Sub", g.constant(2.0 if normal else 1.0), tail)
    if not normal:
        return choose(g, is_far, g.node("Mul", g.node("Sign", name), rest), near)
    far = choose(g, g.node("Less", name, g.constant(0.0)), tail, rest)
    return times(g, choose(g, is_far, far, plus(g, near, 1.0)), 0.5)


def _quotient(g: Graph, coefficients: Sequence[Sequence[float]], y: str) -> str:
    """The quotient of two polynomials in y."""
    above, below = (
        reduce(lambda z, c: plus(g, g.node("Mul", z, y), c), rest, g.constant(first)) for first, *rest in coefficients
    )
    return g.node("Div", above, below)


@operator("primitive.gelu_tanh")
def _gelu_tanh(g: Graph, x: Any) -> str:
    name = g.of(x)
    cube = g.node("Mul", g.node("Mul", name, name), name)
    inside = times(g, g.node("Add", name, times(g, cube, 0.044715)), math.sqrt(2 / math.pi))
    return times(g, g.node("Mul", name, plus(g, g.node("Tanh", inside), 1.0)), 0.5)


@operator("primitive.softmax", "primitive.log_softmax")
def _softmax(g: Graph, x: Any, *, axis: Any = -1) -> str:
    axes = tuple(range(len(x.shape))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return g.node(g.declared, g.of(x), axis=int(axes[0]), hint=g.hint)
    flat, back = _gathered(len(x.shape), axes)
    moved = g.node("Transpose", g.of(x), perm=flat)
    lengths = [g.shapes(x)[a] for a in flat]
    kept = len(lengths) - len(axes)
    rows = g.reshape(moved, [*lengths[:kept], math.prod(lengths[kept:])])
    done = g.reshape(g.node(g.declared, rows, axis=-1), lengths)
    return g.node("Transpose", done, perm=back)


def _gathered(ndim: int, axes: Sequence[int]) -> tuple[list[int], list[int]]:
    """The permutation that brings some axes to the end, and the one that undoes it."""
    last = [a % ndim for a in axes]
    order = [a for a in range(ndim) if a not in last] + last
    return order, sorted(range(ndim), key=order.__getitem__)
