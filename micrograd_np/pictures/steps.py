"""One forward and one backward pass as a page to step through: each op and each derivative rule, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import backward as walk
from micrograd_np.asked import several
from micrograd_np.debug.explain import _why
from micrograd_np.debug.watch import Watch
from micrograd_np.symbol import _ATOM, _PRODUCT, Symbol
from micrograd_np.tensor import Tensor
from micrograd_np.vertex import Vertex, grad_of, source

from .layers import Box, svg
from .page import SIZE_LIMIT, embed, fill, numbers, write
from .structure import Value, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


class _Story(Watch):
    """What the page tells, gathered while the backward pass runs: texts and parts of arrays, but no array."""

    def __init__(self, root: Tensor, seed: Any, edge: int, exact: int, max_ops: int) -> None:
        super().__init__()
        self.edge, self.exact = edge, exact
        self.cut = self.many = False
        vertices, (self.root,) = read(root)
        self.values = {z.source: z for z in vertices}
        self.called = {z: _clip(name) for z, name in _named(vertices).items()}
        plain = {z for z in vertices if z.op is None and not z.requires_grad and not z.name and not z.shape}
        self.called |= {z: _number(z.data[()]) for z in plain}  # a number stands in formulas, not in a box
        made = [z for z in vertices if z.op is not None]
        self.ops = len(made)
        keep = set(made if self.ops <= max_ops else made[: max_ops // 2] + made[-(max_ops - max_ops // 2) :])
        arrays = {id(x): x for z in made if z in keep for x in z.inputs if not isinstance(x, Value) and np.ndim(x)}
        self.arrays = {key: f"array{k if len(arrays) > 1 else ''}" for k, key in enumerate(arrays, 1)}
        used = {x for z in keep for x in z.inputs if isinstance(x, Value)}
        self.place: dict[Any, int] = {}  # of vertices and of ids of arrays, in `nodes`
        self.nodes: list[dict[str, Any]] = []
        self.folded: list[str] = []
        for key, x in arrays.items():
            self.add(key, name=self.arrays[key], kind="data", value=self.view(x))
        for z in vertices:
            if z in keep or (z.op is None and z in used and z not in plain) or z is self.root:
                self.add(z, **self.node(z))
            elif z.op is not None:
                if not self.folded:
                    self.folded.append(
                        f"{self.ops - len(keep):,} of {self.ops:,} ops are folded into one box; the first "
                        f"{max_ops // 2:,} and the last {max_ops - max_ops // 2:,} are shown."
                    )
                    self.fold = len(self.nodes)
                    self.add("fold", name=f"{self.ops - len(keep):,} ops, folded", kind="fold")
                self.place[z] = self.fold
        self.edges = list(
            dict.fromkeys(
                (self.place[at], self.place[z])
                for z in made
                for x in z.inputs
                if (at := x if isinstance(x, Value) else id(x)) in self.place and self.place[at] != self.place[z]
            )
        )
        self.kept = keep
        self.steps: list[dict[str, Any]] = []
        self.uses: dict[Value, int] = {}
        self.parts: dict[Value, int] = {}
        self.totals: dict[Value, Any] = {}
        for z in reversed(made):
            if z is self.root or z in self.uses:  # else no gradient reaches it
                for x, rule in zip(z.inputs, z.op.rules_for(len(z.inputs)) if z.op else (), strict=False):
                    if rule is not None and isinstance(x, Value) and x.requires_grad:
                        self.uses[x] = self.uses.get(x, 0) + 1
        self.seed = self.view(seed)
        self.leaves: dict[Value, Any] = {z: None for z in vertices if z.op is None and z.requires_grad}
        noted = [z.source.notes["retain_grad"]() for z in made if "retain_grad" in (z.source.notes or {})]
        before = [(t, grad_of(t)) for t in noted if t is not None]  # where retain_grad would keep one
        try:
            with self:
                walk.pull(root, seed, self.delivered, retain=True)
        finally:
            for t, grad in before:
                t.grad = grad
        self.title = f"{_title(self.nodes[self.place[self.root]])}, step by step: {several(self.ops, 'op')} and back"

    # what the walk says

    at: Value | None = None

    def applied(self, *_: Any) -> None:
        """What rules compute on their way is not shown."""

    def arrived(self, node: Any, i: int, g: Any, gx: Any) -> None:
        """One rule has run."""
        z = self.values[node]
        x = z.inputs[i]
        if z is not self.at:
            self.at = z
            if z in self.kept:
                self.steps.append({"node": self.place[z], "arriving": self.view(g), "to": []})
                self.steps[-1]["hooked"] = _hooked(z)
            elif self.steps[-1:] != [{"node": self.fold, "to": []}]:
                self.steps.append({"node": self.place[z], "to": []})
        part = self.parts[x] = self.parts.get(x, 0) + 1
        before = self.totals.pop(x, None)
        total = gx if before is None else before + gx
        if part < self.uses[x]:
            self.totals[x] = total
        if z not in self.kept:
            return
        if len(self.steps[-1]["to"]) == INPUTS:
            self.many = True
            return
        rule, spelt, example, raw = self.rule(z, i, g, gx)
        entry = {
            "node": self.place[x],
            "name": self.called[x],
            "rule": rule,
            "numbers": spelt,
            "example": example,
            "why": _why(node, x, raw, self.called[x]),
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
        leaf = self.values[x]
        self.leaves[leaf] = {
            "shown": self.view(g),
            "values": numbers(g) if g.size <= self.exact else None,
            "uses": self.parts.get(leaf, 0),
            "held": leaf.grad is not None,
            "hooked": _hooked(leaf),
        }

    # texts

    def node(self, z: Value) -> dict[str, Any]:
        """What is said about a value: its name and kind, how it was made, where, and a part of it."""
        kind = "parameter" if z.op is None and z.requires_grad else "data" if z.op is None else "op"
        said: dict[str, Any] = {
            "name": self.called[z],
            "kind": "result" if z is self.root and z.op is not None else kind,
            "value": self.view(z.data, z),
            "gradient": z.requires_grad,
        }
        if z.op is not None:
            inputs = [x if isinstance(x, Value) else id(x) for x in z.inputs]
            names, spelt = self.symbols(z, named=True), self.symbols(z, named=False)
            said |= {
                "op": z.op.name,
                "about": _clip((z.op.__doc__ or "").split("\n", 1)[0].split("``", 1)[0].replace("`", "").rstrip(" :")),
                "formula": _text(lambda: Symbol.__primitive__(z.op, names, z.static)) or f"{z.op.name}(…)",
                "numbers": "" if not spelt else _text(lambda: Symbol.__primitive__(z.op, spelt, z.static)),
                "inputs": [self.place[x] for x in inputs if x in self.place],
            }
        origin = z.origin
        if origin:
            said |= {"line": _clip(str(origin)), "source": _clip(origin.source), "module": origin.module}
        return said

    def symbols(self, z: Value, *, named: bool) -> tuple[Any, ...]:
        """The inputs of the op that made `z` as symbols: by name, or (empty if one is too large) by value."""
        arrays = [_or_zeros(x) if isinstance(x, Value) else x for x in z.inputs]
        if named:
            return tuple(
                Symbol(self.called[x] if isinstance(x, Value) else self.arrays.get(id(x), "array"), a)
                if isinstance(x, Value) or np.ndim(x)
                else x
                for x, a in zip(z.inputs, arrays, strict=True)
            )
        return tuple(map(_spelt, arrays)) if all(np.size(a) <= SPELT for a in arrays) else ()

    def rule(self, z: Value, i: int, g: Any, gx: Any) -> tuple[str, str, str, Any]:
        """The rule for input `i`: with names, with numbers, for the first element, and before broadcasting is undone.

        Numbers are given where arrays are small; else the first element's where the rule works element by element.
        """
        op: Any = z.op
        rule = op.rules[min(i, len(op.rules) - 1)]
        first = (i - op.fixed,) if op.variadic and i >= op.fixed else ()
        named = self.symbols(z, named=True)
        try:
            found = rule(*first, Symbol("g", g), Symbol(self.called[z], _or_zeros(z)), *named, **z.static)
        except Exception:  # noqa: BLE001  a rule that branches on what symbols lack is named instead of shown
            return f"rule of {op.name} for {op.inputs[min(i, len(op.inputs) - 1)]}", "", "", None
        text, raw = (found.text, found.value) if isinstance(found, Symbol) else (str(found), np.asarray(found))
        spelt = self.symbols(z, named=False)
        if spelt and g.size <= SPELT and z.data is not None and z.data.size <= SPELT:
            said = _text(lambda: rule(*first, _spelt(g), _spelt(z.data), *spelt, **z.static))
            return _clip(text), said, "", raw
        if z.data is None or raw.shape != z.shape or g.size == 0:
            return _clip(text), "", "", raw
        values = [_or_zeros(x) if isinstance(x, Value) else x for x in z.inputs]
        try:
            head = [np.broadcast_to(a, z.data.shape).flat[0] for a in (g, z.data, *values)]
            one = rule(*first, *map(_spelt, head), **z.static)
            same = np.array_equal(np.asarray(one.value, raw.dtype), raw.flat[0], equal_nan=True)
        except Exception:  # noqa: BLE001  a rule that does not work element by element
            return _clip(text), "", "", raw
        return _clip(text), "", _clip(f"{one.text} = {_number(raw.flat[0])}") if same and not one.ndim else "", raw

    # the page

    def add(self, key: Any, **node: Any) -> None:
        """Append a node to the picture's, which is found by `key`."""
        self.place[key] = len(self.nodes)
        self.nodes.append(node)

    def view(self, array: Any, like: Any = None) -> dict[str, Any]:
        """A corner of an array as texts, with its shape and dtype; where that is not all, its extremes and mean."""
        if array is None:
            return {"shape": list(like.shape), "dtype": like.dtype, "rows": [["not kept"]]}
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
            said = {"name": self.called[leaf], "node": self.place.get(leaf), "shape": list(leaf.shape)}
            gradients.append({**said, "dtype": leaf.dtype, **(found or {})})
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
            "root": self.called[self.root],
            "start": self.place[self.root],
            "nodes": self.nodes,
            "seed": self.seed,
            "backward": self.steps,
            "gradients": gradients[:1000],
            "folded": folded,
        }
        ops = [_title(n) for n in self.nodes if "formula" in n]
        description = f"{'; '.join(ops[:40])}{f'; and {len(ops) - 40:,} more' if len(ops) > 40 else ''}."
        room = {i: ["grad: not yet"] for i, n in enumerate(self.nodes) if n.get("gradient")}
        room[self.place[self.root]].append(f"grad {_brief(self.seed)}")
        for to in (to for step in self.steps for to in step["to"]):
            more = " + …" if to["part"] < to["of"] else ""
            room.get(to["node"], []).append(f"grad {_brief(to.get('total', to['gives']))}{more}")
        boxes = []
        for i, n in enumerate(self.nodes):
            lines = (_title(n), _brief(n["value"])) if "value" in n else (_title(n),)
            boxes.append(Box(lines, str(n["kind"]), max(room[i], key=len) if i in room else None))
        return fill("steps", self.title, data, graph=svg(boxes, self.edges, f"The graph of {self.title}", description))


def _hooked(z: Value) -> bool:
    return bool((z.source.notes or {}).get("hooks"))


def _named(vertices: list[Value]) -> dict[Value, str]:
    """The user's names where there are any and they are unique, else numbers: constants c, leaves x, results v."""
    taken: set[str] = set()
    counts = {"x": 0, "c": 0, "v": 0}
    names = {}
    for z in vertices:
        name = z.name
        if not name or name in taken:
            kind = "v" if z.op is not None else "x" if z.requires_grad else "c"
            counts[kind] += 1
            name = f"{kind}{counts[kind]}"
        taken.add(name)
        names[z] = name
    return names


def _or_zeros(z: Value) -> Any:
    """The value of `z`; where nobody holds it any more, zeros of its shape, for formulas to be written with."""
    return np.zeros(z.shape, z.dtype) if z.data is None else z.data


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
