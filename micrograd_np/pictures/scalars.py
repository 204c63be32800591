"""A graph whose nodes are single numbers: a product of matrices becomes the weighted sums that it is."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise, repeat
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from micrograd_np.core.values import inputs, operands
from micrograd_np.core.vertex import Source
from micrograd_np.engine.backward import is_gone

from .drawing import Drawing, Edge, Node, missing
from .drawing import legend as _legend
from .escape import shortened
from .formula import constant, formula, spoken
from .picture import Picture
from .structure import read
from .values import number, subscript

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .structure import Record

__all__ = ["LIMIT", "draw_scalars"]

LIMIT = 64
"""Elements, of all tensors in the graph together, that are drawn one by one."""

_CHOICES = {
    "gather",
    "take_along_axis",
    "embedding_lookup",
    "gather_labels",
    "concatenate",
    "scatter_slice",
    "_pad",
    "diag_embed",
}
_CHOICES |= {"tril", "triu"}
_MANY = 4  # names that a formula lists
_PRODUCTS = {"matmul", "linear", "dot", "inner", "vecdot", "matvec", "vecmat", "convolve"}


def draw_scalars(roots: Sequence[Any], drawing: Drawing, *, legend: bool) -> Picture:
    """The graph of `roots` with a node for every element; ValueError above `LIMIT` elements."""
    record = read(*roots)
    count = sum(prod(z.shape) for z in record.vertices)
    if count > LIMIT:
        raise ValueError(
            f"draw: scalars=True draws every element, at most {LIMIT}; this graph has {count:,}. "
            "Draw it without scalars, or take a smaller input."
        )
    graph = _Scalars(record, drawing)
    for v, z in enumerate(record.vertices):
        graph.numbers[z] = graph.op(v, z) if record.is_op(v) else graph.leaf(v, z)
    drawing.note = missing(drawing, spent=any(map(is_gone, record.vertices)))
    if legend:
        drawing.legend = _legend(drawing, *["∂: gradient of the output"] * any("∂" in n.text for n in drawing.nodes))
    return Picture(drawing)


class _Number(NamedTuple):
    """A number of the picture: the id of its node, empty for a constant, and what it is called in formulas."""

    id: str
    name: str


class _Scalars:
    def __init__(self, record: Record, drawing: Drawing) -> None:
        self.record, self.drawing = record, drawing
        self.data = {record.vertices[v]: data for v, data in record.values(range(len(record)))}
        self.numbers: dict[Source, Any] = {}  # an array of them for each tensor
        self.made = self.given = 0

    def leaf(self, v: int, z: Source) -> Any:
        """Numbers that were given, with their gradients."""
        self.given += not z.name
        called, grad = shortened(z.name or f"x{subscript(self.given)}", 16), self.record.gradient(v)
        kind = "parameter" if z.requires_grad else "input"
        found: Any = np.empty(z.shape, object)
        for at in np.ndindex(z.shape):
            found[at] = self.add(_element(called, at), "", _at(z.data, at), kind, grad=_at(grad, at))
        self.align(list(found.flat))
        return found

    def op(self, v: int, z: Any) -> Any:
        """What an op made, and arrows to it."""
        given, grad = inputs(z), self.record.gradient(v)
        arrays = operands(z, self.data)
        if self.data[z] is None and not any(a is None for a in arrays):
            with suppress(Exception):  # a spent graph may lack what the kernel needs
                self.data[z] = np.asarray(z.op.kernel(np, ..., *arrays, **z.static))
        numbers = [self.numbers[x] if isinstance(x, Source) else _constants(x) for x in given]
        known = [np.zeros(x.shape) if a is None else np.asarray(a) for a, x in zip(arrays, numbers, strict=False)]
        links = [_links(z, i, known) for i in range(len(known))]
        root = v in self.record.roots
        found: Any = np.empty(z.shape, object)
        terms: list[_Number] = []
        made: list[_Number] = []
        for at in np.ndindex(z.shape):
            sources = [list(x[link[at]]) for x, link in zip(numbers, links, strict=True)]
            every = [x for one in sources for x in one]
            chosen, by = _chosen(z, sources)
            if chosen and not by and not root:
                found[at] = chosen
                continue
            if chosen:
                text = chosen.name + (f" by {', '.join(by)}" if by else "")
            elif z.op.name in _PRODUCTS and 0 < len(sources[0]) == len(sources[1]):
                pairs = list(zip(*sources[:2], strict=True))
                parts = [f"{a.name} · {b.name}" for a, b in pairs]
                if len(pairs) > 1:
                    lost = arrays[0] is None or arrays[1] is None
                    values = repeat(None) if lost else known[0][links[0][at]] * known[1][links[1][at]]
                    own = [self.add(None, *term) for term in zip(parts, values, repeat("value"), pairs, strict=False)]
                    terms, parts = terms + own, [x.name for x in own]
                    every = [*own, *(x for one in sources[2:] for x in one)]
                text = _joined([*parts, *(x.name for one in sources[2:] for x in one)], " + ")
            else:
                text = _text(z, at, sources)
            name = z.name and _element(shortened(z.name, 16), at)
            kind = "output" if root else "value"
            found[at] = self.add(name, text, _at(self.data[z], at), kind, every, _at(grad, at))
            made.append(found[at])
        self.align(terms)
        self.align(made)
        return found

    def add(
        self, name: str | None, text: str, value: Any, kind: str, sources: Iterable[_Number] = (), grad: Any = None
    ) -> _Number:
        """A new number, which gets a letter where it has no name, with arrows to it."""
        self.made += name is None
        found = _Number(f"n{len(self.drawing.nodes)}", name or f"z{subscript(self.made)}")
        lines = [f"{found.name} = {text}" if text else found.name, "not kept" if value is None else number(value)]
        lines += [] if grad is None else [f"∂ {number(grad)}"]
        role = f"{lines[0]}: {kind} = " if not text else f"{lines[0]}: "
        self.drawing.put(Node(found.id, "\n".join(lines), kind, words=role + ", ".join(lines[1:])))
        self.drawing.edges += [Edge(x.id, found.id) for x in dict.fromkeys(sources) if x.id]
        return found

    def align(self, row: list[_Number]) -> None:
        """Place numbers side by side, in this order."""
        if len(row) > 1:
            self.drawing.columns.append([x.id for x in row])
            self.drawing.edges += [Edge(a.id, b.id, "order") for a, b in pairwise(row)]


def _element(name: str, at: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, at))}]" if at else name


def _at(array: Any, at: tuple[int, ...]) -> Any:
    return None if array is None else array[at]


def _constants(x: Any) -> Any:
    """Numbers that are written in formulas, and have no nodes."""
    found = np.empty(np.shape(x), object)
    for at in np.ndindex(found.shape):
        found[at] = _Number("", constant(x if x is None else np.asarray(x)[at]))
    return found


def _chosen(z: Any, sources: list[list[_Number]]) -> tuple[_Number | None, list[str]]:
    """The number that an element of `z` is, if it is one that was given, and the names of those that say which."""
    rules = z.op.rules_for(len(sources))
    given = [x for one, rule in zip(sources, rules, strict=False) for x in one if rule]
    by = [x.name for one, rule in zip(sources, rules, strict=False) for x in one if not rule and x.id]
    return (given[0] if len(given) == 1 and (z.op.view or z.op.name in _CHOICES) else None), by


def _text(z: Any, at: tuple[int, ...], sources: list[list[_Number]]) -> str:
    """How the element of `z` was made of `sources`, which are listed by input."""
    names = [[x.name for x in one] for one in sources]
    if not any(sources):
        return spoken(z.op)
    if z.op.name == "sum":
        return _joined(names[0], " + ")
    text = formula(z.op, [one[0] if len(one) == 1 else f"({_joined(one, ', ')})" for one in names], z.static)
    several = len(names[0]) > 1 and z.shape == np.shape(inputs(z)[0])  # all elements are made of the same
    return _element(f"({text})", at) if several else text


def _joined(names: list[str], sign: str) -> str:
    return sign.join(names if len(names) <= _MANY else [*names[:2], "…", names[-1]])


def _links(z: Any, i: int, arrays: list[Any]) -> Any:
    """For each element of the result, a mask of the elements of input `i` that it depends on.

    Found by trying: an element is made nan, and whatever it is part of becomes nan; an index or a mask, another one.
    Where that cannot be tried (a checkpoint has no kernel), each element depends on all.
    """
    x, rules = arrays[i], z.op.rules_for(len(arrays))
    links = np.zeros((*z.shape, *x.shape), bool)
    sample = [_distinct(a.shape, k) if rule else a for k, (a, rule) in enumerate(zip(arrays, rules, strict=False))]

    try:
        with np.errstate(all="ignore"):
            usual = np.asarray(z.op.kernel(np, ..., *sample, **z.static))
            for at in np.ndindex(x.shape):
                other = np.nan if rules[i] else not x[at] if x.dtype.kind == "b" else x[at] - 1 if x[at] > 0 else 1
                changed = np.array(sample[i])
                changed[at] = other
                links[(..., *at)] = z.op.kernel(np, ..., *sample[:i], changed, *sample[i + 1 :], **z.static) != usual
    except Exception:  # noqa: BLE001 - whatever a kernel says of what it never meant to be given
        links[...] = z.op.shape is not None
    with suppress(ValueError):  # of shapes that do not broadcast
        if z.op.shape is None:  # element by element
            places = np.broadcast_to(np.arange(x.size).reshape(x.shape), z.shape)
            lone = ~links.any(axis=tuple(range(len(z.shape), links.ndim)))  # where a branch that was not taken is given
            links[lone] = (places[..., None] == np.arange(x.size)).reshape(links.shape)[lone]
    return links if links.any() else np.ones_like(links)


def _distinct(shape: tuple[int, ...], number: int) -> Any:
    """Numbers between 0 and 1, all different, also from those of another `number`."""
    size = prod(shape)
    return np.asarray((np.arange(1.0, size + 1).reshape(shape) + number / 100) / (size + 1))
