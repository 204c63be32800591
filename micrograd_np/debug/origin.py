"""Where a tensor was made: the line outside this package, and the module; and the contexts that note it.

A context sees all events of this thread, and passes them on to the outer watcher.
"""

import linecache
import sys
from collections.abc import Mapping
from contextlib import ContextDecorator
from pathlib import Path
from typing import Any, NamedTuple, Self

from micrograd_np.core.events import Relay
from micrograd_np.core.messages import require_nothing
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.vertex import Node, Vertex

_package = str(Path(__file__).parent.parent) + "/"


class Origin(NamedTuple):
    """A place in the user's code.

    >>> import micrograd_np as mg
    >>> with mg.trace_origins():
    ...     x = mg.Tensor([1.0])
    >>> type(mg.debug.origin_of(x)).__name__
    'Origin'
    """

    file: str
    line: int
    function: str
    module: str | None = None
    """The module whose call was running, by its path from the outermost one."""

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"

    @property
    def source(self) -> str:
        """The line itself, stripped; empty if it cannot be read."""
        return linecache.getline(self.file, self.line).strip()


def here(module: str | None) -> Origin:
    """The innermost place on the stack that is not in this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_package):
        frame = frame.f_back
    return Origin(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, module)


def origin_of(x: Vertex | Any) -> Origin | None:
    """Where `x` was made, if it was made inside ``mg.trace_origins()`` or a debugging context; otherwise None.

    >>> import micrograd_np as mg
    >>> mg.debug.origin_of(mg.Tensor([1.0])) is None
    True
    """
    notes = getattr(x, "notes", None)
    return None if notes is None else notes.get("made")


class Watch(Relay, ContextDecorator):
    """A context in which every tensor remembers where it was made; derived classes check more. Watches nest."""

    def __init__(self, *unknown: Any) -> None:
        require_nothing(type(self).__name__, unknown)
        self.path: list[str] = []  # the modules whose calls are running
        self.names: dict[int, str] = {}
        self.last: tuple[Any, int] = (None, -1)  # the vertex that the walk is at, and its latest input

    def _recreate_cm(self) -> Self:
        return type(self)()  # a decorator serves recursive calls and several threads

    def __enter__(self) -> Self:
        if mode.events is self:
            raise RuntimeError(f"{type(self).__name__}: this one is watching already; make another for an inner block.")
        self.outer = mode.events
        self.on_tensors = self.outer.on_tensors
        mode.set(events=self)
        return self

    def __exit__(self, *_: object) -> None:
        mode.set(events=self.outer)

    def here(self) -> Origin:
        """The line of the user's code that is running, and the module."""
        return here(self.path[-1] if self.path else None)

    def applied(self, op: Primitive[Any], inputs: tuple[Any, ...], static: Mapping[str, Any], result: Any) -> None:
        """Note where `result` is made."""
        if isinstance(result, Vertex):
            result.notes = {**(result.notes or {}), "made": self.here()}
        super().applied(op, inputs, static, result)

    def created(self, t: Vertex) -> None:
        """Note where the user makes `t`."""
        t.notes = {**(t.notes or {}), "made": here(None)}
        super().created(t)

    def rebound(self, target: Vertex, before: Vertex, z: Vertex) -> None:
        """`target` has become what `z` is."""
        target.notes = {**(target.notes or {}), "made": self.here()}
        super().rebound(target, before, z)

    def entered(self, module: Any) -> None:
        """A module's call begins."""
        if not self.path:
            self.names = {id(m): f"{name} ({type(m).__name__})" for name, m in module.named_modules() if name}
        self.path.append(self.names.get(id(module), type(module).__name__))
        super().entered(module)

    def left(self, module: Any) -> None:
        """A module's call ends."""
        self.path.pop()
        super().left(module)

    def pulled(self, z: Node, x: Any, g: Any, gx: Any) -> None:
        """A derivative rule has run: find out for which input, since a tensor may be several of them."""
        start = self.last[1] + 1 if self.last[0] is z else 0
        i = next((i for i in range(start, len(z.inputs)) if z.inputs[i] is x), None)
        if i is None:  # another walk over the same vertex
            i = next(i for i, y in enumerate(z.inputs) if y is x)
        self.last = (z, i)
        self.arrived(z, i, g, gx)
        super().pulled(z, x, g, gx)

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """The gradient `gx`, computed from `g`, leaves `z` towards its input number `i`."""


class trace_origins(Watch):  # noqa: N801  a function to its users
    """In this block (or decorated function, in this thread) every tensor remembers the file and line that made it.

    Errors then name that line. It is off by default, because a small training step takes nearly twice as long with it;
    see docs/decisions/origins.md.

    >>> import micrograd_np as mg
    >>> with mg.trace_origins():
    ...     x = mg.Tensor([1.0, 2.0]) * 3
    >>> mg.debug.origin_of(x).line
    2
    """
