"""Sizes that depend on an axis of an input whose length is left open.

A model is traced once as it is, once more for each open axis with another length of it, and once with another length of
all. Every whole number in these programs that is not the same in all is a `Size`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any, Self

import numpy as np

from micrograd_np.compiler.ir import Value
from micrograd_np.compiler.program import Program

from .error import OnnxError


class Size(int):
    """A whole number of the first trace, with `values`, what it is in each of them."""

    values: tuple[int, ...]

    def __new__(cls, values: Iterable[int]) -> Self:
        """By its values."""
        values = tuple(map(int, values))
        size = super().__new__(cls, values[0])
        size.values = values
        return size

    def __add__(self, other: int) -> int:
        """The sum in each trace."""
        return number_of(x + y for x, y in zip(self.values, self._values_of(other), strict=True))

    def __mul__(self, other: int) -> int:
        """The product in each trace."""
        return number_of(x * y for x, y in zip(self.values, self._values_of(other), strict=True))

    __radd__, __rmul__ = __add__, __mul__

    def _values_of(self, other: int) -> Sequence[int]:
        return other.values if isinstance(other, Size) else [int(other)] * len(self.values)


def number_of(values: Iterable[int]) -> int:
    """A Size, or a number if all its values are equal."""
    size = Size(values)
    return size if len(set(size.values)) > 1 else size.values[0]


class Sizes:
    """Compares the programs of several traces: `of` gives arguments and shapes with `Size` where they differ."""

    def __init__(
        self, first: Program, others: Sequence[Program] = (), lengths: Sequence[Mapping[str, int]] = ({},)
    ) -> None:
        self.lengths = lengths
        """By trace: the length of each open axis. The first is as it was given, the last is another one of all."""
        self.partners: dict[Value, list[Value]] = {}
        """By value of the first program: the same one of the others."""
        self.programs = others
        for i, program in enumerate(others):
            for one, other in zip_longest(first.inputs, program.inputs):
                self._pair(i, one, other, "")
            for one, other in zip_longest(first.ops, program.ops):
                where = one.where if one is not None else ""
                if one is None or other is None or one.function != other.function:
                    raise _depends("what the model computes", where)
                for x, y in zip_longest((*one.defines, *one.reads), (*other.defines, *other.reads)):
                    self._pair(i, x, y, where)

    def _pair(self, i: int, one: Value | None, other: Value | None, where: str) -> None:
        if one is None or other is None:
            raise _depends("what the model computes", where)
        partners = self.partners.setdefault(one, [])
        if len(partners) == i:
            partners.append(other)
        elif partners[i] is not other and not _equal(partners[i], other):
            raise _depends("what the model computes", where)

    def of(self, x: Any, others: Sequence[Any], where: str = "") -> Any:
        """`x` with a `Size` in each place where a whole number differs among `others`, the same of the other traces."""
        if not others or isinstance(x, Value):  # which were compared one by one
            return x
        if any(type(y) is not type(x) for y in others):
            raise _depends("what the model computes", where)
        if isinstance(x, (tuple, list)):
            if any(len(y) != len(x) for y in others):
                raise _depends("what the model computes", where)
            return type(x)(self.of(part, [y[i] for y in others], where) for i, part in enumerate(x))
        if isinstance(x, slice):
            parts = ("start", "stop", "step")
            return slice(*(self.of(getattr(x, p), [getattr(y, p) for y in others], where) for p in parts))
        if isinstance(x, dict):
            return {k: self.of(v, [y[k] for y in others], where) for k, v in x.items()}
        if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
            return x if all(y == x for y in others) else Size([int(x), *others])
        if not all(np.array_equal(x, y) for y in others):
            raise _depends(f"the number {x}" if isinstance(x, float) else f"{x}", where)
        return x

    def partners_of(self, v: Value) -> list[Value]:
        """The same value in the other traces."""
        return self.partners.get(v, [])

    def sum_of(self, size: Size) -> tuple[dict[str, Fraction], Fraction] | None:
        """The factors and the rest with which `size` is rest + Σ factor · (length of the open axis), if it is one."""
        first, *near, far = self.lengths
        factors = {
            name: Fraction(x - int(size), at[name] - first[name])
            for name, at, x in zip(first, near, size.values[1:], strict=False)
        }
        rest = int(size) - sum(k * first[name] for name, k in factors.items())
        linear = rest + sum(k * far[name] for name, k in factors.items()) == size.values[-1]
        whole = linear and rest.denominator == 1
        return ({name: k for name, k in factors.items() if k}, Fraction(rest)) if whole else None


def _equal(one: Value, other: Value) -> bool:
    """Whether both are constants with the same elements."""
    a, b = (v.memory.array if v.memory is not None else None for v in (one, other))
    return a is not None and b is not None and np.array_equal(a, b)


def _depends(what: str, where: str) -> OnnxError:
    place = f" ({where})" if where else ""
    return OnnxError(f"export: {what} depends on the length of an open axis{place}; leave it out of dynamic.")
