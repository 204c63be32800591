"""Multi-head attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import functional
from micrograd_np.core.settings import Count, Share, Size
from micrograd_np.core.views import called_as
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.functional.attention import attend
from micrograd_np.functional.operands import as_tensor, tensor_or_array
from micrograd_np.ops.choice import where
from micrograd_np.ops.index import view
from micrograd_np.ops.reduce import mean
from micrograd_np.ops.shape import broadcast_to, concatenate, reshape, transpose

from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """Attention by `num_heads` parallel heads, each on its own projection of size embed_dim / num_heads.

    Called with (query, key, value): ``(l, n, e), (s, n, kdim), (s, n, vdim) -> (l, n, e), (n, l, s)``, or batch first,
    or without n. Returns the output and, unless ``need_weights=False``, the weights averaged over the heads. `kdim` and
    `vdim` are e by default. `add_bias_kv` appends a learned key and value, `add_zero_attn` a key and value of zeros.

    **Masks**: in a boolean `attn_mask` (l, s) or (n · heads, l, s), and `key_padding_mask` (n, s), True means
    *blocked*, as in PyTorch, and unlike in `functional.scaled_dot_product_attention`. Floating masks are added.

    Parameters: ``in_proj_weight`` (3e, e) for query, key and value, Xavier-uniform, or ``q_proj_weight``,
    ``k_proj_weight`` and ``v_proj_weight`` if the sizes differ; ``in_proj_bias``, zero; ``out_proj``. ValueError unless
    `num_heads` divides e.

    >>> x = Tensor(np.ones((5, 2, 8)))  # time first
    >>> output, weights = MultiheadAttention(8, num_heads=2)(x, x, x)
    >>> output.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: Count,
        num_heads: Count,
        dropout: Share = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: Size | None = None,
        vdim: Size | None = None,
        batch_first: bool = False,
        dtype: Any = None,
    ) -> None:
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: embed_dim ({embed_dim}) must divide into num_heads ({num_heads}).")
        dtype = get_default_dtype() if dtype is None else dtype
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self.add_zero_attn = add_zero_attn
        joint = self.kdim == self.vdim == embed_dim
        shapes = {
            "in_proj_weight": (3 * embed_dim, embed_dim) if joint else None,
            "q_proj_weight": None if joint else (embed_dim, embed_dim),
            "k_proj_weight": None if joint else (embed_dim, self.kdim),
            "v_proj_weight": None if joint else (embed_dim, self.vdim),
        }
        for name, shape in shapes.items():
            weight = None if shape is None else init.xavier_uniform_(Parameter(np.empty(shape, dtype)))
            self.register_parameter(name, weight)
        self.register_parameter("in_proj_bias", Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, Parameter(np.empty((1, 1, embed_dim), dtype)) if add_bias_kv else None)
            if add_bias_kv:
                init.normal_(getattr(self, name), 0, embed_dim**-0.5)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        """The output, and the weights (for each head if ``average_attn_weights=False``) or None.

        `is_causal` blocks later positions; with an `attn_mask` it only says that the mask does so.
        """
        q, k, v = as_tensor(query), as_tensor(key), as_tensor(value)
        single = q.ndim == 2
        if single:
            q, k, v = (called_as(x, x[None]) for x in (q, k, v))
            key_padding_mask = None if key_padding_mask is None else tensor_or_array(key_padding_mask)[None]
        elif not self.batch_first:
            q, k, v = (called_as(x, transpose(x, axes=(1, 0, 2))) for x in (q, k, v))  # (n, time, features) now
        self._check(q, k, v)
        weights, biases = self._projections()
        q, k, v = (functional.linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
        extra: list[tuple[Any, Any]] = [(self.bias_k, self.bias_v)] if self.bias_k is not None else []
        if self.add_zero_attn:
            extra += [(constant(np.zeros((1, 1, self.embed_dim), q.dtype)),) * 2]
        for extra_key, extra_value in extra:
            k, v = _append(k, extra_key), _append(v, extra_value)
        mask = self._joint_mask(q.shape[0], attn_mask, key_padding_mask, len(extra), q.dtype)
        q, k, v = (self._heads(x) for x in (q, k, v))
        dropout = self.dropout if self.training else 0.0
        mixed, shares = attend(q, k, v, mask, dropout, is_causal and attn_mask is None)
        n, _, steps, _ = mixed.shape
        z = self.out_proj(reshape(transpose(mixed, axes=(0, 2, 1, 3)), shape=(n, steps, self.embed_dim)))
        shares = (mean(shares, axis=1) if average_attn_weights else shares) if need_weights else None
        if single:
            return z[0], None if shares is None else shares[0]
        return z if self.batch_first else transpose(z, axes=(1, 0, 2)), shares

    def _check(self, q: Any, k: Any, v: Any) -> None:
        sizes = (self.embed_dim, self.kdim, self.vdim)
        if not (q.ndim == k.ndim == v.ndim == 3 and (q.shape[2], k.shape[2], v.shape[2]) == sizes):
            raise ValueError(
                f"MultiheadAttention: query, key and value are {q.shape}, {k.shape} and {v.shape} (n, time, features); "
                f"all must have three axes, and {sizes} features."
            )

    def _projections(self) -> tuple[list[Any], list[Any]]:
        """Weights and biases for query, key and value."""
        e = self.embed_dim
        parts = [slice(i * e, (i + 1) * e) for i in range(3)]
        biases = [None] * 3 if self.in_proj_bias is None else [view(self.in_proj_bias, index=part) for part in parts]
        if self.in_proj_weight is None:
            return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight], biases
        return [view(self.in_proj_weight, index=part) for part in parts], biases

    def _heads(self, x: Any) -> Any:
        """``(n, time, e) -> (n, heads, time, e / heads)``."""
        n, steps, e = x.shape
        return transpose(reshape(x, shape=(n, steps, self.num_heads, e // self.num_heads)), axes=(0, 2, 1, 3))

    def _joint_mask(self, n: int, attn_mask: Any, padding: Any, extra: int, dtype: Any) -> Any:
        """The sum of both masks, to add to the scores (n, heads, l, s), or None; `extra` keys at the end are open."""
        joint = None
        if attn_mask is not None:
            joint = _additive(attn_mask, dtype)
            if joint.ndim == 3:  # one for each head of each sample
                joint = reshape(joint, shape=(n, self.num_heads, *joint.shape[1:]))
            joint = _widened(joint, extra)
        if padding is not None:
            blocked = _widened(_additive(padding, dtype), extra)
            blocked = reshape(blocked, shape=(n, 1, 1, blocked.shape[-1]))
            joint = blocked if joint is None else joint + blocked
        return joint


def _additive(mask: Any, dtype: Any) -> Any:
    """A boolean mask as a floating one: −inf where it is True, which means blocked, and 0 elsewhere."""
    mask = tensor_or_array(mask)
    if mask.dtype == np.bool_:
        return where(mask, constant(np.array(-np.inf, dtype)), constant(np.array(0, dtype)))
    return mask if mask.dtype == dtype else mask.astype(dtype)


def _append(x: Tensor, row: Tensor) -> Any:
    return concatenate(x, broadcast_to(row, shape=(x.shape[0], 1, x.shape[2])), axis=1)


def _widened(mask: Any, n: int) -> Any:
    return concatenate(mask, constant(np.zeros((*mask.shape[:-1], n), mask.dtype)), axis=-1) if n else mask
