"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

from micrograd_np.ops import transcendental

from .module import Module


class Sigmoid(Module):
    """1 / (1 + exp(−x)), elementwise."""

    def forward(self, x: Any) -> Any:
        """σ(x)."""
        return transcendental.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent, elementwise."""

    def forward(self, x: Any) -> Any:
        """tanh(x)."""
        return transcendental.tanh(x)


class ReLU(Module):
    """max(x, 0), elementwise."""

    def forward(self, x: Any) -> Any:
        """max(x, 0)."""
        return transcendental.relu(x)
