"""What each ONNX operator is in our functions.

A rule is an expression or a function. Its positional arguments are the operator's tensors, x, y and z in an expression.
Its other arguments are settings, under their names in the standard, in lower case; that a setting was an attribute once
and is an input now makes no difference. A setting that a rule does not take must have its default.

Rules are written in NumPy's functions, which are ours where an argument is a tensor: what is computed of shapes alone
stays NumPy's, and a compiled step has it as constants.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable
from functools import cache, reduce
from math import inf, prod
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np import functional as F  # noqa: N812 - the field's name
from micrograd_np.engine.constant import as_constant
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.index import HOLE, scatter_add

from ..declared import ELEMENTWISE
from . import recurrent, windows
from .tensors import DTYPES, type_name


def values(x: Any) -> np.ndarray[Any, Any]:
    """The array of a tensor, or of what NumPy makes one of; no gradient passes."""
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def lengths(x: Any) -> tuple[int, ...]:
    """A shape, from a setting that is one number or several."""
    return tuple(int(n) for n in np.ravel(x))


def type_of(number: int) -> np.dtype[Any]:
    """NumPy's type for ONNX's number."""
    if number not in DTYPES:
        raise ValueError(f"the type {type_name(number)} is not supported")
    return DTYPES[number]


def number(n: Any, x: Any) -> Any:
    """A number in the type of x."""
    return np.dtype(x.dtype).type(n)


def is_float(x: Any) -> bool:
    """Whether the elements are floating numbers."""
    return np.dtype(x.dtype).kind == "f"


def kept(x: Any) -> Any:
    """What was computed of shapes, as a tensor if it is no shape itself: a compiled step may keep it."""
    return as_constant(x) if isinstance(x, np.ndarray) and is_float(x) else x


# arithmetic


def divide(x: Any, y: Any) -> Any:
    """x / y; whole numbers are divided towards zero."""
    if is_float(x):
        return x / y
    x, y = values(x), values(y)
    quotient = x // y
    return quotient if x.dtype.kind == "u" else quotient + ((quotient < 0) & (quotient * y != x)).astype(x.dtype)


def power(x: Any, y: Any) -> Any:
    """x to the power y, in the type of x."""
    if is_float(x) and x.dtype != y.dtype:
        y = y.astype(x.dtype)
    return np.power(x, y).astype(x.dtype)


def shift(x: Any, y: Any, *, direction: str) -> Any:
    """The bits of x moved by y places."""
    return (np.left_shift if direction == "LEFT" else np.right_shift)(values(x), values(y))


def is_infinite(x: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    """Where x is ∞, −∞ or either."""
    return np.isinf(x) & (((x > 0) & bool(detect_positive)) | ((x < 0) & bool(detect_negative)))


def clip(x: Any, *, min: float | None = None, max: float | None = None) -> Any:
    """Elements below `min` become it, then those above `max`."""
    x = x if min is None else np.maximum(x, number(min, x))
    return x if max is None else np.minimum(x, number(max, x))


def p_relu(x: Any, slope: Any) -> Any:
    """x, and slope · x where x is negative."""
    return np.where(x < 0, slope * x, x)


def gemm(a: Any, b: Any, c: Any = None, *, alpha: float, beta: float, transa: int, transb: int) -> Any:
    """alpha · a @ b + beta · c, of matrices that may be transposed first."""
    a = a.T if transa else a
    if (
        transb
        and alpha == 1
        and (c is None or (beta == 1 and np.ndim(c) == 1 and c.shape[0] == b.shape[0]))
        and is_float(a)
    ):
        return F.linear(a, b, c)
    z = np.matmul(a, b.T if transb else b)
    z = z if alpha == 1 else z * number(alpha, z)
    return z if c is None else z + (c if beta == 1 else c * number(beta, z))


def cumulate(x: Any, function: Callable[..., Any], neutral: int, axis: int, exclusive: int, reverse: int) -> Any:
    """Running sums or products; `exclusive` ones leave the element itself out."""
    axis = int(np.ravel(axis)[0])
    x = np.flip(x, axis=axis) if reverse else x
    z = function(x, axis=axis)
    if exclusive:
        first = as_constant(np.full([1 if a == axis % x.ndim else n for a, n in enumerate(x.shape)], neutral, x.dtype))
        z = np.concatenate([first, z], axis=axis)[(slice(None),) * (axis % x.ndim) + (slice(-1),)]
    z = z.astype(x.dtype)
    return np.flip(z, axis=axis) if reverse else z


def arange(start: Any, limit: Any, delta: Any) -> Any:
    """start, start + delta, … up to `limit`."""
    start, limit, delta = values(start), values(limit), values(delta)
    n = max(int(np.ceil((limit.item() - start.item()) / delta.item())), 0)
    return (start + np.arange(n) * delta).astype(start.dtype)


# many elements to one


def reduced(function: Callable[..., Any], x: Any, axes: Any, keepdims: int, noop_with_empty_axes: int) -> Any:
    """`function` along `axes`; no axes are all, or none."""
    axes = None if axes is None or not len(lengths(axes)) else lengths(axes)
    if axes is None and noop_with_empty_axes:
        return x
    z = function(x, axis=axes, keepdims=bool(keepdims))
    return z.astype(x.dtype)


def extreme(name: str) -> Callable[..., Any]:
    """np.max or np.min, which of no elements is the least or the greatest number."""

    def largest(x: Any, *, axis: Any, keepdims: bool) -> Any:
        if x.size:
            return getattr(np, name)(x, axis=axis, keepdims=keepdims)
        if np.dtype(x.dtype).kind in "bf":
            least = -inf if name == "max" else inf
        else:
            least = getattr(np.iinfo(x.dtype), "min" if name == "max" else "max")
        least = least if np.dtype(x.dtype).kind != "b" else name == "min"
        return np.full(np.sum(np.empty(x.shape), axis=axis, keepdims=keepdims).shape, least, x.dtype)

    return largest


largest, smallest = extreme("max"), extreme("min")


def log_sum_exp(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """log Σ exp x."""
    return mg.logsumexp(x, axis=axis, keepdims=keepdims) if x.size else np.log(np.sum(x, axis=axis, keepdims=keepdims))


def arg(x: Any, function: Callable[..., Any], axis: int, keepdims: int, select_last_index: int) -> Any:
    """Where along `axis` the largest or smallest element is, the first or the last of several."""
    if select_last_index:
        return x.shape[axis] - 1 - function(np.flip(x, axis=axis), axis=axis, keepdims=bool(keepdims))
    return function(x, axis=axis, keepdims=bool(keepdims))


def over_axis(x: Any, function: Callable[..., Any], axis: int, since: int) -> Any:
    """`function` along `axis`; before opset 13, along all axes from `axis` on together."""
    if since >= 13:
        return function(x, axis=axis)
    return np.reshape(function(flatten(x, axis=axis), axis=1), x.shape)


def hard_max(x: Any, *, axis: int) -> Any:
    """1 at the first largest element along `axis`, 0 elsewhere."""
    place = as_constant(np.expand_dims(np.arange(x.shape[axis]), lengths(range(1, x.ndim - axis % x.ndim))))
    return (place == np.argmax(x, axis=axis, keepdims=True)).astype(x.dtype)


def top_k(x: Any, *, k: Any, axis: int = -1, largest: int = 1) -> Any:
    """The k largest elements along `axis`, in order, and where they are."""
    (k,) = lengths(k)
    return mg.topk(x, k, axis=axis, largest=bool(largest))


# shapes


def reshape(x: Any, *, shape: Any, allowzero: int = 0) -> Any:
    """The same elements in another shape; 0 keeps a length, and −1 is found."""
    return np.reshape(x, [x.shape[i] if n == 0 and not allowzero else n for i, n in enumerate(lengths(shape))])


def flatten(x: Any, *, axis: int) -> Any:
    """A matrix: the axes before `axis`, and the rest."""
    axis = axis + x.ndim if axis < 0 else axis
    return np.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def squeeze(x: Any, *, axes: Any = None) -> Any:
    """Without `axes`, or all axes, of length 1."""
    return np.squeeze(x, axis=None if axes is None else lengths(axes))


def expand(x: Any, *, shape: Any) -> Any:
    """Spread to `shape`, or as far as that broadcasts."""
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, lengths(shape)))


def split(x: Any, *, axis: int = 0, split: Any = None, num_outputs: int | None = None, outputs: int) -> Any:
    """Parts along `axis`, of given or of equal lengths."""
    n = x.shape[axis]
    step = -(-n // (num_outputs or outputs))
    sizes = lengths(split) if split is not None else [max(min(step, n - i * step), 0) for i in range(outputs)]
    if sum(sizes) != n or len(sizes) != outputs:
        raise ValueError(f"parts of {tuple(sizes)} along axis {axis} are not {outputs} parts of {x.shape}")
    ends = np.cumsum(sizes).tolist()
    before = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True))


def slice_(x: Any, *, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    """Slices along `axes`, as Python takes them."""
    starts, ends = lengths(starts), lengths(ends)
    axes = range(len(starts)) if axes is None else lengths(axes)
    steps = (1,) * len(starts) if steps is None else lengths(steps)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def pad(
    x: Any, *, pads: Any, mode: str = "constant", constant_value: float = 0, value: float = 0, axes: Any = None
) -> Any:
    """x with more elements around it, or fewer, where a pad is negative."""
    pads, axes = lengths(pads), range(x.ndim) if axes is None else lengths(axes)
    k, width, keep = len(axes), [(0, 0)] * x.ndim, [slice(None)] * x.ndim
    for i, axis in enumerate(axes):
        low, high = pads[i], pads[i + k]
        width[axis] = max(low, 0), max(high, 0)
        keep[axis] = slice(max(-low, 0), x.shape[axis] - max(-high, 0))
    settings: dict[str, Any] = {"constant_values": number(constant_value or value, x)} if mode == "constant" else {}
    settings["mode"] = mode
    return np.pad(x[tuple(keep)], width, **settings)


def depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    """Channels to blocks of pixels."""
    (n, c, h, w), b = x.shape, blocksize
    shape, axes = (
        ((n, b, b, -1, h, w), (0, 3, 4, 1, 5, 2)) if mode == "DCR" else ((n, -1, b, b, h, w), (0, 1, 4, 2, 5, 3))
    )
    return np.reshape(np.transpose(np.reshape(x, shape), axes), (n, c // b**2, h * b, w * b))


def space_to_depth(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    """Blocks of pixels to channels."""
    (n, c, h, w), b = x.shape, blocksize
    axes = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return np.reshape(np.transpose(np.reshape(x, (n, c, h // b, b, w // b, b)), axes), (n, c * b * b, h // b, w // b))


def constant_of_shape(*, input: Any, value: Any = None) -> Any:
    """One number everywhere; 0 unless given."""
    value = np.float32(0) if value is None else np.ravel(value)[0]
    return kept(np.full(lengths(input), value, value.dtype))


def eye_like(x: Any, *, dtype: Any = None, k: int = 0) -> Any:
    """Ones on a diagonal of a matrix."""
    rows, columns = x.shape
    return np.eye(rows, columns, k=k, dtype=type_of(dtype) if dtype else x.dtype)


def cast(x: Any, *, to: int) -> Any:
    """x in another type."""
    return kept(x.astype(type_of(to)))


# indices


def gather_elements(x: Any, indices: Any, *, axis: int = 0) -> Any:
    """Elements at indices along `axis`; along the others there may be fewer indices than elements."""
    if any(n > m for a, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True)) if a != axis % x.ndim):
        raise ValueError(f"the indices are {indices.shape}, more than there are elements in {x.shape}")
    part = tuple(slice(None) if a == axis % x.ndim else slice(n) for a, n in enumerate(indices.shape))
    return np.take_along_axis(x[part], indices, axis=axis)


def gather_nd(x: Any, indices: Any, *, batch_dims: int = 0) -> Any:
    """Elements, or parts, of x at indices that lie along the last axis."""
    shape = indices.shape[:-1]
    grids = [np.reshape(np.arange(n), [-1 if a == b else 1 for a in range(len(shape))]) for b, n in enumerate(shape)]
    return x[(*map(as_constant, grids[:batch_dims]), *(indices[..., i] for i in range(indices.shape[-1])))]


def _written(x: Any, index: tuple[Any, ...], updates: Any, reduction: str) -> Any:
    """x with updates at an index, in place of what was there or added to it."""
    if reduction == "add":
        return x + scatter_add(updates, *index, index=(HOLE,) * len(index), shape=tuple(x.shape)).astype(x.dtype)
    if reduction != "none":
        raise ValueError(f"reduction={reduction!r} is not supported; 'none' and 'add' are")
    z: Any = mg.as_tensor(np.copy(x)) if isinstance(updates, Tensor) else np.copy(x)
    z[index] = updates
    return z


def scatter_nd(x: Any, indices: Any, updates: Any, *, reduction: str = "none") -> Any:
    """x with elements, or parts, replaced at indices that lie along the last axis."""
    return _written(x, tuple(indices[..., i] for i in range(indices.shape[-1])), updates, reduction)


def scatter_elements(x: Any, indices: Any, updates: Any, *, axis: int = 0, reduction: str = "none") -> Any:
    """x with elements replaced at indices along `axis`."""
    index: list[Any] = [
        as_constant(np.broadcast_to(i, indices.shape)) for i in np.ogrid[tuple(map(slice, indices.shape))]
    ]
    index[axis] = indices
    return _written(x, tuple(index), updates, reduction)


def one_hot(indices: Any, pair: Any, *, depth: Any, axis: int = -1) -> Any:
    """The second of a pair at each index along a new axis, the first elsewhere."""
    (depth,) = lengths(depth)
    place = np.expand_dims(np.where(indices < 0, indices + depth, indices), axis)
    axis %= place.ndim
    classes = as_constant(np.reshape(np.arange(depth), [depth if a == axis else 1 for a in range(place.ndim)]))
    return np.where(place == classes, pair[1], pair[0])


def reverse_sequence(x: Any, *, sequence_lens: Any, batch_axis: int = 1, time_axis: int = 0) -> Any:
    """The first elements along time, of each sample as many as it has, in reverse order."""
    ends = np.reshape(lengths(sequence_lens), [-1 if a == batch_axis else 1 for a in range(x.ndim)])
    at = np.reshape(np.arange(x.shape[time_axis]), [-1 if a == time_axis else 1 for a in range(x.ndim)])
    index: Any = as_constant(np.broadcast_to(np.where(at < ends, ends - 1 - at, at), x.shape))
    return np.take_along_axis(x, index, axis=time_axis)


def compress(x: Any, *, condition: Any, axis: int | None = None) -> Any:
    """What a mask picks along `axis`, or of all elements."""
    x = np.reshape(x, (-1,)) if axis is None else x
    return np.take(x, as_constant(np.flatnonzero(condition)), axis=axis or 0)


# networks


def dropout(x: Any, *, training_mode: Any = False, ratio: float = 0.5, seed: int = 0, since: int) -> Any:
    """x: a model that was exported to be used drops nothing."""
    if training_mode and ratio:
        raise ValueError("training_mode is set; only a dropout that passes all through is supported")
    return (x, np.ones(x.shape, bool)) if since >= 12 else (x,)  # before, a mask was of another type


def batch_norm(
    x: Any, scale: Any, bias: Any, running_mean: Any, running_var: Any, *, epsilon: float, momentum: float = 0.9,
    training_mode: int = 0,
) -> Any:  # fmt: skip
    """Each channel normalised by running statistics; in training by its own, which the running ones move towards."""
    if not training_mode:
        return F.batch_norm(x, running_mean, running_var, scale, bias, eps=epsilon)
    axes = (0, *range(2, x.ndim))
    mean, var = np.mean(x, axis=axes), np.var(x, axis=axes)
    z = F.batch_norm(x, mean, var, scale, bias, eps=epsilon)
    return z, *(
        running * momentum + new * (1 - momentum) for running, new in ((running_mean, mean), (running_var, var))
    )


def layer_norm(
    x: Any, scale: Any, bias: Any = None, *, axis: int, epsilon: float, stash_type: int = 1, outputs: int
) -> Any:
    """Normalised over the axes from `axis` on."""
    shape = tuple(x.shape[axis % x.ndim :])
    scale, bias = (w if w is None else np.broadcast_to(w, shape) for w in (scale, bias))
    z = F.layer_norm(x, shape, scale, bias, eps=epsilon)
    if outputs == 1:
        return z
    axes = lengths(range(axis % x.ndim, x.ndim))
    return z, np.mean(x, axis=axes, keepdims=True), 1 / np.sqrt(np.var(x, axis=axes, keepdims=True) + epsilon)


def rms_norm(x: Any, scale: Any, *, axis: int, epsilon: float, stash_type: int = 1) -> Any:
    """Divided by the root of the mean square over the axes from `axis` on."""
    shape = tuple(x.shape[axis % x.ndim :])
    return F.rms_norm(x, shape, np.broadcast_to(scale, shape), epsilon)


def group_norm(
    x: Any, scale: Any, bias: Any, *, num_groups: int, epsilon: float, stash_type: int = 1, since: int
) -> Any:
    """Normalised over groups of channels. Before opset 21 a weight is a group's."""
    if since < 21:
        scale, bias = (np.repeat(w, x.shape[1] // num_groups) for w in (scale, bias))
    return F.group_norm(x, num_groups, scale, bias, eps=epsilon)


def lp_norm(x: Any, *, axis: int, p: int) -> Any:
    """Divided by the sum of absolute values, or the root of the sum of squares, along `axis`."""
    size = np.sum(np.abs(x), axis=axis, keepdims=True)
    size = size if p == 1 else np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
    return np.where(size == 0, 0, x / np.where(size == 0, 1, size))


def local_response_norm(x: Any, *, alpha: float, beta: float, bias: float, size: int) -> Any:
    """Divided by a power of the sum of squares over neighbouring channels."""
    before = (size - 1) // 2
    wide = np.pad(x * x, [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
    total = reduce(np.add, [wide[:, i : i + x.shape[1]] for i in range(size)])
    return x / np.power(bias + alpha / size * total, beta)


def standardized(x: Any, axes: tuple[int, ...]) -> Any:
    """x less its mean, by its standard deviation: of the differences, for E[x²] − E[x]² of the standard cancels."""
    difference = x - np.mean(x, axis=axes, keepdims=True)
    return difference / (np.sqrt(np.mean(difference * difference, axis=axes, keepdims=True)) + 1e-9)


EXPRESSIONS = {op.onnx: f"np.{op.name}({', '.join(op.inputs)})" for op in ELEMENTWISE} | {
    "Abs": "np.abs(x)", "Add": "x + y", "ArgMax": "ops.arg(x, np.argmax, axis, keepdims, select_last_index or 0)",
    "ArgMin": "ops.arg(x, np.argmin, axis, keepdims, select_last_index or 0)",
    "BitCast": "ops.values(x).view(ops.type_of(to))", "BitwiseAnd": "np.bitwise_and(x, y)",
    "BitwiseNot": "np.invert(x)", "BitwiseOr": "np.bitwise_or(x, y)", "BitwiseXor": "np.bitwise_xor(x, y)",
    "CastLike": "x.astype(y.dtype)", "Celu": "F.celu(x, alpha)", "Concat": "np.concatenate(xs, axis=axis)",
    "CumProd": "ops.cumulate(x, np.cumprod, 1, axis, exclusive, reverse)",
    "CumSum": "ops.cumulate(x, np.cumsum, 0, axis, exclusive, reverse)", "Det": "np.linalg.det(x)",
    "Einsum": "np.einsum(equation, *xs)", "Elu": "F.elu(x, alpha)", "Equal": "x == y", "Erf": "mg.erf(x)",
    "Gather": "np.take(x, y, axis=axis)", "Gelu": "F.gelu(x, approximate)",
    "GlobalAveragePool": "np.mean(x, axis=tuple(range(2, x.ndim)), keepdims=True)",
    "GlobalMaxPool": "np.max(x, axis=tuple(range(2, x.ndim)), keepdims=True)", "Greater": "x > y",
    "GreaterOrEqual": "x >= y", "HardSigmoid": "np.clip(alpha * x + beta, 0, 1)", "HardSwish": "F.hardswish(x)",
    "Hardmax": "ops.over_axis(x, ops.hard_max, axis, since)", "Identity": "x",
    "InstanceNormalization": "F.instance_norm(x, None, None, y, z, eps=epsilon)",
    "LeakyRelu": "F.leaky_relu(x, alpha)", "Less": "x < y", "LessOrEqual": "x <= y",
    "LogSoftmax": "ops.over_axis(x, mg.log_softmax, axis, since)", "MatMul": "np.matmul(x, y)",
    "Max": "reduce(np.maximum, xs)", "Mean": "reduce(np.add, xs) / len(xs)",
    "MeanVarianceNormalization": "ops.standardized(x, tuple(axes))", "Min": "reduce(np.minimum, xs)",
    "Mish": "F.mish(x)", "Mod": "np.fmod(x, y) if fmod else np.remainder(x, y)", "Mul": "x * y", "Neg": "-x",
    "NonZero": "np.asarray(np.nonzero(ops.values(x)))",
    "ReduceL1": "ops.reduced(np.sum, np.abs(x), axes, keepdims, noop_with_empty_axes)",
    "ReduceL2": "np.sqrt(ops.reduced(np.sum, x * x, axes, keepdims, noop_with_empty_axes))",
    "ReduceLogSum": "np.log(ops.reduced(np.sum, x, axes, keepdims, noop_with_empty_axes))",
    "ReduceLogSumExp": "ops.reduced(ops.log_sum_exp, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceMax": "ops.reduced(ops.largest, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceMean": "ops.reduced(np.mean, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceMin": "ops.reduced(ops.smallest, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceProd": "ops.reduced(np.prod, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceSum": "ops.reduced(np.sum, x, axes, keepdims, noop_with_empty_axes)",
    "ReduceSumSquare": "ops.reduced(np.sum, x * x, axes, keepdims, noop_with_empty_axes)", "Relu": "F.relu(x)",
    "Round": "np.rint(x)", "Selu": "gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))",
    "Shape": "np.asarray(x.shape[start:end], dtype=np.int64)",
    "Shrink": "np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0))", "Sigmoid": "F.sigmoid(x)",
    "Size": "np.asarray(x.size)", "Softmax": "ops.over_axis(x, mg.softmax, axis, since)",
    "Softplus": "F.softplus(x, threshold=inf)", "Softsign": "F.softsign(x)", "Sub": "x - y",
    "Sum": "reduce(np.add, xs)", "Swish": "x * F.sigmoid(alpha * x)", "ThresholdedRelu": "np.where(x > alpha, x, 0)",
    "Tile": "np.tile(x, repeats)", "Transpose": "np.transpose(x, perm)",
    "Trilu": "np.triu(x, k or 0) if upper else np.tril(x, k or 0)",
    "Unsqueeze": "np.expand_dims(x, ops.lengths(axes))", "Where": "np.where(x, y, z)",
}  # fmt: skip
"""The operators that are an expression: those that ops declare, and more. Settings that are not set are None."""


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AveragePool": windows.average_pool, "BatchNormalization": batch_norm, "BitShift": shift, "Cast": cast,
    "Clip": clip, "Col2Im": windows.fold, "Compress": compress, "ConstantOfShape": constant_of_shape,
    "Conv": windows.convolve, "ConvTranspose": windows.convolve_transposed, "DepthToSpace": depth_to_space,
    "Div": divide, "Dropout": dropout, "Expand": expand, "EyeLike": eye_like, "Flatten": flatten, "GRU": recurrent.gru,
    "GatherElements": gather_elements, "GatherND": gather_nd, "Gemm": gemm, "GroupNormalization": group_norm,
    "IsInf": is_infinite, "LRN": local_response_norm, "LSTM": recurrent.lstm, "LayerNormalization": layer_norm,
    "LpNormalization": lp_norm, "MaxPool": windows.max_pool, "OneHot": one_hot, "PRelu": p_relu, "Pad": pad,
    "Pow": power, "RMSNormalization": rms_norm, "RNN": recurrent.rnn, "Range": arange, "Reshape": reshape,
    "Resize": windows.resize, "ReverseSequence": reverse_sequence, "Scatter": scatter_elements,
    "ScatterElements": scatter_elements, "ScatterND": scatter_nd, "Slice": slice_, "SpaceToDepth": space_to_depth,
    "Split": split, "Squeeze": squeeze, "TopK": top_k, "Upsample": windows.upsample,
}  # fmt: skip


@cache
def rule(operator: str) -> Callable[..., Any] | None:
    """What `operator` of the standard is, or None; its settings are its keyword arguments."""
    if operator in FUNCTIONS or operator not in EXPRESSIONS:
        return FUNCTIONS.get(operator)
    own = {"np": np, "mg": mg, "F": F, "ops": inspect.getmodule(rule), "reduce": reduce, "inf": inf}
    names = names_in(EXPRESSIONS[operator]) - own.keys()
    tensors = (
        ["*xs"] if "xs" in names else [f"{t}=None" for t in "xyz" if t <= max(names & {"x", "y", "z"}, default="")]
    )
    settings = sorted(names - {"x", "y", "z", "xs"})
    star = ["*"] if settings and tensors != ["*xs"] else []
    return eval(f"lambda {', '.join([*tensors, *star, *settings])}: {EXPRESSIONS[operator]}", own)  # noqa: S307 - our text


def names_in(text: str) -> set[str]:
    """The names that an expression reads, except built-in ones."""
    names = {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}
    return names - vars(builtins).keys()
