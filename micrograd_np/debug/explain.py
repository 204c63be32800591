"""The derivation of one backward pass, as one would write it on a blackboard, with the numbers of this run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np import backward as walk
from micrograd_np.ops.shape import spread_axes
from micrograd_np.symbol import Symbol
from micrograd_np.values import values, with_constants
from micrograd_np.vertex import Node, Vertex, held_inputs, source

from .origin import origin_of
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from micrograd_np.tensor import Tensor


class _Pulled(Watch):
    """Everything that a walk says, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Node, int, Any, Any]] = []

    def applied(self, *_: Any) -> None:
        """What rules compute on their way is not shown."""

    def arrived(self, z: Node, i: int, g: Any, gx: Any) -> None:
        """One rule has run."""
        self.steps.append((z, i, g, gx))


def explain(tensor: Tensor, gradient: Any = None, file: TextIO | None = None) -> None:
    """Print how the gradient of `tensor` comes about: each op, each rule as a formula, with shapes and numbers.

    Where broadcasting repeated an input, its gradient is a sum, and the axes are said. `gradient` is what arrives at
    the tensor, as in ``backward``. Nothing is changed: no ``grad`` is touched, and the graph can still be walked
    (hooks are called, as they are part of it). Prints to `file`, by default standard output. RuntimeError where there
    is nothing to walk.

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
    if not tensor.requires_grad:
        raise RuntimeError(
            "explain: the tensor depends on nothing that requires a gradient. Make a leaf with requires_grad=True, and "
            "compute outside no_grad()."
        )
    seed = tensor._seed(gradient)
    seed = seed.data if isinstance(seed, Vertex) else seed
    holders = [z.notes["retain_grad"]() for z in walk.topological(tensor) if z.notes and "retain_grad" in z.notes]
    kept = [(t, t.grad) for t in holders if t is not None]
    with _Pulled() as seen:
        walk.pull(tensor, seed, lambda leaf, g: None, retain=True)
    for t, before in kept:
        t.grad = before
    write = (sys.stdout if file is None else file).write
    for line in _derivation(source(tensor), seed, seen.steps, {source(tensor): tensor.data}):
        write(f"{line}\n")


def _derivation(root: Any, seed: Any, steps: list[tuple[Any, int, Any, Any]], known: dict[Any, Any]) -> Any:
    nodes = walk.topological(root)
    data = {**values(nodes), **known}
    vertices = with_constants(nodes)
    names = _named(vertices)
    for x in vertices:
        if isinstance(x, Vertex):
            data[x] = x.data
    for z in vertices:
        if z.op is not None:
            origin = origin_of(z)
            yield _line(f"{names[z]} = {_formula(z, names, data)}", data[z], f"{origin}" if origin else "")
    top = names[root]
    yield ""
    yield _line(f"∂{top}/∂{top} = {'1' if not seed.ndim and seed == 1 else 'given'}", seed, "")
    yield ""
    shares: dict[Any, list[int]] = {}
    for z, i, _, _ in steps:
        shares.setdefault(z.inputs[i], []).append(1)
    added: dict[Any, Any] = {}
    last = None
    for z, i, g, gx in steps:
        if z is not last:
            yield f"{names[z]} = {_formula(z, names, data)}"
            last = z
        x = z.inputs[i]
        text, raw = _rule(z, i, g, names, data)
        yield _line(
            f"  ∂{top}/∂{names[x]} {'=' if len(shares[x]) == 1 else '+='} {text}", gx, _why(z, x, raw, g, names)
        )
        if len(shares[x]) > 1:
            before, count = added.get(x, (0, 0))
            added[x] = (before + np.asarray(gx), count + 1)
            if count + 1 == len(shares[x]):
                yield _line(
                    f"  ∂{top}/∂{names[x]}, all {count + 1} together",
                    added[x][0],
                    f"{names[x]} is used {count + 1} times",
                )


def _named(vertices: list[Any]) -> dict[Any, str]:
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


def _symbols(z: Any, names: Mapping[Any, str], data: Mapping[Any, Any]) -> list[Any]:
    """The inputs of `z` as parts of a formula."""
    found = []
    for x in held_inputs(z):
        if x in names if isinstance(x, (Node, Vertex)) else False:
            value = data.get(x)
            found.append(Symbol(names[x], np.zeros(x.shape, x.dtype) if value is None else value))
        else:
            found.append(Symbol("array", 0.0 if x is None else x) if x is None or np.ndim(x) else x)
    return found


def _formula(z: Any, names: Mapping[Any, str], data: Mapping[Any, Any]) -> str:
    try:
        return Symbol.__primitive__(z.op, tuple(_symbols(z, names, data)), z.static).text
    except Exception:  # noqa: BLE001  a label that will not print must not keep the rest from being explained
        told = (names.get(x, "array") if isinstance(x, (Node, Vertex)) else str(x) for x in held_inputs(z))
        return f"{z.op.name}({', '.join(told)})"


def _rule(z: Any, i: int, g: Any, names: Mapping[Any, str], data: Mapping[Any, Any]) -> tuple[str, Any]:
    """The rule as a formula, and what it gave before the walk undid broadcasting."""
    op = z.op
    rule = op.rules[min(i, len(op.rules) - 1)]
    first = (i - op.fixed,) if op.variadic and i >= op.fixed else ()
    try:
        result = Symbol(names[z], data[z])
        symbol = rule(*first, Symbol("g", g), result, *_symbols(z, names, data), **z.static)
    except Exception:  # noqa: BLE001  a rule that branches on what symbols do not have is named instead of shown
        return f"rule of {op.name} by {op.inputs[min(i, len(op.inputs) - 1)]}", None
    return (symbol.text, symbol.value) if isinstance(symbol, Symbol) else (str(symbol), np.asarray(symbol))


def _why(z: Any, x: Any, raw: Any, g: Any, names: Mapping[Any, str]) -> str:
    """Why the shape of a gradient changed: broadcasting undone, or a reduction's gradient spread."""
    if raw is None:
        return ""
    shape = x.shape
    size = int(np.prod(shape, dtype=int))
    if raw.shape != shape and raw.ndim >= len(shape) and raw.size >= size:
        axes = spread_axes(shape, raw.shape)
        return f"summed over {_axes(axes)} of {raw.shape}, along which {names[x]} was repeated"
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
