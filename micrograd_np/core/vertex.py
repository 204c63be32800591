"""`Vertex`, a value in the graph, and `Node`, the record of how a value was computed.

Backward walks from node to node. A node holds the arrays that its derivative rules read and no others: an edge of the
graph does not keep the value at its other end, which lives as long as somebody holds its tensor, or a rule reads it.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar, Protocol
from weakref import ref

import numpy as np

from .domains import Domain
from .messages import must_be
from .modes import mode


class Op(Protocol):
    """What a graph needs of the op of a node: the part of `micrograd_np.core.primitive.Primitive` that it reads."""

    name: str
    label: str
    shape: str | None
    inputs: tuple[str, ...]
    fixed: int
    variadic: bool
    defaults: Mapping[str, Any]
    examples: tuple[Mapping[str, Any], ...]
    domain: tuple[Domain, ...]
    smooth: bool
    kernel: Callable[..., Any]
    rules: tuple[Callable[..., Any] | None, ...]
    advice: Callable[..., str | None] | None

    def rules_for(self, count: int) -> list[Callable[..., Any] | None]:
        """The rules of a variadic op applied to `count` inputs."""

    def reads_of(self, needs: int, count: int) -> tuple[Any, ...]:
        """What the rules read."""


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
    """The record of one application: its inputs, and the arrays that its derivative rules read."""

    __slots__ = ("__weakref__", "arrays", "data", "dtype", "inputs", "notes", "op", "order", "shape", "static")

    requires_grad = True  # only applications through which a gradient passes are recorded

    op: Op
    inputs: tuple[Any, ...]
    """Where gradients go, by input: a node or a leaf. For anything else, and for leaves once the record is freed, a
    weak reference, a `Constant` or a number."""
    arrays: Sequence[Any] | None
    """What the rules get for the inputs: arrays that some rule reads, a `Blank`, or 0; None once freed."""
    data: Any
    """The result, if some rule reads it; a `Blank`, if one reads its shape; else None."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    static: Mapping[str, Any]
    order: int  # the moment of recording: inputs come before results
    notes: dict[str, Any] | None  # rare things: the name, hooks, the place in the program

    node = None  # so that `x.node or x` is the node of a tensor and of a node

    ndim: Any = property(lambda self: len(self.shape), doc="The number of axes of the result.")

    @property
    def name(self) -> str | None:
        """The user's name for the result."""
        return None if self.notes is None else self.notes.get("name")

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None or self.notes is not None:
            self.notes = {**(self.notes or {}), "name": name}

    @property
    def held(self) -> tuple[Any, ...] | None:
        """The inputs themselves, where a watcher needs them held."""
        return None if self.notes is None else self.notes.get("held")


