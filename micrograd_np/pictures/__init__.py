"""Pictures of computation graphs."""

from .graph import Picture, draw
from .steps import Steps, draw_steps

__all__ = ["Picture", "Steps", "draw", "draw_steps"]
