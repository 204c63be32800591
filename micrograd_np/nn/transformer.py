"""Transformers: encoders, decoders, and both together."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np

from micrograd_np import functional
from micrograd_np.core.messages import explain_keywords, require_value
from micrograd_np.core.settings import Count, Share, Size
from micrograd_np.engine.constant import constant
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.functional.operands import as_tensor

from . import init
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm


class _Layer(Module):
    """What both layers share: attentions, each added to its input and normalised, and after them two dense layers."""

    _attentions: ClassVar[tuple[str, ...]] = ("self_attn",)
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm

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
            require_value(type(self).__name__, "activation", activation, suits, "'relu', 'gelu' or a function")
            activation = getattr(functional, activation)
        for name in self._attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype))
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype)
        self.norm_first = norm_first
        parts = range(1, len(self._attentions) + 2)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation: Any = activation

    def _added(self, x: Any, norm: Module, part: Callable[..., Any], *others: Any) -> Any:
        """`x` plus a part of it, normalised; or plus the part of `x` normalised."""
        return x + part(norm(x), *others) if self.norm_first else norm(x + part(x, *others))

    def _attended(self, x: Any, mask: Any, padding: Any, is_causal: Any, memory: Any = None) -> Any:
        """`x` averaged by its own similarity, or `memory`, if given, by that with `x`."""
        i = int(memory is not None)
        attention, keys = getattr(self, self._attentions[i]), x if memory is None else memory
        z, _ = attention(x, keys, keys, padding, need_weights=False, attn_mask=mask, is_causal=is_causal)
        return getattr(self, f"dropout{i + 1}")(z)

    def _dense(self, x: Any) -> Any:
        z = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return getattr(self, f"dropout{len(self._attentions) + 1}")(z)


class TransformerEncoderLayer(_Layer):
    """Self-attention and two dense layers; each part is added to its input and normalised: ``(t, n, d) -> (t, n, d)``.

    ``(n, t, d)`` with ``batch_first=True``. With `norm_first`, the input of each part is normalised instead of the sum,
    which trains more easily. `activation` is "relu", "gelu" or a function. Called with (src, src_mask,
    src_key_padding_mask, is_causal); in boolean masks True means blocked. Source: Vaswani et al. (2017); Xiong et al.
    (2020) for `norm_first`. ValueError for another `activation`.

    >>> import micrograd_np as mg
    >>> mg.nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16)(mg.ones(5, 1, 8)).shape
    (5, 1, 8)
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The layer's output."""
        x = self._added(src, self.norm1, self._attended, src_mask, src_key_padding_mask, is_causal)
        return self._added(x, self.norm2, self._dense)


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output, and two dense layers: ``(t, n, d), (s, n, d) -> (t, n, d)``.

    Called with (tgt, memory), `memory` being that output, and masks: `tgt_mask` (t, t), `memory_mask` (t, s),
    `tgt_key_padding_mask` (n, t), `memory_key_padding_mask` (n, s). With ``tgt_is_causal=True``, a position attends to
    itself and to earlier ones. Settings, masks, errors and sources as in `TransformerEncoderLayer`: ValueError for
    another `activation`.

    >>> import micrograd_np as mg
    >>> layer = mg.nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> layer(mg.ones(5, 1, 8), mg.ones(7, 1, 8)).shape
    (5, 1, 8)
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The layer's output."""
        x = self._added(tgt, self.norm1, self._attended, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        masks = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = self._added(x, self.norm2, self._attended, *masks, memory)
        return self._added(x, self.norm3, self._dense)


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


class TransformerDecoder(Module):
    """`num_layers` copies of a decoder layer in a row, and then `norm`: ``(t, n, d), (s, n, d) -> (t, n, d)``.

    The copies start with equal parameters, as in PyTorch.

    >>> import micrograd_np as mg
    >>> layer = mg.nn.TransformerDecoderLayer(8, nhead=2, dim_feedforward=16)
    >>> mg.nn.TransformerDecoder(layer, num_layers=2)(mg.ones(5, 1, 8), mg.ones(7, 1, 8)).shape
    (5, 1, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: Size, norm: Module | None = None) -> None:
        self.layers = ModuleList(deepcopy(decoder_layer) for _ in range(num_layers))
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The last layer's output, normalised if there is a `norm`."""
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal)
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks)
        return tgt if self.norm is None else self.norm(tgt)


def _subsequent_mask(sz: Size, dtype: Any = None) -> Tensor:
    """A floating mask (sz, sz), to be added: −inf where the key comes after the query, 0 elsewhere."""
    later = np.full((sz, sz), -np.inf, get_default_dtype() if dtype is None else dtype)
    return constant(np.triu(later, 1))


class Transformer(Module):
    """An encoder, and a decoder that attends to its output: ``(s, n, d), (t, n, d) -> (t, n, d)``.

    Called with (src, tgt) and masks as `TransformerEncoderLayer` and `TransformerDecoderLayer` have them. Both ends are
    normalised. Matrices are drawn Xavier-uniform. There are no embeddings: add those, and positions, and a last layer.
    ValueError unless `src` and `tgt` have d features. Source: Vaswani et al. (2017).

    >>> model = Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> mask = model.generate_square_subsequent_mask(3)
    >>> model(np.zeros((5, 2, 8)), np.zeros((3, 2, 8)), tgt_mask=mask).shape
    (3, 2, 8)
    """

    generate_square_subsequent_mask = staticmethod(explain_keywords(_subsequent_mask, always=True))

    def __init__(
        self,
        d_model: Count = 512,
        nhead: Count = 8,
        num_encoder_layers: Size = 6,
        num_decoder_layers: Size = 6,
        dim_feedforward: Size = 2048,
        dropout: Share = 0.1,
        activation: str | Callable[[Any], Any] = functional.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        sizes = (d_model, nhead, dim_feedforward, dropout)
        settings: dict[str, Any] = {
            "activation": activation, "layer_norm_eps": layer_norm_eps, "batch_first": batch_first,
            "norm_first": norm_first, "bias": bias, "dtype": dtype,
        }  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(*sizes, **settings)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*sizes, **settings)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self.encoder, self.decoder = custom_encoder, custom_decoder
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """The decoder's output."""
        src, tgt = as_tensor(src), as_tensor(tgt)
        if src.shape[-1:] != (self.d_model,) or tgt.shape[-1:] != (self.d_model,):
            raise ValueError(f"Transformer: src is {src.shape} and tgt {tgt.shape}; both must end in {self.d_model}.")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip
