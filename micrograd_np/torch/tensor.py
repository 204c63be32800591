"""PyTorch's tensor: a `Tensor` of this package whose names mean what they mean in PyTorch.

The package itself reads its tensors by their own names (`data` is an array, `size` a number, `max(1)` the values), and
these objects are among them. So a name with two meanings has both: code of the package, known by its file, gets ours,
all other code PyTorch's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Self

import numpy as np

import micrograd_np as mg
from micrograd_np.core.modes import mode
from micrograd_np.core.spellings import ForeignName
from micrograd_np.core.terminal import shown
from micrograd_np.core.vertex import Vertex, preferred
from micrograd_np.nn import parameter
from micrograd_np.ops.state import astype, copy

from . import printing
from .dtypes import CASTS, Size, check_device, default, device, named, result_type

_PACKAGE = (str(Path(mg.__file__).parent) + os.sep, "<micrograd_np", "<dispatch")
_frame = sys._getframe


class ByCaller:
    """An attribute that means one thing to the package, `ours`, and another to everybody else, `theirs`."""

    def __init__(self, ours: Any, theirs: Any) -> None:
        self.ours, self.theirs = ours, theirs
        self.__doc__ = theirs.__doc__

    def __get__(self, t: Any, owner: type | None = None) -> Any:
        inside = _frame(1).f_code.co_filename.startswith(_PACKAGE)
        return (self.ours if inside else self.theirs).__get__(t, owner)

    def __set__(self, t: Any, value: Any) -> None:
        if not hasattr(type(self.ours), "__set__"):
            raise AttributeError(f"{type(t).__name__}: this attribute cannot be set.")
        self.ours.__set__(t, value.data if isinstance(value, Vertex) else value)


_RUNTIME_ERRORS: dict[type, Any] = {}


def runtime_error(error: Exception) -> Exception:
    """`error` as a RuntimeError too: PyTorch raises these for wrong shapes and values, and scripts catch them."""
    kind = type(error)
    if issubclass(kind, RuntimeError):
        return error
    if kind not in _RUNTIME_ERRORS:
        _RUNTIME_ERRORS[kind] = type(kind.__name__, (kind, RuntimeError), {"__module__": kind.__module__})
    new: Exception = _RUNTIME_ERRORS[kind].__new__(_RUNTIME_ERRORS[kind])
    new.args = error.args
    vars(new).update(vars(error))
    return new.with_traceback(error.__traceback__)


def with_runtime_errors(f: Any) -> Any:
    """`f`, whose TypeErrors and ValueErrors are RuntimeErrors too."""

    @wraps(f)
    def call(*args: Any, **settings: Any) -> Any:
        try:
            return f(*args, **settings)
        except (TypeError, ValueError) as error:
            raise runtime_error(error) from None

    return call


def as_torch(x: Any) -> Any:
    """`x` with every tensor and array in it as PyTorch's: the same objects where they are tensors."""
    kind = type(x)
    if kind is Tensor or kind in (int, float, bool, str) or x is None:
        return x
    if kind in _COUNTERPARTS:
        x.__class__ = _COUNTERPARTS[kind]
        return x
    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fiub":
        return wrapped(np.asarray(x))
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return kind(*map(as_torch, x))
    if kind in (tuple, list):
        return kind([as_torch(y) for y in x])
    if isinstance(x, dict):
        return kind((key, as_torch(y)) for key, y in x.items())
    return x


def wrapped(array: Any) -> Tensor:
    """A tensor of `array`, which is shared."""
    return Tensor(array, False)


def common(*operands: Any) -> Any:
    """The operands of an elementwise operation, tensors in the dtype to which PyTorch promotes all of them.

    NumPy's numbers count as Python's.
    """
    operands = tuple([x.item() if isinstance(x, np.generic) else x for x in operands])
    kinds = {x.dtype for x in operands if isinstance(x, (Vertex, np.ndarray))}
    numbers = [x for x in operands if isinstance(x, (float, int))]
    if len(kinds) == 1:
        (kind,) = kinds
        if kind.kind == "f" or not numbers or (kind.kind in "iu" and not any(isinstance(x, float) for x in numbers)):
            return operands
    target = result_type(*[x for x in operands if isinstance(x, (Vertex, np.ndarray, float, int))])
    return [
        astype(x, dtype=target) if isinstance(x, (Vertex, np.ndarray)) and x.dtype != target else x for x in operands
    ]


def floating(x: Any) -> Any:
    """`x`, integers and booleans in the default dtype."""
    return astype(x, dtype=default()) if isinstance(x, (Vertex, np.ndarray)) and x.dtype.kind != "f" else x


def _operators(name: str, *, floats: bool = False) -> tuple[Any, Any]:
    """The operator `name` and its reflection, after PyTorch's promotion."""
    own, reflected = (getattr(mg.Tensor, f"__{prefix}{name}__") for prefix in ("", "r"))

    def operator(self: Any, other: Any) -> Any:
        x, y = common(self, other)
        return own(floating(x), floating(y)) if floats else own(x, y)

    def swapped(self: Any, other: Any) -> Any:
        x, y = common(self, other)
        return reflected(floating(x), floating(y)) if floats else reflected(x, y)

    return with_runtime_errors(operator), with_runtime_errors(swapped)


