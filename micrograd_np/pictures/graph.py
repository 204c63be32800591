"""The picture of a computation graph: what every value is, how it was made, and what is trained."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from micrograd_np.core.messages import describe_value
from micrograd_np.core.values import inputs
from micrograd_np.core.vertex import Source, Vertex
from micrograd_np.core.writes import owner_of
from micrograd_np.debug.explain import Pulled, or_zeros, rule_of, symbols_of
from micrograd_np.debug.origin import origin_of
from micrograd_np.engine.backward import is_gone
from micrograd_np.engine.symbol import Symbol

from .drawing import Drawing, Edge, Node, missing
from .drawing import legend as _legend
from .escape import plain, shortened
from .fold import Folding
from .formula import constant, formula, spoken
from .picture import Picture
from .structure import Homes, read
from .values import subscript, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .fold import Box
    from .structure import Path, Record

__all__ = ["draw"]

_ROOM = 200  # nodes up to which "auto" prints values


def draw(
    tensor: Any,
    /,
    *given: Any,
    direction: str | None = None,
    values: bool | Literal["auto"] = "auto",
    gradients: bool | Literal["auto"] = "auto",
    depth: int | Literal["auto"] = "auto",
    max_nodes: int = 60,
    formulas: bool = True,
    legend: bool = True,
    backward: bool = False,
    scalars: bool = False,
    name: str = "graph",
    **network: Any,
) -> Picture:
    """The graph that `tensor`, or a list of tensors, was computed by, as a `Picture`.

    A box says how its value was made, its shape, and its numbers: small arrays in full, large ones as minimum … mean …
    maximum with a histogram; ∂ stands before a gradient: of leaves, of results that keep it by ``retain_grad()``, and
    of all after ``backward(retain_graph=True)``, if `gradients` is True. Parameters, inputs, constants and outputs have
    shapes of their own, told by the `legend`. Modules are frames; those deeper than `depth` are one box each, and
    "auto" goes as deep as leaves at most `max_nodes` boxes. Blocks that repeat are drawn once, with their number.
    `direction` is "TB" from top to bottom, or "LR" from left to right, also as ``draw(tensor, "LR")``. With `backward`,
    dashed arrows carry the derivative rules; with `scalars`, every element is a node, where there are at most 64.
    `name` begins the ids in an SVG.

    A module is drawn by `draw_network`, and takes what that takes: ``draw(model, input, target)``. TypeError for
    anything else, and for a setting of the one kind of picture where the other is drawn.

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
    if given and isinstance(given[0], str) and direction is None:
        direction, *given = given  # type: ignore[assignment]
    if hasattr(tensor, "named_modules") and not isinstance(tensor, type):
        from .network import draw_network

        settings = {"values": values, "gradients": gradients, "depth": depth, "max_nodes": max_nodes}
        settings |= {"formulas": formulas, "backward": backward, "scalars": scalars}
        if changed := [key for key, value in settings.items() if value != draw.__kwdefaults__[key]]:  # type: ignore[index]
            raise TypeError(f"draw: {changed[0]} is for graphs, and this is a module; draw what it returns.")
        return draw_network(tensor, *given, direction=direction, legend=legend, name=name, **network)
    roots = list(tensor) if isinstance(tensor, (list, tuple)) else [tensor]
    if not roots or not all(isinstance(root, Vertex) for root in roots):
        raise _not_drawn(tensor)
    if given or network:
        what = next(iter(network), "an input")
        raise TypeError(f"draw: {what} is for modules, found a {type(tensor).__name__}; leave it out.")
    direction = "TB" if direction is None else direction
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"draw: direction is {direction!r}; choose TB, LR, BT or RL.")
    if scalars:
        from .scalars import draw_scalars

        return draw_scalars(roots, Drawing(name, direction), legend=legend)
    graph = _Graph(roots, max_nodes, None if depth == "auto" else depth, gradients, formulas=formulas)
    if values is True or (values == "auto" and len(graph.drawn) <= _ROOM):
        graph.read_values()
    return graph.picture(Drawing(name, direction), legend=legend, backward=backward)


