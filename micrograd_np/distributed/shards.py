"""A batch cut into shards, whose number does not depend on the workers."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.messages import describe_value, must_be
from micrograd_np.core.trees import mapped, values
from micrograd_np.data.loader import UnreadBatch
from micrograd_np.engine.tensor import Tensor

_KIND = "arrays or tensors, alone or in a tuple, list or dict, whose first axes run over the samples"


class Pieces(dict[int, Any]):
    """Shards by number, which were cut in another process."""


def length(batch: Any) -> int:
    """How many samples a batch has; ValueError where its parts differ, TypeError where nothing has a first axis."""
    if isinstance(batch, UnreadBatch):
        return len(batch)
    counts = {len(x) for x in values(batch) if getattr(x, "ndim", 0)}
    if not counts:
        advice = "Lists of numbers are none: pass np.asarray(…)."
        raise TypeError(must_be("data_parallel", "the batch", _KIND, describe_value(batch), advice))
    if len(counts) > 1:
        shapes = " and ".join(str(x.shape) for x in values(batch) if getattr(x, "ndim", 0))
        raise ValueError(f"data_parallel: the parts of the batch are {shapes}; their first axes must be equal.")
    return counts.pop()


def cut(batch: Any, k: int, shards: int) -> Any:
    """Shard `k` of `shards`: neighbouring samples, as many as any other shard has, or one more.

    Numbers and other parts without a first axis are in every shard. Of an unread batch, this shard alone is read.
    """
    if isinstance(batch, Pieces):
        return batch[k]
    n = length(batch)
    start, stop = k * n // shards, (k + 1) * n // shards
    if isinstance(batch, UnreadBatch):
        return batch.read(start, stop, k)

    def rows(x: Any) -> Any:
        if not getattr(x, "ndim", 0):
            return x
        data = np.require(x.data[start:stop] if isinstance(x, Tensor) else x[start:stop], requirements="A")
        return Tensor(data) if isinstance(x, Tensor) else data

    return mapped(rows, batch)


def check_size(n: int, shards: int) -> None:
    """Raise ValueError for a batch of fewer samples than shards."""
    if n < shards:
        raise ValueError(
            f"data_parallel: the batch has {n} samples and is cut into {shards} shards; each needs one. Pass "
            f"drop_last=True to the DataLoader if it is the last of an epoch, or a smaller shards= to data_parallel."
        )
