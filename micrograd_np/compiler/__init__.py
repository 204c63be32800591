"""From a training step to the NumPy program an expert would have written: trace, simplify, plan memory, write."""

from .step import Compiled, compile  # noqa: A004
from .tracing.trace import CompileError

__all__ = ["CompileError", "Compiled", "compile"]
