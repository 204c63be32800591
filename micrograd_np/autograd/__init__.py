"""Derivatives as values: PyTorch's `grad` of outputs by inputs, and transforms of functions."""

from .recompute import checkpoint
from .reverse import grad

__all__ = ["checkpoint", "grad"]
