"""The base of all debugging contexts: see all events of this thread, and pass them on to the outer watcher."""

from collections.abc import Mapping
from contextlib import ContextDecorator
from typing import Any, Self

from micrograd_np.core.events import Relay
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.vertex import Node, Vertex

from .origin import Origin, here


class Watch(Relay, ContextDecorator):
    """A context in which every tensor remembers where it was made; derived classes check more. Watches nest."""

    def __init__(self) -> None:
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
