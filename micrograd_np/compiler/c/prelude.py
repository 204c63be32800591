"""The C that all programs share, which lies beside this file: `prelude.h`, and `threads.h` for long loops."""

from __future__ import annotations

import functools
from importlib.resources import files

__all__ = ["prelude"]


@functools.cache
def prelude(name: str = "prelude") -> str:
    """The text of one of these files."""
    return files(__package__).joinpath(f"{name}.h").read_text(encoding="utf-8")
