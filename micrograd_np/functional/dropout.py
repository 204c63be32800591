"""Dropout: some values set to 0 at random while training, the others scaled so that the expectation stays."""

from __future__ import annotations

from typing import Any

from micrograd_np import random
from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import require_value
from micrograd_np.core.modes import mode
from micrograd_np.core.vertex import tensor_of
from micrograd_np.engine.tensor import Tensor, get_default_dtype
from micrograd_np.ops.axes import within
from micrograd_np.ops.elementwise import add, multiply
from micrograd_np.ops.random import dropout_mask

from .dimensions import over_axes
from .operands import as_tensor

_SELU_END = -1.7580993408473766  # selu(−∞)
MASK = "dropout mask"
"""The name by which pictures and errors call what an input is multiplied with."""


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability `p`, else divided by 1 − p; `input` itself unless `training`: ``(…) -> (…)``.

    With `inplace` the result is written into `input`, which is returned. ValueError for `p` outside [0, 1].
    Source: Srivastava et al. (2014).

    >>> dropout(Tensor([1.0, 2.0]), training=False)
    Tensor([1., 2.])
    """
    x = as_tensor(input)
    return _dropped("dropout", x, p, x.shape, training, inplace)


def _dropout(d: int, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (n, c, {axes}) or (c, {axes}) dropped together; see `dropout`. ValueError for other ranks.

    >>> x = Tensor({open}[[2.0, 3.0]]{close})
    >>> dropout{d}d(x, 0.5).sum().item() in (0.0, 10.0)
    True
    """
    name, x = f"dropout{d}d", as_tensor(input)
    if x.ndim not in (d + 1, d + 2):
        raise ValueError(f"{name}: input is {x.shape}; it must have {d + 2} axes, or {d + 1} for one sample.")
    return _dropped(name, x, p, (*x.shape[:-d], *(1,) * d), training, inplace)


dropout1d, dropout2d, dropout3d = over_axes(_dropout)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Each element at the far end of `selu` with probability `p`, all rescaled: mean 0 and variance 1 stay.

    ``(…) -> (…)``; `input` itself unless `training`, and zeros for a `p` of 1. With `inplace` the result is written
    into `input`, which is returned. ValueError for `p` outside [0, 1]. Source: Klambauer et al. (2017), appendix L3.

    >>> alpha_dropout(Tensor([1.0, 2.0]))
    Tensor([1., 2.])
    """
    x = as_tensor(input)
    return _dropped("alpha_dropout", x, p, x.shape, training, inplace, end=_SELU_END)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Whole channels of (n, c, …) dropped together; see `alpha_dropout`. ValueError for fewer than two axes.

    >>> feature_alpha_dropout(Tensor([[1.0, 2.0]]))
    Tensor([[1., 2.]])
    """
    x = as_tensor(input)
    if training and x.ndim < 2:
        raise ValueError(f"feature_alpha_dropout: input is {x.shape}; it must be (n, channels, …).")
    shape = (*x.shape[:2], *(1,) * (x.ndim - 2))
    return _dropped("feature_alpha_dropout", x, p, shape, training, inplace, end=_SELU_END)


def _dropped(
    name: str, x: Tensor, p: float, shape: tuple[int, ...], training: bool, inplace: bool, end: float = 0.0
) -> Tensor:
    """`x` with values at `end` with probability `p`; of an `end` other than 0, so that mean 0 and variance 1 stay."""
    require_value(name, "p", p, within(p, "p", 0, 1), "a probability, in [0, 1]")
    if not training or p == 0:
        return x
    dtype = x.dtype if x.dtype.kind == "f" else get_default_dtype()
    mask = dropout_mask(p=p, shape=shape, dtype=dtype, generator=random.generator())
    added = None
    if end and p < 1:
        scale = ((1 - p) * (1 + p * end * end)) ** -0.5
        mask = multiply(mask, (1 - p) * scale)
        added = add(multiply(mask, -end), scale * end * (1 - p))
    if inplace:
        x *= mask
        if added is not None:
            x += added
        return x
    if mode.events is QUIET:  # a watcher knows the array
        mask = tensor_of(mask)
        mask._name = MASK
    return x * mask if added is None else x * mask + added
