"""One forward and one backward pass as a page to step through: each op and each derivative rule, in numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from micrograd_np.core.messages import count_of
from micrograd_np.core.vertex import Source, grad_of, source
from micrograd_np.debug.explain import Derivation, Pull, hooked, seed_of, summed, summed_axes, why
from micrograd_np.debug.origin import origin_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.symbol import nested
from micrograd_np.engine.tensor import Tensor

from .drawing import LOOK, Drawing, Edge, Node, check
from .headings import laid_out
from .page import SIZE_LIMIT, embed, fill, numbers, write
from .picture import Shown
from .render import RenderError
from .structure import Homes, Record
from .text import op_name, plain, shortened

INPUTS = 50  # inputs of an op whose rules are explained
LONGEST = 400  # letters of a formula or a name
LINE = 34  # letters of a line in a box; the panel beside the picture shows the whole
_INLINE = 60  # letters of an array that is written in one line
_LISTED = 1000  # leaves
ENGINE_LIMIT = 1000  # boxes; Graphviz takes seconds over more
_FAR, _FARTHEST = 30, 12  # boxes that a long arrow passes; long arrows from a box: Graphviz lays out each box they pass
_LATER = "grad: not yet"

# What the page shows, most first: rows and columns of an array, elements of a final gradient. A page that is too large
# at the last of these shows fewer ops.
CAPS = ((8, 10_000), (4, 256), (2, 16))


class Steps(Shown):
    """A forward and a backward pass as an HTML page: `save` writes it, and `show` or a notebook shows it.

    `page` is the page's text; `folded` says in sentences what it leaves out, and is empty where it shows everything.
    No tensor or array is held.

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([1.0], requires_grad=True, name="x")
    >>> page = mg.draw_steps((x * x).sum())
    >>> type(page).__name__
    'Steps'
    """

    file = "steps.html"

    def __init__(self, page: str, title: str, folded: Iterable[str]) -> None:
        self.page, self.title, self.folded = page, title, tuple(folded)

    def save(self, path: str | Path) -> Path:
        """Write the page to `path`, whose name ends in .html, else ValueError; return the path written."""
        return write(path, self.page)

    def _repr_html_(self) -> str:
        return embed(self.page, self.title)

    def __repr__(self) -> str:
        return f"<Steps: {self.title}; .save('steps.html') writes the page>"


def draw_steps(tensor: Any, gradient: Any = None, *, max_ops: int = 500) -> Steps:
    """The computation of `tensor` and its backward pass as a page to step through, op by op.

    `gradient` is what arrives at the tensor, as in ``backward``. The page needs no server and no network. It shows at
    most `max_ops` ops, and large arrays and gradients in part; it stays below 5 MB and says what it leaves out.
    Nothing is changed: no ``grad`` is touched, and the graph can still be walked. (Hooks are called: they are part of
    the walk.) Inside ``mg.trace_origins()`` each op shows its line of code.

    TypeError for anything but a tensor; RuntimeError if it does not require a gradient or a backward pass has used
    its graph; ValueError for a gradient of another shape, or `max_ops` below 2.

    >>> import micrograd_np as mg
    >>> w = mg.Tensor(3.0, requires_grad=True, name="w")
    >>> draw_steps((w * 2).sigmoid())
    <Steps: z₂ = σ(z₁), step by step: 2 ops and back; .save('steps.html') writes the page>
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"draw_steps: found {type(tensor).__name__}; give the tensor that backward() starts from.")
    check("draw_steps", max_ops=max_ops)
    seed = seed_of(tensor, gradient, "draw_steps")
    if walk.is_freed(source(tensor)):
        raise RuntimeError(
            "draw_steps: a backward pass has used this graph. Call draw_steps before backward(), or keep the graph "
            "with backward(retain_graph=True)."
        )
    ops = min(max_ops, sum(z.op is not None for z in walk.reached(tensor)))
    fewer = [(*CAPS[-1], ops >> k) for k in range(1, ops.bit_length() - 1)]
    for edge, exact, limit in [(*cap, max_ops) for cap in CAPS] + fewer:
        story = _Story(tensor, edge, exact, limit)
        page = story.page(seed)
        if len(page.encode()) <= SIZE_LIMIT:
            break
    return Steps(page, story.title, story.folded)


