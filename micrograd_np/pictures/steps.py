"""One forward and one backward pass as a page to step through: each op and each derivative rule, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import backward as walk
from micrograd_np.debug.explain import Pulled, names_of, or_zeros, rule_of, symbols_of, why
from micrograd_np.debug.origin import origin_of
from micrograd_np.symbol import _ATOM, _PRODUCT, Symbol
from micrograd_np.tensor import Tensor
from micrograd_np.values import inputs
from micrograd_np.vertex import Source, Vertex, source

from .layers import Box, svg
from .page import SIZE_LIMIT, embed, fill, numbers, write
from .structure import Homes, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from micrograd_np.vertex import Node

__all__ = ["Steps", "draw_steps"]

SPELT = 9  # elements of an array that a formula spells out
INPUTS = 50  # inputs of an op whose rules are explained
LONGEST = 400  # letters of a formula or a name
# What the page shows, most first: rows and columns of an array, elements of a final gradient. A page that is too large
# at the last of these shows fewer ops.
CAPS = ((8, 10_000), (4, 256), (2, 16))


class Steps:
    """A forward and a backward pass as an HTML page: `save` writes it, and a notebook shows it.

    `page` is the page's text; `folded` says in sentences what it leaves out, and is empty where it shows everything.
    No tensor or array is held.
    """

    def __init__(self, page: str, title: str, folded: tuple[str, ...]) -> None:
        self.page = page
        self.title = title
        self.folded = folded

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
    if not tensor.requires_grad:
        raise RuntimeError(
            "draw_steps: the tensor depends on nothing that requires a gradient. Make a leaf with requires_grad=True, "
            "and compute outside no_grad()."
        )
    if walk.is_gone(source(tensor)):
        raise RuntimeError(
            "draw_steps: a backward pass has used this graph. Call draw_steps before backward(), or keep the graph "
            "with backward(retain_graph=True)."
        )
    if max_ops < 2:
        raise ValueError(f"draw_steps: max_ops is {max_ops}; a page shows at least 2 ops.")
    seed = tensor._seed(gradient)
    seed = seed.data if isinstance(seed, Vertex) else seed
    ops = min(max_ops, sum(z.op is not None for z in walk.reached(tensor)))
    fewer = [(*CAPS[-1], ops >> k) for k in range(1, ops.bit_length() - 1)]
    for edge, exact, limit in [(*cap, max_ops) for cap in CAPS] + fewer:
        story = _Story(tensor, seed, edge, exact, limit)
        page = story.page()
        if len(page.encode()) <= SIZE_LIMIT:
            break
    return Steps(page, story.title, tuple(story.folded))


class _Story:
    """What the page tells, gathered while the backward pass runs: texts and parts of arrays, but no array."""

    def __init__(self, root: Tensor, seed: Any, edge: int, exact: int, max_ops: int) -> None:
        self.edge, self.exact = edge, exact
        self.cut = self.many = False
        record = read(root)
        self.root: Any = source(root)
        self.data = {record.vertices[v]: array for v, array in record.values(range(len(record)))}
        self.inputs = {z: tuple(inputs(z)) for v, z in enumerate(record.vertices) if record.is_op(v)}
        self.names = {key: _clip(name) for key, name in names_of(record.vertices, self.inputs)[0].items()}
        made: list[Any] = list(self.inputs)
        half = max_ops // 2
        self.kept = set(made if len(made) <= max_ops else made[:half] + made[-(max_ops - half) :])
        self.folded: list[str] = []
        self.nodes: list[dict[str, Any]] = []
        self.place: dict[int, int] = {}  # by the identity of a vertex or an array: its place in `nodes`
        used = {id(x) for z in self.kept for x in self.inputs[z]}
        for z in record.vertices:
            if z in self.inputs and z not in self.kept:
                if not self.folded:
                    self.folded.append(
                        f"{len(made) - max_ops:,} of {len(made):,} ops are folded into one box; the first "
                        f"{half:,} and the last {max_ops - half:,} are shown."
                    )
                    self.fold = self.add("fold", name=f"{len(made) - max_ops:,} ops, folded", kind="fold")
                self.place[id(z)] = self.fold
                continue
            for x in self.inputs.get(z, ()):
                if id(x) in self.names and id(x) not in self.place and not isinstance(x, Source):
                    self.add(x, name=self.names[id(x)], kind="data", value=self.view(x))
            if z in self.kept or z is self.root or (id(z) in used and id(z) in self.names):
                self.add(z, **self.node(z))
        arrows = [(self.place.get(id(x)), self.place[id(z)]) for z in made for x in self.inputs[z]]
        homes = Homes(record)
        self.around = {
            self.place[id(z)]: [(path, homes.title(path, around[:k])) for k, path in enumerate(around)]
            for v, z in enumerate(record.vertices)
            if id(z) in self.place and self.place[id(z)] != self.place.get(id("fold"))
            for around in (homes.chain(v),)
        }
        self.edges = [(a, b) for a, b in dict.fromkeys(arrows) if a is not None and a != b]
        self.steps: list[dict[str, Any]] = []
        self.uses: dict[Any, int] = {}  # from which a gradient comes back
        for z in reversed(made):
            if z is self.root or z in self.uses:
                for x, rule in zip(self.inputs[z], z.op.rules_for(len(self.inputs[z])), strict=False):
                    if rule is not None and isinstance(x, Source) and x.requires_grad:
                        self.uses[x] = self.uses.get(x, 0) + 1
        self.parts: dict[Any, int] = {}
        self.totals: dict[Any, Any] = {}
        self.seed = self.view(seed)
        self.leaves: dict[Any, Any] = {z: None for z in record.leaves if z.requires_grad}
        self.held = {z for v, z in enumerate(record.vertices) if record.gradient(v) is not None}
        self.at: Node | None = None
        Pulled(record.vertices, self.arrived).walk(root, seed, self.delivered)
        self.title = f"{_title(self.nodes[self.place[id(self.root)]])}, step by step: {len(made):,} ops and back"

    # what the walk says

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """One rule has run."""
        x = self.inputs[z][i]
        if z is not self.at:
            self.at = z
            if z in self.kept:
                step = {"node": self.place[id(z)], "arriving": self.view(g), "to": [], "hooked": _hooked(z)}
                self.steps.append(step)
            elif self.steps[-1:] != [{"node": self.fold, "to": []}]:
                self.steps.append({"node": self.fold, "to": []})
        part = self.parts[x] = self.parts.get(x, 0) + 1
        before = self.totals.pop(x, None)
        total = gx if before is None else before + gx
        if part < self.uses[x]:
            self.totals[x] = total
        if z not in self.kept:
            return
        if len(self.steps[-1]["to"]) >= INPUTS:
            self.many = True
            return
        rule, spelt, example, raw = self.rule(z, i, g)
        name = self.names[id(x)]
        entry = {
            "node": self.place[id(x)],
            "name": name,
            "rule": rule,
            "numbers": spelt,
            "example": example,
            "why": why(z, x, raw, name),
            "gives": self.view(gx),
            "part": part,
            "of": self.uses[x],
        }
        if raw is not None and raw.shape != gx.shape:
            entry["raw"] = self.view(raw)
        if before is not None:
            entry |= {"before": self.view(before), "total": self.view(total)}
        self.steps[-1]["to"].append(entry)

    def delivered(self, x: Any, g: Any) -> None:
        """The gradient of a leaf is complete."""
        self.leaves[x] = {
            "shown": self.view(g),
            "values": numbers(g) if g.size <= self.exact else None,
            "uses": self.parts.get(x, 0),
            "held": x in self.held,
            "hooked": _hooked(x),
        }

    # texts

    def node(self, z: Any) -> dict[str, Any]:
        """What is said about a value: its name and kind, how it was made, where, and a part of it."""
        given = self.inputs.get(z)
        kind = "op" if given is not None else "parameter" if z.requires_grad else "data"
        said: dict[str, Any] = {
            "name": self.names[id(z)],
            "kind": "result" if z is self.root and given is not None else kind,
            "value": self.view(self.data[z], z),
            "gradient": z.requires_grad,
        }
        if given is not None:
            named, spelt = symbols_of(given, self.names, self.data), self.spelt(z)
            about = (z.op.__doc__ or "").split("\n", 1)[0].split("``", 1)[0]
            said |= {
                "op": z.op.name,
                "about": _clip(about.replace("`", "").rstrip(" :")),
                "formula": _text(lambda: Symbol.__primitive__(z.op, tuple(named), z.static)) or f"{z.op.name}(…)",
                "numbers": spelt and _text(lambda: Symbol.__primitive__(z.op, spelt, z.static)),
                "inputs": [self.place[id(x)] for x in given if id(x) in self.place],
            }
        origin = origin_of(z)
        if origin:
            said |= {"line": _clip(str(origin)), "source": _clip(origin.source), "module": origin.module}
        return said

    def arrays(self, z: Any) -> list[Any]:
        """What the op that made `z` was given, as far as it is held."""
        return [or_zeros(self.data[x], x) if isinstance(x, Source) else x for x in self.inputs[z]]

    def spelt(self, z: Any) -> Any:
        """The same as symbols whose texts are their digits; no text where one is too large."""
        arrays = self.arrays(z)
        fits = all(a is not None and np.size(a) <= SPELT for a in arrays)
        return tuple(map(_spelt, arrays)) if fits else ""

    def rule(self, z: Any, i: int, g: Any) -> tuple[str, str, str, Any]:
        """The rule for input `i`: with names, with numbers, for the first element, and before broadcasting is undone.

        Numbers are given where arrays are small; else the first element's where the rule works element by element.
        """
        named = symbols_of(self.inputs[z], self.names, self.data)
        data = self.data[z]
        text, raw = rule_of(z, i, Symbol("g", g), Symbol(self.names[id(z)], or_zeros(data, z)), named)
        spelt = self.spelt(z)
        if raw is None or data is None or not g.size:
            return _clip(text), "", "", raw
        if spelt and max(g.size, data.size) <= SPELT:
            told, same = rule_of(z, i, _spelt(g), _spelt(data), spelt)
            return _clip(text), "" if same is None else _clip(told), "", raw
        if raw.shape != z.shape:
            return _clip(text), "", "", raw
        try:
            head = [np.broadcast_to(a, data.shape).flat[0] for a in (g, data, *self.arrays(z))]
            arriving, result, *given = map(_spelt, head)
            told, one = rule_of(z, i, arriving, result, given)
            same = np.array_equal(np.asarray(one, raw.dtype), raw.flat[0], equal_nan=True)
        except Exception:  # noqa: BLE001  a rule that does not work element by element
            return _clip(text), "", "", raw
        return _clip(text), "", _clip(f"{told} = {_number(raw.flat[0])}") if same and not np.ndim(one) else "", raw

    # the page

    def add(self, key: Any, **node: Any) -> int:
        """Append a node to the picture's, and note its place under `key`."""
        self.place[id(key)] = len(self.nodes)
        self.nodes.append(node)
        return len(self.nodes) - 1

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
        for leaf, found in self.leaves.items():
            said = {"name": self.names[id(leaf)], "node": self.place.get(id(leaf)), "shape": list(leaf.shape)}
            gradients.append({**said, "dtype": str(leaf.dtype), **(found or {})})
        left = [x for x in gradients if x.get("values", ()) is None]
        folded = self.folded.copy()
        if self.cut:
            folded.append(f"Of large arrays the first {self.edge} rows and columns are shown.")
        if self.many:
            folded.append(f"Of ops with more than {INPUTS} inputs the first {INPUTS} are explained.")
        if left:
            folded.append(f"Gradients of more than {self.exact:,} elements are given in part.")
        if len(gradients) > 1000:
            folded.append(f"Of {len(gradients):,} final gradients the first 1,000 are listed.")
        self.folded = folded
        data = {
            "root": self.names[id(self.root)],
            "start": self.place[id(self.root)],
            "nodes": self.nodes,
            "seed": self.seed,
            "backward": self.steps,
            "gradients": gradients[:1000],
            "folded": folded,
        }
        ops = [_title(n) for n in self.nodes if "formula" in n]
        description = f"{'; '.join(ops[:40])}{f'; and {len(ops) - 40:,} more' if len(ops) > 40 else ''}."
        room = {i: ["grad: not yet"] for i, n in enumerate(self.nodes) if n.get("gradient")}
        room[self.place[id(self.root)]].append(f"grad {_brief(self.seed)}")
        for to in (to for step in self.steps for to in step["to"]):
            more = " + …" if to["part"] < to["of"] else ""
            room.get(to["node"], []).append(f"grad {_brief(to.get('total', to['gives']))}{more}")
        boxes = []
        for i, n in enumerate(self.nodes):
            around = tuple(self.around.get(i, ()))
            title = _title(n).replace(f"{around[-1][0][1]}.", "") if around else _title(n)  # the frame says it
            lines = (title, _brief(n["value"])) if "value" in n else (title,)
            boxes.append(Box(lines, n["kind"], max(room[i], key=len) if i in room else None, around))
        return fill("steps", self.title, data, graph=svg(boxes, self.edges, f"The graph of {self.title}", description))


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
    return (str(x) if isinstance(x, (int, np.integer, np.bool_)) else f"{x:.{digits}g}").replace("-", "−")


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
