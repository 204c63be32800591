"""Embeddings: a table of vectors, looked up by index."""

from __future__ import annotations

from typing import Annotated, Any

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
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.padding_idx = _row_of("Embedding", num_embeddings, padding_idx)
        self.weight = _table(num_embeddings, embedding_dim, self.padding_idx, dtype)

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


class EmbeddingBag(Module):
    """The mean of the rows at the integer indices of each bag, of a table as in `Embedding`, without the rows between.

    ``(n, l) -> (n, d)``, or ``(total,), (n,) -> (n, d)`` with offsets at which bags begin. `mode` may be "sum" or "max"
    as well; `per_sample_weights` scale the rows of a sum, and rows `padding_idx` do not count. Errors and the other
    settings: `micrograd_np.functional.embedding_bag`.

    >>> EmbeddingBag(10, 3)([1, 2, 4, 3], [0, 3]).shape
    (2, 3)
    """

    _in_repr = (
        "num_embeddings", "embedding_dim", "max_norm=?", "norm_type=?", "scale_grad_by_freq=?", "mode=", "padding_idx=?"
    )  # fmt: skip

    def __init__(
        self,
        num_embeddings: Size,
        embedding_dim: Size,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Annotated[str, "mean", "sum", "max"] = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        dtype: Any = None,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset
        self.padding_idx = _row_of("EmbeddingBag", num_embeddings, padding_idx)
        self.weight = _table(num_embeddings, embedding_dim, self.padding_idx, dtype)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, **settings: Any) -> EmbeddingBag:
        """One with a copy of the table `embeddings` (v, d) as its weight, and `settings`; not trained if `freeze`."""
        table = embeddings if isinstance(embeddings, Tensor) else Tensor(embeddings)
        layer = cls(table.shape[0], table.shape[1], **settings, dtype=table.dtype)
        layer.weight = Parameter(table.data.copy(), requires_grad=not freeze)
        return layer

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Tensor:
        """A row for each bag of the indices `input`."""
        settings = (self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse)
        last = (self.include_last_offset, self.padding_idx)
        return functional.embedding_bag(input, self.weight, offsets, *settings, per_sample_weights, *last)


def _row_of(name: str, count: int, padding_idx: int | None) -> int | None:
    """The row `padding_idx`, counted from the front; ValueError if there is none."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ValueError(f"{name}: padding_idx {padding_idx} is outside the {count} rows.")
    return padding_idx % count


def _table(count: int, size: int, padding_idx: int | None, dtype: Any) -> Parameter:
    values = random.generator().standard_normal((count, size))
    if padding_idx is not None:
        values[padding_idx] = 0
    return Parameter(values.astype(get_default_dtype() if dtype is None else dtype))
