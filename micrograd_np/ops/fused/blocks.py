"""Long elementwise kernels over large arrays, block by block, so that intermediate results stay in the cache.

On a million float32 `erf` takes less than half of the time this way, on float64 a third (measured). A compiled step has
its own blocks over all its lines, so a kernel that is being recorded runs without these.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from micrograd_np.ops.routine import floating, in_single, is_half

_BYTES = 1 << 17  # so that half a dozen intermediate results fit into a core's own cache


def in_blocks(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Run an elementwise kernel of one input in blocks where that is large; the bits are the same either way.

    Integers become floating, and half precision is computed in single.
    """

    @wraps(kernel)
    def blocked(xp: Any, out: Any, x: Any, **static: Any) -> Any:
        x = floating(xp, x)
        if is_half(x):
            return in_single(kernel, xp, out, x, **static)
        # a result in C order of an input in another order would change the order of later sums
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
