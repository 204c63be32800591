"""Images and sequences made larger."""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_np import functional
from micrograd_np.core.settings import Counts, Positive

from .function_layer import FunctionLayer


class Upsample(FunctionLayer, function=functional.interpolate):
    """(n, c, *lengths) at the lengths `size`, or `scale_factor` times as long; see `functional.interpolate`."""

    _example = ((3,), ([[[1.0, 2.0]]],))

    def __init__(
        self,
        size: Counts | None = None,
        scale_factor: Positive | Sequence[Positive] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self._hold(locals())

    def extra_repr(self) -> str:
        """The settings."""
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"
