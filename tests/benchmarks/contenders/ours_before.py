"""``ours_compiled`` of another tree, such as a worktree of an older commit: ``MICROGRAD_NP_BEFORE`` is its folder."""

from __future__ import annotations

import os
import sys

try:
    sys.path.insert(0, os.environ["MICROGRAD_NP_BEFORE"])
except KeyError:
    raise ImportError("set MICROGRAD_NP_BEFORE to the folder of another tree, which is compared with this") from None

from .ours_compiled import build, finish

__all__ = ["build", "finish"]
