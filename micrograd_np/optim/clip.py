"""Gradients kept within bounds, between backward and step. Also found as ``mg.nn.utils``, where PyTorch has them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from micrograd_np.grad_mode import no_grad
from micrograd_np.ops.checks import check, norm_within
from micrograd_np.ops.choice import maximum, minimum
from micrograd_np.ops.elementwise import absolute, sign
from micrograd_np.ops.reduce import sum as total
from micrograd_np.ops.shape import reshape, stack
from micrograd_np.ops.statistics import norm
from micrograd_np.ops.transcendental import power
from micrograd_np.tensor import Tensor
from micrograd_np.vertex import grad_of

from .vector import parameters_to_vector, vector_to_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, so that the norm of them all together is at most `max_norm`; the norm before, 0-d.

    The factor is min(1, max_norm / (norm + 1e-6)), as in PyTorch. `norm_type` is the p of the p-norm: inf is the
    largest element, −inf the smallest, and 0 counts those that are not 0. Parameters without a gradient are passed
    over; an iterator that is used up is a warning. With `error_if_nonfinite`, RuntimeError for a norm of nan or inf.

    >>> p = Tensor([1.0, 1.0], requires_grad=True)
    >>> (p * [3.0, 4.0]).sum().backward()
    >>> clip_grad_norm_([p], max_norm=1.0)
    Tensor(5.)
    >>> p.grad.data.round(4)
    array([0.6, 0.8])
    """
    grads = _gradients(parameters)
    if not grads:
        return Tensor(0.0)
    with no_grad():
        size = _norm(grads, norm_type)
        if error_if_nonfinite:
            check(norm_within, size)
        factor = minimum(max_norm / (size + 1e-6), 1.0)
        for g in grads:
            g *= factor  # noqa: PLW2901  in the memory of the gradient
    return size


def _norm(grads: list[Tensor], p: float) -> Tensor:
    """The p-norm of all elements of all of `grads`, without overflow on the way where p is positive."""
    if p == 0:
        return total(stack([total(absolute(sign(g))) for g in grads]))
    if -inf < p < 0:
        return power(total(stack([total(power(absolute(g), p)) for g in grads])), 1.0 / p)
    return norm(stack([norm(reshape(g, shape=(-1,)), p) for g in grads]), p)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of every gradient into [−clip_value, clip_value], in place."""
    with no_grad():
        for g in _gradients(parameters):
            g.copy_(minimum(maximum(g, -clip_value), clip_value))


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    found = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not found and isinstance(parameters, Iterator):
        message = "clipping gradients: the iterator of parameters is used up, so nothing is clipped; pass a list."
        warnings.warn(message, stacklevel=3)
    return [g for p in found if (g := grad_of(p)) is not None and g.size]
