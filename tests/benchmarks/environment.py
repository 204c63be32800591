"""The environment a contender is measured in, and what can be said about it afterwards.

The machine may pin OpenBLAS to an old processor by ``OPENBLAS_CORETYPE`` and ``OPENBLAS_L2_SIZE``. That halves NumPy's
matrix product and nobody else's, and no user has it: both are removed before NumPy is loaded. Threads are limited by
every variable a library may listen to and, where fewer threads than processors are asked for, by tying the process to
that many processors, since XLA's pool listens to nothing else.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PACKAGES = ("numpy", "scipy", "torch", "jax", "autograd", "mygrad")


def child_environment(threads: int) -> dict[str, str]:
    """The environment variables of a process that may use ``threads`` threads."""
    environment = {name: value for name, value in os.environ.items() if name not in PINNED}
    environment.update(dict.fromkeys(THREADS, str(threads)))
    environment["JAX_PLATFORMS"] = "cpu"
    environment["CUDA_VISIBLE_DEVICES"] = ""
    environment["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # the time to the first step is that of a first step
    return environment


def limit_processors(threads: int) -> None:
    """Ties this process to ``threads`` processors, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        if threads < len(allowed):
            os.sched_setaffinity(0, allowed[-threads:])


def blas() -> str:
    """The matrix kernels NumPy uses in this process: library, version, processor they are for, threads."""
    import numpy as np

    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        build = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{build['name']} {build['version']} (install threadpoolctl to see which kernels it chose)"
    np.ones((2, 2)) @ np.ones((2, 2))
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return "; ".join(
        f"{pool['internal_api']} {pool['version']}, kernels for {pool.get('architecture', 'unknown')}, "
        f"{pool['num_threads']} thread{'s' * (pool['num_threads'] != 1)}"
        for pool in pools
    )


def versions() -> dict[str, str]:
    """The version of each installed package that a table may show."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def processor() -> str:
    """The processor's name and how many of them the machine has."""
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} processors"


def describe() -> dict[str, Any]:
    """Everything a reader of a table needs to know about where it was made."""
    return {"processor": processor(), "blas": blas(), "versions": versions()}
