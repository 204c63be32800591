"""NumPy, hand-written the way an expert would: ``out`` everywhere, ``np.dot`` into buffers, views made beforehand."""

from __future__ import annotations

from collections.abc import Callable

from ...workloads import Workload
from . import elementwise, lenet, lstm, mlp, transformer

KINDS = {"mlp": mlp, "lenet": lenet, "lstm": lstm, "transformer": transformer, "elementwise": elementwise}


def build(workload: Workload, *, flat: bool = False) -> Callable[[], object]:
    """The step of this workload; with ``flat`` all parameters live in one vector. Written for float32 alone."""
    if workload.dtype != "float32":
        raise NotImplementedError
    return KINDS[workload.kind].build(workload, flat=flat)
