"""All alignments of a sequence with labels at once: the sum over paths that CTC is made of, and its slope.

A path visits the states 0 to n − 1 in order, one for each step: it stays, moves on by one, or by two where that is
allowed. Sums of probabilities are kept as logarithms, so that no number of steps underflows.
"""

from functools import partial
from typing import Any

import numpy as np

from micrograd_np.core.domains import MASK, REALS, Domain
from micrograd_np.core.primitive import primitive
from micrograd_np.engine.constant import constant
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


def _nowhere(xp: Any, x: Any, states: int) -> Any:
    return xp.full((x.shape[1], states), -np.inf, dtype=x.dtype)


def _reached(xp: Any, x: Any, skip: Any, steps: Any) -> list[Any]:
    """The logarithm of all paths to each state, before and after each step: (n, 2 + states), the first two −inf."""
    none = _nowhere(xp, x, 2)
    a = xp.concatenate([none, xp.zeros_like(none[:, :1]), _nowhere(xp, x, x.shape[2] - 1)], axis=1)
    reached = [a]
    for t in range(x.shape[0]):
        stay, one, two = a[:, 2:], a[:, 1:-1], xp.where(skip, a[:, :-2], -np.inf)
        a = xp.concatenate([none, xp.where((t < steps)[:, None], _summed(xp, stay, one, two) + x[t], stay)], axis=1)
        reached.append(a)
    return reached


def _total(xp: Any, a: Any, ends: Any) -> Any:
    rows = xp.arange(len(ends))
    return xp.logaddexp(a[rows, ends + 2], a[rows, ends + 1])


@primitive("log Σ alignments {x}", shape="(6,2,5),(2,5),(2),(2)->(2)", **_INPUTS)
def alignments(xp: Any, out: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """log Σ exp(Σ x over a path) over all paths of `steps` steps to the state `ends` or the one before.

    ``(t, n, states), (n, states), (n,), (n,) -> (n,)``. A path begins in state 0 or 1; where `skip` holds a state may
    be entered from the last but one. −inf where there is no path. Source: Graves et al. (2006), eq. 6 to 8.
    """
    z = _total(xp, _reached(xp, x, skip, steps)[-1], ends)
    return z if out is ... else (xp.copyto(out, z), out)[1]


@primitive("occupancy of alignments {x}", shape="(6,2,5),(2,5),(2),(2)->(6,2,5)", **_INPUTS)
def occupancy(xp: Any, out: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """The share of paths in each state at each step, the slope of `alignments`: ``… -> (t, n, states)``; 0 without."""
    reached = _reached(xp, x, skip, steps)
    total = _total(xp, reached[-1], ends)
    total = xp.where(xp.isneginf(total), np.inf, total)[:, None]
    z = xp.empty(x.shape, dtype=x.dtype) if out is ... else out
    none, at, last = _nowhere(xp, x, 2), xp.arange(x.shape[2]), ends[:, None]
    left = xp.where((at == last) | (at == last - 1), 0, _nowhere(xp, x, x.shape[2]))  # from here on
    allowed = xp.concatenate([skip[:, 2:], skip[:, :2]], axis=1)  # behind the last states there are none to skip to
    for t in range(x.shape[0] - 1, -1, -1):
        runs = (t < steps)[:, None]
        share = xp.exp(reached[t + 1][:, 2:] + left - total)
        z[t] = xp.where(runs, share, 0)
        wide = xp.concatenate([left + x[t], none], axis=1)
        before = _summed(xp, wide[:, :-2], wide[:, 1:-1], xp.where(allowed, wide[:, 2:], -np.inf))
        left = xp.where(runs, before, left)
    return z


def _unrolled(x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    """`alignments` in primitives, whose derivatives of all orders are those of `alignments`."""
    _, n, states = x.shape
    first = np.full((n, states), -np.inf, x.dtype)
    first[:, 0] = 0
    a, none = constant(first), constant(np.full((n, 2), -np.inf, x.dtype))
    for t in range(x.shape[0]):
        wide = concatenate(none, a, axis=1)
        moves = stack([a, wide[:, 1:-1], where(skip, wide[:, :-2], -np.inf)])
        a = where(reshape(less(t, steps), shape=(n, 1)), logsumexp(moves, axis=0) + x[t], a)
    at, ends = constant(np.arange(states)), reshape(ends, shape=(n, 1))
    return logsumexp(where(logical_or(same(at, ends), same(at, ends - 1)), a, -np.inf), axis=1)


def _unrolled_occupancy(x: Any, **others: Any) -> Any:
    value = _unrolled(x, **others)
    return pulled(value, constant(np.ones(value.shape, value.dtype)), x)[0]


def _curvature(g: Any, z: Any, x: Any, skip: Any, steps: Any, ends: Any) -> Any:
    function = partial(_unrolled_occupancy, skip=skip, steps=steps, ends=ends)
    return partials(function, "x")["x"](g, z, x)


alignments.vjp(x=lambda g, z, x, *rest: reshape(g, shape=(1, *g.shape, 1)) * occupancy(x, *rest))
occupancy.vjp(x=_curvature)
