"""Whether NumPy had anything to report of floating-point arithmetic while a step ran."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from functools import partial
from typing import Any

import numpy as np

__all__ = ["FLAGGED", "listen"]

FLAGGED = object()
"""What a step in C returns that has changed nothing, because NumPy would report something: let NumPy's program run."""


def listen(step: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Any, bool]:
    """The results of a NumPy program, and whether NumPy has warned; what it raises is raised.

    Warnings appear as they would have, at the same line.
    """
    context, report = copy_context(), _Report()
    own = getattr(step.func, "__self__", None) if isinstance(step, partial) else None
    if isinstance(own, Context):  # a program that silences something runs in a context of its own
        context, (step,) = own.copy(), step.args  # type: ignore[attr-defined]
    return context.run(_heard, step, arrays, report), report.heard


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
