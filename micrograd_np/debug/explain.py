"""The derivation of one backward pass, as one would write it on a blackboard, with the numbers of this run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.core.messages import require_type
from micrograd_np.core.terminal import shown
from micrograd_np.core.values import inputs as inputs_of
from micrograd_np.core.values import values
from micrograd_np.core.vertex import Node, Source, Vertex, grad_of, source
from micrograd_np.core.writes import writes
from micrograd_np.engine import backward as walk
from micrograd_np.engine.symbol import Symbol
from micrograd_np.ops.shape import spread_axes

from .origin import origin_of
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from micrograd_np.engine.tensor import Tensor


class Pulled(Watch):
    """A backward pass over `vertices` that changes no ``grad``: each rule that runs is handed to `arrived`."""

    def __init__(self, vertices: Iterable[Source], arrived: Callable[[Node, int, Any, Any], None]) -> None:
        super().__init__()
        self.vertices, self.tell = set(vertices), arrived

    def applied(self, *_: Any) -> None:
        """What rules compute on their way is not shown."""

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """One rule has run; a rule that walks a graph of its own, as that of a checkpoint does, is one."""
        if z in self.vertices:
            self.tell(z, i, g, gx)

    def walk(self, root: Tensor, seed: Any, delivered: Callable[[Any, Any], None]) -> None:
        """Pull `seed` back from `root`; what arrives at leaves is `delivered`."""
        holders = [z.notes["retain_grad"]() for z in self.vertices if z.notes and "retain_grad" in z.notes]
        kept = [(t, grad_of(t)) for t in holders if t is not None]
        try:
            with self:
                walk.pull(root, seed, delivered, retain=True)
        finally:
            for t, before in kept:
                t._grad = before


class Explanation:
    """The derivation of one backward pass, which prints itself: its `lines`, in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)

    def __repr__(self) -> str:
        return shown("\n".join(self.lines))


