"""Initial values of parameters, under PyTorch's names; each function writes in place and returns its argument.

The argument is a tensor, or the array of one.

Random values come from the project's generator (`micrograd_np.random.manual_seed`), or from `generator`. A weight is
(out, in, …), as in PyTorch; the fans count the further axes too.
"""

from __future__ import annotations

from math import erf, prod, sqrt
from typing import Any, TypeVar

import numpy as np

from micrograd_np import random
from micrograd_np.core.messages import explain_all_keywords, require_value
from micrograd_np.core.spellings import explain_names
from micrograd_np.core.writes import writes
from micrograd_np.engine.tensor import Tensor

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "fans", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

T = TypeVar("T", bound=Tensor)

_LINEAR = ("linear", "sigmoid", *(f"{conv}{d}d" for conv in ("conv", "conv_transpose") for d in (1, 2, 3)))
_GAINS = {**dict.fromkeys(_LINEAR, 1.0), "tanh": 5 / 3, "relu": sqrt(2), "selu": 3 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that preserves the scale of a signal: tanh 5/3, relu √2, leaky_relu √(2 / (1 + a²)), …

    `param` is the negative slope a of leaky_relu, by default 0.01. ValueError for an activation without a known gain.

    >>> round(calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    message = f"calculate_gain: no gain is known for {nonlinearity!r}; there are {', '.join((*_GAINS, 'leaky_relu'))}."
    raise ValueError(message)


def fans(tensor: Tensor) -> tuple[int, int]:
    """Fan in and fan out: the number of inputs of an output, and of outputs of an input. ValueError below two axes.

    >>> fans(Tensor(np.zeros((8, 3, 5, 5))))
    (75, 200)
    """
    if tensor.ndim < 2:
        raise ValueError(f"init: fan in and fan out need a weight of two axes or more, found {tensor.shape}.")
    inner = prod(tensor.shape[2:])
    return tensor.shape[1] * inner, tensor.shape[0] * inner


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Any = None) -> T:
    """Values from the uniform distribution on [a, b). ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.uniform_(mg.zeros(100), -0.1, 0.1)
    >>> abs(w.data).max() <= 0.1
    np.True_
    """
    return _write(tensor, _generator(generator).uniform(a, b, tensor.shape))


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> T:
    """Values from the normal distribution. ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> mg.nn.init.normal_(mg.zeros(2, 3), std=0.1).shape
    (2, 3)
    """
    return _write(tensor, _generator(generator).normal(mean, std, tensor.shape))


def constant_(tensor: T, val: float) -> T:
    """`val` everywhere.

    >>> import micrograd_np as mg
    >>> mg.nn.init.constant_(mg.zeros(2), 3.0)
    Tensor([3., 3.])
    """
    return _write(tensor, val)


def zeros_(tensor: T) -> T:
    """0 everywhere.

    >>> import micrograd_np as mg
    >>> mg.nn.init.zeros_(mg.ones(2))
    Tensor([0., 0.])
    """
    return _write(tensor, 0)


def ones_(tensor: T) -> T:
    """1 everywhere.

    >>> import micrograd_np as mg
    >>> mg.nn.init.ones_(mg.zeros(2))
    Tensor([1., 1.])
    """
    return _write(tensor, 1)


def eye_(tensor: T) -> T:
    """The identity matrix. ValueError unless there are two axes.

    >>> import micrograd_np as mg
    >>> mg.nn.init.eye_(mg.zeros(2, 2))
    Tensor([[1., 0.],
            [0., 1.]])
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_: an identity is a matrix, found shape {tensor.shape}.")
    return _write(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: T, groups: int = 1) -> T:
    """The identity as a convolution weight (out, in, …), in each group: output channel i is input channel i.

    Further output channels are 0. ValueError unless there are 3 to 5 axes and `groups` divides the first.

    >>> import micrograd_np as mg
    >>> mg.nn.init.dirac_(mg.zeros(2, 2, 3)).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    if not 3 <= tensor.ndim <= 5 or tensor.shape[0] % groups:
        raise ValueError(
            f"dirac_: needs a convolution weight of 3 to 5 axes whose first {groups} groups divide, "
            f"found {tensor.shape}."
        )
    values = np.zeros(tensor.shape)
    each = tensor.shape[0] // groups
    centre = tuple(n // 2 for n in tensor.shape[2:])
    for group in range(groups):
        for i in range(min(each, tensor.shape[1])):
            values[(group * each + i, i, *centre)] = 1
    return _write(tensor, values)


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Any = None) -> T:
    """Normal values; in each column a fraction `sparsity` of them, rounded up, is 0. ValueError unless a matrix.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.sparse_(mg.zeros(10, 2), sparsity=0.3)
    >>> (w.data == 0).sum(axis=0)
    array([3, 3])
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: needs a matrix, found shape {tensor.shape}.")
    rows, columns = tensor.shape
    rng = _generator(generator)
    values = rng.normal(0, std, (rows, columns))
    zeros = int(np.ceil(sparsity * rows))
    for column in range(columns):
        values[rng.permutation(rows)[:zeros], column] = 0
    return _write(tensor, values)


def trunc_normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> T:
    """Values from the normal distribution restricted to [a, b]; `a` and `b` are values, not standard deviations.

    By rejection: of normal values, or of uniform ones where few normal values would be accepted. ValueError if a ≥ b.
    ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.trunc_normal_(mg.zeros(100), a=-1.0, b=1.0)
    >>> abs(w.data).max() <= 1
    np.True_
    """
    if a >= b:
        raise ValueError(f"trunc_normal_: needs a < b, found a={a} and b={b}.")
    rng = _generator(generator)
    low, high = (a - mean) / std, (b - mean) / std
    inside = (erf(high / sqrt(2)) - erf(low / sqrt(2))) / 2
    peak = min(max(low, 0.0), high)  # where the density is largest in the range
    values = np.empty(prod(tensor.shape))
    missing = np.arange(values.size)
    while missing.size:
        if inside > 0.1:
            drawn = rng.normal(0, 1, missing.size)
            accepted = (drawn >= low) & (drawn <= high)
        else:
            drawn = rng.uniform(low, high, missing.size)
            accepted = rng.uniform(0, 1, missing.size) <= np.exp((peak**2 - drawn**2) / 2)
        values[missing[accepted]] = drawn[accepted]
        missing = missing[~accepted]
    return _write(tensor, np.clip(mean + std * values, a, b).reshape(tensor.shape))


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Any = None) -> T:
    """U(±gain √(6 / (fan_in + fan_out))). ``(out, in, …) -> (out, in, …)``. Source: Glorot & Bengio (2010), eq. 16.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.xavier_uniform_(mg.zeros(100, 50))
    >>> w.data.max() <= (6 / 150) ** 0.5
    np.True_
    """
    bound = gain * sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Any = None) -> T:
    """N(0, gain² · 2 / (fan_in + fan_out)). ``(out, in, …) -> (out, in, …)``. Source: Glorot & Bengio (2010).

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.xavier_normal_(mg.zeros(100, 50))
    >>> abs(w.std().item() - (2 / 150) ** 0.5) < 0.02
    True
    """
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(fans(tensor))), generator)


def kaiming_uniform_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> T:
    """U(±gain √(3 / fan)), `a` being the negative slope of leaky_relu. Source: He et al. (2015), eq. 14.

    ``(out, in, …) -> (out, in, …)``.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.kaiming_uniform_(mg.zeros(100, 50), nonlinearity="relu")
    >>> w.data.max() <= (6 / 50) ** 0.5
    np.True_
    """
    bound = sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> T:
    """N(0, gain² / fan), `a` being the negative slope of leaky_relu. Source: He et al. (2015), eq. 14.

    ``(out, in, …) -> (out, in, …)``.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.kaiming_normal_(mg.zeros(100, 50), nonlinearity="relu")
    >>> abs(w.std().item() - (2 / 50) ** 0.5) < 0.02
    True
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: T, gain: float = 1, generator: Any = None) -> T:
    """A (semi-)orthogonal matrix times `gain`; the axes after the first count as one. Source: Saxe et al. (2013).

    It is Q of a QR decomposition of a normal matrix, with the signs that make the distribution uniform. ValueError
    below two axes.

    >>> import micrograd_np as mg
    >>> w = mg.nn.init.orthogonal_(mg.zeros(2, 3))
    >>> abs(w @ w.T).round(6)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: needs two axes or more, found {tensor.shape}.")
    rows, columns = tensor.shape[0], prod(tensor.shape[1:])
    flat = _generator(generator).normal(0, 1, (max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(flat)
    q = q * np.sign(np.diag(r))
    return _write(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    require_value("kaiming", "mode", mode, mode in ("fan_in", "fan_out"), "'fan_in' or 'fan_out'")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / sqrt(fan) if fan else 0.0


def _generator(generator: Any) -> Any:
    return random.generator() if generator is None else generator


def _write(tensor: T, values: Any) -> T:
    target: Any = tensor  # or m.weight.data, as PyTorch's scripts write it
    array = target if isinstance(target, np.ndarray) else target.data
    array[...] = values
    writes.note(array)
    return tensor


explain_all_keywords(__all__, globals(), always=True)
explain_names(globals())
