"""`explain`: the derivation of one backward pass as formulas, with the numbers of this run."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

import numpy as np

from micrograd_np.core.messages import insist
from micrograd_np.core.terminal import shown
from micrograd_np.core.values import inputs as inputs_of
from micrograd_np.core.values import values
from micrograd_np.core.vertex import Node, Source, Vertex, grad_of, source
from micrograd_np.core.writes import writes
from micrograd_np.engine import backward as walk
from micrograd_np.engine.symbol import Symbol
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import spread_axes

from .origin import origin_of
from .watch import Watch


class Pulled(Watch):
    """A backward pass over `vertices` that changes no ``grad``, and calls `arrived` for each rule that runs."""

    def __init__(self, vertices: Iterable[Source], arrived: Callable[[Node, int, Any, Any], None]) -> None:
        super().__init__()
        self.vertices, self.callback = set(vertices), arrived

    def applied(self, *_: Any) -> None:
        """The ops inside a rule are not shown."""

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """One rule has run; that of a checkpoint walks a graph of its own, whose rules do not count."""
        if z in self.vertices:
            self.callback(z, i, g, gx)

    def walk(self, root: Tensor, seed: Any, delivered: Callable[[Any, Any], None]) -> None:
        """Pull `seed` back from `root`; ``delivered(leaf, gradient)`` is called for each leaf."""
        holders = [z.notes["retain_grad"]() for z in self.vertices if z.notes and "retain_grad" in z.notes]
        gradients = [(t, grad_of(t)) for t in holders if t is not None]
        try:
            with self:
                walk.pull(root, seed, delivered, retain=True)
        finally:
            for t, before in gradients:
                t._grad = before


class Explanation:
    """The derivation of one backward pass, which prints itself: its `lines`, in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)

    def __repr__(self) -> str:
        return shown("\n".join(self.lines))


def explain(tensor: Tensor, gradient: Any = None, file: TextIO | None = None) -> Explanation:
    """How backward computes the gradients of `tensor`: each op, each rule as a formula, with shapes and numbers.

    The result prints itself, at a prompt and by `print`; with `file`, it is also written there. Leaves and constants
    without a name are numbered in the order of their creation and listed first (x: leaves, c: constants; results are
    v); single numbers stand in the formulas. Where broadcasting repeated an input, its gradient is a sum over the axes
    shown. A value computed from memory that was written later is "not kept". `gradient` arrives at the tensor, as in
    ``backward``. Nothing changes: no ``grad`` is written, and the graph can still be walked (its hooks are called).
    RuntimeError where there is no graph.

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([1.0, 2.0], name="x", requires_grad=True)
    >>> w = mg.Tensor(3.0, name="w", requires_grad=True)
    >>> explain((x * w).sum())
    v1 = x · w                       (2,) = [3. 6.]
    v2 = Σ v1                        () = 9
    <BLANKLINE>
    ∂v2/∂v2 = 1                      () = 1
    <BLANKLINE>
    v2 = Σ v1
      ∂v2/∂v1 = g                    (2,) = [1. 1.]   repeated along axis 0, which sum had summed
    v1 = x · w
      ∂v2/∂x = g · w                 (2,) = [3. 3.]
      ∂v2/∂w = g · x                 () = 3   summed over axis 0 of (2,), along which w was repeated
    """
    seed = seed_of(tensor, gradient, "explain")
    vertices = walk.topological(tensor)
    steps: list[tuple[Node, int, Any, Any]] = []
    Pulled(vertices, lambda *step: steps.append(step)).walk(tensor, seed, lambda leaf, g: None)
    derivation = Explanation(_derivation(tensor, vertices, seed, steps))
    if file is not None:
        file.write(shown(f"{derivation}\n", file))
    return derivation


def seed_of(tensor: Tensor, gradient: Any, caller: str) -> Any:
    """The gradient that a backward pass starts with, as an array; RuntimeError, with the `caller`, if there is none."""
    insist(caller, "tensor", tensor, isinstance(tensor, Vertex), "a Tensor, the result of the computation")
    if not tensor.requires_grad:
        raise RuntimeError(
            f"{caller}: the tensor depends on nothing that requires a gradient. Make a leaf with requires_grad=True, "
            "and compute outside no_grad()."
        )
    seed = tensor._seed(gradient)
    return seed.data if isinstance(seed, Vertex) else seed


def _derivation(
    tensor: Tensor, vertices: list[Source], seed: Any, steps: list[tuple[Node, int, Any, Any]]
) -> Iterator[str]:
    root = source(tensor)
    data = dict(values(vertices, {root: tensor.data}))
    inputs = {z: inputs_of(z) for z in vertices if isinstance(z, Node)}
    names, listed = names_of(vertices, inputs)
    for name, value, note in listed:
        yield _line(name, value, note)
    symbols = {z: symbols_of(arguments, names, data) for z, arguments in inputs.items()}
    formulas = {z: f"{names[id(z)]} = {_formula(z, symbols[z])}" for z in inputs}
    for z, formula in formulas.items():
        yield _line(formula, data[z], f"{origin_of(z) or ''}")
    top = names[id(root)]
    yield ""
    yield _line(f"∂{top}/∂{top} = {'1' if not seed.ndim and seed == 1 else 'given'}", seed, "")
    yield ""
    uses = Counter(z.inputs[i] for z, i, _, _ in steps)
    sums: dict[Any, Any] = {}
    counts: Counter[Any] = Counter()
    last = None
    for z, i, g, gx in steps:
        if z is not last:
            yield formulas[z]
            last = z
        x = z.inputs[i]
        name = names[id(x)]
        text, raw = rule_of(z, i, Symbol("g", g), Symbol(names[id(z)], or_zeros(data[z], z)), symbols[z])
        yield _line(f"  ∂{top}/∂{name} {'=' if uses[x] == 1 else '+='} {text}", gx, why(z, x, raw, name))
        sums[x] = sums.get(x, 0) + np.asarray(gx)
        counts[x] += 1
        if counts[x] == uses[x] > 1:
            yield _line(f"  ∂{top}/∂{name}, all {uses[x]} together", sums[x], f"{name} is used {uses[x]} times")


