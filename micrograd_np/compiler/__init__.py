"""From a training step to the NumPy program an expert would have written: trace, simplify, plan memory, write."""

from .backend import get_compile_backend, set_compile_backend
from .error import CompileError
from .step import Compiled, compile  # noqa: A004

__all__ = ["CompileError", "Compiled", "compile", "get_compile_backend", "set_compile_backend"]
