"""Losses of scores against classes: cross-entropy and its relatives, for many classes, and for two.

Class labels are data, which changes from batch to batch: they are inputs of the primitives here, without a derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import must_be, require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.cumulative import cumsum
from micrograd_np.numpy_api.order import take_along_axis
from micrograd_np.ops.axes import within
from micrograd_np.ops.checks import check, labels_within, probabilities_within
from micrograd_np.ops.choice import masked_keep, relu, where
from micrograd_np.ops.comparison import equal, greater, logical_and, logical_not, not_equal
from micrograd_np.ops.elementwise import multiply, zero_safe_multiply
from micrograd_np.ops.fused.losses import bce, bce_with_logits, gather_labels, one_hot_mask, softmax_cross_entropy
from micrograd_np.ops.fused.softmax import log_softmax
from micrograd_np.ops.reduce import mean, sum  # noqa: A004
from micrograd_np.ops.shape import reshape, transpose
from micrograd_np.ops.state import astype

from .loss import reduced
from .operands import as_floats, as_like, operands, refuse_broadcast, tensor_or_array


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Negative log-probability, in nats, of the right class, from logits: ``(n, c), (n,) -> ()``.

    `input` may also be (c,) with one label, or (n, c, d, …) with labels (n, d, …). `target` are integers in [0, c), or
    probabilities of the shape of `input`. `weight` (c,) counts classes more or less; "mean" divides by the weights of
    the labels, so that all labels being `ignore_index` gives nan, with a gradient of 0. `label_smoothing` ε mixes the
    target with the uniform distribution. Stable for any logits: the largest is subtracted first.

    Raises IndexError for a label outside, ValueError for shapes that do not belong together, TypeError for labels that
    are neither. Source: Bishop (2006), eq. 4.108; the gradient is (softmax(logits) − onehot(labels)) / n.

    >>> round(cross_entropy(Tensor([[0.0, 0.0]]), [1]).item(), 6)  # log 2
    0.693147
    """
    x = as_floats(input)
    if not x.ndim:
        raise ValueError("cross_entropy: input is one number; it must be (n, c), or (c,) for one sample.")
    target = tensor_or_array(target)
    suits = within(label_smoothing, "label_smoothing", 0, 1)
    require_value("cross_entropy", "label_smoothing", label_smoothing, suits, "in [0, 1]")
    if target.dtype.kind == "f" and target.shape == x.shape:
        return _against_probabilities(x, as_like(target, x), weight, reduction, label_smoothing)
    labels = _labels("cross_entropy", x, target, ignore_index)
    if weight is None and not label_smoothing:
        losses = softmax_cross_entropy(_rows(x), reshape(labels, shape=(-1,)), ignore=ignore_index)
        return _averaged(losses, labels, not_equal(labels, ignore_index), reduction)
    kept = reshape(not_equal(labels, ignore_index), shape=(-1, 1))
    logs = log_softmax(masked_keep(_rows(x), kept))
    return _from_logs("cross_entropy", logs, labels, weight, ignore_index, reduction, label_smoothing)


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    """Minus the log-probability of the right class, from log-probabilities: ``(n, c), (n,) -> ()``.

    `weight`, `ignore_index`, further axes and errors as in `cross_entropy`.

    >>> nll_loss(Tensor([[-0.5, -1.0]]), [1])
    Tensor(1.)
    """
    x = as_floats(input)
    labels = _labels("nll_loss", x, target, ignore_index)
    return _from_logs("nll_loss", _rows(x), labels, weight, ignore_index, reduction, 0.0)


