"""The picture of a computation graph: its values, the ops between them, and the modules that hold them."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any, Literal
from weakref import ref

import numpy as np

from micrograd_np.core.messages import describe_value
from micrograd_np.core.values import inputs
from micrograd_np.core.vertex import Source, Vertex
from micrograd_np.core.writes import owner_of, writes
from micrograd_np.debug.explain import Pulled, or_zeros, outer_parts, rule_of, summed, summed_axes, symbols_of
from micrograd_np.debug.origin import origin_of
from micrograd_np.engine.backward import is_freed
from micrograd_np.engine.symbol import Symbol
from micrograd_np.functional.dropout import MASK

from .drawing import CHANGED, Drawing, Edge, Node, check
from .fold import Folding
from .network import draw_network
from .picture import Picture
from .scalars import draw_scalars
from .structure import Homes, Record, turns
from .text import BARS, Names, constant, formula, op_name, plain, shortened, summary

_NO_GRAPH = "no graph: nothing requires a gradient here, or no_grad() or a compiled step kept no record"
_NO_MODEL = "no frames: the model is gone; hold it in a variable"
_STACKED, _OTHERWISE = 1, 2  # how a vertex is used
_ROOM = 200  # nodes up to which "auto" prints values
_DEFAULT = "".join("TB")  # not the "TB" that a user writes: a graph runs that way, a network as `draw_network` chooses


def draw(
    tensor: Any,
    /,
    *more: Any,
    direction: str = _DEFAULT,
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
    maximum with a histogram; ``.grad`` of leaves, and of results that keep it by ``retain_grad()``. If `gradients` is
    True, ∂ is the gradient of the output, of all after ``backward(retain_graph=True)``. Parameters, inputs, constants
    and outputs have shapes of their own, told by the `legend`. Modules are frames; those deeper than `depth` are one
    box each, and "auto" goes as deep as leaves at most `max_nodes` boxes, of which at most two in five follow each
    other. Blocks that repeat are drawn once, with their number and the numbers of the first.
    `direction` is "TB" from top to bottom, or "LR", "BT", "RL", also as ``draw(tensor, "LR")``. With `backward`,
    dashed arrows carry the derivative rules, with the sums that undo broadcasting; with `scalars`, every element is a
    node, where there are at most 64.
    `name` begins the ids in an SVG.

    A module is drawn by `draw_network`, and takes what that takes: ``draw(model, input, target)``. TypeError for
    anything else, and for a setting of the one kind of picture where the other is drawn; ValueError for a setting
    that is none of these.

    >>> from micrograd_np import Tensor
    >>> w = Tensor(3.0, requires_grad=True, name="w")
    >>> picture = draw((w * 2).sigmoid())
    >>> picture
    <Picture of 3 nodes and 2 edges; .save('graph.svg') writes it>
    >>> print(picture.describe())
    w: parameter, () float64 = 3, .grad not computed yet
    z₁ = w · 2: () float64 = 6
    z₂ = σ(z₁): () float64 = 0.9975
    """
    if more and isinstance(more[0], str) and direction is _DEFAULT:
        direction, *more = more  # type: ignore[assignment]
    settings: dict[str, Any] = {"values": values, "gradients": gradients, "depth": depth, "max_nodes": max_nodes}
    settings |= {"formulas": formulas, "backward": backward, "scalars": scalars}
    check("draw", direction=direction, legend=legend, name=name, **settings)
    changed = next((key for key, x in settings.items() if x != draw.__kwdefaults__[key]), None)  # type: ignore[index]
    if scalars and changed != "scalars":
        raise TypeError(f"draw: {changed} is for graphs of tensors, and scalars=True draws numbers; leave one out.")
    if hasattr(tensor, "named_modules") and not isinstance(tensor, type):
        if changed:
            raise TypeError(f"draw: {changed} is for graphs, and this is a module; draw what it returns.")
        way = None if direction is _DEFAULT else direction
        return draw_network(tensor, *more, direction=way, legend=legend, name=name, **network)
    roots = list(tensor) if isinstance(tensor, (list, tuple)) else [tensor]
    if not roots or not all(isinstance(root, Vertex) for root in roots):
        raise TypeError(f"draw: needs a tensor, a list of tensors or a module, found {_undrawable(tensor)}.")
    if more or network:
        what = next(iter(network), "an input")
        raise TypeError(f"draw: {what} is for modules, found a {type(tensor).__name__}; leave it out.")
    drawing = Drawing(name=name, direction=direction)
    if scalars:
        draw_scalars(roots, drawing, legend=legend)
    else:
        _Graph(roots, drawing, settings).draw(legend=legend)
    return Picture(drawing)


