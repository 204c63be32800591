"""Layers that only rearrange their input."""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_np import functional
from micrograd_np.core.settings import Count, Counts, Sizes
from micrograd_np.core.views import called_as
from micrograd_np.ops.shape import reshape

from .function_layer import FunctionLayer
from .module import Module


class Identity(Module):
    """Its first argument, unchanged. The constructor ignores all arguments. ``(…) -> (…)``.

    >>> import micrograd_np as mg
    >>> mg.nn.Identity()(mg.Tensor([1.0]))
    Tensor([1.])
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        """`input`."""
        return input


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one: ``(n, c, h, w) -> (n, c · h · w)``.

    >>> import micrograd_np as mg
    >>> mg.nn.Flatten()(mg.ones(2, 3, 4, 4)).shape
    (2, 48)
    """

    _in_repr = ("start_dim=", "end_dim=")

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """`input` with those axes as one. ValueError where there are no such axes."""
        d, ends = input.ndim, (self.start_dim, self.end_dim)
        first, last = (end % d if d else 0 for end in ends)
        if not (all(-d <= end < d for end in ends) and first <= last):
            message = f"Flatten: input is {input.shape}; it has no axes from {self.start_dim} to {self.end_dim}."
            raise ValueError(message)
        merged = prod(input.shape[first : last + 1])
        return called_as(input, reshape(input, shape=(*input.shape[:first], merged, *input.shape[last + 1 :])))


class Unflatten(Module):
    """The axis `dim` as several, of lengths `unflattened_size`, one of which may be −1.

    >>> import micrograd_np as mg
    >>> mg.nn.Unflatten(1, (2, -1))(mg.ones(5, 6)).shape
    (5, 2, 3)
    """

    _in_repr = ("dim=", "unflattened_size=")

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """`input` with that axis as several. ValueError unless it is there and the lengths multiply to its."""
        if not -input.ndim <= self.dim < input.ndim:
            raise ValueError(f"Unflatten: input is {input.shape}; it has no axis dim={self.dim}.")
        at = self.dim % input.ndim
        return reshape(input, shape=(*input.shape[:at], *self.unflattened_size, *input.shape[at + 1 :]))


class Unfold(FunctionLayer, function=functional.unfold):
    """Every window of an image as a column: ``(n, c, h, w) -> (n, c · k · l, places)``; see `functional.unfold`."""

    _example = (2,), ([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]],)

    def __init__(self, kernel_size: Counts, dilation: Counts = 1, padding: Sizes = 0, stride: Counts = 1) -> None:
        self._hold(locals())


class Fold(FunctionLayer, function=functional.fold):
    """Columns added up where their windows lie: ``(n, c · k · l, places) -> (n, c, *output_size)``.

    See `functional.fold`.
    """

    _example = ((2, 3), 2), ([[[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]],)

    def __init__(
        self, output_size: Counts, kernel_size: Counts, dilation: Counts = 1, padding: Sizes = 0, stride: Counts = 1
    ) -> None:
        self._hold(locals())


class PixelShuffle(FunctionLayer, function=functional.pixel_shuffle):
    """Channels become space: ``(…, c · r², h, w) -> (…, c, h · r, w · r)``; see `functional.pixel_shuffle`."""

    _example = (2,), ([[[1.0]], [[2.0]], [[3.0]], [[4.0]]],)

    def __init__(self, upscale_factor: Count) -> None:
        self._hold(locals())


class PixelUnshuffle(FunctionLayer, function=functional.pixel_unshuffle):
    """Space becomes channels: ``(…, c, h · r, w · r) -> (…, c · r², h, w)``; see `functional.pixel_unshuffle`."""

    _example = (2,), ([[[1.0, 2.0], [3.0, 4.0]]],)

    def __init__(self, downscale_factor: Count) -> None:
        self._hold(locals())


class ChannelShuffle(FunctionLayer, function=functional.channel_shuffle):
    """The channels of `groups` dealt out in turn: ``(n, c, …) -> (n, c, …)``; see `functional.channel_shuffle`."""

    _example = (2,), ([[[1.0], [2.0], [3.0], [4.0]]],)

    def __init__(self, groups: Count) -> None:
        self._hold(locals())
