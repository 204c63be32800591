"""Tensors of a shape, of a range, or of data: NumPy's functions and meanings, and PyTorch's ``requires_grad=``.

A shape is ``zeros(2, 3)`` or ``zeros((2, 3))``. Floats are in the default dtype, ``mg.get_default_dtype()``, unless
`dtype` says otherwise. Inside a compiled step, what shapes and numbers determine is a constant of it.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from .core.messages import as_dtype, caller, explain_keywords, require_type, require_value
from .engine.constant import fresh
from .engine.tensor import Tensor, get_default_dtype
from .numpy_api import assembly
from .ops import elementwise
from .ops.axes import whole
from .ops.operand import as_operand
from .ops.state import astype, copy

__all__ = [
    "arange", "as_tensor", "empty", "eye", "from_dlpack", "from_numpy", "full", "full_like", "linspace", "ones",
    "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def _filled(create: Any, lengths: tuple[Any, ...], dtype: Any, requires_grad: bool) -> Tensor:
    """``create(shape, dtype)``; the last of `lengths` may be the dtype, as in ``np.zeros(3, int)``."""
    if lengths and isinstance(lengths[-1], (type, str, np.dtype)):
        *lengths, dtype = lengths  # type: ignore[assignment]
    shape = lengths[0] if len(lengths) == 1 and np.ndim(lengths[0]) else lengths
    shape = tuple(whole(n, "shape", least=0) for n in shape)
    return fresh(create(shape, get_default_dtype() if dtype is None else dtype), requires_grad)


def _numbers(array: Any, dtype: Any) -> Any:
    """`array`, which NumPy has made of Python's numbers, in `dtype`; floats by default in the default dtype."""
    default = get_default_dtype() if array.dtype == np.float64 else array.dtype
    return array.astype(default if dtype is None else as_dtype(dtype), copy=False)


def _number(name: str, value: Any) -> Any:
    """`value`, an argument of this name, as one of Python's numbers."""
    value = value.item() if getattr(value, "ndim", None) == 0 else value
    require_type(caller(), name, value, isinstance(value, Real), "a number")
    return value


