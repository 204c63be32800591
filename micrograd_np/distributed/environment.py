"""The arithmetic of a process: the versions, kernels and threads on which the last bit of a result depends."""

from __future__ import annotations

import os
import platform
from functools import cache
from typing import Any

import numpy as np

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that libraries for matrix products read."""


@cache
def arithmetic() -> dict[str, str]:
    """What the bits of a result depend on, apart from the program: in words, by name.

    Kernels and threads of the library for matrix products are those that threadpoolctl finds; without it, the
    variables that set them.
    """
    from numpy._core._multiarray_umath import __cpu_features__ as features

    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        variables = [f"{name}={os.environ.get(name, 'unset')}" for name in ("OPENBLAS_CORETYPE", *THREADS)]
        blas = f"unknown without threadpoolctl; {', '.join(variables)}"
        threads = "unknown without threadpoolctl"
    else:
        np.ones((2, 2)) @ np.ones((2, 2))
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        blas = "; ".join(f"{p['internal_api']} {p['version']} for {p.get('architecture', 'unknown')}" for p in pools)
        threads = "; ".join(str(pool["num_threads"]) for pool in pools)
    return {
        "NumPy": np.__version__,
        "BLAS": blas,
        "BLAS threads": threads,
        "CPU": f"{platform.machine()}: {' '.join(name for name, there in features.items() if there)}",
    }


def difference(mine: dict[str, Any], other: dict[str, Any]) -> str:
    """The first entry in which two dicts differ, in words; an empty string if there is none."""
    for name, x in mine.items():
        y = other.get(name)
        if x != y:
            if name == "CPU":
                here, there = set(str(x).split()), set(str(y).split())
                only = [" ".join(sorted(side)) or "nothing more" for side in (here - there, there - here)]
                return f"{name}: {only[0]} against {only[1]}"
            return f"{name}: {x} against {y}"
    return ""
