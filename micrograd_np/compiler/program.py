"""What a traced step consists of: values that live in storages, and lines that compute them.

A *storage* is memory; a *value* is an array in it, the whole or a view; a *line* is one NumPy call. Lines are
imperative: several may write one storage, one after another, as an expert's program does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from micrograd_np.core.trees import instances, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from micrograd_np.engine.tensor import Tensor

STATIC = frozenset(("state", "constant", "buffer", "number"))
"""Kinds of storage whose address never changes, so that views of them can be made once."""

OUTLIVES = ("state", "gradient", "input")
"""Kinds of storage that somebody outside the step sees."""


@dataclass(eq=False)
class Storage:
    """Memory, by where it comes from.

    - ``input``: an argument of the step; ``gradient``: the gradient a leaf brings along. Other memory each call.
    - ``state``: memory that outlives the step and belongs to a tensor or an optimiser.
    - ``constant``: computed once; ``number``: a runtime number, such as a learning rate, in a 0-d array.
    - ``buffer``: owned by the program, written before it is read, each call. ``fresh``: allocated by NumPy, each call.
    """

    kind: str
    array: np.ndarray[Any, Any] | None = None
    owner: Any = None
    shared: bool = False
    """State that others hold too (another tensor, a view, a variable of the user), so that it has to stay there."""
    begins: float | None = None
    """What a buffer holds where no line writes, so that its place in the arena is its own; None if all is written."""


@dataclass(eq=False)
class Value:
    """An array in a storage, with the name it has in the emitted program."""

    storage: Storage
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    name: str = ""
    hint: Any = ""
    """What to call it when it has no name: an op's name, or ("d", value) for the gradient of another."""
    view: bool = False
    strides: tuple[int, ...] | None = None
    """How a buffer is laid out if not in C order: NumPy's results take over the order of what they are made from."""

    @property
    def nbytes(self) -> int:
        """How many bytes it spans when contiguous."""
        n = self.dtype.itemsize
        for length in self.shape:
            n *= length
        return n


Effect = Literal["out", "view", "fresh", "in", "none", "loop"]
"""What a line does to its target.

- ``out``: the call is given its destination. ``in``: it writes its first argument (``copyto``, ``setitem``, a routine).
- ``view``: the result is a view of an argument. ``fresh``: NumPy allocates the result.
- ``none``: there is no target: a check of values, which may raise. ``loop``: a passage of other lines.
"""


@dataclass(eq=False)
class Line:
    """One call of `function` (``"np.add"``, ``"method.reshape"``, ``"routine.clear"``, ``"setitem"``, ``"call"``).

    `target` is the value it writes into, or the new value that it makes; `effect` says which.
    """

    function: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    target: Value | None
    effect: Effect
    section: str = "forward"
    where: str = ""
    must_run: bool = False
    """Whether it stays although nobody reads its target: it may raise, or it writes what is read elsewhere."""
    unit: tuple[int, int] | None = None
    """In an update: which clock, and which of its parameters."""
    asked: str = ""
    """Where NumPy may refuse values: what eager says then, with a NUL for NumPy's words."""
    _read: tuple[Any, Any, list[Value]] | None = None
    """What `read` found, and the arguments that it looked at: every pass asks, and few change them."""

    def read(self) -> Sequence[Value]:
        """The values it reads (a destination that is only written is not among them)."""
        known = self._read
        if known is not None and known[0] is self.args and known[1] is self.kwargs:
            return known[2]
        overwritten = self.function == "np.copyto" and "where" not in self.kwargs
        found: list[Value] = []
        for x in self.args[1:] if overwritten else self.args:
            if isinstance(x, Value):
                found.append(x)
            elif isinstance(x, (tuple, list, dict)):
                found.extend(values_in(x))
        for x in self.kwargs.values():
            found.extend(values_in(x))
        self._read = self.args, self.kwargs, found
        return found

    def substitute(self, change: Callable[[Value], Value]) -> None:
        """Read ``change(value)`` instead of each value."""
        changed = False
        args = list(self.args)
        for i, x in enumerate(args):
            if isinstance(x, Value):
                args[i] = change(x)
            elif isinstance(x, (tuple, list, dict)):
                args[i] = mapped(x, change)
            else:
                continue
            changed = changed or args[i] is not x
        if changed:
            self.args = tuple(args)
        if any(isinstance(x, (Value, tuple, list, dict)) for x in self.kwargs.values()):
            self.kwargs = mapped(self.kwargs, change)

    def writes(self) -> Value | None:
        """The value whose storage it changes."""
        return None if self.effect == "view" else self.target

    def __repr__(self) -> str:
        return f"{self.target.name if self.target else ''} <- {self.function}{self.args} [{self.effect}]"


