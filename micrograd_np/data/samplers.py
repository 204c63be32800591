"""Orders in which a `DataLoader` takes samples: PyTorch's samplers, each an iterable of indices that begins anew.

Random ones draw in each epoch, from ``mg.random.generator()`` or one of their own. ``DataLoader(shuffle=True)`` needs
none; its order can be resumed in the middle of an epoch, which that of a random sampler cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import require_value
from micrograd_np.core.settings import Count


def cut(items: Iterable[Any], size: int, *, drop_last: bool) -> Iterator[list[Any]]:
    """The items in lists of `size`; without a last one that is shorter, if `drop_last`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        if len(piece) == size or not drop_last:
            yield piece


class Sampler:
    """Derive from this, and write ``__iter__``, which yields the indices of an epoch, and ``__len__``.

    >>> class Backwards(Sampler):
    ...     def __len__(self):
    ...         return 3
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> list(Backwards())
    [2, 1, 0]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: write a method __iter__(self) that yields indices.")


class SequentialSampler(Sampler):
    """All indices of `data_source`, in order.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class _Random(Sampler):
    generator: np.random.Generator | None
    num_samples: int

    def _draws(self) -> np.random.Generator:
        return random.generator() if self.generator is None else self.generator

    def __len__(self) -> int:
        return self.num_samples


class RandomSampler(_Random):
    """Indices of `data_source` at random: all of them, or `num_samples`, with `replacement` or each before one returns.

    >>> sorted(RandomSampler("abcd"))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: Count | None = None,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self.num_samples = len(data_source) if num_samples is None else num_samples

    def __iter__(self) -> Iterator[int]:
        n, rng = len(self.data_source), self._draws()
        if self.replacement:
            yield from rng.integers(n, size=self.num_samples).tolist()
            return
        for start in range(0, self.num_samples if n else 0, n or 1):
            yield from rng.permutation(n)[: self.num_samples - start].tolist()


class SubsetRandomSampler(_Random):
    """The `indices` in random order.

    >>> sorted(SubsetRandomSampler([7, 5]))
    [5, 7]
    """

    def __init__(self, indices: Sequence[int], generator: np.random.Generator | None = None) -> None:
        self.indices, self.generator, self.num_samples = indices, generator, len(indices)

    def __iter__(self) -> Iterator[int]:
        return iter([self.indices[i] for i in self._draws().permutation(len(self.indices)).tolist()])


class WeightedRandomSampler(_Random):
    """`num_samples` indices below the number of `weights`, each drawn with a probability proportional to its weight.

    ValueError for negative weights or none above 0, and without `replacement` for more samples than such.

    >>> list(WeightedRandomSampler([0.0, 3.0], 4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: Count,
        replacement: bool = True,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.weights = np.asarray(weights, np.float64)
        suits = self.weights.ndim == 1 and bool((self.weights >= 0).all()) and self.weights.sum() > 0
        require_value("WeightedRandomSampler", "weights", weights, suits, "numbers of at least 0, some of them above")
        enough = replacement or num_samples <= int(np.count_nonzero(self.weights))
        requirement = "at most the number of weights above 0, without replacement"
        require_value("WeightedRandomSampler", "num_samples", num_samples, enough, requirement)
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        p = self.weights / self.weights.sum()
        return iter(self._draws().choice(len(p), self.num_samples, replace=self.replacement, p=p).tolist())


class BatchSampler(Sampler):
    """The indices of another sampler in lists of `batch_size`; without a last one that is too short, if `drop_last`.

    >>> list(BatchSampler(range(5), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: Count, drop_last: bool) -> None:
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return cut(self.sampler, self.batch_size, drop_last=self.drop_last)

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
