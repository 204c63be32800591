"""NumPy, hand-written the way people write it: readable lines, a new array for every result."""

from __future__ import annotations

from collections.abc import Callable

from ...workloads import Workload
from . import elementwise, lenet, lstm, mlp, transformer

KINDS = {"mlp": mlp, "lenet": lenet, "lstm": lstm, "transformer": transformer, "elementwise": elementwise}


def build(workload: Workload) -> Callable[[], object]:
    """The step of this workload."""
    return KINDS[workload.kind].build(workload)
