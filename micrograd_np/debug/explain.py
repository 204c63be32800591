"""The derivation of one backward pass, as one would write it on a blackboard, with the numbers of this run."""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any, NamedTuple, TextIO

import numpy as np

from micrograd_np.core.messages import require_type
from micrograd_np.core.modes import mode
from micrograd_np.core.terminal import shown
from micrograd_np.core.values import inputs as inputs_of
from micrograd_np.core.values import operands, values
from micrograd_np.core.vertex import Node, Source, Vertex, grad_of, source
from micrograd_np.core.writes import writes
from micrograd_np.engine import backward as walk
from micrograd_np.engine.symbol import Symbol, nested, spelt, subscript
from micrograd_np.engine.tensor import Tensor
from micrograd_np.ops.shape import spread_axes

from .origin import Watch, origin_of

_SPELT = 9  # elements of an array that a formula spells out


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
            mode.set(events=self.outer)  # telling is no part of the walk
            try:
                self.tell(z, i, g, gx)
            finally:
                mode.set(events=self)

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


class Pull(NamedTuple):
    """One rule that has run: from `z` to `x`, its input `i`. It made `gives` of the gradient `g` that arrived.

    It is `part` number so many `of` those that add up to the gradient of `x`, which with it is `total`.
    """

    z: Node
    i: int
    x: Any
    g: Any
    gives: Any
    part: int
    of: int
    before: Any  # the sum of the parts before it; None of the first
    total: Any


class Derivation:
    """The computation of `tensor`, whose `vertices` these are, in formulas, and its backward pass rule by rule.

    `inputs` are what each op was applied to; reshapes into the column and the row of an outer product are none of the
    ops, but stand for their vectors. `data` are the arrays, as far as they are held.
    """

    def __init__(self, tensor: Tensor, vertices: list[Source]) -> None:
        self.tensor, self.root, self.vertices = tensor, source(tensor), vertices
        self.data = values(vertices, {self.root: tensor.data})
        self.vectors = {z: inputs_of(z)[0] for z in outer_parts(vertices)}
        shown = [z for z in vertices if z not in self.vectors]
        self.inputs: dict[Any, Any] = {
            z: [self.vectors.get(x, x) if isinstance(x, Node) else x for x in inputs_of(z)]
            for z in shown
            if isinstance(z, Node)
        }
        self.names, self.listed = names_of(shown, self.inputs)
        self.names |= {id(z): self.names[id(x)] for z, x in self.vectors.items()}
        self.uses: Counter[Any] = Counter()  # of each vertex: those from which a gradient comes back
        for z in reversed(self.inputs):
            if z is self.root or z in self.uses:
                rules = zip(self.inputs[z], z.op.rules_for(len(self.inputs[z])), strict=False)
                self.uses.update(x for x, rule in rules if rule and isinstance(x, Source) and x.requires_grad)

    def name(self, x: Any) -> str:
        """What `x` is called in formulas."""
        return self.names[id(x)]

    def formula(self, z: Node, symbols: Sequence[Any] = ()) -> str:
        """How `z` was made, of its inputs by name, or of other `symbols` in their place."""
        operands_shown = symbols or symbols_of(inputs_of(z), self.names, self.data)
        try:
            return Symbol.__primitive__(z.op, tuple(operands_shown), z.static).text
        except Exception:  # noqa: BLE001  a label that will not print must not keep the rest from being explained
            return f"{z.op.name.lstrip('_')}({', '.join(map(str, operands_shown))})"

    def rule(self, z: Node, i: int, g: Any) -> tuple[str, Any]:
        """The rule of `z` for its input `i`, and what it made of `g` before broadcasting was undone."""
        symbols = symbols_of(inputs_of(z), self.names, self.data)
        return rule_of(z, i, Symbol("g", g), Symbol(self.name(z), or_zeros(self.data[z], z)), symbols)

    def operands(self, z: Node) -> list[Any]:
        """The arrays and numbers that the op of `z` was given; None for what is not held any more."""
        return operands(z, self.data.get)[: len(self.inputs[z])]

    def formula_in_numbers(self, z: Node) -> str:
        """How `z` was made, with the numbers of this run; no text where they are too many."""
        arrays = self.operands(z)
        return self.formula(z, [*map(spelt, arrays)]) if arrays and _are_few(arrays) else ""

    def rule_in_numbers(self, z: Node, i: int, g: Any, raw: Any) -> tuple[str, str]:
        """The rule that made `raw` of `g` with the numbers of this run; where they are many, with those of one element.

        That is the first, if the rule works element by element; else there is no text.
        """
        arrays = [g, self.data[z], *self.operands(z)]
        if raw is None or not g.size or any(a is None for a in arrays):
            return "", ""
        if _are_few(arrays):
            g, result, *operands_spelt = map(spelt, arrays)
            text, same = rule_of(z, i, g, result, operands_spelt)
            return "" if same is None else summed(text, summed_axes(raw, z.inputs[i].shape)), ""
        with suppress(Exception):  # of a rule that does not work element by element
            g, result, *operands_spelt = (spelt(np.broadcast_to(a, z.shape).flat[0]) for a in arrays)
            text, one = rule_of(z, i, g, result, operands_spelt)
            if raw.shape == z.shape and not np.ndim(one):
                same = np.array_equal(np.asarray(one, raw.dtype), raw.flat[0], equal_nan=True)
                return "", f"{text} = {nested(raw.flat[0])}" if same else ""
        return "", ""

    def walk(
        self, seed: Any, callback: Callable[[Pull], None], delivered: Callable[[Any, Any], None] = lambda *_: None
    ) -> None:
        """Pull `seed` back: each rule is `told`, and what arrives at leaves is `delivered`. No ``grad`` changes."""
        parts: Counter[Any] = Counter()
        totals: dict[Any, Any] = {}

        def arrived(z: Node, i: int, g: Any, gx: Any) -> None:
            if z in self.vectors:
                return
            x = self.inputs[z][i]
            gives = np.reshape(gx, x.shape)
            parts[x] += 1
            before = totals.pop(x, None)
            total = gives if before is None else before + gives
            if parts[x] < self.uses[x]:
                totals[x] = total
            callback(Pull(z, i, x, g, gives, parts[x], self.uses[x], before, total))

        Pulled(self.vertices, arrived).walk(self.tensor, seed, delivered)


