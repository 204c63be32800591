"""One-hot encoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.engine.tensor import Tensor
from micrograd_np.numpy_api import order
from micrograd_np.ops.axes import whole
from micrograd_np.ops.checks import check, places_within


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """For each integer i a row with 1 at position i: ``(…) -> (…, num_classes)``.

    With ``num_classes=-1`` there is one class more than the largest integer. TypeError unless `tensor` holds integers,
    ValueError for one that is negative or too large.

    >>> one_hot(Tensor([0, 2]))
    Tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    x = tensor if isinstance(tensor, Tensor) else Tensor(tensor)
    if x.data.dtype.kind not in "iu":
        raise TypeError(f"one_hot: needs integers, found {x.dtype}.")
    num_classes = whole(num_classes, "num_classes")
    if num_classes == -1 and x.size:
        num_classes = x.max().item() + 1
    check(places_within, x, num_classes)
    return order.one_hot(x, num_classes=num_classes, dtype=np.int64)
