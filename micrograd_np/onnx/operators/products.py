"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.compiler.ir import Op

from ..graph import Graph
from .arithmetic import plus
from .table import hint, operator


@operator("primitive.matmul", "np.matmul")
def _matmul(g: Graph, op: Op, x: Any, y: Any) -> str:
    assert op.result is not None
    return g.node("MatMul", g.of(x, op.result.dtype), g.of(y, op.result.dtype), hint=hint(op))


@operator("np.vdot")
def _vdot(g: Graph, op: Op, x: Any, y: Any) -> str:
    assert op.result is not None
    rows = [g.reshape(g.of(part, op.result.dtype), [-1]) for part in (x, y)]
    return g.node("MatMul", *rows, hint=hint(op))


@operator("np.dot")
def _dot(g: Graph, op: Op, x: Any, y: Any) -> str:
    if len(y.shape) > 2:
        raise g.refuse(op, "of more than two axes has no equivalent; use @")
    return _matmul(g, op, x, y)


@operator("primitive.linear")
def _linear(g: Graph, op: Op, x: Any, weight: Any, bias: Any) -> str:
    assert op.result is not None
    names = [g.of(part, op.result.dtype) for part in (x, weight, bias)]
    if len(x.shape) == 2:
        return g.node("Gemm", *names, transB=1, hint=hint(op))
    product = g.node("MatMul", names[0], g.node("Transpose", names[1], perm=[1, 0]))
    return g.node("Add", product, names[2], hint=hint(op))


@operator("primitive.over_deviation")
def _over_deviation(g: Graph, op: Op, x: Any, variance: Any, *, eps: float = 1e-5) -> str:
    deviation = g.node("Sqrt", plus(g, g.of(variance), eps))
    return g.node("Mul", g.of(x), g.node("Reciprocal", deviation), hint=hint(op))


@operator("primitive.scale_and_weight")
def _scale_and_weight(g: Graph, op: Op, x: Any, scale: Any, weight: Any) -> str:
    return g.node("Mul", g.node("Mul", g.of(x), g.of(scale)), g.of(weight), hint=hint(op))


@operator("layer_norm")
def _layer_norm(g: Graph, op: Op, *, x: Any, weight: Any, bias: Any, axis: int, eps: float) -> str:
    names = [g.of(part) for part in (x, weight, bias) if part is not None]
    return g.node("LayerNormalization", *names, axis=axis, epsilon=float(eps), hint=hint(op))


@operator("batch_norm")
def _batch_norm(g: Graph, op: Op, *, x: Any, weight: Any, bias: Any, mean: Any, variance: Any, eps: float) -> str:
    channels = x.shape[1]
    scale = g.constant(np.ones(channels)) if weight is None else g.of(weight)
    shift = g.constant(np.zeros(channels)) if bias is None else g.of(bias)
    names = [g.of(x), scale, shift, g.of(mean), g.of(variance)]
    return g.node("BatchNormalization", *names, epsilon=float(eps), hint=hint(op))


@operator("primitive._einsum")
def _einsum(g: Graph, op: Op, *xs: Any, subscripts: str) -> str:
    assert op.result is not None
    return g.node("Einsum", *(g.of(x, op.result.dtype) for x in xs), equation=subscripts, hint=hint(op))
