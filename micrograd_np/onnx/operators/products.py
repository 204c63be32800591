"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Graph
from .arithmetic import plus
from .table import operator


@operator("primitive.matmul", "np.matmul")
def _matmul(g: Graph, x: Any, y: Any) -> str:
    return g.node("MatMul", g.of(x, g.result.dtype), g.of(y, g.result.dtype), hint=g.hint)


@operator("np.vdot")
def _vdot(g: Graph, x: Any, y: Any) -> str:
    rows = [g.reshape(g.of(part, g.result.dtype), [-1]) for part in (x, y)]
    return g.node("MatMul", *rows, hint=g.hint)


@operator("np.dot")
def _dot(g: Graph, x: Any, y: Any) -> str:
    if len(y.shape) > 2:
        raise g.refuse("of more than two axes has no equivalent; use @")
    return _matmul(g, x, y)


@operator("primitive.linear")
def _linear(g: Graph, x: Any, weight: Any, bias: Any) -> str:
    names = [g.of(part, g.result.dtype) for part in (x, weight, bias)]
    if len(x.shape) == 2:
        return g.node("Gemm", *names, transB=1, hint=g.hint)
    product = g.node("MatMul", names[0], g.node("Transpose", names[1], perm=[1, 0]))
    return g.node("Add", product, names[2], hint=g.hint)


@operator("primitive.over_deviation")
def _over_deviation(g: Graph, x: Any, variance: Any, *, eps: float = 1e-5) -> str:
    deviation = g.node("Sqrt", plus(g, g.of(variance), eps))
    return g.node("Mul", g.of(x), g.node("Reciprocal", deviation), hint=g.hint)


@operator("primitive.scale_and_weight")
def _scale_and_weight(g: Graph, x: Any, scale: Any, weight: Any) -> str:
    return g.node("Mul", g.node("Mul", g.of(x), g.of(scale)), g.of(weight), hint=g.hint)


@operator("layer_norm")
def _layer_norm(g: Graph, *, x: Any, weight: Any, bias: Any, axis: int, eps: float) -> str:
    names = [g.of(part) for part in (x, weight, bias) if part is not None]
    return g.node("LayerNormalization", *names, axis=axis, epsilon=float(eps), hint=g.hint)


@operator("batch_norm")
def _batch_norm(g: Graph, *, x: Any, weight: Any, bias: Any, mean: Any, variance: Any, eps: float) -> str:
    channels = x.shape[1]
    scale = g.constant(np.ones(channels)) if weight is None else g.of(weight)
    shift = g.constant(np.zeros(channels)) if bias is None else g.of(bias)
    names = [g.of(x), scale, shift, g.of(mean), g.of(variance)]
    return g.node("BatchNormalization", *names, epsilon=float(eps), hint=g.hint)


@operator("primitive._einsum")
def _einsum(g: Graph, *xs: Any, subscripts: str) -> str:
    return g.node("Einsum", *(g.of(x, g.result.dtype) for x in xs), equation=subscripts, hint=g.hint)
