"""The engine "serial": all shards in this process, with the bits that any number of workers would give."""

from __future__ import annotations

from typing import Any, NamedTuple

from .tree import Array, fold
from .work import Work


class Header(NamedTuple):
    """What a worker says about its step: numbers that all must agree on, and whether it has been asked to stop."""

    samples: int
    step: int
    fingerprint: int  # of parameters, optimiser and batch; 0 in steps that compare none
    stop: bool
    modes: int = 0  # of `Work.modes`


class Serial:
    """One worker, this process."""

    rank, size, reads_here = 0, 1, True

    def begin(self, work: Work, facts: dict[str, Any]) -> None:
        """Nothing is to be compared."""

    def wait(self) -> None:
        """There is nobody to wait for."""

    def sums(self, work: Work, batch: Any, header: Header) -> tuple[Array, Array, bool]:
        """The sum of the gradients of all shards of `batch`, a row for each shard, and whether to stop."""
        parts, rows = work.sums(batch, header.step, 0, work.shards)
        return fold(parts, work.shards), rows, header.stop
