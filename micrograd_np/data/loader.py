"""`DataLoader`: batches in an order that depends only on a seed and the number of the epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import with_article
from micrograd_np.core.settings import Count, Size

from .dataset import IterableDataset, batch_of, collate
from .prefetch import ahead
from .samplers import cut


class UnreadBatch:
    """A batch of a `DataLoader` of which only the numbers of the samples are known; ``len`` is how many there are."""

    def __init__(self, loader: DataLoader, indices: Sequence[int], epoch: int, number: int) -> None:
        self.loader, self.indices, self.epoch, self.number = loader, indices, epoch, number
        self._pieces: dict[tuple[int, ...], Any] = {}

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, start: int, stop: int, *key: int) -> Any:
        """Samples `start` … `stop` − 1 as a batch; `transform` draws by seed, epoch, number of the batch, and `key`."""
        piece = (start, stop, *key)
        if piece not in self._pieces:
            self._pieces[piece] = self.loader._batch(self.indices[start:stop], self.epoch, self.number, *key)
        return self._pieces[piece]


class DataLoader:
    """Batches of `dataset`; each iteration is an epoch.

    - `shuffle`: in an order drawn from (seed, epoch) alone, so that any epoch can be repeated. The seed is drawn once,
      from `generator`, by default ``mg.random.generator()``, which ``mg.random.manual_seed`` determines.
    - `drop_last`: leave out a last batch that is too short.
    - `sampler`: an iterable of sample indices in place of `shuffle`; `batch_sampler`: one of lists of them, a list for
      each batch. Every epoch iterates over it; TypeError for an iterator, which one epoch uses up.
    - `collate_fn`: makes a batch of a list of samples; by default `dataset.batch` does, or `collate`.
    - `transform`: ``transform(batch, rng)`` changes each batch; `rng` depends on seed, epoch and number of the batch,
      so that random augmentation is as repeatable as the order.
    - an `IterableDataset` comes in its own order, without `shuffle` and samplers; the loader of one has no length.
    - `prefetch`: how many batches a thread prepares ahead. `num_workers` is PyTorch's name: each stands for two
      batches.

    ``state_dict`` holds how many batches of an epoch were yielded; a loader that loads it continues with the next one.

    >>> from micrograd_np.data import TensorDataset
    >>> loader = DataLoader(TensorDataset(np.arange(5)), batch_size=2)
    >>> [x.tolist() for (x,) in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: Count = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: Size = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: np.random.Generator | None = None,
        *,
        transform: Callable[[Any, np.random.Generator], Any] | None = None,
        prefetch: Size = 0,
    ) -> None:
        if (sampler is not None or batch_sampler is not None) and shuffle:
            raise ValueError("DataLoader: a sampler already says the order; leave out shuffle.")
        if batch_sampler is not None and (batch_size != 1 or sampler is not None or drop_last):
            raise ValueError("DataLoader: a batch_sampler says all; leave out batch_size, sampler and drop_last.")
        if isinstance(dataset, (tuple, list)) and collate_fn is None and all(getattr(x, "ndim", 0) for x in dataset):
            shapes = list(dict.fromkeys(x.shape for x in dataset))
            if len(shapes) > 1 and len({shape[0] for shape in shapes}) == 1:  # which cannot be stacked
                several = f"a {type(dataset).__name__} of arrays, {' and '.join(map(str, shapes[:3]))}"
                raise TypeError(
                    f"DataLoader: dataset is {several}, each of which would be one sample. Write "
                    "DataLoader(TensorDataset(x, y), batch_size=32)."
                )
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset comes in its own order; leave out shuffle and samplers.")
        for name, x in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if isinstance(x, Iterator):
                raise TypeError(
                    f"DataLoader: {name} is {with_article(type(x).__name__)}, which one epoch uses up; pass a list, or "
                    "an object whose __iter__ begins anew."
                )
        self.dataset, self.batch_size, self.drop_last, self.shuffle = dataset, batch_size, drop_last, bool(shuffle)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn, self.transform = collate_fn, transform
        self.prefetch = max(prefetch, 2 * num_workers)
        random_order = self.shuffle or transform is not None
        self.seed = int((generator or random.generator()).integers(2**63)) if random_order else 0
        self.epoch = -1  # the latest
        self.handed_out = 0  # batches of that epoch
        self._resume = False

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset if self.sampler is None else self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        return self._counted(self.batches(*self._place()))

    def unread(self, prepare: Callable[[UnreadBatch], Any] | None = None) -> Iterator[UnreadBatch]:
        """The batches of an epoch, which count like those of an iteration, but are read later, and in parts.

        Where batches are prefetched, `prepare` is called with each in the thread: it reads what will be needed.

        >>> from micrograd_np.data import TensorDataset
        >>> batch = next(DataLoader(TensorDataset(np.arange(5)), batch_size=4).unread())
        >>> len(batch), [x.tolist() for x in batch.read(2, 4)]
        (4, [[2, 3]])
        """
        epoch, start = self._place()
        pieces = self._pieces(epoch, start)
        threaded = self.prefetch and prepare is not None

        def batches() -> Iterator[UnreadBatch]:
            for number, piece in enumerate(pieces, start):
                batch = UnreadBatch(self, piece, epoch, number)
                if threaded and prepare is not None:
                    prepare(batch)
                yield batch

        return self._counted(ahead(batches(), self.prefetch) if threaded else batches())

    def _place(self) -> tuple[int, int]:
        """Begin an epoch, or continue one: its number, and that of the first batch."""
        if not (self._resume and (self._streams or self.handed_out < len(self))):
            self.handed_out = 0
            self.epoch += 1
        self._resume = False
        return self.epoch, self.handed_out

    def _counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self.handed_out += 1
            yield batch

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of `epoch` from number `start` on, independent of the epoch that the loader is in."""
        pieces = self._pieces(epoch, start)
        batches = (self._batch(piece, epoch, number) for number, piece in enumerate(pieces, start))
        return ahead(batches, self.prefetch) if self.prefetch else batches

    def _pieces(self, epoch: int, start: int) -> Iterable[Any]:
        """Of each batch from number `start` on, the indices of its samples; of a stream, the samples."""
        if self._streams:
            return islice(cut(self.dataset, self.batch_size, drop_last=self.drop_last), start, None)
        return list(self._indices(epoch))[start:]

    def _indices(self, epoch: int) -> Iterator[Sequence[int]]:
        """The sample indices of each batch of an epoch."""
        if self.batch_sampler is not None:
            yield from self.batch_sampler
            return
        if self.sampler is not None:
            order = np.fromiter(self.sampler, dtype=np.intp)
        elif self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.dataset))
        else:
            order = np.arange(len(self.dataset))
        for i in range(0, len(order), self.batch_size):
            piece = order[i : i + self.batch_size]
            if len(piece) == self.batch_size or not self.drop_last:
                yield piece  # type: ignore[misc]

    def _batch(self, indices: Sequence[Any], *key: int) -> Any:
        if self._streams:
            batch = (self.collate_fn or collate)(list(indices))
        elif self.collate_fn is not None:
            batch = self.collate_fn([self.dataset[int(i)] for i in indices])
        else:
            batch = batch_of(self.dataset, indices)
        if self.transform is not None:
            batch = self.transform(batch, np.random.default_rng([self.seed, *key]))
        return batch

    def state_dict(self) -> dict[str, int]:
        """Seed, epoch, and how many of its batches were yielded."""
        return {"seed": self.seed, "epoch": self.epoch, "handed_out": self.handed_out}

    def load_state_dict(self, state_dict: Mapping[str, int]) -> None:
        """Let the next iteration continue after the last batch that was yielded."""
        missing = self.state_dict().keys() - state_dict.keys()
        if missing:
            raise ValueError(f"load_state_dict into DataLoader: the state lacks {', '.join(sorted(missing))}.")
        self.seed, self.epoch = int(state_dict["seed"]), int(state_dict["epoch"])
        self.handed_out = int(state_dict["handed_out"])
        self._resume = self.epoch >= 0
