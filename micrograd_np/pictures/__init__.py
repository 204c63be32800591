"""Pictures of computation graphs, of what a model says over a plane, and of training."""

from .graph import Picture, draw
from .plot import Plot, draw_boundary
from .steps import Steps, draw_steps

__all__ = ["Picture", "Plot", "Steps", "draw", "draw_boundary", "draw_steps"]
