"""Linear algebra under NumPy's names: ``mg.linalg.solve(a, b)``."""

from .ops.linalg import cholesky, det, inv, slogdet, solve
from .ops.statistics import norm

__all__ = ["cholesky", "det", "inv", "norm", "slogdet", "solve"]
