"""Debugging: which line made a tensor, a nan or a change of memory, and how a gradient is computed."""

from .explain import explain
from .mutation import detect_mutation
from .nonfinite import NonfiniteError, detect_nonfinite
from .origin import Origin, origin_of, trace_origins

__all__ = ["NonfiniteError", "Origin", "detect_mutation", "detect_nonfinite", "explain", "origin_of", "trace_origins"]
