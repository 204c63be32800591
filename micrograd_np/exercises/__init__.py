"""Derivative rules to write yourself: the library's own rule makes place for yours, and the property tests judge it."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .exercise import Exercise, exercise

__all__ = ["Exercise", "exercise"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
