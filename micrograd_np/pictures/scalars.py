"""A graph whose nodes are single numbers: a product of matrices becomes weighted sums."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import chain, repeat
from math import prod
from typing import Any, NamedTuple

import numpy as np

from micrograd_np.core.values import agrees, inputs, operands
from micrograd_np.core.vertex import Source
from micrograd_np.engine.backward import is_freed
from micrograd_np.engine.symbol import number
from micrograd_np.functional.dropout import MASK

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
        graph.vertex(v, z)
    drawing.explain(legend=legend, freed=any(map(is_freed, record.vertices)))


class _Number(NamedTuple):
    """A number of the picture: the id of its node, empty for a constant, and what it is called in formulas."""

    id: str
    name: str


class _Scalars:
    def __init__(self, record: Record, drawing: Drawing) -> None:
        self.record, self.drawing = record, drawing
        arrays = record.values(range(len(record)), lambda _, array: array, freed=True)
        self.data = {record.vertices[v]: array for v, array in arrays.items()}
        self.numbers: dict[Any, Any] = {}  # an array of them for each tensor
        self.labels = Names()
        self.terms: list[_Number] = []  # of the products in one op

    def vertex(self, v: int, z: Any) -> None:
        """Draw the numbers of a tensor: of a leaf with their names, of a result with arrows to them."""
        name = z.name and self.labels.own(shortened(z.name, 16))
        is_leaf, is_root = not self.record.is_op(v), v in self.record.roots
        name = self.labels.numbered("x") if is_leaf and not name else name
        leaf = "parameter" if z.requires_grad else "constant" if z.name == MASK else "input"
        kind = leaf if is_leaf else "output" if is_root else "value"
        element = self.elements(z, is_root) if not is_leaf else lambda _: ("", ())
        row: list[_Number] = []
        self.terms.clear()

        def number_at(at: tuple[int, ...]) -> _Number:
            text, sources = element(at)
            if isinstance(text, _Number):
                return text
            data, grad = self.data[z], self.record.gradient(v)
            lines = [CHANGED] * self.record.is_changed(v) + ([] if grad is None else [f".grad {number(grad[at])}"])
            own = name and (f"{name}[{','.join(map(str, at))}]" if at else name)
            row.append(self.add(own, text, None if data is None else data[at], kind, sources, lines))
            return row[-1]

        self.numbers[z] = _array(z.shape, number_at)
        self.drawing.align(self.terms)
        self.drawing.align(row)

    def elements(self, z: Any, is_root: bool) -> Callable[[tuple[int, ...]], Any]:
        """For an index, how that element of `z` was made, and of which numbers; or the number that it is."""
        arrays = operands(z, self.data.get)
        numbers = [self.numbers[x] if isinstance(x, Source) else _constants(x) for x in inputs(z)]
        samples = [np.zeros(x.shape) if a is None else np.asarray(a) for a, x in zip(arrays, numbers, strict=False)]
        links = [_links(z, i, samples) for i in range(len(samples))]
        lost = any(a is None for a in (*arrays, self.data[z])) or not agrees(z, arrays, self.data[z])

        def element(at: tuple[int, ...]) -> Any:
            parts = [list(x[link[at]]) for x, link in zip(numbers, links, strict=True)]
            chosen, by = _chosen(z, parts)
            if chosen and not by and not is_root:
                return chosen, ()
            if chosen:
                return chosen.name + (f" by {', '.join(by)}" if by else ""), chain(*parts)
            if z.op.name not in _PRODUCTS or not 0 < len(parts[0]) == len(parts[1]):
                return _text(z, at, parts), chain(*parts)
            pairs, rest = list(zip(*parts[:2], strict=True)), parts[2:]
            labels = [f"{a.name} · {b.name}" for a, b in pairs]
            if len(pairs) > 1:
                values = repeat(None) if lost else samples[0][links[0][at]] * samples[1][links[1][at]]
                terms = [self.add(None, *x) for x in zip(labels, values, repeat("value"), pairs, strict=False)]
                self.terms += terms
                labels, parts = [x.name for x in terms], [terms, *rest]
            return _joined([*labels, *(x.name for x in chain(*rest))], " + "), chain(*parts)

        return element

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


def _array(shape: tuple[int, ...], element: Callable[[tuple[int, ...]], _Number]) -> Any:
    """An array of numbers, each made by its index."""
    array = np.empty(shape, object)
    for at in np.ndindex(shape):
        array[at] = element(at)
    return array


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
    shared = at and len(names[0]) > 1 and z.shape == np.shape(inputs(z)[0])  # all elements are made of the same
    return f"({text})[{','.join(map(str, at))}]" if shared else text


def _joined(names: list[str], sign: str) -> str:
    return sign.join(names if len(names) <= _MANY else [*names[:2], "…", names[-1]])


def _links(z: Any, i: int, arrays: list[Any]) -> Any:
    """For each element of the result, a mask of the elements of input `i` that it depends on.

    Unless an op works element by element, it is found by trial: an element becomes nan, and so does what it is part of;
    an index or a mask gets another value. Where that cannot be tried (a checkpoint has no kernel), each element depends
    on all.
    """
    x, rules = arrays[i], z.op.rules_for(len(arrays))
    if z.op.shape is None:  # element by element
        with suppress(ValueError):  # of shapes that do not broadcast
            places = np.broadcast_to(np.arange(x.size).reshape(x.shape), z.shape)
            return (places[..., None] == np.arange(x.size)).reshape((*z.shape, *x.shape))
    links = np.zeros((*z.shape, *x.shape), bool)
    sample = [_distinct(a.shape, k) if rule else a for k, (a, rule) in enumerate(zip(arrays, rules, strict=False))]
    compute: Any = lambda y: z.op.kernel(np, ..., *sample[:i], y, *sample[i + 1 :], **z.static)
    try:
        with np.errstate(all="ignore"):
            before = np.asarray(compute(sample[i]))
            for at in np.ndindex(x.shape):
                other = not x[at] if x.dtype.kind == "b" else x[at] - 1 if x[at] > 0 else 1
                changed = np.array(sample[i])
                changed[at] = np.nan if rules[i] else other
                links[(..., *at)] = compute(changed) != before
    except Exception:  # noqa: BLE001 - whatever a kernel says of what it never meant to be given
        links[...] = True
    return links if links.any() else np.ones_like(links)


def _distinct(shape: tuple[int, ...], number: int) -> Any:
    """Numbers between 0 and 1, all different, also from those of another `number`."""
    size = prod(shape)
    return np.asarray((np.arange(1.0, size + 1).reshape(shape) + number / 100) / (size + 1))
