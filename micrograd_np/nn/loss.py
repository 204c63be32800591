"""Losses as modules: each holds its settings; what it computes, `functional` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from micrograd_np import functional
from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.functional.loss import REDUCTIONS

from .function_layer import FunctionModule


class _FunctionalLoss(FunctionModule):
    _reductions: ClassVar[tuple[str, ...]] = REDUCTIONS
    _example: ClassVar[tuple[tuple[Any, ...], tuple[Any, ...]]] = (), ([0.5, 2.0], [1.0, 1.0])

    def __init__(self, reduction: str = "mean") -> None:
        self._hold(locals())

    def _hold(self, arguments: Mapping[str, Any]) -> None:
        """Keep the settings, weights of classes or elements as buffers. ValueError for an unknown reduction."""
        reduction, allowed = arguments["reduction"], self._reductions
        require_value(type(self).__name__, "reduction", reduction, reduction in allowed, f"one of {', '.join(allowed)}")
        weights = {name: arguments[name] for name in ("weight", "pos_weight") if name in arguments}
        super()._hold({name: value for name, value in arguments.items() if name not in weights})
        for name, x in weights.items():
            self.register_buffer(name, np.asarray(x) if isinstance(x, (list, tuple)) else x)

    def _loss(self, *tensors: Any) -> Tensor:
        return self._function(*tensors, *[getattr(self, name) for name in self._settings])


class _Loss(_FunctionalLoss):
    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return self._loss(input, target)


class MSELoss(_Loss, function=functional.mse_loss):
    """Mean squared error; see `micrograd_np.functional.mse_loss`."""


class L1Loss(_Loss, function=functional.l1_loss):
    """Mean absolute error; see `micrograd_np.functional.l1_loss`."""


class SmoothL1Loss(_Loss, function=functional.smooth_l1_loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self._hold(locals())


class HuberLoss(_Loss, function=functional.huber_loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self._hold(locals())


class KLDivLoss(_Loss, function=functional.kl_div):
    """Kullback–Leibler divergence from log-probabilities; see `micrograd_np.functional.kl_div` for "batchmean"."""

    _reductions = (*REDUCTIONS, "batchmean")
    _example = ("batchmean",), ([[-0.5, -1.0]], [[0.6, 0.4]])

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self._hold(locals())


class PoissonNLLLoss(_Loss, function=functional.poisson_nll_loss):
    """Negative log-likelihood of counts; see `micrograd_np.functional.poisson_nll_loss`."""

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        self._hold(locals())

    def forward(self, log_input: Any, target: Any) -> Tensor:
        """The loss of `log_input`, by PyTorch's name also where it is no logarithm, against `target`."""
        return self._loss(log_input, target)


class GaussianNLLLoss(_FunctionalLoss, function=functional.gaussian_nll_loss):
    """Negative log-likelihood under normal distributions; see `micrograd_np.functional.gaussian_nll_loss`."""

    _example = (), ([0.5, 2.0], [1.0, 1.0], [1.0, 4.0])

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self._hold(locals())

    def forward(self, input: Any, target: Any, var: Any) -> Tensor:
        """The loss of means `input` and variances `var` against `target`."""
        return self._loss(input, target, var)


class CrossEntropyLoss(_Loss, function=functional.cross_entropy):
    """Cross-entropy of logits with class indices or probabilities; see `micrograd_np.functional.cross_entropy`."""

    _example = (), ([[2.0, -1.0], [0.5, 1.0]], [0, 1])

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        self._hold(locals())


class NLLLoss(_Loss, function=functional.nll_loss):
    """Cross-entropy of log-probabilities with class indices; see `micrograd_np.functional.nll_loss`."""

    _example = (), ([[-0.5, -1.0], [-2.0, -0.1]], [0, 1])

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self._hold(locals())


class MultiMarginLoss(_Loss, function=functional.multi_margin_loss):
    """How far wrong classes come within a margin; see `micrograd_np.functional.multi_margin_loss`."""

    _example = (), ([[2.0, -1.0], [0.5, 1.0]], [0, 1])

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class MultiLabelMarginLoss(_Loss, function=functional.multilabel_margin_loss):
    """How far other classes come within 1 of each right one; see `micrograd_np.functional.multilabel_margin_loss`."""

    _example = (), ([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]])


class MultiLabelSoftMarginLoss(_Loss, function=functional.multilabel_soft_margin_loss):
    """Binary cross-entropy of several labels; see `micrograd_np.functional.multilabel_soft_margin_loss`."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class CTCLoss(_FunctionalLoss, function=functional.ctc_loss):
    """Minus the log-probability of labels that no one has aligned; see `micrograd_np.functional.ctc_loss`."""

    _example = (), ([[[-1.0, -0.5]], [[-0.3, -1.4]]], [[1]], [2], [1])

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        self._hold(locals())

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Tensor:
        """The loss of log-probabilities (t, n, c) against labels (n, s), of so many steps and labels (n,)."""
        return self._loss(log_probs, targets, input_lengths, target_lengths)


class BCELoss(_Loss, function=functional.binary_cross_entropy):
    """Binary cross-entropy of probabilities; see `micrograd_np.functional.binary_cross_entropy`."""

    _example = (), ([0.9, 0.2], [1.0, 0.0])

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class BCEWithLogitsLoss(_Loss, function=functional.binary_cross_entropy_with_logits):
    """Binary cross-entropy of logits; see `micrograd_np.functional.binary_cross_entropy_with_logits`."""

    _example = (), ([2.0, -1.0], [1.0, 0.0])

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        self._hold(locals())


class SoftMarginLoss(_Loss, function=functional.soft_margin_loss):
    """log(1 + exp(−y x)) for y of −1 or 1; see `micrograd_np.functional.soft_margin_loss`."""

    _example = (), ([0.5, 2.0], [1.0, -1.0])


class HingeEmbeddingLoss(_Loss, function=functional.hinge_embedding_loss):
    """Small distances for y = 1, large ones for −1; see `micrograd_np.functional.hinge_embedding_loss`."""

    _example = (), ([0.5, 0.2], [1.0, -1.0])

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self._hold(locals())


class _PairLoss(_FunctionalLoss):
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


class TripletMarginLoss(_FunctionalLoss, function=functional.triplet_margin_loss):
    """The anchor lies nearer to the positive than to the negative; see `functional.triplet_margin_loss`."""

    _example = (), ([[0.0, 0.0]], [[1.0, 0.0]], [[1.5, 0.0]])

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        self._hold(locals())

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """The loss of triples of vectors."""
        return self._loss(anchor, positive, negative)


class TripletMarginWithDistanceLoss(_FunctionalLoss, function=functional.triplet_margin_with_distance_loss):
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
