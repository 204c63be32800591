"""Whether a derivative and its finite differences agree, and if not, why."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np

from .numeric import Method, Value, default_step, slope

AGREES, COARSE, KINK, DISAGREES = "agrees", "too coarse to tell", "kink", "disagrees"  # from good to bad

_LADDER = (64.0, 16.0, 4.0, 1.0, 1 / 4, 1 / 16, 1 / 64)  # the steps, relative to the first, for a doubtful entry
_VISIBLE = 0.01  # a relative error from which a check must be able to see an error
_JUMP = 30  # how many times the noise a difference between one-sided slopes must be


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
        return next((v for v in (DISAGREES, KINK, COARSE) if v in self.verdicts.values()), AGREES)

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
        """The largest difference, relative to the largest derivative."""
        sizes = [abs(float(array[i])) for i in self.verdicts for array in (self.analytic, self.numeric)]
        largest = max(filter(isfinite, sizes), default=0.0)
        return self.absolute / largest if largest else self.absolute and inf

    @property
    def checked(self) -> int:
        """How many entries were checked."""
        return len(self.verdicts)


@dataclass(frozen=True)
class Judge:
    """Compares derivatives of `value`, a function of arrays that it reads, with finite differences.

    `middle` is the value now, `noise` its rounding error, `dtypes` those that limit the step. Equal means
    ``|analytic − numeric| ≤ atol + rtol · larger``; by default `atol` is the rounding error of the difference quotient.
    """

    value: Value
    middle: float
    noise: float
    method: Method
    step: float | None
    dtypes: tuple[Any, ...]
    rtol: float
    atol: float | None

    def compare(
        self, name: str, array: Any, analytic: Any, entries: Iterable[int], zero: float, note: str
    ) -> Comparison:
        """Compare `analytic` with differences for the flat positions `entries` of `array`.

        A derivative of at most `zero` is a 0 with rounding errors.
        """
        numeric = np.full(array.shape, np.nan)
        verdicts = {}
        for k in entries:
            index = tuple(int(i) for i in np.unravel_index(k, array.shape))
            numeric[index], verdicts[index] = self._entry(float(analytic[index]), array.reshape(-1), k)
        comparison = Comparison(name, analytic, numeric, verdicts, note)
        if self.atol is None and comparison.verdict == AGREES and comparison.relative > _VISIBLE and array.size:
            # the default atol forgives rounding; where all derivatives are as small as that, nothing has been judged
            size = max(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in (analytic, numeric))
            if np.abs(analytic).max() > zero and size < self.noise / self._step(float(np.abs(array).max())):
                return replace(comparison, verdicts=dict.fromkeys(verdicts, COARSE))
        return comparison

    def _step(self, x: float) -> float:
        return self.step or default_step(self.method, x, *self.dtypes)

    def _allowed(self, a: float, n: float, noise: float) -> float:
        return (noise if self.atol is None else self.atol) + self.rtol * max(abs(a), abs(n))

    def _entry(self, a: float, flat: Any, k: int) -> tuple[float, str]:
        """The numeric derivative for one entry, and the verdict on the analytic one, `a`."""
        h = self._step(float(flat[k]))
        n = slope(self.value, self.middle, flat, k, h, self.method)
        allowed = self._allowed(a, n, self.noise / h)
        one_sided = partial(slope, self.value, self.middle, flat, k, method="forward")
        if self.method == "forward":  # its own error is half of what separates it from the backward difference
            allowed += abs(n - one_sided(-h))
        if abs(a - n) <= allowed < inf:  # an infinite one agrees with nothing
            return n, AGREES
        slopes = [(step, one_sided(-step), one_sided(step)) for step in (h * factor for factor in _LADDER)]
        return self._doubtful(a, slopes)

    def _doubtful(self, a: float, slopes: list[tuple[float, float, float]]) -> tuple[float, str]:
        """The best numeric derivative among `slopes`, triples (step, left, right) of falling steps, and the verdict."""
        reliable = [s for s in slopes if not _JUMP * self.noise / s[0] > 1e-3 * max(abs(a), *map(abs, s[1:]))]
        jump = _jump(reliable)
        if jump is not None:
            left, right = jump
            slack = abs(right - left) / 20  # the one-sided slopes are not known more exactly
            inside = not isfinite(right - left) or min(left, right) - slack <= a <= max(left, right) + slack
            return (left + right) / 2, KINK if inside and isfinite(a) else DISAGREES
        central = [((left + right) / 2, self.noise / step) for step, left, right in slopes if isfinite(left + right)]
        if len(central) < 2:  # nothing confirms a single estimate
            return np.nan, COARSE
        (before, _), (best, noise) = min(pairwise(central), key=lambda pair: abs(pair[0][0] - pair[1][0]))
        if abs(a - best) <= self._allowed(a, best, noise) < inf:
            return best, AGREES
        uncertainty = 4 * max(abs(best - before), noise)  # neighbouring steps differ by it
        return best, COARSE if abs(a - best) <= uncertainty else DISAGREES


def _jump(slopes: list[tuple[float, float, float]]) -> tuple[float, float] | None:
    """The one-sided slopes at the smallest step, if they differ by more than curvature explains."""
    if len(slopes) < 2:
        return None
    (_, left, right), (_, left_near, right_near) = slopes[-2:]
    near = right_near - left_near
    if not isfinite(near):  # the function ends, or is infinite, on one side
        return left_near, right_near
    curved = abs(near) <= abs(right - left) / 2  # curvature's share falls with the step, a kink's stays
    return None if curved or abs(near) <= 1e-3 * max(abs(left_near), abs(right_near)) else (left_near, right_near)
