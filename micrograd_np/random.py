"""Randomness from one generator that can be seeded: what layers are initialised with, and what is drawn in training."""

from __future__ import annotations

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> np.random.Generator:
    """Start the project's generator anew from `seed`, and return it."""
    global _generator  # noqa: PLW0603  the one generator that every draw without its own comes from
    _generator = np.random.default_rng(seed)
    return _generator


def generator() -> np.random.Generator:
    """The generator that every draw comes from unless another is given."""
    return _generator
