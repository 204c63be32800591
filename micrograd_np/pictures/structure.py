"""What is known of a computation after the fact: which op made each value, from what, and in which module."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.backward import topological
from micrograd_np.values import values as recorded
from micrograd_np.vertex import Node, Source, Vertex, grad_of, held_inputs, source
from micrograd_np.writes import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Homes", "Value", "kind_of", "read"]


@dataclass(eq=False, slots=True)
class Value:
    """A value of the graph, as far as it is known."""

    tensor: Any  # a leaf itself, which modules hold
    name: str | None
    shape: tuple[int, ...]
    dtype: str
    data: Any  # an array; None where it is not held any more
    grad: Any  # an array; None where there is none
    requires_grad: bool
    op: Any = None  # of a leaf None
    inputs: tuple[Any, ...] = ()  # values, arrays and numbers
    static: Mapping[str, Any] = field(default_factory=dict)
    order: int = 0
    kept: bool = True  # unless a backward pass has given the record up
    origin: Any = None  # where in the user's code it was made
    buffer: bool = False
    source: Any = None  # the node or the leaf itself


LOST = np.empty(0)
"""Stands for a constant that nobody holds any more."""


def read(*roots: Vertex) -> tuple[list[Value], list[Value]]:
    """What `roots` were computed from, in the order of making, leaves just before their use; and the roots.

    The one place that knows how computations are recorded. Nothing here keeps a tensor's graph alive but the leaves.
    """
    order = topological(*roots, spent=True)
    known = {**recorded(order), **{source(v): v.data for v in roots}}
    own = {source(v): v for v in roots}
    values: dict[Any, Value] = {}
    found: dict[Value, None] = {}

    def value(v: Any, inputs: tuple[Any, ...] = (), *, kept: bool = True) -> Value:
        notes = v.notes or {}
        holder = notes["retain_grad"]() if isinstance(v, Node) and "retain_grad" in notes else own.get(v, v)
        grad = grad_of(holder) if isinstance(holder, Vertex) else None
        new = values[v] = Value(
            v if v.op is None else None,
            v.name,
            v.shape,
            str(v.dtype),
            known.get(v, v.data),
            None if grad is None else grad.data,
            v.requires_grad,
            v.op,
            inputs,
            getattr(v, "static", {}),
            v.order,
            kept,
            notes.get("made"),
            hasattr(v, "persistent"),
            v,
        )
        return new

    for v in order:
        if not isinstance(v, Node):
            value(v)
            continue
        inputs = []
        for x in held_inputs(v):
            if isinstance(x, Vertex) and x not in values:
                value(x)
            inputs.append(values[x] if isinstance(x, Source) else LOST if x is None else x)
        made = value(v, tuple(inputs), kept=bool(v.inputs))
        found.update((x, None) for x in inputs if isinstance(x, Value))
        found.setdefault(made)
    tops = [values[source(v)] for v in roots]
    found.update(dict.fromkeys(tops))  # a leaf that nothing uses
    return list(found), tops


Path = tuple[int, str]  # a root module, by its number, and the dotted path in it


class Homes:
    """The module in which each vertex was made.

    A parameter lies where its module is; an op that takes one belongs there too. What has none (an activation, a
    residual sum) belongs to the deepest module that holds both something it came from and something it went to.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.modules: dict[Path, Any] = {}
        self.homes: dict[Value, Path] = {}
        leaves = {id(v.tensor): v for v in order if v.op is None}
        for number, root in enumerate(_roots(leaves)):
            for path, module in root.named_modules():
                self.modules[number, path] = module
            for tensors in (root.named_parameters, root.named_buffers):
                for name, p in tensors():
                    if id(p) in leaves:
                        self.homes[leaves[id(p)]] = (number, name.rpartition(".")[0])
            for name, b in root.named_buffers():
                self._statistics(leaves.values(), name, b.data, number)
        if self.homes:
            self._settle(order)

    def _statistics(self, leaves: Iterable[Value], name: str, data: Any, number: int) -> None:
        """Give what is a view of a buffer the buffer's name, and its place."""
        for v in leaves:
            if not v.requires_grad and not v.name and v.data is not None and owner_of(v.data) is owner_of(data):
                v.name, v.buffer = name, True
                self.homes[v] = (number, name.rpartition(".")[0])

    def _settle(self, order: Sequence[Value]) -> None:
        users: dict[Value, list[Value]] = {}
        above: dict[Value, dict[Path, None]] = {}  # the modules just before, latest last
        open_ = []
        for v in order:
            inputs = [x for x in v.inputs if isinstance(x, Value)]
            for x in inputs:
                users.setdefault(x, []).append(v)
            if v.op is None:
                continue
            own = [self.homes[x] for x in inputs if x.op is None and x in self.homes]
            if own:
                self.homes[v] = _common(own)
                above[v] = {self.homes[v]: None}
            else:
                open_.append(v)
                above[v] = dict(list({p: None for x in inputs for p in above.get(x, {})}.items())[-3:])
        below: dict[Value, dict[Path, None]] = {}
        for v in reversed(order):
            if v in self.homes and v.op is not None:
                below[v] = {self.homes[v]: None}
            else:
                found = {p: None for u in users.get(v, ()) for p in below.get(u, {})}
                below[v] = dict(list(found.items())[:3])
        for v in open_:
            pairs = [_common([a, b]) for a in above[v] for b in below[v]]
            self.homes[v] = max(pairs, key=lambda p: len(p[1]), default=(0, ""))
        for v in reversed(open_):
            after = [self.homes[u] for u in users.get(v, ())]
            if after and v.op.view:  # a mere preparation of what comes next
                self.homes[v] = _common(after)
            elif after and self._normalizes(v, users[v]):
                self.homes[v] = self.homes[users[v][0]]

    def _normalizes(self, v: Value, users: Sequence[Value]) -> bool:
        """Whether `v` is a step of the normalization that a module does before it scales."""
        homes = {self.homes[u] for u in users}
        module = self.modules.get(next(iter(homes)))
        if len(homes) > 1 or "Norm" not in type(module).__name__ or v.op is None or v.op.name not in _NORMAL:
            return False
        return v.op.name != "add" or sum(isinstance(x, Value) for x in v.inputs) == 1  # else a residual sum

    def chain(self, v: Value) -> tuple[Path, ...]:
        """The modules around `v`, outermost first, without mere lists of modules and without the root."""
        if v not in self.homes:
            return ()
        number, path = self.homes[v]
        parts = path.split(".") if path else []
        prefixes = [(number, ".".join(parts[: k + 1])) for k in range(len(parts))]
        return tuple(p for p in prefixes if _calls(self.modules.get(p)))

    def name(self, path: Path, around: Sequence[Path]) -> str:
        """The name of the module at `path`, as it is called inside those `around`."""
        return path[1].removeprefix(f"{around[-1][1]}." if around else "")

    def title(self, path: Path, around: Sequence[Path]) -> str:
        """The module at `path` as a heading: its name, and what it is."""
        return f"{self.name(path, around)}  {kind_of(self.modules[path])}"


