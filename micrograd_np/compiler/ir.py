"""Values that are assigned once, and operations that define them: what passes work on.

An operation is one call of NumPy. It reads values and defines one value; whoever reads that value reads what this
operation computed, however the memory is used later. Two kinds of operation touch memory that exists:

- a *view* shows the memory of another value;
- an *update* writes into the memory of another value, or into a part of it that a view shows, and defines the next
  *version* of the whole: ``z_2 = setitem(slice(0, 3), x, into=z)`` is z with other numbers in its first three places.

So a program has no variables, and no pass has to ask whether something is written in between: another content is
another value. Which values share memory, and what is computed in place, is decided when all passes are done
(`memory.plan`). Memory that outlives the step (parameters, the state of an optimiser, arguments that the step
overwrites) is a source at the beginning, and `Program.stores` says which value it must hold at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from operator import is_not
from typing import Any, Literal

import numpy as np

from micrograd_np.core.trees import instances, replaced

STATIC = frozenset(("state", "constant", "number"))
"""Kinds of memory whose address is the same in every call."""

OUTLIVES = frozenset(("state", "gradient", "input"))
"""Kinds of memory that somebody outside the step sees."""


@dataclass(eq=False, slots=True)
class Memory:
    """Memory that a program finds, by where it comes from.

    - ``input``: an argument of the step; ``gradient``: the gradient a leaf brings along. Other memory each call.
    - ``state``: memory that outlives the step and belongs to a tensor or an optimiser.
    - ``constant``: the same in every call; ``number``: a runtime number, such as a learning rate, in a 0-d array.
    """

    kind: str
    array: Any = None
    owner: Any = None
    shared: bool = field(default=False, kw_only=True)
    """State that others hold too (another tensor, a view, a variable of the user), so that it has to stay there."""
    strides: tuple[int, ...] | None = field(default=None, init=False)
    """Of an argument: how it is laid out in every call, which may leave gaps that no value of NumPy's has."""

    @property
    def current(self) -> Any:
        """What memory that outlives the step is now: it may have moved since the trace."""
        if isinstance(self.owner, tuple):
            p, name, optimizer = self.owner
            return optimizer.state.get(p, {}).get(name, self.array)
        return self.array if self.owner is None else self.owner.data


@dataclass(eq=False, slots=True)
class Label:
    """What to call a value, and all versions of it: the user's name, or else a hint, such as the name of an op."""

    name: str = ""
    hint: Any = ""
    """A noun, or (relation, label): ("d", label of x) is the gradient of x, ("part", label of x) a view of it."""


@dataclass(eq=False, repr=False, slots=True)
class Value:
    """An array that is assigned once: by the operation `op`, or by the memory in which the program finds it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...] | None = None
    """How it is laid out if not in C order: NumPy's results take over the order of what they are made from.

    Sums round by it, so that a version of what a source brings along lies as that does.
    """
    label: Label = field(default_factory=Label)
    memory: Memory | None = None
    op: Op | None = field(default=None, init=False)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes it spans when contiguous."""
        return self.size * self.dtype.itemsize

    @property
    def reach(self) -> tuple[int, int]:
        """How many bytes its memory spans before its first element, and from there on."""
        if self.strides is None or not self.size:
            return 0, self.nbytes
        ways = [(n - 1) * step for n, step in zip(self.shape, self.strides, strict=True)]
        return -sum(min(way, 0) for way in ways), sum(max(way, 0) for way in ways) + self.dtype.itemsize

    @property
    def is_view(self) -> bool:
        """Whether it shows the memory of another value."""
        return self.op is not None and self.op.effect == "view"

    @property
    def base(self) -> Value:
        """Of a view, what it shows; of a version, what was written into."""
        assert self.op is not None
        assert self.op.of is not None
        return self.op.of

    @property
    def root(self) -> Value:
        """The value whose memory it shows; itself, if it is no view."""
        v: Any = self
        while (op := v.op) is not None and op.effect == "view":
            v = op.of
        return v

    @property
    def steps(self) -> list[Op]:
        """The views between its root and itself, in order."""
        steps: list[Op] = []
        v = self
        while v.op is not None and v.op.effect == "view":
            steps.append(v.op)
            v = v.base
        return steps[::-1]

    @property
    def first(self) -> Value:
        """The first version of the memory that it shows."""
        v = self
        while v.op is not None and v.op.of is not None:
            v = v.op.of
        return v

    @property
    def kind(self) -> str:
        """The kind of memory it lies in: of a source; "fresh" where NumPy allocates, else "buffer"."""
        v = self.first
        if v.op is None:
            return v.memory.kind if v.memory is not None else "buffer"
        return "fresh" if v.op.effect == "fresh" else "buffer"

    @property
    def constant(self) -> Any:
        """The array that it is in every call; None if it is no constant."""
        return self.memory.array if self.memory is not None and self.memory.kind == "constant" else None

    def alike(self) -> Value:
        """Another value of the same shape, type, layout and label."""
        return Value(self.shape, self.dtype, self.strides, self.label)

    def __repr__(self) -> str:
        return f"<{self.label.name or self.label.hint or 'value'} {self.dtype}{list(self.shape)}>"


