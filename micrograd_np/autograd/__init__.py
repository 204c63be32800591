"""Derivatives as values: PyTorch's `grad` of outputs by inputs, and transforms of functions."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .recompute import checkpoint
from .reverse import grad

__all__ = ["checkpoint", "grad"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
