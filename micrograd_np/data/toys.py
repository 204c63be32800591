"""Toy problems in NumPy, most with two inputs, so that they can be drawn.

Each takes the number of samples `n`, the standard deviation of the `noise`, and a `generator`, by default
``mg.random.generator()``; each returns arrays ``(x, y)``, shuffled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np import random
from micrograd_np.core.settings import Count, Size, checked

_Pair = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _noisy(points: Any, labels: Any, noise: float, generator: np.random.Generator | None) -> _Pair:
    rng = generator or random.generator()
    order = rng.permutation(len(points))
    points = points + noise * rng.standard_normal(points.shape)
    return points[order], labels[order]


def _on_circle(radius: Any, angle: Any) -> Any:
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


@checked
def moons(n: Size = 200, noise: float = 0.1, generator: np.random.Generator | None = None) -> _Pair:
    """Two half circles, one inside the bend of the other: ``(n, 2)`` points and ``(n,)`` labels 0 and 1.

    >>> x, y = moons(10, generator=np.random.default_rng(0))
    >>> x.shape, sorted(y.tolist())
    ((10, 2), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    """
    upper, lower = (n + 1) // 2, n // 2
    a, b = np.linspace(0, np.pi, upper), np.linspace(0, np.pi, lower)
    points = np.concatenate([_on_circle(1, a), [1, 0.5] - _on_circle(1, b)])
    return _noisy(points, np.repeat([0, 1], [upper, lower]), noise, generator)


@checked
def circles(
    n: Size = 200, noise: float = 0.05, factor: float = 0.5, generator: np.random.Generator | None = None
) -> _Pair:
    """A circle of radius 1 and one of radius `factor` inside it: ``(n, 2)`` points and ``(n,)`` labels 0 and 1.

    >>> import micrograd_np as mg
    >>> points, labels = mg.data.circles(n=6, noise=0.0)
    >>> (points[labels == 0] ** 2).sum(1).round(6)
    array([1., 1., 1.])
    """
    labels = np.arange(n) % 2
    angle = 2 * np.pi * np.arange(n) / max(n, 1)
    radius = np.where(labels, factor, 1.0)
    return _noisy(_on_circle(radius[:, None], angle), labels, noise, generator)


@checked
def spirals(
    n: Size = 300,
    classes: Count = 3,
    noise: float = 0.05,
    turns: float = 0.75,
    generator: np.random.Generator | None = None,
) -> _Pair:
    """One arm for each of `classes`, wound around one another by `turns`: ``(n, 2)`` points and ``(n,)`` labels.

    >>> import micrograd_np as mg
    >>> points, labels = mg.data.spirals(n=6)
    >>> points.shape, sorted(labels.tolist())
    ((6, 2), [0, 0, 1, 1, 2, 2])
    """
    labels = np.arange(n) % classes
    radius = (np.arange(n) // classes + 1) / max(-(-n // classes), 1)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    return _noisy(_on_circle(radius[:, None], angle), labels, noise, generator)


@checked
def xor(n: Size = 200, noise: float = 0.0, generator: np.random.Generator | None = None) -> _Pair:
    """Points of the square [−1, 1]², and whether their coordinates differ in sign: ``(n, 2)`` and ``(n,)`` labels.

    >>> import micrograd_np as mg
    >>> points, labels = mg.data.xor(n=6)
    >>> (labels == (points[:, 0] * points[:, 1] < 0)).all()
    np.True_
    """
    rng = generator or random.generator()
    points = rng.uniform(-1, 1, (n, 2))
    return _noisy(points, ((points[:, 0] > 0) != (points[:, 1] > 0)).astype(np.int64), noise, rng)


@checked
def blobs(n: Size = 200, classes: Count = 3, noise: float = 0.3, generator: np.random.Generator | None = None) -> _Pair:
    """Clouds around the corners of a regular polygon of radius 1: ``(n, 2)`` points and ``(n,)`` labels.

    >>> import micrograd_np as mg
    >>> points, labels = mg.data.blobs(n=6)
    >>> points.shape, sorted(labels.tolist())
    ((6, 2), [0, 0, 1, 1, 2, 2])
    """
    labels = np.arange(n) % classes
    angle = 2 * np.pi * labels / classes
    return _noisy(_on_circle(1, angle), labels, noise, generator)


@checked
def sine(
    n: Size = 200, noise: float = 0.1, periods: float = 1.0, generator: np.random.Generator | None = None
) -> _Pair:
    """Arguments in [−1, 1] and their sine, over `periods` periods, with noise: ``(n, 1)`` and ``(n, 1)``.

    >>> import micrograd_np as mg
    >>> x, y = mg.data.sine(n=6, noise=0.0)
    >>> x.shape, y.shape
    ((6, 1), (6, 1))
    """
    rng = generator or random.generator()
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(np.pi * periods * x) + noise * rng.standard_normal((n, 1))
