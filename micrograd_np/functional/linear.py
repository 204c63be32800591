"""Affine and bilinear maps, and embeddings."""

from __future__ import annotations

from typing import Any

from micrograd_np.core.messages import must_be
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.axes import whole
from micrograd_np.ops.checks import check, rows_within
from micrograd_np.ops.choice import where
from micrograd_np.ops.comparison import greater
from micrograd_np.ops.fused.embedding import embedding_lookup
from micrograd_np.ops.linear import linear as affine_map
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.shape import reshape, transpose

from .distance import vector_norm
from .operands import as_tensor, tensor_or_array


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
    weight = as_tensor(weight)
    indices = tensor_or_array(input)
    if indices.dtype.kind not in "iu":
        raise TypeError(must_be("embedding", "indices", "integers", f"{indices.dtype}"))
    if weight.ndim != 2:
        raise ValueError(f"embedding: weight is {weight.shape}; it must be a table of rows, (v, d).")
    count = weight.shape[0]
    check(rows_within, indices, count)
    if padding_idx is not None:
        if not -count <= whole(padding_idx, "padding_idx") < count:
            message = f"embedding: padding_idx {padding_idx} is out of bounds; the {count} rows are 0 to {count - 1}."
            raise ValueError(message)
        padding_idx %= count
    if max_norm is not None:
        with no_grad():
            rows = embedding_lookup(weight, indices)
            lengths = vector_norm(rows, norm_type, keepdims=True)
            weight[indices] = rows * where(greater(lengths, max_norm), max_norm / (lengths + 1e-7), 1)
    return embedding_lookup(weight, indices, frozen=padding_idx, shared=scale_grad_by_freq)