def explain(tensor: Tensor, gradient: Any = None, file: TextIO | None = None) -> Explanation:
    """How the gradient of `tensor` comes about: each op, each rule as a formula, with shapes and numbers.

    The result prints itself, at a prompt and by `print`; with `file`, it is also written there. Leaves and constants
    without a name are numbered in the order of their making and listed first (x: leaves, c: constants; results are z,
    as in `draw`); single numbers stand where they are used. Where broadcasting repeated an input, its gradient is a sum
    over the axes shown. An outer product is one op, ⊗, without the reshapes it is made by. What was computed from
    memory that was written since is "not kept". `gradient` is what arrives at the tensor, as in ``backward``. Nothing
    is changed: no ``grad`` is touched, and the graph can still be walked (hooks are called, as they are part of it).
    RuntimeError where there is nothing to walk.

    >>> import micrograd_np as mg
    >>> x = mg.Tensor([1.0, 2.0], name="x", requires_grad=True)
    >>> w = mg.Tensor(3.0, name="w", requires_grad=True)
    >>> explain((x * w).sum())
    z₁ = x · w                       (2,) = [3. 6.]
    z₂ = Σ z₁                        () = 9
    <BLANKLINE>
    ∂z₂/∂z₂ = 1                      () = 1
    <BLANKLINE>
    z₂ = Σ z₁
      ∂z₂/∂z₁ = g                    (2,) = [1. 1.]   repeated along axis 0, which sum had summed
    z₁ = x · w
      ∂z₂/∂x = g · w                 (2,) = [3. 3.]
      ∂z₂/∂w = g · x                 () = 3   summed over axis 0 of (2,), along which w was repeated
    """
    seed = seed_of(tensor, gradient, "explain")
    derivation = Explanation(_lines(Derivation(tensor, walk.topological(tensor)), seed))
    if file is not None:
        file.write(shown(f"{derivation}\n", file))
    return derivation


def seed_of(tensor: Tensor, gradient: Any, caller: str) -> Any:
    """What a backward pass starts with, as an array; RuntimeError, which says what was `asked`, if there is none."""
    require_type(caller, "tensor", tensor, isinstance(tensor, Vertex), "a Tensor, the result of the computation")
    if not tensor.requires_grad:
        raise RuntimeError(
            f"{caller}: the tensor depends on nothing that requires a gradient. Make a leaf with requires_grad=True, "
            "and compute outside no_grad()."
        )
    seed = tensor._seed(gradient, caller)
    return seed.data if isinstance(seed, Vertex) else seed


def hooked(z: Source) -> bool:
    """Whether hooks on `z` may change its gradient."""
    return bool((z.notes or {}).get("hooks"))


def _lines(derivation: Derivation, seed: Any) -> list[str]:
    lines = [_line(*leaf) for leaf in derivation.listed]
    for z in derivation.inputs:
        formula, origin = derivation.formula(z), origin_of(z)
        notes = ["an outer product"] * (" ⊗ " in formula) + [str(origin)] * (origin is not None)
        lines.append(_line(f"{derivation.name(z)} = {formula}", derivation.data[z], "; ".join(notes)))
    top = derivation.name(derivation.root)
    lines += ["", _line(f"∂{top}/∂{top} = {'1' if not seed.ndim and seed == 1 else 'given'}", seed, ""), ""]
    last = None

    def pulled(step: Pull) -> None:
        nonlocal last
        if step.z is not last:
            last = step.z
            after_hooks(last, step.g)
            lines.append(f"{derivation.name(last)} = {derivation.formula(last)}")
        name, (text, raw) = derivation.name(step.x), derivation.rule(step.z, step.i, step.g)
        sign = "=" if step.of == 1 else "+="
        lines.append(_line(f"  ∂{top}/∂{name} {sign} {text}", step.gives, why(step.z, step.i, raw, name)))
        if 1 < step.of == step.part:
            lines.append(
                _line(f"  ∂{top}/∂{name}, all {step.of} together", step.total, f"{name} is used {step.of} times")
            )

    def after_hooks(z: Any, g: Any) -> None:
        lines.extend([_line(f"  ∂{top}/∂{derivation.name(z)}, after its hooks", g, "")] if hooked(z) else [])

    derivation.walk(seed, pulled, after_hooks)
    return lines


