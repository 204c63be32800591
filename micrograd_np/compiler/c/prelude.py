"""The C that all programs share, which lies beside this file as `prelude.h`."""

from __future__ import annotations

import functools
from importlib.resources import files

__all__ = ["prelude"]


@functools.cache
def prelude() -> str:
    """The text of the prelude, in C."""
    return files(__package__).joinpath("prelude.h").read_text(encoding="utf-8")