@dataclass(eq=False)
class Loop(Line):
    """A passage that runs in blocks of `block` of its `size` elements."""

    lines: list[Line] = field(default_factory=list)
    size: int = 0
    block: int = 0
    threads: int = 1
    slots: dict[int, Value] = field(default_factory=dict)
    """By value: the block-sized buffer that stands for it, where it lives in the loop only."""
    sums: list[tuple[Value, Value]] = field(default_factory=list)
    """The sum of a block, and the vector of the sums of all blocks."""

    @property
    def blocks_per_thread(self) -> int:
        """How many blocks one thread works through."""
        return -(-self.size // (self.block * self.threads))

    def read(self) -> Sequence[Value]:
        """Everything the passage touches as a whole array, and the block-sized buffers."""
        touched = (v for line in self.lines for v in (*line.read(), line.target) if v is not None)
        found = (self.slots.get(id(v), v) for v in touched)
        return list({id(v): v for v in found}.values())

    def whole(self) -> list[Value]:
        """The arrays that are cut into blocks, in the order of their appearance."""
        own = {id(v) for v in self.slots.values()} | {id(line.target) for line in self.lines if line.effect == "view"}
        return [v for v in self.read() if id(v) not in own and v.shape != ()]


class Opaque:
    """Something to be bound as it is, hidden from the search for values."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing


def values_in(x: Any) -> Iterator[Value]:
    """The values in an argument or a result, which may be nested."""
    return instances(x, Value)


def mapped(x: Any, change: Callable[[Value], Any]) -> Any:
    """`x` with every value replaced by ``change(value)``; what holds values is made anew."""
    return replaced(x, Value, change)


def natural(line: Line) -> tuple[tuple[int, ...], Any]:
    """The shape and dtype that the call has when it is not given a destination, found on arrays without extent."""
    assert line.target is not None
    strides = (0,)

    def empty(x: Any) -> Any:
        if isinstance(x, Value):
            return (
                np.ndarray(x.shape, x.dtype, np.ones(1, x.dtype), 0, strides * len(x.shape))
                if x.shape
                else np.ones((), x.dtype)
            )
        if isinstance(x, (tuple, list)):
            return type(x)(empty(part) for part in x)
        return x

    with np.errstate(all="ignore"):
        found = line.call(*map(empty, line.args), **{k: empty(v) for k, v in line.kwargs.items() if k != "bound"})
    return np.shape(found), found.dtype


@dataclass(eq=False)
class UpdateGroup:
    """Parameters of one optimiser that step together: same group, same step number, in each call."""

    optimizer: Any
    group: dict[str, Any]
    states: list[dict[str, Any]]
    """The optimiser's state of each of these parameters, in the order of the update."""
    settings: dict[str, Any]
    """The group as the trace found it."""
    numbers: dict[str, Value] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    """Settings that decided something while tracing: another value needs another program."""
    truths: dict[str, bool] = field(default_factory=dict)
    """Numbers of which only "zero or not" decided something."""
    params: list[Any] = field(default_factory=list)
    """The parameters, in the same order."""
    before: int = 0
    """How many steps they have made in the same call before this one."""


@dataclass
class Program:
    """A traced step."""

    name: str
    lines: list[Line] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    states: dict[int, tuple[Any, Value]] = field(default_factory=dict)
    """Every tensor whose memory the program uses, by id: (tensor or None for bare arrays, value)."""
    clocks: list[UpdateGroup] = field(default_factory=list)
    gradients_in: list[tuple[Tensor, Value]] = field(default_factory=list)
    gradients_out: list[tuple[Tensor, Value | None]] = field(default_factory=list)
    gradients_absent: list[Tensor] = field(default_factory=list)
    """Leaves that must come without a gradient, because the step adds none to what they have."""
    results: Any = None
    """What the step returns, with values where tensors stand."""
    silent: dict[str, str] = field(default_factory=dict)
    """The floating-point warnings that some kernel wants silenced."""
    looked: set[int] = field(default_factory=set)
    """The arrays of lists of numbers, by id, at which Python has looked itself."""
    modes: list[tuple[Any, bool]] = field(default_factory=list)
    """Modules whose training flag was read."""
    pullback: Any = None
    """The traced backward pass of the results, where they carry gradients out of the step."""

    def written(self) -> set[int]:
        """The ids of the storages that its lines write into."""
        lines = [part for line in self.lines for part in getattr(line, "lines", (line,))]  # a loop has lines of its own
        return {id(line.target.storage) for line in lines if line.target is not None and line.effect != "view"}

    def result_values(self) -> list[Value]:
        """Every value that leaves the step: returned, or as a gradient."""
        return [*values_in(self.results), *(v for _, v in self.gradients_out if v is not None)]
