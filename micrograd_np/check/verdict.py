"""Do a derivative and its finite differences agree? Where they do not at first sight, why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np

from .numeric import Method, Value, moved, slope

AGREES, COARSE, KINK, DISAGREES = "agrees", "too coarse to tell", "kink", "disagrees"  # from good to bad

_LADDER = (64.0, 16.0, 4.0, 1.0, 1 / 4, 1 / 16, 1 / 64)  # steps at which a doubtful entry is looked at again
_TELLING = 0.01  # an error of a hundredth is one that a judge should see
_LOUD = 30  # a jump between the one-sided slopes counts as one if it is so many times the noise


@dataclass(frozen=True)
class Tolerance:
    """What counts as equal: ``|analytic − numeric| ≤ atol + rtol · larger``; by default atol is what rounding makes."""

    rtol: float = 1e-5
    atol: float | None = None

    def __call__(self, a: float, n: float, noise: float) -> float:
        """How far `a` may be from `n`."""
        return (noise if self.atol is None else self.atol) + self.rtol * max(abs(a), abs(n))


@dataclass(frozen=True)
class Comparison:
    """A derivative beside its finite differences: two arrays of one shape, nan where an entry was not checked."""

    name: str
    analytic: Any
    numeric: Any
    verdicts: dict[tuple[int, ...], str]
    note: str = ""

    @property
    def verdict(self) -> str:
        """The worst verdict among the entries."""
        found = set(self.verdicts.values())
        return next((v for v in (DISAGREES, KINK, COARSE) if v in found), AGREES)

    @property
    def at(self) -> tuple[int, ...] | None:
        """The entry with the largest error among those with the worst verdict; None where there are no entries."""
        worst = [i for i, v in self.verdicts.items() if v == self.verdict]
        return max(worst, key=self._error, default=None)

    def _error(self, i: tuple[int, ...]) -> float:
        error = abs(float(self.analytic[i]) - float(self.numeric[i]))
        return error if isfinite(error) else inf

    @property
    def absolute(self) -> float:
        """The largest difference between the two."""
        return max(map(self._error, self.verdicts), default=0.0)

    @property
    def relative(self) -> float:
        """The largest difference as a part of the largest derivative here: 0.5 is half of it."""
        pairs = [(abs(float(self.analytic[i])), abs(float(self.numeric[i]))) for i in self.verdicts]
        largest = max((x for pair in pairs for x in pair if isfinite(x)), default=0.0)
        return self.absolute / largest if largest else self.absolute and inf

    @property
    def checked(self) -> int:
        """How many entries were checked."""
        return len(self.verdicts)


def compare(
    name: str,
    value: Value,
    array: Any,
    analytic: Any,
    *,
    entries: Any,
    step: Any,
    noise: float,
    method: Method = "central",
    tolerance: Tolerance = Tolerance(),
    nothing: float = 0.0,
    note: str = "",
) -> Comparison:
    """Compare `analytic` with the differences of `value` as entries of `array`, which it looks at, are perturbed.

    `entries` are flat positions, ``step(x)`` the step for an entry of value x, `noise` the rounding error of one value.
    A derivative smaller than `nothing` is what rounding left of 0.
    """
    flat = array.reshape(-1)
    numeric = np.full(array.shape, np.nan)
    verdicts = {}
    middle = value()
    for k in entries:
        index = tuple(int(i) for i in np.unravel_index(k, array.shape))
        a, h = float(analytic[index]), step(float(flat[k]))
        n = slope(value, middle, flat, k, h, method)
        allowed = tolerance(a, n, noise / h)
        if method == "forward":  # its own error is half of what separates it from the backward difference
            allowed += abs(n - slope(value, middle, flat, k, -h, method))
        verdict = AGREES
        if not abs(a - n) <= allowed:
            n, verdict = _second_look(a, lambda h, k=k: _sides(value, middle, flat, k, h), h, noise, tolerance)
        numeric[index] = n
        verdicts[index] = verdict
    seen = Comparison(name, analytic, numeric, verdicts, note)
    if tolerance.atol is None and seen.verdict == AGREES and seen.relative > _TELLING and flat.size:
        # by default what rounding makes is forgiven; but where it is all there is to see, nothing has been judged
        size = max(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in (analytic, numeric))
        if np.abs(analytic).max() > nothing and size < noise / step(float(np.abs(flat).max())):
            return Comparison(name, analytic, numeric, dict.fromkeys(verdicts, COARSE), note)
    return seen


def _sides(value: Value, middle: float, flat: Any, k: int, h: float) -> tuple[float, float]:
    """The slopes to the left and to the right."""
    with moved(flat, k, h) as right:
        after = (value() - middle) / right
    with moved(flat, k, -h) as left:
        return (value() - middle) / left, after


def _second_look(a: float, sides: Any, h: float, noise: float, tolerance: Tolerance) -> tuple[float, str]:
    """The best numeric derivative over a ladder of steps, and the verdict on the analytic one, `a`."""
    seen = [(step, *sides(step)) for step in (h * factor for factor in _LADDER)]
    jump = _jump([s for s in seen if not _LOUD * noise / s[0] > 1e-3 * max(abs(a), *map(abs, s[1:]))])
    if jump is not None:
        left, right = jump
        slack = abs(right - left) / 20  # the one-sided slopes are known no better
        inside = not isfinite(right - left) or min(left, right) - slack <= a <= max(left, right) + slack
        return (left + right) / 2, KINK if inside and isfinite(a) else DISAGREES
    central = [((left + right) / 2, noise / step) for step, left, right in seen if isfinite(left + right)]
    if len(central) < 2:  # one estimate has no witness
        return np.nan, COARSE
    (before, _), (best, blur) = min(pairwise(central), key=lambda pair: abs(pair[0][0] - pair[1][0]))
    if abs(a - best) <= tolerance(a, best, blur):
        return best, AGREES
    unsure = 4 * max(abs(best - before), blur)  # what neighbouring steps do not agree on, neither of them knows
    return best, COARSE if abs(a - best) <= unsure else DISAGREES


def _jump(seen: list[tuple[float, float, float]]) -> tuple[float, float] | None:
    """The one-sided slopes, if they differ by more than curvature explains: judged by the two smallest steps seen."""
    if len(seen) < 2:
        return None
    (_, left, right), (_, left_near, right_near) = seen[-2:]
    near = right_near - left_near
    if not isfinite(near):  # the function ends, or blows up, on one side
        return left_near, right_near
    curved = abs(near) <= abs(right - left) / 2  # curvature's share falls with the step, a kink's stays
    return None if curved or abs(near) <= 1e-3 * max(abs(left_near), abs(right_near)) else (left_near, right_near)
