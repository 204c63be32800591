"""The domains of inputs: tests draw from them, and the op table prints them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal


@dataclass(frozen=True)
class Domain:
    """An interval, less the points where the op is not smooth.

    `kinks` are points at which one-sided derivatives differ or blow up: values and gradients are defined there by the
    edge policy, but finite differences cannot judge them, so the property tests keep away. `distinct` says that ties
    among the elements are kinks too. Integers without bounds are valid positions along any axis of the other inputs.
    Where an interval does not say it (definite matrices, sorted edges), ``draw(rng, shape)`` gives an example.

    >>> Domain("[2, 3], kink at 2.5", low=2.0, high=3.0, kinks=(2.5,)).high
    3.0
    """

    symbol: str
    low: float = -inf
    high: float = inf
    kinks: tuple[float, ...] = ()
    kind: Literal["float", "int", "bool"] = "float"
    distinct: bool = False
    draw: Callable[[Any, tuple[int, ...]], Any] | None = None

    def __str__(self) -> str:
        return self.symbol


REALS = Domain("ℝ")
NONZERO = Domain("ℝ∖{0}", kinks=(0.0,))
POSITIVE = Domain("(0, ∞)", low=0.0, kinks=(0.0,))
KINK_AT_ZERO = Domain("ℝ, kink at 0", kinks=(0.0,))
OPEN_UNIT = Domain("(-1, 1)", low=-1.0, high=1.0, kinks=(-1.0, 1.0))
PROBABILITY = Domain("(0, 1)", low=0.0, high=1.0, kinks=(0.0, 1.0))
ABOVE_MINUS_ONE = Domain("(-1, ∞)", low=-1.0, kinks=(-1.0,))
ABOVE_ONE = Domain("(1, ∞)", low=1.0, kinks=(1.0,))
DISTINCT = Domain("ℝ, kinks at ties", distinct=True)
INTEGERS = Domain("ℤ", kind="int")
MASK = Domain("{false, true}", kind="bool")
