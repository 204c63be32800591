"""Checks of axes and other numbers in arguments; negative axes are counted from the last."""

from math import inf
from operator import index
from typing import Any

from micrograd_np.core.messages import caller, must_be

Axes = int | tuple[int, ...]

ALL = slice(None)


def whole(value: Any, name: str, least: int | None = None) -> int:
    """`value` as an int; TypeError where it is not an integer, ValueError where it is below `least`.

    >>> whole(3, "n")
    3
    """
    try:
        number = index(value)
    except (TypeError, ValueError):
        raise TypeError(must_be(caller(), name, "an integer", f"{value!r}")) from None
    if least is not None and number < least:
        raise ValueError(must_be(caller(), name, f"at least {least}", f"{value!r}"))
    return number


def within(value: Any, name: str, low: float = -inf, high: float = inf) -> bool:
    """Whether ``low <= value <= high``; TypeError where `value` is not a number.

    >>> within(0.5, "p", 0, 1), within(1.5, "p", 0, 1)
    (True, False)
    """
    try:
        return bool(low <= value <= high)
    except (TypeError, ValueError):
        raise TypeError(must_be(caller(), name, "a number", f"{value!r:.80}")) from None


def axes_of(axis: Axes, ndim: int, name: str = "axis") -> tuple[int, ...]:
    """`axis` as positions in 0 … ndim − 1, in the order given; ValueError where one is out of bounds or named twice.

    >>> axes_of((0, -1), 3)
    (0, 2)
    """
    axes = tuple(whole(a, name) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))
    if any(not -ndim <= a < ndim for a in axes) or len({a % ndim for a in axes}) < len(axes):
        room = f"must name each of the {ndim} axes at most once" if ndim else "names an axis, and a 0-d array has none"
        raise ValueError(f"{caller()}: {name}={axis!r} {room}.")
    return tuple(a % ndim for a in axes)


def axis_of(axis: int, ndim: int, name: str = "axis") -> int:
    """One axis as its position in 0 … ndim − 1; ValueError where it is out of bounds."""
    (at,) = axes_of(whole(axis, name), ndim, name)
    return at


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that takes `part` of one axis.

    >>> along(1, 0)
    (slice(None, None, None), 0)
    """
    return (ALL,) * axis + (part,)
