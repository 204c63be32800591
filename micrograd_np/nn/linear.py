"""Affine and bilinear layers."""

from __future__ import annotations

from math import sqrt
from typing import Any

from micrograd_np import functional
from micrograd_np.core.settings import Count, Size
from micrograd_np.ops.linear import linear, matmul
from micrograd_np.ops.shape import transpose

from .module import Module
from .parameter import Parameter, uniform


class Linear(Module):
    """y = x Wᵀ + b: ``(…, in) -> (…, out)``. `weight` is (out, in), `bias` (out,), both drawn from U(±1/√in).

    >>> import micrograd_np as mg
    >>> layer = mg.nn.Linear(3, 2)
    >>> layer(mg.ones(5, 3)).shape, layer.weight.shape, layer.bias.shape
    ((5, 2), (2, 3), (2,))
    """

    _in_repr = ("in_features=", "out_features=", "bias=")

    bias: Parameter | None

    def __init__(self, in_features: Size, out_features: Size, bias: bool = True, dtype: Any = None) -> None:
        bound = 1 / sqrt(in_features) if in_features else 0.0
        self.in_features, self.out_features = in_features, out_features
        # Fortran order makes Wᵀ contiguous, and the product x Wᵀ up to twice as fast
        self.weight = uniform(bound, out_features, in_features, dtype=dtype, order="F")
        self.register_parameter("bias", uniform(bound, out_features, dtype=dtype) if bias else None)

    def forward(self, input: Any) -> Any:
        """input Wᵀ + b."""
        if self.bias is None:
            return matmul(input, transpose(self.weight))
        return linear(input, self.weight, self.bias)


class Bilinear(Module):
    """x₁ᵀ W x₂ + b, one W for each output: ``(…, in1), (…, in2) -> (…, out)``. `weight` is (out, in1, in2).

    Weight and bias (out,) are drawn from U(±1/√in1). ValueError for inputs of other shapes.

    >>> import micrograd_np as mg
    >>> mg.nn.Bilinear(4, 3, 2)(mg.ones(6, 4), mg.ones(6, 3)).shape
    (6, 2)
    """

    _in_repr = ("in1_features=", "in2_features=", "out_features=", "bias=")

    bias: Parameter | None

    def __init__(
        self, in1_features: Count, in2_features: Size, out_features: Size, bias: bool = True, dtype: Any = None
    ) -> None:
        bound = 1 / sqrt(in1_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = uniform(bound, out_features, in1_features, in2_features, dtype=dtype)
        self.register_parameter("bias", uniform(bound, out_features, dtype=dtype) if bias else None)

    def forward(self, input1: Any, input2: Any) -> Any:
        """x₁ᵀ W x₂ + b."""
        return functional.bilinear(input1, input2, self.weight, self.bias)