def _undrawable(x: Any) -> str:
    """What `x` is, and what to draw instead."""
    what = describe_value(x)
    if isinstance(x, (list, tuple)):
        what = f"a list of {', '.join(sorted({type(part).__name__ for part in x}))}" if x else "an empty list"
    instead = "call it and draw the tensor that it returns" if callable(x) else "draw a Tensor that was computed"
    return what if isinstance(x, type) else f"{what}; {instead}"


class _Graph:
    """Draws one graph. A vertex is known by its place in the record, a box by that in the folding."""

    def __init__(self, tensors: Sequence[Vertex], drawing: Drawing, settings: Mapping[str, Any]) -> None:
        self.drawing, self.settings = drawing, settings
        values, self.gradients, depth = settings["values"], settings["gradients"], settings["depth"]
        self.record = Record(tensors)
        self.vertices = self.record.vertices
        self.homes = Homes(self.record)
        self.outer = outer_parts(self.vertices)
        self.same = _unwritten(self.record, self.homes, self.outer)
        level = None if depth == "auto" else depth
        self.folding = Folding(self.record, self.homes, self.same, level, settings["max_nodes"])
        self.places = list(dict.fromkeys(self.folding.place))  # of what is drawn, each once
        self.drawn = [v for v in self.places if v >= 0]
        self.valued = values is True or (values == "auto" and len(self.places) <= _ROOM)
        said = lambda v, x: self.values(x, is_changed=self.record.is_changed(v))
        self.numbers = self.record.values(self.drawn, said) if self.valued else {}  # one array is held at a time
        self.names: dict[int, str] = {}
        self.labels = Names()
        named = {z.name: v for z, v in self.record.leaves if z.name and not z.requires_grad}
        self.arrays: dict[Any, str] = {name: _id(self.folding.place[v]) for name, v in named.items()}
        # the node of each array that an op was applied to, by its id, or by its name if it is lost
        dtypes = {z.dtype for v, z in enumerate(self.vertices) if self.same[v] == v}
        self.dtype = str(dtypes.pop()) if len(dtypes) == 1 else None  # that all values have
        self.freed = any(map(is_freed, self.vertices))
        arrived = {v: g for v in self.drawn if (g := self.record.gradient(v)) is not None}
        self.computed = bool(arrived)  # whether a backward pass has run
        shown = {v: g for v, g in arrived.items() if self.gradients is not False and self.vertices[v].requires_grad}
        self.grads = {v: f".grad {summary(g)}" for v, g in shown.items()}
        if self.gradients is True and self.computed and not self.freed:
            self.pull(*tensors)

    def pull(self, root: Any, *others: Vertex) -> None:
        """Compute all gradients anew, if the root is one tensor of one element."""
        pulled: dict[int, str] = {}

        def delivered(x: Source, g: Any) -> None:
            if self.folding.place[v := self.record.at(x)] == v:
                pulled.setdefault(v, f"∂ {summary(g)}")

        if not others and root.requires_grad and root.data.size == 1:
            with suppress(RuntimeError):  # an array that a rule reads was written since
                walk = Pulled(self.vertices, lambda z, _i, g, _gx: delivered(z, g))
                walk.walk(root, np.ones_like(root.data), delivered)
                self.grads |= pulled

    # names

    def name(self, x: Source) -> str:
        """What a vertex is called in formulas: its own name, or a letter with a number in the order of drawing."""
        at = self.record.at(x)
        block, v = self.folding.block(at), self.folding.place[at]
        if block is not None:  # whose numbers are not drawn
            return self.homes.called(at) or f"‹{block[1]}›"
        if v < 0:
            box = self.folding.boxes[~v]
            return f"‹{self.homes.inside(box.modules[-1][1], box.modules[:-1])}›" if box.modules else "‹…›"
        if v not in self.names and (name := self.homes.called(v)):
            around = self.homes.chain(v)[-1:]
            inside = self.homes.inside(name, () if self.record.is_op(v) else around)  # the frame shows its name
            self.names[v] = self.labels.own(shortened(inside), around)
        elif v not in self.names:
            self.names[v] = self.labels.numbered("z" if self.record.is_op(v) else "x")
        return self.names[v]

    def formula(self, z: Any) -> str:
        """The formula of the op that made `z`."""
        sources = inputs(z)
        names = [self.input_name(z, i, x) for i, x in enumerate(sources)]
        if any(isinstance(x, Source) and x in self.outer for x in sources):
            return " ⊗ ".join(names)
        return formula(z.op, names, z.static) if names else f"{op_name(z.op)}(…)"

    def input_name(self, z: Any, i: int, x: Any) -> str:
        """What the input `i` of `z` is called; an array by the name it had, or as the op calls this input."""
        if isinstance(x, Source):
            v = self.record.at(x)
            turned = self.same[v] != v and turns(x)  # else the transpose has a node of its own
            return self.name(x) + ("ᵀ" if turned else "")
        if x is not None and not np.ndim(x):
            return constant(x)
        name, role = getattr(z.inputs[i], "name", None), z.op.inputs[min(i, len(z.op.inputs) - 1)]
        if name:
            return shortened(self.homes.inside(name, self.homes.chain(self.record.at(z))[-1:]))
        if i == 0 and self.homes.home(self.record.at(z)) in self.homes.layers:
            return "input"
        return role if len(role) > 1 and i < z.op.fixed else constant(x)

    # nodes

    def draw(self, *, legend: bool) -> None:
        """Draw nodes, then arrows, then the legend."""
        for at in self.places:
            self.drawing.put(self.node(at) if at >= 0 else self.box(at), self.folding.frames(at))
        self.drawing.edges = [Edge(_id(tail), _id(head)) for tail, head in self.folding.arrows()]
        for v in self.drawn:
            z = self.vertices[v]
            for i, x in enumerate(inputs(z)):
                if not isinstance(x, Source) and (np.ndim(x) or (x is None and isinstance(z.inputs[i], ref))):
                    self.constant(x, v, i)
            if self.settings["backward"]:
                self.drawing.edges += self.rules(v)
        record, homes = self.record, self.homes
        lone = any(v in record.roots and not z.requires_grad for z, v in record.leaves)
        homeless = any(z.requires_grad and "." in (z.name or "") and not homes.home(v) for z, v in record.leaves)
        self.drawing.explain(
            f"all are {self.dtype}" if self.dtype else "",
            "dashed: what is passed back where g arrives" if self.settings["backward"] else "",
            legend=legend,
            freed=self.freed,
            remarks=[_NO_GRAPH] * lone + [_NO_MODEL] * homeless,
        )

    def node(self, v: int) -> Node:
        """The node of one value: its formula, its shape and numbers, its gradient, or why there is none."""
        z, name, grad = self.vertices[v], self.homes.called(v), self.grads.get(v, "")
        title = self.name(z)
        if z.op is not None:
            kind = "output" if v in self.record.roots else "value"
            title += f" = {self.formula(z)}" if self.settings["formulas"] else f"  {op_name(z.op)}"
        else:
            trained = "parameter" if z.requires_grad else "constant" if name == MASK else "input"
            kind = "buffer" if v in self.homes.buffers or hasattr(z, "persistent") else trained
        if not grad and z.requires_grad and self.gradients is not False and (z.op is None or self.gradients is True):
            grad = f".grad not {'kept: retain_grad()' if z.op is not None and self.computed else 'computed yet'}"
        full = plain(name) if z.op is None and name else title  # with the module that a frame shows in the picture
        return self.value(_id(v), kind, z, title, full, self.numbers.get(v, ""), grad)

    def value(self, id: str, kind: str, x: Any, title: str, full: str, numbers: str, grad: str = "") -> Node:
        """A node with `title`, shape, numbers and gradient; its words have the `full` name, dtype and line of code."""
        dtype = "" if x is None or self.dtype == str(x.dtype) else x.dtype
        shape = f"{(x is not None and x.shape) or ''} {dtype}".strip()
        role = [kind] if kind not in {"value", "output"} else []
        whole = f"{x.shape} {x.dtype}{numbers and f' = {numbers}'}" if x is not None else numbers
        where = origin_of(x) if isinstance(x, Source) else None
        place = plain(f"{where}: {where.source}") if where else ""
        words = f"{full}: {', '.join(filter(None, [*role, whole, grad]))}{place and f'   [{place}]'}"
        below = "\n" * (grad != "" and numbers.endswith(BARS))  # bars reach down to letters in the next line
        text = "\n".join(filter(None, (title, shape, numbers + below, grad)))
        return Node(id, text, kind, place or (full if full != title else ""), words.replace("\n", " "))

    def values(self, x: Any, *, is_changed: bool) -> str:
        return "not kept" if x is None else summary(x) + f"\n{CHANGED}" * is_changed

    def box(self, at: int) -> Node:
        """The node that stands for the values in a box."""
        box = self.folding.boxes[~at]
        if box.modules:
            text = f"{self.homes.frames(box.modules)[-1][1]}\n→ {box.shape}"
        elif count := box.ops.total():
            common = ", ".join(f"{n:,} {name}" for name, n in box.ops.most_common(3))
            text = f"{count:,} ops in between\n{common}"
        else:
            text = f"{box.leaves:,} more"
        text += f"\n{box.trained:,} parameters" if box.trained else ""
        return Node(_id(at), text, "module" if box.modules else "folded", " ".join(text.split()))

    # edges

    def constant(self, x: Any, v: int, i: int) -> None:
        """Draw the array that is input `i` of vertex `v` (None if nobody holds it any more), and the arrow from it."""
        z = self.vertices[v]
        name, title = getattr(z.inputs[i], "name", None), self.input_name(z, i, x)
        key = id(x) if x is not None else name if name and name != MASK else id(z.inputs[i])
        if key not in self.arrays:
            id_ = self.arrays[key] = f"a{len(self.arrays)}"
            by_user = title == "input" or (name and name != MASK)
            kind = "buffer" if name in self.homes.statistics else "input" if by_user else "constant"
            is_changed = x is not None and writes.since(x, z.order)
            numbers = self.values(x, is_changed=is_changed) if self.valued or x is None else ""
            node = self.value(id_, kind, x, title, title, numbers)
            self.drawing.put(node, () if kind == "input" else self.folding.frames(v))
        self.drawing.edges.append(Edge(self.arrays[key], _id(v)))

    def rules(self, v: int) -> Iterator[Edge]:
        """Dashed arrows from `v` back to its inputs, with the derivative rule that each gradient follows."""
        z: Any = self.vertices[v]
        operands = inputs(z)
        sources = [x for x in operands if isinstance(x, Source)]
        names = {id(x): self.input_name(z, i, x) for i, x in enumerate(operands) if np.ndim(x)}
        names |= {id(x): self.name(x) for x in sources}
        data = {x: x.data if isinstance(x.data, np.ndarray) else None for x in (z, *sources)}
        symbols = symbols_of(operands, names, data)
        result, g = (Symbol(name, or_zeros(data[z], z)) for name in (self.name(z), "g"))
        for i, x in enumerate(operands):
            at = self.folding.place[self.record.at(x)] if isinstance(x, Source) and x.requires_grad else -1
            if at >= 0 and z.op.rules_for(len(operands))[i] is not None:
                text, raw = rule_of(z, i, g, result, symbols)
                text = shortened(summed(text, summed_axes(raw, x.shape)), 90)
                yield Edge(_id(v), _id(at), "gradient", text)