def _comparison(name: str) -> Any:
    own = getattr(mg.Tensor, f"__{name}__")
    return with_runtime_errors(lambda self, other: own(*common(self, other)))


class Tensor(mg.Tensor):
    """PyTorch's tensor: ``torch.Tensor(2, 3)`` of a shape, or of data, in the default dtype; see `torch.tensor`.

    >>> import micrograd_np.torch as torch
    >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> x.size(0), x.max(1).indices, x.data.sum()
    (2, tensor([1, 1]), tensor(10.))
    """

    __slots__ = ()

    def __init__(self, *data: Any, **settings: Any) -> None:
        if _frame(1).f_code.co_filename.startswith(_PACKAGE):
            super().__init__(*data, **settings)
            return
        check_device(settings.pop("device", None))
        sizes = all(isinstance(n, (int, np.integer)) for n in data)
        array = np.zeros(data, default()) if sizes else np.array(_plain(*data), default())
        super().__init__(array, **settings)

    data: Any = ByCaller(mg.Tensor.data, property(lambda self: self.detach(), doc="The values, as a tensor."))
    dtype: Any = ByCaller(mg.Tensor.dtype, property(lambda self: named(self.dtype), doc="The type of the elements."))
    shape: Any = ByCaller(mg.Tensor.shape, property(lambda self: Size(self.shape), doc="The lengths of the axes."))

    def _size(self, dim: int | None = None) -> Any:
        """The lengths of the axes, or of the axis `dim`."""
        return Size(self.shape) if dim is None else self.shape[dim]

    size: Any = ByCaller(mg.Tensor.size, _size)

    @property
    def grad(self) -> Any:
        """The gradient that `backward` has added up here, or None."""
        return as_torch(_grad.__get__(self))

    @grad.setter
    def grad(self, grad: Any) -> None:
        _grad.__set__(self, grad)

    @property
    def grad_fn(self) -> Any:
        """What has computed it; None for a leaf."""
        return None if self.node is None else self.node.op

    device = property(lambda self: device("cpu"), doc="The one device.")
    is_cuda = property(lambda self: False, doc="False: there is one device, the processor.")
    layout = property(lambda self: "torch.strided", doc="Every tensor is dense.")
    itemsize = property(lambda self: self.data.itemsize, doc="Bytes for an element.")
    nbytes = property(lambda self: self.data.nbytes, doc="Bytes for all elements.")
    H = mH = property(lambda self: self.mT, doc="The last two axes exchanged.")  # noqa: N815  PyTorch's name

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("sub")
    __mul__, __rmul__ = _operators("mul")
    __truediv__, __rtruediv__ = _operators("truediv", floats=True)
    __rdiv__ = __rtruediv__
    __floordiv__, __rfloordiv__ = _operators("floordiv")
    __mod__, __rmod__ = _operators("mod")
    __pow__, __rpow__ = _operators("pow")
    __and__, __rand__ = _operators("and")
    __or__, __ror__ = _operators("or")
    __xor__, __rxor__ = _operators("xor")
    __lt__, __gt__, __le__, __ge__ = map(_comparison, ("lt", "gt", "le", "ge"))
    __eq__, __ne__ = _comparison("eq"), _comparison("ne")
    __hash__ = object.__hash__
    __matmul__, __rmatmul__ = map(with_runtime_errors, (mg.Tensor.__matmul__, mg.Tensor.__rmatmul__))
    __bool__, item = map(with_runtime_errors, (mg.Tensor.__bool__, mg.Tensor.item))

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor: its one element is .item().")
        return (self[i] for i in range(len(self)))

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    def __repr__(self) -> str:
        unnamed = (default(),) if not self.data.size else (default(), np.int64, np.bool_)
        notes = [] if self.dtype in unnamed else [f"dtype={named(self.dtype)}"]
        if self.node is not None:
            notes.append(f"grad_fn=<{self.node.op.name}>")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return shown(printing.text(self.data, notes))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.size == 1 and not self.ndim else repr(self)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in _WITHOUT]

    # moving and casting

    def to(self, *args: Any, **settings: Any) -> Any:
        """In another dtype, that of another tensor, or on the one device, in any order; a copy with ``copy=True``."""
        settings.pop("non_blocking", None), settings.pop("memory_format", None)
        copied = settings.pop("copy", False)
        target = None
        for x in (*args, *settings.values()):
            if isinstance(x, Vertex):
                target = x.dtype
            elif isinstance(x, (str, device)):
                check_device(x)
            elif x is not None and not isinstance(x, bool):
                target = np.dtype(x)
        if target is None or target == self.dtype:
            return copy(self) if copied else self
        return astype(self, dtype=target)

    def cpu(self, memory_format: Any = None) -> Any:
        """Itself: there is one device."""
        return self

    contiguous = pin_memory = share_memory_ = cpu

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        """RuntimeError: there is one device."""
        check_device("cuda")

    def type(self, dtype: Any = None, **settings: Any) -> Any:
        """In another dtype; without one, the name that PyTorch has for its type."""
        if dtype is None:
            return f"torch.{TYPES[self.dtype.name]}"
        by_type = {f"torch.{kind}": name for name, kind in TYPES.items()}
        return self.to(np.dtype(by_type.get(dtype, dtype) if isinstance(dtype, str) else dtype))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether it requires a gradient; returns it."""
        return super().requires_grad_(requires_grad)

    def detach_(self) -> Self:
        """Take it out of the graph; returns it."""
        self.node, self.requires_grad, self._grad, self._name, self._notes = None, False, None, None, None
        return self

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:
        """Call ``hook(gradient)`` when its gradient is complete; what it returns, unless None, replaces it."""
        return super().register_hook(lambda g: hook(as_torch(g)))

    @with_runtime_errors
    def numpy(self, *, force: bool = False) -> Any:
        """The array, which shares the memory; of one that requires a gradient only with `force`."""
        return self.detach().data if force else super().numpy()

    # writing

    def copy_(self, other: Any, non_blocking: bool = False) -> Self:
        """Write `other`, which broadcasts, into this memory, in its dtype; returns it."""
        if isinstance(other, Vertex) and other.dtype != self.dtype:
            other = astype(other, dtype=self.dtype)
        return super().copy_(other)

    def fill_(self, value: Any) -> Self:
        """Write a number into every place; returns it."""
        return self.copy_(value if isinstance(value, Vertex) else self.dtype.type(value))

    def zero_(self) -> Self:
        """Write 0 into every place; returns it."""
        return self.fill_(0)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, Vertex) and value.dtype != self.dtype:
            value = astype(value, dtype=self.dtype)
        super().__setitem__(key, value)

    def resize_(self, *sizes: Any) -> Any:
        """Itself, where it has this shape; else a RuntimeError: memory does not grow."""
        if tuple(sizes[0] if sizes and np.ndim(sizes[0]) else sizes) != tuple(self.shape):
            raise RuntimeError("resize_: memory does not grow here. Write torch.empty(sizes), or .reshape(sizes).")
        return self

    def resize_as_(self, other: Any) -> Any:
        """Itself, where it has the shape of `other`; else a RuntimeError, as of `resize_`."""
        return self.resize_(tuple(other.shape))


_grad: Any = Vertex.grad
_WITHOUT: set[str] = set()
TYPES = {name: f"{cast.capitalize()}Tensor" for cast, name in CASTS.items()}
"""By dtype: PyTorch's name for tensors of it."""
Tensor.result_type = Tensor
preferred.append(Tensor)


