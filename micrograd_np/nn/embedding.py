"""Embeddings: a table of vectors, looked up by index."""

from __future__ import annotations

from typing import Any

from micrograd_np import functional, random
from micrograd_np.core.settings import Size
from micrograd_np.engine.tensor import Tensor, get_default_dtype

from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """The rows at integer indices of a table (num_embeddings, embedding_dim), drawn from N(0, 1): ``(…) -> (…, d)``.

    Row `padding_idx` starts as zeros and gets no gradient. With `max_norm`, rows with a larger norm are scaled down to
    it when looked up; with `scale_grad_by_freq`, the gradient of a row is divided by the number of look-ups. IndexError
    for indices outside the table; see `micrograd_np.functional.embedding`.

    >>> Embedding(10, 3)([[1, 2], [4, 3]]).shape
    (2, 2, 3)
    """

    _in_repr = ("num_embeddings", "embedding_dim", "padding_idx=?", "max_norm=?", "norm_type=?", "scale_grad_by_freq=?")

    def __init__(
        self,
        num_embeddings: Size,
        embedding_dim: Size,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        dtype: Any = None,
    ) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx {padding_idx} is outside the {num_embeddings} rows.")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        values = random.generator().standard_normal((num_embeddings, embedding_dim))
        if self.padding_idx is not None:
            values[self.padding_idx] = 0
        self.weight = Parameter(values.astype(get_default_dtype() if dtype is None else dtype))

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> Embedding:
        """An embedding with a copy of the table `embeddings` (v, d) as its weight; not trained if `freeze`."""
        table = embeddings if isinstance(embeddings, Tensor) else Tensor(embeddings)
        settings = (padding_idx, max_norm, norm_type, scale_grad_by_freq)
        layer = cls(table.shape[0], table.shape[1], *settings, dtype=table.dtype)
        layer.weight = Parameter(table.data.copy(), requires_grad=not freeze)
        return layer

    def forward(self, input: Any) -> Tensor:
        """The rows at the indices `input`."""
        settings = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return functional.embedding(input, self.weight, *settings)
