"""Random draws: primitives without inputs; the generator is a setting. A compiled step draws anew in each call."""

from typing import Any

import numpy as np

from micrograd_np.core.primitive import primitive

from .routine import stored

Generator = np.random.Generator
Shape = tuple[int, ...]

_EXAMPLE: dict[str, Any] = {"shape": (3, 4), "dtype": "float64", "generator": np.random.default_rng(0)}


@primitive("U({low}, {high})", domain=(), examples=({**_EXAMPLE, "low": -1.0, "high": 2.0},))
def uniform(xp: Any, out: Any, *, low: float, high: float, shape: Shape, dtype: Any, generator: Generator) -> Any:
    """Independent draws, evenly distributed over [low, high)."""
    z = xp.multiply(generator.random(shape, dtype=dtype), high - low, out=out)
    return xp.add(z, low, out=z)


@primitive("N({mean}, {std}²)", domain=(), examples=({**_EXAMPLE, "mean": 1.0, "std": 2.0},))
def normal(xp: Any, out: Any, *, mean: float, std: float, shape: Shape, dtype: Any, generator: Generator) -> Any:
    """Independent draws from the normal distribution."""
    z = xp.multiply(generator.standard_normal(shape, dtype=dtype), std, out=out)
    return xp.add(z, mean, out=z)


@primitive("Bernoulli({p})", domain=(), examples=({**_EXAMPLE, "p": 0.3},))
def bernoulli(xp: Any, out: Any, *, p: float, shape: Shape, dtype: Any, generator: Generator) -> Any:
    """Independent draws that are 1 with probability `p`, else 0."""
    z = xp.less(generator.random(shape, dtype="float32"), p, out=...)
    return stored(xp, out, z.astype(dtype))


@primitive("dropout mask({p})", domain=(), examples=({**_EXAMPLE, "p": 0.3},))
def dropout_mask(xp: Any, out: Any, *, p: float, shape: Shape, dtype: Any, generator: Generator) -> Any:
    """0 with probability `p`, else 1 / (1 − p), so that a product with it keeps its expectation. All 0 for p = 1."""
    z = xp.greater_equal(generator.random(shape, dtype="float32"), p, out=...).astype(dtype)
    return xp.multiply(z, 1 / (1 - p) if p < 1 else 0, out=out if out is not ... else z)


@primitive("integers({low}, {high})", domain=(), examples=({**_EXAMPLE, "dtype": "int64", "low": 0, "high": 10},))
def integers(xp: Any, out: Any, *, low: int, high: int, shape: Shape, dtype: Any, generator: Generator) -> Any:
    """Independent draws, evenly distributed over the integers low … high − 1."""
    return stored(xp, out, generator.integers(low, high, shape, dtype=dtype))


@primitive("permutation({n})", domain=(), examples=({"n": 5, "generator": _EXAMPLE["generator"]},))
def permutation(xp: Any, out: Any, *, n: int, generator: Generator) -> Any:
    """The integers 0 … n − 1 in random order."""
    return stored(xp, out, generator.permutation(n))
