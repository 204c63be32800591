"""Sizes that depend on an axis of an input whose length is left open.

A model is traced once as it is, and once more for each open axis with one element more along it. Every whole number in
the two programs that differs is a `Size`: so much for each element along the axis, and a rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Self

import numpy as np

from micrograd_np.compiler.ir import Value
from micrograd_np.compiler.program import Program

from .error import OnnxError


class Size(int):
    """A whole number of the first trace, which is ``rest`` + Σ ``factors[name]`` · (length of the open axis `name`).

    `factors` is None where it is no such sum, as a product of two open axes is not.
    """

    factors: Mapping[str, int] | None
    rest: int

    def __new__(cls, value: int, factors: Mapping[str, int] | None, rest: int = 0) -> Self:
        """`value` with its formula."""
        size = super().__new__(cls, value)
        size.factors, size.rest = factors, rest
        return size

    def __mul__(self, other: int) -> Size:
        """So many times: no longer a sum if the other number is a size, too."""
        value = int(self) * int(other)
        if isinstance(other, Size) or self.factors is None:
            return Size(value, None)
        return Size(value, {name: k * other for name, k in self.factors.items()}, self.rest * other)

    __rmul__ = __mul__

    def __add__(self, other: int) -> Size:
        """The sum."""
        value = int(self) + int(other)
        if not isinstance(other, Size):
            return Size(value, self.factors, self.rest + other)
        if self.factors is None or other.factors is None:
            return Size(value, None)
        names = {**self.factors, **other.factors}
        factors = {name: self.factors.get(name, 0) + other.factors.get(name, 0) for name in names}
        return Size(value, factors, self.rest + other.rest)

    __radd__ = __add__


class Sizes:
    """Compares the programs of several traces: `of` gives arguments and shapes with `Size` where they differ."""

    def __init__(
        self, first: Program, others: Mapping[str, Program], joint: Program, lengths: Mapping[str, int]
    ) -> None:
        self.lengths = lengths
        self.partners: dict[Value, list[Value]] = {}
        """By value of the first program: the same one of the others, the joint one last."""
        self.programs = [*others.values(), joint]
        for program in self.programs:
            for one, other in zip_longest(first.inputs, program.inputs):
                self._pair(one, other)
            for one, other in zip_longest(first.ops, program.ops):
                if one is None or other is None or one.function != other.function:
                    where = f" ({one.where})" if one is not None and one.where else ""
                    raise OnnxError(
                        f"export: what the model computes depends on the length of an open axis{where}; leave it out "
                        f"of dynamic."
                    )
                for x, y in zip_longest(one.defines, other.defines):
                    self._pair(x, y)
                for x, y in zip_longest(one.reads, other.reads):
                    self._pair(x, y)

    def _pair(self, one: Value, other: Value) -> None:
        partners = self.partners.setdefault(one, [])
        if other not in partners:
            partners.append(other)

    def of(self, x: Any, others: Sequence[Any]) -> Any:
        """`x` with a `Size` in each place where a whole number differs among `others`, the same of the other traces."""
        if isinstance(x, (tuple, list)):
            return type(x)(self.of(part, [y[i] for y in others]) for i, part in enumerate(x))
        if isinstance(x, slice):
            parts = ("start", "stop", "step")
            return slice(*(self.of(getattr(x, p), [getattr(y, p) for y in others]) for p in parts))
        if isinstance(x, dict):
            return {k: self.of(v, [y[k] for y in others]) for k, v in x.items()}
        whole = isinstance(x, (int, np.integer)) and not isinstance(x, bool)
        if whole and any(y != x for y in others):
            *single, joint = others
            factors = {name: int(y - x) for name, y in zip(self.lengths, single, strict=True)}
            rest = int(x) - sum(k * self.lengths[name] for name, k in factors.items())
            linear = rest + sum(k * (self.lengths[name] + 1) for name, k in factors.items()) == joint
            return Size(int(x), {n: k for n, k in factors.items() if k} if linear else None, rest)
        if isinstance(x, float) and any(y != x for y in others):
            raise OnnxError(f"export: the number {x} depends on the length of an open axis; leave it out of dynamic.")
        return x

    def partners_of(self, v: Value) -> list[Value]:
        """The same value in the other traces."""
        return self.partners.get(v, [])
