"""Randomness from one generator that can be seeded: what layers are initialised with, and what is drawn in training."""

from __future__ import annotations

import numpy as np

_generator = np.random.default_rng()
"""The one generator that every draw without its own comes from."""


def manual_seed(seed: int) -> np.random.Generator:
    """Start the project's generator anew from `seed`, and return it: the same object always, which compiled steps hold."""
    _generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return _generator


def generator() -> np.random.Generator:
    """The generator that every draw comes from unless another is given."""
    return _generator
