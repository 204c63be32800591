"""`Tensor`: an array that remembers how it was made, so that derivatives can be taken."""

from __future__ import annotations

import dis
import sys
import warnings
from functools import partial
from types import FrameType, FunctionType
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.hooks import Hooks, RemovableHandle
from micrograd_np.core.messages import answering
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import _new, unmasked
from micrograd_np.core.spellings import Elsewhere, point_out
from micrograd_np.core.terminal import shown
from micrograd_np.core.vertex import Vertex, grad_of, source
from micrograd_np.core.views import is_part, look
from micrograd_np.core.writes import clock
from micrograd_np.numpy_api import (
    arrange,
    cumulative,
    diagonal,
    order,
    products,
    protocols,
    remainder,
    rounding,
    searching,
    statistics,
    take,
)
from micrograd_np.ops import (
    choice,
    comparison,
    elementwise,
    index,
    linear,
    reduce,
    shape,
    state,
    transcendental,
)

from . import backward as walk
from . import in_place, pickling
from .grad_mode import set_grad_enabled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_default_dtype: np.dtype[Any] = np.dtype(np.float64)


def set_default_dtype(dtype: Any) -> None:
    """The dtype that Python floats, layers and random draws get when none is asked for: float64 unless set.

    Raises TypeError for anything but a floating dtype.
    """
    global _default_dtype  # noqa: PLW0603  one for the process, as in PyTorch
    found = np.dtype(dtype)
    if found.kind != "f":
        message = f"set_default_dtype: needs a floating dtype such as 'float32', found {found}."
        raise TypeError(message)
    _default_dtype = found


def get_default_dtype() -> np.dtype[Any]:
    """The dtype set by `set_default_dtype`."""
    return _default_dtype


