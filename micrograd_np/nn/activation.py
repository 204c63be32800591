"""Activation functions as modules."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import functional
from micrograd_np.core.settings import Size
from micrograd_np.engine.tensor import get_default_dtype

from .function_layer import FunctionLayer
from .module import Module
from .parameter import Parameter


class _InPlace(FunctionLayer):
    def __init__(self, inplace: bool = False) -> None:
        self._hold(locals())


class ReLU(_InPlace, function=functional.relu):
    """max(x, 0), elementwise."""


class ReLU6(_InPlace, function=functional.relu6):
    """min(max(x, 0), 6), elementwise."""


class SELU(_InPlace, function=functional.selu):
    """Self-normalising exponential unit; elementwise; see `functional.selu`."""


class SiLU(_InPlace, function=functional.silu):
    """x σ(x), elementwise, also known as swish."""


class Mish(_InPlace, function=functional.mish):
    """x tanh(softplus(x)), elementwise."""


class Hardsigmoid(_InPlace, function=functional.hardsigmoid):
    """min(max(x + 3, 0), 6) / 6, elementwise."""


class Hardswish(_InPlace, function=functional.hardswish):
    """x min(max(x + 3, 0), 6) / 6, elementwise."""


class Sigmoid(FunctionLayer, function=functional.sigmoid):
    """1 / (1 + exp(−x)), elementwise."""


class Tanh(FunctionLayer, function=functional.tanh):
    """Hyperbolic tangent, elementwise."""


class Tanhshrink(FunctionLayer, function=functional.tanhshrink):
    """x − tanh(x), elementwise."""


class LogSigmoid(FunctionLayer, function=functional.logsigmoid):
    """log(1 / (1 + exp(−x))), elementwise, stable for any x."""


class Softsign(FunctionLayer, function=functional.softsign):
    """x / (1 + |x|), elementwise."""


class LeakyReLU(FunctionLayer, function=functional.leaky_relu):
    """x where it is positive, `negative_slope` times x elsewhere."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        self._hold(locals())


class RReLU(FunctionLayer, function=functional.rrelu):
    """x where it is positive, elsewhere x times a slope: random while training, else the mean of `lower` and `upper`.

    See `functional.rrelu`. ``(…) -> (…)``

    >>> from micrograd_np import Tensor, nn
    >>> nn.RReLU(0.125, 0.375).eval()(Tensor([-4.0, 3.0]))
    Tensor([-1.,  3.])
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        self._hold(locals())

    def forward(self, input: Any) -> Any:
        """The function of `input`."""
        return self._function(input, self.lower, self.upper, self.training)


class ELU(FunctionLayer, function=functional.elu):
    """x where it is positive, alpha · (exp(x) − 1) elsewhere."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self._hold(locals())


class CELU(FunctionLayer, function=functional.celu):
    """x where it is positive, alpha · (exp(x / alpha) − 1) elsewhere; elementwise."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self._hold(locals())


class GELU(FunctionLayer, function=functional.gelu):
    """x Φ(x), elementwise; with ``approximate="tanh"``, the approximation by tanh."""

    def __init__(self, approximate: str = "none") -> None:
        self._hold(locals())


class Softplus(FunctionLayer, function=functional.softplus):
    """log(1 + exp(beta · x)) / beta, elementwise, and x above a `threshold`; see `functional.softplus`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self._hold(locals())


class Hardtanh(FunctionLayer, function=functional.hardtanh):
    """x limited to the range from `min_val` to `max_val`."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self._hold(locals())


class Threshold(FunctionLayer, function=functional.threshold):
    """x where it is above `threshold`, `value` elsewhere: ``(…) -> (…)``."""

    _in_repr, _example = ("threshold=", "value="), ((0.0, 5.0), ([-2.0, 1.0],))

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self._hold(locals())


class _Shrink(FunctionLayer):
    _in_repr = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        self._hold(locals())


class Hardshrink(_Shrink, function=functional.hardshrink):
    """0 where |x| ≤ `lambd`, x elsewhere: ``(…) -> (…)``."""


class Softshrink(_Shrink, function=functional.softshrink):
    """0 where |x| ≤ `lambd`, x moved towards 0 by `lambd` elsewhere: ``(…) -> (…)``."""


class PReLU(Module):
    """x where it is positive, a learned `weight` times x elsewhere: one weight, or one for each channel, axis 1.

    >>> import micrograd_np as mg
    >>> mg.nn.PReLU()(mg.Tensor([-2.0, 3.0])).detach()
    Tensor([-0.5,  3. ])
    """

    _in_repr = ("num_parameters=",)

    def __init__(self, num_parameters: Size = 1, init: float = 0.25, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(np.full(num_parameters, init, get_default_dtype() if dtype is None else dtype))

    def forward(self, input: Any) -> Any:
        """The function, of `input`."""
        return functional.prelu(input, self.weight)


class _AlongAxis(FunctionLayer):
    def __init__(self, dim: int = -1) -> None:
        self._hold(locals())


class Softmax(_AlongAxis, function=functional.softmax):
    """exp(x) / Σ exp(x) along the axis `dim`, by default the last."""


class Softmin(_AlongAxis, function=functional.softmin):
    """exp(−x) / Σ exp(−x) along the axis `dim`, by default the last."""


class Softmax2d(Module):
    """Softmax over the channels of images: ``(n, c, h, w) -> (n, c, h, w)``, or without n. ValueError for other shapes.

    >>> from micrograd_np import Tensor, nn
    >>> nn.Softmax2d()(Tensor([[[0.0]], [[0.0]]]))
    Tensor([[[0.5]],
            [[0.5]]])
    """

    def forward(self, input: Any) -> Any:
        """The shares of the channels at each place."""
        if np.ndim(input) not in (3, 4):
            raise ValueError(f"Softmax2d: input is {np.shape(input)}; it must be (n, c, h, w) or (c, h, w).")
        return functional.softmax(input, -3)


class LogSoftmax(_AlongAxis, function=functional.log_softmax):
    """x − log Σ exp(x) along the axis `dim`, by default the last."""


class GLU(_AlongAxis, function=functional.glu):
    """a σ(b) for the halves a and b of the input along `dim`: ``(…, 2n) -> (…, n)``."""

    _example = (), ([-2.0, 1.0, 0.0, 3.0],)
