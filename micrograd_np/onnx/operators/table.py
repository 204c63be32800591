"""The table of operations, and how they are written in ONNX: one function for each.

``primitive.NAME`` are primitives that ONNX has an operator for, or that are said in a few; all others were recorded as
the NumPy calls of their kernels, ``np.NAME``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Converter = Callable[..., Any]
OPERATORS: dict[str, Converter] = {}
"""By operation: ``function(graph, *arguments, **settings)``, which returns the name of the result."""


def operator(*names: str) -> Callable[[Converter], Converter]:
    """Register a function for these operations."""

    def register(function: Converter) -> Converter:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return register