def _not_drawn(x: Any) -> TypeError:
    if isinstance(x, (list, tuple)):
        found = f"a list of {', '.join(sorted({type(part).__name__ for part in x}))}" if x else "an empty list"
    else:
        found = describe_value(x)
    advice = "call it and draw the tensor that it returns" if callable(x) else "draw a Tensor that was computed"
    if isinstance(x, type):
        return TypeError(f"draw: needs a tensor, a list of tensors or a module, found {found}.")
    return TypeError(f"draw: needs a tensor, a list of tensors or a module, found {found}; {advice}.")


class _Graph:
    """Builds the drawing of one graph. A vertex is known by its place in the record, a box by that in the folding."""

    def __init__(
        self, tensors: Sequence[Vertex], max_nodes: int, depth: int | None, gradients: bool | str, *, formulas: bool
    ) -> None:
        self.gradients, self.formulas = gradients, formulas
        self.record = read(*tensors)
        self.vertices = self.record.vertices
        self.homes = Homes(self.record)
        self.same = _unwritten(self.record, self.homes)
        self.folding = Folding(self.record, self.homes, self.same, depth, max_nodes)
        self.drawn = list(dict.fromkeys(self.folding.place))
        self.numbers: dict[int, str] | None = None  # what is said of each value, if they are
        self.names: dict[int, str] = {}
        self.counts: Counter[str] = Counter()
        self.arrays: dict[int, str] = {}  # the ids of those that were given as they are
        self.lines: list[str] = []
        dtypes = {z.dtype for v, z in enumerate(self.vertices) if v not in self.same}
        self.dtype = str(dtypes.pop()) if len(dtypes) == 1 else None  # of all of them
        self.computed = any(self.record.gradient(v) is not None for v in self.drawn if v >= 0)
        self.pulled: dict[int, str] = {}  # what is said of the gradients that the walk brought again
        self.gone = any(map(is_gone, self.vertices))
        if gradients is True and self.computed and not self.gone:
            self.pull(*tensors)

    def pull(self, root: Any, *others: Vertex) -> None:
        """Note the gradients of results, if there is one way to them: from a single number."""
        if not others and root.requires_grad and root.data.size == 1:
            with suppress(RuntimeError):  # what a rule reads was written since
                Pulled(self.vertices, self.arrived).walk(root, np.ones_like(root.data), lambda *_: None)

    def arrived(self, z: Source, _i: int, g: Any, _gx: Any) -> None:
        """One rule has run."""
        v = self.record.at(z)
        if self.folding.place[v] == v and v not in self.pulled:
            self.pulled[v] = summary(g)

    def read_values(self) -> None:
        """Note what is said of the values, of which none is held."""
        drawn = [v for v in self.drawn if v >= 0]
        self.numbers = {v: "not kept" if x is None else summary(x) for v, x in self.record.values(drawn)}

    # names

    def called(self, x: Source) -> str:
        """What a vertex is called in formulas: its own name, or a letter with a number in the order of drawing."""
        v = self.folding.place[self.record.at(x)]
        if v < 0:
            box = self.folding.boxes[~v]
            return f"‹{self.homes.inside(box.path[1], box.around)}›" if box.path is not None else "‹…›"
        if v not in self.names:
            name = self.homes.called(v)
            if name:
                around = () if self.record.is_op(v) else self.homes.chain(v)[-1:]  # which its frame says
                self.names[v] = shortened(self.homes.inside(name, around))
            else:
                letter = "z" if self.record.is_op(v) else "x"
                self.counts[letter] += 1
                self.names[v] = f"{letter}{subscript(self.counts[letter])}"
        return self.names[v]

    def formula(self, z: Any) -> str:
        """How `z` was made."""
        told = [self.called(x) if isinstance(x, Source) else constant(x) for x in inputs(z)]
        return formula(z.op, told, z.static) if told else f"{spoken(z.op)}(…)"

    # nodes

    def picture(self, drawing: Drawing, *, legend: bool, backward: bool) -> Picture:
        """All of it."""
        for at in self.drawn:
            box = self.folding.boxes[~at] if at < 0 else None
            around = box.around if box else self.homes.chain(at)
            drawing.inside(self.frames(around)).append(self.box(at, box) if box else self.node(at))
        drawing.edges = [Edge(_id(tail), _id(head)) for tail, head in dict.fromkeys(self.arrows())]
        for v in self.drawn:
            for x in inputs(self.vertices[v]) if v >= 0 else ():
                if _has_place(x) and not isinstance(x, Source):
                    self.constant(x, v, drawing)
            if v >= 0 and backward:
                drawing.edges += self.rules(v)
        drawing.note = missing(drawing, spent=self.gone)
        if legend:
            drawing.legend = _legend(drawing, *self.notes(backward=backward))
        return Picture(drawing, self.lines)

    def frames(self, around: Sequence[Path]) -> Iterator[tuple[Path, str]]:
        """The frames of the modules `around`, outermost first."""
        for k, path in enumerate(around):
            yield path, self.title(path, around[:k])

    def title(self, path: Path, around: Sequence[Path]) -> str:
        """What stands over a module, and how often it repeats."""
        times = self.folding.times.get(path, 1)
        return self.homes.title(path, around) + (f"   × {times}" if times > 1 else "")

    def node(self, v: int) -> Node:
        """One value: how it was made, its shape and numbers, its gradient."""
        z = self.vertices[v]
        head = self.called(z)
        if z.op is not None:
            kind = "output" if v in self.record.roots else "value"
            head += f" = {self.formula(z)}" if self.formulas else f"  {spoken(z.op)}"
        elif v in self.homes.buffers or hasattr(z, "persistent"):
            kind = "buffer"
        else:
            kind = "parameter" if z.requires_grad else "input"
        shape, dtype = str(z.shape), str(z.dtype)
        sized = " ".join(part for part in (shape if z.shape else "", "" if self.dtype else dtype) if part)
        numbers = "" if self.numbers is None else self.numbers[v]
        grad = self.gradient(v, z)
        where = origin_of(z)
        place = plain(f"{where}: {where.source}") if where else ""
        name = self.homes.called(v)
        full = plain(name) if z.op is None and name else head  # where no frame says the module
        role = f"{kind}, " if z.op is None else ""
        words = [f"{full}: {role}{shape} {dtype}", numbers and f" = {numbers}", grad and f", {grad}"]
        self.lines.append("".join(words).replace("\n", " ") + (f"   [{place}]" if place else ""))
        text = "\n".join(part for part in (head, sized, numbers, grad) if part)
        return Node(_id(v), text, kind, place or (full if full != head else ""))

    def gradient(self, v: int, z: Source) -> str:
        """The gradient of a value, or that there is none yet, or none any more."""
        if self.gradients is False or not z.requires_grad:
            return ""
        grad = self.record.gradient(v)
        told = self.pulled.get(v) if grad is None else summary(grad)
        if told:
            return f"∂ {told}"
        if z.op is not None and self.gradients is not True:
            return ""
        return "∂ not kept: retain_grad()" if z.op is not None and self.computed else "∂ not computed yet"

    def box(self, at: int, box: Box) -> Node:
        """Several values in one."""
        count = box.ops.total()
        if box.path is not None:
            text = f"{self.title(box.path, box.around)}\n→ {box.shape}"
        elif count:
            common = ", ".join(f"{n:,} {name}" for name, n in box.ops.most_common(3))
            text = f"{count:,} ops in between\n{common}"
        else:
            text = f"{box.leaves:,} more"
        text += f"\n{box.trained:,} parameters" if box.trained else ""
        self.lines.append(text.replace("\n", " ").replace("   ", " "))
        return Node(_id(at), text, "folded" if box.path is None else "module", self.lines[-1])

    # edges

    def arrows(self) -> Iterator[tuple[int, int]]:
        """From where to where arrows go, some of them several times."""
        place = self.folding.place
        for v, head in enumerate(place):
            for x in self.record.inputs(v) if v not in self.same else ():
                if place[x] != head and not self.folding.onward(x, v):
                    yield place[x], head

    def constant(self, x: Any, v: int, drawing: Drawing) -> None:
        """An array that was given as it is, and the arrow from it."""
        if id(x) not in self.arrays:
            self.arrays[id(x)] = f"a{len(self.arrays)}"
            dtype = "" if self.dtype == str(x.dtype) else f" {x.dtype}"
            text = f"array\n{x.shape}{dtype}" + ("" if self.numbers is None else f"\n{summary(x)}")
            node = Node(self.arrays[id(x)], text, "constant", text.replace("\n", " "))
            drawing.inside(self.frames(self.homes.chain(v))).append(node)
        drawing.edges.append(Edge(self.arrays[id(x)], _id(v)))

    def rules(self, v: int) -> list[Edge]:
        """Dashed arrows from `v` back to its inputs, with what becomes of the gradient g that arrives."""
        z: Any = self.vertices[v]
        given = inputs(z)
        names = {id(x): self.called(x) if isinstance(x, Source) else "array" for x in given if _has_place(x)}
        data = {x: x.data if isinstance(x.data, np.ndarray) else None for x in (z, *given) if isinstance(x, Source)}
        symbols = symbols_of(given, names, data)
        result, g = (Symbol(name, or_zeros(data[z], z)) for name in (self.called(z), "g"))
        found = []
        for i, x in enumerate(given):
            at = self.folding.place[self.record.at(x)] if isinstance(x, Source) and x.requires_grad else -1
            if at >= 0 and z.op.rules[min(i, len(z.op.rules) - 1)] is not None:
                text = shortened(rule_of(z, i, g, result, symbols)[0], 90)
                found.append(Edge(_id(v), _id(at), "gradient", text))
        return found

    def notes(self, *, backward: bool) -> list[str]:
        """What the legend says in words."""
        found = [f"all are {self.dtype}"] if self.dtype else []
        if any(z.requires_grad for z in self.vertices) and self.gradients is not False:
            found.append("∂: gradient of the output")
        if backward:
            found.append("dashed: what is passed back where g arrives")
        return found


