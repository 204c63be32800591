"""Dropout layers: random while training, the identity in evaluation."""

from __future__ import annotations

from typing import Any

from micrograd_np import functional
from micrograd_np.core.settings import Share

from .module import Module


class Dropout(Module):
    """Elements set to 0 with probability `p` while training, the others divided by 1 − p; see `functional.dropout`.

    ValueError for `p` outside [0, 1].
    """

    def __init__(self, p: Share = 0.5, inplace: bool = False) -> None:
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """`input` with some of it dropped."""
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """As PyTorch shows it."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Whole channels of (n, c, l) dropped together; see `Dropout`."""

    def forward(self, input: Any) -> Any:
        """`input` with some channels dropped."""
        return functional.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """Whole channels of images (n, c, h, w) dropped together; see `Dropout`."""

    def forward(self, input: Any) -> Any:
        """`input` with some channels dropped."""
        return functional.dropout2d(input, self.p, self.training, self.inplace)
