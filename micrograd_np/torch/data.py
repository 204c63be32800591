"""PyTorch's data sets and loaders: this package's, whose samples and batches are PyTorch's tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from micrograd_np import data

from .tensor import as_torch


def default_collate(batch: Any) -> Any:
    """Samples as one batch of tensors: of Python's floats in float64, as PyTorch does."""
    return as_torch(data.collate(batch))


class DataLoader(data.DataLoader):
    """Batches of a dataset, as lists of tensors, or its samples if `batch_size` is None.

    `num_workers` threads prepare them ahead.
    """

    def __init__(self, dataset: Any, batch_size: int | None = 1, *args: Any, **settings: Any) -> None:
        for name in ("pin_memory", "timeout", "persistent_workers", "prefetch_factor", "multiprocessing_context"):
            settings.pop(name, None)
        if settings.pop("worker_init_fn", None) is not None:
            raise NotImplementedError("DataLoader: workers are threads, so there is no worker_init_fn.")
        if batch_size is None:  # each sample is a batch of its own, which nothing collates
            collate = settings.get("collate_fn") or (lambda sample: sample)
            settings["collate_fn"], batch_size = lambda batch: collate(*batch), 1
        super().__init__(dataset, batch_size, *args, **settings)

    def __iter__(self) -> Iterator[Any]:
        return map(as_torch, super().__iter__())


class TensorDataset(data.TensorDataset):
    """Samples along the first axis of tensors."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__(*tensors)
        self.tensors = tensors

    def __getitem__(self, i: Any) -> Any:
        return as_torch(super().__getitem__(i))
