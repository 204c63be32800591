"""Inputs that a primitive's own declaration asks for: shapes from its contract, values from its domains.

A shape contract such as ``"(n,k),(k,m)->(n,m)"`` names lengths that may be any, also 0 and 1, or fixes them by numbers.
Without a contract an op is elementwise: any shapes that broadcast will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from micrograd_np.core.domains import Domain
from micrograd_np.core.primitive import Primitive

_WINDOW = 2.0  # values stay near 0, where functions are curved and nothing overflows
_MARGIN = 0.08  # kinks and ends of domains are farther away than any step of a finite difference

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sample:
    """Arrays and static parameters that an op can be applied to."""

    op: Primitive[Any]
    inputs: tuple[Any, ...]
    static: Mapping[str, Any]

    def apply(self, *inputs: Any) -> Any:
        """The op on `inputs`, or on its own arrays."""
        return self.op(*(inputs or self.inputs), **self.settings)

    @property
    def settings(self) -> dict[str, Any]:
        """All static parameters; a generator as a copy, so that every application draws the same."""
        every = {**self.op.defaults, **self.static}
        return {name: deepcopy(x) if isinstance(x, np.random.Generator) else x for name, x in every.items()}

    @property
    def varied(self) -> list[int]:
        """The positions of the inputs that have a derivative."""
        op = self.op
        names = [op.inputs[min(i, len(op.inputs) - 1)] for i in range(len(self.inputs))]
        floating = [x.dtype.kind == "f" for x in self.inputs]
        return [i for i, name in enumerate(names) if floating[i] and name not in op.not_differentiable]

    def astype(self, dtype: Any) -> Sample:
        """The same with its floating arrays in another dtype."""
        return self.map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x)

    def map(self, change: Any) -> Sample:
        """The same with ``change(x)`` for each array x."""
        return Sample(self.op, tuple(change(x) for x in self.inputs), self.static)

    def __str__(self) -> str:
        static = "".join(f", {name}={value!r}" for name, value in self.static.items())
        return f"{self.op.name}({', '.join(f'{x.dtype}{list(x.shape)}' for x in self.inputs)}{static})"


def contract(op: Primitive[Any]) -> tuple[list[tuple[str, ...]], tuple[str, ...]] | None:
    """The lengths that the op's shape contract gives to each input and to the result; None for elementwise ops.

    ValueError for a contract that cannot be read.
    """
    if op.shape is None:
        return None
    if not re.fullmatch(r"\([\w,]*\)(,\([\w,]*\))*->\([\w,]*\)", op.shape.replace(" ", "")):
        message = f"{op.name}: the shape contract {op.shape!r} is not of the form '(n,k),(k,m)->(n,m)'."
        raise ValueError(message)
    left, right = op.shape.replace(" ", "").split("->")
    *inputs, result = (
        tuple(length for length in core.split(",") if length) for core in re.findall(r"\(([^)]*)\)", left + right)
    )
    return inputs, result


def bound(core: tuple[str, ...], lengths: Mapping[str, int]) -> Shape:
    """A shape from the names and numbers of a contract.

    >>> bound(("n", "3"), {"n": 5})
    (5, 3)
    """
    return tuple(int(length) if length.isdigit() else lengths[length] for length in core)


def named_lengths(op: Primitive[Any]) -> list[str]:
    """The lengths that the op's contract leaves open."""
    found = contract(op)
    return sorted({length for core in found[0] for length in core if not length.isdigit()}) if found else []


def width(op: Primitive[Any]) -> int:
    """How many inputs to give the op: two or more of a variadic one."""
    found = contract(op)
    return len(found[0]) if found else op.fixed + 2 * op.variadic