def zeros(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of `shape`, as lengths or as one tuple. TypeError for lengths that are no integers, ValueError below 0.

    >>> zeros(2, 3).shape, zeros((2, 3), dtype="float32").dtype
    ((2, 3), dtype('float32'))
    """
    return _filled(np.zeros, shape, dtype, requires_grad)


def ones(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of `shape`, as lengths or as one tuple. TypeError for lengths that are no integers, ValueError below 0.

    >>> ones(2, requires_grad=True)
    Tensor([1., 1.], requires_grad=True)
    """
    return _filled(np.ones, shape, dtype, requires_grad)


def empty(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of `shape` with any values, to be written into.

    TypeError for lengths that are no integers, ValueError below 0.

    >>> empty(2, 3).copy_(1.0).shape
    (2, 3)
    """
    return _filled(np.empty, shape, dtype, requires_grad)


def full(shape: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """`fill_value` in every place of `shape`, a length or a tuple; in its own dtype unless `dtype` says otherwise.

    A tensor as `fill_value` gets the gradient. TypeError for lengths that are no integers, ValueError below 0.

    >>> full((2, 2), 7)
    Tensor([[7, 7],
            [7, 7]])
    """
    shape = tuple(whole(n, "shape", least=0) for n in (shape if np.ndim(shape) else (shape,)))
    if isinstance(fill_value, Tensor):
        return assembly.full_like(fill_value, fill_value, dtype, shape)
    try:
        array = np.full(shape, fill_value)
    except ValueError:
        raise ValueError(f"{caller()}: fill_value is {np.shape(fill_value)}; it does not fill {shape}.") from None
    return fresh(_numbers(array, dtype), requires_grad)


def eye(n: int, m: int | None = None, k: int = 0, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on diagonal `k` of an (n, m) matrix of zeros, (n, n) without `m`. TypeError for what is no integer.

    >>> eye(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    columns = None if m is None else whole(m, "m", least=0)
    dtype = get_default_dtype() if dtype is None else dtype
    return fresh(np.eye(whole(n, "n", least=0), columns, whole(k, "k"), dtype=dtype), requires_grad)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Numbers from `start` up to, without, `stop`, `step` apart: (n,); from 0 where one number is given.

    Integers where all three are. ValueError where `step` is 0.

    >>> arange(3), arange(0.0, 1.0, 0.25)
    (Tensor([0, 1, 2]), Tensor([0.  , 0.25, 0.5 , 0.75]))
    """
    first, last = (0, start) if stop is None else (start, stop)
    start, stop, step = _number("start", first), _number("stop", last), _number("step", step)
    require_value("arange", "step", step, step != 0, "other than 0")
    return fresh(_numbers(np.arange(start, stop, step), dtype), requires_grad)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """`num` numbers, PyTorch's steps, evenly from `start` to `stop`: (num,); without the last unless `endpoint`.

    TypeError for a `num` that is no integer, ValueError for one below 0.

    >>> linspace(0, 1, 5)
    Tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    start, stop = _number("start", start), _number("stop", stop)
    return fresh(_numbers(np.linspace(start, stop, whole(num, "num", least=0), endpoint), dtype), requires_grad)


def zeros_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Zeros in the shape and dtype of `x`: ``(…) -> (…)``; an array for an array. TypeError where `x` is not numbers.

    >>> zeros_like(Tensor([1.0, 2.0]))
    Tensor([0., 0.])
    """
    zero = elementwise.zeros_like(x) if dtype is None else full_like(x, 0, dtype)
    return as_tensor(zero).requires_grad_() if requires_grad else zero


def ones_like(x: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Ones in the shape and dtype of `x`: ``(…) -> (…)``; an array for an array. TypeError where `x` is not numbers.

    >>> ones_like(Tensor([1, 2]), dtype=float)
    Tensor([1., 1.])
    """
    return full_like(x, 1, dtype, requires_grad)


def full_like(x: Any, fill_value: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """`fill_value` in the shape and dtype of `x`: ``(…) -> (…)``; an array for an array.

    A tensor as `fill_value` gets the gradient. TypeError where `x` is not numbers.

    >>> full_like(Tensor([1.0, 2.0]), 7)
    Tensor([7., 7.])
    """
    x = as_operand(x)
    z = full(tuple(x.shape), fill_value, x.dtype if dtype is None else dtype, requires_grad)
    return z if requires_grad or isinstance(x, Tensor) or isinstance(fill_value, Tensor) else z.data


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of a copy of `data`, without its graph: numbers, lists, arrays or a tensor. TypeError for others.

    `Tensor` shares the memory of an array, `from_numpy` too.

    >>> tensor([[1, 2], [3, 4]], dtype=float, requires_grad=True).shape
    (2, 2)
    """
    if isinstance(data, Tensor):
        x = data.detach()
        x = copy(x) if dtype is None or x.dtype == dtype else astype(x, dtype=as_dtype(dtype))
        return x.requires_grad_() if requires_grad else x
    return Tensor(np.array(data) if isinstance(data, np.ndarray) else data, requires_grad, dtype)


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """`data` itself if it is a tensor of this dtype, else a tensor of it, which shares the memory of an array.

    TypeError for what is not numbers.

    >>> t = Tensor([1.0])
    >>> as_tensor(t) is t, as_tensor([1, 2])
    (True, Tensor([1, 2]))
    """
    if not isinstance(data, Tensor):
        return Tensor(data, dtype=dtype)
    return data if dtype is None or data.dtype == dtype else astype(data, dtype=as_dtype(dtype))


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of an array: ``(…) -> (…)``. TypeError for anything else.

    >>> a = np.zeros(2)
    >>> t = from_numpy(a)
    >>> a[0] = 1
    >>> t
    Tensor([1., 0.])
    """
    require_type("from_numpy", "ndarray", ndarray, isinstance(ndarray, np.ndarray), "an ndarray")
    return Tensor(ndarray)


def from_dlpack(x: Any) -> Tensor:
    """A tensor that shares memory with `x`, an array of another library on the CPU (anything with ``__dlpack__``).

    >>> t = from_dlpack(np.arange(3.0))
    >>> t
    Tensor([0., 1., 2.])
    """
    return Tensor(np.from_dlpack(x))


for _name in __all__:
    globals()[_name] = explain_keywords(globals()[_name], always=True)
