"""Inputs for a primitive from its own declaration: shapes from its contract, values from its domains.

A shape contract such as ``"(n,k),(k,m)->(n,m)"`` names lengths that may be any, also 0 and 1, or fixes them by numbers.
Without a contract an op is elementwise: it takes any shapes that broadcast.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from math import isfinite
from typing import Any, Self

import numpy as np

from micrograd_np.core.domains import Domain
from micrograd_np.core.errors import KERNEL_ERRORS
from micrograd_np.core.primitive import Primitive

from .functions import replaced

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
        names = enumerate(map(self.name_of, range(len(self.inputs))))
        return [i for i, name in names if self.inputs[i].dtype.kind == "f" and name not in self.op.not_differentiable]

    @property
    def smooth(self) -> bool:
        """Whether it has a derivative by any input."""
        return bool(self.varied) and self.apply().dtype.kind == "f"

    def name_of(self, i: int) -> str:
        """The declared name of input `i`; the inputs of a variadic op share the last."""
        return self.op.inputs[min(i, len(self.op.inputs) - 1)]

    def function(self) -> tuple[Callable[..., Any], list[Any]]:
        """The op as a function of the inputs that have a derivative, and those inputs."""
        places = self.varied

        def f(*values: Any) -> Any:
            return self.apply(*replaced(self.inputs, places, values))

        f.__name__ = str(self)
        f.names = list(map(self.name_of, places))  # type: ignore[attr-defined]
        return f, [self.inputs[i] for i in places]

    def astype(self, dtype: Any) -> Self:
        """The same with its floating arrays in another dtype."""
        return self.map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x)

    def map(self, change: Any) -> Self:
        """The same with ``change(x)`` for each array x."""
        return type(self)(self.op, tuple(change(x) for x in self.inputs), self.static)

    def __str__(self) -> str:
        static = "".join(f", {name}={value!r}" for name, value in self.static.items())
        return f"{self.op.name}({', '.join(f'{x.dtype}{list(x.shape)}' for x in self.inputs)}{static})"


def contract(op: Primitive[Any]) -> tuple[list[tuple[str, ...]], tuple[str, ...]] | None:
    """The lengths that the op's shape contract gives to each input and to the result; None for elementwise ops.

    ValueError for a contract that cannot be read.
    """
    if op.shape is None:
        return None
    text = op.shape.replace(" ", "")
    if not re.fullmatch(r"\([\w,]*\)(,\([\w,]*\))*->\([\w,]*\)", text):
        raise ValueError(f"{op.name}: the shape contract {op.shape!r} is not of the form '(n,k),(k,m)->(n,m)'.")
    *inputs, result = (tuple(filter(None, core.split(","))) for core in re.findall(r"\(([^)]*)\)", text))
    return inputs, result


def shape_from(core: tuple[str, ...], lengths: Mapping[str, int]) -> Shape:
    """A shape from the names and numbers of a contract.

    >>> shape_from(("n", "3"), {"n": 5})
    (5, 3)
    """
    return tuple(int(length) if length.isdigit() else lengths[length] for length in core)


def width(op: Primitive[Any]) -> int:
    """How many inputs the op gets in a sample: at least two for a variadic one."""
    cores = contract(op)
    return len(cores[0]) if cores else op.fixed + 2 * op.variadic


def shapes_for(op: Primitive[Any]) -> Iterator[list[Shape]]:
    """Shapes that every op must accept: ordinary, broadcast, 0-d, empty, of length one."""
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
        names = sorted({length for core in cores[0] for length in core if not length.isdigit()})
        lengths = {name: 2 + i for i, name in enumerate(names)}
        for change in ({}, *({name: length} for name in names for length in (1, 0))):
            yield [shape_from(core, {**lengths, **change}) for core in cores[0]]


def samples_for(op: Primitive[Any], seed: int = 0) -> Iterator[Sample]:
    """Every one of the op's examples on each of those shapes."""
    rng = np.random.default_rng(seed)
    for shapes in shapes_for(op):
        for static in op.examples:
            yield sample(op, shapes, static, rng)


