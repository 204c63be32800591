"""A graph whose nodes are single numbers: a product of matrices becomes the weighted sums that it is."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import Drawing, Edge, Node
from .escape import shortened
from .formula import formula
from .picture import Picture
from .structure import Value, read
from .values import number, subscript

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LIMIT", "draw_scalars"]

LIMIT = 64
"""Elements, of all tensors in the graph together, that are drawn one by one."""

_PRODUCTS = {"matmul", "linear", "dot", "inner", "vecdot", "matvec", "vecmat"}


def draw_scalars(roots: Sequence[Any], direction: str, name: str) -> Picture:
    """The graph of `roots` with a node for every element; ValueError above `LIMIT` elements."""
    order, tops = read(*roots)
    count = sum(prod(v.shape) for v in order)
    if count > LIMIT:
        raise ValueError(
            f"draw: scalars=True draws every element, at most {LIMIT}; this graph has {count:,}. "
            "Draw it without scalars, or take a smaller input."
        )
    graph = _Scalars(set(tops), Drawing(name, direction))
    for v in order:
        graph.add(v)
    return Picture(graph.drawing)


class _Scalars:
    def __init__(self, roots: set[Value], drawing: Drawing) -> None:
        self.roots, self.drawing = roots, drawing
        self.ids: dict[Any, Any] = {}  # the ids of a tensor's elements, by place
        self.names: dict[str, str] = {}
        self.made = self.given = 0

    def node(self, text: str, kind: str = "value", called: str = "") -> str:
        id = f"n{len(self.drawing.nodes)}"
        self.drawing.nodes.append(Node(id, text, kind))
        self.names[id] = called or text.split("\n", maxsplit=1)[0]
        return id

    def add(self, v: Value) -> None:
        """The elements of `v`, and arrows to them."""
        ids = self.ids[v] = np.empty(v.shape, object)
        if not v.inputs:
            self.given += 1
            called = shortened(v.name or f"x{subscript(self.given)}", 16)
            kind = "parameter" if v.requires_grad else "input"
            for at in np.ndindex(v.shape):
                ids[at] = self.leaf(v, at, called, kind)
            return
        arrays = [np.asarray(x.data if isinstance(x, Value) else x) for x in v.inputs]
        found = [self.place(x, array) for x, array in zip(v.inputs, arrays, strict=True)]
        links = [_links(v, i, arrays) for i in range(len(arrays))]
        for at in np.ndindex(v.shape):
            sources = [list(ids[link[at]]) for ids, link in zip(found, links, strict=True)]
            ids[at] = self.element(v, at, arrays, links, sources)

    def leaf(self, v: Value, at: tuple[int, ...], called: str, kind: str) -> str:
        """A number that was given, with its gradient."""
        place = f"[{', '.join(map(str, at))}]" if at else ""
        grad = "" if v.grad is None else f"\n∂ {number(v.grad[at])}"
        return self.node(f"{called}{place}\n{number(v.data[at])}{grad}", kind)

    def place(self, x: Any, array: Any) -> Any:
        """The ids of an input's elements; constants are written in formulas, and have none."""
        if isinstance(x, Value):
            return self.ids[x]
        ids = np.empty(array.shape, object)
        for at in np.ndindex(array.shape):
            ids[at] = f"constant {number(array[at], 6)}"
        return ids

    def element(self, v: Value, at: tuple[int, ...], arrays: list[Any], links: list[Any], sources: list[Any]) -> str:
        """One number, from those that it was made of."""
        value = number(v.data[at])
        kind = "output" if v in self.roots else "value"
        every = [id for ids in sources for id in ids]
        if v.op.view and len(every) == 1 and v not in self.roots:
            return str(every[0])
        if v.op.name in _PRODUCTS and len(sources[0]) == len(sources[1]):
            pairs = zip(sources[0], sources[1], arrays[0][links[0][at]], arrays[1][links[1][at]], strict=True)
            every = [
                self.joined(f"{self.called(a)} · {self.called(b)}\n{number(p * q)}", [a, b]) for a, b, p, q in pairs
            ]
            every += [id for ids in sources[2:] for id in ids]
            return self.joined(f"Σ\n{value}", every, kind)
        if max(map(len, sources), default=0) <= 1:
            text = formula(v.op, [self.called(ids[0]) if ids else "·" for ids in sources], v.static)
        else:
            text = "Σ" if v.op.name == "sum" else v.op.name
        return self.joined(f"{text}\n{value}", every, kind)

    def product(self, a: str, b: str, value: Any) -> str:
        """One term of a sum of products."""
        return self.joined(f"{self.called(a)} · {self.called(b)}\n{number(value)}", [a, b])

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


def _links(v: Value, i: int, arrays: list[Any]) -> Any:
    """For each element of the result, a mask of the elements of input `i` that it depends on.

    Found by trying: an element is made nan, and whatever it is part of becomes nan.
    """
    array = arrays[i]
    links = np.zeros((*v.shape, *array.shape), bool)
    if array.size == 1 or array.dtype.kind != "f":
        links[...] = array.size == 1
        return links
    with np.errstate(all="ignore"):
        for at in np.ndindex(array.shape):
            probe = np.ones_like(array)
            probe[at] = np.nan
            given = [np.ones_like(a) if a.dtype.kind == "f" else a for a in arrays]
            given[i] = probe
            links[(..., *at)] = np.isnan(np.asarray(v.op.kernel(np, ..., *given, **v.static)))
    return links