class Parameter(Tensor, parameter.Parameter):
    """A tensor that a module trains; as an attribute of a module it is listed by ``parameters()``.

    >>> import micrograd_np.torch as torch
    >>> torch.nn.Parameter(torch.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True, *settings: Any) -> None:
        array = np.zeros(0, default()) if data is None else data.data if isinstance(data, Vertex) else np.asarray(data)
        mg.Tensor.__init__(self, array, requires_grad, *settings)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor, parameter.Buffer):
    """A tensor that a module holds and saves, and does not train."""

    __slots__ = ()

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        mg.Tensor.__init__(self, data.data if isinstance(data, Vertex) else np.asarray(data))
        self.persistent = persistent


_COUNTERPARTS: dict[type, Any] = {mg.Tensor: Tensor, parameter.Parameter: Parameter, parameter.Buffer: Buffer}


def _plain(data: Any) -> Any:
    """`data` with the values of the tensors in it, in lists too: what `np.array` takes."""
    if isinstance(data, Vertex):
        return data.data
    return [_plain(x) for x in data] if isinstance(data, (list, tuple)) else data


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A tensor of a copy of `data`: floats in the default dtype, integers in int64, arrays and tensors in their own.

    >>> tensor([1, 2]), tensor(0.5).dtype
    (tensor([1, 2]), torch.float32)
    """
    check_device(device)
    array = np.array(_plain(data))
    own = isinstance(data, (Vertex, np.ndarray, np.generic))
    kind = default() if not own and array.dtype.kind == "f" and array.dtype != np.float16 else array.dtype
    array = array.astype(kind if dtype is None else np.dtype(dtype), copy=False)
    if isinstance(data, Vertex) or mode.fast_path:
        return Tensor(array, requires_grad)
    mode.events.constant(array)
    return Tensor(array, requires_grad)


def from_numpy(ndarray: Any) -> Tensor:
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


def add_methods(methods: Mapping[str, Any]) -> None:
    """Give tensors the methods of the table; where the package has one of that name, the package keeps it."""
    own = vars(mg.Tensor)
    for name, method in methods.items():
        if name not in vars(Tensor):
            ours = own.get(name)
            setattr(Tensor, name, method if ours is None or isinstance(ours, ForeignName) else ByCaller(ours, method))
