"""What can be told of arrays: whether somebody else holds one, whether it has changed, whether two are the same."""

from __future__ import annotations

import gc
import sys
from typing import Any
from zlib import crc32

import numpy as np

from micrograd_np.core.vertex import Node, Vertex

_COPIED = 64 * 1024  # bytes up to which two copies cost less than a comparison
_LARGE = 256 * 1024  # bytes from which on a checksum would take as long as the step


def is_alone(x: Vertex) -> bool:
    """Whether nobody but `x` holds its memory: no tensor, view or variable; records of applications do not count."""
    others = sys.getrefcount(x.data) - 2  # the tensor, and the argument here
    if others > 0 and x.data.base is None:  # else it lies in the memory of a program, which holds it
        lists = [r for r in gc.get_referrers(x.data) if type(r) is list]
        others -= sum(any(isinstance(z, Node) and z.arrays is r for z in gc.get_referrers(r)) for r in lists)
    return others <= 0


def whole(a: Any) -> bool:
    """Whether `a` is all of its memory, if in another order."""
    return (a.base is None or a.base.size == a.size) and a.flags.writeable


def digest(array: Any) -> bytes:
    """What changes when an array does: its checksum, or of a large one sums of its bits, in a tenth of the time."""
    octets = np.ascontiguousarray(array.T if array.flags.f_contiguous else array).reshape(-1).view(np.uint8)
    if octets.size <= _LARGE:
        return crc32(octets.data).to_bytes(4)
    words, rest = octets[: octets.size // 8 * 8].view(np.uint64), octets[octets.size // 8 * 8 :]
    pieces = np.arange(0, words.size, words.size // 64)
    return np.add.reduceat(words, pieces).tobytes() + rest.tobytes()


def same(a: Any, b: Any) -> bool:
    """Whether two arrays have one type, one shape, and equal elements, nan being equal to nan."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.nbytes > _COPIED:
        where = a.__array_interface__, b.__array_interface__
        if (a.strides, where[0]["data"]) == (b.strides, where[1]["data"]) or bool((a == b).all()):
            return True
    return a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")  # zeros have two signs
