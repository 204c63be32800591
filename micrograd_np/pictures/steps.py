"""One forward and one backward pass as a page to step through: each op and each derivative rule, in numbers."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.messages import count_of
from micrograd_np.core.values import inputs, operands
from micrograd_np.core.vertex import Source, source
from micrograd_np.debug.explain import Pulled, names_of, or_zeros, rule_of, seed_of, symbols_of, why
from micrograd_np.debug.origin import origin_of
from micrograd_np.engine import backward as walk
from micrograd_np.engine.symbol import _ATOM, _PRODUCT, Symbol
from micrograd_np.engine.tensor import Tensor

from .drawing import Drawing, Edge, Node, digraph
from .escape import plain, shortened
from .formula import spoken
from .page import SIZE_LIMIT, embed, fill, numbers, write
from .picture import Shown
from .render import RenderError, render
from .structure import Homes, read
from .values import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from micrograd_np.core.vertex import Node as Made

__all__ = ["Steps", "draw_steps"]

SPELT = 9  # elements of an array that a formula spells out
INPUTS = 50  # inputs of an op whose rules are explained
LONGEST = 400  # letters of a formula or a name
LINE = 34  # letters of a line in a box; the panel beside the picture shows the whole
ENGINE_LIMIT = 300  # boxes; Graphviz takes seconds over a thousand
_STYLES = {"parameter": "rounded", "op": "", "data": "dashed", "fold": "dotted"}
# What the page shows, most first: rows and columns of an array, elements of a final gradient. A page that is too large
# at the last of these shows fewer ops.
CAPS = ((8, 10_000), (4, 256), (2, 16))


class Steps(Shown):
    """A forward and a backward pass as an HTML page: `save` writes it, and `show` or a notebook shows it.

    `page` is the page's text; `folded` says in sentences what it leaves out, and is empty where it shows everything.
    No tensor or array is held.
    """

    file = "steps.html"

    def __init__(self, page: str, title: str, folded: Sequence[str]) -> None:
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
    <Steps: v2 = σ(v1), step by step: 2 ops and back; .save('steps.html') writes the page>
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"draw_steps: found {type(tensor).__name__}; give the tensor that backward() starts from.")
    seed = seed_of(tensor, gradient, "draw_steps")
    if walk.is_gone(source(tensor)):
        raise RuntimeError(
            "draw_steps: a backward pass has used this graph. Call draw_steps before backward(), or keep the graph "
            "with backward(retain_graph=True)."
        )
    if max_ops < 2:
        raise ValueError(f"draw_steps: max_ops is {max_ops}; a page shows at least 2 ops.")
    ops = min(max_ops, sum(z.op is not None for z in walk.reached(tensor)))
    fewer = [(*CAPS[-1], ops >> k) for k in range(1, ops.bit_length() - 1)]
    for edge, exact, limit in [(*cap, max_ops) for cap in CAPS] + fewer:
        story = _Story(tensor, seed, edge, exact, limit)
        page = story.page()
        if len(page.encode()) <= SIZE_LIMIT:
            break
    return Steps(page, story.title, story.folded)


class _Story:
    """What the page tells, gathered while the backward pass runs: texts and parts of arrays, but no array."""

    def __init__(self, root: Tensor, seed: Any, edge: int, exact: int, max_ops: int) -> None:
        self.edge, self.exact = edge, exact
        self.cut = self.many = False
        record = read(root)
        self.root: Any = source(root)
        homes = Homes(record)
        self.data = {record.vertices[v]: array for v, array in record.values(range(len(record)))}
        self.inputs: dict[Any, Any] = {z: inputs(z) for v, z in enumerate(record.vertices) if record.is_op(v)}
        self.names = {key: _clip(name) for key, name in names_of(record.vertices, self.inputs)[0].items()}
        made = list(self.inputs)
        many, half = len(made), max_ops // 2
        self.kept = set(made if many <= max_ops else made[:half] + made[half - max_ops :])
        self.folded: list[str] = []
        self.nodes: list[dict[str, Any]] = []
        self.around: list[tuple[Any, ...]] = []  # the frames around each
        self.place: dict[
            int, int
        ] = {}  # by the identity of a vertex or an array (0: of what is folded): its place in `nodes`
        used = {id(x) for z in self.kept for x in self.inputs[z]}
        for v, z in enumerate(record.vertices):
            if z in self.inputs and z not in self.kept:
                if not self.folded:
                    self.folded.append(
                        f"{many - max_ops:,} of {many:,} ops are folded into one box; the first {half:,} and the last "
                        f"{max_ops - half:,} are shown."
                    )
                    self.add(0, name=f"{many - max_ops:,} ops, folded", kind="fold")
                self.place[id(z)] = self.place[0]
                continue
            for x in self.inputs.get(z, ()):
                if id(x) in self.names and id(x) not in self.place and not isinstance(x, Source):
                    self.add(id(x), name=self.names[id(x)], kind="data", value=self.view(x))
            if z in self.kept or z is self.root or (id(z) in used and id(z) in self.names):
                frames = homes.chain(v)
                titled = tuple((path, homes.title(path, frames[:k])) for k, path in enumerate(frames))
                self.add(id(z), titled, **self.node(z))
        arrows = [(self.place.get(id(x)), self.place[id(z)]) for z in made for x in self.inputs[z]]
        self.edges = [(a, b) for a, b in dict.fromkeys(arrows) if a is not None and a != b]
        self.steps: list[dict[str, Any]] = []
        self.uses: Counter[Any] = Counter()  # from which a gradient comes back
        for z in reversed(made):
            if z is self.root or z in self.uses:
                rules = zip(self.inputs[z], z.op.rules_for(len(self.inputs[z])), strict=False)
                self.uses.update(x for x, rule in rules if rule and isinstance(x, Source) and x.requires_grad)
        self.parts: Counter[Any] = Counter()
        self.totals: dict[Any, Any] = {}
        self.seed = self.view(seed)
        self.leaves: dict[Any, Any] = {z: {} for z in record.leaves if z.requires_grad}
        self.held = {z for z in self.leaves if record.gradient(record.at(z)) is not None}
        self.at: Made | None = None
        Pulled(record.vertices, self.arrived).walk(root, seed, self.delivered)
        self.title = f"{_title(self.nodes[self.place[id(self.root)]])}, step by step: {count_of(many, 'op')} and back"

    # what the walk says

    def arrived(self, z: Made, i: int, g: Any, gx: Any) -> None:
        """One rule has run."""
        x, place = self.inputs[z][i], self.place[id(z)]
        if z is not self.at:
            self.at = z
            if z in self.kept:
                self.steps.append({"node": place, "arriving": self.view(g), "to": [], "hooked": _hooked(z)})
            elif self.steps[-1:] != [{"node": place, "to": []}]:
                self.steps.append({"node": place, "to": []})
        self.parts[x] += 1
        before = self.totals.pop(x, None)
        total = gx if before is None else before + gx
        if self.parts[x] < self.uses[x]:
            self.totals[x] = total
        told = self.steps[-1]["to"]
        self.many |= len(told) >= INPUTS
        if z not in self.kept or len(told) >= INPUTS:
            return
        name = self.names[id(x)]
        rule, spelt, example, raw = self.rule(z, i, g)
        entry = {"node": self.place[id(x)], "name": name, "rule": rule, "numbers": spelt, "example": example}
        entry |= {"why": why(z, x, raw, name), "gives": self.view(gx), "part": self.parts[x], "of": self.uses[x]}
        if raw is not None and raw.shape != gx.shape:
            entry["raw"] = self.view(raw)
        if before is not None:
            entry |= {"before": self.view(before), "total": self.view(total)}
        told.append(entry)

    def delivered(self, x: Any, g: Any) -> None:
        """The gradient of a leaf is complete."""
        exact = numbers(g) if g.size <= self.exact else None
        self.leaves[x] = {"shown": self.view(g), "values": exact, "uses": self.parts[x]}
        self.leaves[x] |= {"held": x in self.held, "hooked": _hooked(x)}

    # texts

    def node(self, z: Any) -> dict[str, Any]:
        """What is said about a value: its name and kind, how it was made, where, and a part of it."""
        given = self.inputs.get(z)
        kind = "parameter" if z.requires_grad else "data"
        said: dict[str, Any] = {"name": self.names[id(z)], "kind": kind, "gradient": z.requires_grad}
        said["value"] = self.view(self.data[z], z)
        if given is not None:
            named, spelt = symbols_of(given, self.names, self.data), self.spelt(z)
            about = (z.op.__doc__ or "").split("\n", 1)[0].split("``", 1)[0]
            said |= {
                "kind": "result" if z is self.root else "op",
                "op": spoken(z.op),
                "about": _clip(about.replace("`", "").rstrip(" :")),
                "formula": _text(lambda: Symbol.__primitive__(z.op, tuple(named), z.static)) or f"{spoken(z.op)}(…)",
                "numbers": spelt and _text(lambda: Symbol.__primitive__(z.op, spelt, z.static)),
                "inputs": [self.place[id(x)] for x in given if id(x) in self.place],
            }
        origin = origin_of(z)
        if origin:
            said |= {"line": _clip(str(origin)), "source": _clip(origin.source), "module": origin.module}
        return said

    def arrays(self, z: Any) -> list[Any]:
        """What the op that made `z` was given, as far as it is held."""
        return operands(z, self.data)[: len(self.inputs[z])]

    def spelt(self, z: Any) -> Any:
        """The same as symbols whose texts are their digits; no text where one is too large."""
        arrays = self.arrays(z)
        fits = all(a is not None and np.size(a) <= SPELT for a in arrays)
        return tuple(map(_spelt, arrays)) if fits else ""

    def rule(self, z: Any, i: int, g: Any) -> tuple[str, str, str, Any]:
        """The rule for input `i`: with names, with numbers, for the first element, and before broadcasting is undone.

        Numbers are given where arrays are small; else the first element's where the rule works element by element.
        """
        named, spelt, data = symbols_of(self.inputs[z], self.names, self.data), self.spelt(z), self.data[z]
        text, raw = rule_of(z, i, Symbol("g", g), Symbol(self.names[id(z)], or_zeros(data, z)), named)
        numbers = example = ""
        if raw is None or data is None or not g.size or any(a is None for a in self.arrays(z)):
            pass
        elif spelt and max(g.size, data.size) <= SPELT:
            told, same = rule_of(z, i, _spelt(g), _spelt(data), spelt)
            numbers = "" if same is None else told
        elif raw.shape == z.shape:
            with suppress(Exception):  # of a rule that does not work element by element
                head = [np.broadcast_to(a, data.shape).flat[0] for a in (g, data, *self.arrays(z))]
                arriving, result, *given = map(_spelt, head)
                told, one = rule_of(z, i, arriving, result, given)
                if not np.ndim(one) and np.array_equal(np.asarray(one, raw.dtype), raw.flat[0], equal_nan=True):
                    example = f"{told} = {_number(raw.flat[0])}"
        return _clip(text), _clip(numbers), _clip(example), raw

    # the page

    def add(self, key: int, around: tuple[Any, ...] = (), **node: Any) -> None:
        """Append a node to the picture's, and note its place under `key`."""
        self.place[key] = len(self.nodes)
        self.nodes.append(node)
        self.around.append(around)

    def view(self, array: Any, like: Any = None) -> dict[str, Any]:
        """A corner of an array as texts, with its shape and dtype; where that is not all, its extremes and mean."""
        if array is None:
            return {"shape": list(like.shape), "dtype": str(like.dtype), "rows": [["not kept"]]}
        a = np.asarray(array)
        rows = a.reshape(-1, a.shape[-1] if a.ndim else 1) if a.size else np.empty((0, 0))
        corner = rows[: self.edge, : self.edge]
        digits = 6 if a.size == 1 else 4
        shown: dict[str, Any] = {"shape": list(a.shape), "dtype": str(a.dtype)}
        shown["rows"] = [[_number(v, digits) for v in row] for row in corner]
        if corner.size < a.size:
            self.cut = True
            with np.errstate(all="ignore"):
                size = np.abs(a) if a.dtype.kind == "c" else a
                shown["range"] = [_number(size.min()), _number(size.mean(dtype=float)), _number(size.max())]
        return shown

    def page(self) -> str:
        """The page as HTML."""
        gradients = []
        for leaf, told in self.leaves.items():
            said = {"name": self.names[id(leaf)], "node": self.place.get(id(leaf)), "shape": list(leaf.shape)}
            gradients.append({**said, "dtype": str(leaf.dtype), **told})
        if self.cut:
            self.folded.append(f"Of large arrays the first {self.edge} rows and columns are shown.")
        if self.many:
            self.folded.append(f"Of ops with more than {INPUTS} inputs the first {INPUTS} are explained.")
        if any(x.get("values", ()) is None for x in gradients):
            self.folded.append(f"Gradients of more than {self.exact:,} elements are given in part.")
        if len(gradients) > 1000:
            self.folded.append(f"Of {len(gradients):,} final gradients the first 1,000 are listed.")
        start = self.place[id(self.root)]
        data = {"root": self.names[id(self.root)], "start": start, "nodes": self.nodes, "seed": self.seed}
        data |= {"backward": self.steps, "gradients": gradients[:1000], "folded": self.folded}
        ops = [_title(n) for n in self.nodes if "formula" in n]
        description = f"{'; '.join(ops[:40])}{f'; and {len(ops) - 40:,} more' if len(ops) > 40 else ''}."
        room = {i: ["grad: not yet"] for i, n in enumerate(self.nodes) if n.get("gradient")}
        room[start].append(f"grad {_brief(self.seed)}")
        for to in (to for step in self.steps for to in step["to"]):
            more = " + …" if to["part"] < to["of"] else ""
            room.get(to["node"], []).append(f"grad {_brief(to.get('total', to['gives']))}{more}")
        drawing = Drawing("steps")
        for i, (n, around) in enumerate(zip(self.nodes, self.around, strict=True)):
            title = _title(n).replace(f"{around[-1][0][1]}.", "") if around else _title(n)  # the frame says it
            lines = [title, _brief(n["value"]) if "value" in n else "", max(room.get(i, [""]), key=len)]
            text = "\n".join(shortened(line, LINE) for line in lines if line)
            look = {"id": f"n{i}", "class": n["kind"], "style": _STYLES.get(n["kind"], "")}
            look["peripheries"] = "2" if n["kind"] == "result" else "1"
            drawing.inside(around).append(Node(f"n{i}", text, tooltip=_title(n), look=look))
        drawing.edges = [Edge(f"n{a}", f"n{b}", look={"id": f"e{a}-{b}"}) for a, b in self.edges]
        return fill("steps", self.title, data, graph=_graph(drawing, f"The graph of {self.title}", description))


