"""The engine "ray": this process trains, and stateless tasks compute the shards; one that is lost is done again."""

from __future__ import annotations

import os
from time import monotonic
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from micrograd_np.core.trees import mapped
from micrograd_np.data.dataset import IterableDataset
from micrograd_np.data.loader import DataLoader, UnreadBatch
from micrograd_np.engine.tensor import Tensor

from .environment import THREADS, arithmetic, difference
from .serial import Header
from .shards import Pieces, cut
from .tree import Array, Part, block, fold, push
from .work import Work, write

_RETRIES = 10  # times that Ray repeats a task whose worker was lost


class State(NamedTuple):
    """What may change between steps: arrays of parameters and buffers, and the modes of modules and tensors."""

    arrays: list[Array]
    training: list[bool]
    trained: list[bool]


class RayEngine:
    """Tasks on the Ray cluster that this process is connected to, or else on the processors of this machine."""

    rank, reads_here = 0, False

    def __init__(self, timeout: float, allow_mixed: bool, workers: int | None) -> None:
        try:
            import ray
        except ImportError as error:
            message = "data_parallel: engine='ray' needs Ray: pip install 'micrograd_np[ray]'."
            raise ImportError(message) from error
        self.ray, self.timeout, self.allow_mixed = ray, timeout, allow_mixed
        if not ray.is_initialized():
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            own: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1", "num_cpus": workers}
            ray.init(log_to_driver=False, **({} if "RAY_ADDRESS" in os.environ else own))
        self.processors = int(ray.cluster_resources().get("CPU", 1))
        self.workers = workers
        self.size = workers or 1
        self._loaders: dict[int, tuple[DataLoader, Any]] = {}

    def begin(self, work: Work, facts: dict[str, Any]) -> None:
        """Send model and loss to where tasks find them; `facts` about processes are compared when results come."""
        from ray import cloudpickle

        self.size = self.workers or min(self.processors, work.shards)
        self.key = uuid4().hex
        threads = arithmetic()["BLAS threads"].partition(";")[0]
        variables = dict.fromkeys(THREADS, threads) if threads.isdigit() else {}
        self.task = self.ray.remote(_task).options(
            num_cpus=1, max_retries=_RETRIES, runtime_env={"env_vars": variables}
        )
        try:
            pickled = cloudpickle.dumps(work)
        except Exception as error:
            error.add_note("data_parallel: model and loss go to workers; make what cannot travel inside the loss.")
            raise
        self.work = self.ray.put(np.frombuffer(pickled, np.uint8))

    def wait(self) -> None:
        """There is nobody to wait for."""

    def sums(self, work: Work, batch: Any, header: Header) -> tuple[Array, Array, bool]:
        """The sum of the gradients of all shards of `batch`, a row for each shard, and whether to stop.

        Vectors are added as they arrive in order, so that few are held at once.
        """
        state = self.ray.put(State([t.data for t in work.tensors()], *work.modes()))
        tasks = []
        for worker in range(self.size):
            start, stop = block(worker, self.size, work.shards)
            samples = self._part(batch, work, start, stop)
            tasks.append(self.task.remote(self.key, self.work, state, *samples, header.step, start, stop))
        end = monotonic() + self.timeout
        stack: list[Part] = []
        rows = []
        while tasks:
            parts, some, elsewhere = self._result(tasks.pop(0), max(0.0, end - monotonic()), header.step)
            if not self.allow_mixed and (mismatch := difference(arithmetic(), elsewhere)):
                raise RuntimeError(
                    f"data_parallel: a worker of Ray differs from this process in {mismatch}. Equal bits need equal "
                    f"arithmetic: take machines of one kind, with one environment; or pass allow_mixed=True, and bits "
                    f"depend on where a shard was computed."
                )
            rows.append(some)
            own, agreed = work.orders(some), work.orders(rows[0])
            for part in parts:
                push(stack, part._replace(vector=work.reordered(part.vector.copy(), own, agreed)), work.shards)
        return fold(stack, work.shards), np.concatenate(rows), header.stop

    def _result(self, task: Any, timeout: float, step: int) -> Any:
        try:
            return self.ray.get(task, timeout=timeout)
        except self.ray.exceptions.GetTimeoutError:
            raise TimeoutError(
                f"data_parallel: after {self.timeout:g} s, step {step} waits for its {self.size} tasks; the cluster "
                f"has {self.processors} processors, which may be busy or gone (`ray status`). Pass a larger timeout= "
                f"if that is as it should be."
            ) from None

    def _part(self, batch: Any, work: Work, start: int, stop: int) -> tuple[Any, Any]:
        """What a task needs to know of the batch: its shards; or the loader, which is sent once, and what to read.

        A stream is read here, since it has no sample i.
        """
        if not isinstance(batch, UnreadBatch) or isinstance(batch.loader.dataset, IterableDataset):
            return None, {k: cut(batch, k, work.shards) for k in range(start, stop)}
        loader = batch.loader
        if id(loader) not in self._loaders:
            self._loaders[id(loader)] = loader, self.ray.put(loader)
        return self._loaders[id(loader)][1], (batch.indices, batch.epoch, batch.number)


_MOST = 8  # steps (of a generator, of a discriminator) whose work a worker keeps
_works: dict[str, Work] = {}
"""What this process of a worker has unpickled, with its compiled programs."""


def _task(
    key: str, pickled: Array, state: State, loader: Any, samples: Any, step: int, start: int, stop: int
) -> tuple[list[Part], Array, dict[str, str]]:
    """The sums of some shards, in a worker."""
    from ray import cloudpickle

    work = _works.get(key)
    if work is None:
        if len(_works) == _MOST:
            del _works[next(iter(_works))]
        work = _works[key] = cloudpickle.loads(pickled.tobytes())
    tensors = work.tensors()
    for t, flag in zip(tensors, state.trained, strict=True):
        t.requires_grad_(flag)
    write(tensors, state.arrays)
    for module, flag in zip(work.model.modules(), state.training, strict=True):
        module.training = flag
    batch = UnreadBatch(loader, *samples) if loader is not None else Pieces(mapped(_own, samples))
    parts, rows = work.sums(batch, step, start, stop)
    return parts, rows, arithmetic()


def _own(x: Any) -> Any:
    """A copy of an array in memory of this process: what Ray delivers is read-only, and aligned to few bytes."""
    if isinstance(x, Tensor):
        return Tensor(x.data.copy())
    return x.copy() if isinstance(x, np.ndarray) else x
