"""Losses as modules: each holds its settings and calls its function of `functional`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from micrograd_np import functional
from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.functional.loss import REDUCTIONS

from .function_layer import FunctionModule


class FunctionalLoss(FunctionModule):
    """A loss of `functional` with its settings: a reduction, and weights as buffers."""

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
        for name in self._settings:
            tensors += (getattr(self, name),)
        return self._function(*tensors)


class Loss(FunctionalLoss):
    """A `FunctionalLoss` of an input against a target."""

    def forward(self, input: Any, target: Any) -> Tensor:
        """The loss of `input` against `target`."""
        return self._loss(input, target)


class MSELoss(Loss, function=functional.mse_loss):
    """Mean squared error; see `micrograd_np.functional.mse_loss`."""


class L1Loss(Loss, function=functional.l1_loss):
    """Mean absolute error; see `micrograd_np.functional.l1_loss`."""


class SmoothL1Loss(Loss, function=functional.smooth_l1_loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self._hold(locals())


class HuberLoss(Loss, function=functional.huber_loss):
    """Squared error near 0, absolute beyond; see `micrograd_np.functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self._hold(locals())


class KLDivLoss(Loss, function=functional.kl_div):
    """Kullback–Leibler divergence from log-probabilities; see `micrograd_np.functional.kl_div` for "batchmean"."""

    _reductions = (*REDUCTIONS, "batchmean")
    _example = ("batchmean",), ([[-0.5, -1.0]], [[0.6, 0.4]])

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self._hold(locals())


class PoissonNLLLoss(Loss, function=functional.poisson_nll_loss):
    """Negative log-likelihood of counts; see `micrograd_np.functional.poisson_nll_loss`."""

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        self._hold(locals())

    def forward(self, log_input: Any, target: Any) -> Tensor:
        """The loss of `log_input`, by PyTorch's name also where it is no logarithm, against `target`."""
        return self._loss(log_input, target)


class GaussianNLLLoss(FunctionalLoss, function=functional.gaussian_nll_loss):
    """Negative log-likelihood under normal distributions; see `micrograd_np.functional.gaussian_nll_loss`."""

    _example = (), ([0.5, 2.0], [1.0, 1.0], [1.0, 4.0])

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self._hold(locals())

    def forward(self, input: Any, target: Any, var: Any) -> Tensor:
        """The loss of means `input` and variances `var` against `target`."""
        return self._loss(input, target, var)


class CrossEntropyLoss(Loss, function=functional.cross_entropy):
    """Cross-entropy of logits with class indices or probabilities; see `micrograd_np.functional.cross_entropy`."""

    _example = (), ([[2.0, -1.0], [0.5, 1.0]], [0, 1])

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        self._hold(locals())


class NLLLoss(Loss, function=functional.nll_loss):
    """Cross-entropy of log-probabilities with class indices; see `micrograd_np.functional.nll_loss`."""

    _example = (), ([[-0.5, -1.0], [-2.0, -0.1]], [0, 1])

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self._hold(locals())


class MultiLabelSoftMarginLoss(Loss, function=functional.multilabel_soft_margin_loss):
    """Binary cross-entropy of several labels; see `micrograd_np.functional.multilabel_soft_margin_loss`."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class CTCLoss(FunctionalLoss, function=functional.ctc_loss):
    """Minus the log-probability of labels that no one has aligned; see `micrograd_np.functional.ctc_loss`."""

    _example = (), ([[[-1.0, -0.5]], [[-0.3, -1.4]]], [[1]], [2], [1])

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        self._hold(locals())

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Tensor:
        """The loss of log-probabilities (t, n, c) against labels (n, s), of so many steps and labels (n,)."""
        return self._loss(log_probs, targets, input_lengths, target_lengths)


class BCELoss(Loss, function=functional.binary_cross_entropy):
    """Binary cross-entropy of probabilities; see `micrograd_np.functional.binary_cross_entropy`."""

    _example = (), ([0.9, 0.2], [1.0, 0.0])

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self._hold(locals())


class BCEWithLogitsLoss(Loss, function=functional.binary_cross_entropy_with_logits):
    """Binary cross-entropy of logits; see `micrograd_np.functional.binary_cross_entropy_with_logits`."""

    _example = (), ([2.0, -1.0], [1.0, 0.0])

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        self._hold(locals())
