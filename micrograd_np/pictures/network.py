"""The picture of a network: units as circles in columns, weights as lines, other layers as blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import LINE, Cluster, Drawing, Edge, Node
from .flow import Block, folded, guessed, watched
from .picture import Picture
from .values import number

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["draw_network"]

_FEW = 12  # weights between two columns that are written on their lines
_CHIP = {"margin": "0.02", "width": "0", "height": "0"}  # a weight's number, on its line
_BLUE, _RED = "#2f6fb0", "#c0453f"


def draw_network(
    model: Any,
    input: Any = None,
    target: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    direction: str | None = None,
    max_units: int = 8,
    legend: bool = True,
    name: str = "network",
) -> Picture:
    """The network `model` as a `Picture`: the units of linear layers as circles, their weights as lines.

    A line is the thicker the larger its weight; positive ones are blue, negative ones red and dashed. Where they are
    few, the weights stand on the lines, and after ``backward()`` their gradients. Of more than `max_units` units the
    first three and the last are drawn. Layers other than linear ones are blocks with the shapes they make, and a block
    that repeats is drawn once. `direction` is "LR" where there are units, else "TB".

    With an `input` the numbers of its first sample stand in the circles; it is also how the layers' connections are
    known, so give one where the layers are not simply one after the other. With a `target` the error is drawn too:
    ``loss(output, target)``, by default the mean squared error. The model is left as it was.

    >>> from micrograd_np import nn
    >>> print(draw_network(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), legend=False).describe())
    input
    0  Linear(2 → 3)
    1  Tanh
    2  Linear(3 → 1)
    """
    if not hasattr(model, "named_modules"):
        raise TypeError(f"draw_network: needs a module, found a {type(model).__name__}; draw a tensor with draw.")
    result = None
    if input is None:
        blocks = guessed(model)
    else:
        blocks, result = watched(model, input)
    lines = [f"{block.path}  {block.title}".strip() for block in blocks]
    blocks, frames = folded(blocks)
    network = _Network(blocks, max_units, numbers=input is not None)
    drawing = Drawing(name)
    network.build(drawing)
    drawing.direction = direction or ("LR" if network.columns else "TB")
    if network.columns:
        drawing.look |= {"splines": "line", "nodesep": "0.15", "ranksep": "0.6", "outputorder": "edgesfirst"}
    network.frame(drawing, frames)
    if target is not None and result is not None:
        network.error(drawing, result, target, loss)
    if legend and network.weighted:
        drawing.look |= {
            "label": "blue: positive weight; red, dashed: negative; thick: large"
            + ("; ∂: gradient" if network.graded else ""),
            "fontname": "Helvetica",
            "fontsize": "10",
            "fontcolor": LINE,
        }
    return Picture(drawing, lines)


class _Column:
    """Units side by side: the ids of those drawn, with their places in the layer."""

    def __init__(self, ids: dict[int, str], count: int) -> None:
        self.ids, self.count = ids, count
        self.caption: list[str] = []
        self.nodes: list[Node] = []


class _Network:
    def __init__(self, blocks: list[Block], most: int, *, numbers: bool) -> None:
        self.blocks, self.most, self.numbers = blocks, most, numbers
        self.columns: dict[Block, _Column] = {}
        self.boxes: dict[Block, str] = {}
        self.nodes: dict[str, Node] = {}
        self.count = 0
        self.weighted = self.graded = False
        self.users: dict[Block, int] = {}
        for block in blocks:
            for source in block.sources:
                self.users[source] = self.users.get(source, 0) + 1

    def id(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def build(self, drawing: Drawing) -> None:
        """Everything but the error."""
        for block in self.blocks:
            sources = list(block.sources)
            only = sources[0] if len(sources) == 1 else None
            if _linear(block) and only is not None and self.flat(only):
                self.layer(drawing, block, only)
            elif only is not None and only in self.columns and self.bends(block, only):
                column = self.columns[block] = self.columns[only]
                column.caption.append(_short(block))
                self.fill(column, block.result)
            elif not sources and self.feeds_linear(block):
                width = next(b.module.in_features for b in self.blocks if block in b.sources)
                self.columns[block] = self.column(width, block.title)
                self.fill(self.columns[block], block.result)
            elif only is not None and only in self.boxes and self.joins(block, only):
                self.join(block, only)
            else:
                self.block(drawing, block, sources)
        for column in dict.fromkeys(self.columns.values()):
            text = "\n".join([*column.caption, f"{column.count} units" if column.count > len(column.ids) else ""])
            caption = Node(self.id(), text.strip() or " ", "text")
            drawing.nodes += [*column.nodes, caption]
            ids = [node.id for node in (*column.nodes, caption)]
            drawing.columns.append(ids)
            drawing.edges += [Edge(a, b, "order") for a, b in pairwise(ids)]

    # what is drawn how

    def flat(self, source: Block) -> bool:
        """Whether a linear layer behind `source` works on vectors, not on sequences of them."""
        return source.result is None or np.ndim(source.result) <= 2 or source in self.columns

    def feeds_linear(self, block: Block) -> bool:
        users = [b for b in self.blocks if block in b.sources]
        return bool(users) and all(_linear(b) for b in users) and np.ndim(block.result) <= 2

    def bends(self, block: Block, source: Block) -> bool:
        """Whether `block` changes each unit by itself, so that its values may stand in the same circles."""
        held = block.module is not None and any(True for _ in block.module.parameters())
        same = block.result is None or np.shape(block.result) == np.shape(source.result)
        return not held and same and self.users[source] == 1

    def joins(self, block: Block, source: Block) -> bool:
        """Whether `block` holds nothing and may stand in the box of the layer before it."""
        held = block.module is None or any(True for _ in block.module.parameters())
        return not held and source.module is not None and self.users[source] == 1 and block.calls == source.calls

    # columns

    def column(self, count: int, caption: str) -> _Column:
        places = range(count) if count <= self.most else [0, 1, 2, count - 1]
        column = _Column({i: self.id() for i in places}, count)
        for i, id in column.ids.items():
            if i == count - 1 and count > self.most:
                column.nodes.append(
                    Node(self.id(), "⋮", "text", look={"style": "", "color": "transparent", "fontcolor": LINE})
                )
            column.nodes.append(Node(id, " ", "unit"))
        column.caption.append(caption)
        return column

    def fill(self, column: _Column, result: Any) -> None:
        """Write the values of the first sample into the circles."""
        if not self.numbers or result is None:
            return
        row = np.asarray(result).reshape(-1, column.count)[0] if np.size(result) else ()
        nodes = {node.id: node for node in column.nodes}
        for i, id in column.ids.items():
            if i < len(row):
                before = nodes[id].text.strip().split("\n")[-1]  # what the unit was before it bends
                nodes[id].text = f"{before}\n{_value(row[i])}".strip()

    def layer(self, drawing: Drawing, block: Block, source: Block) -> None:
        """A linear layer: a column of units, and a line for each weight to them."""
        module = block.module
        if source not in self.columns:
            self.columns[source] = self.column(module.in_features, "flat")
            self.fill(self.columns[source], source.result)
            for id in self.columns[source].ids.values():
                drawing.edges.append(Edge(self.boxes[source], id, look={"arrowhead": "none"}))
        before = self.columns[source]
        after = self.columns[block] = self.column(module.out_features, f"{block.path}  {block.title}".strip())
        self.fill(after, block.result)
        weight = module.weight.data
        largest = float(np.abs(weight).max()) or 1.0 if weight.size else 1.0
        few = len(before.ids) * len(after.ids) <= _FEW
        self.weighted = True
        grad = None if module.weight.grad is None else module.weight.grad.data
        for j, head in after.ids.items():
            for i, tail in before.ids.items():
                w = float(weight[j, i])
                look = {
                    "arrowhead": "none",
                    "penwidth": f"{0.4 + 2.6 * abs(w) / largest:.2f}",
                    "color": _BLUE if w >= 0 else _RED,
                    "style": "solid" if w >= 0 else "dashed",
                }
                if not few:
                    drawing.edges.append(Edge(tail, head, look=look))
                    continue
                text = number(w, 3)
                if grad is not None:
                    self.graded = True
                    text += f"\n∂ {number(grad[j, i], 3)}"
                chip = Node(self.id(), text, "text", look={"fontcolor": str(look["color"]), "fontsize": "10", **_CHIP})
                drawing.nodes.append(chip)
                drawing.edges += [Edge(tail, chip.id, look=look), Edge(chip.id, head, look=look)]
        if module.bias is not None and len(after.ids) <= self.most:
            bias = ", ".join(number(b, 2) for b in module.bias.data[:3]) + (", …" if module.out_features > 3 else "")
            after.caption.append(f"bias {bias}")

    # blocks

    def block(self, drawing: Drawing, block: Block, sources: list[Block]) -> None:
        """A box with the layer's name and the shape that it makes."""
        kind = "input" if not sources and block.module is None else "module" if block.module else "value"
        lines = [f"{block.path}  {block.title}".strip()]
        if block.calls > 1:
            lines[0] += f"   × {block.calls}"
        if block.result is not None:
            lines.append(str(np.shape(block.result)))
        node = Node(self.id(), "\n".join(lines), kind)
        self.boxes[block], self.nodes[node.id] = node.id, node
        drawing.nodes.append(node)
        for source in sources:
            column = self.columns.get(source)
            for id in column.ids.values() if column else [self.boxes[source]]:
                drawing.edges.append(Edge(id, node.id))

    def join(self, block: Block, before: Block) -> None:
        """A layer that holds nothing, in the box of the layer before it."""
        node = self.nodes[self.boxes[before]]
        self.boxes[block] = node.id
        lines = node.text.split("\n")[: None if before.result is None else -1]
        shape = [] if block.result is None else [str(np.shape(block.result))]
        node.text = "\n".join([*lines, f"{block.path}  {block.title}".strip(), *shape])

    def frame(self, drawing: Drawing, frames: dict[str, tuple[int, list[Block]]]) -> None:
        """Put the blocks that repeat into a frame that says how often."""
        for i, (path, (times, blocks)) in enumerate(frames.items()):
            ids = {self.boxes[b] for b in blocks if b in self.boxes}
            inner = [node for node in drawing.nodes if node.id in ids]
            drawing.nodes = [node for node in drawing.nodes if node.id not in ids]
            drawing.clusters.append(Cluster(f"r{i}", f"{path}   × {times}", inner))

    def error(self, drawing: Drawing, result: Any, target: Any, loss: Callable[[Any, Any], Any] | None) -> None:
        """The error at the end, and what it was compared with."""
        data = getattr(target, "data", None)
        wanted = np.asarray(target if data is None or isinstance(target, np.ndarray) else data)
        if loss is None:
            error = np.mean((result.data - wanted) ** 2)
            what = "squared error" if result.data.size == 1 else "mean squared error"
        else:
            error = np.asarray(loss(result, target).data)
            what = type(loss).__name__ if not hasattr(loss, "__name__") else loss.__name__
        shown = number(wanted) if wanted.size == 1 else str(wanted.shape)
        node = Node(self.id(), f"{what} {number(error, 4)}\ntarget {shown}", "output")
        drawing.nodes.append(node)
        last = self.blocks[-1]
        column = self.columns.get(last)
        for id in column.ids.values() if column else [self.boxes[last]]:
            drawing.edges.append(Edge(id, node.id))


def _linear(block: Block) -> bool:
    module = block.module
    return hasattr(module, "in_features") and hasattr(module, "out_features") and module.weight.data.ndim == 2


def _value(x: Any) -> str:
    if x == round(x, 1) and abs(x) < 1000:
        return f"{x:.1f}"
    return f"{x:.3f}" if 0.001 <= abs(x) < 100 else number(x, 3)


def _short(block: Block) -> str:
    return f"{block.path}  {block.title}".strip() if block.module is not None else block.title.replace("(·)", "")
