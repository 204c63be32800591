"""The picture of a network: units as circles in columns, weights as lines, other layers as blocks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, pairwise, product
from os import PathLike
from typing import Any

import numpy as np

from micrograd_np.core.messages import describe_value, require_type
from micrograd_np.core.vertex import Vertex
from micrograd_np.engine.symbol import number, subscript
from micrograd_np.functional.loss import mse_loss

from .drawing import LOOK, Drawing, Edge, Node, check
from .flow import Block, TimeSteps, folded, guessed, unrolled, watched
from .picture import Picture
from .text import summary

_NUMBERS = 4  # of what an op makes that are written into its box
_FEW = 16  # weights of a layer, its bias included, that are written on their lines


def draw_network(
    model: Any,
    input: Any = None,
    target: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    direction: str | None = None,
    unroll: bool = False,
    max_units: int = 8,
    legend: bool = True,
    name: str = "network",
) -> Picture:
    """The network `model` as a `Picture`: the units of linear layers as circles, their weights as lines.

    A line is the thicker the larger its weight; positive ones are blue, negative ones red and dashed. Biases are the
    weights of a unit that is 1. Where weights are few, they stand on the lines, and after ``backward()`` their
    gradients, else the range of gradients below. Of more than `max_units` units the first three and the last are drawn.
    Layers other than linear ones are blocks with the shapes they make, and a block that repeats is drawn once.
    `direction` is "LR" where all are units, else "TB".

    With an `input` the numbers of its first sample stand in the circles; it is also how the layers' connections are
    known, so give one where the layers are not simply one after the other. With `unroll`, recurrent layers and those
    that work step by step beside them are drawn once for each step of it. With a `target` the error of all samples is
    drawn too: ``loss(output, target)``, by default the mean squared error; a number is the target of every output,
    unless the loss takes it as it is. The model is left as it was.

    TypeError for anything but a module, and for a target without a loss where the model returns no tensor; ValueError
    for `unroll` or `target` without an `input`, a `loss` without a `target`, and `unroll` where no layer is recurrent.

    >>> from micrograd_np import nn
    >>> print(draw_network(nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)), legend=False).describe())
    input
    0  Linear(2 → 8)
    1  Tanh
    2  Linear(8 → 2)
    """
    if isinstance(model, type) or not hasattr(model, "named_modules"):
        tensor = isinstance(model, Vertex)
        advice = "draw a tensor with draw" if tensor else "pass the model itself, such as an nn.Sequential"
        raise TypeError(f"draw_network: needs a module, found {describe_value(model)}; {advice}.")
    check("draw_network", direction=direction or "TB", unroll=unroll, max_units=max_units, legend=legend, name=name)
    require_type("draw_network", "loss", loss, loss is None or callable(loss), "a function of output and target")
    if isinstance(input, (str, PathLike)):
        raise TypeError(f"draw_network: input is {str(input)!r}; a picture is saved by draw_network(model).save(path).")
    if input is None and (unroll or target is not None):
        setting = "unroll=True" if unroll else "a target"
        raise ValueError(f"draw_network: {setting} without an input, which the network is run on; pass one as well.")
    if loss is not None and target is None:
        raise ValueError("draw_network: a loss without a target; pass target=..., or leave the loss out.")
    blocks, result = (guessed(model), None) if input is None else watched(model, input)
    blocks = folded(blocks, numbers=input is not None)
    network = _Network(blocks, max_units, numbers=input is not None, steps=unrolled(blocks) if unroll else {})
    if unroll and not network.steps:
        raise ValueError("draw_network: unroll=True, and no layer of this model is recurrent; leave it out.")
    network.build()
    if target is not None:
        network.error(result, target, loss)
    drawing = network.drawing
    drawing.name = name
    drawing.direction = direction or ("LR" if network.columns and not network.boxes and not unroll else "TB")
    for node in drawing.every_node() if drawing.direction in {"TB", "BT"} else ():
        node.text = "⋯" if node.text == "⋮" else node.text
    styles = {edge.look["style"] for edge in drawing.edges if "style" in edge.look}  # of weights
    if styles:
        most = max((len(column) for column in drawing.columns), default=0)
        distance = f"{0.15 + 0.08 * most:.2f}"  # wide enough that lines do not cross circles
        drawing.look |= {"nodesep": "0.15", "ranksep": distance, "outputorder": "edgesfirst"}
        if network.chained or not network.boxes:  # else an arrow would lead behind the boxes that it passes
            drawing.look["splines"] = "line"
    notes = {
        "blue: positive weight": styles,
        "red, dashed: negative weight": styles,
        "thick: large": styles,
        "dotted: nan": "dotted" in styles,
        "grey 1: its weights are the biases": "one" in {node.kind for node in drawing.every_node()},
        "a above b: before and after the activation": network.is_activated,
        "∂: gradient": any("\n∂ " in node.text for node in drawing.every_node()),
        "× n: n times in a row, of which the first is shown": drawing.frames,
    }
    drawing.describe_signs(note for note, holds in notes.items() if legend and holds)
    return Picture(drawing)


@dataclass(eq=False)
class _Column:
    """Circles side by side, the units of a layer or the steps of a sequence: the nodes that are drawn."""

    size: int
    caption: Node
    frames: tuple[Any, ...]
    depth: Any  # the same of columns of which none leads to another, so that they can stand in one
    nodes: list[Node] = field(default_factory=list)
    circles: dict[int, Node] = field(default_factory=dict)  # those that stand for a unit or step, by its number
    weights: dict[int, list[str]] = field(default_factory=dict)  # as texts on the lines to a unit

    def describe(self) -> None:
        """Give the caption words: the values in the circles and the weights on the lines to them."""
        values = ", ".join(" ".join(node.text.split()) for node in self.circles.values() if node.text.strip())
        lines = [f"  weights of unit {k + 1}: {', '.join(weights)}" for k, weights in self.weights.items()]
        self.caption.words = "\n".join([self.caption.text + (f": {values}" if values else ""), *lines])


class _Network:
    def __init__(self, blocks: list[Block], most: int, *, numbers: bool, steps: dict[Block, TimeSteps]) -> None:
        self.blocks, self.most, self.numbers, self.steps = blocks, most, numbers, steps
        self.drawing = Drawing()
        self.columns: dict[Block, _Column] = {}  # of units
        self.rows: dict[Block, list[list[_Column]]] = {}  # of steps: for each layer in it, forwards and backwards
        self.boxes: dict[Block, Node] = {}
        self.all: dict[_Column, None] = {}
        self.ids = map("n{}".format, count(1))
        self.is_activated = False  # whether circles have two numbers
        self.users: dict[Block, list[Block]] = {block: [] for block in blocks}
        self.depth: dict[Block, float] = {}  # layers on the longest way to each
        for block in blocks:
            for source in block.sources:
                self.users[source].append(block)
            self.depth[block] = 1 + max((self.depth.get(source, 0) for source in block.sources), default=0)
        self.chained = all(len(users) < 2 for users in (*self.users.values(), *(b.sources for b in blocks)))

    def build(self) -> None:
        """Draw everything but the error."""
        for block in self.blocks:
            self.put(block)
        for block in self.blocks:  # after all nodes, as in a loop some arrows lead back
            if block in self.rows:
                self.connect_steps(block)
            elif block in self.boxes:
                self.connect_box(block)
        ranks: dict[Any, list[Node]] = {}
        for column in self.all:
            column.describe()
            nodes = [*column.nodes, column.caption]
            self.drawing.inside(column.frames).extend(nodes)
            ranks.setdefault(column.depth, []).extend(nodes)
        for nodes in ranks.values():  # else the units of two layers may be mixed
            self.drawing.align(nodes)

    def put(self, block: Block) -> None:
        """The nodes of `block`: a row of steps, a column of units, or a box, perhaps of the layer before it."""
        sources, linear = list(block.sources), [user for user in self.users[block] if user.linear]
        source = sources[0] if len(sources) == 1 else None
        column = self.columns.get(source) if source else None
        alone = source and len(self.users[source]) == 1
        follows = source and alone and (block.calls, block.frames) == (source.calls, source.frames) and not block.holds
        if block in self.steps:
            self.row(block)
        elif block.linear and source and source not in self.steps and len(source.shape) <= 2:
            self.layer(block, source)  # on vectors; on sequences it is a box
        elif column and source and follows and block.shape == source.shape:
            self.columns[block] = column  # each unit changes by itself
            column.caption.text += f"\n{block.name}".replace("(…)", "")
            self.fill(column, block.result)
            self.is_activated |= self.numbers
        elif not sources and linear and len(block.shape) <= 2:
            self.column(block, linear[0].module.in_features, block.title)
        elif any(self.is_unitwise(block, x) for x in sources):
            circles = self.column(block, block.shape[-1], block.name).circles
            for x, i in product(sources, circles):
                tails = [self.columns[x].circles[i]] if self.is_unitwise(block, x) else self.ends(x)
                self.drawing.connect(tails, [circles[i]])
        elif source in self.boxes and follows and block.module and source.module:
            node = self.boxes[block] = self.boxes[source]
            node.text = f"{node.text.removesuffix(_shape(source))}\n{block.name}{_shape(block)}"
        else:
            kind = "module" if block.module else "value" if sources else "input"
            few = self.numbers and kind == "value" and 0 < np.size(block.result) <= _NUMBERS
            shown = [_value(x) for x in np.ravel(block.result)] if few else []
            text = block.name + _shape(block) + (f"\n{'  '.join(shown)}" if few else "")
            self.boxes[block] = self.drawing.put(Node(next(self.ids), text, kind), block.frames)

    def is_unitwise(self, block: Block, source: Block) -> bool:
        """Whether `block` is an op that makes units of its own of those of `source`, each of one."""
        own = self.numbers and not block.module and (len(block.sources) > 1 or len(self.users[source]) == 1)
        return own and source in self.columns and block.shape == source.shape

    # circles

    def column(self, block: Block, size: int, caption: str, what: str = "units") -> _Column:
        """A circle for each unit of `block` with its value, or for each of its steps."""
        samples = np.size(block.result) // size if self.numbers and what == "units" and size else 1
        caption += f"\nsample 1 of {samples:,}" if samples > 1 and not block.linear else ""
        whole = size <= max(self.most, 4)
        below = Node(next(self.ids), caption + f"\n{size} {what}" * (not whole), "text")
        alone = block.frames or what != "units"
        column = _Column(size, below, block.frames, id(below) if alone else (self.depth[block], block in self.boxes))
        self.all[column] = None
        self.drawing.inside(block.frames)
        self.drawing.lines.append(column.caption)
        for i in range(size) if whole else (0, 1, 2, size - 1):
            if i > len(column.circles):
                column.nodes.append(Node(next(self.ids), "⋮", "dots"))
            column.circles[i] = Node(next(self.ids), " ", "unit")
            column.nodes.append(column.circles[i])
        if what == "units":
            self.columns[block] = column
            self.fill(column, block.result)
        return column

    def fill(self, column: _Column, result: Any) -> None:
        """Write the values of the first sample into the circles."""
        if self.numbers and np.size(result):
            row = np.asarray(result).reshape(-1, column.size)[0]
            for i, node in column.circles.items():
                before = node.text.strip().split("\n")[-1]  # what the unit was before its activation
                node.text = f"{before}\n{_value(row[i])}".strip()

    def layer(self, block: Block, source: Block) -> None:
        """A linear layer: a column of units, and a line for each weight to them."""
        weight, bias = block.module.weight, block.module.bias
        if source not in self.columns:
            flat = self.column(source, block.module.in_features, "flat")
            self.drawing.connect([self.boxes[source]], flat.circles.values(), arrowhead="none")
        before, after = self.columns[source], self.column(block, block.module.out_features, block.name)
        if self.chained:  # the captions in one line, which no other line crosses
            self.drawing.edges.append(Edge(before.caption.id, after.caption.id, "order", look={"weight": "50"}))
        parts: list[tuple[Any, dict[Any, Node]]] = [(weight, dict(before.circles))]
        if bias is not None:
            before.nodes.insert(0, Node(next(self.ids), "1", "one"))
            parts.append((bias, {...: before.nodes[0]}))  # bias[j, ...] is what leads from it to j
        every = np.concatenate([np.abs(part.data).ravel() for part, _ in parts])
        largest = every[np.isfinite(every)].max(initial=0) or 1.0
        grads = [part.grad.data.ravel() for part, _ in parts if part.grad is not None]
        for (j, head), (part, tails) in product(after.circles.items(), parts):
            for i, tail in tails.items():
                w = float(part.data[j, i])
                share = min(abs(w) / largest, 1) if np.isfinite(w) else 1
                kind = "positive" if w >= 0 else "negative" if w < 0 else "undefined"
                look = {"penwidth": f"{0.4 + 2.6 * share:.2f}", **LOOK["weights"][kind]}
                line = [tail, head]
                if every.size <= _FEW:
                    text = number(part.data[j, i], 3)
                    text += "" if part.grad is None else f"\n∂ {number(part.grad.data[j, i], 3)}"
                    after.weights.setdefault(j, []).append(text.replace("\n", " "))
                    line.insert(1, Node(next(self.ids), text, "weight", look={"fontcolor": look["color"]}))
                    self.drawing.inside(block.frames).append(line[1])
                self.drawing.edges += [Edge(a.id, b.id, look=look) for a, b in pairwise(line)]
        if grads and every.size > _FEW:
            after.caption.text += f"\n∂ {summary(np.concatenate(grads)).splitlines()[0]}"

    # steps

    def row(self, block: Block) -> None:
        """A layer that works step by step: a circle for each, in a row for each layer in it and each direction."""
        size, axis, _ = self.steps[block]
        layers, ways = getattr(block.module, "num_layers", 1), 1 + bool(getattr(block.module, "bidirectional", False))
        letter = "h" if block.recurrent else "y" if block.sources else "x"
        self.rows[block] = []
        for k in range(layers):
            notes = [f"layer {k + 1}"] * (layers > 1)
            captions = [" ".join([*notes, *["backwards"] * way]) for way in range(ways)]
            captions[0] = f"{block.name}\n{captions[0]}".strip() if k == 0 else captions[0]
            self.rows[block].append([self.column(block, size, f"← {caption}", "steps") for caption in captions])
            for row in self.rows[block][-1]:
                for i, node in row.circles.items():
                    node.text = f"{letter}{subscript(i + 1)}"
        if axis >= 0 and np.size(block.result) == block.shape[axis] == size:
            self.fill(row, block.result)

    def connect_steps(self, block: Block) -> None:
        """Arrows to the steps of `block`, and from step to step where it is recurrent."""
        layers, sequence = self.rows[block], self.steps[block].source
        for layer in layers if block.recurrent else ():
            for way, row in enumerate(layer):
                for a, b in pairwise(row.nodes[:: 1 - 2 * way]):
                    self.drawing.connect([a], [b])
            self.drawing.edges += [Edge(a.nodes[0].id, b.nodes[0].id, "order") for a, b in pairwise(layer)]
        for below, above in pairwise(layers):
            self.along(below, above)
        for source in block.sources:
            late = self.blocks.index(source) > self.blocks.index(block)  # it is read at the next step
            if source in block.starts or sequence not in {None, source}:  # the initial state
                for k, layer in enumerate(layers):
                    tails = self.last(source, k if len(self.rows.get(source, ())) == len(layers) else -1)
                    for way, row in enumerate(layer):
                        self.drawing.connect([tails[way % len(tails)]], [[*row.circles.values()][-way]])
            elif source in self.rows and len(self.rows[source][-1][0].circles) == len(layers[0][0].circles):
                self.along(self.rows[source][-1], layers[0], late)
            else:
                self.drawing.connect(self.last(source), (x for row in layers[0] for x in row.circles.values()))

    def along(self, below: list[_Column], above: list[_Column], late: int = 0) -> None:
        """Arrows from each step to the same one above, or to the next if what it makes is read there."""
        for tails, heads in product(below, above):
            for i, head in heads.circles.items():
                self.drawing.connect([tails.circles[i - late]] if i - late in tails.circles else [], [head])

    def connect_box(self, block: Block) -> None:
        """Arrows to the box of `block`, unless it stands in that of the layer before."""
        node = self.boxes[block]
        for source in block.sources:
            last = source in self.rows and block.module is not None and not self.steps[source].keeps(source, block)
            if self.ends(source) != [node]:
                self.drawing.connect(self.last(source) if last else self.ends(source), [node])
        if block.recurrent:
            self.drawing.edges.append(Edge(node.id, node.id, "loop", "each step"))

    def ends(self, block: Block) -> list[Node]:
        """The nodes that `block` is drawn as, or the last of several layers in it."""
        columns = self.rows[block][-1] if block in self.rows else [self.columns[block]] if block in self.columns else []
        return [node for column in columns for node in column.circles.values()] or [self.boxes[block]]

    def last(self, block: Block, layer: int = -1) -> list[Node]:
        """The last of these nodes, or of a layer in it; in each direction."""
        if block not in self.rows:
            return self.ends(block)[-1:]
        return [[*row.circles.values()][way - 1] for way, row in enumerate(self.rows[block][layer])]

    def error(self, result: Any, target: Any, loss: Callable[[Any, Any], Any] | None) -> None:
        """The error at the end, and what it was compared with."""
        array = target.data if isinstance(target, Vertex) else np.asarray(target)
        name = getattr(loss, "__name__", type(loss).__name__)
        if loss is None and not isinstance(result, Vertex):
            kind = type(result).__name__
            raise TypeError(f"draw_network: the model returns a {kind}; pass a loss that takes it and the target.")
        if loss is None:
            name, loss = "squared error" if result.data.size == 1 else "mean squared error", mse_loss
        try:
            value = loss(result, target)
        except ValueError:
            if array.ndim or not isinstance(result, Vertex):  # a number that the loss does not broadcast itself
                raise
            value = loss(result, np.full(result.data.shape, array))
        samples = len(result.data) if isinstance(result, Vertex) and result.data.ndim > 1 else 1
        name = f"of all {samples:,} samples:\n{name}" if samples > 1 else name
        compared = number(array) if array.size == 1 else array.shape
        node = Node(next(self.ids), f"{name}\n{number(np.asarray(value.data), 4)}\ntarget {compared}", "output")
        self.drawing.connect(self.ends(self.blocks[-1]), [self.drawing.put(node)])


def _shape(block: Block) -> str:
    return "" if block.result is None else f"\n{block.shape}"


def _value(x: Any) -> str:
    if not isinstance(x, np.floating):
        return number(x)
    if x == round(x, 1) and abs(x) < 1000:
        return f"{x + 0.0:.1f}"  # of a zero without its sign
    return f"{x:.3f}" if 0.001 <= abs(x) < 100 else number(x, 3)
