"""Long elementwise kernels over large arrays, a stretch at a time, so that intermediates stay in the cache.

On a million float32 `erf` takes less than half of the time this way, on float64 a third (measured). A compiled step has
blocks of its own, over everything that it does: while it is recorded, the kernel runs as it is written.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.ops.routine import floating, in_single, is_half

if TYPE_CHECKING:
    from collections.abc import Callable

_BYTES = 1 << 17  # with half a dozen intermediates well inside a core's own cache


def in_blocks(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of one floating input, which integers become, in blocks where it is large; the same bits either way.

    Half precision is computed in single.
    """

    @wraps(kernel)
    def blocked(xp: Any, out: Any, x: Any, **static: Any) -> Any:
        x = floating(xp, x)
        if is_half(x):
            return in_single(kernel, xp, out, x, **static)
        # other orders in memory than the usual would have to be kept in the result, on which sums depend
        small = xp is not np or x.nbytes <= _BYTES or not x.flags.c_contiguous
        if small or (out is not ... and not out.flags.c_contiguous):
            return kernel(xp, out, x, **static)
        n = _BYTES // x.itemsize
        flat = x.reshape(-1)
        first = kernel(np, ..., flat[:n], **static)
        z = np.empty(x.shape, first.dtype) if out is ... else out
        line = z.reshape(-1)
        line[:n] = first
        for i in range(n, flat.size, n):
            kernel(np, line[i : i + n], flat[i : i + n], **static)
        return z

    return blocked
