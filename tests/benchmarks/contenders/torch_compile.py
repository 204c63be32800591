"""PyTorch, ``torch.compile`` around forward and loss. Their backward is compiled with them; the optimiser is eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..workloads import Workload
from . import torch_eager
from .torch_eager import finish

__all__ = ["build", "finish"]


def build(workload: Workload) -> Callable[[], Any]:
    """The step of ``torch_eager``, compiled."""
    return torch_eager.build(workload, compile=torch.compile)
