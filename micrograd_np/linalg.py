"""Linear algebra under NumPy's names: ``mg.linalg.solve(a, b)``."""

# isort: off
from .core.messages import explain_all_keywords as _explain_all_keywords
from .core.spellings import explain_names as _explain_names
from .numpy_api.factors import eigh, eigvalsh, pinv, qr, svd, svdvals
from .numpy_api.linalg import (
    cholesky, det, inv, matrix_norm, matrix_power, multi_dot, norm, slogdet, solve, vector_norm,
)  # fmt: skip

__all__ = [
    "cholesky", "det", "eigh", "eigvalsh", "inv", "matrix_norm", "matrix_power", "multi_dot", "norm", "pinv", "qr",
    "slogdet", "solve", "svd", "svdvals", "vector_norm",
]  # fmt: skip

_explain_all_keywords(__all__, globals())
_explain_names(globals())
