"""Sets of samples: one by its index, a part of them, several stacked into a batch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from math import floor, isclose
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.errors import unmasked
from micrograd_np.core.messages import require_type
from micrograd_np.core.settings import checked
from micrograd_np.engine.tensor import Tensor

from .mapped import MappedFile, located

Indices = Any  # a sequence or an array of whole numbers


class Dataset:
    """Derive from this, and write ``__len__`` and ``__getitem__(i)``, which returns one sample.

    A sample is a number, an array, a tensor, or a tuple, list or dict of such. Override `batch` where many samples at
    once are quicker than one by one.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, i):
    ...         return float(i), i * i
    >>> Squares().batch([1, 3])
    [Tensor([1., 3.]), Tensor([1, 9])]
    """

    def __len__(self) -> int:
        message = f"{type(self).__name__}: write a method __len__(self) that says how many samples there are."
        raise NotImplementedError(message)

    def __getitem__(self, i: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: write a method __getitem__(self, i) that returns sample i.")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])

    def batch(self, indices: Indices) -> Any:
        """The samples at `indices`, stacked."""
        return collate([self[i] for i in indices])


class IterableDataset(Dataset):
    """Derive from this, and write ``__iter__``, for samples that come one after another: a stream has no sample i.

    A `DataLoader` takes them in that order; TypeError for its length, unless there is a ``__len__``.

    >>> class Squares(IterableDataset):
    ...     def __iter__(self):
    ...         return (i * i for i in range(3))
    >>> list(Squares())
    [0, 1, 4]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: write a method __iter__(self) that yields the samples.")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__}: nobody knows how many samples there are; write __len__(self).")

    def __getitem__(self, i: Any) -> Any:
        raise TypeError(f"{type(self).__name__}: an IterableDataset has no sample {i!r}; iterate over it.")

    def __add__(self, other: Any) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """The samples of several `IterableDataset`, one set after another.

    >>> list(ChainDataset([range(2), range(3)]))
    [0, 1, 0, 1, 2]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(map(len, self.datasets))


class ConcatDataset(Dataset):
    """The samples of several sets, one set after another; ``a + b`` is short for it. ValueError for no set.

    >>> both = ConcatDataset([range(2), range(10, 13)])
    >>> len(both), both[2], both[-1]
    (5, 10, 12)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: there are no sets to concatenate; found an empty list.")
        for dataset in self.datasets:
            suits = not isinstance(dataset, IterableDataset)
            require_type("ConcatDataset", "datasets", dataset, suits, "sets with indices; ChainDataset takes others")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, i: Any) -> Any:
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"ConcatDataset: index {i} is out of bounds; there are {n} samples.")
        i = i % n
        k = bisect_right(self.cumulative_sizes, i)
        return self.datasets[k][i - (self.cumulative_sizes[k - 1] if k else 0)]


class StackDataset(Dataset):
    """Sets of one length side by side: sample i is a tuple of theirs, or a dict where sets are named.

    ValueError for unequal lengths, for none, and for both kinds at once.

    >>> StackDataset(x=range(3), y="abc")[1]
    {'x': 1, 'y': 'b'}
    """

    def __init__(self, *datasets: Any, **named: Any) -> None:
        lengths = {len(dataset) for dataset in (*datasets, *named.values())}
        if len(lengths) != 1 or (datasets and named):
            raise ValueError(
                f"StackDataset: needs sets of one length, all of them named or none; found {len(datasets)} without a "
                f"name and {len(named)} with, of lengths {sorted(lengths)}."
            )
        self.datasets: Any = datasets or named

    def __len__(self) -> int:
        return len(self.datasets[0] if isinstance(self.datasets, tuple) else next(iter(self.datasets.values())))

    def __getitem__(self, i: Any) -> Any:
        if isinstance(self.datasets, tuple):
            return tuple(dataset[i] for dataset in self.datasets)
        return {name: dataset[i] for name, dataset in self.datasets.items()}


