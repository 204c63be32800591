"""PyTorch's dtypes, its one device here, its sizes, and its table of type promotion."""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd_np.core.hooks import changes
from micrograd_np.core.messages import require_type
from micrograd_np.core.vertex import Vertex

__all__ = ["DTYPES", "Size", "device", "dtype", "get_default_dtype", "promote", "result_type", "set_default_dtype"]


class dtype:  # noqa: N801  PyTorch's name
    """The type of a tensor's elements, such as ``torch.float32``; `np.dtype` makes NumPy's of it.

    >>> np.dtype(DTYPES["long"])
    dtype('int64')
    """

    __slots__ = ("dtype",)

    def __init__(self, kind: Any) -> None:
        self.dtype = np.dtype(kind)

    is_floating_point = property(lambda self: self.dtype.kind == "f", doc="Whether its numbers are floating.")
    is_complex = property(lambda self: False, doc="No: there are no complex numbers here.")
    is_signed = property(lambda self: self.dtype.kind in "fi", doc="Whether it has negative numbers.")
    itemsize = property(lambda self: self.dtype.itemsize, doc="Bytes for an element.")

    def __eq__(self, other: object) -> bool:
        return self.dtype == getattr(other, "dtype", other)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"torch.{self.dtype.name}"

    def __reduce__(self) -> Any:
        return dtype, (self.dtype.name,)


CASTS = {
    "half": "float16", "float": "float32", "double": "float64", "char": "int8", "short": "int16", "int": "int32",
    "long": "int64", "byte": "uint8", "bool": "bool",
}  # fmt: skip
"""PyTorch's dtypes by the methods that cast to them."""
DTYPES = {name: dtype(name) for name in CASTS.values()}
"""PyTorch's dtypes by name, with its other names for them."""
DTYPES |= {alias: DTYPES[name] for alias, name in CASTS.items() if alias not in ("char", "byte")}
_OF_NUMPY = {x.dtype: x for x in DTYPES.values()}
_default = np.dtype(np.float32)
changes.set("default dtype of torch", _default)


def named(kind: Any) -> dtype:
    """PyTorch's dtype for one of NumPy's."""
    return _OF_NUMPY.get(np.dtype(kind)) or dtype(kind)


def get_default_dtype() -> dtype:
    """The dtype of Python's floats, of layers and draws: at first ``torch.float32``.

    >>> get_default_dtype()
    torch.float32
    """
    return named(_default)


def set_default_dtype(d: Any) -> None:
    """Set the dtype of Python's floats, of layers and draws. TypeError unless it is floating."""
    global _default  # noqa: PLW0603  one for the process, as in PyTorch
    kind = np.dtype(d)
    require_type("set_default_dtype", "d", d, kind.kind == "f", "a floating dtype")
    _default = kind
    changes.set("default dtype of torch", kind)


def default() -> np.dtype[Any]:
    """The default dtype, as NumPy's."""
    return _default


def promote(a: Any, b: Any) -> np.dtype[Any]:
    """The dtype of an operation on tensors of dtypes `a` and `b`: floating where one is, of its own width.

    >>> promote("int64", "float32"), promote("uint8", "int8")
    (dtype('float32'), dtype('int16'))
    """
    a, b = np.dtype(a), np.dtype(b)
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


_CATEGORIES = {"b": 0, "i": 1, "u": 1, "f": 2}


def result_type(*operands: Any) -> np.dtype[Any]:
    """The dtype of an operation: of tensors with axes; 0-d ones and numbers count where they are of a higher kind."""
    ranks: list[np.dtype[Any] | None] = [None, None, None]
    for x in operands:
        if isinstance(x, (Vertex, np.ndarray)):
            kind, rank = x.dtype, 0 if x.data.ndim else 1
        elif isinstance(x, float):
            kind, rank = _default, 2
        else:
            kind, rank = np.dtype(bool if isinstance(x, (bool, np.bool_)) else np.int64), 2
        before = ranks[rank]
        ranks[rank] = kind if before is None else promote(before, kind)
    result: np.dtype[Any] | None = None
    for kind in ranks:
        if kind is not None and (result is None or _CATEGORIES[kind.kind] > _CATEGORIES[result.kind]):
            result = kind
    return _default if result is None else result


class device:  # noqa: N801  PyTorch's name
    """A device: "cpu" is the one there is; another can be named, but nothing can be moved to it.

    >>> device("cuda" if False else "cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        self.type, self.index = name, int(number) if number else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}{'' if self.index is None else f', index={self.index}'})"


def check_device(where: Any) -> None:
    """RuntimeError unless `where` is None or the one device."""
    if where is not None and str(where).partition(":")[0] != "cpu":
        raise RuntimeError(f"device {str(where)!r}: there is one device, 'cpu'. torch.cuda.is_available() is False.")


class Size(tuple[int, ...]):
    """A shape: a tuple of the lengths of the axes.

    >>> Size((2, 3)).numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return int(np.prod(self, dtype=np.int64))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __getitem__(self, i: Any) -> Any:
        part = super().__getitem__(i)
        return Size(part) if isinstance(i, slice) else part
