"""Debugging: which line made a tensor, a nan or a change of memory, and how a gradient is computed."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .explain import explain
from .mutation import detect_mutation
from .nonfinite import NonfiniteError, detect_nonfinite
from .origin import Origin, origin_of, trace_origins

__all__ = ["NonfiniteError", "Origin", "detect_mutation", "detect_nonfinite", "explain", "origin_of", "trace_origins"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
