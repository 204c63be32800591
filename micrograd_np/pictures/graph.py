"""The picture of a computation graph: what every value is, how it was made, and what is trained."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from micrograd_np.asked import described
from micrograd_np.vertex import Vertex
from micrograd_np.writes import owner_of

from .drawing import Cluster, Drawing, Edge, Node
from .escape import plain, shortened
from .fold import Box, fold
from .formula import constant, formula, rule
from .picture import Picture
from .structure import Homes, Value, read
from .values import subscript, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .structure import Path

__all__ = ["draw"]

_LEGEND = {
    "parameter": "parameter: trained",
    "input": "input",
    "buffer": "buffer: kept, not trained",
    "constant": "constant",
    "value": "value: name = formula,\nshape, numbers",
    "output": "output",
    "module": "module, folded",
    "folded": "several, folded",
}
_ROOM = 200  # nodes up to which "auto" prints values


def draw(
    tensor: Any,
    direction: Any = "TB",
    *,
    values: bool | Literal["auto"] = "auto",
    gradients: bool | Literal["auto"] = "auto",
    depth: int | Literal["auto"] = "auto",
    max_nodes: int = 60,
    formulas: bool = True,
    legend: bool = True,
    backward: bool = False,
    scalars: bool = False,
    name: str = "graph",
) -> Picture:
    """The graph that `tensor`, or a list of tensors, was computed by, as a `Picture`.

    A box says how its value was made, its shape, and its numbers: small arrays in full, large ones as minimum … mean …
    maximum with a histogram; ∂ stands before a gradient. Parameters, inputs, constants and outputs have shapes of their
    own, told by the `legend`. Modules are frames; those deeper than `depth` are one box each, and "auto" goes as deep
    as leaves at most `max_nodes` boxes. Blocks that repeat are drawn once, with their number. `direction` is "TB" from
    top to bottom, or "LR" from left to right. With `backward`, dashed arrows carry the derivative rules; with
    `scalars`, every element is a node, where there are at most 64. `name` begins the ids in an SVG.

    A module is drawn by `draw_network`, which this calls: ``draw(model, input)`` is the same. TypeError for anything
    else.

    >>> from micrograd_np import Tensor
    >>> w = Tensor(3.0, requires_grad=True, name="w")
    >>> picture = draw((w * 2).sigmoid())
    >>> picture
    <Picture of 3 nodes and 2 edges; .save('graph.svg') writes it>
    >>> print(picture.describe())
    w: parameter, () float64 = 3, ∂ not computed yet
    z₁ = w · 2: () float64 = 6
    z₂ = σ(z₁): () float64 = 0.9975
    """
    if hasattr(tensor, "named_modules") and not isinstance(tensor, type):
        from .network import draw_network

        if isinstance(direction, str):
            return draw_network(tensor, direction="LR" if direction == "TB" else direction, legend=legend)
        return draw_network(tensor, direction, legend=legend)
    roots = list(tensor) if isinstance(tensor, (list, tuple)) else [tensor]
    if not roots or not all(isinstance(root, Vertex) for root in roots):
        raise _not_drawn(tensor)
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: direction is {direction!r}; choose TB, LR, BT or RL.")
    if scalars:
        from .scalars import draw_scalars

        return draw_scalars(roots, direction, name)
    graph = _Graph(roots, max_nodes, None if depth == "auto" else depth)
    graph.values = len(graph.drawn) <= _ROOM if values == "auto" else values
    graph.gradients = gradients
    graph.formulas = formulas
    return graph.picture(direction, name, legend=legend, backward=backward)


def _not_drawn(x: Any) -> TypeError:
    if isinstance(x, (list, tuple)):
        found = f"a list of {', '.join(sorted({type(part).__name__ for part in x}))}" if x else "an empty list"
    else:
        found = described(x)
    advice = "call it and draw the tensor that it returns" if callable(x) else "draw a Tensor that was computed"
    if isinstance(x, type):
        return TypeError(f"draw: needs a tensor, a list of tensors or a module, found {found}.")
    return TypeError(f"draw: needs a tensor, a list of tensors or a module, found {found}; {advice}.")


class _Graph:
    """Builds the drawing of one graph."""

    values: bool = True
    gradients: bool | str = "auto"
    formulas: bool = True

    def __init__(self, tensors: Sequence[Vertex], max_nodes: int, depth: int | None) -> None:
        self.order, roots = read(*tensors)
        self.roots = set(roots)
        self.homes = Homes(self.order)
        self.same = _unwritten(self.order, self.roots, self.homes)
        self.order = [v for v in self.order if v not in self.same]
        self.folding = fold(self.order, self.homes, depth, max_nodes, roots)
        self.drawn = list(self.folding.drawn())
        self.ids: dict[Any, str] = {}
        self.names: dict[Value, str] = {}
        self.counts: Counter[str] = Counter()
        self.nodes: list[tuple[tuple[Path, ...], Node]] = []
        self.edges: dict[tuple[str, str, str], None] = {}
        self.lines: list[str] = []
        dtypes = {v.dtype for v in self.order}
        self.dtype = dtypes.pop() if len(dtypes) == 1 else None  # of all of them
        self.computed = any(v.grad is not None for v in self.order)
        self.lost = False

    # names

    def called(self, v: Any) -> str:
        """What a vertex is called in formulas: its own name, or a letter with a number in the order of drawing."""
        v = self.seen(v)
        place = self.folding.place[v]
        if isinstance(place, Box):
            return f"‹{self.homes.name(place.path, place.around)}›" if place.path is not None else "‹…›"
        v = place
        if v not in self.names:
            letter = "x" if v.op is None else "z"
            if v.name:
                self.names[v] = shortened(self.short(v))
            else:
                self.counts[letter] += 1
                self.names[v] = f"{letter}{subscript(self.counts[letter])}"
        return self.names[v]

    def short(self, v: Value) -> str:
        """The name of a parameter without the module around it, which its frame says."""
        path = self.homes.chain(v)[-1:] if v.op is None else ()
        prefix = f"{path[0][1]}." if path else ""
        assert v.name is not None
        return v.name.removeprefix(prefix)

    def seen(self, v: Any) -> Any:
        """The vertex that is drawn for `v`: what a reshape that changes nothing was given."""
        while v in self.same:
            v = self.same[v]
        return v

    def formula(self, v: Value) -> str:
        """How `v` was made."""
        if not v.inputs:
            return f"{v.op.name}(…)"
        return formula(v.op, [self.called(x) if isinstance(x, Value) else constant(x) for x in v.inputs], v.static)

    # nodes

    def picture(self, direction: str, name: str, *, legend: bool, backward: bool) -> Picture:
        """All of it."""
        for i, item in enumerate(self.drawn):
            self.ids[item] = f"n{i}"
        for item in self.drawn:
            around = item.around if isinstance(item, Box) else self.homes.chain(item)
            self.nodes.append((around, self.box(item) if isinstance(item, Box) else self.node(item)))
        rules: list[Edge] = []
        for v in self.order:
            self.connect(v)
            if backward and self.folding.place[v] is v:
                rules += self.rules(v)
        drawing = Drawing(name, direction)
        clusters: dict[Path, Cluster] = {}
        for around, node in self.nodes:
            self.cluster(drawing, clusters, around).append(node)
        drawing.edges = [Edge(tail, head, text=text) for tail, head, text in self.edges] + rules
        if legend:
            _add_legend(drawing, self.notes(backward=backward))
        return Picture(drawing, self.lines)

    def cluster(self, drawing: Drawing, clusters: dict[Path, Cluster], around: tuple[Path, ...]) -> list[Node]:
        """The list of nodes of the innermost frame, which is made if need be."""
        nodes, inside = drawing.nodes, drawing.clusters
        for path in around:
            if path not in clusters:
                times = self.folding.times.get(path, 1)
                text = self.homes.title(path, around[: around.index(path)]) + (f"   × {times}" if times > 1 else "")
                clusters[path] = Cluster(f"m{len(clusters)}", text)
                inside.append(clusters[path])
            nodes, inside = clusters[path].nodes, clusters[path].clusters
        return nodes

    def node(self, v: Value) -> Node:
        """One value: how it was made, its shape and numbers, its gradient."""
        called = self.called(v)
        kind = self.kind(v)
        head = called
        if v.op is not None:
            told = self.formula(v)
            head = f"{called} = {told}" if self.formulas else f"{called}  {v.op.name}"
        self.lost |= not v.kept or v.data is None
        shape = str(v.shape)
        sized = " ".join(part for part in (shape if v.shape else "", "" if self.dtype else v.dtype) if part)
        numbers = "" if not self.values else "not kept" if v.data is None else summary(v.data)
        grad = self.gradient(v)
        where = v.origin
        place = plain(f"{where}: {where.source}") if where else ""
        role = f"{kind}, " if v.op is None else ""
        full = plain(v.name) if v.op is None and v.name else head  # where no frame says the module
        words = [f"{full}: {role}{shape} {v.dtype}", numbers and f" = {numbers}", grad and f", {grad}"]
        self.lines.append("".join(words).replace("\n", " ") + (f"   [{place}]" if place else ""))
        return Node(
            self.ids[v],
            "\n".join(part for part in (head, sized, numbers, grad) if part),
            kind,
            place or (full if full != head else ""),
        )

    def kind(self, v: Value) -> str:
        """Which shape a value has."""
        if v.op is not None:
            return "output" if v in self.roots else "value"
        if v.requires_grad:
            return "parameter"
        return "buffer" if v.buffer else "input"

    def gradient(self, v: Value) -> str:
        """The gradient of a value, or that there is none yet, or none any more."""
        if self.gradients is False or not v.requires_grad:
            return ""
        if v.grad is not None:
            return f"∂ {summary(v.grad)}"
        if v.op is None:
            return "∂ not computed yet"
        if self.gradients is True:
            return "∂ not kept: retain_grad()" if self.computed else "∂ not computed yet"
        return ""

    def box(self, box: Box) -> Node:
        """Several values in one."""
        ops = [v for v in box.vertices if v.op is not None]
        last = max(box.vertices, key=lambda v: v.order)
        if box.path is not None:
            times = self.folding.times.get(box.path, 1)
            text = self.homes.title(box.path, box.around) + (f"   × {times}" if times > 1 else "")
            text += f"\n→ {last.shape}"
        else:
            common: Any = Counter(v.op.name for v in ops if v.op).most_common(3)
            text = f"{len(ops):,} ops in between\n{', '.join(f'{n:,} {name}' for name, n in common)}"
            text = text if ops else f"{len(box.vertices):,} more"
        own = [v for v in box.vertices if v not in self.folding.twins]
        trained = sum(prod(v.shape) for v in own if v.op is None and v.requires_grad)
        text += f"\n{trained:,} parameters" if trained else ""
        self.lines.append(text.replace("\n", " ").replace("   ", " "))
        return Node(self.ids[box], text, "folded" if box.path is None else "module", self.lines[-1])

    # edges

    def connect(self, v: Value) -> None:
        """The arrows into `v`, from where its inputs are drawn; constants get nodes of their own."""
        place = self.folding.place[v]
        for raw in v.inputs:
            x = self.seen(raw) if isinstance(raw, Value) else raw
            if isinstance(x, Value):
                source = self.folding.place[x]
                if source is not place and not self.folding.onward(x, v):
                    self.edges[self.ids[source], self.ids[place], ""] = None
            elif np.ndim(x) and place is v:
                self.constant(x, v)

    def constant(self, x: Any, v: Value) -> None:
        """An array that was given as it is."""
        key = id(x)
        if key not in self.ids:
            self.ids[key] = f"a{len(self.ids)}"
            dtype = "" if self.dtype == str(x.dtype) else f" {x.dtype}"
            text = f"array\n{x.shape}{dtype}" + (f"\n{summary(x)}" if self.values else "")
            self.nodes.append((self.homes.chain(v), Node(self.ids[key], text, "constant", text.replace("\n", " "))))
        self.edges[self.ids[key], self.ids[v], ""] = None

    def rules(self, v: Value) -> list[Edge]:
        """Dashed arrows from `v` back to its inputs, with what becomes of the gradient g that arrives."""
        if not v.requires_grad or v.data is None:
            return []
        found = []
        for i, raw in enumerate(v.inputs):
            x = self.seen(raw) if isinstance(raw, Value) else None
            if isinstance(x, Value) and x.requires_grad and self.folding.place[x] is x:
                text = rule(v, i, self.called)
                if text:
                    found.append(Edge(self.ids[v], self.ids[x], "gradient", text))
        return found

    def notes(self, *, backward: bool) -> list[str]:
        """What the legend says in words."""
        found = [f"all are {self.dtype}"] if self.dtype else []
        if any(v.requires_grad for v in self.order) and self.gradients is not False:
            found.append("∂: gradient of the output")
        if self.lost:
            found.append("…: not kept after backward();\nbackward(retain_graph=True) keeps it")
        if backward:
            found.append("dashed: g arrives, and\nthis is passed back")
        return found


def _unwritten(order: Sequence[Value], roots: set[Value], homes: Homes) -> dict[Any, Value]:
    """What nobody wrote, each with what it was made of: reshapes that change nothing or fit a parameter, and views."""
    found: dict[Any, Value] = {}
    owners: dict[int, Value] = {}
    for v in order:
        if v.op is not None and v.op.name == "reshape" and v.inputs and v not in roots:
            x = v.inputs[0]
            if isinstance(x, Value) and (x.shape == v.shape or (x.op is None and homes.chain(x))):
                found[v] = x
        elif v.op is None and not v.requires_grad:
            first = owners.setdefault(id(owner_of(v.data)), v)
            if first.name is None and v.name is not None:
                owners[id(owner_of(v.data))] = v
    for v in order:
        if v.op is None and not v.requires_grad and not v.name:
            first = owners[id(owner_of(v.data))]
            if first is not v and prod(first.shape) == prod(v.shape):
                found[v] = first
    return found


def _add_legend(drawing: Drawing, notes: list[str]) -> None:
    """A frame with a sample of each kind that occurs, and notes."""
    kinds = {node.kind for node in drawing.every_node()}
    samples = [Node(f"l{i}", text, kind) for i, (kind, text) in enumerate(_LEGEND.items()) if kind in kinds]
    if notes:
        samples.append(Node("l", "\n".join(notes), "text"))
    drawing.legend = Cluster("legend", "legend", samples)
    if drawing.direction in {"TB", "BT"}:  # else they stand in a column anyway
        drawing.edges += [Edge(a.id, b.id, "order") for a, b in pairwise(samples)]
