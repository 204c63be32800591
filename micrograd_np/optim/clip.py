"""Gradients kept within bounds, between backward and step. Also found as ``mg.nn.utils``, where PyTorch has them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import explain_keywords
from micrograd_np.core.modes import mode
from micrograd_np.core.spellings import explain_names
from micrograd_np.core.vertex import grad_of
from micrograd_np.engine.grad_mode import no_grad
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.checks import check, norm_within

from .advice import listed
from .vector import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


@explain_keywords
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, so that the norm of them all together is at most `max_norm`; the norm before, 0-d.

    The factor is min(1, max_norm / (norm + 1e-6)), as in PyTorch. `norm_type` is the p of the p-norm: inf is the
    largest element, −inf the smallest, and 0 counts those that are not 0. Parameters without a gradient are
    skipped; an iterator that is used up is a warning. With `error_if_nonfinite`, RuntimeError for a norm of nan or inf.

    >>> p = Tensor([1.0, 1.0], requires_grad=True)
    >>> (p * [3.0, 4.0]).sum().backward()
    >>> clip_grad_norm_([p], max_norm=1.0)
    Tensor(5.)
    >>> p.grad.data.round(4)
    array([0.6, 0.8])
    """
    grads = _gradients("clip_grad_norm_", parameters)
    if not grads:
        return Tensor(0.0)
    with no_grad(), np.errstate(over="ignore", under="ignore"):  # the norm may be beyond float64
        peak, ratio = _norm([g.data for g in grads] if mode.events is QUIET else grads, norm_type)
        size = peak * ratio
        if error_if_nonfinite:
            check(norm_within, ratio)
        large = np.maximum(peak, 1.0)  # by which numerator and denominator are divided
        factor = np.minimum(max_norm / large / (ratio * (peak / large) + 1e-6 / large), 1.0)
        for g in grads:  # of few digits, a factor below their smallest is kept in full
            g *= factor if g.dtype.itemsize < 4 else factor.astype(g.dtype)  # noqa: PLW2901  in its memory
    return size if isinstance(size, Tensor) else Tensor(size)


def _norm(grads: list[Any], p: float) -> tuple[Any, Any]:
    """Two numbers (0-d, float64) whose product is the p-norm of all elements of all of `grads`.

    The first is their largest (of negative p, smallest) absolute value, or 1 if that is 0 or not finite. Powers are
    taken of multiples of it in [0, 1], so nothing overflows, and what underflows does not count.
    """
    extreme = np.min if p < 0 else np.max
    peak = extreme(np.stack([extreme(np.absolute(g)) for g in grads])).astype(np.float64)
    regular = np.logical_and(np.isfinite(peak), np.greater(peak, 0.0))
    scale = np.where(regular, peak, 1.0)
    if p in (inf, -inf):
        return scale, peak / scale
    if p == 0:
        return peak * 0.0 + 1.0, _total(np.absolute(np.sign(g)) for g in grads)
    if p < 0:
        multiples = (_like(scale, g) / np.where(np.equal(g, 0.0), 1.0, g) for g in grads)
        ratio = np.power(np.maximum(_total(np.power(np.absolute(x), -p) for x in multiples), 1.0), 1.0 / p)
        return scale, np.where(regular, ratio, peak)  # 0, to a negative power, is infinite, and the norm 0
    multiples = (g / _like(scale, g) for g in grads)
    if p == 2:
        return scale, np.sqrt(_total(map(np.square, multiples)))
    return scale, np.power(_total(np.power(np.absolute(x), p) for x in multiples), 1.0 / p)


def _like(scale: Any, g: Any) -> Any:
    """`scale` in the dtype in which multiples of it are computed: that of `g`, or float64 where sums would overflow."""
    return scale if g.dtype.itemsize < 4 else scale.astype(g.dtype)


def _total(parts: Iterable[Any]) -> Any:
    """The sum of all elements of all of them, those of each first, in float64."""
    return np.sum(np.stack([np.sum(x) for x in parts]).astype(np.float64))


@explain_keywords
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of every gradient into [−clip_value, clip_value], in place.

    >>> import micrograd_np as mg
    >>> p = mg.nn.Parameter([1.0, 2.0])
    >>> (10 * p).sum().backward()
    >>> mg.optim.clip_grad_value_([p], 1.0)
    >>> p.grad
    Tensor([1., 1.])
    """
    with no_grad():
        for g in _gradients("clip_grad_value_", parameters):
            g.copy_(np.minimum(np.maximum(g, -clip_value), clip_value))


def _gradients(function: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = listed(function, parameters)
    if not tensors and isinstance(parameters, Iterator):
        message = "clipping gradients: the iterator of parameters is used up, so nothing is clipped; pass a list."
        warnings.warn(message, stacklevel=3)
    return [g for p in tensors if (g := grad_of(p)) is not None and g.size]


explain_names(globals(), "micrograd_np.nn.utils")
