"""The BLAS inside NumPy's wheel, whose routines C may call by name: the same instance, so the same bits.

Needed only where the calls of `products.blas_call` are wanted instead of np.matmul's loop, which works with any BLAS.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

import numpy as np

__all__ = ["find_routine"]


@functools.cache
def find_routine(name: str, dtype: str) -> int | str:
    """The address of a CBLAS routine ("gemm", "gemv", "dot") for "float32" or "float64", or a sentence: why not.

    Its integers have 64 bits, its flags are of type int.
    """
    symbol = f"scipy_cblas_{'s' if dtype == 'float32' else 'd'}{name}64_"
    package = Path(np.__file__).parent
    loaded = ctypes.DEFAULT_MODE | getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_NOW", 0)
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("libscipy_openblas64_*")):
            try:  # the library must be loaded already: then it is NumPy's own
                return ctypes.cast(ctypes.CDLL(str(path), loaded)[symbol], ctypes.c_void_p).value or f"{symbol} is 0."
            except (OSError, AttributeError) as error:
                return f"NumPy's BLAS, {path.name}, cannot be called: {error}."
    return f"NumPy {np.__version__} comes without an OpenBLAS of its own: {package.parent / 'numpy.libs'} holds none."
