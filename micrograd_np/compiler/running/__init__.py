"""Emitted programs at work: which is the right one, the way into it, and what becomes of gradients and errors."""
