"""How far to go along a direction: a step that lowers the loss enough and flattens the slope enough."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt
from typing import Any, NamedTuple

_DECREASE, _FLATTENING = 1e-4, 0.9  # the standard constants for quasi-Newton directions


class _Point(NamedTuple):
    t: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(
    along: Callable[[float], tuple[float, Any]],
    t: float,
    loss: float,
    gradient: Any,
    slope: float,
    direction: Any,
    *,
    most: int,
    tolerance: float,
) -> tuple[float, float, Any, int]:
    """A step, its loss and gradient, and how many evaluations that took.

    ``along(t)`` evaluates loss and gradient `t` along `direction`; `loss`, `gradient` and `slope` are those at 0, and
    `t` is tried first. At the step returned the loss is lower by at least 1e-4 · t · |slope| and the slope at most 0.9
    of what it was, unless `most` evaluations were not enough, or the interval shrank below `tolerance`: then it is the
    best point so far. Source: Nocedal & Wright (2006), algorithms 3.5 and 3.6.
    """
    low = _Point(0.0, loss, gradient, slope)
    high: _Point | None = None
    width = float(abs(direction).max())
    used = 0
    while used < most:
        value, g = along(t)
        used += 1
        point = _Point(t, value, g, float(g @ direction))
        enough = point.loss <= loss + _DECREASE * t * slope  # False for nan, too
        if not enough or (used > 1 and point.loss >= low.loss):
            high = point
        elif abs(point.slope) <= -_FLATTENING * slope:
            return point.t, point.loss, point.gradient, used
        else:
            previous, low = low, point
            if high is None and point.slope < 0:  # still falling: further out
                minimum = _minimum(previous, low)
                t = 10 * low.t if minimum is None else min(max(minimum, 1.1 * low.t), 10 * low.t)
                continue
            if high is None or point.slope * (high.t - previous.t) >= 0:  # the minimum lies behind
                high = previous
        if abs(high.t - low.t) * width < tolerance:
            break
        lower, upper = sorted((low.t, high.t))
        margin = 0.1 * (upper - lower)  # a trial at the very end would tell nothing new
        minimum = _minimum(low, high)
        t = (lower + upper) / 2 if minimum is None else min(max(minimum, lower + margin), upper - margin)
    return low.t, low.loss, low.gradient, used


def _minimum(a: _Point, b: _Point) -> float | None:
    """Where the cubic through both points, with their slopes, has its minimum; None where it has none (eq. 3.59)."""
    if not (isfinite(b.loss) and isfinite(b.slope)) or a.t == b.t:
        return None
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return None
    d2 = sqrt(square) if a.t < b.t else -sqrt(square)
    below = b.slope - a.slope + 2 * d2
    return None if below == 0 else b.t - (b.t - a.t) * (b.slope + d2 - d1) / below
