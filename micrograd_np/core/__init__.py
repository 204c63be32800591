"""What an op is declared with and recorded by: primitives, vertices of the graph, events. No `Tensor` yet."""

from . import (
    allocation,  # noqa: F401  before anything large is made
    terminal,  # noqa: F401  before anything is printed
)
