"""A program in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from ..program import Program

FLAGGED = object()


class Unsupported(Exception):
    """Why a program cannot be said in C, in a sentence."""


class Native:
    """A program in C."""

    source: str
    segments: int
    why: list[tuple[str, int]]

    def __init__(self, raw: Program, outputs: Sequence[np.ndarray | None]) -> None:
        message = "C is not written yet."
        raise Unsupported(message)

    def bind(self, path: Path) -> Callable[..., Any]:
        """The step."""
        raise NotImplementedError
