"""What ops are declared with and recorded by: primitives, vertices of the graph, events; nothing about `Tensor`."""

from . import (
    allocation,  # noqa: F401  before anything large is made
    terminal,  # noqa: F401  before anything is printed
)
