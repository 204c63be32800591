"""micrograd_np with ``mg.compile(mode="fast")`` around the whole step: free to round differently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import micrograd_np as mg

from ..workloads import Workload
from . import ours_eager
from .ours_eager import finish

__all__ = ["build", "finish"]


def build(workload: Workload) -> Callable[[], Any]:
    """The step of ``ours_eager``, compiled without the promise of equal bits."""
    return ours_eager.build(workload, compile=mg.compile(mode="fast"))