class TensorDataset(Dataset):
    """Samples along the first axis of tensors or arrays: sample i is ``(tensors[0][i], …)``.

    Arrays are shared, not copied, so that a memory-mapped one stays on disk until its rows are read; when pickled, it
    is opened again where it arrives. ValueError for unequal lengths.

    >>> TensorDataset(np.eye(3), np.arange(3))[1]
    (Tensor([0., 1., 0.]), Tensor(1))
    """

    def __init__(self, *tensors: Any) -> None:
        self.arrays = tuple(
            t.detach().data if isinstance(t, Tensor) else np.asarray(unmasked(t, "TensorDataset")) for t in tensors
        )
        lengths = {a.shape[:1] for a in self.arrays}
        if len(lengths) != 1 or lengths == {()}:
            shapes = ", ".join(str(a.shape) for a in self.arrays) or "nothing"
            raise ValueError(f"TensorDataset: needs tensors with first axes of one length, found {shapes}.")

    def __getstate__(self) -> dict[str, Any]:
        """For another process: of arrays on disk, where they lie."""
        return {**vars(self), "arrays": tuple(map(located, self.arrays))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.arrays = tuple(np.asarray(a.open() if isinstance(a, MappedFile) else a) for a in self.arrays)

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, i: Any) -> tuple[Tensor, ...]:
        return tuple(Tensor(np.asarray(a[i])) for a in self.arrays)

    def batch(self, indices: Indices) -> list[Tensor]:
        """Rows of all tensors, copied."""
        rows = np.asarray(indices, dtype=np.intp)
        return [Tensor(np.asarray(a[rows])) for a in self.arrays]


class Subset(Dataset):
    """The samples of `dataset` at `indices`, in that order.

    >>> import micrograd_np as mg
    >>> import numpy as np
    >>> dataset = mg.data.TensorDataset(np.arange(5.0))
    >>> len(mg.data.Subset(dataset, [0, 3]))
    2
    """

    def __init__(self, dataset: Any, indices: Indices) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, dtype=np.intp)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: Any) -> Any:
        return self.dataset[int(self.indices[i])]

    def batch(self, indices: Indices) -> Any:
        """The samples at `indices`, stacked by the whole set."""
        return batch_of(self.dataset, self.indices[np.asarray(indices, dtype=np.intp)])


def batch_of(dataset: Any, indices: Indices) -> Any:
    """The samples of `dataset`, a `Dataset` or any sequence, at `indices`, stacked."""
    if isinstance(dataset, Dataset):
        return dataset.batch(indices)
    return collate([dataset[int(i)] for i in indices])


@checked
def random_split(dataset: Any, lengths: Sequence[float], generator: np.random.Generator | None = None) -> list[Subset]:
    """Parts of `dataset`, disjoint and drawn at random, of these lengths; or of these fractions, if they add up to 1.

    Fractions are rounded down, and the first parts get one each of the samples that remain. ValueError if the lengths
    do not add up. `generator` is ``mg.random.generator()`` by default.

    >>> parts = random_split(range(10), [0.75, 0.25], np.random.default_rng(0))
    >>> [len(part) for part in parts]
    [8, 2]
    """
    n = len(dataset)
    counts = [int(length) for length in lengths]
    if isclose(sum(lengths), 1) and sum(counts) != n:
        counts = [floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(counts)):
            counts[i % len(counts)] += 1
    if sum(counts) != n or min(counts) < 0:
        raise ValueError(
            f"random_split: lengths {list(lengths)} must add up to the {n} samples, or be fractions that add up to 1."
        )
    order = (generator or random.generator()).permutation(n)
    ends = np.cumsum(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def collate(samples: Sequence[Any]) -> Any:
    """Samples as one batch: arrays and numbers stacked along a new first axis, tuples and dicts part by part.

    Tuples and lists become a list, as in PyTorch; strings stay a list of strings. ValueError where shapes differ.

    >>> import micrograd_np as mg
    >>> mg.data.collate([([1.0, 2.0], 0), ([3.0, 4.0], 1)])
    [[Tensor([1., 3.]), Tensor([2., 4.])], Tensor([0, 1])]
    """
    first = samples[0]
    if isinstance(first, (tuple, list)):
        return [collate(parts) for parts in zip(*samples, strict=True)]
    if isinstance(first, dict):
        return {key: collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (str, bytes)):
        return list(samples)
    arrays = [x.data if isinstance(x, Tensor) else np.asarray(unmasked(x, "collate")) for x in samples]
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"collate: samples must have one shape to be stacked, found {' and '.join(map(str, sorted(shapes)[:3]))}. "
            f"Pad them, or give a collate_fn."
        )
    stacked = np.stack(arrays)
    return Tensor(stacked) if isinstance(first, (np.ndarray, np.generic, Tensor)) else Tensor(stacked.tolist())
