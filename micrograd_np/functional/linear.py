"""Affine and bilinear maps, and embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import must_be, require_value
from micrograd_np.engine.constant import constant
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.cumulative import cumsum
from micrograd_np.numpy_api.order import any, argsort, take_along_axis  # noqa: A004
from micrograd_np.ops.axes import whole
from micrograd_np.ops.checks import check, offsets_within, rows_within
from micrograd_np.ops.choice import masked_keep, maximum, where
from micrograd_np.ops.comparison import greater, not_equal
from micrograd_np.ops.fused.embedding import embedding_lookup
from micrograd_np.ops.index import HOLE, scatter_add, view
from micrograd_np.ops.linear import linear as affine_map
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.reduce import max as greatest
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.shape import reshape, transpose
from micrograd_np.ops.state import astype

from .distance import vector_norm
from .operands import as_tensor, refuse_broadcast, tensor_or_array


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """x Wᵀ + b: ``(…, in), (out, in), (out,) -> (…, out)``. ValueError for other shapes.

    >>> import micrograd_np as mg
    >>> mg.functional.linear(mg.Tensor([1.0, 2.0]), mg.Tensor([[3.0, 4.0]]), mg.Tensor([0.5]))
    Tensor([11.5])
    """
    return matmul(input, transpose(weight)) if bias is None else affine_map(input, weight, bias)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """x₁ᵀ Wₒ x₂ + bₒ for each o: ``(…, i), (…, j), (o, i, j), (o,) -> (…, o)``. ValueError for other shapes.

    >>> import micrograd_np as mg
    >>> mg.functional.bilinear(mg.Tensor([1.0, 2.0]), mg.Tensor([3.0, 4.0]), mg.ones(1, 2, 2))
    Tensor([21.])
    """
    x1, x2, weight = as_tensor(input1), as_tensor(input2), as_tensor(weight)
    if weight.ndim != 3 or not x1.ndim or not x2.ndim:
        message = f"bilinear: inputs are {x1.shape} and {x2.shape} and weight is {weight.shape}; it must be (o, i, j)."
        raise ValueError(message)
    o, i, j = weight.shape
    if x1.shape[:-1] != x2.shape[:-1] or (x1.shape[-1], x2.shape[-1]) != (i, j):
        raise ValueError(
            f"bilinear: inputs are {x1.shape} and {x2.shape}; they must be (…, {i}) and (…, {j}), and equal before."
        )
    half = matmul(x1, reshape(transpose(weight, axes=(1, 0, 2)), shape=(i, o * j)))
    z = sum(reshape(half, shape=(*x1.shape[:-1], o, j)) * reshape(x2, shape=(*x2.shape[:-1], 1, j)), axis=-1)
    return z if bias is None else z + bias


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Tensor:
    """The rows of the table `weight` at the integer indices `input`: ``(…), (v, d) -> (…, d)``.

    The row `padding_idx`, which may count from the end, gets no gradient. With `max_norm`, rows that are looked up and
    have a larger `norm_type`-norm are first scaled down to it, in place. With `scale_grad_by_freq`, the gradient of a
    row is divided by the number of look-ups. IndexError for an index outside [0, v), TypeError for indices that are not
    integers.

    >>> embedding([1, 1, 0], Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3., 4.],
            [3., 4.],
            [1., 2.]])
    """
    return _looked_up("embedding", input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)


def _looked_up(
    name: str, input: Any, weight: Any, padding_idx: Any, max_norm: Any, norm_type: float, scale_grad_by_freq: bool
) -> Tensor:
    weight = as_tensor(weight)
    indices = tensor_or_array(input)
    if indices.dtype.kind not in "iu":
        raise TypeError(must_be(name, "indices", "integers", f"{indices.dtype}"))
    if weight.ndim != 2:
        raise ValueError(f"{name}: weight is {weight.shape}; it must be a table of rows, (v, d).")
    count = weight.shape[0]
    check(rows_within, indices, name, count)
    if padding_idx is not None:
        if not -count <= whole(padding_idx, "padding_idx") < count:
            message = f"{name}: padding_idx {padding_idx} is out of bounds; the {count} rows are 0 to {count - 1}."
            raise ValueError(message)
        padding_idx %= count
    if max_norm is not None:
        with no_grad():
            rows = embedding_lookup(weight, indices)
            lengths = vector_norm(rows, norm_type, keepdims=True)
            weight[indices] = rows * where(greater(lengths, max_norm), max_norm / (lengths + 1e-7), 1)
    return embedding_lookup(weight, indices, frozen=padding_idx, shared=scale_grad_by_freq)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The mean, sum or largest of the rows of the table `weight` in each bag of integer indices.

    ``(n, l), (v, d) -> (n, d)``, where each row of `input` is a bag, or ``(total,), (v, d), (n,) -> (n, d)``, where a
    bag begins at each of `offsets`; with `include_last_offset` the last of these is the end of the last bag. An empty
    bag gives 0. `mode` is "mean", "sum" or "max"; `per_sample_weights`, of the shape of `input` and for "sum" only,
    scale the rows. Rows `padding_idx` do not count. Other settings and errors as in `embedding`; `sparse` changes
    nothing here. ValueError for offsets that do not begin at 0 or that fall.

    >>> embedding_bag([0, 1, 1], Tensor([[1.0, 2.0], [3.0, 4.0]]), [0, 1], mode="sum")
    Tensor([[1., 2.],
            [6., 8.]])
    """
    name, indices = "embedding_bag", tensor_or_array(input)
    require_value(name, "mode", mode, mode in ("mean", "sum", "max"), "'mean', 'sum' or 'max'")
    if indices.ndim not in (1, 2) or (indices.ndim == 2) == (offsets is not None):
        raise ValueError(f"{name}: input is {indices.shape}; it must be (n, l), or (total,) with offsets.")
    rows = _looked_up(name, indices, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq)
    kept = None if padding_idx is None else not_equal(indices, padding_idx % weight.shape[0])
    if per_sample_weights is not None:
        require_value(name, "mode", mode, mode == "sum", "'sum' with per_sample_weights")
        shares = as_tensor(per_sample_weights)
        if shares.shape != indices.shape:
            refuse_broadcast(name, "input", indices.shape, "per_sample_weights", shares.shape)
        rows = rows * reshape(shares, shape=(*shares.shape, 1))
    if kept is not None and mode != "max":
        rows = masked_keep(rows, reshape(kept, shape=(*kept.shape, 1)))
    if indices.ndim == 2:
        return _of_equal_bags(rows, kept, mode)
    starts = tensor_or_array(offsets)
    check(offsets_within, starts, indices.size)
    count = starts.size - include_last_offset
    begun = scatter_add(constant(np.ones(starts.size, np.int64)), starts, index=HOLE, shape=(indices.size + 1,))
    bags = view(cumsum(begun), index=slice(indices.size)) - 1
    if mode == "max":
        return _largest(rows, bags, count, kept)
    total = scatter_add(rows, bags, index=HOLE, shape=(count + 1, rows.shape[1]))[:count]
    if mode == "sum":
        return total
    ones = constant(np.ones(indices.size, rows.dtype))
    sizes = scatter_add(ones if kept is None else masked_keep(ones, kept), bags, index=HOLE, shape=(count + 1,))[:count]
    return total / reshape(maximum(sizes, 1), shape=(-1, 1))


