"""Distances and similarities of vectors as layers."""

from __future__ import annotations

from typing import Any

from micrograd_np import functional

from .function_layer import FunctionModule


class _OfPairs(FunctionModule):
    def forward(self, x1: Any, x2: Any) -> Any:
        """The function of both."""
        return self._function(x1, x2, *[getattr(self, name) for name in self._settings])


class CosineSimilarity(_OfPairs, function=functional.cosine_similarity):
    """The cosine of the angle between vectors along axis `dim`: ``(n, d), (n, d) -> (n,)``.

    See `functional.cosine_similarity`.
    """

    _example = (), ([[1.0, 0.0]], [[1.0, 1.0]])

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self._hold(locals())


class PairwiseDistance(_OfPairs, function=functional.pairwise_distance):
    """The `p`-norm of the difference of vectors: ``(n, d), (n, d) -> (n,)``; see `functional.pairwise_distance`."""

    _example = (), ([[0.0, 0.0]], [[3.0, 4.0]])

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self._hold(locals())
