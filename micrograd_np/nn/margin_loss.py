"""Losses with a margin, or of pairs and triplets, as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd_np import functional
from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor

from . import loss
from .loss import FunctionalLoss, Loss


class MultiMarginLoss(Loss, function=functional.multi_margin_loss):
    """How far wrong classes come within a margin; see `micrograd_np.functional.multi_margin_loss`."""

    _example = (), ([[2.0, -1.0], [0.5, 1.0]], [0, 1])

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class MultiLabelMarginLoss(Loss, function=functional.multilabel_margin_loss):
    """How far other classes come within 1 of each right one; see `micrograd_np.functional.multilabel_margin_loss`."""

    _example = (), ([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]])


class SoftMarginLoss(Loss, function=functional.soft_margin_loss):
    """log(1 + exp(−y x)) for y of −1 or 1; see `micrograd_np.functional.soft_margin_loss`."""

    _example = (), ([0.5, 2.0], [1.0, -1.0])


class HingeEmbeddingLoss(Loss, function=functional.hinge_embedding_loss):
    """Small distances for y = 1, large ones for −1; see `micrograd_np.functional.hinge_embedding_loss`."""

    _example = (), ([0.5, 0.2], [1.0, -1.0])

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self._hold(locals())


class _PairLoss(FunctionalLoss):
    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self._hold(locals())

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        """The loss of pairs, of which `input1` has the first and `input2` the second, against `target`."""
        return self._loss(input1, input2, target)


class CosineEmbeddingLoss(_PairLoss, function=functional.cosine_embedding_loss):
    """Small angles for y = 1, large ones for −1; see `micrograd_np.functional.cosine_embedding_loss`."""

    _example = (), ([[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [0.0, 1.0]], [1.0, -1.0])


class MarginRankingLoss(_PairLoss, function=functional.margin_ranking_loss):
    """The first ranks higher for y = 1, lower for −1; see `micrograd_np.functional.margin_ranking_loss`."""

    _example = (), ([0.5, 2.0], [1.0, 1.0], [1.0, 1.0])


class TripletMarginLoss(FunctionalLoss, function=functional.triplet_margin_loss):
    """The anchor lies nearer to the positive than to the negative; see `functional.triplet_margin_loss`."""

    _example = (), ([[0.0, 0.0]], [[1.0, 0.0]], [[1.5, 0.0]])

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        self._hold(locals())

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """The loss of triples of vectors."""
        return self._loss(anchor, positive, negative)


class TripletMarginWithDistanceLoss(FunctionalLoss, function=functional.triplet_margin_with_distance_loss):
    """`TripletMarginLoss` by a distance of your own; see `functional.triplet_margin_with_distance_loss`.

    ValueError for a `margin` that is not positive.
    """

    _example = (), ([[0.0, 0.0]], [[1.0, 0.0]], [[1.5, 0.0]])

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        require_value("TripletMarginWithDistanceLoss", "margin", margin, margin > 0, "positive")
        self._hold(locals())

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """The loss of triples of vectors."""
        return self._function(anchor, positive, negative, **{name: getattr(self, name) for name in self._settings})


for _name in ("CosineEmbedding", "HingeEmbedding", "MarginRanking", "MultiMargin", "SoftMargin", "TripletMargin"):
    setattr(loss, f"{_name}Loss", globals()[f"{_name}Loss"])  # where older pickles look for them
