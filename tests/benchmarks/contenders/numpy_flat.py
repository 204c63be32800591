"""The preallocated NumPy step with all parameters in one vector: SGD is two calls, not two for each parameter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import numpy_preallocated

build: Callable[..., Callable[[], object]] = partial(numpy_preallocated.build, flat=True)
