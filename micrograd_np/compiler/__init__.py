"""From a training step to the NumPy program an expert would have written: trace, simplify, plan memory, write."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .backend import get_compile_backend, set_compile_backend
from .error import CompileError
from .step import Compiled, compile  # noqa: A004

__all__ = ["CompileError", "Compiled", "compile", "get_compile_backend", "set_compile_backend"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