def small_samples(op: Primitive[Any], seed: int = 0) -> list[Sample]:
    """Samples without empty inputs, the smallest first and with few decimals: the first that fails is one to look at.

    >>> from micrograd_np.ops.linear import matmul
    >>> print(*small_samples(matmul)[:2], sep="; ")
    matmul(float64[1, 1], float64[1, 1]); matmul(float64[2, 1], float64[1, 1])
    """
    rng = np.random.default_rng(seed)
    cores = contract(op)
    every: list[list[Shape]] = []
    if cores is None:
        patterns: list[list[Shape]] = [[()], [(2,)], [(2,), ()], [(), (2,)], [(2, 1), (2,)]]
        every = [[pattern[i % len(pattern)] for i in range(width(op))] for pattern in patterns]
    else:
        names = sorted({length for core in cores[0] for length in core if length != "1"})
        for lengths in product((1, 2), repeat=len(names)):
            length_of = {"1": 1, **dict(zip(names, lengths, strict=True))}
            every.append([tuple(length_of[length] for length in core) for core in cores[0]])
    drawn = []
    for shapes in [*every, *shapes_for(op)]:
        for static in op.examples:
            try:
                drawn.append(_with_few_decimals(sample(op, shapes, static, rng)))
                drawn[-1].apply()
            except KERNEL_ERRORS:  # of lengths that its contract fixes
                drawn.pop()
    return sorted((s for s in drawn if all(x.size for x in s.inputs)), key=lambda s: sum(x.size for x in s.inputs))


def _with_few_decimals(drawn: Sample) -> Sample:
    """`drawn` rounded as far as its values stay apart, and inside their domains."""
    domains = [drawn.op.domain[min(i, len(drawn.op.domain) - 1)] for i in range(len(drawn.inputs))]
    for decimals in (1, 2):
        rounded = [np.round(x, decimals) if x.dtype.kind == "f" else x for x in drawn.inputs]
        different = [x for x, domain in zip(rounded, domains, strict=True) if domain.distinct]
        values = np.concatenate([x.ravel() for x in different]) if different else np.zeros(0)
        suits = [
            domain.draw is None and domain.low < x.min() and x.max() < domain.high and not _near_a_kink(domain, x).any()
            for x, domain in zip(rounded, domains, strict=True)
            if x.dtype.kind == "f" and x.size
        ]  # fmt: skip
        if all(suits) and len(np.unique(values)) == len(values):
            return Sample(drawn.op, tuple(map(np.asarray, rounded)), drawn.static)
    return drawn


def sample(op: Primitive[Any], shapes: list[Shape], static: Mapping[str, Any], rng: np.random.Generator) -> Sample:
    """Random inputs of these shapes from the op's domains, each with a 0 somewhere else if the op is smooth at 0."""
    domains = [op.domain[min(i, len(op.domain) - 1)] for i in range(len(shapes))]
    lengths = [n for shape, d in zip(shapes, domains, strict=True) if d.kind == "float" for n in shape]
    lengths += static["shape"] if isinstance(static.get("shape"), tuple) else ()
    positions = max(1, min((n for n in lengths if n > 0), default=2))  # valid along every axis
    counts = [int(np.prod(shape, dtype=int)) * d.distinct for shape, d in zip(shapes, domains, strict=True)]
    distinct = _distinct(next((d for d in domains if d.distinct), None), sum(counts), rng)
    arrays = []
    for domain, shape, count in zip(domains, shapes, counts, strict=True):
        if domain.distinct:
            arrays.append(distinct[:count].reshape(shape).copy())
            distinct = distinct[count:]
        else:
            arrays.append(_values(domain, shape, rng, positions))
    for i, (domain, x) in enumerate(zip(domains, arrays, strict=True)):
        if x.size > 1 and _is_smooth_at_0(domain):
            x.flat[i % x.size] = 0.0
    return Sample(op, tuple(arrays), static)


def _values(domain: Domain, shape: Shape, rng: np.random.Generator, positions: int) -> Any:
    """An array of this shape from inside the domain: away from its kinks and ends, near 0 where that is possible."""
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


def _distinct(domain: Domain | None, count: int, rng: np.random.Generator) -> Any:
    """`count` different values from `domain`, in random order: one supply for all inputs that must not have ties."""
    if domain is None:
        return None
    grid = np.linspace(*_window(domain), 3 * count + 7)
    grid = grid[~_near_a_kink(domain, grid)]
    return rng.permutation(grid)[:count]


def _is_smooth_at_0(domain: Domain) -> bool:
    """Whether 0 is a value like any other: quotients and roots in a rule go wrong there, and nowhere else."""
    plain = domain.kind == "float" and not domain.distinct and domain.draw is None
    return plain and domain.low < 0 < domain.high and not _near_a_kink(domain, 0.0)


def _window(domain: Domain) -> tuple[float, float]:
    low, high = max(domain.low, -_WINDOW), min(domain.high, _WINDOW)
    if low >= high:  # all of the domain is far from 0
        low, high = (domain.low, domain.low + _WINDOW) if isfinite(domain.low) else (domain.high - _WINDOW, domain.high)
    margin = _MARGIN * min(1.0, high - low)
    return low + margin, high - margin


def _near_a_kink(domain: Domain, x: Any) -> Any:
    low, high = _window(domain)
    near = [np.abs(x - kink) < _MARGIN * min(1.0, high - low) for kink in domain.kinks]
    return np.any([np.zeros(np.shape(x), bool), *near], axis=0)
