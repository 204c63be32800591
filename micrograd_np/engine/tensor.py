"""`Tensor`: an array that records how it was computed, so that derivatives can be taken."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Self
from weakref import ref

import numpy as np

from micrograd_np.core.errors import unmasked
from micrograd_np.core.events import QUIET
from micrograd_np.core.hooks import Hooks, RemovableHandle, changes
from micrograd_np.core.messages import (
    array_from,
    as_dtype,
    does_not_unpack,
    explain_keywords,
    is_inert,
    use_of_result,
    warn_of_unpacking,
    without_inert,
)
from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.spellings import ForeignName, add_foreign_names
from micrograd_np.core.terminal import shown
from micrograd_np.core.vertex import Vertex, grad_of, source, tensor_of
from micrograd_np.core.views import is_view_of, register_view
from micrograd_np.core.writes import clock
from micrograd_np.numpy_api import (
    arrange,
    cumulative,
    diagonal,
    elementary,
    order,
    products,
    protocols,
    statistics,
    torch_names,
)
from micrograd_np.ops import choice, comparison, elementwise, index, linear, reduce, shape, state, transcendental
from micrograd_np.ops.operand import with_axes

from . import backward as walk
from . import in_place, pickling
from .accumulate import Accumulator, accumulate_recorded, clear_grad, deliver_to
from .grad_mode import set_grad_enabled

_default_dtype: np.dtype[Any] = np.dtype(np.float64)
changes.set("default dtype", _default_dtype)


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of Python floats, layers and random draws for which none is given: at first float64.

    Raises TypeError for anything but a floating dtype.

    >>> import micrograd_np as mg
    >>> mg.set_default_dtype("float32")
    >>> mg.zeros(2).dtype
    dtype('float32')
    >>> mg.set_default_dtype("float64")
    """
    global _default_dtype  # noqa: PLW0603  one for the process, as in PyTorch
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"set_default_dtype: needs a floating dtype such as 'float32', found {dtype}.")
    _default_dtype = dtype
    changes.set("default dtype", dtype)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype set by `set_default_dtype`.

    >>> import micrograd_np as mg
    >>> mg.get_default_dtype()
    dtype('float64')
    """
    return _default_dtype


def _method(op: Any) -> Callable[[Tensor], Tensor]:
    """``self.op()``, with the docstring of `op`."""
    call = op.__call__  # bound once: Python calls a method more directly than an object

    def method(self: Tensor) -> Tensor:
        return call(self)

    method.__doc__ = op.kernel.__doc__
    return method


def _reduction(op: Any) -> Callable[..., Tensor]:
    """``self.op(axis, keepdims)``, with the docstring of `op`."""
    call = op.__call__

    def method(self: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        return call(self, axis=axis, keepdims=keepdims)

    method.__doc__ = op.kernel.__doc__
    return method


def _operators(op: Any) -> tuple[Callable[[Tensor, Any], Tensor], Callable[[Tensor, Any], Tensor], Any]:
    """``self ∘ other``, ``other ∘ self`` and ``self ∘= other``, where `op` is ∘."""
    call = op.__call__

    def operator(self: Tensor, other: Any) -> Tensor:
        return call(self, other)

    def reflected(self: Tensor, other: Any) -> Tensor:
        return call(other, self)

    def written(self: Tensor, other: Any) -> Tensor:
        in_place.update(self, op, other)
        return self

    return operator, reflected, written


class Tensor(Vertex):
    """An n-dimensional array of numbers, made of data, never of a shape, that records how it was computed.

    ``Tensor(5)`` is the number 5, of shape (), where PyTorch's ``torch.Tensor(5)`` has five elements: `empty` makes
    those. `data` is anything NumPy takes for an array of numbers; an ndarray is shared, not copied, unless `dtype` asks
    for another type. With `requires_grad`, `backward` on a scalar computed from it puts the derivative into `grad`.
    `name` appears in pictures and errors. `device` may name the one device, "cpu". Raises TypeError for what is not
    numbers, and when a gradient is asked of integers; ValueError for another device.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([2., 4., 6.])
    >>> Tensor(5).shape
    ()
    """

    __slots__ = ()
    __array_ufunc__ = protocols.array_ufunc
    __array_function__ = protocols.array_function
    __torch_function__ = staticmethod(protocols.torch_function)
    __reduce_ex__ = pickling.reduce_ex
    __hash__ = object.__hash__

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None, *, device: Any = None
    ) -> None:
        if device is not None:
            without_inert("Tensor", {"device": device}, ())
        if type(data) is np.ndarray and dtype is None and data.dtype.kind in "fiub":
            array = data
        else:
            array = _as_data(data, dtype)
        self.data = array
        self._grad = self.node = self._notes = self._view = self._views = None
        self._name = name
        self._time = clock()
        self.requires_grad = False
        if requires_grad:
            if not isinstance(requires_grad, (bool, np.bool_)):
                raise TypeError(f"Tensor: requires_grad is {requires_grad!r:.80}; of a shape, write mg.empty(2, 3).")
            self.requires_grad_()
        if unusual:
            mode.events.created(self)

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
        """The number of elements, as in NumPy (PyTorch's ``size()`` is `shape`)."""
        use, argument = use_of_result(1)
        if use == "LOAD_METHOD" or (use == "LOAD_ATTR" and argument & 1 and _ATTRIBUTES_ARE_CALLED):
            raise TypeError("size is a number here, as in NumPy; write t.shape for t.size(), t.shape[0] for t.size(0).")
        return self.data.size

    @property
    def is_leaf(self) -> bool:
        """Whether the user created it; False for a result computed from something that requires a gradient."""
        return self.node is None

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d Tensor: it has no axes; its one element is .item().")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        count = len(self)
        if use_of_result(1) == ("UNPACK_SEQUENCE", 2):
            if count != 2:
                raise does_not_unpack(self._title())
            warn_of_unpacking(1)
        return (self[i] for i in range(count))

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
        return [name for name in super().__dir__() if not isinstance(vars(Tensor).get(name), ForeignName)]

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else repr(self)

    # leaving the graph

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array itself, of this shape, sharing memory. TypeError if a gradient would be lost: first ``detach()``.

        >>> Tensor([1.0, 2.0], requires_grad=True).detach().numpy()
        array([1., 2.])
        """
        if self.requires_grad:
            raise TypeError(
                f"numpy: {self._title()} requires a gradient, and what NumPy computes from it would not carry it. "
                f"Call .detach().numpy() if that is meant."
            )
        self._exported("numpy()")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            raise protocols.as_no_array(self._title())
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError(
                f"DLPack: {self._title()} requires a gradient, and another library would not carry it. "
                f"Export t.detach() if that is meant."
            )
        return protocols.exportable(self.numpy(), copies=options.get("copy")).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def item(self) -> Any:
        """The only element, as a Python number. ValueError if there are more or none.

        >>> Tensor([[0.5]]).item()
        0.5
        """
        if self.size != 1:
            raise ValueError(
                f"item: {self._title()} has {self.size} elements; only one can be a Python number. Use .tolist()."
            )
        self._exported("item()")
        return self.data.item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers.

        >>> Tensor([[1.0, 2.0]]).tolist()
        [[1.0, 2.0]]
        """
        self._exported("tolist()")
        return self.data.tolist()

    def __float__(self) -> float:
        number = float(self.item())
        protocols.warn_lost_gradient(self, "float()")
        return number

    def __int__(self) -> int:
        number = int(self.item())
        protocols.warn_lost_gradient(self, "int()")
        return number

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iu":
            raise TypeError(f"only an integer Tensor can be an index; {self._title()} is {self.dtype}.")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"the truth of {self._title()} is ambiguous; use .any() or .all().")
        self._exported("bool()")
        return bool(self.data)

    def _exported(self, how: str) -> None:
        """Report that a value leaves the graph: a traced program would keep it for ever."""
        if unusual:
            mode.events.exported(self, how)

    def detach(self) -> Tensor:
        """A tensor of this shape and memory without the graph: results computed from it send no gradient back.

        >>> Tensor(3.0, requires_grad=True).detach()
        Tensor(3.)
        """
        z: Tensor = tensor_of(self.data, None, self.result_type)
        z.name = self.name
        register_view(z, self, None, {})
        if unusual:
            mode.events.detached(self, z)
        return z

    # gradients

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether this tensor, of any shape, requires a gradient; returns self. TypeError unless it is floating.

        >>> Tensor([1.0, 2.0]).requires_grad_()
        Tensor([1., 2.], requires_grad=True)
        """
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(
                f"requires_grad: only floating tensors have gradients; {self._title()} is {self.data.dtype}. "
                f"Give floats ([1.0, 2.0]) or dtype=float."
            )
        if not requires_grad and self.node is not None:
            raise RuntimeError(
                f"requires_grad_(False): {self._title()} was computed; use .detach() to get it without the graph."
            )
        self.requires_grad = requires_grad
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this result, of its shape, in `grad`, where later backward passes add theirs.

        RuntimeError where none will arrive.

        >>> x = Tensor(3.0, requires_grad=True)
        >>> y = 2 * x
        >>> y.retain_grad()
        >>> y.square().backward()
        >>> y.grad, x.grad
        (Tensor(12.), Tensor(24.))
        """
        if not self.requires_grad:
            raise RuntimeError(f"retain_grad: {self._title()} does not require a gradient, so none will arrive.")
        if self.node is not None:  # a leaf keeps its gradient anyway
            if grad_of(self) is None:
                self._grad = None
            self.notes = {**(self.notes or {}), "retain_grad": ref(self)}

    def register_hook(self, hook: Callable[[Tensor], Any]) -> RemovableHandle:
        """Call ``hook(gradient)`` when the gradient of this tensor is complete; a result replaces it, unless None.

        Both are tensors of this shape. The handle removes the hook: ``handle.remove()``, or ``with handle:``.
        RuntimeError where none will arrive.

        >>> x = Tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: 10 * g)
        >>> x.sum().backward()
        >>> x.grad
        Tensor([10., 10.])
        """
        if not self.requires_grad:
            raise RuntimeError(f"register_hook: {self._title()} does not require a gradient, so none will arrive.")
        notes = self.notes = self.notes or {}
        return notes.setdefault("hooks", Hooks()).add(hook)

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add the derivative of this tensor to `grad` of every leaf it was computed from, or of `inputs` only.

        Without `gradient` it must have one element; otherwise `gradient`, of this shape, is the derivative of some
        scalar by it. The graph is freed on the way unless `retain_graph`; with `create_graph` the gradients are
        themselves recorded, and can be differentiated. RuntimeError when there is no graph, or it has been freed.

        >>> w = Tensor(3.0, requires_grad=True)
        >>> (w ** 2).backward()
        >>> w.grad
        Tensor(6.)
        """
        if not self.requires_grad:
            raise RuntimeError(
                f"backward: {self._title()} depends on nothing that requires a gradient. Make a leaf with "
                f"requires_grad=True, and compute outside no_grad(), without .data, .numpy() or .detach() on the way."
            )
        seed = self._seed(gradient)
        retain = create_graph if retain_graph is None else retain_graph
        by_source = None
        if inputs is not None:
            by_source = {source(t): t for t in ([inputs] if isinstance(inputs, Tensor) else inputs)}
            for t in by_source.values():
                t._grad = grad_of(t)  # so that a result has a gradient to add to
        targets = None if by_source is None else frozenset(by_source)
        events = mode.events if unusual else QUIET
        if events is not QUIET:
            if gradient is not None and events.on_tensors and not isinstance(seed, Tensor):
                seed = Tensor(seed)  # which differs between calls, unlike ones
            with set_grad_enabled(create_graph):
                if events.backward(self, seed, partial(deliver_to, by_source), retain=retain, targets=targets):
                    return
        if create_graph:
            seed = seed if isinstance(seed, Tensor) else Tensor(seed)
            with set_grad_enabled(create_graph):
                walk.pull(
                    self, seed, deliver_to(by_source, accumulate_recorded), retain=retain, lifted=True, targets=targets
                )
        else:
            seed = seed.data if isinstance(seed, Tensor) else seed
            walk.pull(self, seed, deliver_to(by_source, Accumulator(seed)), retain=retain, targets=targets)

    def _seed(self, gradient: Any, caller: str = "backward") -> Any:
        if gradient is None:
            if self.data.size != 1:
                remedy = "call .mean().backward() or .sum().backward()"
                remedy = remedy if caller == "backward" else "take its .mean() or .sum()"
                raise RuntimeError(
                    f"{caller}: {self.name or 'the tensor'} has shape {self.shape}, and a gradient starts from a "
                    f"scalar; {remedy}, or pass a gradient of that shape."
                )
            return np.ones(self.data.shape, self.data.dtype) if self.data.ndim else np.array(1, self.data.dtype)
        seed = gradient if isinstance(gradient, Tensor) else np.asarray(gradient, dtype=self.data.dtype)
        if seed.shape != self.shape:
            raise ValueError(f"{caller}: gradient is {seed.shape} and {self._title()}; they must be equal.")
        return seed

    def zero_grad(self) -> None:
        """Set `grad` to None, whatever its shape.

        >>> w = Tensor([1.0, 2.0], requires_grad=True)
        >>> w.zero_grad()
        """
        clear_grad(self)

    def _title(self) -> str:
        what = f"{self.name or 'the tensor'} of shape {self.shape}" if self.ndim else self.name or "the 0-d tensor"
        return f"{what} (made at {self.notes['made']})" if self.notes and "made" in self.notes else what

    # operators

    __add__, __radd__, __iadd__ = _operators(elementwise.add)
    __sub__, __rsub__, __isub__ = _operators(elementwise.subtract)
    __mul__, __rmul__, __imul__ = _operators(elementwise.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators(elementwise.divide)
    __mod__, __rmod__, __imod__ = _operators(elementary.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators(elementary.floor_divide)
    __matmul__, __rmatmul__, __imatmul__ = _operators(linear.matmul)
    __and__, __rand__, __iand__ = _operators(comparison.bitwise_and)
    __or__, __ror__, __ior__ = _operators(comparison.bitwise_or)
    __xor__, __rxor__, __ixor__ = _operators(comparison.bitwise_xor)
    __lt__, __gt__ = _operators(comparison.less)[0], _operators(comparison.greater)[0]
    __le__, __ge__ = _operators(comparison.less_equal)[0], _operators(comparison.greater_equal)[0]
    __neg__, __pos__ = _method(elementwise.negative), _method(state.copy)
    __abs__, __invert__ = _method(elementwise.absolute), _method(comparison.invert)

    def __pow__(self, exponent: Any) -> Tensor:
        shortcut = _powers.get(exponent) if type(exponent) in (int, float) else None
        if shortcut is not None and self.data.dtype.kind == "f":
            return shortcut(self)
        return transcendental.power(self, exponent)

    __rpow__, __ipow__ = _operators(transcendental.power)[1:]

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return comparison.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return comparison.not_equal(self, other) if _comparable(other) else NotImplemented

    def __round__(self, ndigits: int | None = None) -> Tensor:
        return elementary.round(self, decimals=ndigits or 0)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return elementary.floor_divide(self, other), elementary.remainder(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return elementary.floor_divide(other, self), elementary.remainder(other, self)

    def __getitem__(self, key: Any) -> Tensor:
        return index.getitem(self, key)

    # writing in place

    def __setitem__(self, key: Any, value: Any) -> None:
        static, arrays = index.split(key)
        if not is_view_of(value, self, index.view, {"index": static}):  # t[key] *= 2 has written it already
            in_place.update(self, index.replace, value, *arrays, index=static)

    def copy_(self, other: Any) -> Self:
        """Write the values of `other`, which broadcasts to this shape, into this memory; returns self.

        ValueError where it does not broadcast.

        >>> Tensor([1.0, 2.0]).copy_(5.0)
        Tensor([5., 5.])
        """
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

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes exchanged: ``(…, n, m) -> (…, m, n)``. ValueError for fewer than two."""
        return arrange.swapaxes(with_axes(self, 2), -1, -2)

    sum, mean = _reduction(reduce.sum), _reduction(reduce.mean)
    max, min = _reduction(reduce.max), _reduction(reduce.min)
    argmax, argmin = _reduction(order.argmax), _reduction(order.argmin)
    any, all = _reduction(order.any), _reduction(order.all)
    prod = _reduction(cumulative.prod)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Variance along `axis`, divided by n as in NumPy: PyTorch's ``var()`` is ``var(ddof=1)`` here.

        The divisor is n − `ddof`. Without `axis`, of all elements. nan where n ≤ `ddof`.

        >>> Tensor([1.0, 3.0]).var(), Tensor([1.0, 3.0]).var(ddof=1)
        (Tensor(1.), Tensor(2.))
        """
        return statistics.var(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Standard deviation along `axis`, divided by n as in NumPy: PyTorch's ``std()`` is ``std(ddof=1)`` here.

        The divisor is n − `ddof`. Without `axis`, of all elements. nan where n ≤ `ddof`.

        >>> Tensor([1.0, 3.0]).std(), Tensor([0.0, 0.0, 3.0]).std(ddof=1)
        (Tensor(1.), Tensor(1.73205081))
        """
        return statistics.std(self, axis=axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Running sum along `axis`, of all elements in order when it is None."""
        return cumulative.cumsum(self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Running product along `axis`, of all elements in order when it is None."""
        return cumulative.cumprod(self, axis=axis)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Each element, limited to the bounds."""
        return choice.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Each element at the nearest multiple of 10^−decimals; the gradient is 0."""
        return elementary.round(self, decimals=decimals)

    def reshape(self, *lengths: Any) -> Tensor:
        """The same elements in another shape, given as one tuple or as lengths."""
        return shape.reshape(self, shape=lengths[0] if len(lengths) == 1 else lengths)

    def ravel(self) -> Tensor:
        """The elements along one axis."""
        return shape.reshape(self, shape=(-1,))

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in the order given, as one tuple or as numbers; reversed when none are given, as in NumPy.

        PyTorch's ``transpose(1, 2)``, which exchanges two, is ``swapaxes(1, 2)`` here; ``transpose(0, 1)`` and
        ``transpose(-2, -1)`` leave a matrix as it is, with a UserWarning.

        >>> Tensor(np.ones((2, 3, 4))).transpose(0, 2, 1).shape
        (2, 4, 3)
        """
        if not axes or axes == (None,):
            return shape.transpose(self)
        if len(axes) == 2 == self.data.ndim and axes[0] in (0, -2) and axes[1] in (1, -1):
            message = f"transpose{axes} leaves a matrix as it is, as in NumPy. To exchange its axes, write t.T."
            warnings.warn(message, UserWarning, stacklevel=2)
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

    def repeat(self, repeats: Any, axis: int | None = None, *lengths: int) -> Tensor:
        """Every element `repeats` times in a row, as in NumPy: PyTorch's ``t.repeat(2, 3)`` is ``mg.tile(t, (2, 3))``.

        With `axis`, every slice along it; without, all elements in order, along one axis. ValueError where `repeats` is
        negative, TypeError for more than two numbers, as PyTorch takes them.

        >>> Tensor([1.0, 2.0]).repeat(2)
        Tensor([1., 1., 2., 2.])
        """
        if lengths:
            raise TypeError(
                "repeat: takes repeats and axis, as in NumPy, and repeats each element; for PyTorch's "
                "t.repeat(2, 3, 4), write mg.tile(t, (2, 3, 4))."
            )
        return arrange.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """The elements, or the slices along `axis`, that integers name."""
        return order.take(self, indices, axis)

    def argsort(self, axis: int | None = -1, descending: bool = False) -> Tensor:
        """The positions that sort along `axis`, the largest first if `descending`: ``(…) -> (…)``.

        >>> Tensor([2.0, 3.0, 1.0]).argsort(descending=True)
        Tensor([1, 0, 2])
        """
        return order.argsort(self, axis=axis, descending=descending)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The diagonal of the matrices of two axes, as a new last axis."""
        return diagonal.diagonal(self, offset=offset, axis1=axis1, axis2=axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The sum along a diagonal."""
        return diagonal.trace(self, offset, axis1, axis2)

    def dot(self, other: Any) -> Tensor:
        """NumPy's dot with `other`."""
        return products.dot(self, other)

    def to(self, dtype: Any = None, device: Any = None) -> Tensor:
        """This tensor itself, on the one device, or `astype` of `dtype`, as in PyTorch and ``Module.to``.

        The shape stays. "cpu", as either argument, changes nothing, nor does the present dtype. TypeError for another
        device.

        >>> t = Tensor([1.0])
        >>> t.to("cpu") is t, t.to("float32").dtype
        (True, dtype('float32'))
        """
        dtypes = [self.dtype, *(x for x in (dtype, device) if not is_inert(x))]
        try:
            target = np.dtype(dtypes[-1])
        except TypeError:
            raise TypeError(f"to: {dtypes[-1]!r:.80} is no dtype, and there is one device; leave it out.") from None
        return self if target == self.dtype else self.astype(target)

    def cpu(self) -> Self:
        """This tensor itself, shape and dtype unchanged: there is one device.

        >>> Tensor([1.0]).cpu()
        Tensor([1.])
        """
        return self

    def astype(self, dtype: Any) -> Tensor:
        """The same values and shape in another dtype; gradients have the present one. Integers and booleans have none.

        >>> Tensor([1.5, 2.5]).astype(int)
        Tensor([1, 2])
        """
        return state.astype(self, dtype=as_dtype(dtype))

    if TYPE_CHECKING:
        absolute = add = arccos = arccosh = arcsin = arcsinh = arctan = arctan2 = arctanh = torch_names.expand
        bitwise_and = bitwise_or = bitwise_xor = broadcast_to = ceil = chunk = clamp = cos = cosh = torch_names.expand
        diag = diff = divide = dsplit = erf = exp2 = expand = expm1 = fliplr = flipud = floor = torch_names.expand
        floor_divide = fmod = greater = greater_equal = hsplit = hypot = inner = isfinite = isinf = torch_names.expand
        isnan = kron = less = less_equal = log10 = log1p = log2 = log_softmax = logaddexp = torch_names.expand
        logical_and = logical_not = logical_or = logical_xor = logsumexp = masked_fill = matmul = torch_names.expand
        maximum = minimum = moveaxis = multiply = nan_to_num = nanmean = nansum = negative = norm = torch_names.expand
        not_equal = outer = permute = quantile = reciprocal = remainder = roll = rot90 = sign = torch_names.expand
        sin = sinh = softmax = subtract = tan = topk = tril = triu = trunc = unsqueeze = vsplit = torch_names.expand
        gather = index_add = index_select = scatter = scatter_add = xlogy = torch_names.expand
        numel = torch_names.numel

    clone = _method(state.copy)
    copy = _method(state.copy)
    exp = _method(transcendental.exp)
    log = _method(transcendental.log)
    sqrt = _method(transcendental.sqrt)
    square = _method(elementwise.square)
    abs = _method(elementwise.absolute)
    sigmoid = _method(transcendental.sigmoid)
    tanh = _method(transcendental.tanh)
    relu = _method(choice.relu)


Vertex.result_type = Tensor
add_foreign_names(Tensor)

_ATTRIBUTES_ARE_CALLED = sys.version_info >= (3, 12)  # a bit of the argument says so; before, LOAD_METHOD does

_powers: dict[float, Any] = {2: elementwise.square, 0.5: transcendental.sqrt, -1: elementwise.reciprocal, 1: state.copy}


for _name, _function in list(vars(Tensor).items()):
    if isinstance(_function, FunctionType) and _function.__module__ == __name__:
        _function.__name__, _function.__qualname__ = _name, f"Tensor.{_name}"
        setattr(Tensor, _name, explain_keywords(_function))


def _comparable(x: object) -> bool:
    """Whether `x` is compared elementwise: a number, an array or a sequence. Any other object equals no tensor."""
    kind = type(x)
    return (
        kind in _COMPARABLE
        or isinstance(x, (Vertex, list, tuple, range, memoryview))
        or any(hasattr(kind, s) for s in _NUMERIC)
    )


_COMPARABLE = frozenset((int, float, bool, np.ndarray))
_NUMERIC = ("__float__", "__complex__", "__array__", "__array_interface__", "__primitive__")


def _as_data(data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """`data` as an array of numbers in the default dtype, if it has none; TypeError for anything else."""
    if isinstance(data, Tensor):
        data = data.numpy() if data.requires_grad else data.data  # the same memory: no value leaves for Python
    array = array_from(unmasked(data, "Tensor"), dtype)
    if dtype is None and array.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
        array = array.astype(_default_dtype, copy=False)  # Python floats have no dtype of their own
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"Tensor: needs real numbers or booleans; found {type(data).__name__} giving dtype {array.dtype}: "
            f"{data!r:.80}.{' Does a function end without return?' if data is None else ''}"
        )
    return array