def _has_place(x: Any) -> bool:
    """Whether an input is a node of its own, not a number in a formula."""
    return isinstance(x, Source) or np.ndim(x) > 0


def _id(at: int) -> str:
    return f"n{at}" if at >= 0 else f"b{~at}"


def _unwritten(record: Record, homes: Homes) -> Mapping[int, int]:
    """What nobody wrote, each with what it was made of: reshapes that change nothing or fit a parameter, and views."""
    found: dict[int, int] = {}
    owners: dict[int, int] = {}
    plain = [v for v in record.leaves.values() if not record.vertices[v].requires_grad]
    for v in plain:
        owner = id(owner_of(record.vertices[v].data))
        if owner not in owners or (homes.called(v) and not homes.called(owners[owner])):
            owners[owner] = v
    for v in plain:
        z = record.vertices[v]
        first = owners[id(owner_of(z.data))]
        if first != v and not homes.called(v) and prod(record.vertices[first].shape) == prod(z.shape):
            found[v] = first
    for v, z in enumerate(record.vertices):
        if z.op is not None and z.op.name == "reshape" and v not in record.roots:
            for x in record.inputs(v):
                if record.vertices[x].shape == z.shape or (not record.is_op(x) and homes.chain(x)):
                    found[v] = found.get(x, x)
    return found
