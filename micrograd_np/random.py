"""Random draws that can be seeded, saved and split: for the initial values of layers, and for draws in training.

Every draw comes from the package's generator, which `manual_seed` restarts, or from a `Generator` of your own. The
functions here are primitives: each call of a compiled step draws new numbers, in the same order as eager code.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.messages import as_dtype, explain_keywords, require_value
from micrograd_np.core.settings import checked
from micrograd_np.core.spellings import explain_names

from .engine.tensor import Tensor, get_default_dtype
from .ops import random as draws

if TYPE_CHECKING:
    from collections.abc import Mapping

    Size = int | tuple[int, ...] | None


class Generator(np.random.Generator):
    """A source of random numbers with all of NumPy's methods, started from `seed`: an int, or None for a fresh one.

    >>> rng = Generator(0)
    >>> state = rng.get_state()
    >>> first = rng.random()
    >>> rng.set_state(state)
    >>> rng.random() == first
    True
    """

    @checked
    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed if isinstance(seed, np.random.BitGenerator) else np.random.PCG64(seed))

    def manual_seed(self, seed: int) -> Generator:
        """Restart from `seed`; returns self."""
        self.bit_generator.state = np.random.PCG64(seed).state
        return self

    def get_state(self) -> dict[str, Any]:
        """The state, for `set_state`: a dict of numbers and strings."""
        return deepcopy(dict(self.bit_generator.state))

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Continue from where `get_state` was called. ValueError for the state of another kind of generator."""
        self.bit_generator.state = dict(state)

    def split(self, n: int = 2) -> list[Generator]:
        """`n` new generators, independent of each other and of this one; the same ones from the same state.

        >>> [rng.integers(100) for rng in Generator(0).split()] == [rng.integers(100) for rng in Generator(0).split()]
        True
        """
        seeds = self.integers(0, 1 << 32, (n, 4))
        return [Generator(np.random.PCG64(np.random.SeedSequence(seed.tolist()))) for seed in seeds]

    def spawn(self, n_children: int) -> list[Generator]:  # type: ignore[override]
        """NumPy's name for `split`; unlike NumPy's, the children depend on the state only."""
        return self.split(n_children)

    def __reduce__(self) -> tuple[Any, ...]:
        return Generator, (self.bit_generator,)


_generator = Generator()
"""The generator of every draw without a generator of its own."""


def manual_seed(seed: int) -> Generator:
    """Restart the package's generator from `seed`, and return it: the same object, which compiled steps hold.

    >>> import micrograd_np as mg
    >>> first = mg.manual_seed(0).random()
    >>> first == mg.manual_seed(0).random()
    True
    """
    return _generator.manual_seed(seed)


def generator() -> Generator:
    """The generator of every draw for which no other is passed.

    >>> import micrograd_np as mg
    >>> mg.random.generator() is mg.manual_seed(0)
    True
    """
    return _generator


def get_state() -> dict[str, Any]:
    """The state of the package's generator, for `set_state`.

    >>> import micrograd_np as mg
    >>> state = mg.random.get_state()
    >>> x = mg.random.rand(2)
    >>> mg.random.set_state(state)
    >>> (mg.random.rand(2) == x).all()
    Tensor(True)
    """
    return _generator.get_state()


def set_state(state: Mapping[str, Any]) -> None:
    """Put the package's generator back to where `get_state` was called: see there.

    >>> import micrograd_np as mg
    >>> state = mg.random.get_state()
    >>> x = mg.random.rand(2)
    >>> mg.random.set_state(state)
    """
    _generator.set_state(state)


def _shape(size: Size) -> tuple[int, ...]:
    if size is None:
        return ()
    return (int(size),) if isinstance(size, (int, np.integer)) else tuple(int(n) for n in size)


def _draw(op: Any, size: Size, dtype: Any, generator: np.random.Generator | None, **static: Any) -> Tensor:
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    source = _generator if generator is None else generator
    return Tensor(op(shape=_shape(size), dtype=dtype, generator=source, **static))


