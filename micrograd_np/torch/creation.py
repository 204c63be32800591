"""PyTorch's functions that make tensors: of shapes, ranges, data and random draws, in its default dtype."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

import micrograd_np as mg
from micrograd_np.core.vertex import Vertex

from .dtypes import check_device, default
from .table import _array, _listed
from .tensor import Tensor, _plain, as_torch, tensor

_IGNORED = {"device", "layout", "pin_memory", "memory_format", "names"}


def _created(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes tensors: `device` is checked, and the result is PyTorch's and may require a gradient."""

    def create(*args: Any, requires_grad: bool = False, out: Any = None, **settings: Any) -> Any:
        check_device(settings.get("device"))
        settings = {key: value for key, value in settings.items() if key not in _IGNORED}
        z = as_torch(f(*args, **settings))
        return z.requires_grad_() if requires_grad else z if out is None else out.copy_(z)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"PyTorch's ``{name}``: see its documentation."
    return create


def _sized(f: Any) -> Callable[..., Any]:
    """``f(*size, dtype=)``, in the default dtype."""

    def sized(*size: Any, dtype: Any = None, **settings: Any) -> Any:
        size = _listed(settings.pop("size", None) or size) if size or "size" in settings else ()
        return f(tuple(map(int, size)), dtype=np.dtype(default() if dtype is None else dtype), **settings)

    return sized


def _like(f: Any) -> Callable[..., Any]:
    return lambda input, *args, dtype=None, **more: f(tuple(input.shape), *args, dtype=np.dtype(dtype or input.dtype), **more)


def _kind(dtype: Any, *numbers: Any) -> Any:
    """`dtype`; without one int64 where all numbers are whole, else the default."""
    if dtype is not None:
        return np.dtype(dtype)
    return np.dtype(np.int64) if all(np.asarray(_array(x)).dtype.kind in "iub" for x in numbers) else default()


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, Vertex) else x


def _arange(*args: Any, start: Any = 0, end: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    if len(args) == 1 and end is None:
        end = args[0]
    else:
        start, end, step = (*args, *((start, end, step)[len(args) :]))
    start, end, step = map(_number, (start, end, step))
    return mg.arange(start, end, step, dtype=_kind(dtype, start, end, step))


def _range(start: Any, end: Any, step: Any = 1, dtype: Any = None) -> Any:
    return mg.arange(start, end + step / 2, step, dtype=_kind(dtype, 0.5))


def _spaced(start: Any, end: Any, steps: int, *, dtype: Any = None) -> Any:
    kind = np.dtype(dtype) if dtype is not None else default()
    return np.linspace(_array(start), _array(end), steps, dtype=kind)


def _log_spaced(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None) -> Any:
    kind = np.dtype(dtype) if dtype is not None else default()
    return np.power(float(base), np.linspace(_array(start), _array(end), steps)).astype(kind)


def _full(size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    return mg.full(tuple(size) if np.ndim(size) else (size,), _number(fill_value), _kind(dtype, fill_value) if not isinstance(fill_value, bool) or dtype else bool)


def _drawn(f: Any) -> Callable[..., Any]:
    def draw(size: Any, dtype: Any = None, generator: Any = None) -> Any:
        return f(size, dtype=dtype, generator=generator)

    return draw


def _whole_numbers(*args: Any, low: Any = None, high: Any = None, size: Any = None, dtype: Any = None, generator: Any = None) -> Any:
    size = args[-1] if args and np.ndim(args[-1]) else size
    low, high = ((0, args[0]) if np.ndim(args[1] if len(args) > 1 else ()) and high is None else (args[0], args[1] if len(args) > 1 and not np.ndim(args[1]) else high)) if args else (low or 0, high)
    return mg.random.randint(low, high, tuple(size), np.int64, generator).astype(np.dtype(dtype or np.int64))


def _symmetric(n: Any, f: Any, periodic: bool = True, *args: Any, dtype: Any = None) -> Any:
    z = np.ones(1) if n == 1 else f(n + 1, *args)[:-1] if periodic else f(n, *args)
    return z.astype(np.dtype(dtype or default()))


CREATION = {
    name: _created(name, f)
    for name, f in {
        "zeros": _sized(mg.zeros), "ones": _sized(mg.ones), "empty": _sized(mg.empty),
        "rand": _sized(_drawn(mg.random.rand)), "randn": _sized(_drawn(mg.random.randn)),
        "zeros_like": _like(mg.zeros), "ones_like": _like(mg.ones), "empty_like": _like(mg.empty),
        "rand_like": _like(mg.random.rand), "randn_like": _like(mg.random.randn),
        "full": _full, "full_like": _like(lambda size, fill_value, dtype: mg.full(size, fill_value, dtype)),
        "randint": _whole_numbers,
        "randint_like": lambda input, *bounds, dtype=None: _whole_numbers(*bounds, tuple(input.shape), dtype=dtype or input.dtype),
        "randperm": lambda n, *, generator=None, dtype=None: mg.random.permutation(n, generator),
        "arange": _arange, "range": _range, "linspace": _spaced, "logspace": _log_spaced,
        "eye": lambda n, m=None, *, dtype=None: mg.eye(n, m, dtype=np.dtype(dtype or default())),
        "scalar_tensor": lambda s, *, dtype=None: np.asarray(s, np.dtype(dtype or default())),
        "tril_indices": lambda row, col, offset=0, *, dtype=None: np.array(np.tril_indices(row, offset, col)),
        "triu_indices": lambda row, col, offset=0, *, dtype=None: np.array(np.triu_indices(row, offset, col)),
        "hann_window": lambda n, periodic=True, *, dtype=None: _symmetric(n, np.hanning, periodic, dtype=dtype),
        "hamming_window": lambda n, periodic=True, *, dtype=None: _symmetric(n, np.hamming, periodic, dtype=dtype),
        "blackman_window": lambda n, periodic=True, *, dtype=None: _symmetric(n, np.blackman, periodic, dtype=dtype),
        "bartlett_window": lambda n, periodic=True, *, dtype=None: _symmetric(n, np.bartlett, periodic, dtype=dtype),
    }.items()
}  # fmt: skip


def from_numpy(ndarray: Any) -> Any:
    """A tensor that shares the memory of an array. TypeError for anything else."""
    return as_torch(mg.from_numpy(ndarray))


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """`data` itself where it is a tensor of this dtype; of an array a tensor that shares its memory; else a new one."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or np.dtype(dtype) == data.dtype):
        return from_numpy(data)
    return tensor(data, dtype=dtype)


CREATION |= {"tensor": tensor, "from_numpy": from_numpy, "as_tensor": as_tensor, "asarray": as_tensor}
