"""From a training step to the NumPy program an expert would have written: trace, simplify, plan memory, write."""

from .error import CompileError
from .step import Compiled, compile  # noqa: A004

__all__ = ["CompileError", "Compiled", "compile"]
