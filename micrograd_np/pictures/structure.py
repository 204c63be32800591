"""The structure of a finished computation: the op that made each value, its inputs, and its module."""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from itertools import chain, takewhile
from typing import Any

import numpy as np

from micrograd_np.core.values import inputs, latest_first, values
from micrograd_np.core.vertex import Node, Source, Vertex, grad_of, source
from micrograd_np.core.writes import owner_of, writes
from micrograd_np.functional.dropout import MASK


class Record:
    """A computation as a list of `vertices` (nodes and leaves), each named by its place in it.

    They stand in the order of making, leaves just before their first use. A large graph is read in little more memory
    than it has, as a vertex adds only numbers in arrays.
    """

    def __init__(self, roots: Iterable[Vertex]) -> None:
        self.vertices: list[Source] = []
        self.held = {source(v): v for v in roots}
        self._moments = array("q")  # of recording; of a leaf, of its first use
        self._links, self._ends = array("i"), array("i", [0])  # of the inputs, once `hold_inputs` was called
        nodes: list[Source] = [z for z in self.held if isinstance(z, Vertex)]  # perhaps nothing uses them
        nodes += latest_first(self.held, inputs)
        uses = (id(x) for z in nodes for x in inputs(z) or [z] if isinstance(x, Vertex))
        self._ids = array("Q", np.unique(np.fromiter(uses, np.uint64)).tobytes())  # a set would take more than all else
        self._places = array("i", [-1]) * len(self._ids)  # of leaves, by their ids
        while nodes:
            z = nodes.pop()
            for x in inputs(z) or [z]:
                if isinstance(x, Vertex) and self.at(x) < 0:
                    self._places[bisect_left(self._ids, id(x))] = len(self.vertices)
                    self._append(x, z.order or sys.maxsize)
            if isinstance(z, Node):
                self._append(z, z.order)
        self.roots = [self.at(z) for z in self.held]

    def _append(self, z: Source, moment: int) -> None:
        self.vertices.append(z)
        self._moments.append(moment)

    def __len__(self) -> int:
        return len(self.vertices)

    def at(self, z: Source) -> int:
        """The place of a node of the computation, or of a leaf, where -1 is that of any other."""
        if isinstance(z, Node):
            return bisect_right(self._moments, z.order) - 1
        i = bisect_left(self._ids, id(z))
        return self._places[i] if i < len(self._ids) and self._ids[i] == id(z) else -1

    @property
    def leaves(self) -> Iterator[tuple[Source, int]]:
        """The leaves and their places, in the order of these."""
        return ((z, v) for v, z in enumerate(self.vertices) if isinstance(z, Vertex))

    def inputs(self, v: int) -> Sequence[int]:
        """The places of the inputs of the vertex at `v`, without arrays and numbers."""
        if v + 1 < len(self._ends):
            return self._links[self._ends[v] : self._ends[v + 1]]
        return array("i", (self.at(x) for x in inputs(self.vertices[v]) if isinstance(x, Source)))

    def hold_inputs(self) -> None:
        """Make `inputs` quicker, for what reads them again and again."""
        for v in range(len(self)):
            self._links.extend(self.inputs(v))
            self._ends.append(len(self._links))

    def is_op(self, v: int) -> bool:
        """Whether an op made it."""
        return isinstance(self.vertices[v], Node)

    def values(self, places: Iterable[int], read: Callable[[int, Any], Any], *, freed: bool = False) -> dict[int, Any]:
        """What `read` makes of each place and its array, of one after the other; None for one that is not held."""
        held = {z: t.data for z, t in self.held.items()}
        sources = (self.vertices[v] for v in places)
        return {self.at(z): x for z, x in values(sources, held, lambda z, x: read(self.at(z), x), freed=freed).items()}

    def is_changed(self, v: int) -> bool:
        """Whether the leaf at `v` was written after its first use."""
        return not self.is_op(v) and writes.since(self.vertices[v].data, self._moments[v])

    def gradient(self, v: int) -> Any:
        """The gradient there as an array; None where there is none."""
        z = self.vertices[v]
        retained = (z.notes or {}).get("retain_grad") if isinstance(z, Node) else None
        holder = retained() if retained else self.held.get(z, z)
        grad = grad_of(holder) if isinstance(holder, Vertex) else None
        return None if grad is None else grad.data


Path = tuple[int, str]  # a root module, by its number, and the dotted path in it