def usual_shapes(op: Primitive[Any]) -> Iterator[list[Shape]]:
    """Shapes that every op has to work for: ordinary, broadcast, 0-d, empty, of length one."""
    cores = contract(op)
    n = width(op)
    if not n:  # a random draw
        yield []
    elif cores is None:
        patterns: list[list[Shape]] = [[(2, 3)], [()], [(0, 2)], [(1, 1, 3)]]
        if n > 1:
            patterns += [[(2, 1), (3,)], [(), (2, 2)], [(1, 3), (2, 1, 1)], [(3,), (0, 1)], [(1,), (0,)]]
        for pattern in patterns:
            yield [pattern[i % len(pattern)] for i in range(n)]
    else:
        names = named_lengths(op)
        usual = {name: 2 + i for i, name in enumerate(names)}
        for change in ({}, *({name: length} for name in names for length in (1, 0))):
            yield [bound(core, {**usual, **change}) for core in cores[0]]


def usual_samples(op: Primitive[Any], seed: int = 0) -> Iterator[Sample]:
    """Every one of the op's examples on every usual shape."""
    rng = np.random.default_rng(seed)
    for shapes in usual_shapes(op):
        for static in op.examples:
            yield sample(op, shapes, static, rng)


def sample(op: Primitive[Any], shapes: list[Shape], static: Mapping[str, Any], rng: np.random.Generator) -> Sample:
    """Random inputs of these shapes from the op's domains."""
    domains = [op.domain[min(i, len(op.domain) - 1)] for i in range(len(shapes))]
    floating = [n for shape, d in zip(shapes, domains, strict=True) if d.kind == "float" for n in shape]
    wanted = static.get("shape")
    lengths = [*floating, *(wanted if isinstance(wanted, tuple) else ())]
    positions = max(1, min((n for n in lengths if n > 0), default=2))  # valid along every axis
    distinct = [d.distinct for d in domains]
    pool = _apart(domains, shapes, rng) if any(distinct) else None
    arrays = []
    for domain, shape in zip(domains, shapes, strict=True):
        count = int(np.prod(shape, dtype=int))
        if domain.distinct and pool is not None:
            arrays.append(pool[:count].reshape(shape).copy())
            pool = pool[count:]
        else:
            arrays.append(values(domain, shape, rng, positions))
    return Sample(op, tuple(arrays), static)


def values(domain: Domain, shape: Shape, rng: np.random.Generator, positions: int = 2) -> Any:
    """An array of this shape from inside the domain: away from its kinks and ends, near 0 where it may."""
    if domain.draw is not None:
        return np.asarray(domain.draw(rng, shape))
    if domain.kind == "bool":
        return np.asarray(rng.random(shape) < 0.5)  # a fair coin
    if domain.kind == "int":
        low = int(domain.low) if isfinite(domain.low) else 0
        high = int(domain.high) if isfinite(domain.high) else low + positions - 1
        return np.asarray(rng.integers(low, high + 1, shape))
    x = rng.uniform(*_window(domain), shape)
    for _ in range(100):
        near = _near_a_kink(domain, x)
        if not near.any():
            break
        x = np.where(near, rng.uniform(*_window(domain), shape), x)
    return np.asarray(x)


def _apart(domains: list[Domain], shapes: list[Shape], rng: np.random.Generator) -> Any:
    """Values for all inputs that must be distinct, within and among each other, in random order."""
    count = sum(int(np.prod(s, dtype=int)) for d, s in zip(domains, shapes, strict=True) if d.distinct)
    domain = next(d for d in domains if d.distinct)
    grid = np.linspace(*_window(domain), 3 * count + 7)
    grid = grid[~_near_a_kink(domain, grid)]
    return rng.permutation(grid)[:count]


def _window(domain: Domain) -> tuple[float, float]:
    low, high = max(domain.low, -_WINDOW), min(domain.high, _WINDOW)
    if low >= high:  # all of the domain is far from 0
        low, high = (domain.low, domain.low + _WINDOW) if isfinite(domain.low) else (domain.high - _WINDOW, domain.high)
    margin = _MARGIN * min(1.0, high - low)
    return low + margin, high - margin


def _near_a_kink(domain: Domain, x: Any) -> Any:
    near = np.zeros(np.shape(x), bool)
    for kink in domain.kinks:
        near |= np.abs(x - kink) < _MARGIN * min(1.0, _window(domain)[1] - _window(domain)[0])
    return near
