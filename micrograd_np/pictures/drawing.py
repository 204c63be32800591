"""What a picture shows, as plain data, and the one way from there to the DOT language.

Whatever is drawn (a graph, a network, a step of the stepper) is first a `Drawing`: nodes, edges and clusters in a fixed
order, with texts as people read them. `digraph` knows how they look.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from textwrap import wrap
from typing import Any

from micrograd_np.core.messages import require_at_least, require_choice, require_type

from .page import template
from .text import label

LOOK: dict[str, Any] = json.loads(template("look.json"))
"""How each kind of node and edge looks, told apart by shape, not by colour alone; and what the legend says of them."""

CHANGED = "changed since"  # what stands below numbers that were written after their use
_SETTINGS: dict[str, Any] = {"direction": ("TB", "LR", "BT", "RL"), "depth": 0, "max_nodes": 1, "max_units": 1}
_SETTINGS |= {"max_ops": 2, "name": str, **dict.fromkeys(("values", "gradients"), (True, False, "auto"))}
_NARROW, _WIDE = 65, 105  # letters in a line of the legend
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

    @property
    def words(self) -> str:
        """What `describe` says of it: its text, and of a block that repeats whose numbers it has."""
        return " ".join(self.text.split()) + ", with the numbers of the first" * ("   × " in self.text)

    def every_node(self) -> list[Node]:
        """All nodes, those in clusters too."""
        return [*self.nodes, *(node for cluster in self.clusters for node in cluster.every_node())]


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

    def explain(self, *notes: str, legend: bool, freed: bool = False, remarks: Iterable[str] = ()) -> None:
        """Write below it what each shape stands for, with `notes`, if a `legend` is wanted, and what is not kept."""
        kinds, texts = {node.kind for node in self.every_node()}, [node.text for node in self.every_node()]
        lines = {line for text in texts for line in text.split("\n")[1:]}
        texts += [frame.text for frame in self.frames.values()]
        advice = "backward(retain_graph=True) keeps it, until" if freed else "draw([…, it]) shows it, until"
        said = {
            "not kept": f"not kept: {'draw before' if CHANGED in lines and not freed else advice} weights change",
            CHANGED: f"{CHANGED}: by a write after its use here, whose results are older",
        }
        self.note = "; ".join([*(text for word, text in said.items() if word in lines), *remarks])
        parts = [*(text for kind, text in LOOK["kinds"].items() if kind in kinds), *filter(None, notes)]
        parts += [note for sign, note in LOOK["signs"].items() if any(sign in text for text in texts)]
        self.describe_signs(parts if legend else ())

    def describe_signs(self, notes: Iterable[str]) -> None:
        """Write the legend: `notes` beside and below each other, none of them broken."""
        width = _NARROW if self.direction in {"TB", "BT"} else _WIDE
        gaps = "     ".join(note.replace(" ", "\0") for note in notes)  # where a line may break
        lines = wrap(gaps, width, break_long_words=False, break_on_hyphens=False)
        self.legend = "\n".join(lines).replace("\0", " ")


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
    lines = [part.words or " ".join(part.text.split()) for part in drawing.lines]
    heads = {node.id: node.text.split("\n")[0].split(" = ")[0] for node in drawing.every_node()}
    for edge in drawing.edges:
        if edge.text:
            way = "back to" if edge.kind == "gradient" else "to"
            lines.append(f"from {heads[edge.tail]} {way} {heads[edge.head]}: {edge.text}")
    return [*lines, drawing.note] if drawing.note else lines


def digraph(drawing: Drawing, places: Mapping[str, str] = _PLAIN) -> Any:
    """The drawing as a `graphviz.Digraph`: no HTML-like labels and no records, which not every Graphviz draws.

    `places` are those of headings, by the id of the frame, if not "l", left: "r" for right, "n" for a node.
    """
    import graphviz  # here, as it takes an eighth of the package's import

    page = {"id": drawing.name, "rankdir": drawing.direction, **drawing.look}
    graph = graphviz.Digraph(graph_attr=LOOK["graph"] | page, node_attr=LOOK["node"], edge_attr=LOOK["edge"])
    if drawing.legend or drawing.note:
        below = label("\n".join([drawing.legend, *drawing.note.split("; ")]).strip())
        graph.attr(**LOOK["legend"], label=below)
    _fill(graph, drawing, drawing, places)
    for column in drawing.columns:
        with graph.subgraph() as rank:
            rank.attr(rank="same")
            for id in column:
                rank.node(id)
    for edge in drawing.edges:
        attributes = {**LOOK["edges"][edge.kind], **edge.look}
        if edge.text:
            below = "\n " if drawing.direction in {"LR", "RL"} else ""  # else it touches the line, as without spaces
            attributes |= {"label": label(f"   {edge.text} {below}")}
        ends = edge.tail, edge.head  # laid out as what it goes back along, so that its text has room
        graph.edge(*(ends[::-1] if edge.kind == "gradient" else ends), _attributes=attributes)
    return graph


def _fill(graph: Any, drawing: Drawing, part: Cluster, places: Mapping[str, str]) -> None:
    for node in part.nodes:
        tip = {"tooltip": label(node.tooltip)} if node.tooltip else {}
        graph.node(node.id, label(node.text), _attributes={**LOOK["nodes"][node.kind], **tip, **node.look})
    for cluster in part.clusters:
        with graph.subgraph(name=f"cluster_{cluster.id}") as inner:  # its own id, else it has that of the graph
            place, look = places.get(cluster.id, "l"), {**LOOK["frame"], "id": f"{drawing.name}_{cluster.id}"}
            if place == "n":
                look |= {"label": ""}
                with inner.subgraph() as rank:
                    rank.attr(rank="same")
                    rank.node(f"h{cluster.id}", label(cluster.text), _attributes=LOOK["nodes"]["heading"])
                    rank.node(_first(cluster, drawing.edges))
            else:
                look |= {"label": label(cluster.text), "labeljust": place}
            inner.attr(_attributes=look)
            _fill(inner, drawing, cluster, places)


def _first(cluster: Cluster, edges: Sequence[Edge]) -> str:
    """The first node in a frame to which no arrow leads from inside of it."""
    ids = [node.id for node in cluster.every_node()]
    behind = {edge.head for edge in edges if edge.tail in ids and edge.kind != "gradient"}
    return next((id for id in ids if id not in behind), ids[0])