_NORMAL = {"mean", "subtract", "square", "var", "add", "sqrt", "reciprocal", "multiply", "divide", "sum", "negative"}


def kind_of(module: Any) -> str:
    """What a module is, with its sizes: ``Linear(16 → 3)``."""
    name = type(module).__name__
    for a, b in (("in_features", "out_features"), ("in_channels", "out_channels"), ("input_size", "hidden_size")):
        if hasattr(module, a) and hasattr(module, b):
            size = getattr(module, "kernel_size", None)
            size = size if isinstance(size, tuple) else () if size is None else (size,)
            window = f", {'×'.join(map(str, size))}" if size else ""
            return f"{name}({getattr(module, a)} → {getattr(module, b)}{window})"
    extra = str(module.extra_repr()) if hasattr(module, "extra_repr") else ""
    extra = extra.removesuffix(", inplace=False").removesuffix("inplace=False")
    return f"{name}({extra})" if 0 < len(extra) <= 16 else name


def _calls(module: Any) -> bool:
    """Whether this is a module that computes, not a list or a dict of some."""
    return module is not None and type(module).forward is not _nn().Module.forward


def _nn() -> Any:
    from micrograd_np.nn import module

    return module


def _roots(leaves: Mapping[int, Value]) -> Iterable[Any]:
    """The outermost modules, among those that exist, that hold one of these tensors."""
    if "micrograd_np.nn" not in sys.modules:
        return []
    alive = list(_nn().alive)
    inner = {id(child) for m in alive for child in m.children()}
    outer = [m for m in alive if id(m) not in inner]
    held = [m for m in outer if any(id(p) in leaves for p in (*m.parameters(), *m.buffers()))]
    place = {key: i for i, key in enumerate(leaves)}
    return sorted(held, key=lambda m: min(place.get(id(p), len(place)) for p in (*m.parameters(), *m.buffers())))


def _common(paths: Sequence[Path]) -> Path:
    """The deepest module that all of `paths` lie in."""
    if len({number for number, _ in paths}) > 1:
        return (paths[-1][0], "")
    parts = [path.split(".") if path else [] for _, path in paths]
    same = 0
    while all(len(p) > same for p in parts) and len({p[same] for p in parts}) == 1:
        same += 1
    return (paths[0][0], ".".join(parts[0][:same]))
