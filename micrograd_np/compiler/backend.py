"""In which language compiled steps run unless `compile` is told otherwise: one setting for the process."""

from __future__ import annotations

import os

__all__ = ["BACKENDS", "get_compile_backend", "set_compile_backend"]

BACKENDS = ("numpy", "c")
_VARIABLE = "MICROGRAD_NP_COMPILE_BACKEND"
_backend: str | None = None


def set_compile_backend(backend: str) -> None:
    """Set the backend of compiled steps that name none: "numpy", as at first, or "c".

    It holds for programs that are made from now on. The environment variable MICROGRAD_NP_COMPILE_BACKEND sets it for a
    whole process. Raises ValueError for any other backend.

    >>> import micrograd_np as mg
    >>> mg.set_compile_backend(mg.get_compile_backend())
    """
    global _backend  # noqa: PLW0603  one for the process, as the default dtype is
    check_backend("set_compile_backend", backend)
    _backend = backend


def get_compile_backend() -> str:
    """The backend set by `set_compile_backend`, or else by the environment variable, or else "numpy".

    >>> import micrograd_np as mg
    >>> mg.get_compile_backend()
    'numpy'
    """
    if _backend is not None:
        return _backend
    name = os.environ.get(_VARIABLE) or "numpy"
    check_backend(f"the environment variable {_VARIABLE}", name)
    return name


def check_backend(where: str, backend: object) -> None:
    """Raise ValueError for a backend that there is not."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        message = f"{where}: backend must be 'numpy' or 'c', found {backend!r}."
        raise ValueError(message)
