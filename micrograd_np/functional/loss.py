"""Losses as functions. PyTorch's names and defaults; shapes that would broadcast are an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.ops.elementwise import maximum, square, subtract
from micrograd_np.ops.index import gather, HOLE
from micrograd_np.ops.reduce import log_softmax, mean, sum  # noqa: A004
from micrograd_np.ops.transcendental import log
from micrograd_np.tensor import Tensor


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """`losses` averaged, summed or as they are: `reduction` is "mean", "sum" or "none"."""
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    message = f"reduction must be 'mean', 'sum' or 'none', found {reduction!r}."
    raise ValueError(message)


def _refuse_broadcast(name: str, input: Any, target: Any) -> None:  # noqa: A002
    """ValueError, if `input` and `target` do not have one shape: they would be compared with repetition."""
    if input.shape == np.shape(target):
        return
    given, wanted = input.shape, np.shape(target)
    try:
        result = f"would broadcast to {np.broadcast_shapes(given, wanted)}"
    except ValueError:
        result = "do not fit together"
    if given == (*wanted, 1):
        fix = "Reshape one: target[:, None]" if len(wanted) == 1 else "Reshape one: target[..., None]"
    elif wanted == (*given, 1):
        fix = "Reshape one: input[:, None]" if len(given) == 1 else "Reshape one: input[..., None]"
    else:
        fix = "Give both one shape"
    message = f"{name}: input is {given} and target is {wanted}; they {result}. {fix}."
    raise ValueError(message)


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:  # noqa: A002
    """Squared error ``(input − target)²``, averaged unless `reduction` says otherwise: ``(…), (…) -> ()``.

    Raises ValueError when the shapes differ, also when they would broadcast.

    >>> mse_loss(Tensor([1.0, 2.0]), [0.0, 4.0])
    Tensor(2.5)
    """
    input = input if isinstance(input, Tensor) else Tensor(input)  # noqa: A001
    target = target if isinstance(target, (Tensor, np.ndarray)) else np.asarray(target)
    if input.data.shape != target.shape:
        _refuse_broadcast("mse_loss", input, target)
    return reduced(square(subtract(input, target)), reduction)


def binary_cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Tensor:  # noqa: A002
    """−(y log p + (1 − y) log(1 − p)), in nats, for probabilities p (`input`) and targets y in [0, 1]: ``(…), (…) -> ()``.

    Each logarithm is at least −100, as in PyTorch, so that p = 0 or 1 gives a finite loss. Raises ValueError for unequal
    shapes and for an input outside [0, 1]. For logits use a loss that takes logits.

    >>> round(binary_cross_entropy(Tensor([0.5, 0.5]), [0.0, 1.0]).item(), 6)  # log 2
    0.693147
    """
    input = input if isinstance(input, Tensor) else Tensor(input)  # noqa: A001
    target = target if isinstance(target, (Tensor, np.ndarray)) else np.asarray(target)
    _refuse_broadcast("binary_cross_entropy", input, target)
    if input.data.size and not (input.data.min() >= 0 and input.data.max() <= 1):
        message = (
            f"binary_cross_entropy: input must be probabilities in [0, 1], found values from {input.data.min():.4g} to "
            f"{input.data.max():.4g}. Apply sigmoid first."
        )
        raise ValueError(message)
    tiny = 3.8e-44  # exp(−100): the logarithm of anything smaller would be clamped to −100
    yes = log(maximum(input, tiny))
    no = log(maximum(1 - input, tiny))
    return reduced(-(target * yes + (1 - target) * no), reduction)


def cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Tensor:  # noqa: A002
    """Negative log-probability, in nats, of the right class, from logits: ``(n, c), (n,) -> ()``.

    `target` are integers in [0, c). Raises IndexError for a label outside, ValueError for unequal n, TypeError for
    labels that are not integers. Stable for any logits: the largest is subtracted first.
    Source: Bishop (2006), eq. 4.108; the gradient is (softmax(logits) − onehot(labels)) / n.

    >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [1]).item(), 6)  # log 2
    0.693147
    """
    input = input if isinstance(input, Tensor) else Tensor(input)  # noqa: A001
    labels = target.data if isinstance(target, Tensor) else np.asarray(target)
    _check_labels(input, labels)
    picked = gather(log_softmax(input, axis=-1), np.arange(len(labels)), labels, index=(HOLE, HOLE))
    return reduced(-picked, reduction)


def _check_labels(input: Tensor, labels: Any) -> None:  # noqa: A002
    if labels.dtype.kind not in "iu":
        message = f"cross_entropy: target must be class indices (integers), found {labels.dtype}."
        raise TypeError(message)
    if input.ndim != 2 or labels.shape != input.shape[:1]:  # noqa: PLR2004
        message = f"cross_entropy: input is {input.shape} and target is {labels.shape}; they must be (n, c) and (n,)."
        raise ValueError(message)
    c = input.shape[1]
    if labels.size and (labels.min() < 0 or labels.max() >= c):
        wrong = int(labels[(labels < 0) | (labels >= c)][0])
        message = f"cross_entropy: target {wrong} is out of bounds; the {c} classes are 0 to {c - 1}."
        raise IndexError(message)
