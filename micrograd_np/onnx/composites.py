"""Composites of a trace for which ONNX has one operator: batch normalization by running statistics, layer norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd_np.compiler.ir import Op, Value

_Parts = tuple[str, dict[str, Value | None], dict[str, Any]]
"""The name of a composite, its tensors, of which `bias` may be None, and its settings."""


def with_composites(ops: Sequence[Op]) -> list[Op]:
    """The operations, where one that ends a composite is the whole of it; what led to it may be left over."""
    normalizations: dict[Value, _Parts] = {}
    result = []
    for op in ops:
        parts = _with_bias(op, normalizations) or _batch_norm(op) or _layer_norm(op)
        if parts is None or op.result is None:
            result.append(op)
            continue
        normalizations[op.result] = parts
        name, tensors, settings = parts
        result.append(Op(name, op.call, (), {**tensors, **settings}, op.result, op.effect, where=op.where))
    return result


def _with_bias(op: Op, normalizations: dict[Value, _Parts]) -> _Parts | None:
    """A normalization to which `op` adds a bias, that has none yet."""
    if op.function != "primitive.add" or op.args[0] not in normalizations:
        return None
    (name, tensors, settings), bias = normalizations[op.args[0]], op.args[1]
    if tensors["bias"] is not None or not isinstance(bias, Value):
        return None
    if name == "layer_norm":
        weight = tensors["weight"]
        vector = bias if weight is not None and bias.shape == weight.shape else None
    else:
        vector = _by_channel(bias, tensors["x"])
    return None if vector is None else (name, {**tensors, "bias": vector}, settings)


def _batch_norm(op: Op) -> _Parts | None:
    """(x − mean) · weight / √(variance + eps), each but x a vector of channels; the weight may be missing."""
    if op.function == "primitive.multiply" and _function(op.args[1]) == "primitive.over_deviation":
        centred, division = op.args[0], op.args[1].op
        weight, variance = division.args
    elif op.function == "primitive.over_deviation":
        division, weight, (centred, variance) = op, None, op.args
    else:
        return None
    if _function(centred) != "primitive.subtract":
        return None
    x, mean = centred.op.args
    vectors = {"mean": _by_channel(mean, x), "variance": _by_channel(variance, x)}
    vectors |= {"weight": _by_channel(weight, x)} if weight is not None else {}
    if None in vectors.values():
        return None
    return "batch_norm", {"x": x, "weight": None, "bias": None, **vectors}, {"eps": division.kwargs.get("eps", 1e-5)}


def _layer_norm(op: Op) -> _Parts | None:
    """(x − mean) · 1 / √(mean of (x − mean)² + eps) · weight, over the last axes, which have the weight's shape."""
    if op.function != "primitive.scale_and_weight":
        return None
    centred, scale, weight = op.args
    path = ["primitive.divide", "primitive.sqrt", "primitive.add", "primitive.mean", "primitive.square"]
    inside, numbers, axes = scale, [], None
    for function in path:
        if _function(inside) != function:
            return None
        axes = inside.op.kwargs.get("axis", axes)
        values = [x for x in inside.op.args if isinstance(x, Value)]
        numbers += [x for x in inside.op.args if not isinstance(x, Value)]
        if len(values) != 1:
            return None
        (inside,) = values
    if inside is not centred or _function(centred) != "primitive.subtract_mean" or len(numbers) != 2:
        return None
    one, eps = numbers
    (x,), last = centred.op.args, tuple(range(-len(weight.shape), 0))
    if one != 1 or not axes == centred.op.kwargs["axis"] == last or weight.shape != x.shape[last[0] :]:
        return None
    return "layer_norm", {"x": x, "weight": weight, "bias": None}, {"axis": last[0], "eps": eps}


def _function(v: Any) -> str:
    """What computes a value."""
    return v.op.function if isinstance(v, Value) and v.op is not None else ""


def _by_channel(v: Any, x: Any) -> Value | None:
    """The vector (channels,) that broadcasts as `v` along the second axis of `x`, or None."""
    if not isinstance(v, Value) or not isinstance(x, Value) or len(x.shape) < 2:
        return None
    channels = x.shape[1:2]
    if v.shape == channels and len(x.shape) == 2:
        return v
    inside = v.op.args[0] if v.op is not None and v.op.function == "primitive.reshape" else None
    suits = isinstance(inside, Value) and inside.shape == channels and v.shape == channels + (1,) * (len(x.shape) - 2)
    return inside if suits else None
