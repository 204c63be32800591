"""Losses as modules: each holds its settings, and is called with (input, target); `functional` says what they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import functional
from micrograd_np.engine.tensor import Tensor
from micrograd_np.functional.loss import REDUCTIONS

from .module import Module


class _Loss(Module):
    weight: Any
    pos_weight: Any

    def __init__(self, reduction: str = "mean") -> None:
        allowed = (*REDUCTIONS, "batchmean") if isinstance(self, KLDivLoss) else REDUCTIONS
        if reduction not in allowed:
            message = f"{type(self).__name__}: reduction must be one of {', '.join(allowed)}, found {reduction!r}."
            raise ValueError(message)
        self.reduction = reduction

    def _weigh(self, **weights: Any) -> None:
        """Keep weights of classes or elements as buffers, or as None."""
        for name, weight in weights.items():
            self.register_buffer(name, np.asarray(weight) if isinstance(weight, (list, tuple)) else weight)


class MSELoss(_Loss):
    """Mean squared error; see `micrograd_np.functional.mse_loss`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """Mean absolute error; see `micrograd_np.functional.l1_loss`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.l1_loss(input, target, self.reduction)


class SmoothL1Loss(_Loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.smooth_l1_loss(input, target, self.reduction, self.beta)


class HuberLoss(_Loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(_Loss):
    """Kullback–Leibler divergence from log-probabilities; see `micrograd_np.functional.kl_div` for "batchmean"."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.kl_div(input, target, self.reduction, self.log_target)


class PoissonNLLLoss(_Loss):
    """Negative log-likelihood of counts; see `micrograd_np.functional.poisson_nll_loss`."""

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Any, target: Any) -> Tensor:
        """The loss of `log_input`, by PyTorch's name also where it is no logarithm, against `target`."""
        return functional.poisson_nll_loss(log_input, target, self.log_input, self.full, self.eps, self.reduction)


class GaussianNLLLoss(_Loss):
    """Negative log-likelihood under normal distributions; see `micrograd_np.functional.gaussian_nll_loss`."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Any, target: Any, var: Any) -> Tensor:
        """The loss of means `input` and variances `var` against `target`."""
        return functional.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


class CrossEntropyLoss(_Loss):
    """Cross-entropy of logits with class indices or probabilities; see `micrograd_np.functional.cross_entropy`."""

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(reduction)
        self._weigh(weight=weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of logits `input` against `target`."""
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_Loss):
    """Cross-entropy of log-probabilities with class indices; see `micrograd_np.functional.nll_loss`."""

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self._weigh(weight=weight)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of log-probabilities `input` against `target`."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class MultiMarginLoss(_Loss):
    """How far wrong classes come within a margin; see `micrograd_np.functional.multi_margin_loss`."""

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self._weigh(weight=weight)
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of scores `input` against class indices `target`."""
        return functional.multi_margin_loss(input, target, self.p, self.margin, self.weight, self.reduction)


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities; see `micrograd_np.functional.binary_cross_entropy`."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self._weigh(weight=weight)

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of logits; see `micrograd_np.functional.binary_cross_entropy_with_logits`."""

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self._weigh(weight=weight, pos_weight=pos_weight)

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


class SoftMarginLoss(_Loss):
    """log(1 + exp(−y x)) for y of −1 or 1; see `micrograd_np.functional.soft_margin_loss`."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return functional.soft_margin_loss(input, target, self.reduction)


class HingeEmbeddingLoss(_Loss):
    """Small distances for y = 1, large ones for −1; see `micrograd_np.functional.hinge_embedding_loss`."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of distances `input` against `target`."""
        return functional.hinge_embedding_loss(input, target, self.margin, self.reduction)


class CosineEmbeddingLoss(_Loss):
    """Small angles for y = 1, large ones for −1; see `micrograd_np.functional.cosine_embedding_loss`."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        """The loss of pairs of vectors against `target`."""
        return functional.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class MarginRankingLoss(_Loss):
    """The first ranks higher for y = 1, lower for −1; see `micrograd_np.functional.margin_ranking_loss`."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Any, input2: Any, target: Any) -> Tensor:
        """The loss of pairs of scores against `target`."""
        return functional.margin_ranking_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(_Loss):
    """The anchor lies nearer to the positive than to the negative; see `functional.triplet_margin_loss`."""

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """The loss of triples of vectors."""
        return functional.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )
