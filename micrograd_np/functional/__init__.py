"""Functions of tensors: composites of primitives, and the losses."""

from .loss import binary_cross_entropy, cross_entropy, mse_loss

__all__ = ["binary_cross_entropy", "cross_entropy", "mse_loss"]
