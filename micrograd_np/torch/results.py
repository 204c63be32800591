"""Several results at once, under PyTorch's names for them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def _named(name: str, fields: str) -> Any:
    return namedtuple(name, fields, module=__name__)  # noqa: PYI024  its fields are what it is


Determinant = _named("Determinant", "sign logabsdet")
Extremes = _named("Extremes", "min max")
Histogram = _named("Histogram", "hist bin_edges")
Inverse = _named("Inverse", "inverse info")
LeastSquares = _named("LeastSquares", "solution residuals rank singular_values")
Parts = _named("Parts", "mantissa exponent")
QR = _named("QR", "Q R")
Reflections = _named("Reflections", "a tau")
Singular = _named("Singular", "U S V")
Solution = _named("Solution", "solution cloned_coefficient")
Solved = _named("Solved", "result info")
Triangle = _named("Triangle", "L info")


class Pair(_named("Pair", "values indices")):  # type: ignore[misc]
    """The values along an axis, and where they stand."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"

    def __reduce__(self) -> Any:
        return Pair, tuple(self)
