"""Checkpoints: models, optimisers, schedules, loaders and random states, in files that need no pickle."""

from micrograd_np.core.messages import explain_all_keywords as _explain_all_keywords
from micrograd_np.core.spellings import explain_names as _explain_names

from .files import CheckpointError
from .save import load, save

__all__ = ["CheckpointError", "load", "save"]

_explain_all_keywords(__all__, globals(), always=True)
_explain_names(globals())
