"""Pictures of computation graphs and of networks."""

from .graph import draw
from .picture import Picture

__all__ = ["Picture", "draw"]
