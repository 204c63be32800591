"""Pictures of computation graphs, of networks, of what a model says over a plane, and of training."""

from .graph import draw
from .network import draw_network
from .picture import Picture
from .plot import Plot, draw_boundary
from .steps import Steps, draw_steps

__all__ = ["Picture", "Plot", "Steps", "draw", "draw_boundary", "draw_network", "draw_steps"]
