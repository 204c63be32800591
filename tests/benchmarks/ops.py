"""One op at a time, forward and backward: micrograd_np beside PyTorch, autograd, MyGrad, and NumPy written by hand.

``OPS`` is the whole table. ``call(L, *inputs)`` is written over the names that the libraries share, and ``hand(*inputs,
g)`` is the least a person would write in NumPy for the value and all gradients, ``g`` being the gradient that arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
SIDES = {"16": 4, "1M": 1000}  # squares of 16 and of a million numbers
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Op:
    """One row. ``shapes``: of each input, in terms of the side ``s``; ``low, high``: where its values lie."""

    name: str
    call: Callable[..., Any]
    hand: Callable[..., tuple[Array, ...]] | None = None
    inputs: int = 1
    low: float = 0.1
    high: float = 0.9
    shapes: Callable[[int], tuple[tuple[int, ...], ...]] | None = None
    other: Mapping[str, Callable[..., Any] | None] = field(default_factory=dict)  # libraries that spell it otherwise
    sizes: tuple[str, ...] = tuple(SIDES)

    def arrays(self, size: str, dtype: str) -> list[Array]:
        """Fresh inputs: ``(s, s)`` each unless ``shapes`` says otherwise."""
        side, generator = SIDES.get(size, 0), np.random.default_rng(0)
        shapes = self.shapes(side) if self.shapes else ((side, side),) * self.inputs
        return [generator.uniform(self.low, self.high, shape).astype(dtype) for shape in shapes]


def _unary(name: str, hand: Callable[[Array, Array], tuple[Array, ...]] | None = None, **more: Any) -> Op:
    return Op(name, lambda L, x: getattr(L, name)(x), hand, **more)


def _binary(name: str, hand: Callable[..., tuple[Array, ...]] | None = None, **more: Any) -> Op:
    return Op(name, lambda L, x, y: getattr(L, name)(x, y), hand, inputs=2, **more)


def _squeeze(x: Array, g: Array) -> tuple[Array, ...]:
    z = 1 / (1 + np.exp(-x))
    return z, g * z * (1 - z)


def _leaky_relu(x: Array, g: Array) -> tuple[Array, ...]:
    slope = np.where(x > 0, x.dtype.type(1), x.dtype.type(0.01))
    return x * slope, g * slope


def _elu(x: Array, g: Array) -> tuple[Array, ...]:
    z = np.where(x > 0, x, np.expm1(x))
    return z, np.where(x > 0, g, g * (z + 1))


def _softmax(x: Array, g: Array) -> tuple[Array, ...]:
    z = np.exp(x - x.max(axis=-1, keepdims=True))
    z /= z.sum(axis=-1, keepdims=True)
    return z, z * (g - (g * z).sum(axis=-1, keepdims=True))


def _log_softmax(x: Array, g: Array) -> tuple[Array, ...]:
    z = x - x.max(axis=-1, keepdims=True)
    z -= np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return z, g - np.exp(z) * g.sum(axis=-1, keepdims=True)


def _logsumexp(x: Array, g: Array) -> tuple[Array, ...]:
    top = x.max(axis=-1, keepdims=True)
    e = np.exp(x - top)
    total = e.sum(axis=-1, keepdims=True)
    return (top + np.log(total))[:, 0], e / total * g[:, None]


def _var(x: Array, g: Array) -> tuple[Array, ...]:
    centred = x - x.mean()
    return np.square(centred).mean(), centred * (2 * g / x.size)


def _std(x: Array, g: Array) -> tuple[Array, ...]:
    centred = x - x.mean()
    z = np.sqrt(np.square(centred).mean())
    return z, centred * (g / (x.size * z))


def _max(x: Array, g: Array) -> tuple[Array, ...]:
    z = x.max(axis=1)
    return z, (x == z[:, None]) * g[:, None]


def _power(x: Array, y: Array, g: Array) -> tuple[Array, ...]:
    z = x**y
    return z, g * y * x ** (y - 1), g * z * np.log(x)


def _logaddexp(x: Array, y: Array, g: Array) -> tuple[Array, ...]:
    z = np.logaddexp(x, y)
    return z, g * np.exp(x - z), g * np.exp(y - z)


def _sort(x: Array, g: Array) -> tuple[Array, ...]:
    order, dx = np.argsort(x, axis=-1), np.empty_like(x)
    np.put_along_axis(dx, order, g, -1)
    return np.take_along_axis(x, order, -1), dx


def _choose(L: Any, x: Any, y: Any) -> Any:
    values = [a if isinstance(a, np.ndarray) else getattr(a, "data", a) for a in (x, y)]  # a condition is no Tensor
    return L.where(values[0] > values[1], x, y)


def _convolution(x: tuple[int, ...], w: tuple[int, ...]) -> Op:
    return Op(
        f"conv2d {x} {w[0]}×{w[2]}×{w[3]}",
        lambda L, x, w, b: L.conv2d(x, w, b),
        low=-1.0,
        high=1.0,
        shapes=lambda s: (x, w, w[:1]),
        other={"autograd": None, "mygrad": None},
        sizes=("layer",),
    )


def _slice(x: Array, g: Array) -> tuple[Array, ...]:
    dx = np.zeros_like(x)
    dx[1:, ::2] = g
    return x[1:, ::2], dx


def _take(x: Array, g: Array) -> tuple[Array, ...]:
    rows, dx = _rows(len(x)), np.zeros_like(x)
    np.add.at(dx, rows, g)
    return x[rows], dx


def _rows(n: int) -> Array:
    return np.arange(n) * 7 % n // 2  # in no order, and each row twice


def _spread(s: int) -> tuple[tuple[int, ...], ...]:
    return (s, s), (s,)


OPS = (
    _unary("negative", lambda x, g: (-x, -g)),
    _unary("exp", lambda x, g: (z := np.exp(x), g * z)),
    _unary("expm1", lambda x, g: (z := np.expm1(x), g * (z + 1))),
    _unary("exp2", lambda x, g: (z := np.exp2(x), g * z * np.log(2).astype(x.dtype))),
    _unary("log", lambda x, g: (np.log(x), g / x)),
    _unary("log1p", lambda x, g: (np.log1p(x), g / (1 + x))),
    _unary("log2", lambda x, g: (np.log2(x), g / (x * np.log(2).astype(x.dtype)))),
    _unary("log10", lambda x, g: (np.log10(x), g / (x * np.log(10).astype(x.dtype)))),
    _unary("sqrt", lambda x, g: (z := np.sqrt(x), 0.5 * g / z)),
    _unary("cbrt", lambda x, g: (z := np.cbrt(x), g / (3 * z * z)), other={"torch": None}),
    _unary("square", lambda x, g: (x * x, 2 * g * x)),
    _unary("reciprocal", lambda x, g: (z := 1 / x, -g * z * z)),
    _unary("abs", lambda x, g: (np.abs(x), g * np.sign(x))),
    _unary("sin", lambda x, g: (np.sin(x), g * np.cos(x))),
    _unary("cos", lambda x, g: (np.cos(x), -g * np.sin(x))),
    _unary("tan", lambda x, g: (z := np.tan(x), g * (1 + z * z))),
    _unary("arcsin", lambda x, g: (np.arcsin(x), g / np.sqrt(1 - x * x))),
    _unary("arccos", lambda x, g: (np.arccos(x), -g / np.sqrt(1 - x * x))),
    _unary("arctan", lambda x, g: (np.arctan(x), g / (1 + x * x))),
    _unary("sinh", lambda x, g: (np.sinh(x), g * np.cosh(x))),
    _unary("cosh", lambda x, g: (np.cosh(x), g * np.sinh(x))),
    _unary("tanh", lambda x, g: (z := np.tanh(x), g * (1 - z * z))),
    _unary("arcsinh", lambda x, g: (np.arcsinh(x), g / np.sqrt(x * x + 1))),
    _unary("arccosh", lambda x, g: (np.arccosh(x), g / np.sqrt(x * x - 1)), low=1.1, high=2.0),
    _unary("arctanh", lambda x, g: (np.arctanh(x), g / (1 - x * x))),
    _unary("erf"),
    _unary("sigmoid", _squeeze),
    _unary("relu", lambda x, g: (np.maximum(x, 0), g * (x > 0)), low=-1.0, high=1.0),
    _unary("leaky_relu", _leaky_relu, low=-1.0, other={"mygrad": lambda L, x: L.leaky_relu(x, 0.01)}),
    _unary("elu", _elu, low=-1.0, other={"mygrad": lambda L, x: L.elu(x, 1.0)}),
    _unary("softplus", lambda x, g: (np.logaddexp(x, 0), g / (1 + np.exp(-x))), low=-3.0, high=3.0),
    _unary("silu", lambda x, g: (x * (s := 1 / (1 + np.exp(-x))), g * s * (1 + x * (1 - s))), low=-3.0, high=3.0),
    _unary("gelu", low=-3.0, high=3.0),
    _binary("add", lambda x, y, g: (x + y, g, g)),
    _binary("subtract", lambda x, y, g: (x - y, g, -g)),
    _binary("multiply", lambda x, y, g: (x * y, g * y, g * x)),
    _binary("divide", lambda x, y, g: (z := x / y, d := g / y, -d * z)),
    _binary("power", _power, other={"torch": lambda L, x, y: x**y}),
    _binary("maximum", lambda x, y, g: (np.maximum(x, y), g * (x > y), g * (x < y))),
    _binary("arctan2", lambda x, y, g: (np.arctan2(x, y), g * y / (r := x * x + y * y), -g * x / r)),
    _binary("logaddexp", _logaddexp),
    Op("add a row", lambda L, x, y: x + y, lambda x, y, g: (x + y, g, g.sum(axis=0)), shapes=_spread),
    Op("multiply by a row", lambda L, x, y: x * y, lambda x, y, g: (x * y, g * y, (g * x).sum(axis=0)), shapes=_spread),
    Op("where", _choose, lambda x, y, g: (np.where(c := x > y, x, y), g * c, g * ~c), inputs=2),
    Op("sum", lambda L, x: L.sum(x), lambda x, g: (x.sum(), np.broadcast_to(g, x.shape))),
    Op("sum of columns", lambda L, x: L.sum(x, 0), lambda x, g: (x.sum(axis=0), np.broadcast_to(g, x.shape))),
    Op("mean", lambda L, x: L.mean(x), lambda x, g: (x.mean(), np.broadcast_to(g / x.size, x.shape))),
    Op("max of rows", lambda L, x: L.max(x, 1), _max, other={"torch": lambda L, x: L.amax(x, 1)}),
    Op("var", lambda L, x: L.var(x), _var, other={"torch": lambda L, x: L.var(x, correction=0)}),
    Op("std", lambda L, x: L.std(x), _std, other={"torch": lambda L, x: L.std(x, correction=0)}),
    Op("cumsum", lambda L, x: L.cumsum(x, 1), lambda x, g: (x.cumsum(axis=1), g[:, ::-1].cumsum(axis=1)[:, ::-1])),
    Op("logsumexp", lambda L, x: L.logsumexp(x, 1), _logsumexp, other={"mygrad": None}),
    Op("softmax", lambda L, x: L.softmax(x, -1), _softmax, other={"autograd": None}),
    Op(
        "log_softmax",
        lambda L, x: L.log_softmax(x, -1),
        _log_softmax,
        other={"mygrad": lambda L, x: L.logsoftmax(x, -1), "autograd": None},
    ),
    _binary("matmul", lambda x, y, g: (x @ y, g @ y.T, x.T @ g)),
    Op(
        "linear: x @ w.T + b",
        lambda L, x, w, b: L.matmul(x, w.T) + b,
        lambda x, w, b, g: (x @ w.T + b, g @ w, g.T @ x, g.sum(axis=0)),
        shapes=lambda s: ((s, s), (s, s), (s,)),
        other={"torch": lambda L, x, w, b: L.linear(x, w, b)},
    ),
    Op(
        "einsum ij,kj->ik",
        lambda L, x, y: L.einsum("ij,kj->ik", x, y),
        lambda x, y, g: (x @ y.T, g @ y, g.T @ x),
        inputs=2,
    ),
    Op("reshape", lambda L, x: L.reshape(x, (-1,)), lambda x, g: (x.reshape(-1), g.reshape(x.shape))),
    Op("transpose", lambda L, x: x.T, lambda x, g: (x.T, g.T)),
    Op(
        "concatenate",
        lambda L, x, y: L.concatenate((x, y), 0),
        lambda x, y, g: (np.concatenate((x, y)), g[: len(x)], g[len(x) :]),
        inputs=2,
    ),
    Op("stack", lambda L, x, y: L.stack((x, y), 0), lambda x, y, g: (np.stack((x, y)), g[0], g[1]), inputs=2),
    Op("x[1:, ::2]", lambda L, x: x[1:, ::2], _slice),
    Op("x[rows]", lambda L, x: x[_rows(len(x))], _take),
    Op(
        "sort",
        lambda L, x: L.sort(x, -1),
        _sort,
        other={"torch": lambda L, x: L.sort(x, -1).values, "mygrad": None, "autograd": None},
    ),
    _convolution((64, 1, 28, 28), (6, 1, 5, 5)),
    _convolution((64, 6, 12, 12), (16, 6, 5, 5)),
    _convolution((16, 32, 32, 32), (64, 32, 3, 3)),
)


def cases(patterns: list[str], *, quick: bool = False) -> list[str]:
    """``name|size|dtype`` of everything to time, restricted to ops whose name contains one of ``patterns``."""
    chosen = [op for op in OPS if not patterns or any(pattern in op.name for pattern in patterns)]
    dtypes = DTYPES[:1] if quick else DTYPES
    sizes = ("16", "layer") if quick else (*SIDES, "layer")
    return [f"{op.name}|{size}|{dtype}" for size in sizes for dtype in dtypes for op in chosen if size in op.sizes]


def op_named(name: str) -> Op:
    """The row of the table with that name."""
    return next(op for op in OPS if op.name == name)