class Vertex(Source):
    """A value in the graph: its array, and the `node` that computed it, if that is recorded."""

    __slots__ = {  # with what `help` says of each
        **dict.fromkeys(("__weakref__", "_grad", "_name", "_notes", "_time", "_view", "_views")),
        "data": "The numbers: the array itself, not a copy.",
        "node": "The application that computed it, with what backward needs; None for a leaf.",
        "requires_grad": "Whether a backward pass computes a derivative for it, or for what it was computed from.",
    }

    result_type: ClassVar[type["Vertex"]]

    data: Any
    requires_grad: bool
    node: Node | None
    _grad: Any  # the value of `grad`; a result has none
    _time: int  # the moment at which the user created it; results have none
    _view: Any  # see `views.py`; most have none
    _views: Any

    @property
    def grad(self) -> Any:
        """The derivative that `backward` has left here, a tensor; None before. Of a result only after `retain_grad`."""
        try:
            return self._grad
        except AttributeError:  # a result, where a leaf may have been meant
            if mode.recording:
                warnings.warn(_NO_GRAD, UserWarning, stacklevel=2)
            return None

    @grad.setter
    def grad(self, grad: Any) -> None:
        if grad is not None:
            if not isinstance(grad, Vertex):
                kind = type(grad).__name__
                raise TypeError(must_be("Tensor", "grad", "a tensor or None", kind, "Wrap it, mg.Tensor(...)."))
            if (grad.data.shape, grad.data.dtype) != (self.data.shape, self.data.dtype):
                raise ValueError(
                    f"grad: {self.name or 'the tensor'} is {self.data.shape} of {self.data.dtype}, and the gradient "
                    f"{grad.data.shape} of {grad.data.dtype}; they must be equal."
                )
        self._grad = grad
        mode.events.cleared(self)

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def name(self) -> str | None:
        """The user's name for it, in pictures and errors."""
        return self._name if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        if self.node is None:
            self._name = name
        else:
            self.node.name = name

    @property
    def notes(self) -> dict[str, Any] | None:
        """Rare things: hooks, the place in the program."""
        return self._notes if self.node is None else self.node.notes

    @notes.setter
    def notes(self, notes: dict[str, Any] | None) -> None:
        if self.node is None:
            self._notes = notes
        else:
            self.node.notes = notes

    op: Any = property(lambda self: self.node and self.node.op, doc="The primitive that computed it; None for a leaf.")
    order: Any = property(lambda self: self.node.order if self.node else 0, doc="The moment of recording, or 0.")
    inputs: Any = property(lambda self: self.node.inputs if self.node else (), doc="Where its gradient goes.")


_NO_GRAD = (
    "grad of a result: backward() leaves gradients at leaves only. Call retain_grad() before it, or look at a leaf. "
    "A parameter that was moved, or updated by w = w - step, is no leaf any more; write w -= step under no_grad()."
)


def grad_of(x: Vertex) -> Any:
    """The gradient that `x` has, None if it has none, without a warning."""
    return getattr(x, "_grad", None)


def retains_grad(x: Vertex) -> bool:
    """Whether `retain_grad` was called for `x`, and not for what it was before a write."""
    holder = (x.notes or {}).get("retain_grad")
    return holder is not None and holder() is x


def tensor_of(data: Any, node: Node | None = None, kind: type[Vertex] | None = None) -> Any:
    """A tensor of the array `data` that `node` has computed, or a leaf; watchers do not see it."""
    t = _new(kind or Vertex.result_type)
    t.data, t.node, t.requires_grad = data, node, node is not None
    t._grad = t._name = t._notes = t._view = t._views = None
    return t


def source(x: Any) -> Any:
    """Where the gradient of the tensor `x` arrives: at its node, or, for a leaf, at `x`."""
    return x.node or x


class Constant:
    """An input without a gradient that is held; calling this returns it, as for a weak reference.

    For a tensor without a name its array is held: a write may turn the tensor into a result of this very graph, which
    would then keep itself alive.
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


preferred: list[type[Vertex]] = []
"""Classes of results that an op returns if any of its inputs has one, the first or not; at first there are none."""


def preferred_type(result_type: type[Vertex], inputs: Iterable[Any]) -> type[Vertex]:
    """The class of the result of an op on `inputs`: a preferred one if an input has it, else `result_type`."""
    if result_type not in preferred:
        for x in inputs:
            if isinstance(x, Vertex) and x.result_type in preferred:
                return x.result_type
    return result_type


_new = object.__new__
_SMALL = 64  # elements, as many as a picture prints


def edge(x: Any, array: Any) -> Any:
    """What the graph keeps of an input without a gradient, for which the rules get `array`.

    An input that is held anyway or is small is kept, so that pictures can show it; any other is referred to weakly.
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
    """Each input: a node, a tensor, an array, a number; None for what is not held any more."""
    for x, array in zip(node.inputs, node.arrays or repeat(None), strict=False):
        alive = x() if isinstance(x, (ref, Constant)) else x
        yield array if alive is None and isinstance(array, np.ndarray) else alive
