"""What is known of a computation after the fact: which op made each value, from what, and in which module."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_np.backward import GONE, topological
from micrograd_np.primitive import Vertex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Application", "Homes", "applied", "kind_of", "order_of"]


class Application(NamedTuple):
    """How a value was made: by `op` from `inputs`; `kept`, unless a backward pass has given the record up."""

    op: Any
    inputs: Sequence[Any]
    static: Mapping[str, Any]
    kept: bool


def applied(v: Vertex) -> Application:
    """The application that made `v`, without an op for a leaf. The one place that reads the record."""
    return Application(v.op, v.inputs, v.static, v.stamp != GONE)


def order_of(*roots: Vertex) -> list[Vertex]:
    """Everything that `roots` were computed from, and they, in the order of making; leaves just before their use."""
    found: dict[Vertex, None] = {}
    for v in topological(*roots):
        if v.op is None:
            continue
        found.update((x, None) for x in applied(v).inputs if isinstance(x, Vertex))
        found.setdefault(v)
    found.update(dict.fromkeys(roots))  # a leaf that nothing uses
    return list(found)


Path = tuple[int, str]  # a root module, by its number, and the dotted path in it


class Homes:
    """The module in which each vertex was made.

    A parameter lies where its module is; an op that takes one belongs there too. What has none (an activation, a
    residual sum) belongs to the deepest module that holds both something it came from and something it went to.
    """

    def __init__(self, order: Sequence[Vertex]) -> None:
        self.modules: dict[Path, Any] = {}
        self.homes: dict[Vertex, Path] = {}
        leaves = {id(v): v for v in order if v.op is None}
        for number, root in enumerate(_roots(leaves)):
            for path, module in root.named_modules():
                self.modules[number, path] = module
            for tensors in (root.named_parameters, root.named_buffers):
                for name, p in tensors():
                    if id(p) in leaves:
                        self.homes[p] = (number, name.rpartition(".")[0])
        if self.homes:
            self._settle(order)

    def _settle(self, order: Sequence[Vertex]) -> None:
        users: dict[Vertex, list[Vertex]] = {}
        above: dict[Vertex, dict[Path, None]] = {}  # the modules just before, latest last
        open_ = []
        for v in order:
            inputs = [x for x in applied(v).inputs if isinstance(x, Vertex)]
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
        below: dict[Vertex, dict[Path, None]] = {}
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
            if after and applied(v).op.view:  # a mere preparation of what comes next
                self.homes[v] = _common(after)
            elif after and self._normalizes(v, users[v]):
                self.homes[v] = self.homes[users[v][0]]

    def _normalizes(self, v: Vertex, users: Sequence[Vertex]) -> bool:
        """Whether `v` is a step of the normalization that a module does before it scales."""
        homes = {self.homes[u] for u in users}
        module = self.modules.get(next(iter(homes)))
        if len(homes) > 1 or "Norm" not in type(module).__name__ or v.op is None or v.op.name not in _NORMAL:
            return False
        return v.op.name != "add" or sum(isinstance(x, Vertex) for x in applied(v).inputs) == 1  # else a residual sum

    def chain(self, v: Vertex) -> tuple[Path, ...]:
        """The modules around `v`, outermost first, without mere lists of modules and without the root."""
        if v not in self.homes:
            return ()
        number, path = self.homes[v]
        parts = path.split(".") if path else []
        prefixes = [(number, ".".join(parts[: k + 1])) for k in range(len(parts))]
        return tuple(p for p in prefixes if _calls(self.modules.get(p)))

    def title(self, path: Path) -> str:
        """The module at `path` as a heading: its name, and what it is."""
        return f"{path[1]}  {kind_of(self.modules[path])}"


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


def _roots(leaves: Mapping[int, Vertex]) -> Iterable[Any]:
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
