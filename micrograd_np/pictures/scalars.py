"""A graph whose nodes are single numbers: a product of matrices becomes weighted sums."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain, pairwise, repeat
from math import prod
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.values import agrees, inputs, operands
from micrograd_np.core.vertex import Source
from micrograd_np.engine.backward import is_gone
from micrograd_np.engine.symbol import number

from .drawing import CHANGED, Drawing, Edge, Node
from .structure import Record
from .text import Names, constant, formula, op_name, shortened

LIMIT = 64
"""Elements, of all tensors in the graph together, that are drawn one by one."""

_CHOICES = {"gather", "take_along_axis", "embedding_lookup", "gather_labels", "concatenate", "scatter_slice"}
_CHOICES |= {"_pad", "diag_embed", "tril", "triu"}  # each element of the result is one of the input
_MANY = 4  # names that a formula lists
_PRODUCTS = {"matmul", "linear", "dot", "inner", "vecdot", "matvec", "vecmat", "convolve"}


def draw_scalars(roots: Sequence[Any], drawing: Drawing, *, legend: bool) -> None:
    """Draw the graph of `roots` with a node for every element; ValueError above `LIMIT` elements."""
    record = Record(roots)
    count = sum(prod(z.shape) for z in record.vertices)
    if count > LIMIT:
        raise ValueError(
            f"draw: scalars=True draws every element, at most {LIMIT}; this graph has {count:,}. "
            "Draw it without scalars, or take a smaller input."
        )
    graph = _Scalars(record, drawing)
    for v, z in enumerate(record.vertices):
        graph.numbers[z] = graph.op(v, z) if record.is_op(v) else graph.leaf(v, z)
    drawing.explain(legend=legend, spent=any(map(is_gone, record.vertices)))


class _Number(NamedTuple):
    """A number of the picture: the id of its node, empty for a constant, and what it is called in formulas."""

    id: str
    name: str


class _Scalars:
    def __init__(self, record: Record, drawing: Drawing) -> None:
        self.record, self.drawing = record, drawing
        self.data = {record.vertices[v]: data for v, data in record.values(range(len(record)), spent=True)}
        self.numbers: dict[Source, Any] = {}  # an array of them for each tensor
        self.labels = Names()

    def leaf(self, v: int, z: Source) -> Any:
        """The numbers of a leaf, with their gradients."""
        name = self.labels.own(shortened(z.name, 16)) if z.name else self.labels.numbered("x")
        kind = "parameter" if z.requires_grad else "input"
        elements = _array(z.shape, lambda at: self.add(_element(name, at), "", z.data[at], kind, (), self.below(v, at)))
        self.align(list(elements.flat))
        return elements

    def op(self, v: int, z: Any) -> Any:
        """The numbers that an op made, and arrows to them."""
        arrays = operands(z, self.data)
        numbers = [self.numbers[x] if isinstance(x, Source) else _constants(x) for x in inputs(z)]
        samples = [np.zeros(x.shape) if a is None else np.asarray(a) for a, x in zip(arrays, numbers, strict=False)]
        links = [_links(z, i, samples) for i in range(len(samples))]
        name, is_root = z.name and self.labels.own(shortened(z.name, 16)), v in self.record.roots
        terms: list[_Number] = []
        results: list[_Number] = []

        def element(at: tuple[int, ...]) -> _Number:
            parts = [list(x[link[at]]) for x, link in zip(numbers, links, strict=True)]
            chosen, by = _chosen(z, parts)
            if chosen and not by and not is_root:
                return chosen
            if chosen:
                text = chosen.name + (f" by {', '.join(by)}" if by else "")
            elif z.op.name in _PRODUCTS and 0 < len(parts[0]) == len(parts[1]):
                pairs, rest = list(zip(*parts[:2], strict=True)), parts[2:]
                labels = [f"{a.name} · {b.name}" for a, b in pairs]
                if len(pairs) > 1:
                    lost = any(a is None for a in (*arrays, self.data[z])) or not agrees(z, arrays, self.data[z])
                    values = repeat(None) if lost else samples[0][links[0][at]] * samples[1][links[1][at]]
                    new = [self.add(None, *term) for term in zip(labels, values, repeat("value"), pairs, strict=False)]
                    terms.extend(new)
                    labels, parts = [x.name for x in new], [new, *rest]
                text = _joined([*labels, *(x.name for x in chain(*rest))], " + ")
            else:
                text = _text(z, at, parts)
            kind, value, own = "output" if is_root else "value", _at(self.data[z], at), name and _element(name, at)
            results.append(self.add(own, text, value, kind, chain(*parts), self.below(v, at)))
            return results[-1]

        elements = _array(z.shape, element)
        self.align(terms)
        self.align(results)
        return elements

    def below(self, v: int, at: tuple[int, ...]) -> list[str]:
        """The lines below a number of vertex `v`: whether it was changed, its gradient."""
        grad = self.record.gradient(v)
        return [CHANGED] * self.record.is_changed(v) + ([] if grad is None else [f".grad {number(grad[at])}"])

    def add(
        self, name: str | None, text: str, value: Any, kind: str, sources: Iterable[_Number], below: Sequence[str] = ()
    ) -> _Number:
        """A new number, which gets a letter where it has no name, with arrows to it."""
        new = _Number(f"n{len(self.drawing.nodes)}", name or self.labels.numbered("z"))
        title = f"{new.name} = {text}" if text else new.name
        lines = ["not kept" if value is None else number(value), *below]
        words = f"{title}: {'' if text else f'{kind} = '}{', '.join(lines)}"
        self.drawing.put(Node(new.id, "\n".join((title, *lines)), kind, words=words))
        uses = Counter(x.id for x in sources if x.id)
        self.drawing.edges += [Edge(id, new.id, text=f"{n} times" if n > 1 else "") for id, n in uses.items()]
        return new

    def align(self, row: list[_Number]) -> None:
        """Place numbers side by side, in this order."""
        if len(row) > 1:
            self.drawing.columns.append([x.id for x in row])
            self.drawing.edges += [Edge(a.id, b.id, "order") for a, b in pairwise(row)]


def _array(shape: tuple[int, ...], element: Callable[[tuple[int, ...]], _Number]) -> Any:
    """An array of numbers, each made by its index."""
    array = np.empty(shape, object)
    for at in np.ndindex(shape):
        array[at] = element(at)
    return array


def _element(name: str, at: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, at))}]" if at else name


def _at(array: Any, at: tuple[int, ...]) -> Any:
    return None if array is None else array[at]


def _constants(x: Any) -> Any:
    """Numbers that are written in formulas, and have no nodes."""
    return _array(np.shape(x), lambda at: _Number("", constant(x if x is None else np.asarray(x)[at])))


def _chosen(z: Any, parts: list[list[_Number]]) -> tuple[_Number | None, list[str]]:
    """The number that an element of `z` is, if it is one of its inputs, and the names of those that say which."""
    rules = z.op.rules_for(len(parts))
    choice = [x for part, rule in zip(parts, rules, strict=False) for x in part if rule]
    by = [x.name for part, rule in zip(parts, rules, strict=False) for x in part if not rule and x.id]
    return (choice[0] if len(choice) == 1 and (z.op.view or z.op.name in _CHOICES) else None), by


def _text(z: Any, at: tuple[int, ...], parts: list[list[_Number]]) -> str:
    """How the element of `z` was made of its `parts`, which are listed by input."""
    names = [[x.name for x in part] for part in parts]
    if not any(parts):
        return op_name(z.op)
    if z.op.name == "sum":
        return _joined(names[0], " + ")
    text = formula(z.op, [part[0] if len(part) == 1 else f"({_joined(part, ', ')})" for part in names], z.static)
    shared = len(names[0]) > 1 and z.shape == np.shape(inputs(z)[0])  # all elements are made of the same
    return _element(f"({text})", at) if shared else text


def _joined(names: list[str], sign: str) -> str:
    return sign.join(names if len(names) <= _MANY else [*names[:2], "…", names[-1]])


def _links(z: Any, i: int, arrays: list[Any]) -> Any:
    """For each element of the result, a mask of the elements of input `i` that it depends on.

    It is found by trial: an element becomes nan, and so does what it is part of; an index or a mask gets another value.
    Where that cannot be tried (a checkpoint has no kernel), each element depends on all.
    """
    x, rules = arrays[i], z.op.rules_for(len(arrays))
    links = np.zeros((*z.shape, *x.shape), bool)
    sample = [_distinct(a.shape, k) if rule else a for k, (a, rule) in enumerate(zip(arrays, rules, strict=False))]
    try:
        with np.errstate(all="ignore"):
            before = np.asarray(z.op.kernel(np, ..., *sample, **z.static))
            for at in np.ndindex(x.shape):
                changed = np.array(sample[i])
                changed[at] = (
                    np.nan if rules[i] else not x[at] if x.dtype.kind == "b" else x[at] - 1 if x[at] > 0 else 1
                )
                links[(..., *at)] = z.op.kernel(np, ..., *sample[:i], changed, *sample[i + 1 :], **z.static) != before
    except Exception:  # noqa: BLE001 - whatever a kernel says of what it never meant to be given
        links[...] = z.op.shape is not None
    with suppress(ValueError):  # of shapes that do not broadcast
        if z.op.shape is None:  # element by element
            places = np.broadcast_to(np.arange(x.size).reshape(x.shape), z.shape)
            lone = ~links.any(axis=tuple(range(len(z.shape), links.ndim)))  # in a branch that was not taken
            links[lone] = (places[..., None] == np.arange(x.size)).reshape(links.shape)[lone]
    return links if links.any() else np.ones_like(links)


def _distinct(shape: tuple[int, ...], number: int) -> Any:
    """Numbers between 0 and 1, all different, also from those of another `number`."""
    size = prod(shape)
    return np.asarray((np.arange(1.0, size + 1).reshape(shape) + number / 100) / (size + 1))
