"""Activation functions as modules: each holds its settings; what it computes, `functional` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from micrograd_np import functional
from micrograd_np.core.settings import Size
from micrograd_np.engine.tensor import get_default_dtype

from .module import Module
from .parameter import Parameter


class _Activation(Module):
    _function: ClassVar[Callable[..., Any]]
    _in_repr: ClassVar[tuple[str, ...]] = ()  # attributes that are handed to the function by name

    def forward(self, input: Any) -> Any:
        """The function, of `input`."""
        if not self._in_repr:
            return type(self)._function(input)
        return type(self)._function(input, **{item[:-1]: getattr(self, item[:-1]) for item in self._in_repr})


class _InPlace(_Activation):
    """Those that in PyTorch may overwrite their input; here `inplace` changes nothing."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace


class ReLU(_InPlace):
    """max(x, 0), elementwise."""

    _function = functional.relu


class ReLU6(_InPlace):
    """min(max(x, 0), 6), elementwise."""

    _function = functional.relu6


class SELU(_InPlace):
    """Self-normalising exponential unit; see `functional.selu`."""

    _function = functional.selu


class SiLU(_InPlace):
    """x σ(x), elementwise, also known as swish."""

    _function = functional.silu


class Mish(_InPlace):
    """x tanh(softplus(x)), elementwise."""

    _function = functional.mish


class Hardsigmoid(_InPlace):
    """min(max(x + 3, 0), 6) / 6, elementwise."""

    _function = functional.hardsigmoid


class Hardswish(_InPlace):
    """x min(max(x + 3, 0), 6) / 6, elementwise."""

    _function = functional.hardswish


class Sigmoid(_Activation):
    """1 / (1 + exp(−x)), elementwise."""

    _function = functional.sigmoid


class Tanh(_Activation):
    """Hyperbolic tangent, elementwise."""

    _function = functional.tanh


class Tanhshrink(_Activation):
    """x − tanh(x), elementwise."""

    _function = functional.tanhshrink


class LogSigmoid(_Activation):
    """log(1 / (1 + exp(−x))), elementwise, stable for any x."""

    _function = functional.logsigmoid


class Softsign(_Activation):
    """x / (1 + |x|), elementwise."""

    _function = functional.softsign


class LeakyReLU(_Activation):
    """x where it is positive, `negative_slope` times x elsewhere."""

    _function = functional.leaky_relu
    _in_repr = ("negative_slope=",)

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        self.negative_slope, self.inplace = negative_slope, inplace


class ELU(_Activation):
    """x where it is positive, alpha · (exp(x) − 1) elsewhere."""

    _function = functional.elu
    _in_repr = ("alpha=",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace


class CELU(_Activation):
    """x where it is positive, alpha · (exp(x / alpha) − 1) elsewhere."""

    _function = functional.celu
    _in_repr = ("alpha=",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha, self.inplace = alpha, inplace


class GELU(_Activation):
    """x Φ(x), elementwise; with ``approximate="tanh"``, its older stand-in."""

    _function = functional.gelu
    _in_repr = ("approximate=",)

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate


class Softplus(_Activation):
    """log(1 + exp(beta · x)) / beta, elementwise, and x beyond a `threshold`; see `functional.softplus`."""

    _function = functional.softplus
    _in_repr = ("beta=", "threshold=")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold


class Hardtanh(_Activation):
    """x held between `min_val` and `max_val`."""

    _function = functional.hardtanh
    _in_repr = ("min_val=", "max_val=")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class PReLU(Module):
    """x where it is positive, a learned `weight` times x elsewhere: one weight, or one for each channel, axis 1."""

    _in_repr = ("num_parameters=",)

    def __init__(self, num_parameters: Size = 1, init: float = 0.25, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, get_default_dtype() if dtype is None else dtype))

    def forward(self, input: Any) -> Any:
        """The function, of `input`."""
        return functional.prelu(input, self.weight)


class _AlongAxis(_Activation):
    _in_repr = ("dim=",)


class Softmax(_AlongAxis):
    """exp(x) / Σ exp(x) along the axis `dim`, the last one unless given."""

    _function = functional.softmax

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim


class LogSoftmax(_AlongAxis):
    """x − log Σ exp(x) along the axis `dim`, the last one unless given."""

    _function = functional.log_softmax

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim


class GLU(_AlongAxis):
    """a σ(b) for the halves a and b of the input along `dim`: ``(…, 2n) -> (…, n)``."""

    _function = functional.glu

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim
