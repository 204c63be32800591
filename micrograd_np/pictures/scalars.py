"""A graph whose nodes are single numbers: a product of matrices becomes the weighted sums that it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.debug.explain import or_zeros
from micrograd_np.values import inputs, operands
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
        graph.numbers[z] = graph.op(z) if record.is_op(v) else graph.leaf(v, z)
    return Picture(graph.drawing)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of the picture: the id of its node, empty for a constant, and what it is called in formulas."""

    id: str
    name: str


class _Scalars:
    def __init__(self, record: Record, drawing: Drawing) -> None:
        self.record, self.drawing = record, drawing
        self.data = {record.vertices[v]: data for v, data in record.values(range(len(record)))}
        self.roots = {record.vertices[v] for v in record.roots}
        self.numbers: dict[Source, Any] = {}  # an array of them for each tensor
        self.made = self.given = 0

    def leaf(self, v: int, z: Source) -> Any:
        """Numbers that were given, with their gradients."""
        self.given += not z.name
        called = shortened(z.name or f"x{subscript(self.given)}", 16)
        grads = self.record.gradient(v)
        found: Any = np.empty(z.shape, object)
        for at in np.ndindex(z.shape):
            name = f"{called}[{', '.join(map(str, at))}]" if at else called
            grad = "" if grads is None else f"\n∂ {number(grads[at])}"
            found[at] = _Number(f"n{len(self.drawing.nodes)}", name)
            kind = "parameter" if z.requires_grad else "input"
            self.drawing.nodes.append(Node(found[at].id, f"{name}\n{number(z.data[at])}{grad}", kind))
        return found

    def op(self, z: Any) -> Any:
        """What an op made, and arrows to it."""
        given = inputs(z)
        values = [or_zeros(self.data[x], x) if isinstance(x, Source) else x for x in given]
        arrays = [np.asarray(0.0 if x is None else x) for x in values]
        numbers = [self.numbers[x] if isinstance(x, Source) else _constants(x) for x in given]
        links = [_links(z, i, arrays) for i in range(len(arrays))]
        found: Any = np.empty(z.shape, object)
        for at in np.ndindex(z.shape):
            masks = [link[at] for link in links]
            sources = [list(x[mask]) for x, mask in zip(numbers, masks, strict=True)]
            found[at] = self.number(z, at, sources, [x[mask] for x, mask in zip(arrays, masks, strict=True)])
        return found

    def number(self, z: Any, at: tuple[int, ...], sources: list[list[_Number]], values: list[Any]) -> _Number:
        """One number, from those that it was made of, with their values."""
        told = "not kept" if self.data[z] is None else number(self.data[z][at])
        kind = "output" if z in self.roots else "value"
        every = [x for given in sources for x in given]
        if z.op.view and len(every) == 1 and z not in self.roots:
            return every[0]
        if z.op.name in _PRODUCTS and len(sources[0]) == len(sources[1]):
            pairs = zip(*sources[:2], *values[:2], strict=True)
            terms = [self.joined(f"{a.name} · {b.name}\n{number(p * q)}", [a, b]) for a, b, p, q in pairs]
            return self.joined(f"Σ\n{told}", [*terms, *(x for given in sources[2:] for x in given)], kind)
        if max(map(len, sources), default=0) <= 1:
            text = formula(z.op, [given[0].name if given else "·" for given in sources], z.static)
        else:
            text = "Σ" if z.op.name == "sum" else z.op.name
        return self.joined(f"{text}\n{told}", every, kind)

    def joined(self, text: str, sources: list[_Number], kind: str = "value") -> _Number:
        """A new number, with arrows to it."""
        self.made += 1
        made = _Number(f"n{len(self.drawing.nodes)}", f"z{subscript(self.made)}")
        self.drawing.nodes.append(Node(made.id, f"{made.name} = {text}", kind))
        self.drawing.edges += [Edge(x.id, made.id) for x in dict.fromkeys(sources) if x.id]
        return made


def _constants(x: Any) -> Any:
    """Numbers that are written in formulas, and have no nodes."""
    found = np.empty(np.shape(x), object)
    for at in np.ndindex(found.shape):
        found[at] = _Number("", constant(x if x is None else np.asarray(x)[at]))
    return found


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
