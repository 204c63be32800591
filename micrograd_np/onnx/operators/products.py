"""Products of matrices."""

from __future__ import annotations

from typing import Any

from micrograd_np.compiler.ir import Op

from ..graph import Graph
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


@operator("primitive._einsum")
def _einsum(g: Graph, op: Op, *xs: Any, subscripts: str) -> str:
    assert op.result is not None
    return g.node("Einsum", *(g.of(x, op.result.dtype) for x in xs), equation=subscripts, hint=hint(op))
