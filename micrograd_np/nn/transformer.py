"""Transformer encoders."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from micrograd_np import functional
from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count, Share, Size

from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm


class TransformerEncoderLayer(Module):
    """Self-attention and two dense layers; each part is added to its input and normalised: ``(t, n, d) -> (t, n, d)``.

    ``(n, t, d)`` with ``batch_first=True``. With `norm_first`, the input of each part is normalised instead of the sum,
    which trains more easily. `activation` is "relu", "gelu" or a function. Called with (src, src_mask,
    src_key_padding_mask, is_causal); in boolean masks True means blocked. Source: Vaswani et al. (2017); Xiong et al.
    (2020) for `norm_first`. ValueError for another `activation`.

    >>> import micrograd_np as mg
    >>> mg.nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(mg.ones(5, 1, 8)).shape
    (5, 1, 8)
    """

    def __init__(
        self,
        d_model: Count,
        nhead: Count,
        dim_feedforward: Size = 2048,
        dropout: Share = 0.1,
        activation: str | Callable[[Any], Any] = functional.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        if isinstance(activation, str):
            suits = activation in ("relu", "gelu")
            require_value("TransformerEncoderLayer", "activation", activation, suits, "'relu', 'gelu' or a function")
            activation = getattr(functional, activation)
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation: Any = activation

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The layer's output."""
        masks = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = src + self._attended(self.norm1(src), *masks)
            return x + self._dense(self.norm2(x))
        x = self.norm1(src + self._attended(src, *masks))
        return self.norm2(x + self._dense(x))

    def _attended(self, x: Any, mask: Any, padding: Any, is_causal: bool) -> Any:
        z, _ = self.self_attn(x, x, x, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return self.dropout1(z)

    def _dense(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer, one after another, and then `norm`: ``(t, n, d) -> (t, n, d)``.

    The copies start with equal parameters, as in PyTorch.

    >>> import micrograd_np as mg
    >>> layer = mg.nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)
    >>> mg.nn.TransformerEncoder(layer, num_layers=2)(mg.ones(5, 1, 8)).shape
    (5, 1, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: Size, norm: Module | None = None) -> None:
        self.layers = ModuleList(deepcopy(encoder_layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The last layer's output, normalised if there is a `norm`."""
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal)
        return src if self.norm is None else self.norm(src)