def explain(tensor: Tensor, gradient: Any = None, file: TextIO | None = None) -> Explanation:
    """How the gradient of `tensor` comes about: each op, each rule as a formula, with shapes and numbers.

    The result prints itself, at a prompt and by `print`; with `file`, it is also written there. Leaves and constants
    without a name are numbered in the order of their making and listed first (x: leaves, c: constants; results are
    v); single numbers stand where they are used. Where broadcasting repeated an input, its gradient is a sum over the
    axes shown. What was computed from memory that was written since is "not kept". `gradient` is what arrives at the
    tensor, as in ``backward``. Nothing is changed: no ``grad`` is touched, and the graph can still be walked (hooks are
    called, as they are part of it). RuntimeError where there is nothing to walk.

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


def seed_of(tensor: Tensor, gradient: Any, asked: str) -> Any:
    """What a backward pass starts with, as an array; RuntimeError, which says what was `asked`, if there is none."""
    require_type(asked, "tensor", tensor, isinstance(tensor, Vertex), "a Tensor, the result of the computation")
    if not tensor.requires_grad:
        raise RuntimeError(
            f"{asked}: the tensor depends on nothing that requires a gradient. Make a leaf with requires_grad=True, "
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
    for z, given in inputs.items():
        origin = origin_of(z)
        formula = _formula(z, symbols_of(given, names, data))
        yield _line(f"{names[id(z)]} = {formula}", data[z], f"{origin}" if origin else "")
    top = names[id(root)]
    yield ""
    yield _line(f"∂{top}/∂{top} = {'1' if not seed.ndim and seed == 1 else 'given'}", seed, "")
    yield ""
    shares: dict[Any, list[int]] = {}
    for z, i, _, _ in steps:
        shares.setdefault(z.inputs[i], []).append(1)
    added: dict[Any, Any] = {}
    last = None
    for z, i, g, gx in steps:
        symbols = symbols_of(inputs[z], names, data)
        if z is not last:
            yield f"{names[id(z)]} = {_formula(z, symbols)}"
            last = z
        x = z.inputs[i]
        name = names[id(x)]
        text, raw = rule_of(z, i, Symbol("g", g), Symbol(names[id(z)], or_zeros(data[z], z)), symbols)
        yield _line(f"  ∂{top}/∂{name} {'=' if len(shares[x]) == 1 else '+='} {text}", gx, why(z, x, raw, name))
        if len(shares[x]) > 1:
            before, count = added.get(x, (0, 0))
            added[x] = (before + np.asarray(gx), count + 1)
            if count + 1 == len(shares[x]):
                yield _line(
                    f"  ∂{top}/∂{name}, all {count + 1} together", added[x][0], f"{name} is used {count + 1} times"
                )


def names_of(vertices: list[Any], inputs: Mapping[Any, Sequence[Any]]) -> tuple[dict[int, str], list[Any]]:
    """A name for each vertex and array by its identity, and name, value and kind of the leaves that were given one.

    The user's names where there are any and they are unique, else numbers, of leaves in the order of making. A constant
    that is a single number has none: its value stands in the formulas.
    """
    counts = {"x": 0, "c": 0, "v": 0}
    names: dict[int, str] = {}
    listed = {}
    taken = {x.name for z in vertices for x in (z, *inputs.get(z, ())) if getattr(x, "name", None)}
    given: set[str] = set()

    def numbered(kind: str) -> str:
        counts[kind] += 1
        name = f"{kind}{counts[kind]}"
        return numbered(kind) if name in taken else name

    unnamed: dict[int, Any] = {}
    for z in vertices:
        for x in (*inputs[z], z) if z in inputs else () if len(vertices) > 1 else (z,):
            if id(x) in names or id(x) in unnamed or not (isinstance(x, Source) or np.ndim(x)):
                continue
            own = getattr(x, "name", None)
            leaf = isinstance(x, Vertex) and x.requires_grad
            value = x.data if isinstance(x, Vertex) else x
            if own and own not in given:
                given.add(own)
                names[id(x)] = own
            elif isinstance(x, Node):
                names[id(x)] = numbered("v")
            elif leaf or np.ndim(value):
                written = z in inputs and isinstance(value, np.ndarray) and writes.since(value, z.order)
                unnamed[id(x)] = x
                listed[id(x)] = value, ("a leaf" if leaf else "a constant") + ", written since" * written
    for key in sorted(unnamed, key=lambda key: getattr(unnamed[key], "_time", sys.maxsize)):
        names[key] = numbered("x" if listed[key][1].startswith("a leaf") else "c")
    return names, [(names[key], *listed[key]) for key in sorted(listed, key=list(names).index)]


def or_zeros(value: Any, like: Any) -> Any:
    """`value`; where nobody holds it any more, zeros of its shape, for formulas to be written with."""
    return np.zeros(like.shape, like.dtype) if value is None else value


def symbols_of(inputs: Sequence[Any], names: Mapping[int, str], data: Mapping[Any, Any]) -> list[Any]:
    """Inputs as parts of a formula."""
    found: list[Any] = []
    for x in inputs:
        value = or_zeros(data[x], x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x
        named = id(x) in names
        found.append(Symbol(names[id(x)], value) if named else Symbol("array", 0.0) if value is None else value)
    return found


def _formula(z: Node, symbols: list[Any]) -> str:
    try:
        return Symbol.__primitive__(z.op, tuple(symbols), z.static).text
    except Exception:  # noqa: BLE001  a label that will not print must not keep the rest from being explained
        return f"{z.op.name.lstrip('_')}({', '.join(map(str, symbols))})"


def rule_of(z: Node, i: int, g: Symbol, result: Symbol, symbols: Sequence[Any]) -> tuple[str, Any]:
    """The rule for input `i` as a formula, and what it gave before the walk undid broadcasting."""
    op = z.op
    rule = op.rules[min(i, len(op.rules) - 1)]
    assert rule is not None
    first = (i - op.fixed,) if op.variadic and i >= op.fixed else ()
    try:
        symbol = rule(*first, g, result, *symbols, **z.static)
    except Exception:  # noqa: BLE001  a rule that branches on what symbols do not have is named instead of shown
        return f"rule of {op.name.lstrip('_')} by {op.inputs[min(i, len(op.inputs) - 1)]}", None
    return (symbol.text, symbol.value) if isinstance(symbol, Symbol) else (str(symbol), np.asarray(symbol))


def why(z: Node, x: Any, raw: Any, name: str) -> str:
    """Why the shape of a gradient changed: broadcasting undone, or a reduction's gradient spread."""
    if raw is None:
        return ""
    shape = x.shape
    size = int(np.prod(shape, dtype=int))
    if raw.shape != shape and raw.ndim >= len(shape) and raw.size >= size:
        axes = spread_axes(shape, raw.shape)
        return f"summed over {_axes(axes)} of {raw.shape}, along which {name} was repeated"
    assert z.op is not None
    if z.op.name in {"sum", "mean"} and int(np.prod(z.shape, dtype=int)) < size:
        kept = [k for k, n in enumerate(shape) if n != 1]
        axis = z.static.get("axis")
        chosen = kept if axis is None else [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
        return f"repeated along {_axes(tuple(chosen))}, which {z.op.name} had summed"
    if raw.shape != shape:
        return f"repeated to {shape}"
    return ""


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"


def _line(left: str, value: Any, note: str) -> str:
    if value is None:
        return f"{left:<32} not kept"
    array = np.asarray(value)
    shown = np.array2string(array, precision=4, threshold=8, edgeitems=2, separator=" ").replace("\n", "")
    if not array.ndim:
        shown = f"{array.item():.6g}"
    return f"{left:<32} {array.shape} = {shown}{f'   {note}' if note else ''}"