class _Story(Derivation):
    """What the page shows: values, and then what the backward pass brings, as texts and parts of arrays."""

    def __init__(self, root: Tensor, edge: int, exact: int, max_ops: int) -> None:
        record = Record([root])
        super().__init__(root, record.vertices)
        self.names = _clipped(self.names)
        self.edge, self.exact = edge, exact
        self.folded: dict[str, None] = {}  # sentences on what the page leaves out, each once
        self.nodes: list[dict[str, Any]] = []
        self.place: dict[int, int] = {}  # in `nodes`, by the identity of a vertex or an array; 0: what is folded
        self.drawing = Drawing(name="steps")
        self.boxes: list[Node] = []  # of the nodes
        self.steps: list[dict[str, Any]] = []
        self.at: Any = None  # the op whose rules run now
        ops, first = list(self.inputs), max_ops // 2
        last = max_ops - first
        self.left_out = set(ops[first:-last])
        if self.left_out:
            folded = f"{len(self.left_out):,} of {len(ops):,} ops are folded into one box"
            self.folded[f"{folded}; the first {first:,} and the last {last:,} are shown."] = None
        self.lay(record)
        self.leaves: dict[Any, dict[str, Any]] = {
            z: {"name": self.name(z), "node": self.place.get(id(z)), "shape": list(z.shape), "dtype": str(z.dtype)}
            for z, _ in record.leaves
            if z.requires_grad
        }
        self.start = self.place[id(self.root)]
        self.title = f"{_title(self.nodes[self.start])}, step by step: {count_of(len(ops), 'op')} and back"

    def lay(self, record: Record) -> None:
        """Draw each value and each arrow; ops that are left out as one."""
        homes = Homes(record)
        used = {id(x) for z, inputs in self.inputs.items() if z not in self.left_out for x in inputs}
        for v, z in enumerate(record.vertices):
            if z in self.left_out:
                if 0 not in self.place:
                    self.add(0, {"name": f"{len(self.left_out):,} ops, folded", "kind": "fold"})
                self.place[id(z)] = self.place[0]
                continue
            for x in self.inputs.get(z, ()):
                if id(x) in self.names and id(x) not in self.place and not isinstance(x, Source):
                    self.add(id(x), {"name": self.name(x), "kind": "data", "value": self.view(x)})
            if z in self.inputs or z is self.root or (id(z) in used and id(z) in self.names):
                self.add(id(z), self.node(z), homes.frames(homes.chain(v)))
        arrows = ((self.place.get(id(x)), self.place[id(z)]) for z, inputs in self.inputs.items() for x in inputs)
        far: Counter[int] = Counter()
        for a, b in dict.fromkeys(arrows):
            if a is not None and a != b:
                far[a] += b - a > _FAR
                if far[a] <= _FARTHEST or b - a <= _FAR:
                    self.drawing.edges.append(Edge(f"n{a}", f"n{b}", look={"id": f"e{a}-{b}"}))
        if any(n > _FARTHEST for n in far.values()):
            self.folded[f"Of the long arrows from a box the first {_FARTHEST} are drawn."] = None

    def add(self, key: int, node: dict[str, Any], around: Sequence[tuple[Any, str]] = ()) -> None:
        """Put a node on the page and into the picture."""
        i = self.place[key] = len(self.nodes)
        kind, title = node["kind"], _title(node)
        short = title.replace(f"{around[-1][0][1]}.", "") if around else title  # the frame shows the module
        lines = [short, _brief(node["value"]) if "value" in node else "", _LATER if node.get("gradient") else ""]
        text = "\n".join(shortened(line, LINE) for line in lines if line)
        look = {"id": f"n{i}", "class": kind, **LOOK["steps"][kind]}
        self.boxes.append(self.drawing.put(Node(f"n{i}", text, tooltip=title, look=look), around))
        self.nodes.append(node)

    def node(self, z: Any) -> dict[str, Any]:
        """What the page says of a value: its name and kind, its formula, its line of code, and a corner of it."""
        entry: dict[str, Any] = {"name": self.name(z), "kind": "parameter" if z.requires_grad else "data"}
        entry |= {"gradient": z.requires_grad, "value": self.view(self.data[z], z)}
        if z in self.inputs:
            about = (z.op.kernel.__doc__ or "").split("\n", 1)[0].split("``", 1)[0].replace("`", "").rstrip(" :")
            kind, places = "result" if z is self.root else "op", (self.place.get(id(x)) for x in self.inputs[z])
            entry |= {"kind": kind, "op": op_name(z.op), "inputs": [i for i in places if i is not None]}
            entry |= {"about": about, "formula": self.formula(z), "numbers": self.formula_in_numbers(z)}
        if origin := origin_of(z):
            entry |= {"line": str(origin), "source": origin.source, "module": origin.module}
        return _clipped(entry)

    # the walk

    def pulled(self, step: Pull) -> None:
        """Record what one rule did."""
        z, place, left_out = step.z, self.place[id(step.z)], step.z in self.left_out
        if z is not self.at:
            self.at = z
            entry: dict[str, Any] = {"node": place, "to": []}
            if not left_out:
                self.reserve(place, step.g)
                entry |= {"arriving": self.view(step.g), "hooked": hooked(z)}
            if self.steps[-1:] != [entry]:  # one for all that is folded
                self.steps.append(entry)
        rules = self.steps[-1]["to"]
        if not left_out and len(rules) < INPUTS:
            rules.append(self.rule_entry(step))
            self.reserve(rules[-1]["node"], step.total, " + …" * (step.part < step.of))
        elif rules:
            self.folded[f"Of ops with more than {INPUTS} inputs the first {INPUTS} are explained."] = None

    def reserve(self, i: int, g: Any, more: str = "") -> None:
        """Make room for a gradient in the box of node `i`, if it has one: its last line is the longest of these."""
        *lines, last = self.boxes[i].text.split("\n")
        if self.nodes[i].get("gradient"):
            text = shortened(f"grad {_brief(self.view(g))}{more}", LINE)
            self.boxes[i].text = "\n".join([*lines, max(last, text, key=len)])

    def rule_entry(self, step: Pull) -> dict[str, Any]:
        """One rule as a formula with names and with numbers, its gradient, and the sum of gradients so far."""
        z, i, g, x = step.z, step.i, step.g, step.x
        text, raw = self.rule(z, i, g)
        in_numbers, example = self.rule_in_numbers(z, i, g, raw)
        entry = {"node": self.place[id(x)], "name": self.name(x), "numbers": in_numbers, "example": example}
        entry |= {"rule": summed(text, summed_axes(raw, z.inputs[i].shape)), "why": why(z, i, raw, self.name(x))}
        entry |= {"gives": self.view(step.gives), "part": step.part, "of": step.of}
        if raw is not None and raw.shape != step.gives.shape:
            entry["raw"] = self.view(raw)
        if step.before is not None:
            entry |= {"before": self.view(step.before), "total": self.view(step.total)}
        return _clipped(entry)

    def delivered(self, x: Any, g: Any) -> None:
        """Record the gradient of a leaf, which is complete."""
        if id(x) in self.place:  # else only folded ops use it
            self.reserve(self.place[id(x)], g)
        exact = numbers(g) if g.size <= self.exact else None
        if exact is None:
            self.folded[f"Gradients of more than {self.exact:,} elements are given in part."] = None
        self.leaves[x] |= {"shown": self.view(g), "values": exact, "uses": self.uses[x]}
        self.leaves[x] |= {"held": grad_of(x) is not None, "hooked": hooked(x)}

    # the page

    def view(self, array: Any, like: Any = None) -> dict[str, Any]:
        """A corner of an array as texts, with its shape and dtype; its extremes and mean, or a small one in a line."""
        view: dict[str, Any] = {"shape": list((like if array is None else array).shape)}
        view["dtype"] = str((like if array is None else array).dtype)
        if array is None:
            return view | {"rows": [["not kept"]], "text": "not kept"}
        a = np.asarray(array)
        rows = a.reshape(-1, a.shape[-1] if a.ndim else 1) if a.size else np.empty((0, 0))
        corner = rows[: self.edge, : self.edge]
        view["rows"] = [[nested(v, 6 if a.size == 1 else 4) for v in row] for row in corner]
        if corner.size < a.size:
            self.folded[f"Of large arrays the first {self.edge} rows and columns are shown."] = None
            with np.errstate(all="ignore"):
                size = np.abs(a) if a.dtype.kind == "c" else a
                view["range"] = [nested(n) for n in (size.min(), size.mean(dtype=float), size.max())]
        elif a.size and a.ndim <= 2 and len(text := nested(a)) <= _INLINE:
            view["text"] = text
        return view

    def page(self, seed: Any) -> str:
        """The page as HTML."""
        self.reserve(self.start, seed)
        self.walk(seed, self.pulled, self.delivered)
        gradients = list(self.leaves.values())
        if len(gradients) > _LISTED:
            self.folded[f"Of {len(gradients):,} final gradients the first {_LISTED:,} are listed."] = None
        data = {"root": self.name(self.root), "start": self.start, "nodes": self.nodes, "seed": self.view(seed)}
        graph = self.graph()
        data |= {"backward": self.steps, "gradients": gradients[:_LISTED], "folded": list(self.folded)}
        return fill("steps", self.title, data, graph=graph)

    def graph(self) -> str:
        """The picture as an ``<svg>`` element; without Graphviz, or where it would take long, as a list."""
        title, reason = escape(f"The graph of {self.title}"), f"there are more than {ENGINE_LIMIT:,}"
        try:
            if len(self.boxes) <= ENGINE_LIMIT:
                svg = laid_out(self.drawing, timeout=5).decode()
                svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
                ops = [_title(node) for node in self.nodes if "formula" in node]
                words = f"{'; '.join(ops[:40])}{f'; and {len(ops) - 40:,} more' if len(ops) > 40 else ''}."
                inside = f'<title id="graph-title">{title}</title><desc id="graph-text">{escape(words)}</desc>'
                return svg.replace(">", f' role="img" aria-labelledby="graph-title graph-text">{inside}', 1)
        except RenderError as failure:
            reason = str(failure).partition(";")[0].removesuffix(".")
        self.folded[f"The graph is a list of boxes, without arrows: {reason}."] = None
        items = []
        for box in self.boxes:
            lines = "".join(f"<div>{escape(x)}</div>" for x in (plain(box.tooltip), *box.text.split("\n")[1:]))
            items.append(f'<li id="{box.id}" class="node {box.look["class"]}">{lines}</li>')
        return f'<ol aria-label="{title}">{"".join(items)}</ol>'


def _title(node: dict[str, Any]) -> str:
    return f"{node['name']} = {node['formula']}" if "formula" in node else str(node["name"])


def _brief(view: dict[str, Any]) -> str:
    """An array in one line of a box: a small one whole, as NumPy prints it, another by its shape."""
    text = str(view.get("text", ""))
    return text if 0 < len(text) <= LINE - 4 else f"{' × '.join(map(str, view['shape']))} numbers"


def _clipped(entry: dict[Any, Any]) -> dict[Any, Any]:
    """`entry` with its texts as a page shows them."""
    texts = {key: x.replace("\0", "␀") for key, x in entry.items() if isinstance(x, str)}
    return entry | {key: x if len(x) <= LONGEST else f"{x[: LONGEST - 1]}…" for key, x in texts.items()}
