"""How operations are written in ONNX: the table, which the files beside it fill."""

from . import activations, elementwise, products, recurrences, reductions, shapes, windows  # noqa: F401
from .table import OPERATORS

__all__ = ["OPERATORS"]
