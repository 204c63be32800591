"""`data_parallel`: a training step whose batches are cut into shards, on as many workers as there are."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import require_type, require_value
from micrograd_np.core.settings import Count, Positive, Size, checked
from micrograd_np.core.trees import values
from micrograd_np.data.loader import DataLoader, UnreadBatch
from micrograd_np.engine.tensor import Tensor
from micrograd_np.nn.module import Module
from micrograd_np.optim.clip import clip_grad_norm_
from micrograd_np.optim.optimizer import Optimizer

from .environment import arithmetic, chosen, difference
from .serial import Header, Serial
from .shards import check_size, cut, length
from .tree import Array, Part, block, fold
from .work import Work


class DataParallel:
    """What `data_parallel` returns: ``step(batch)`` trains on one batch and returns the mean loss, a 0-d tensor.

    `rank` is the number of this process, and `size` that of workers; only rank 0 should print and save. ``state_dict``
    is saved and loaded with that of the model and of the optimiser.

    >>> from micrograd_np import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> loss = lambda model, shard: nn.MSELoss()(model(shard[0]), shard[1])
    >>> step = data_parallel(loss, model, optim.SGD(model.parameters(), lr=0.1), engine="serial", shards=4)
    >>> step((np.ones((8, 2)), np.ones((8, 1)))).shape, step.rank, step.size
    ((), 0, 1)
    """

    def __init__(self, work: Work, optimizer: Optimizer, engine: Any, clip: float | None, check_every: int) -> None:
        self.work, self.optimizer, self.engine = work, optimizer, engine
        self.clip, self.check_every = clip, check_every
        self.batches_done = 0
        """The number of batches so far, by which random draws are keyed."""
        self.stop = False
        """Set it to ask all workers to stop; after a step it says whether any was asked to."""
        self._pending: tuple[Array, float, float, list[bool], list[int], list[Any]] | None = None
        """What waits for an update, and of which parameters it is: of each its identity and its shape."""
        self._unchecked = True

    @property
    def rank(self) -> int:
        """The number of this process among the workers: 0 unless there are several processes that run this program."""
        return self.engine.rank

    @property
    def size(self) -> int:
        """How many workers there are."""
        return self.engine.size

    def __call__(self, batch: Any) -> Tensor:
        """Train on `batch`, and on those accumulated before it; returns the mean loss of all of them, 0-d."""
        counted = self.batches_done
        before = self._pending

        def mean() -> Tensor:
            """The mean loss, with its gradients in the parameters; an optimiser may ask more than once."""
            self._pending, self.batches_done = before, counted
            self.accumulate(batch)
            return self._mean()

        try:
            loss = self.optimizer.step(mean)
        except BaseException:
            self._pending, self.batches_done = before, counted
            raise
        self._pending = None
        return loss

    def accumulate(self, batch: Any) -> None:
        """Add the gradients of `batch` to those of the next step, which divides by the samples of all.

        ValueError for a batch of fewer samples than shards, and where other parameters require a gradient than those
        for which a batch is accumulated already.
        """
        n = length(batch)
        check_size(n, self.work.shards)
        held = _parameters(self.optimizer)
        of = [(id(p), p.shape) for p in held if p.requires_grad]
        if self._pending is not None and of != self._pending[-1]:
            raise ValueError(
                "data_parallel: a batch was accumulated for other parameters than those that require a gradient now. "
                "Change them after a step, not between accumulate and it; or drop what was accumulated: "
                "step.load_state_dict(step.state_dict())."
            )
        if [*map(id, held)] != [*map(id, self.work.parameters)]:  # since add_param_group, for one
            self.work.train(held)
            self.engine.begin(self.work, {})
        compared = self._unchecked or (self.check_every and self.batches_done % self.check_every == 0)
        fingerprint = self._fingerprint(batch) if compared else 0
        header = Header(n, self.batches_done, fingerprint, self.stop)
        vector, rows, self.stop = self.engine.sums(self.work, batch, header)
        orders, reached = self.work.orders(rows), self.work.reached(rows)
        totals = fold([Part(k, k + 1, row) for k, row in enumerate(rows.copy())], self.work.shards)
        self.work.average_buffers(rows, totals)
        total, count = totals[:2]
        if self._pending is not None:
            before, first, counted, early, agreed, _ = self._pending
            vector = before + self.work.reordered(vector, orders, agreed)
            total, count, orders = first + total, counted + count, agreed
            reached = [x or y for x, y in zip(early, reached, strict=True)]
        self._pending = vector, total, count, reached, orders, of
        self._unchecked = False
        self.batches_done += 1

    def _mean(self) -> Tensor:
        """Divide what was accumulated by the number of samples, once, and give it to the parameters as `grad`."""
        assert self._pending is not None
        vector, total, count, reached, orders, _ = self._pending
        if not count > 0:
            raise ValueError(f"data_parallel: the loss says that the batch has {count:g} samples; it must have some.")
        np.divide(vector, float(count), out=vector)  # what `accumulate` has computed belongs to nobody else
        for p in self.work.parameters:
            p.grad = None  # that of an earlier step, where it is frozen now
        for p, g, n in zip(self.work.trained, self.work.views(vector, orders), reached, strict=True):
            p.grad = Tensor(g.astype(p.dtype, copy=False)) if n else None
        if self.clip is not None:
            clip_grad_norm_(self.work.trained, self.clip)
        return Tensor(np.asarray(total / count))

    def batches(self, loader: Iterable[Any]) -> Iterator[Any]:
        """The batches of an epoch; those of a `DataLoader` are not read before a worker needs a shard of them."""

        def read(batch: UnreadBatch) -> None:
            for k in range(*block(self.rank, self.size, self.work.shards)):
                cut(batch, k, self.work.shards)

        if not isinstance(loader, DataLoader):
            return iter(loader)
        return loader.unread(read if self.engine.reads_here else None)

    def _fingerprint(self, batch: Any) -> int:
        """48 bits by which parameters, states of the optimiser and batch are compared."""
        digest = hashlib.blake2b(digest_size=6)
        states = [self.optimizer.state.get(p) for p in self.work.parameters]
        samples = (batch.indices, batch.epoch, batch.number) if isinstance(batch, UnreadBatch) else batch
        for x in [*self.work.tensors(), *values(states), *values(samples)]:
            a = np.ascontiguousarray(x.data if isinstance(x, Tensor) else x)
            if a.size and a.dtype.kind != "O":  # what an object holds is not known
                digest.update(a.view(np.uint8).data)
        return int.from_bytes(digest.digest(), "big") or 1

    def wait(self) -> None:
        """Wait until every rank is here: before they read a file that rank 0 has written, for one."""
        self.engine.wait()

    def state_dict(self) -> dict[str, Any]:
        """The seed of random draws, the number of batches so far and of shards, and the arithmetic it was made with."""
        shards, seed = self.work.shards, self.work.seed
        return {"seed": seed, "batches": self.batches_done, "shards": shards, "arithmetic": arithmetic()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue where the state was saved, on any number of workers. ValueError for another number of shards.

        A RuntimeWarning says where the arithmetic is not the one it was saved with, so that bits will differ.
        """
        if state_dict["shards"] != self.work.shards:
            raise ValueError(
                f"data_parallel: the state was saved with {state_dict['shards']} shards, and this step has "
                f"{self.work.shards}; results depend on it. Pass shards={state_dict['shards']}."
            )
        if other := difference(dict(state_dict["arithmetic"]), arithmetic()):
            message = (
                f"data_parallel: the state was saved with other arithmetic than this ({other}); training continues, "
                f"but not in the bits of an uninterrupted run."
            )
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        self.work.seed, self.batches_done = int(state_dict["seed"]), int(state_dict["batches"])
        self.engine.begin(self.work, {})
        self._unchecked, self._pending = True, None

    def __repr__(self) -> str:
        name = type(self.engine).__name__
        return f"<data-parallel step: engine {name}, {self.size} workers, {self.work.shards} shards>"