def _from_logs(
    name: str, logs: Any, labels: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    """The losses from rows of log-probabilities, with class weights and label smoothing."""
    flat = reshape(labels, shape=(-1,))
    kept = not_equal(flat, ignore_index)
    safe = flat * kept
    counted, losses = kept, masked_keep(-gather_labels(logs, safe), kept)
    if weight is not None:
        weight = _class_weights(name, weight, logs)
        counted = kept * _weight_of(weight, safe, logs.shape[-1])
        losses = zero_safe_multiply(losses, counted)  # of nothing the mean's gradient is inf
    if smoothing:
        evenly = masked_keep(-sum(logs if weight is None else logs * weight, axis=-1) / logs.shape[-1], kept)
        losses = (1 - smoothing) * losses + smoothing * evenly
    return _averaged(losses, labels, counted, reduction)


def _averaged(losses: Any, labels: Any, counted: Any, reduction: str) -> Tensor:
    if reduction == "mean":
        return sum(losses) / astype(sum(counted), dtype=losses.dtype)
    return reduced(reshape(losses, shape=labels.shape), reduction)


def _against_probabilities(input: Tensor, target: Any, weight: Any, reduction: str, smoothing: float) -> Tensor:
    logs, target = log_softmax(_rows(input)), _rows(target)
    if smoothing:
        target = (1 - smoothing) * target + smoothing / max(logs.shape[-1], 1)
    if weight is not None:
        target = target * _class_weights("cross_entropy", weight, logs)
    losses = -sum(zero_safe_multiply(target, logs), axis=-1)  # 0 log 0 = 0
    if reduction == "none":
        return reshape(losses, shape=_label_shape(input))
    return reduced(losses, reduction)


def _rows(x: Any) -> Any:
    """(n, c, d, …) as (n · d · …, c)."""
    if x.ndim == 2:
        return x
    if x.ndim == 1:
        return reshape(x, shape=(1, -1))
    return reshape(transpose(x, axes=(0, *range(2, x.ndim), 1)), shape=(-1, x.shape[1]))


def _label_shape(input: Tensor) -> tuple[int, ...]:
    """The shape of `input` without the axis of the classes."""
    return (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()


def _weight_of(weight: Any, labels: Any, classes: int) -> Any:
    return sum(one_hot_mask(labels, classes=classes) * weight, axis=-1)


def _class_weights(name: str, weight: Any, logs: Any) -> Any:
    weight = as_like(weight, logs)
    if weight.shape != logs.shape[-1:]:
        raise ValueError(f"{name}: weight is {weight.shape}; it must be ({logs.shape[-1]},), one for each class.")
    return weight


def _label_advice(input: tuple[int, ...], labels: tuple[int, ...]) -> str:
    if labels == (*input[:1], 1):
        return " Of a column of labels, write target[:, 0]."
    return " Of rows with a 1 for the class, write target.argmax(1)." if labels == input and len(input) > 1 else ""


def _labels(name: str, input: Tensor, labels: Any, ignore_index: int | None) -> Any:
    """`labels`, checked: integers, of a shape that belongs to `input`, in range."""
    labels = tensor_or_array(labels)
    if labels.dtype.kind not in "iu":
        kind = f"{labels.dtype} of shape {labels.shape}"
        advice = "Write target.astype(int)."
        if labels.ndim > max(input.ndim, 1):
            advice = "Is it the other way round? The input comes first, then the target."
        elif name == "cross_entropy":
            advice += f" Probabilities must have the shape of input, {input.shape}."
        raise TypeError(must_be(name, "target", "class indices (integers)", kind, advice))
    if not input.ndim or labels.shape != _label_shape(input):
        raise ValueError(
            f"{name}: input is {input.shape} and target is {labels.shape}; they must be (n, c) and (n,), "
            f"(n, c, d, …) and (n, d, …), or (c,) and ().{_label_advice(input.shape, labels.shape)}"
        )
    classes = input.shape[1 if input.ndim > 1 else 0]
    check(labels_within, labels, name, classes, ignore_index)
    return labels


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """How far other classes come within `margin` of the right one: ``(n, c), (n,) -> ()``.

    Σ max(0, margin − x[y] + x[j])ᵖ / c over the classes j other than the right one, y.

    `weight` (c,) scales a row by the weight of its class. IndexError for a label outside, ValueError for unequal n.

    >>> multi_margin_loss(Tensor([[1.0, 0.5]]), [0])
    Tensor(0.25)
    """
    x = as_floats(input)
    labels = _labels("multi_margin_loss", x, target, None)
    rows, flat = _rows(x), reshape(labels, shape=(-1,))
    classes = rows.shape[-1]
    right = one_hot_mask(flat, classes=classes)
    excess = relu(margin + rows - reshape(gather_labels(rows, flat), shape=(-1, 1)))
    losses = where(right, 0, excess if p == 1 else excess**p)
    if weight is not None:
        weights = _weight_of(_class_weights("multi_margin_loss", weight, rows), flat, classes)
        losses = losses * reshape(weights, shape=(-1, 1))
    return reduced(reshape(sum(losses, axis=-1) / classes, shape=labels.shape), reduction)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """How far other classes come within 1 of each right one: ``(n, c), (n, c) -> ()``; also ``(c,), (c,) -> ()``.

    Σ max(0, 1 − x[y] + x[j]) / c over the right classes y and the others j. `target` lists the right classes of a row
    from the left, up to the first −1. IndexError for a class outside, ValueError for unequal shapes, TypeError for
    classes that are no integers.

    >>> multilabel_margin_loss(Tensor([0.5, 1.0]), [1, -1]).item()
    0.25
    """
    x, labels = as_floats(input), tensor_or_array(target)
    if labels.dtype.kind not in "iu":
        raise TypeError(must_be("multilabel_margin_loss", "target", "class indices (integers)", f"{labels.dtype}"))
    if labels.shape != x.shape or x.ndim not in (1, 2):
        refuse_broadcast("multilabel_margin_loss", "input", x.shape, "target", labels.shape)
    classes = x.shape[-1]
    check(labels_within, labels, "multilabel_margin_loss", classes, -1)
    listed = equal(cumsum(equal(labels, -1).astype(np.int64), axis=-1), 0)
    labels = labels * listed  # what is not listed is 0, and does not count
    right = greater(sum(one_hot_mask(labels, classes=classes) * reshape(listed, shape=(*x.shape, 1)), axis=-2), 0)
    scores = reshape(take_along_axis(x, labels, axis=-1), shape=(*x.shape, 1))
    near = relu(1 - (scores - reshape(x, shape=(*x.shape[:-1], 1, classes))))
    counted = logical_and(
        reshape(listed, shape=(*x.shape, 1)), logical_not(reshape(right, shape=(*x.shape[:-1], 1, classes)))
    )
    return reduced(sum(masked_keep(near, counted), axis=(-2, -1)) / classes, reduction)


# two classes


def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy with logits, averaged over the classes, the last axis: ``(n, c), (n, c) -> ()``.

    `weight` (c,) scales the classes. ValueError for unequal shapes.

    >>> round(multilabel_soft_margin_loss(Tensor([[0.0, 0.0]]), [[1, 0]]).item(), 6)  # log 2
    0.693147
    """
    x, target = operands("multilabel_soft_margin_loss", input, target=target)
    losses = bce_with_logits(x, target)
    return reduced(mean(losses if weight is None else losses * as_like(weight, x), axis=-1), reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """−(y log σ(x) + (1 − y) log(1 − σ(x))), in nats, for logits x and targets y in [0, 1]: ``(…), (…) -> ()``.

    `weight`, which broadcasts, scales the losses; `pos_weight`, which broadcasts, those of y = 1 alone. Stable for any
    logits. ValueError for unequal shapes of input and target.

    >>> round(binary_cross_entropy_with_logits(Tensor([0.0]), [1.0]).item(), 6)  # log 2
    0.693147
    """
    x, target = operands("binary_cross_entropy_with_logits", input, target=target)
    if pos_weight is None:
        losses = bce_with_logits(x, target)
    else:
        heavier = (as_like(pos_weight, x) - 1) * target + 1
        losses = (1 - target) * x + heavier * bce_with_logits(x, 1)
    return reduced(losses if weight is None else losses * as_like(weight, x), reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """−(y log p + (1 − y) log(1 − p)), in nats, for probabilities p, `input`, and targets y: ``(…), (…) -> ()``.

    As in PyTorch each logarithm is at least −100, so that p = 0 or 1 gives a finite loss, and p (1 − p) counts as 1e-12
    at least in the gradient. ValueError for unequal shapes, and for an input or a target outside [0, 1]. For
    logits use `binary_cross_entropy_with_logits`.

    >>> round(binary_cross_entropy(Tensor([0.5, 0.5]), [0.0, 1.0]).item(), 6)  # log 2
    0.693147
    """
    x, target = operands("binary_cross_entropy", input, target=target)
    check(probabilities_within, x, "input", "Apply sigmoid first, or use binary_cross_entropy_with_logits.")
    check(probabilities_within, target, "target", "Write labels as 0 and 1.")
    losses = bce(x, target)
    return reduced(losses if weight is None else losses * as_like(weight, x), reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """log(1 + exp(−y x)) for targets y of −1 or 1: ``(…), (…) -> ()``. Stable for any x; ValueError for unequal shapes.

    >>> round(soft_margin_loss(Tensor([0.0]), [1.0]).item(), 6)  # log 2
    0.693147
    """
    x, target = operands("soft_margin_loss", input, target=target)
    return reduced(bce_with_logits(multiply(x, target), 1), reduction)


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """The distance x where y is 1, max(0, margin − x) where it is −1: ``(…), (…) -> ()``.

    ValueError for unequal shapes.

    >>> hinge_embedding_loss(Tensor([0.2, 0.2]), [1, -1])
    Tensor(0.5)
    """
    x, target = operands("hinge_embedding_loss", input, target=target)
    far = where(equal(target, 1), 0, relu(margin - x))
    return reduced(where(equal(target, -1), 0, x) + far, reduction)
