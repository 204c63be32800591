"""`DataLoader`: batches whose order depends on a seed and the number of the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import with_article
from micrograd_np.core.settings import Count, Size

from .dataset import Dataset, collate
from .prefetch import ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class DataLoader:
    """Batches of `dataset`, anew each time it is iterated over; each pass is an epoch.

    - `shuffle`: in an order drawn from (seed, epoch) alone, so that any epoch can be had again. The seed is drawn
      once, from `generator` if given, else from the project's own, so ``mg.random.manual_seed`` settles it.
    - `drop_last`: leave out a last batch that is too short.
    - `sampler`: an iterable of sample numbers in place of `shuffle`; `batch_sampler`: one of lists of them, a list for
      each batch. Each is iterated over anew in every epoch; TypeError for an iterator, which one epoch uses up.
    - `collate_fn`: makes a batch from a list of samples; unless given, `dataset.batch` does, or `collate`.
    - `transform`: ``transform(batch, rng)`` changes each batch; `rng` comes from seed, epoch and number of the batch,
      so that random augmentation is as repeatable as the order.
    - `prefetch`: how many batches a thread prepares ahead. `num_workers` is PyTorch's name: each stands for two
      batches.

    ``state_dict`` says how far an epoch has been handed out; a loader that has loaded it goes on with the next batch.

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
            message = "DataLoader: a sampler already says the order; leave out shuffle."
            raise ValueError(message)
        if batch_sampler is not None and (batch_size != 1 or sampler is not None or drop_last):
            message = "DataLoader: a batch_sampler says all; leave out batch_size, sampler and drop_last."
            raise ValueError(message)
        for name, x in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if isinstance(x, Iterator):
                message = (
                    f"DataLoader: {name} is {with_article(type(x).__name__)}, which one epoch uses up; pass a list, or "
                    "an object whose __iter__ begins anew."
                )
                raise TypeError(message)
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.transform = transform
        self.prefetch = max(prefetch, 2 * num_workers)
        drawn = self.shuffle or transform is not None
        source = random.generator() if generator is None else generator
        self.seed = int(source.integers(2**63)) if drawn else 0
        self.epoch = -1  # of the pass begun last
        self.handed_out = 0  # batches of that pass
        self._resume = False

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)  # type: ignore[arg-type]
        n = len(self.dataset if self.sampler is None else self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        if self._resume and self.handed_out < len(self):
            start = self.handed_out
        else:
            start, self.handed_out = 0, 0
            self.epoch += 1
        self._resume = False
        return self._counted(self.batches(self.epoch, start))

    def _counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self.handed_out += 1
            yield batch

    def batches(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of `epoch` from number `start` on, wherever the loader itself stands."""
        pieces = list(self._pieces(epoch))[start:]
        made = (self._made(piece, epoch, number) for number, piece in enumerate(pieces, start))
        return ahead(made, self.prefetch) if self.prefetch else made

    def _pieces(self, epoch: int) -> Iterator[Sequence[int]]:
        """The sample numbers of each batch of an epoch."""
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

    def _made(self, piece: Sequence[int], epoch: int, number: int) -> Any:
        if self.collate_fn is not None:
            batch = self.collate_fn([self.dataset[int(i)] for i in piece])
        elif isinstance(self.dataset, Dataset):
            batch = self.dataset.batch(piece)
        else:
            batch = collate([self.dataset[int(i)] for i in piece])
        if self.transform is not None:
            batch = self.transform(batch, np.random.default_rng([self.seed, epoch, number]))
        return batch

    def state_dict(self) -> dict[str, int]:
        """Seed, epoch, and how many of its batches have been handed out."""
        return {"seed": self.seed, "epoch": self.epoch, "handed_out": self.handed_out}

    def load_state_dict(self, state_dict: Mapping[str, int]) -> None:
        """Go on, the next time this is iterated over, with the batch after the last one handed out."""
        missing = self.state_dict().keys() - state_dict.keys()
        if missing:
            message = f"load_state_dict into DataLoader: the state lacks {', '.join(sorted(missing))}."
            raise ValueError(message)
        self.seed, self.epoch = int(state_dict["seed"]), int(state_dict["epoch"])
        self.handed_out = int(state_dict["handed_out"])
        self._resume = self.epoch >= 0
