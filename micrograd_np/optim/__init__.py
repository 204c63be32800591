"""Optimisers: PyTorch's names, arguments and defaults."""

from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Optimizer"]
