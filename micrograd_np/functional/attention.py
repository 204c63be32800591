"""Attention: averages of values, weighted by the similarity of keys to a query."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from micrograd_np.core.messages import caller
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.choice import where
from micrograd_np.ops.fused.softmax import causal_mask, softmax
from micrograd_np.ops.linear import matmul
from micrograd_np.ops.shape import reshape, transpose

from .dropout import dropout
from .operands import as_tensor, tensor_or_array


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q kᵀ · scale + mask) v: ``(…, l, e), (…, s, e), (…, s, d) -> (…, l, d)``.

    `scale` is 1/√e by default. In a boolean `attn_mask`, which broadcasts to (…, l, s), True means *may attend*; a
    floating one is added to the scores. With `is_causal`, a position attends to itself and to earlier ones. A positive
    `dropout_p` drops weights even in evaluation: pass 0 there. With `enable_gqa`, axis −3 is the heads, and each head
    of keys and values serves several heads of queries. A query that may attend to nothing gives 0. Source: Vaswani et
    al. (2017), eq. 1; Ainslie et al. (2023) for `enable_gqa`.

    >>> import numpy as np
    >>> values = Tensor([[1.0], [3.0], [8.0]])
    >>> scaled_dot_product_attention(np.zeros((3, 2)), np.zeros((3, 2)), values, is_causal=True)
    Tensor([[1.],
            [2.],
            [4.]])
    """
    q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
    heads = q.shape[-3] if q.ndim > 2 else 1
    if enable_gqa:
        q, k, v = _grouped(q, k, v)
    mixed, _ = attend(q, k, v, attn_mask, dropout_p, is_causal, scale)
    return reshape(mixed, shape=(*mixed.shape[:-4], heads, *mixed.shape[-2:])) if enable_gqa else mixed


def _grouped(q: Any, k: Any, v: Any) -> tuple[Any, Any, Any]:
    """Queries as (…, heads of keys, queries of each, l, e), and keys and values that broadcast against them."""
    if min(q.ndim, k.ndim, v.ndim) < 3:
        raise ValueError(
            f"scaled_dot_product_attention: query is {q.shape}, key {k.shape} and value {v.shape}; with enable_gqa "
            f"each must be (…, heads, length, features)."
        )
    many, few = q.shape[-3], k.shape[-3]
    if many % few if few else many:
        raise ValueError(f"scaled_dot_product_attention: {many} heads of queries must divide into the {few} of keys.")
    q = reshape(q, shape=(*q.shape[:-3], few, many // few if few else 1, *q.shape[-2:]))
    return q, *(reshape(x, shape=(*x.shape[:-2], 1, *x.shape[-2:])) for x in (k, v))


def attend(
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> tuple[Any, Any]:
    """The result of `scaled_dot_product_attention`, and the weights (…, l, s) of its average."""
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"{caller('attention')}: query is {q.shape}, key {k.shape} and value {v.shape}; they must have two axes or "
            f"more, query and key agree in the last, key and value in the one before."
        )
    scale = 1 / sqrt(q.shape[-1] or 1) if scale is None else scale  # without features all scores are 0
    axes = (*range(k.ndim - 2), k.ndim - 1, k.ndim - 2)
    scores = matmul(q * scale, transpose(k, axes=axes))
    if is_causal:
        scores = where(causal_mask(scores), scores, -np.inf)
    if mask is not None:  # a boolean one says what may be attended to, a floating one is added
        mask = tensor_or_array(mask)
        if mask.dtype == np.bool_:
            scores = where(mask, scores, -np.inf)
        else:
            scores = scores + (mask if mask.dtype == scores.dtype else mask.astype(scores.dtype))
    weights = softmax(scores, axis=-1)
    return matmul(dropout(weights, dropout_p) if dropout_p else weights, v), weights
