"""`Vertex`, a value in the graph, and `Node`, how a value was made.

Backward walks from node to node. A node holds the arrays that its derivative rules read and no others: an edge of the
graph does not keep the value at its other end, which lives as long as somebody holds its tensor, or a rule reads it.
"""

from __future__ import annotations

import warnings
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

import numpy as np

from .modes import mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .primitive import Primitive


class Source:
    """Where a gradient can arrive: a node, or a leaf that requires one."""

    __slots__ = ()

    requires_grad: bool
    order: int
    data: Any
    shape: Any
    dtype: Any
    name: str | None
    notes: dict[str, Any] | None
    op: Any
    inputs: Any


class Node(Source):
    """The record of one application: what it was applied to, and what its rules will want to read."""

    __slots__ = ("__weakref__", "arrays", "data", "dtype", "inputs", "notes", "op", "order", "shape", "static")

    requires_grad = True  # a node is only made where a gradient will have to pass

    op: Primitive[Any]
    inputs: tuple[Any, ...]
    """Where gradients go, by input: a node or a leaf. Of anything else, and of leaves once the record is used up, a
    weak reference, or a number."""
    arrays: Sequence[Any] | None
    """What the rules are given for the inputs: arrays that some rule reads, a `Blank`, or 0; None once used up."""
    data: Any
    """The result, if some rule reads it; a `Blank`, if one asks for its shape; else None."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    static: Mapping[str, Any]
    order: int  # the moment it was recorded: inputs before what is made of them
    notes: dict[str, Any] | None  # the rare things: the name, hooks, where made

    node = None  # a tensor's node is asked for in the same words where there is one already

    @property
    def ndim(self) -> int:
        """The number of axes of the value that was made."""
        return len(self.shape)

    @property
    def name(self) -> str | None:
        """What the user calls the result."""
        return None if self.notes is None else self.notes.get("name")

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None or self.notes is not None:
            self.notes = {**(self.notes or {}), "name": name}

    @property
    def held(self) -> tuple[Any, ...] | None:
        """The inputs themselves, where somebody who watches wants them held."""
        return None if self.notes is None else self.notes.get("held")


class Vertex(Source):
    """A value in the graph: its array, and the `node` that tells how it was made, if that is recorded."""

    __slots__ = ("__weakref__", "_born", "_grad", "_look", "_name", "_notes", "_views", "data", "node", "requires_grad")

    result_type: ClassVar[type[Vertex]]

    data: Any
    requires_grad: bool
    node: Node | None
    _grad: Any  # what `grad` shows; a result has none
    _born: int  # the moment at which the user made it; results have none
    _look: Any  # see `views.py`; most have none
    _views: Any

    @property
    def grad(self) -> Any:
        """The derivative that `backward` left here, a tensor; None before. A result has none, unless it retains it."""
        try:
            return self._grad
        except AttributeError:  # whoever asks a result may have meant a leaf
            if mode.recording:
                warnings.warn(_NO_GRAD, UserWarning, stacklevel=2)
            return None

    @grad.setter
    def grad(self, grad: Any) -> None:
        if grad is not None:
            if not isinstance(grad, Vertex):
                raise TypeError(
                    f"grad: must be a tensor or None, found {type(grad).__name__}; wrap it, mg.Tensor(...)."
                )
            if (grad.data.shape, grad.data.dtype) != (self.data.shape, self.data.dtype):
                raise ValueError(
                    f"grad: {self.name or 'the tensor'} is {self.data.shape} of {self.data.dtype}, and the gradient "
                    f"{grad.data.shape} of {grad.data.dtype}; they must be equal."
                )
        self._grad = grad

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def name(self) -> str | None:
        """What the user calls it, in pictures and errors."""
        return self._name if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        if self.node is None:
            self._name = name
        else:
            self.node.name = name

    @property
    def notes(self) -> dict[str, Any] | None:
        """The rare things: hooks, where made."""
        return self._notes if self.node is None else self.node.notes

    @notes.setter
    def notes(self, notes: dict[str, Any] | None) -> None:
        if self.node is None:
            self._notes = notes
        else:
            self.node.notes = notes

    @property
    def op(self) -> Any:
        """The primitive that made it; None for a leaf."""
        return None if self.node is None else self.node.op

    @property
    def order(self) -> int:  # type: ignore[override]
        """The moment it was recorded; 0 for a leaf."""
        return 0 if self.node is None else self.node.order

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Where its gradient goes; see `Node`."""
        return () if self.node is None else self.node.inputs


_NO_GRAD = (
    "grad of a result: a backward pass leaves gradients at leaves only. Ask for it before backward() with "
    "retain_grad(), or look at the leaf it was computed from; a parameter that was moved or scaled is no leaf any more."
)


def grad_of(x: Vertex) -> Any:
    """The gradient that `x` has, None if it has none, without a warning."""
    return getattr(x, "_grad", None)


def tensor_of(data: Any, node: Node | None = None, kind: type[Vertex] | None = None) -> Any:
    """A tensor of the array `data` that was made as `node` says, or without a record; nobody hears of it."""
    t = _new(kind or Vertex.result_type)
    t.data, t.node, t.requires_grad = data, node, node is not None
    t._grad = t._name = t._notes = None
    return t


def source(x: Any) -> Any:
    """Where the gradient of the tensor `x` arrives: its node, or itself, if it is a leaf."""
    return x.node or x


class Constant:
    """An input that takes no gradient and is held, in the manner of a weak reference: calling it gives it.

    Of a tensor without a name its array is held: the tensor itself may become a result, which leads back here.
    """

    __slots__ = ("array", "held")

    array: Any
    held: Any
    """A tensor or an array; or a weak reference to the tensor of `array`, which takes its place."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __call__(self) -> Any:
        """The tensor, or the array."""
        x = self.held
        if isinstance(x, ref):
            x = x()
            if x is None or x.data is not self.array:
                x = self.held = self.array
        return x

    def __reduce__(self) -> tuple[Any, ...]:
        return Constant, (self(),)


_new = object.__new__
_SMALL = 64  # elements: as many as a picture prints


def edge(x: Any, array: Any) -> Any:
    """What the graph keeps of an input, for which the rules are given `array`, if no gradient goes there.

    What is held anyway or is small is kept, so that pictures can show it; else it may die.
    """
    if isinstance(x, Vertex):
        data = x.data
        if x._name is None and array is data:  # the record holds its array
            return ref(x)
        if array is not data and data.size > _SMALL:
            return ref(x)
        constant = _new(Constant)  # without a call of __init__, which costs as much as all the rest
        if x._name is None:
            constant.held, constant.array = ref(x), data
        else:
            constant.held = x
        return constant
    if not isinstance(x, np.ndarray):
        return x
    return ref(x) if x.size > _SMALL else Constant(x)


def held_inputs(node: Node) -> Iterator[Any]:
    """Each input as far as it is there: a node, a tensor, an array, a number; None for what nobody holds any more."""
    for x, array in zip(node.inputs, node.arrays or repeat(None), strict=False):
        found = x() if isinstance(x, (ref, Constant)) else x
        if found is None and isinstance(array, np.ndarray):
            found = array
        yield found
