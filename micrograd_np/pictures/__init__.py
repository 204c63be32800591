"""Pictures of computation graphs."""

from .graph import Picture, draw

__all__ = ["Picture", "draw"]