def uniform(
    low: float = 0.0,
    high: float = 1.0,
    size: Size = None,
    dtype: Any = None,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Draws evenly distributed over [low, high), of shape `size`, in the default dtype unless `dtype` says otherwise.

    >>> uniform(size=(2, 3)).shape
    (2, 3)
    """
    return _draw(draws.uniform, size, dtype, generator, low=low, high=high)


def normal(
    loc: float = 0.0,
    scale: float = 1.0,
    size: Size = None,
    dtype: Any = None,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Draws from the normal distribution of mean `loc` and standard deviation `scale`; ValueError for a negative one.

    >>> normal(size=3).shape
    (3,)
    """
    if scale < 0:
        raise ValueError(f"normal: scale must not be negative, found {scale}.")
    return _draw(draws.normal, size, dtype, generator, mean=loc, std=scale)


def _check_probability(name: str, p: float) -> None:
    require_value(name, "p", p, 0 <= p <= 1, "a probability, from 0 to 1")


def bernoulli(
    p: float = 0.5, size: Size = None, dtype: Any = None, generator: np.random.Generator | None = None
) -> Tensor:
    """Draws that are 1 with probability `p`, else 0. ValueError unless 0 ≤ p ≤ 1. Of shape `size`.

    >>> bernoulli(1.0, size=3)
    Tensor([1., 1., 1.])
    """
    _check_probability("bernoulli", p)
    return _draw(draws.bernoulli, size, dtype, generator, p=p)


def dropout_mask(
    p: float = 0.5, size: Size = None, dtype: Any = None, generator: np.random.Generator | None = None
) -> Tensor:
    """Draws that are 0 with probability `p`, else 1 / (1 − p): the factors of inverted dropout.

    ValueError unless 0 ≤ p ≤ 1. Of shape `size`.

    >>> dropout_mask(0.0, size=3)
    Tensor([1., 1., 1.])
    """
    _check_probability("dropout_mask", p)
    return _draw(draws.dropout_mask, size, dtype, generator, p=p)


def integers(
    low: int,
    high: int | None = None,
    size: Size = None,
    dtype: Any = np.int64,
    generator: np.random.Generator | None = None,
) -> Tensor:
    """Draws evenly distributed over low … high − 1, or over 0 … low − 1 without `high`. Of shape `size`.

    >>> integers(1, size=3)
    Tensor([0, 0, 0])
    """
    low, high = (0, low) if high is None else (low, high)
    return _draw(draws.integers, size, dtype, generator, low=low, high=high)


def permutation(n: int, generator: np.random.Generator | None = None) -> Tensor:
    """The integers 0 … n − 1 in random order. Of shape (n,).

    >>> sorted(permutation(4).tolist())
    [0, 1, 2, 3]
    """
    return Tensor(draws.permutation(n=n, generator=_generator if generator is None else generator))


def _listed(size: tuple[Any, ...]) -> Any:
    """A shape that is passed as lengths, or as one tuple."""
    return size[0] if len(size) == 1 else size


def rand(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: np.random.Generator | None = None
) -> Tensor:
    """Draws evenly distributed over [0, 1), of shape `size`, as lengths or as one tuple: `uniform` in PyTorch's words.

    TypeError for lengths that are no integers.

    >>> rand(2, 3).shape
    (2, 3)
    """
    return uniform(size=_listed(size), dtype=dtype, generator=generator).requires_grad_(requires_grad)


def randn(
    *size: Any, dtype: Any = None, requires_grad: bool = False, generator: np.random.Generator | None = None
) -> Tensor:
    """Draws from the standard normal distribution, of shape `size`, as lengths or as one tuple: `normal` of mean 0.

    TypeError for lengths that are no integers.

    >>> randn(2, 3, requires_grad=True).shape
    (2, 3)
    """
    return normal(size=_listed(size), dtype=dtype, generator=generator).requires_grad_(requires_grad)


def randint(
    low: int, high: Any = None, size: Size = None, dtype: Any = np.int64, generator: np.random.Generator | None = None
) -> Tensor:
    """Draws evenly distributed over low … high − 1, of shape `size`: `integers`; ``randint(10, (3,))`` is below 10.

    >>> randint(1, (3,)).tolist(), randint(5, 6, (2,)).tolist()
    ([0, 0, 0], [5, 5])
    """
    high, size = (None, high) if size is None and np.ndim(high) else (high, size)
    return integers(low, high, size, dtype, generator)


__all__ = [
    "Generator", "bernoulli", "dropout_mask", "generator", "get_state", "integers", "manual_seed", "normal",
    "permutation", "rand", "randint", "randn", "set_state", "uniform",
]  # fmt: skip

for _name in __all__[1:]:
    globals()[_name] = explain_keywords(globals()[_name], always=True)
explain_names(globals())
