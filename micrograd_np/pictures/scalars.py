"""A graph whose nodes are single numbers: a product of matrices becomes the weighted sums that it is."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.debug.explain import or_zeros
from micrograd_np.values import inputs
from micrograd_np.vertex import Source

from .drawing import Drawing, Edge, Node
from .escape import shortened
from .formula import constant, formula
from .picture import Picture
from .structure import read
from .values import number, subscript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .structure import Record

__all__ = ["LIMIT", "draw_scalars"]

LIMIT = 64
"""Elements, of all tensors in the graph together, that are drawn one by one."""

_PRODUCTS = {"matmul", "linear", "dot", "inner", "vecdot", "matvec", "vecmat"}


def draw_scalars(roots: Sequence[Any], direction: str, name: str) -> Picture:
    """The graph of `roots` with a node for every element; ValueError above `LIMIT` elements."""
    record = read(*roots)
    count = sum(prod(z.shape) for z in record.vertices)
    if count > LIMIT:
        raise ValueError(
            f"draw: scalars=True draws every element, at most {LIMIT}; this graph has {count:,}. "
            "Draw it without scalars, or take a smaller input."
        )
    graph = _Scalars(record, Drawing(name, direction))
    for v, z in enumerate(record.vertices):
        graph.ids[z] = graph.op(z) if record.is_op(v) else graph.leaf(v, z)
    return Picture(graph.drawing)


class _Scalars:
    def __init__(self, record: Record, drawing: Drawing) -> None:
        self.record, self.drawing = record, drawing
        self.data = {record.vertices[v]: data for v, data in record.values(range(len(record)))}
        self.roots = {record.vertices[v] for v in record.roots}
        self.ids: dict[Source, Any] = {}  # of a tensor's elements, by place
        self.names: dict[str, str] = {}
        self.made = self.given = 0

    def node(self, text: str, kind: str = "value", called: str = "") -> str:
        id = f"n{len(self.drawing.nodes)}"
        self.drawing.nodes.append(Node(id, text, kind))
        self.names[id] = called or text.split("\n", maxsplit=1)[0]
        return id

    def leaf(self, v: int, z: Source) -> Any:
        """Numbers that were given, with their gradients."""
        if not z.name:
            self.given += 1
        called = shortened(z.name or f"x{subscript(self.given)}", 16)
        grads = self.record.gradient(v)
        ids = np.empty(z.shape, object)
        for at in np.ndindex(z.shape):
            place = f"[{', '.join(map(str, at))}]" if at else ""
            grad = "" if grads is None else f"\n∂ {number(grads[at])}"
            ids[at] = self.node(
                f"{called}{place}\n{number(z.data[at])}{grad}", "parameter" if z.requires_grad else "input"
            )
        return ids

    def op(self, z: Any) -> Any:
        """What an op made, and arrows to it."""
        given = inputs(z)
        values = [or_zeros(self.data[x], x) if isinstance(x, Source) else x for x in given]
        arrays = [np.asarray(0.0 if x is None else x) for x in values]
        places = [self.place(x, array) for x, array in zip(given, arrays, strict=True)]
        links = [_links(z, i, arrays) for i in range(len(arrays))]
        ids = np.empty(z.shape, object)
        for at in np.ndindex(z.shape):
            sources = [list(place[link[at]]) for place, link in zip(places, links, strict=True)]
            ids[at] = self.element(z, at, arrays, links, sources)
        return ids

    def place(self, x: Any, array: Any) -> Any:
        """The ids of an input's elements; constants are written in formulas, and have none."""
        if isinstance(x, Source):
            return self.ids[x]
        ids = np.empty(array.shape, object)
        for at in np.ndindex(array.shape):
            ids[at] = f"constant {constant(x) if x is None else number(array[at], 6)}"
        return ids

    def element(self, z: Any, at: tuple[int, ...], arrays: list[Any], links: list[Any], sources: list[Any]) -> str:
        """One number, from those that it was made of."""
        value = "not kept" if self.data[z] is None else number(self.data[z][at])
        kind = "output" if z in self.roots else "value"
        every = [id for ids in sources for id in ids]
        if z.op.view and len(every) == 1 and z not in self.roots:
            return str(every[0])
        if z.op.name in _PRODUCTS and len(sources[0]) == len(sources[1]):
            pairs = zip(sources[0], sources[1], arrays[0][links[0][at]], arrays[1][links[1][at]], strict=True)
            every = [
                self.joined(f"{self.called(a)} · {self.called(b)}\n{number(p * q)}", [a, b]) for a, b, p, q in pairs
            ]
            every += [id for ids in sources[2:] for id in ids]
            return self.joined(f"Σ\n{value}", every, kind)
        if max(map(len, sources), default=0) <= 1:
            text = formula(z.op, [self.called(ids[0]) if ids else "·" for ids in sources], z.static)
        else:
            text = "Σ" if z.op.name == "sum" else z.op.name
        return self.joined(f"{text}\n{value}", every, kind)

    def joined(self, text: str, sources: list[str], kind: str = "value") -> str:
        self.made += 1
        id = self.node(text, kind, f"z{subscript(self.made)}")
        self.drawing.nodes[-1].text = f"z{subscript(self.made)} = {text}"
        for source in dict.fromkeys(sources):
            if not source.startswith("constant"):
                self.drawing.edges.append(Edge(source, id))
        return id

    def called(self, id: str) -> str:
        return self.names.get(id) or id.removeprefix("constant ")


def _links(z: Any, i: int, arrays: list[Any]) -> Any:
    """For each element of the result, a mask of the elements of input `i` that it depends on.

    Found by trying: an element is made nan, and whatever it is part of becomes nan. Where that cannot be tried (a
    checkpoint has no kernel), each element depends on all.
    """
    array = arrays[i]
    links = np.full((*z.shape, *array.shape), array.size == 1)
    if array.size == 1 or array.dtype.kind != "f":
        return links
    given = [np.ones_like(a) if a.dtype.kind == "f" else a for a in arrays]
    with np.errstate(all="ignore"):
        for at in np.ndindex(array.shape):
            given[i] = np.ones_like(array)
            given[i][at] = np.nan
            try:
                links[(..., *at)] = np.isnan(np.asarray(z.op.kernel(np, ..., *given, **z.static)))
            except NotImplementedError:
                links[(..., *at)] = True
    return links