def _graph(drawing: Drawing, title: str, description: str) -> str:
    """The drawing as an ``<svg>`` element; without Graphviz, or where it would take long, as a list of the values."""
    nodes = sorted(drawing.every_node(), key=lambda node: int(node.id[1:]))
    try:
        svg = render(str(digraph(drawing).source), "svg", timeout=20).decode() if len(nodes) <= ENGINE_LIMIT else ""
    except RenderError:
        svg = ""
    if svg:
        told = f'<title id="graph-title">{escape(title)}</title><desc id="graph-text">{escape(description)}</desc>'
        svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        return svg.replace(">", f' role="img" aria-labelledby="graph-title graph-text">{told}', 1)
    rows = []
    for node in nodes:
        lines = [plain(node.tooltip), *node.text.split("\n")[1:]]
        told = "".join(f"<div>{escape(line)}</div>" for line in lines)
        rows.append(f'<li id="{node.id}" class="node {node.look["class"]}">{told}</li>')
    return f'<ol aria-label="{escape(title)}">{"".join(rows)}</ol>'


def _hooked(z: Source) -> bool:
    return bool((z.notes or {}).get("hooks"))


def _title(node: dict[str, Any]) -> str:
    return f"{node['name']} = {node['formula']}" if "formula" in node else str(node["name"])


