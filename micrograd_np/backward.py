"""The backward walk: from a result towards the leaves, each vertex once, gradients summed on the way.

The walk knows three things no derivative rule has to: that broadcasting is undone by summing, that a vertex waits until
all its consumers have reported, and that the record is given up once used. It runs on plain arrays; `lifted`, on tensors,
so that what it computes is itself recorded (for higher derivatives) or traced (for the compiler).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .ops.shape import broadcast_to, sum_to
from .primitive import Vertex, mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GONE = -1  # the stamp of a vertex whose record has been used up


def consumers(root: Vertex) -> dict[Vertex, int]:
    """How many edges lead to each vertex that a gradient from `root` reaches."""
    counts = {root: 0}
    stack = [root]
    while stack:
        z = stack.pop()
        if z.op is None:
            continue
        if z.stamp == GONE:
            raise _gone(z)
        rules = z.op.rules
        for i, x in enumerate(z.inputs):
            if isinstance(x, Vertex) and x.requires_grad and rules[i if i < len(rules) else -1] is not None:
                if x in counts:
                    counts[x] += 1
                else:
                    counts[x] = 1
                    stack.append(x)
    return counts


def topological(root: Vertex) -> list[Vertex]:
    """Every vertex recorded under `root`, inputs before what is made of them. No recursion."""
    order: list[Vertex] = []
    seen = {root}
    stack = [(root, iter(root.inputs))]
    while stack:
        z, rest = stack[-1]
        for x in rest:
            if isinstance(x, Vertex) and x not in seen:
                seen.add(x)
                stack.append((x, iter(x.inputs)))
                break
        else:
            order.append(z)
            stack.pop()
    return order


def towards(root: Vertex, targets: Iterable[Vertex]) -> dict[Vertex, int]:
    """`consumers`, counting only edges that lead on to one of `targets`."""
    counts = consumers(root)
    useful = set(targets)
    for z in topological(root):
        if z not in useful and z.op is not None and z in counts and any(isinstance(x, Vertex) and x in useful for x in z.inputs):
            useful.add(z)
    pruned = {root: 0}
    for z in counts:
        if z in useful and z.op is not None:
            rules = z.op.rules
            for i, x in enumerate(z.inputs):
                if isinstance(x, Vertex) and x in useful and x in counts and rules[i if i < len(rules) else -1] is not None:
                    pruned[x] = pruned.get(x, 0) + 1
    return pruned


def pull(
    root: Vertex,
    seed: Any,
    counts: dict[Vertex, int],
    deliver: Callable[[Vertex, Any], None],
    *,
    retain: bool = False,
    lifted: bool = False,
    targets: frozenset[Vertex] | set[Vertex] = frozenset(),
) -> None:
    """Walk from `root`, with `seed` as its gradient, along the edges that `counts` counts.

    `deliver(vertex, gradient)` is called once for every leaf reached, and for every vertex in `targets`. Unless
    `retain`, each record is given up as soon as it has been used, and memory with it.
    """
    gradients = {root: seed}
    ready = [root]
    watcher = mode.watcher
    pulled = None if watcher is None else getattr(watcher, "pulled", None)
    while ready:
        z = ready.pop()
        g = gradients.pop(z)
        if z.notes is not None:
            g = _arrived(z, g, lifted=lifted)
        op = z.op
        if op is None or z in targets:
            deliver(z, g)
            if op is None:
                continue
        inputs = z.inputs
        static = z.static
        stamp = 0
        values = []
        for x in inputs:
            if isinstance(x, Vertex):
                stamp += x.version
                values.append(x if lifted else x.data)
            else:
                values.append(x)
        if stamp != z.stamp:
            raise _mutated(z)
        zv = z if lifted else z.data
        rules = op.rules
        for i, x in enumerate(inputs):
            if not isinstance(x, Vertex) or x not in counts:
                continue
            if op.variadic:
                rule = rules[i if i < len(rules) else -1]
                if rule is None:
                    continue
                gx = rule(i, g, zv, *values, **static)
            else:
                rule = rules[i]
                if rule is None:
                    continue
                gx = rule(g, zv, *values, **static) if static else rule(g, zv, *values)
            a = x.data
            if gx.shape != a.shape:
                gx = _unbroadcast(gx, a.shape)
            if gx.dtype != a.dtype:
                gx = gx.astype(a.dtype)
            if pulled is not None:
                pulled(z, i, g, gx)
            before = gradients.get(x)
            # add hands one array to both parents, so never accumulate in place
            gradients[x] = gx if before is None else before + gx
            left = counts[x] - 1
            counts[x] = left
            if not left:
                ready.append(x)
        if not retain:
            z.inputs = ()
            z.stamp = GONE


def _unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    if len(g.shape) >= len(shape) and (len(g.shape) > len(shape) or g.size > int(np.prod(shape))):
        return sum_to(g, shape=shape)
    return broadcast_to(g, shape=shape)


def _arrived(z: Vertex, g: Any, *, lifted: bool) -> Any:
    """The rare business of a gradient's arrival: hooks, and keeping it where `retain_grad` asked for it."""
    notes = z.notes or {}
    for hook in list(notes.get("hooks", {}).values()):
        given = hook(g if lifted else z.plain(g))  # type: ignore[call-arg]
        if given is not None:
            g = given if lifted else np.asarray(getattr(given, "data", given))
    if notes.get("retain_grad") and z.op is not None:
        z.grad = g if lifted else z.plain(g.copy())  # type: ignore[call-arg]
    return g


def _gone(z: Vertex) -> RuntimeError:
    return RuntimeError(
        f"backward: the graph under {_told(z)} is gone; a backward pass gives it up as it goes. "
        f"Compute the value again, or keep the graph with backward(retain_graph=True)."
    )


def _mutated(z: Vertex) -> RuntimeError:
    names = ", ".join(x.name for x in z.inputs if isinstance(x, Vertex) and x.name)
    return RuntimeError(
        f"backward: an input of {_told(z)}{names and f' (inputs: {names})'} was changed in place after it had been used, "
        f"so its derivative can no longer be computed. Change it after backward(), or change a copy."
    )


def _told(z: Vertex) -> str:
    return f"{z.name or 'a tensor'} of shape {z.data.shape} made by {z.op.name if z.op else 'nobody'}"