@checked
def data_parallel(
    loss: Callable[[Any, Any], Any],
    model: Module,
    optimizer: Optimizer,
    engine: Annotated[str, "auto", "serial", "mpi", "ray"] = "auto",
    shards: Count = 8,
    reduce: Annotated[str, "ordered", "fast"] = "ordered",
    *,
    elastic: bool = False,
    allow_mixed: bool = False,
    check_every: Size = 100,
    timeout: Positive = 600.0,
    clip: Positive | None = None,
    workers: Count | None = None,
) -> DataParallel:
    """A training step that any number of workers share, with the same bits in the end: ``step(batch)`` trains.

    Equal bits are promised against ``engine="serial"``, not against a plain training step, which adds up a batch in
    another order: every batch is cut into `shards`, a number that does not depend on the workers, and the sums of the
    shards are added in a fixed order and divided once.

    - `loss`: ``loss(model, shard)`` returns the sum of the losses and the number of samples; or their mean, which is
      weighted by the length of the shard. Where some targets are ignored, shards count differently: return the sum.
      ``mg.compile(loss)`` compiles forward and backward of a shard.
    - `engine`: "mpi" under a launcher (``mpiexec -n 4 python train.py``), where every process runs the whole program
      and reads the shards it needs; "ray" for tasks on a cluster, or on the cores of this machine; "serial" for this
      process alone; "auto" for what the program was started with.
    - `reduce`: "fast" lets MPI add in an order of its own; then rounding depends on the number of workers.
    - `elastic`: with Open MPI started with ``--with-ft ulfm``, the other ranks go on where one is lost.
    - `allow_mixed`: workers may have different processors or libraries. Then bits depend on who computed which shard.
    - `check_every`: after how many steps parameters, optimiser and batch are compared between ranks; 0 for never.
    - `timeout`: seconds that a worker waits for the others before it raises TimeoutError.
    - `clip`: the largest norm of all gradients together.
    - `workers`: how many tasks Ray runs at once, by default as many as there are processors.

    Random draws (dropout) depend on a seed drawn here, the number of the batch, and the shard. Batch normalisation uses
    the statistics of its shard, and its running statistics are averaged over the shards. Schedules and whatever else
    changes the optimiser run alike everywhere. ``step.accumulate(batch)`` adds a batch to the next step.

    ImportError where the engine is not installed, RuntimeError where processes do not fit together.

    >>> from micrograd_np import nn, optim
    >>> _ = random.manual_seed(0)
    >>> model = nn.Linear(2, 3)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> step = data_parallel(lambda model, shard: nn.CrossEntropyLoss()(model(shard[0]), shard[1]), model, optimizer,
    ...                      engine="serial")
    >>> x, y = np.eye(2)[np.arange(16) % 2], np.arange(16) % 2
    >>> first, last = [step((x, y)).item() for _ in range(9)][::8]
    >>> last < first
    True
    """
    require_type("data_parallel", "loss", loss, not isinstance(loss, type) and callable(loss), "a function")
    require_type("data_parallel", "model", model, isinstance(model, Module), "a Module")
    suits = isinstance(optimizer, Optimizer)
    require_type("data_parallel", "optimizer", optimizer, suits, "an optimiser, such as optim.SGD(…)")
    engine = chosen() if engine == "auto" else engine
    require_value("data_parallel", "elastic", elastic, not elastic or engine == "mpi", "False unless the engine is mpi")
    seed = int(random.generator().integers(1 << 32))
    work = Work(loss, model, _parameters(optimizer), shards, seed)
    backend: Any
    if engine == "mpi":
        from .on_mpi import MPIEngine

        backend = MPIEngine(timeout, elastic, allow_mixed, fast=reduce == "fast")
    elif engine == "ray":
        from .on_ray import RayEngine

        backend = RayEngine(timeout, allow_mixed, workers)
    else:
        backend = Serial()
    if backend.size > shards:
        raise ValueError(
            f"data_parallel: there are {backend.size} workers and {shards} shards; each worker needs one. Start fewer, "
            f"or pass shards={backend.size} or more."
        )
    step = DataParallel(work, optimizer, backend, clip, check_every)
    shapes = ", ".join(f"{name} {p.dtype}{list(p.shape)}" for name, p in model.named_parameters())
    facts = {"shards": shards, "reduce": reduce, "optimiser": type(optimizer).__name__, "shapes of parameters": shapes}
    digest = hashlib.sha256(b"".join(p.data.tobytes() for p in work.tensors())).hexdigest()
    backend.begin(work, {**facts, "parameters": digest, "seed": seed, **arithmetic()})
    return step


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    """The parameters that an optimiser holds now."""
    return [p for group in optimizer.param_groups for p in group["params"]]