def _brief(view: dict[str, Any]) -> str:
    """An array in one line of a box: a small one whole, as NumPy prints it, another by its shape."""
    rows = [f"[{' '.join(row)}]" for row in view["rows"]]
    if rows and "range" not in view and len(view["shape"]) <= 2:
        text = str((view["rows"][0][0], rows[0], f"[{' '.join(rows)}]")[len(view["shape"])])
        if len(text) <= 30:
            return text
    return f"{' × '.join(map(str, view['shape']))} numbers"


def _clip(text: str) -> str:
    text = text.replace("\0", "␀")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _number(x: Any, digits: int = 6) -> str:
    return number(x, digits).replace("-", "−")


def _spelt(value: Any) -> Symbol:
    """A value as a symbol whose text is its digits."""
    a = np.asarray(value)
    text = _nested(a)
    return Symbol(text, a, _PRODUCT if text.startswith("−") else _ATOM)


def _nested(a: Any) -> str:
    """An array as NumPy prints it, to four digits; a single number to six."""
    if np.ndim(a) == 1:
        return f"[{' '.join(_number(x, 4 if len(a) > 1 else 6) for x in a)}]"
    return f"[{' '.join(map(_nested, a))}]" if np.ndim(a) else _number(a[()])


def _text(make: Callable[[], Any]) -> str:
    """The text of the symbol that `make` gives; empty where a label or a rule needs what symbols lack."""
    try:
        found = make()
    except Exception:  # noqa: BLE001  one formula that will not print must not cost the page
        return ""
    return _clip(found.text if isinstance(found, Symbol) else _number(found) if not np.ndim(found) else "")