class Tensor(Vertex):
    """An n-dimensional array of numbers that records what is computed from it.

    `data` is anything NumPy takes for an array of numbers; an ndarray is shared, not copied, unless `dtype` asks for
    another type. With `requires_grad`, `backward` on a scalar computed from it puts the derivative into `grad`. `name`
    appears in pictures and errors. Raises TypeError for what is not numbers, and when a gradient is asked of integers.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4., 6.])
    """

    __slots__ = ()
    __array_ufunc__ = protocols.array_ufunc
    __array_function__ = protocols.array_function
    __reduce_ex__ = pickling.reduce_ex
    __deepcopy__ = pickling.deep_copy
    __hash__ = object.__hash__

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> None:
        if type(data) is np.ndarray and dtype is None and data.dtype.kind in "fiub":
            array = data
        else:
            array = _as_data(data, dtype)
        self.data = array
        self._grad = self.node = self._notes = None
        self._name = name
        self._born = clock()
        self.requires_grad = False
        if requires_grad:
            self.requires_grad_()
        mode.events.born(self)

    # what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, not computed from something that requires a gradient."""
        return self.node is None

    def __len__(self) -> int:
        if not self.ndim:
            message = "len() of a 0-d Tensor: it has no axes; its one element is .item()."
            raise TypeError(message)
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", prefix="Tensor(")
        notes = []
        if self.data.dtype not in (np.float64, np.int64, np.bool_):
            notes.append(f"dtype={self.data.dtype}")
        if self.name is not None:
            notes.append(f"name={self.name!r}")
        if self.node is not None:
            notes.append(f"op={self.node.op.name}")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        return shown(f"Tensor({', '.join((text, *notes))})")

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not isinstance(vars(Tensor).get(name), Elsewhere)]

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else repr(self)

    # leaving the graph

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array itself, sharing memory. TypeError if a gradient would be lost: say ``.detach().numpy()``."""
        if self.requires_grad:
            message = (
                f"numpy: {self._told()} requires a gradient, and what NumPy computes from it would not carry it. "
                f"Call .detach().numpy() if that is meant."
            )
            raise TypeError(message)
        self._asked("numpy()")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            message = (
                f"{self._told()} requires a gradient, which an array does not carry: write a @ t instead of a.dot(t), "
                f"mg.stack([t, u]) to make one of several, or t.detach().numpy() if no gradient is wanted."
            )
            raise TypeError(message)
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **asked: Any) -> Any:
        if self.requires_grad:
            message = (
                f"DLPack: {self._told()} requires a gradient, and another library would not carry it. "
                f"Export t.detach() if that is meant."
            )
            raise BufferError(message)
        return _exportable(self.numpy(), copies=asked.get("copy")).__dlpack__(**asked)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def item(self) -> Any:
        """The only element, as a Python number. ValueError if there are more or none."""
        if self.size != 1:
            message = f"item: {self._told()} has {self.size} elements; only one can be a Python number. Use .tolist()."
            raise ValueError(message)
        self._asked("item()")
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        self._asked("tolist()")
        return self.data.tolist()

    def __float__(self) -> float:
        number = float(self.item())
        self._leaves("float()")
        return number

    def __int__(self) -> int:
        number = int(self.item())
        self._leaves("int()")
        return number

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iu":
            message = f"only an integer Tensor can be an index; {self._told()} is {self.dtype}."
            raise TypeError(message)
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            message = f"the truth of {self._told()} is ambiguous; use .any() or .all()."
            raise ValueError(message)
        self._asked("bool()")
        return bool(self.data)

    def _leaves(self, what: str) -> None:
        """Warn where a value becomes a number of Python's (or an element of an array), and its gradient is lost."""
        if self.requires_grad and mode.recording and not _formats(sys._getframe(2)):
            message = (
                f"{what} of a tensor that requires a gradient: what is computed from the number carries no gradient. "
                f"Say .item() if that is meant; else use functions of micrograd_np, and mg.stack for a list of tensors."
            )
            warnings.warn(message, UserWarning, stacklevel=3)

    def _asked(self, what: str) -> None:
        """While a step is traced, a value that leaves the graph would be frozen into the program."""
        if not mode.fast_path:
            mode.events.asked(self, what)

    def detach(self) -> Tensor:
        """The same memory without the graph: nothing computed from it sends a gradient back."""
        z = _wrap(self.data)
        z.name = self.name
        look(z, self, None, {})
        mode.events.detached(self, z)
        return z

    # gradients

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for a gradient here, or no longer; returns self. TypeError unless the dtype is floating."""
        if requires_grad and self.data.dtype.kind != "f":
            message = (
                f"requires_grad: only floating tensors have gradients; {self._told()} is {self.data.dtype}. "
                f"Give floats ([1.0, 2.0]) or dtype=float."
            )
            raise TypeError(message)
        if not requires_grad and self.node is not None:
            message = f"requires_grad_(False): {self._told()} was computed; use .detach() to get it without the graph."
            raise RuntimeError(message)
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep `grad` here in the next backward pass, although this is not a leaf."""
        if not self.requires_grad:
            message = f"retain_grad: {self._told()} does not require a gradient, so none will arrive."
            raise RuntimeError(message)
        if self.node is not None:  # a leaf keeps its gradient anyway
            if grad_of(self) is None:
                self._grad = None
            self.notes = {**(self.notes or {}), "retain_grad": ref(self)}

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call ``hook(gradient)`` when this has its gradient; what the hook returns, unless None, replaces that.

        The handle returned removes it: ``handle.remove()``, or ``with handle:``. RuntimeError where none will arrive.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: 10 * g)
        >>> x.sum().backward()
        >>> x.grad
        Tensor([10., 10.])
        """
        if not self.requires_grad:
            message = f"register_hook: {self._told()} does not require a gradient, so none will arrive."
            raise RuntimeError(message)
        notes = self.notes = self.notes or {}
        return notes.setdefault("hooks", Hooks()).add(hook)

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the derivative of this to `grad` of every leaf it was computed from, or only of the tensors in `inputs`.

        Without `gradient` this must have one element; otherwise `gradient`, of this shape, is the derivative of some
        scalar by this. The record is given up on the way unless `retain_graph`; with `create_graph` the gradients are
        themselves recorded, and can be differentiated. RuntimeError when there is nothing to walk, or not any more.

        >>> w = Tensor(3.0, requires_grad=True)
        >>> (w ** 2).backward()
        >>> w.grad
        Tensor(6.)
        """
        if not self.requires_grad:
            message = (
                f"backward: {self._told()} depends on nothing that requires a gradient. Make a leaf with "
                f"requires_grad=True, and compute outside no_grad()."
            )
            raise RuntimeError(message)
        seed = self._seed(gradient)
        retain = create_graph if retain_graph is None else retain_graph
        wanted = None
        if inputs is not None:
            wanted = {source(t): t for t in ([inputs] if isinstance(inputs, Tensor) else inputs)}
            for t in wanted.values():
                t._grad = grad_of(t)  # a result has none yet to which another could be added
        targets = None if wanted is None else frozenset(wanted)
        events = mode.events
        if events is not QUIET:
            if gradient is not None and events.on_tensors and not isinstance(seed, Tensor):
                seed = Tensor(seed)  # another one in each call, as ones are not
            with set_grad_enabled(create_graph):
                if events.backward(self, seed, partial(_to, wanted), retain=retain, targets=targets):
                    return
        if create_graph:
            seed = seed if isinstance(seed, Tensor) else Tensor(seed)
            with set_grad_enabled(create_graph):
                walk.pull(self, seed, _to(wanted, _deliver_lifted), retain=retain, lifted=True, targets=targets)
        else:
            seed = seed.data if isinstance(seed, Tensor) else seed
            walk.pull(self, seed, _to(wanted, Delivery(seed)), retain=retain, targets=targets)

    def _seed(self, gradient: Any) -> Any:
        if gradient is None:
            if self.data.size != 1:
                message = (
                    f"backward: {self.name or 'the tensor'} has shape {self.shape}, and a gradient starts from a "
                    f"scalar; call .mean().backward() or .sum().backward(), or pass a gradient of that shape."
                )
                raise RuntimeError(message)
            return np.ones(self.data.shape, self.data.dtype) if self.data.ndim else np.array(1, self.data.dtype)
        seed = gradient if isinstance(gradient, Tensor) else np.asarray(gradient, dtype=self.data.dtype)
        if seed.shape != self.shape:
            message = f"backward: gradient is {seed.shape} and {self._told()}; they must be equal."
            raise ValueError(message)
        return seed

    def zero_grad(self) -> None:
        """Forget `grad`."""
        clear_grad(self)

    def _told(self) -> str:
        what = f"{self.name or 'the tensor'} of shape {self.shape}" if self.ndim else self.name or "the 0-d tensor"
        return f"{what} (made at {self.notes['made']})" if self.notes and "made" in self.notes else what

    # operators

    def __add__(self, other: Any) -> Tensor:
        return elementwise.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return elementwise.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return elementwise.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return elementwise.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return elementwise.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return elementwise.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return elementwise.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return elementwise.divide(other, self)

    def __neg__(self) -> Tensor:
        return elementwise.negative(self)

    def __pos__(self) -> Tensor:
        return state.copy(self)

    def __abs__(self) -> Tensor:
        return elementwise.absolute(self)

    def __mod__(self, other: Any) -> Tensor:
        return remainder.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return remainder.remainder(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return remainder.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return remainder.floor_divide(other, self)

    def __pow__(self, exponent: Any) -> Tensor:
        shortcut = _powers.get(exponent) if type(exponent) in (int, float) else None
        if shortcut is not None and self.data.dtype.kind == "f":
            return shortcut(self)
        return transcendental.power(self, exponent)

    def __rpow__(self, base: Any) -> Tensor:
        return transcendental.power(base, self)

    def __matmul__(self, other: Any) -> Tensor:
        return linear.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return linear.matmul(other, self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return comparison.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return comparison.not_equal(self, other) if _comparable(other) else NotImplemented

    def __round__(self, ndigits: int | None = None) -> Tensor:
        return rounding.round(self, decimals=ndigits or 0)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return remainder.floor_divide(self, other), remainder.remainder(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return remainder.floor_divide(other, self), remainder.remainder(other, self)

    def __lt__(self, other: Any) -> Tensor:
        return comparison.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return comparison.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return comparison.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return comparison.greater_equal(self, other)

    def __and__(self, other: Any) -> Tensor:
        return comparison.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return comparison.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return comparison.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return comparison.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return comparison.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return comparison.bitwise_xor(other, self)

    def __invert__(self) -> Tensor:
        return comparison.invert(self)

    def __getitem__(self, key: Any) -> Tensor:
        return index.getitem(self, key)

    # writing in place

    def __iadd__(self, other: Any) -> Self:
        in_place.update(self, elementwise.add, other)
        return self

    def __isub__(self, other: Any) -> Self:
        in_place.update(self, elementwise.subtract, other)
        return self

    def __imul__(self, other: Any) -> Self:
        in_place.update(self, elementwise.multiply, other)
        return self

    def __itruediv__(self, other: Any) -> Self:
        in_place.update(self, elementwise.divide, other)
        return self

    def __imod__(self, other: Any) -> Self:
        in_place.update(self, remainder.remainder, other)
        return self

    def __ifloordiv__(self, other: Any) -> Self:
        in_place.update(self, remainder.floor_divide, other)
        return self

    def __ipow__(self, other: Any) -> Self:
        in_place.update(self, transcendental.power, other)
        return self

    def __imatmul__(self, other: Any) -> Self:
        in_place.update(self, linear.matmul, other)
        return self

    def __iand__(self, other: Any) -> Self:
        in_place.update(self, comparison.bitwise_and, other)
        return self

    def __ior__(self, other: Any) -> Self:
        in_place.update(self, comparison.bitwise_or, other)
        return self

    def __ixor__(self, other: Any) -> Self:
        in_place.update(self, comparison.bitwise_xor, other)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        static, arrays = index.split(key)
        if not is_part(value, self, index.view, {"index": static}):  # as after t[key] *= 2, which has written it
            in_place.update(self, index.replace, value, *arrays, index=static)

    def copy_(self, other: Any) -> Self:
        """Write the values of `other`, which broadcasts, into this memory; returns self."""
        if in_place.in_graph(self, other):
            in_place.update(self, index.replace, other, index=...)
        else:
            state.copy.write(self, other)
        return self

    # methods: NumPy's names

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The axes reversed."""
        return shape.transpose(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Sum along `axis`."""
        return reduce.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Arithmetic mean along `axis`."""
        return reduce.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Largest element along `axis`."""
        return reduce.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Smallest element along `axis`."""
        return reduce.min(self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Product along `axis`."""
        return cumulative.prod(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance along `axis`, with n − `ddof` as divisor."""
        return statistics.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation along `axis`, with n − `ddof` as divisor."""
        return statistics.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Running sum along `axis`, of all elements in one line when it is None."""
        return cumulative.cumsum(self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Running product along `axis`, of all elements in one line when it is None."""
        return cumulative.cumprod(self, axis=axis)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Index of the largest element along `axis`; without gradient."""
        return searching.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Index of the smallest element along `axis`; without gradient."""
        return searching.argmin(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Whether any element along `axis` holds."""
        return searching.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Whether all elements along `axis` hold."""
        return searching.all(self, axis=axis, keepdims=keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Each element, or the bound it lies beyond."""
        return choice.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Each element at the nearest multiple of 10^−decimals; the gradient is 0."""
        return rounding.round(self, decimals=decimals)

    def reshape(self, *lengths: Any) -> Tensor:
        """The same elements in another shape, given as one tuple or as lengths."""
        return shape.reshape(self, shape=lengths[0] if len(lengths) == 1 else lengths)

    def ravel(self) -> Tensor:
        """The elements along one axis."""
        return shape.reshape(self, shape=(-1,))

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in the order given, as one tuple or as numbers; reversed when none are given."""
        if not axes or axes == (None,):
            return shape.transpose(self)
        return shape.transpose(self, axes=tuple(axes[0]) if len(axes) == 1 else axes)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """The axes from `start_dim` to `end_dim` as one; all of them by default."""
        return arrange.flatten(self, start_dim, end_dim)

    def squeeze(self, axis: Any = None) -> Tensor:
        """Without its axes of length one, or without those named."""
        return arrange.squeeze(self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged."""
        return arrange.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Every element, or slice along `axis`, `repeats` times in a row."""
        return arrange.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """The elements, or the slices along `axis`, that integers name."""
        return take.take(self, indices, axis)

    def argsort(self, axis: int | None = -1) -> Tensor:
        """The positions that sort along `axis`."""
        return order.argsort(self, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The diagonal of the matrices of two axes, as a new last axis."""
        return diagonal.diagonal(self, offset=offset, axis1=axis1, axis2=axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The sum along a diagonal."""
        return diagonal.trace(self, offset, axis1, axis2)

    def dot(self, other: Any) -> Tensor:
        """NumPy's dot with `other`."""
        return products.dot(self, other)

    def astype(self, dtype: Any) -> Tensor:
        """The same values in another dtype; gradients return in this one. Integers and booleans have none."""
        return state.astype(self, dtype=np.dtype(dtype))

    def clone(self) -> Tensor:
        """A copy in fresh memory that passes gradients on."""
        return state.copy(self)

    def copy(self) -> Tensor:
        """NumPy's name for `clone`."""
        return state.copy(self)

    def exp(self) -> Tensor:
        """Elementwise e to the power of this."""
        return transcendental.exp(self)

    def log(self) -> Tensor:
        """Elementwise natural logarithm."""
        return transcendental.log(self)

    def sqrt(self) -> Tensor:
        """Elementwise square root."""
        return transcendental.sqrt(self)

    def square(self) -> Tensor:
        """Elementwise square."""
        return elementwise.square(self)

    def abs(self) -> Tensor:
        """Elementwise absolute value."""
        return elementwise.absolute(self)

    def sigmoid(self) -> Tensor:
        """Elementwise logistic function."""
        return transcendental.sigmoid(self)

    def tanh(self) -> Tensor:
        """Elementwise hyperbolic tangent."""
        return transcendental.tanh(self)

    def relu(self) -> Tensor:
        """Elementwise max(x, 0)."""
        return choice.relu(self)


Vertex.result_type = Tensor
point_out(Tensor)

_powers: dict[float, Any] = {2: elementwise.square, 0.5: transcendental.sqrt, -1: elementwise.reciprocal, 1: state.copy}


for _name, _method in list(vars(Tensor).items()):
    if isinstance(_method, FunctionType) and {"axis", "keepdims", "ddof"} & {*_method.__code__.co_varnames}:
        setattr(Tensor, _name, answering(_method))  # what PyTorch calls otherwise


def _formats(frame: FrameType) -> bool:
    """Whether ``text % tensor`` is what `frame` is at: an operator never asks a number of a tensor, but to print it."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "BINARY_OP"


def _comparable(x: object) -> bool:
    """Whether elements may equal `x`: a number, an array or a sequence; a string or any other object equals none."""
    kind = type(x)
    return (
        kind in _COMPARABLE
        or isinstance(x, (Vertex, list, tuple, range, memoryview))
        or any(hasattr(kind, s) for s in _NUMERIC)
    )


_COMPARABLE = frozenset((int, float, bool, np.ndarray))
_NUMERIC = ("__float__", "__complex__", "__array__", "__array_interface__", "__primitive__")


def from_dlpack(x: Any) -> Tensor:
    """A tensor that shares memory with `x`, an array of another library on the CPU (anything with ``__dlpack__``).

    >>> t = from_dlpack(np.arange(3.0))
    >>> t
    Tensor([0., 1., 2.])
    """
    return Tensor(np.from_dlpack(x))


def _exportable(array: np.ndarray[Any, Any], *, copies: bool | None) -> np.ndarray[Any, Any]:
    """`array`, or a copy of it that any consumer of DLPack can take: in C order, aligned, writable, native bytes.

    Consumers differ in the strides that they survive, and some write into what they were given to read.
    BufferError where a copy is needed and ``copies`` is False.
    """
    plain = np.require(array, array.dtype.newbyteorder("="), requirements=("C", "A", "W"))
    if copies is False and not np.may_share_memory(plain, array) and array.size:
        message = (
            f"DLPack: copy=False, and this {array.shape} array is not one that every library can share (C order, "
            f"aligned, writable, native byte order). Leave copy out, or export a copy: np.ascontiguousarray(t.numpy())."
        )
        raise BufferError(message)
    return plain.ravel().reshape(plain.shape)  # axes of length 1 and 0 keep odd strides, unless they are made anew


def _as_data(data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    if isinstance(data, Tensor):
        data = data.numpy() if data.requires_grad else data.data  # the same memory: no value leaves for Python
    array = np.asarray(unmasked(data, "Tensor"), dtype=dtype)
    if dtype is None and array.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
        array = array.astype(_default_dtype, copy=False)  # Python floats have no dtype of their own
    if array.dtype.kind not in "fiub":
        message = (
            f"Tensor: needs real numbers or booleans; found {type(data).__name__} giving dtype {array.dtype}: "
            f"{data!r:.80}."
        )
        raise TypeError(message)
    return array


def _wrap(array: Any) -> Tensor:
    """A leaf around an array that is known to be one."""
    z = _new(Tensor)
    z.data = array
    z._grad = z.node = z._name = z._notes = None
    z.requires_grad = False
    return z


def clear_grad(t: Tensor, set_to_none: bool = True) -> None:
    """Forget the gradient of `t`, or fill it with zeros."""
    if set_to_none or grad_of(t) is None:
        t._grad = None
        if set_to_none:
            mode.events.cleared(t)
    elif not mode.events.zeroed(t):
        t._grad = _wrap(np.zeros_like(t.data))


class Delivery:
    """Adds what arrives at a leaf to its `grad`, in memory that belongs to nobody else."""

    __slots__ = ("taken",)

    def __init__(self, seed: Any) -> None:
        self.taken = {id(seed): seed}  # the memory that somebody has already

    def __call__(self, leaf: Any, g: Any) -> None:
        """Add `g` to what `leaf` has, or make it a copy if somebody else holds it."""
        if leaf._grad is not None:
            g = leaf._grad.data + g
        elif type(g) is np.ndarray:
            base = g if g.base is None else g.base
            if id(base) in self.taken or (base is not g and base.size != g.size) or not g.flags.writeable:
                g = base = g.copy(order="K")
            self.taken[id(base)] = base
        if type(g) is not np.ndarray:
            g = np.asarray(g)  # NumPy's arithmetic makes scalars of 0-d arrays
        leaf._grad = _wrap(g)


def _to(wanted: Mapping[Any, Tensor] | None, deliver: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """`deliver` to the tensors that were asked for by the sources at which their gradients arrive.

    Those that retain their gradient have it already when it arrives.
    """
    if wanted is None:
        return deliver
    retained = {x for x, t in wanted.items() if x is not t and _is_retained(t)}
    return lambda x, g: None if x in retained else deliver(wanted[x], g)


def _is_retained(t: Tensor) -> bool:
    """Whether `retain_grad` was called for `t`, and not for what it was before."""
    return "retain_grad" in (t.notes or {}) and t.notes["retain_grad"]() is t  # type: ignore[index]


def _deliver_lifted(leaf: Any, g: Any) -> None:
    """Add `g` to what `leaf` has, or make it a copy: rules may have recorded it, and others have it too."""
    leaf._grad = state.copy(g) if leaf._grad is None else leaf._grad + g