def _id(at: int) -> str:
    return f"n{at}" if at >= 0 else f"b{~at}"


def _unwritten(record: Record, homes: Homes, outer: AbstractSet[Any]) -> Sequence[int]:
    """For each vertex its place, or that of its input where no user wrote it: reshapes that change nothing or only
    add the axis of a stack, and views of one array.
    """
    same = array("i", range(len(record)))
    first: dict[int, int] = {}  # by the array that a view is of
    constants = [(v, z.data, owner_of(z.data)) for z, v in record.leaves if not z.requires_grad]
    for v, data, owner in sorted(constants, key=lambda leaf: (not homes.called(leaf[0]), leaf[2] is not leaf[1])):
        x = first.setdefault(id(owner), v)
        whole = record.vertices[x].data.size == data.size
        if x != v and whole and homes.called(v) in (None, homes.called(x)):
            same[v] = x
    stacked = _stacked(record)
    for v, z in enumerate(record.vertices):
        name = z.op and len(z.inputs) == 1 and z.op.name  # concatenate of one, as of the last states of one layer
        if name in {"reshape", "transpose", "concatenate"} and v not in record.roots:
            for x in record.inputs(v):
                fits = record.vertices[x].shape == z.shape or (not record.is_op(x) and homes.chain(x))
                is_part = stacked[v] == _STACKED or z in outer or homes.splits_heads(v, x)
                if is_part or (fits and name != "transpose"):
                    same[v] = same[x]
    return same


def _stacked(record: Record) -> bytearray:
    """By vertex `_STACKED` where all that is done with it is to join it along an axis that it only adds, as a stack
    does, unless it has a name or a hook.
    """
    vertices: Sequence[Any] = record.vertices
    uses = bytearray(len(record))
    for v, z in enumerate(vertices):
        for x in record.inputs(v):
            part = vertices[x]
            is_part = z.op.name == "concatenate" and part.op is not None and part.op.name == "reshape"
            is_part = is_part and (part.notes or {}).keys().isdisjoint(("name", "hooks", "retain_grad"))
            at = z.static["axis"] % len(z.shape) if is_part else 0
            shape = part.shape[:at] + part.shape[at + 1 :]
            uses[x] |= _STACKED if is_part and np.shape(inputs(part)[0]) == shape else _OTHERWISE
    return uses
