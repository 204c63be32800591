"""Images and sequences made larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd_np import functional
from micrograd_np.core.settings import Counts, Positive

from .module import Module


class Upsample(Module):
    """(n, c, *lengths) at the lengths `size`, or `scale_factor` times as long; see `functional.interpolate`."""

    def __init__(
        self,
        size: Counts | None = None,
        scale_factor: Positive | Sequence[Positive] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """`input`, larger."""
        settings = (self.mode, self.align_corners, self.recompute_scale_factor)
        return functional.interpolate(input, self.size, self.scale_factor, *settings)

    def extra_repr(self) -> str:
        """The settings."""
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"
