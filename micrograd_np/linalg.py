"""Linear algebra under NumPy's names: ``mg.linalg.solve(a, b)``."""

from .ops.linalg import (
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
