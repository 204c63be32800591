"""Pictures of computation graphs and of networks."""

from .graph import draw
from .network import draw_network
from .picture import Picture

__all__ = ["Picture", "draw", "draw_network"]
