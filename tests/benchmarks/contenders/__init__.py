"""The contenders: each is a module with ``build(workload) -> step``, and ``step()`` is what is timed.

``build`` raises ``NotImplementedError`` for a workload the contender has no fair program for. A module may also have
``finish(value)``, which waits for what a step returned and gives something NumPy can read.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# What each contender needs beside NumPy.
REQUIRES = {
    "ours_eager": "micrograd_np",
    "ours_compiled": "micrograd_np",
    "ours_fast": "micrograd_np",
    "ours_c": "micrograd_np",
    "ours_before": "micrograd_np",
    "numpy_plain": "numpy",
    "numpy_preallocated": "numpy",
    "numpy_flat": "numpy",
    "numpy_dots": "numpy",
    "torch_eager": "torch",
    "torch_compile": "torch",
    "jax_jit": "jax",
    "mygrad": "mygrad",
    "autograd": "autograd",
}


def lacking(error: Exception) -> str:
    """In words, what a contender has no program for, or its package no such name; empty for any other error."""
    if isinstance(error, NotImplementedError):
        return "–"
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return f"no {error.obj.__name__}.{error.name}"
    return ""


def installed(contender: str) -> bool:
    """Whether the package that this contender needs can be imported."""
    return find_spec(REQUIRES[contender]) is not None


def contender(name: str) -> tuple[Callable[..., Callable[[], Any]], Callable[[Any], Any]]:
    """``build`` and ``finish`` of the contender called ``name``; its package is imported by this."""
    module = import_module(f".{name}", __name__)
    return module.build, getattr(module, "finish", lambda value: value)
