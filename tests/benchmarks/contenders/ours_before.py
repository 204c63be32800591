"""``ours_compiled`` of another tree, such as a worktree of an older commit: ``MICROGRAD_NP_BEFORE`` is its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..workloads import Workload


def build(workload: Workload) -> Callable[[], Any]:
    """The step of that tree; raises ImportError where there is none."""
    folder = Path(os.environ.get("MICROGRAD_NP_BEFORE", "/nowhere"))
    sys.path.insert(0, str(folder))
    from . import ours_compiled

    if not Path(ours_compiled.mg.__file__).is_relative_to(folder):
        raise ImportError("MICROGRAD_NP_BEFORE has to be the path, from / on, of another tree with micrograd_np in it")
    return ours_compiled.build(workload)


def finish(value: Any) -> Any:
    """What a step returned, for NumPy to read."""
    return value.data
