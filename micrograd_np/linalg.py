"""Linear algebra under NumPy's names: ``mg.linalg.solve(a, b)``."""

from .core.messages import answer_all as _answer_all
from .numpy_api.linalg import (
    cholesky,
    det,
    inv,
    matrix_norm,
    matrix_power,
    multi_dot,
    norm,
    slogdet,
    solve,
    vector_norm,
)

__all__ = [
    "cholesky",
    "det",
    "inv",
    "matrix_norm",
    "matrix_power",
    "multi_dot",
    "norm",
    "slogdet",
    "solve",
    "vector_norm",
]

_answer_all(__all__, globals())