class Homes:
    """The module in which each vertex was made.

    A parameter lies where its module is; an op that takes one belongs there too. What has none (an activation, a
    residual sum) belongs to the deepest module that holds all it came from, from several places in it, or something it
    came from and something it went to.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.modules: dict[Path, Any] = {}
        self.homes: list[Any] = []  # the path of each vertex, or None; empty where there are no modules
        self.buffers: dict[int, str] = {}  # leaves that are statistics, with their names
        self.statistics: dict[str | None, Path] = {}  # by their names, where they are
        self.chains: dict[Any, tuple[Path, ...]] = {}
        self.times: dict[Path, int] = {}  # the number of blocks that each repeated one stands for
        for number, root in enumerate(_roots(record)):
            self.homes = self.homes or [None] * len(record)
            self.modules |= {(number, path): module for path, module in root.named_modules()}
            names: dict[Any, str] = {p: name for name, p in root.named_parameters()}
            statistics: dict[Any, str] = {}  # by name, which a view of one has as well, and by memory
            for name, b in root.named_buffers():
                statistics |= {name: name, id(owner_of(b.data)): name}
                self.statistics[name] = number, _parent(name)
            for leaf, v in record.leaves:
                name = names.get(leaf, "")
                if not leaf.requires_grad:
                    statistic = statistics.get(id(owner_of(leaf.data)), statistics.get(leaf.name))
                    if statistic:
                        name = self.buffers[v] = statistic
                if name:
                    self.homes[v] = number, _parent(name)
        ours = ((path, m) for path, m in self.modules.items() if type(m).__module__.startswith("micrograd_np.nn."))
        self.layers = {path for path, m in ours if not any(m.children())}  # whose ops are known by what they read
        if any(self.homes):
            self._settle(self.homes)

    def _settle(self, homes: list[Any]) -> None:
        """Find the homes of ops: an op with a parameter lies in its module, and the others in between.

        For the calls of modules follow each other, or lie in each other, in the order in which ops were recorded.
        """
        record, none = self.record, [None] * len(self.record)
        record.hold_inputs()
        ops = array("i", (v for v in range(len(record)) if record.is_op(v)))
        uses = Counter(x for v in ops for x in record.inputs(v))
        once = self.layers - {homes[v] for _, v in record.leaves if uses[v] > 1}  # all between is in the call
        turned = set[int]()  # views of leaves
        for v in ops:
            sources = [x for x in record.inputs(v) if not record.is_op(x) or x in turned]
            if record.vertices[v].op.view and len(record.inputs(v)) == 1:
                turned.update([v] * len(sources))
                maker = record.vertices[record.inputs(v)[0]]  # a layer takes its outputs out of all that an lstm makes
                sources += record.inputs(v) if maker.op is not None and maker.op.name == "lstm" else ()
            lost = (self.statistics.get(getattr(x, "name", None)) for x in record.vertices[v].inputs)
            around = [home for home in (*(homes[x] for x in sources), *lost) if home]
            homes[v] = reduce(_common, around) if around else None
        before: list[Any] = [*none]  # the last home before each op, and the next behind it
        behind: list[Any] = [*none]
        last = None
        for v in reversed(ops):
            behind[v] = last = homes[v] or last
        last = None
        ends = homes.copy()  # the home that a branch comes from, through ops of one input
        for v in ops:
            branches = {ends[x] for x in record.inputs(v) if ends[x]}
            if branches and not homes[v]:
                joined, between = reduce(_common, branches), _between(last, behind[v])
                is_deeper = len(joined[1]) > len(between[1])  # of two modules of which one lies in the other
                ends[v] = joined if is_deeper else between
                if len(branches) > 1 and is_deeper:
                    homes[v] = self._outside(joined)
            before[v] = last = homes[v] or last
        last = None
        users: list[Any] = none  # the home around all users
        entering = set[int]()  # what normalizations are of
        for v in reversed(ops):
            last, around = homes[v] or last, users[v]
            if not homes[v] and around and v not in entering and self._normalizes(v, around):
                homes[v] = around
            elif not homes[v]:
                view, between = around and record.vertices[v].op.view, _between(before[v], last)
                homes[v] = between if between in once else self._outside(around if view else between)
            before_this = _FIRST.get(record.vertices[v].op.name, _NORMAL)
            for x in record.inputs(v):
                users[x] = _common(users[x], homes[v]) if users[x] else homes[v]
                if record.vertices[x].name == MASK:
                    homes[x] = homes[v]
                if record.is_op(x) and record.vertices[x].op.name not in before_this:
                    entering.add(x)

    def _outside(self, home: Path) -> Path:
        return (home[0], _parent(home[1])) if home in self.layers else home

    def _normalizes(self, v: int, users: Path) -> bool:
        """Whether the op at `v` is a step of the normalization that a module does before it scales."""
        z = self.record.vertices[v]
        if "Norm" not in type(self.modules.get(users)).__name__ or z.op.name not in _NORMAL:
            return False
        return z.op.name != "add" or any(isinstance(x, float) for x in inputs(z))  # else it is a residual sum

    def splits_heads(self, v: int, x: int) -> bool:
        """Whether the reshape or transpose at `v`, of `x`, is how attention splits heads, joins them, or turns axes."""
        around, before = ([self.modules.get(p) for p in self._paths(u)] for u in (v, x))
        ours = any(around) and type(around[-1]).__module__.startswith("micrograd_np.nn.")
        return ours and any(type(module).__name__ in WHOLE for module in (*around, *before))

    def home(self, v: int) -> Path | None:
        """The module in which the vertex at `v` was made."""
        return self.homes[v] if self.homes else None

    def _paths(self, v: int) -> list[Path]:
        """The modules around `v`, outermost first."""
        home = self.home(v)
        if home is None:
            return []
        parts = home[1].split(".") if home[1] else []
        return [(home[0], ".".join(parts[:k])) for k in range(len(parts) + 1)]

    def chain(self, v: int) -> tuple[Path, ...]:
        """The modules around `v`, outermost first, without mere lists of modules and without the root."""
        home = self.home(v)
        if home not in self.chains:
            self.chains[home] = tuple(p for p in self._paths(v)[1:] if _calls(self.modules.get(p)))
        return self.chains[home]

    def called(self, v: int) -> str | None:
        """The name of a vertex, or that of the buffer that it is a view of; None if the user gave none."""
        return self.buffers.get(v) or self.record.vertices[v].name

    def inside(self, name: str, around: Sequence[Path]) -> str:
        """The name of a module or a parameter, as it is called inside the modules `around`."""
        return name.removeprefix(f"{around[-1][1]}." if around else "")

    def frames(self, around: Sequence[Path]) -> list[tuple[Path, str]]:
        """The modules `around` as frames: with each its name, what it is, and how often it repeats, if it does."""
        frames = []
        for k, path in enumerate(around):
            times = f"   × {self.times[path]}" if path in self.times else ""
            frames.append((path, f"{self.inside(path[1], around[:k])}  {kind_of(self.modules[path])}{times}"))
        return frames


_NN = "micrograd_np.nn.module"  # not imported for a graph without modules
_NORMAL = {"mean", "subtract_mean", "subtract", "square", "var", "add", "sqrt"}
_NORMAL |= {"reciprocal", "multiply", "divide", "sum", "negative"}
_FIRST = {"subtract_mean": set[str](), "mean": {"square"}, "var": set[str](), "square": {"subtract_mean", "subtract"}}
"""First steps of a normalization, each with the ops in it that may come before; anything else is what it is of."""


def turns(z: Source) -> bool:
    """Whether `z` is a transpose of the last two axes."""
    axes = z.static["axes"] if isinstance(z, Node) and z.op.name == "transpose" else ()
    n = len(z.shape)
    return n > 1 and axes in (None, (*range(n - 2), n - 1, n - 2)) and (axes is not None or n == 2)


WHOLE = {"MultiheadAttention"}
"""Modules whose inner modules and reshapes are details of how they compute."""


def kind_of(module: Any) -> str:
    """What a module is, with its sizes: ``Linear(16 → 3)``."""
    name = type(module).__name__
    of: Any = lambda key, default=None: getattr(module, key, default)
    for a, b in (("in_features", "out_features"), ("in_channels", "out_channels"), ("input_size", "hidden_size")):
        if hasattr(module, a) and hasattr(module, b):
            size, layers = of("kernel_size", ()), of("num_layers", 1)
            window = "×".join(map(str, size if isinstance(size, tuple) else (size,)))
            more = [window, f"{layers} layers" * (layers != 1), "both directions" * bool(of("bidirectional"))]
            return f"{name}({', '.join([f'{of(a)} → {of(b)}', *filter(None, more)])})"
    extra = str(module.extra_repr()) if hasattr(module, "extra_repr") else ""
    extra = extra.removesuffix(", inplace=False").removesuffix("inplace=False")
    return f"{name}({extra})" if 0 < len(extra) <= 16 else name


def _calls(module: Any) -> bool:
    """Whether this is a module that computes, not a list or a dict of some."""
    return module is not None and type(module).forward is not sys.modules[_NN].Module.forward


def _roots(record: Record) -> list[Any]:
    """The outermost modules, among those that exist, that hold a leaf of the computation, in the order of first use."""
    alive = list(sys.modules[_NN].alive) if _NN in sys.modules else []
    inner = {id(child) for m in alive for child in m.children()}
    every = ((m, map(record.at, chain(m.parameters(), m.buffers()))) for m in alive)
    leaves = ((m, [v for v in places if v >= 0]) for m, places in every)
    used = {m: places for m, places in leaves if places}
    roots: list[Any] = []
    reached: set[int] = set()
    for m in sorted(used, key=lambda m: (id(m) in inner, used[m])):  # where modules hold each other, all are inner
        if id(m) not in reached:
            roots.append(m)
            reached |= set(map(id, m.modules()))
    return sorted(roots, key=lambda m: min(used[m]))


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


@lru_cache(2**12)
def _common(a: Path, b: Path) -> Path:
    """The deepest module around the two."""
    if a[0] != b[0]:
        return (b[0], "")
    pairs = zip(a[1].split("."), b[1].split("."), strict=False)
    return (a[0], ".".join(x for x, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _between(a: Path | None, b: Path | None) -> Path:
    """The module around what lies between the two."""
    return _common(a, b) if a and b else (0, "")