def names_of(vertices: list[Any], inputs: Mapping[Any, Sequence[Any]]) -> tuple[dict[int, str], list[Any]]:
    """A name for each vertex and array by its identity, and name, value and kind of the numbered leaves and constants.

    The user's names where they are unique; otherwise numbers, for leaves in the order of their creation. A constant
    that is a single number has none: its value stands in the formulas.
    """
    counts = {"x": 0, "c": 0, "v": 0}
    names: dict[int, str] = {}
    listed = {}
    used: set[str] = set()
    reserved = {x.name for z in vertices for x in (z, *inputs.get(z, ())) if getattr(x, "name", None)}

    def numbered(kind: str) -> str:
        counts[kind] += 1
        name = f"{kind}{counts[kind]}"
        return numbered(kind) if name in reserved else name

    unnamed: dict[int, Any] = {}
    for z in vertices:
        for x in (*inputs[z], z) if z in inputs else () if len(vertices) > 1 else (z,):
            if id(x) in names or id(x) in unnamed or not (isinstance(x, Source) or np.ndim(x)):
                continue
            own = getattr(x, "name", None)
            leaf = isinstance(x, Vertex) and x.requires_grad
            value = x.data if isinstance(x, Vertex) else x
            if own and own not in used:
                used.add(own)
                names[id(x)] = own
            elif isinstance(x, Node):
                names[id(x)] = numbered("v")
            elif leaf or np.ndim(value):
                written = z in inputs and isinstance(value, np.ndarray) and writes.since(value, z.order)
                unnamed[id(x)] = x
                listed[id(x)] = value, ("a leaf" if leaf else "a constant") + ", written since" * written
    for key in sorted(unnamed, key=lambda key: getattr(unnamed[key], "_born", sys.maxsize)):
        names[key] = numbered("x" if listed[key][1].startswith("a leaf") else "c")
    return names, [(names[key], *listed[key]) for key in sorted(listed, key=list(names).index)]


def or_zeros(value: Any, like: Any) -> Any:
    """`value`; if it was released, zeros of its shape, so that a formula can be written."""
    return np.zeros(like.shape, like.dtype) if value is None else value


def symbols_of(inputs: Sequence[Any], names: Mapping[int, str], data: Mapping[Any, Any]) -> list[Any]:
    """Inputs as parts of a formula."""
    symbols: list[Any] = []
    for x in inputs:
        value = or_zeros(data[x], x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x
        named = id(x) in names
        symbols.append(Symbol(names[id(x)], value) if named else Symbol("array", 0.0) if value is None else value)
    return symbols


def _formula(z: Node, symbols: list[Any]) -> str:
    try:
        return Symbol.__primitive__(z.op, tuple(symbols), z.static).text
    except Exception:  # noqa: BLE001  one label that fails must not stop the explanation
        return f"{z.op.name.lstrip('_')}({', '.join(map(str, symbols))})"


def rule_of(z: Node, i: int, g: Symbol, result: Symbol, symbols: Sequence[Any]) -> tuple[str, Any]:
    """The rule for input `i` as a formula, and its result before the walk undoes broadcasting."""
    op = z.op
    rule = op.rules_for(len(z.inputs))[i]
    assert rule is not None
    try:
        symbol = rule(g, result, *symbols, **z.static)
    except Exception:  # noqa: BLE001  a rule that needs more than a symbol has is only named
        return f"rule of {op.name.lstrip('_')} by {op.inputs[min(i, len(op.inputs) - 1)]}", None
    return (symbol.text, symbol.value) if isinstance(symbol, Symbol) else (str(symbol), np.asarray(symbol))


def why(z: Node, x: Any, raw: Any, name: str) -> str:
    """Why the shape of a gradient changes: the walk undoes broadcasting, or spreads the gradient of a reduction."""
    if raw is None:
        return ""
    shape = x.shape
    size = int(np.prod(shape, dtype=int))
    if raw.shape != shape and raw.ndim >= len(shape) and raw.size >= size:
        axes = spread_axes(shape, raw.shape)
        return f"summed over {_axes(axes)} of {raw.shape}, along which {name} was repeated"
    assert z.op is not None
    if z.op.name in {"sum", "mean"} and int(np.prod(z.shape, dtype=int)) < size:
        axis = z.static.get("axis")
        axes = axis if isinstance(axis, tuple) else (axis,)
        chosen = [k for k, n in enumerate(shape) if n != 1] if axis is None else [a % len(shape) for a in axes]
        return f"repeated along {_axes(tuple(chosen))}, which {z.op.name} had summed"
    return f"repeated to {shape}" if raw.shape != shape else ""


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _line(left: str, value: Any, note: str) -> str:
    if value is None:
        return f"{left:<32} not kept"
    array = np.asarray(value)
    text = np.array2string(array, precision=4, threshold=8, edgeitems=2, separator=" ").replace("\n", "")
    text = text if array.ndim else f"{array.item():.6g}"
    return f"{left:<32} {array.shape} = {text}{f'   {note}' if note else ''}"
