"""Whether NumPy had anything to report of floating-point arithmetic while a step ran."""

from __future__ import annotations

import warnings
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["listen"]


def listen(step: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Any, bool]:
    """The results of a NumPy program, and whether NumPy has warned; what it raises is raised.

    Warnings appear as they would have, at the same line.
    """
    report = _Report()
    if isinstance(step, partial) and isinstance(context := getattr(step.func, "__self__", None), Context):
        return context.copy().run(_heard, step.args[0], arrays, report), report.made  # it silences something
    return _heard(step, arrays, report), report.made


def _heard(step: Callable[..., Any], arrays: Sequence[Any], report: _Report) -> Any:
    modes = np.geterr()
    report.made = not {"ignore", "warn", "raise"}.issuperset(modes.values())  # the user listens: do not disturb
    if report.made:
        return step(*arrays)
    with np.errstate(call=report, **{kind: "log" if how == "warn" else how for kind, how in modes.items()}):  # type: ignore[arg-type]
        return step(*arrays)


class _Report:
    """To NumPy a file for its log, which warns of what it is told."""

    made = False

    def write(self, text: str) -> None:
        """Warn as NumPy does of what it logs ("Warning: overflow encountered in exp")."""
        self.made = True
        warnings.warn(text.removeprefix("Warning: ").rstrip(), RuntimeWarning, stacklevel=2)
