"""Checkpoints: models, optimisers, schedules, loaders and random states, in files that need no pickle."""

from .files import CheckpointError
from .save import load, save

__all__ = ["CheckpointError", "load", "save"]
