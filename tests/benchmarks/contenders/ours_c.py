"""micrograd_np with ``mg.compile(backend="c")``: the program of ``ours_compiled`` as C, equal in every bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import micrograd_np as mg

from ..workloads import Workload
from . import ours_eager
from .ours_eager import finish

__all__ = ["build", "finish"]


def build(workload: Workload) -> Callable[[], Any]:
    """The step of ``ours_eager``, compiled to C; timing begins once it runs as C."""
    return ours_eager.build(workload, compile=partial(mg.compile, backend="c", wait=True))