def _of_equal_bags(rows: Any, kept: Any, mode: str) -> Any:
    """Rows (n, l, d), l of them in each bag, as (n, d)."""
    length = rows.shape[1]
    kept = None if kept is None else reshape(kept, shape=(*kept.shape, 1))
    if mode == "max" and length:
        if kept is None:
            return greatest(rows, axis=1)
        return masked_keep(greatest(where(kept, rows, -np.inf), axis=1), any(kept, axis=1))
    total = sum(rows, axis=1)
    if mode != "mean":
        return total
    return total / (max(length, 1) if kept is None else maximum(sum(astype(kept, dtype=rows.dtype), axis=1), 1))


def _largest(rows: Any, bags: Any, count: int, kept: Any) -> Any:
    """The largest of the rows in each bag, column by column; 0 where there is none. The last of equal ones counts."""
    n = rows.shape[0]
    if not n:
        return constant(np.zeros((count, rows.shape[1]), rows.dtype))
    if kept is not None:  # others are in a bag of their own, which is left out
        bags = where(kept, bags, count)
    order = argsort(rows.detach(), axis=0)
    order = take_along_axis(order, argsort(bags[order], axis=0), axis=0)
    sizes = scatter_add(constant(np.ones(n, np.int64)), bags, index=HOLE, shape=(count + 1,))[:count]
    some, last = reshape(greater(sizes, 0), shape=(-1, 1)), maximum(cumsum(sizes) - 1, 0)
    last = reshape(last, shape=(-1, 1))
    return masked_keep(take_along_axis(rows, take_along_axis(order, last, axis=0), axis=0), some)
