"""Whether NumPy had anything to report of floating-point arithmetic while a step ran."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np

__all__ = ["listen"]


def _context(step: Callable[..., Any]) -> Context | None:
    """The context in which a NumPy program runs that silences something."""
    context = getattr(step.func, "__self__", None) if isinstance(step, partial) else None
    return context if isinstance(context, Context) else None


def listen(step: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Any, bool]:
    """The results of a NumPy program, and whether NumPy has warned; what it raises is raised.

    Warnings appear as they would have, at the same line.
    """
    report = _Report()
    if (context := _context(step)) is not None:
        return context.copy().run(_heard, step.args[0], arrays, report), report.heard  # type: ignore[attr-defined]
    return _heard(step, arrays, report), report.heard


def _heard(step: Callable[..., Any], arrays: Sequence[Any], report: _Report) -> Any:
    modes = np.geterr()
    report.heard = not {"ignore", "warn", "raise"}.issuperset(modes.values())  # the user listens: do not disturb
    if report.heard:
        return step(*arrays)
    with np.errstate(call=report, **{kind: "log" if how == "warn" else how for kind, how in modes.items()}):  # type: ignore[arg-type]
        return step(*arrays)


class _Report:
    """To NumPy a file for its log, which warns of what it is told."""

    heard = False

    def write(self, text: str) -> None:
        """Warn as NumPy does of what it logs ("Warning: overflow encountered in exp")."""
        self.heard = True
        warnings.warn(text.removeprefix("Warning: ").rstrip(), RuntimeWarning, stacklevel=2)
