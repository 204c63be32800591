"""What a picture shows, as plain data, and the one way from there to the DOT language.

Whatever is drawn (a graph, a network, a step of the stepper) is first a `Drawing`: nodes, edges and clusters in a fixed
order, with texts as people read them. `digraph` knows how they look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from micrograd_np.core.messages import require_at_least, require_choice, require_type

from .text import label

INK = "#24303c"
LINE = "#7b8894"
CHANGED = "changed since"  # what stands below numbers that were written after their use
_VALUE = {"shape": "box", "style": "rounded,filled", "fillcolor": "#ffffff"}  # most nodes are values
_STYLES: dict[str, dict[str, str]] = {
    "value": {},
    "parameter": {"shape": "box3d", "style": "filled", "fillcolor": "#fdeccb", "margin": "0.13,0.11"},
    "input": {"shape": "box", "style": "filled,diagonals", "fillcolor": "#dbe9f6", "margin": "0.16,0.08"},
    "buffer": {"shape": "cylinder", "style": "filled", "fillcolor": "#ece6f5"},
    "constant": {"shape": "note", "style": "filled", "fillcolor": "#eef0f2"},
    "output": {"shape": "box", "style": "rounded,filled", "fillcolor": "#dff1df", "peripheries": "2"},
    "module": {"shape": "component", "style": "filled", "fillcolor": "#e7edf3", "margin": "0.2,0.1"},
    "folded": {"shape": "box", "style": "dashed,filled", "fillcolor": "#f4f4f4"},
    "unit": {"shape": "circle", "style": "filled", "fillcolor": "#ffffff", "fixedsize": "true", "width": "0.66"},
    "text": {"shape": "box", "style": "filled,rounded", "fillcolor": "#f4f6f8", "color": "#f4f6f8", "margin": "0.06"},
}
"""The look of each kind of node. Kinds differ by shape, not by colour alone."""

_SHAPES = {
    "parameter": "yellow box in 3-d: parameter",
    "input": "blue with cut corners: input",
    "buffer": "violet cylinder: buffer",
    "constant": "grey note: constant",
    "output": "green with double rim: output",
    "module": "box with tabs: folded module",
    "folded": "dashed: folded ops",
}
"""What the legend says of each kind that is not a plain value."""

_LINES = {".grad": ".grad: summed over backward passes", "∂": "∂: gradient of the output"}
"""What it says of lines that begin so."""

_FRAME = {"style": "rounded,filled", "fillcolor": "#eef3f6", "color": LINE, "labeljust": "l", "labelloc": "t"}
_FRAME |= {"fontname": "Helvetica", "fontsize": "11", "fontcolor": INK, "tooltip": " "}
_EDGES: dict[str, dict[str, str]] = {
    "value": {},
    "gradient": {"style": "dashed", "color": "#c8504b", "fontcolor": "#c8504b", "constraint": "false"},
    "order": {"style": "invis"},
}

_SETTINGS: dict[str, Any] = {"direction": ("TB", "LR", "BT", "RL"), "depth": 0, "max_nodes": 1, "max_units": 1}
_SETTINGS |= {"max_ops": 2, "name": str, **dict.fromkeys(("values", "gradients"), (True, False, "auto"))}
_NARROW, _WIDE = 60, 100  # letters in a line of the legend
_SIGNS = {
    "▆": "a … b … c: least, mean, largest, above the histogram",
    "   × ": "× n: n times in a row, of which the first is shown",
}
_PLAIN: Mapping[str, str] = {}  # shared by nodes and edges, of which there may be many


@dataclass(slots=True)
class Node:
    """A box with `text` in lines; its `kind` decides its look."""

    id: str
    text: str
    kind: str = "value"
    tooltip: str = ""
    words: str = ""  # what `describe` says of it, if that is more than the text
    look: Mapping[str, str] = field(default_factory=lambda: _PLAIN)


@dataclass(slots=True)
class Edge:
    """An arrow from node to node, by their ids."""

    tail: str
    head: str
    kind: str = "value"
    text: str = ""
    look: Mapping[str, str] = field(default_factory=lambda: _PLAIN)


@dataclass(slots=True)
class Cluster:
    """A frame around nodes and other clusters."""

    id: str = ""
    text: str = ""
    nodes: list[Node] = field(default_factory=list)
    clusters: "list[Cluster]" = field(default_factory=list)

    def every_node(self) -> list[Node]:
        """All nodes, those in clusters too."""
        nodes, clusters = list(self.nodes), list(self.clusters)
        for cluster in clusters:  # grows as it goes
            nodes += cluster.nodes
            clusters += cluster.clusters
        return nodes


@dataclass(slots=True)
class Drawing(Cluster):
    """Everything that a picture shows. `name` begins every id in an SVG, so that two fit one page."""

    name: str = "graph"
    direction: str = "TB"
    edges: list[Edge] = field(default_factory=list)
    legend: str = ""  # below the picture
    note: str = ""  # below the legend: what is missing
    columns: list[list[str]] = field(default_factory=list)  # ids of nodes in one rank
    look: dict[str, str] = field(default_factory=dict)
    frames: dict[Any, Cluster] = field(default_factory=dict)  # each by the key that `inside` was called with
    lines: list[Node | Cluster] = field(default_factory=list)  # what `describe` has a line for

    def inside(self, frames: Iterable[tuple[Any, str]]) -> list[Node]:
        """The nodes in the innermost of `frames`: pairs of a key and a heading, outermost first, new where missing."""
        part: Cluster = self
        for key, heading in frames:
            if key not in self.frames:
                self.frames[key] = Cluster(f"m{len(self.frames)}", heading)
                part.clusters.append(self.frames[key])
                self.lines.append(self.frames[key])
            part = self.frames[key]
        return part.nodes

    def put(self, node: Node, frames: Iterable[tuple[Any, str]] = ()) -> Node:
        """Append a node to the innermost of `frames`, and to what `describe` says; return it."""
        self.inside(frames).append(node)
        self.lines.append(node)
        return node

    def connect(self, tails: Iterable[Node], heads: Iterable[Node], **look: str) -> None:
        """Draw an arrow from each of `tails` to each of `heads`."""
        self.edges += [Edge(a.id, b.id, look=look) for a, b in product(tails, heads)]

    def align(self, row: Sequence[Any]) -> None:
        """Place nodes side by side, in this order."""
        joined = {(edge.tail, edge.head) for edge in self.edges}
        self.columns += [[node.id for node in row]] * (len(row) > 1)
        self.edges += [Edge(a.id, b.id, "order") for a, b in pairwise(row) if (a.id, b.id) not in joined]

    def explain(self, *notes: str, legend: bool, spent: bool = False, remarks: Iterable[str] = ()) -> None:
        """Write below it what each shape stands for, with `notes`, if a `legend` is wanted, and what is not kept."""
        nodes = self.every_node()
        kinds, texts = {node.kind for node in nodes}, [node.text for node in nodes]
        lines = {line for text in texts for line in text.split("\n")[1:]}
        words, texts = {line.split(" ")[0] for line in lines}, [*texts, *(x.text for x in self.frames.values())]
        advice = "backward(retain_graph=True) keeps it, until" if spent else "draw([…, it]) shows it, until"
        said = {
            "not kept": f"not kept: {'draw before' if CHANGED in lines and not spent else advice} weights change",
            CHANGED: f"{CHANGED}: by a write after its use here, whose results are older",
        }
        self.note = "; ".join([*(text for word, text in said.items() if word in lines), *remarks])
        parts = [*(text for kind, text in _SHAPES.items() if kind in kinds), *filter(None, notes)]
        parts += [note for sign, note in _SIGNS.items() if any(sign in text for text in texts)]
        parts += [text for word, text in _LINES.items() if word in words]
        below = [""]
        for part in parts:
            if below[-1] and len(below[-1]) + len(part) > (_NARROW if self.direction in {"TB", "BT"} else _WIDE):
                below.append("")
            below[-1] += f"{'     ' if below[-1] else ''}{part}"
        self.legend = "\n".join(below) if legend else ""


def check(caller: str, **settings: Any) -> None:
    """Raise TypeError for a setting of another kind than its own, ValueError for one that nothing can be drawn with."""
    for name, x in settings.items():
        allowed = _SETTINGS.get(name, (True, False))
        if allowed is str:
            require_type(caller, name, x, isinstance(x, str), "a str")
        elif isinstance(allowed, tuple):
            require_choice(caller, name, x, *allowed)
        elif name != "depth" or not isinstance(x, str) or x != "auto":
            require_at_least(caller, name, x, allowed, *['a whole number or "auto"'] * (name == "depth"))


def words(drawing: Drawing) -> list[str]:
    """What a picture says, line by line: its nodes and frames, the rules on its edges, and its note."""
    lines = [getattr(part, "words", "") or " ".join(part.text.split()) for part in drawing.lines]
    heads = {node.id: node.text.split("\n")[0].split(" = ")[0] for node in drawing.every_node()}
    for edge in drawing.edges:
        if edge.text:
            way = "back to" if edge.kind == "gradient" else "to"
            lines.append(f"from {heads[edge.tail]} {way} {heads[edge.head]}: {edge.text}")
    return [*lines, drawing.note] if drawing.note else lines


def digraph(drawing: Drawing) -> Any:
    """The drawing as a `graphviz.Digraph`: no HTML-like labels and no records, which not every Graphviz draws."""
    import graphviz  # here, as it takes an eighth of the package's import

    shape = {"rankdir": drawing.direction, "nodesep": "0.25", "ranksep": "0.35", "newrank": "true"}
    page = {"id": drawing.name, "bgcolor": "white", "tooltip": " ", "pad": "0.15"}  # a module's tabs stand out
    text = {"fontname": "Helvetica", "color": LINE, "tooltip": " "}
    graph = graphviz.Digraph(
        graph_attr=page | shape | drawing.look,
        node_attr=text | {"fontsize": "11", "fontcolor": INK} | _VALUE,
        edge_attr=text | {"fontsize": "10", "arrowsize": "0.6"},
    )
    if drawing.legend or drawing.note:
        below = label("\n".join([drawing.legend, *drawing.note.split("; ")]).strip())
        graph.attr(label=below, labelloc="b", fontname="Helvetica", fontsize="10", fontcolor=INK)
    _fill(graph, drawing.name, drawing)
    for column in drawing.columns:
        with graph.subgraph() as rank:
            rank.attr(rank="same")
            for id in column:
                rank.node(id)
    for edge in drawing.edges:
        attributes = {**_EDGES[edge.kind], **edge.look}
        if edge.text:
            below = "\n " if drawing.direction in {"LR", "RL"} else ""  # else it touches the line, as without spaces
            attributes |= {"label": label(f"   {edge.text} {below}")}
        graph.edge(edge.tail, edge.head, _attributes=attributes)
    return graph


def _fill(graph: Any, name: str, part: Cluster) -> None:
    for node in part.nodes:
        tip = {"tooltip": label(node.tooltip)} if node.tooltip else {}
        graph.node(node.id, label(node.text), _attributes={**_STYLES[node.kind], **tip, **node.look})
    for cluster in part.clusters:
        with graph.subgraph(name=f"cluster_{cluster.id}") as inner:  # its own id, else it has that of the graph
            inner.attr(label=label(cluster.text), _attributes={**_FRAME, "id": f"{name}_{cluster.id}"})
            _fill(inner, name, cluster)
