"""All alignments of a sequence with labels at once: the sum over paths that CTC is made of, and its slope.

A path visits the states 0 to n − 1 in order, one for each step: it stays, moves on by one, or by two where that is
allowed. Sums of probabilities are kept as logarithms, so that no number of steps underflows.
"""

from functools import partial
from typing import Any

import numpy as np

from micrograd_np.core.domains import MASK, REALS, Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.choice import where
from micrograd_np.ops.comparison import equal as same
from micrograd_np.ops.comparison import less, logical_or
from micrograd_np.ops.shape import concatenate, reshape, stack

from .recurrent_sweep import partials, pulled
from .softmax import logsumexp

_STEPS = Domain("ℤ, steps", kind="int", draw=lambda rng, shape: rng.integers(4, 7, shape))
_ENDS = Domain("ℤ, states", kind="int", draw=lambda rng, shape: rng.integers(0, 5, shape))
_INPUTS: Any = {
    "domain": (REALS, MASK, _STEPS, _ENDS), "not_differentiable": ("skip", "steps", "ends"),
}  # fmt: skip


def _summed(xp: Any, stay: Any, one: Any, two: Any) -> Any:
    """log(exp stay + exp one + exp two); −inf where all are."""
    peak = xp.maximum(xp.maximum(stay, one), two)
    base = xp.where(xp.isfinite(peak), peak, 0)
    with xp.errstate(divide="ignore"):
        return xp.log(xp.exp(stay - base) + xp.exp(one - base) + xp.exp(two - base)) + base


def _reached(xp: Any, x: Any, skip: Any, steps: Any) -> Any:
    """The logarithm of all paths to each state after each step: ``(t + 1, n, 2 + states)``, −inf in two more states."""
    a = xp.full((x.shape[0] + 1, x.shape[1], x.shape[2] + 2), -np.inf, dtype=x.dtype)
    a[0, :, 2] = 0
    for t in range(x.shape[0]):
        stay, one, two = a[t, :, 2:], a[t, :, 1:-1], xp.where(skip, a[t, :, :-2], -np.inf)
        a[t + 1, :, 2:] = xp.where((t < steps)[:, None], _summed(xp, stay, one, two) + x[t], stay)
    return a


def _total(xp: Any, a: Any, ends: Any) -> Any:
    rows = xp.arange(len(ends))
    return xp.logaddexp(a[-1, rows, ends + 2], a[-1, rows, ends + 1])


@primitive("log Σ alignments {x}", shape="(6,2,5),(2,5),(2),(2)->(2)", **_INPUTS)
def alignments(xp: Any, out: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """log Σ exp(Σ x over a path) over all paths of `steps` steps to the state `ends` or the one before.

    ``(t, n, states), (n, states), (n,), (n,) -> (n,)``. A path begins in state 0 or 1; where `skip` holds a state may
    be entered from the last but one. −inf where there is no path. Source: Graves et al. (2006), eq. 6 to 8.
    """
    z = _total(xp, _reached(xp, x, skip, steps), ends)
    return z if out is ... else (xp.copyto(out, z), out)[1]


@primitive("occupancy of alignments {x}", shape="(6,2,5),(2,5),(2),(2)->(6,2,5)", **_INPUTS)
def occupancy(xp: Any, out: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """The share of paths in each state at each step, the slope of `alignments`: ``… -> (t, n, states)``; 0 without."""
    a = _reached(xp, x, skip, steps)
    total = _total(xp, a, ends)
    total = xp.where(xp.isneginf(total), np.inf, total)[:, None]
    z = xp.empty(x.shape, dtype=x.dtype) if out is ... else out
    rows = xp.arange(len(ends))
    b = xp.full((x.shape[1], x.shape[2] + 2), -np.inf, dtype=x.dtype)
    b[rows, ends] = 0
    b[rows, xp.maximum(ends - 1, 0)] = 0
    allowed = xp.concatenate([skip[:, 2:], xp.zeros_like(skip[:, :2])], axis=1)
    for t in range(x.shape[0] - 1, -1, -1):
        runs = (t < steps)[:, None]
        z[t] = xp.where(runs, xp.exp(a[t + 1, :, 2:] + b[:, :-2] - total), 0)
        left = b.copy()
        left[:, :-2] += x[t]
        two = xp.where(allowed, left[:, 2:], -np.inf)
        b[:, :-2] = xp.where(runs, _summed(xp, left[:, :-2], left[:, 1:-1], two), b[:, :-2])
    return z


def _unrolled(x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """`alignments` in primitives, whose derivatives of all orders are those of `alignments`."""
    _, n, states = x.shape
    first = np.full((n, states), -np.inf, x.dtype)
    first[:, 0] = 0
    a, none = Tensor(first), Tensor(np.full((n, 2), -np.inf, x.dtype))
    for t in range(x.shape[0]):
        wide = concatenate(none, a, axis=1)
        moves = stack([a, wide[:, 1:-1], where(skip, wide[:, :-2], -np.inf)])
        a = where(reshape(less(t, steps), shape=(n, 1)), logsumexp(moves, axis=0) + x[t], a)
    at, ends = np.arange(states), reshape(ends, shape=(n, 1))
    return logsumexp(where(logical_or(same(at, ends), same(at, ends - 1)), a, -np.inf), axis=1)


def _unrolled_occupancy(x: Any, **others: Any) -> Any:
    value = _unrolled(x, **others)
    return pulled(value, Tensor(np.ones(value.shape, value.dtype)), x)[0]


def _curvature(g: Any, z: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    function = partial(_unrolled_occupancy, skip=skip, steps=steps, ends=ends)
    return partials(function, "x")["x"](g, z, x)


alignments.vjp(x=lambda g, z, x, *rest: reshape(g, shape=(1, *g.shape, 1)) * occupancy(x, *rest))
occupancy.vjp(x=_curvature)