Effect = Literal["new", "fresh", "view", "update", "check", "loop"]
"""What an operation does.

- ``new``: it computes an array and can be given its destination. ``fresh``: NumPy allocates the result.
- ``view``: the result shows memory of the operand `of`. ``update``: it writes into `of`, whose next version results.
- ``check``: it looks at values and may raise; there is no result. ``loop``: operations that run in blocks.
"""


@dataclass(eq=False, repr=False, slots=True)
class Op:
    """One call: `function` is ``"np.add"``, ``"method.reshape"``, ``"getitem"``, ``"copy"``, ``"routine.clear"``…"""

    function: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Value | None
    effect: Effect
    of: Value | None = None
    """Of a view or an update: the value in whose memory the result lies."""
    section: str = "forward"
    where: str = ""
    must_run: bool = False
    """Whether it stays although nobody reads its result, and runs where it stands: it may raise, or it draws."""
    bound: tuple[Any, str] | None = None
    """An object whose method is called each time, such as a generator of random numbers, and the method."""
    unit: tuple[int, int] | None = None
    """In an update of parameters: which group, and which of its parameters."""
    refusal: str = ""
    """Where NumPy may refuse values: what eager says then, with a NUL for NumPy's words."""
    reads: tuple[Value, ...] = field(default=(), init=False)
    """The values that it reads."""
    _shows: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.result is not None:
            self.result.op = self
        self.look_again()

    def look_again(self) -> None:
        """Find out anew what it reads, after something about it has changed."""
        values: list[Value] = []
        for x in self.args:
            kind = type(x)
            if kind is Value:
                values.append(x)
            elif kind is tuple or kind is list or kind is dict:
                _collect(x, values)
        if self.kwargs:
            _collect(self.kwargs, values)
        if self.of is not None and self.effect == "update":
            values.append(self.of)
        self.reads = tuple(values)

    @property
    def defines(self) -> tuple[Value, ...]:
        """The values that it defines."""
        return () if self.result is None else (self.result,)

    @property
    def parts(self) -> Sequence[Op]:
        """The operations that it consists of: itself, unless it is a loop."""
        return (self,)

    @property
    def shows(self) -> Any:
        """What a view shows of its operand: equal for views that show the same of equal operands."""
        if self._shows is None:
            of = self.of
            rest = self.args[1:] if self.args[0] is of else self.args
            plain = len(rest) == 1 and type(rest[0]) in _COMPARED
            shown = rest if plain else frozen(rest, lambda v: v is of or v)
            self._shows = self.function, shown, frozen(self.kwargs, never) if self.kwargs else ()
        return self._shows

    def clone(self) -> Op:
        """The operation as it is now, which defines the same value."""
        other = Op.__new__(type(self))
        other.function, other.call, other.args, other.kwargs = self.function, self.call, self.args, self.kwargs
        other.result, other.effect, other.of, other.reads = self.result, self.effect, self.of, self.reads
        other.section, other.where, other.must_run = self.section, self.where, self.must_run
        other.bound, other.unit, other.refusal, other._shows = self.bound, self.unit, self.refusal, self._shows
        return other

    def set_args(self, args: tuple[Any, ...]) -> None:
        """Give the call other arguments."""
        if any(map(is_not, args, self.args)):
            self.args, self._shows = args, None
            self.look_again()

    def substitute(self, replacements: Mapping[Value, Value]) -> None:
        """Read other values, by those that are read now."""
        if replacements.keys().isdisjoint(self.reads):
            return

        def change(v: Value) -> Value:
            return replacements.get(v, v)

        self.args, self.kwargs = with_values(self.args, change), with_values(self.kwargs, change)
        if self.of is not None:
            self.of = change(self.of)
        self.look_again()

    def copy(self, change: Callable[[Value], Value], result: Any) -> Op:
        """The same operation on other values, which defines `result`."""
        of: Any = None if self.of is None else change(self.of)
        if self.effect == "view" and len(self.reads) == 1 and self.args[0] is self.of:
            self._shows, op = self.shows, self.clone()  # equal for both
            op.args, op.reads = (of, *self.args[1:]), (of,)
        else:
            op = self.clone()
            op.args = with_values(self.args, change)
            if self.kwargs:
                op.kwargs = with_values(self.kwargs, change)
            op.reads, op._shows = tuple([change(v) for v in self.reads]), None
        op.of, op.result = of, result
        if result is not None:
            result.op = op
        return op

    def __repr__(self) -> str:
        return f"<{self.function} {self.effect}>"


