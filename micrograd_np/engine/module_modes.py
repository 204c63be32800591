"""Modules that are put into another mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def modes_kept(model: Any) -> Iterator[list[Any]]:
    """The modules of `model`, none of a function; afterwards each is in the mode, training or not, that it was in."""
    modes = {module: module.training for module in getattr(model, "modules", tuple)()}
    try:
        yield list(modes)
    finally:
        for module, training in modes.items():
            module.training = training