def names_of(vertices: list[Any], inputs: Mapping[Any, Sequence[Any]]) -> tuple[dict[int, str], list[Any]]:
    """A name for each vertex and array by its identity, and name, value and kind of the leaves that were given one.

    The user's names where there are any and they are unique, else numbers, of leaves in the order of making. A constant
    that is a single number has none: its value stands in the formulas.
    """
    counts = {"x": 0, "c": 0, "z": 0}
    names: dict[int, str] = {}
    listed = {}
    taken = {x.name for z in vertices for x in (z, *inputs.get(z, ())) if getattr(x, "name", None)}
    used: set[str] = set()

    def numbered(kind: str) -> str:
        counts[kind] += 1
        name = f"{kind}{subscript(counts[kind])}"
        return numbered(kind) if name in taken else name

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
                names[id(x)] = numbered("z")
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
    symbols: list[Any] = []
    for x in inputs:
        value = or_zeros(data[x], x) if isinstance(x, Node) else x.data if isinstance(x, Vertex) else x
        named = id(x) in names
        symbols.append(Symbol(names[id(x)], value) if named else Symbol("array", 0.0) if value is None else value)
    return symbols


def rule_of(z: Node, i: int, g: Symbol, result: Symbol, symbols: Sequence[Any]) -> tuple[str, Any]:
    """The rule for input `i` as a formula, and what it gave before the walk undid broadcasting."""
    op, rule = z.op, z.op.rules_for(len(symbols))[i]
    assert rule is not None
    try:
        symbol = rule(g, result, *symbols, **z.static)
    except Exception:  # noqa: BLE001  a rule that branches on what symbols do not have is named instead of shown
        return f"rule of {op.name.lstrip('_')} by {op.inputs[min(i, len(op.inputs) - 1)]}", None
    return (symbol.text, symbol.value) if isinstance(symbol, Symbol) else (str(symbol), np.asarray(symbol))


def _are_few(arrays: Iterable[Any]) -> bool:
    """Whether a formula may spell out all of these."""
    return all(a is not None and np.size(a) <= _SPELT for a in arrays)


def outer_parts(vertices: Collection[Source]) -> set[Node]:
    """The reshapes of vectors into the column and the row of an outer product, which are nothing else to anybody."""
    parts = {x for z in vertices for x in _column_and_row(z)}
    uses = ((x, z) for z in vertices if parts for x in z.inputs if isinstance(x, Node) and x in parts)
    return parts - {x for x, z in uses if x not in _column_and_row(z)}


def _column_and_row(z: Source) -> list[Node]:
    """The reshapes of vectors of which `z` is the outer product."""
    reshaped = [x for x in z.inputs if isinstance(x, Node) and x.op.name == "reshape"]
    a, b = map(np.shape, inputs_of(z)) if reshaped and z.op.name == "multiply" else ((), ())
    if not len(a) == len(b) == 2 or not (a[1] == b[0] == 1 or a[0] == b[1] == 1):
        return []
    unnoted = (x for x in reshaped if (x.notes or {}).keys().isdisjoint(("name", "hooks", "retain_grad")))
    return [x for x in unnoted if len(np.shape(inputs_of(x)[0])) == 1]


def summed_axes(raw: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes over which what a rule gave was summed, as an input of this `shape` had been repeated along them."""
    undone = raw is not None and raw.shape != shape and raw.ndim >= len(shape) and raw.size >= prod(shape)
    return spread_axes(shape, raw.shape) if undone else ()


def summed(text: str, axes: tuple[int, ...]) -> str:
    """The formula of a rule with the sum over `axes` that undoes broadcasting, if there are any."""
    return f"Σ over {_axes(axes)} of {text}" if axes else text


def why(z: Node, i: int, raw: Any, name: str) -> str:
    """Why the shape of the gradient for input `i` changed: broadcasting undone, or a reduction's gradient spread."""
    shape = z.inputs[i].shape
    if raw is None:
        return ""
    if axes := summed_axes(raw, shape):
        return f"summed over {_axes(axes)} of {raw.shape}, along which {name} was repeated"
    if z.op.name in {"sum", "mean"} and prod(z.shape) < prod(shape):
        kept = [k for k, n in enumerate(shape) if n != 1]
        axis = z.static.get("axis")
        chosen = kept if axis is None else [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
        return f"repeated along {_axes(tuple(chosen))}, which {z.op.name} had summed"
    return f"repeated to {shape}" if raw.shape != shape else ""


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