class Loop(Op):
    """A passage of elementwise operations that runs in blocks of `block` of its `size` elements."""

    __slots__ = ("block", "body", "leaving", "size", "slots", "threads")

    def __init__(self, body: list[Op], size: int, block: int, threads: int) -> None:
        self.body, self.size, self.block, self.threads = body, size, block, threads
        self.leaving: tuple[Value, ...] = ()
        """The values that somebody outside reads, so that they exist as whole arrays."""
        self.slots: dict[Value, Value] = {}
        """By value that lives in the loop only: the block-sized buffer that stands for it."""
        super().__init__("loop", never, (), {}, None, "loop", None, body[0].section, body[0].where)

    def look_again(self) -> None:
        """Find out anew what it reads, after something about it has changed."""
        inside = {v for op in self.body for v in op.defines}
        self.reads = tuple({v: None for op in self.body for v in op.reads if v not in inside})

    @property
    def parts(self) -> Sequence[Op]:
        """The operations that run in blocks."""
        return self.body

    @property
    def defines(self) -> tuple[Value, ...]:
        """The values that it defines for others."""
        return self.leaving

    def substitute(self, replacements: Mapping[Value, Value]) -> None:
        """Read other values, by those that are read now."""
        for op in self.body:
            op.substitute(replacements)
        self.look_again()


def never(*_: Any) -> None:
    """What is called of an operation that never runs by itself."""
    raise NotImplementedError


def values_in(x: Any) -> Iterator[Value]:
    """The values in an argument or a result, which may be nested."""
    return instances(x, Value)


def mapped(x: Any, change: Callable[[Value], Any]) -> Any:
    """A result with every value replaced by ``change(value)``; what holds values is made anew."""
    return replaced(x, Value, change)


def with_values(x: Any, change: Callable[[Value], Any]) -> Any:
    """Arguments of a call with every value replaced: calls take values in tuples, lists and dicts only."""
    kind = type(x)
    if kind is Value:
        return change(x)
    if kind is tuple:
        return tuple([change(y) if type(y) is Value else with_values(y, change) for y in x])
    if kind is list:
        return [with_values(y, change) for y in x]
    if kind is dict:
        return {k: with_values(y, change) for k, y in x.items()} if x else x
    return x


def _collect(x: Any, values: list[Value]) -> None:
    """Append the values in arguments of a call."""
    for y in x.values() if type(x) is dict else x:
        kind = type(y)
        if kind is Value:
            values.append(y)
        elif kind is tuple or kind is list or kind is dict:
            _collect(y, values)


_COMPARED = frozenset((int, str, type(None), type(Ellipsis)))
"""Kinds of arguments that are equal where they mean the same; True is equal to 1, and -0.0 to 0.0."""


def frozen(x: Any, change: Callable[[Value], Any]) -> Any:
    """Arguments as something to compare calls by, with ``change(value)`` for each value."""
    kind = type(x)
    if kind is Value:
        return change(x)
    if kind in _COMPARED:
        return x
    if kind is tuple or kind is list:
        return tuple([part if type(part) in _COMPARED else frozen(part, change) for part in x])
    if kind is dict:
        return tuple([(k, frozen(v, change)) for k, v in sorted(x.items())]) if x else ()
    if kind is slice:
        return (kind, x.start, x.stop, x.step)
    return (kind, repr(x) if isinstance(x, (float, complex)) else x)  # zeros have two signs


def constant(array: Any, label: Label | None = None) -> Value:
    """A value that is `array` in every call."""
    return Value(array.shape, array.dtype, None, label or Label(), Memory("constant", array))


def copy_of(v: Value, section: str = "forward", where: str = "") -> Op:
    """The operation that copies a value into memory of its own."""
    return Op("copy", np.copyto, (v,), {}, v.alike(), "new", None, section, where)


def natural(op: Op) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype of the result when the call is not given a destination, found on arrays without extent."""

    def empty(x: Any) -> Any:
        if isinstance(x, Value):
            if not x.shape:
                return np.ones((), x.dtype)
            return np.ndarray(x.shape, x.dtype, np.ones(1, x.dtype), 0, (0,) * len(x.shape))
        return type(x)(empty(part) for part in x) if isinstance(x, (tuple, list)) else x

    with np.errstate(all="ignore"):
        result = op.call(*map(empty, op.args), **{k: empty(v) for k, v in op.kwargs.items()})
    return np.shape(result), result.dtype
