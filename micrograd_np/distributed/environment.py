"""How a process was started, and its arithmetic: what the last bit of a result depends on, but for the program."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that libraries for matrix products read."""


SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables in which launchers of MPI programs say how many processes they have started."""


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
        every = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        own = str(Path(np.__file__).parent)  # numpy, or numpy.libs beside it; SciPy has a library of its own
        pools = [pool for pool in every if pool["filepath"].startswith(own)] or every
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


def launched() -> int:
    """How many processes a launcher of MPI programs has started; 0 without one."""
    return max(int(os.environ.get(name) or 0) for name in SIZES)


def chosen() -> str:
    """The engine that this process was started for: "mpi" under a launcher, "ray" where Ray runs, else "serial"."""
    if launched() > 1:
        return "mpi"
    ray = sys.modules.get("ray")
    return "ray" if "RAY_ADDRESS" in os.environ or (ray is not None and ray.is_initialized()) else "serial"
