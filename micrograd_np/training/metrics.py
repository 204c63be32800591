"""How good predictions are, as numbers. All take ``(predictions, targets)``, arrays or tensors, whole sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.errors import unmasked
from micrograd_np.core.messages import must_be
from micrograd_np.engine.tensor import Tensor

_Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _array(x: Any) -> np.ndarray[Any, Any]:
    return x.detach().data if isinstance(x, Tensor) else np.asarray(unmasked(x, "metrics"))


def _paired(predicted: Any, true: Any, caller: str) -> _Arrays:
    if predicted.shape != true.shape:
        message = f"{caller}: predictions are {predicted.shape} and targets {true.shape}; there must be one for each."
        raise ValueError(message)
    return predicted, true


def _classes(predictions: Any, targets: Any, caller: str) -> _Arrays:
    """Predicted and true classes, from scores ``(n, c, …)`` or classes. ValueError for shapes that do not match."""
    predicted, true = _array(predictions), _array(targets)
    if predicted.ndim == true.ndim + 1 and predicted.shape[1] != 1:
        predicted = predicted.argmax(axis=1)
    elif predicted.dtype.kind == "f":
        raise ValueError(
            f"{caller}: predictions are {predicted.shape} {predicted.dtype}, targets {true.shape}; give scores (n, c) "
            f"for labels (n,), or classes as integers; for one score per sample use binary_accuracy."
        )
    return _paired(predicted, true, caller)


def _mean(right: Any) -> float:
    return float(right.mean()) if right.size else float("nan")


def accuracy(predictions: Any, targets: Any) -> float:
    """The share of predictions that are right, from scores ``(n, c)`` or classes ``(n,)``; nan for none at all.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    predicted, true = _classes(predictions, targets, "accuracy")
    return _mean(predicted == true)


def binary_accuracy(predictions: Any, targets: Any, threshold: float = 0.5) -> float:
    """The share of scores on the right side of `threshold`: 0.5 for probabilities, 0 for logits. Targets are 0 or 1.

    >>> binary_accuracy([0.2, 0.7, 0.4], [0, 1, 1])
    0.6666666666666666
    """
    scores, true = _paired(_array(predictions), _array(targets), "binary_accuracy")
    return _mean((scores > threshold) == (true > 0.5))


def confusion_matrix(predictions: Any, targets: Any, labels: int | None = None) -> np.ndarray[Any, Any]:
    """How often each class (row) is predicted as each (column): ``(k, k)`` counts; k is `labels`, or the most needed.

    ValueError for a class outside 0 … k − 1.

    >>> confusion_matrix([0, 1, 1, 1], [0, 0, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    predicted, true = _classes(predictions, targets, "confusion_matrix")
    scores = _array(predictions)
    highest = int(max(predicted.max(initial=-1), true.max(initial=-1)))
    needed = scores.shape[1] if scores.ndim == true.ndim + 1 else highest + 1
    k = needed if labels is None else labels
    if needed > k or min(predicted.min(initial=0), true.min(initial=0)) < 0:
        wrong = f"{needed - 1} or a negative"
        raise ValueError(must_be("confusion_matrix", "classes", f"0 to {k - 1} for labels={labels}", wrong))
    return np.bincount(true.ravel() * k + predicted.ravel(), minlength=k * k).reshape(k, k)


def r2_score(predictions: Any, targets: Any) -> float:
    """The share of the targets' variance that the predictions explain: 1 is perfect, 0 is no better than the mean.

    Several outputs ``(n, k)`` count equally. A constant target counts 1 if it is predicted exactly, otherwise 0.

    >>> r2_score([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    predicted, true = _paired(_array(predictions), _array(targets), "r2_score")
    residual = np.square(true - predicted).sum(axis=0)
    variance = np.square(true - true.mean(axis=0)).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(variance > 0, 1 - residual / variance, np.where(residual == 0, 1.0, 0.0))
    return float(explained.mean())
