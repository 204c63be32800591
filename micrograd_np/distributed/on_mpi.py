"""The engine "mpi": every process runs the whole program; here they compare notes and exchange sums of gradients."""

from __future__ import annotations

import atexit
import faulthandler
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, suppress
from io import StringIO
from itertools import pairwise
from time import monotonic, sleep
from typing import Any

import numpy as np

from .environment import THREADS, arithmetic, difference, launched
from .serial import Header
from .tree import Array, Part, block, fold, nodes
from .work import Work

_ULFM = "OMPI_MCA_mpi_ft_enable"  # Open MPI's launcher sets it to 1 for a job that goes on when a process is lost
_PASSING_ON = 0.2  # seconds in which a launcher shows what a rank has printed; MPICH's drops it when a rank aborts
_let_others = getattr(os, "sched_yield", lambda: sleep(0))  # there may be more ranks than processors


class MPIEngine:
    """The ranks of a communicator of our own. Every wait ends after `timeout` seconds, and says for what it was."""

    reads_here = True

    def __init__(self, timeout: float, elastic: bool, allow_mixed: bool, *, fast: bool) -> None:
        try:
            MPI = _start_of_all_processes(timeout)
        except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no library of MPI
            message = (
                "data_parallel: engine='mpi' needs mpi4py and a library of MPI: pip install 'micrograd_np[mpi]', or "
                "mpi4py alone where the cluster has an MPI of its own."
            )
            raise ImportError(message) from error
        self.MPI, self.timeout, self.elastic, self.allow_mixed, self.fast = MPI, timeout, elastic, allow_mixed, fast
        self.comm = MPI.COMM_WORLD
        if self.comm.size > 1:
            _engines.append(self)
            if len(_engines) == 1:
                _end_all_on_error(MPI.COMM_WORLD)
        library = MPI.Get_library_version().splitlines()[0].split(",")[0].strip(" \0")
        expected = launched()
        if expected > 1 and self.comm.size != expected:
            raise RuntimeError(
                f"data_parallel: the launcher started {expected} processes, and each is alone, since it belongs to "
                f"another MPI than mpi4py loads ({library}). Use the mpiexec of that library; see `which mpiexec`."
            )
        if elastic and os.environ.get(_ULFM) != "1":
            raise RuntimeError(
                f"data_parallel: elastic=True needs Open MPI under mpiexec --with-ft ulfm; this is {library}. Without, "
                f"resume from a checkpoint, with any number of workers."
            )
        self._requests: list[Any] = []
        self._lost = False
        atexit.register(self._leave)
        self.comm = self._by_all(self._copy)

    @property
    def rank(self) -> int:
        """The number of this process."""
        return self.comm.rank

    @property
    def size(self) -> int:
        """How many processes there are: fewer, after one was lost."""
        return self.comm.size

    def _copy(self) -> Any:
        """A communicator of the same ranks, whose messages meet no others."""
        comm, request = self.comm.Idup()
        self._wait([request], "all ranks to make this step")
        return comm

    def wait(self) -> None:
        """Wait until every rank is here."""
        self._by_all(lambda: self._shared(None))

    def begin(self, work: Work, facts: dict[str, Any]) -> None:
        """Compare `facts` with those of rank 0; RuntimeError says where they differ, and what to do."""
        all_facts = self._by_all(lambda: self._shared(facts)) if facts else []
        for rank, other in enumerate(all_facts):
            if not (mismatch := difference(all_facts[0], other)):
                continue
            name, advice = mismatch.partition(":")[0], "Run one program with the same settings in every process."
            if name in arithmetic():
                if self.allow_mixed or self.fast:
                    continue
                advice = (
                    f"Equal bits need equal arithmetic: set {THREADS[0]} alike, and take processors of one kind; or "
                    "pass allow_mixed=True, and bits depend on which rank computes which shard."
                )
            elif name in ("parameters", "seed"):
                advice = "Call mg.manual_seed(0) before the model is made, in every process, or load one checkpoint."
                mismatch = f"{name}: their values differ"
            raise RuntimeError(f"data_parallel: rank {rank} differs from rank 0 in {mismatch}. {advice}")

    def sums(self, work: Work, batch: Any, header: Header) -> tuple[Array, Array, bool]:
        """The sum of the gradients of all shards of `batch`, a row for each shard, and whether any rank is to stop.

        Where a rank is lost and the step is elastic, the others divide the shards anew and do the step again.
        """
        try:
            return self._by_all(lambda: self._sums(work, batch, header))
        except Exception:
            self.elastic = False  # all ranks raise, and none goes on
            raise

    def _by_all(self, act: Callable[[], Any]) -> Any:
        """The result of `act`, which all ranks do; done again by those that are left, where one is lost meanwhile."""
        while self.elastic:
            done = False
            with suppress(self.MPI.Exception):
                result = act()
                done = True
            if not done:
                self.comm.Revoke()  # whoever waits for this rank learns of it
                self._settle()
            if self._agreed(done):
                return result
            self.comm = self.comm.Shrink()
            self._lost = True
        return act()

    def _settle(self) -> None:
        """Let what was begun before the loss come to an end, so that nothing of it is open when the program ends."""
        for request in self._requests:
            if request:
                with suppress(self.MPI.Exception):
                    self._wait([request], "messages to a rank that was lost")

    def _leave(self) -> None:
        """After a loss, end without the end of MPI, in which Open MPI sometimes waits for the lost process."""
        if self._lost:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)  # an exception would have aborted the job

    def _agreed(self, done: bool) -> bool:
        """Whether all that are left are done; every one gets the same answer."""
        flag = np.array([done], np.int32)
        try:
            self._wait([self.comm.Iagree(flag)], "all ranks to say that they are done")
        except self.MPI.Exception:
            return False
        return bool(flag[0])

    def _sums(self, work: Work, batch: Any, header: Header) -> tuple[Array, Array, bool]:
        rank, size, shards = self.rank, self.size, work.shards
        start, stop = block(rank, size, shards)
        width = work.width()
        modes = hash((*map(tuple, work.modes()), width)) % (1 << 48)  # no text in it, so that it is alike everywhere
        header = header._replace(modes=modes)
        begun = np.empty((size, len(header)))
        request = self.comm.Iallgather(np.array(header, float), begun)  # arrives while this rank computes
        message = np.zeros(1 + -(-shards // size) * width)
        error: Exception | None = None
        parts: list[Part] = []
        try:
            parts, rows = work.sums(batch, header.step, start, stop)
            message[1 : 1 + rows.size] = rows.ravel()
        except Exception as failure:  # noqa: BLE001  all ranks raise it, below
            error = failure
            message[0] = 1
        what = f"the losses of step {header.step}"
        self._wait([request], what)
        headers = [Header(*row) for row in begun]
        try:
            _compare(headers)
        except RuntimeError:
            self._raise(error)  # a rank that failed says more
            raise
        messages = np.empty((size, message.size))
        self._wait([self.comm.Iallgather(message, messages)], what)
        if messages[:, 0].any():
            self._raise(error)
        blocks = [block(r, size, shards) for r in range(size)]
        pieces = [m[1 : 1 + (b - a) * width] for m, (a, b) in zip(messages, blocks, strict=True)]
        rows = np.concatenate(pieces).reshape(shards, width)
        own, agreed = work.orders(rows[start:stop]), work.orders(rows)
        parts = [part._replace(vector=work.reordered(part.vector, own, agreed)) for part in parts]
        vector = self._reduced(parts, blocks, shards, f"the gradients of step {header.step}")
        return vector, rows, any(h.stop for h in headers)

    def _reduced(self, parts: list[Part], blocks: list[tuple[int, int]], shards: int, what: str) -> Array:
        """The sum of the parts of all ranks, in the memory of the first of mine.

        Each rank adds up one segment of the vectors, in the order of the tree, and sends the result to the others: no
        rank receives a whole vector of another's.
        """
        comm, rank, size = self.comm, self.rank, self.size
        result = parts[0].vector
        if size == 1:
            return fold(parts, shards)
        if self.fast:
            for part in parts[1:]:
                result += part.vector
            total = np.empty_like(result)
            self._wait([comm.Iallreduce(result, total)], what)
            return total
        bounds = [r * result.size // size for r in range(size + 1)]
        segments = [slice(*pair) for pair in pairwise(bounds)]
        mine, others = segments[rank], [r for r in range(size) if r != rank]
        received = {
            r: [Part(a, b, np.empty(mine.stop - mine.start, result.dtype)) for a, b in nodes(*blocks[r], shards)]
            for r in others
        }
        requests = [comm.Irecv(part.vector, r, tag) for r in others for tag, part in enumerate(received[r])]
        requests += [comm.Isend(part.vector[segments[r]], r, tag) for r in others for tag, part in enumerate(parts)]
        self._wait(requests, what)
        received[rank] = [part._replace(vector=part.vector[mine]) for part in parts]
        result[mine] = fold([part for r in range(size) for part in received[r]], shards)
        requests = [comm.Irecv(result[segments[r]], r, shards) for r in others]
        requests += [comm.Isend(result[mine], r, shards) for r in others]
        self._wait(requests, what)
        return result

    def _shared(self, x: Any) -> list[Any]:
        """What each rank passes, from all ranks, by number."""
        data = np.frombuffer(pickle.dumps(x), np.uint8)
        sizes = np.empty(self.size, np.int64)
        self._wait([self.comm.Iallgather(np.array([data.size]), sizes)], "all ranks to arrive here")
        every = np.empty(sizes.sum(), np.uint8)
        self._wait([self.comm.Iallgatherv(data, [every, sizes.tolist()])], "all ranks to arrive here")
        return [pickle.loads(piece.tobytes()) for piece in np.split(every, np.cumsum(sizes)[:-1])]  # noqa: S301  our own

    def _raise(self, error: Exception | None) -> None:
        """Raise `error`, or what says what happened on the first rank that has one."""
        texts = self._shared("" if error is None else "".join(traceback.format_exception(error)))
        if error is not None:
            raise error
        for rank, text in enumerate(texts):
            if text:
                raise RuntimeError(f"data_parallel: rank {rank} failed, so that no rank can go on:\n\n{text}")

    def _wait(self, requests: list[Any], what: str) -> None:
        """Wait until `requests` are done, for `timeout` seconds at most."""
        end, self._requests = monotonic() + self.timeout, requests
        while not self.MPI.Request.Testall(requests):
            if monotonic() > end:
                raise TimeoutError(
                    f"data_parallel: rank {self.rank} has waited {self.timeout:g} s for {what}; another rank is busy "
                    f"elsewhere, has ended, or takes other steps. Pass a larger timeout= if that is as it should be."
                )
            _let_others()


def _compare(headers: Iterable[Header]) -> None:
    """Raise RuntimeError where ranks are at different steps, batches or parameters."""
    first, *rest = headers
    for rank, other in enumerate(rest, 1):
        if other.step != first.step:
            problem = f"is at step {other.step:g}, and rank 0 at step {first.step:g}"
            remedy = "Let every rank take the same steps, and load the same checkpoint"
        elif other.samples != first.samples:
            problem = f"has a batch of {other.samples:g} samples, and rank 0 one of {first.samples:g}"
            remedy = "Give every rank the whole batch"
        elif other.modes != first.modes:
            problem = "has modules or parameters in other modes than rank 0, or other ones"
            remedy = "Call train(), eval(), requires_grad_() and add_param_group() alike in every process"
        elif other.fingerprint != first.fingerprint:
            problem = "has other parameters, another state of the optimiser or another batch than rank 0"
            remedy = (
                "Call mg.manual_seed(0) in every process before anything is drawn, change parameters alike everywhere, "
                "and read the same data"
            )
        else:
            continue
        raise RuntimeError(f"data_parallel: at step {first.step:g}, rank {rank} {problem}. {remedy}.")


def _start_of_all_processes(timeout: float) -> Any:
    """The module MPI. To load it starts MPI, which waits for every process, and stops Python meanwhile.

    After `timeout` seconds faulthandler ends this process; of its traceback the name of this function is all that says
    why.
    """
    if launched() > 1:
        faulthandler.dump_traceback_later(timeout, exit=True, file=2)
    try:
        from mpi4py import MPI
    finally:
        if launched() > 1:
            faulthandler.cancel_dump_traceback_later()
    return MPI


_engines: list[MPIEngine] = []


def _end_all_on_error(world: Any) -> None:
    """Let an exception that nobody catches end all ranks, after its traceback."""
    show: Callable[..., Any] = sys.excepthook

    def end_all(*exception: Any) -> None:
        with redirect_stderr(StringIO()) as text:
            show(*exception)
        sys.stderr.write(text.getvalue())  # at once: a launcher mixes what ranks write in parts
        sys.stderr.flush()
        sleep(_PASSING_ON)
        if os.environ.get(_ULFM) != "1":
            world.Abort(1)  # MPICH's returns sometimes, where another rank aborts as well
        else:  # it would end this rank alone
            for engine in _engines:
                with suppress(engine.MPI.Exception):
                    engine.comm.Revoke()
            if any(engine.elastic for engine in _engines):
                os.kill(os.getpid(), signal.SIGKILL)  # of another end Open MPI does not tell those who go on
        os._exit(1)

    sys.excepthook = end_all
