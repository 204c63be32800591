"""Distances and similarities of vectors, and the losses made of them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from micrograd_np.core.messages import require_value
from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api.elementary import hypot
from micrograd_np.numpy_api.order import any  # noqa: A004
from micrograd_np.numpy_api.statistics import norm
from micrograd_np.ops.axes import within
from micrograd_np.ops.choice import masked_zero, maximum, minimum, relu, where
from micrograd_np.ops.comparison import equal
from micrograd_np.ops.elementwise import absolute, multiply
from micrograd_np.ops.reduce import sum  # noqa: A004
from micrograd_np.ops.shape import broadcast_to
from micrograd_np.ops.transcendental import power

from .loss import reduced
from .operands import as_floats, as_like, operands, refuse_broadcast, tensor_or_array


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along axis `dim`: ``(n, d), (n, d) -> (n,)``, broadcasting.

    Lengths count as `eps` at least, so that a zero vector has similarity 0.
    ValueError for shapes that do not broadcast.

    >>> cosine_similarity(Tensor([[3.0, 4.0]]), Tensor([[6.0, 8.0]]))
    Tensor([1.])
    """
    x1, x2 = as_floats(x1), as_floats(x2)
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ValueError(f"cosine_similarity: x1 is {x1.shape} and x2 is {x2.shape}, which do not broadcast.") from None
    units = (
        x / maximum(norm(x, axis=dim, keepdims=True), eps)  # first, so that no product overflows
        for x in (broadcast_to(x, shape=shape) if x.shape != shape else x for x in (x1, x2))
    )
    return sum(multiply(*units), axis=dim)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The `p`-norm of x1 − x2 + eps along the last axis: ``(n, d), (n, d) -> (n,)``, broadcasting.

    >>> round(pairwise_distance(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]])).item(), 4)
    5.0
    """
    return vector_norm(as_floats(x1) - as_floats(x2) + eps, p, keepdims=keepdim)


def vector_norm(x: Any, p: float, axis: int = -1, keepdims: bool = False) -> Any:
    """The `p`-norm along one axis: p = 0 counts what is not 0, −inf is the smallest. The subgradient at 0 is 0."""
    if within(p, "p") and p in (0, 1, 2, inf, -inf):
        return norm(x, p, axis, keepdims)
    size = absolute(x)
    zero = equal(size, 0)  # where a power has no slope, or no value
    powers = masked_zero(power(where(zero, 1, size), p), zero)
    total = sum(powers, axis=axis, keepdims=keepdims)
    none = any(zero, axis=axis, keepdims=keepdims) if p < 0 else equal(total, 0)
    return masked_zero(power(where(none, 1, total), 1 / p), none)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) − d(anchor, negative) + margin): ``(n, d), (n, d), (n, d) -> ()``.

    With `swap` the negative's distance from the positive counts where that is smaller. ValueError for unequal shapes.
    Source: Balntas et al. (2016).

    >>> import micrograd_np as mg
    >>> anchor, near, far = mg.Tensor([[0.0, 0.0]]), mg.Tensor([[1.0, 0.0]]), mg.Tensor([[1.5, 0.0]])
    >>> mg.functional.triplet_margin_loss(anchor, near, far).round(3)
    Tensor(0.5)
    """
    anchor, positive, negative = operands("triplet_margin_loss", anchor, positive=positive, negative=negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(relu(near - far + margin), reduction)


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` by a distance of your own: ``(n, d), (n, d), (n, d) -> ()``.

    `distance_function` takes two tensors (n, d) and returns the distances (n,); `pairwise_distance` by default.
    ValueError unless `margin` is positive.

    >>> apart = lambda x, y: (x - y).abs().sum(axis=-1)
    >>> triplet_margin_with_distance_loss([[0.0]], [[1.0]], [[1.5]], distance_function=apart)
    Tensor(0.5)
    """
    suits = within(margin, "margin", 0) and margin != 0
    require_value("triplet_margin_with_distance_loss", "margin", margin, suits, "positive")
    anchor, positive, negative = operands(
        "triplet_margin_with_distance_loss", anchor, positive=positive, negative=negative
    )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(relu(near - far + margin), reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Tensor:
    """max(0, −y (x1 − x2) + margin): y = 1 wants x1 to rank higher, −1 lower: ``(n,), (n,), (n,) -> ()``.

    ValueError for unequal shapes.

    >>> margin_ranking_loss(Tensor([1.0]), Tensor([3.0]), [1])
    Tensor(2.)
    """
    x1, x2, target = operands("margin_ranking_loss", input1, input2=input2, target=target)
    return reduced(relu(margin - target * (x1 - x2)), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """1 − cos where y is 1, max(0, cos − margin) where it is −1: ``(n, d), (n, d), (n,) -> ()``; also (d,), (d,), ().

    ValueError for shapes that do not belong together.

    >>> import micrograd_np as mg
    >>> x, y = mg.Tensor([[1.0, 0.0]]), mg.Tensor([[1.0, 1.0]])
    >>> mg.functional.cosine_embedding_loss(x, y, [1.0])
    Tensor(0.29289322)
    """
    x1, x2 = operands("cosine_embedding_loss", input1, input2=input2)
    target = as_like(tensor_or_array(target), x1)
    if target.shape != x1.shape[:-1]:
        refuse_broadcast("cosine_embedding_loss", "input1[..., 0]", x1.shape[:-1], "target", target.shape)
    tiny = 1e-6  # as in PyTorch: the angle of a zero vector is a right one
    first, second = (x / hypot(norm(x, axis=-1, keepdims=True), tiny) for x in (x1, x2))
    cosine = sum(first * second, axis=-1)
    return reduced(where(equal(target, 1), 1 - cosine, relu(cosine - margin) * equal(target, -1)), reduction)
