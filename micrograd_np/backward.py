"""The backward walk: from a result towards the leaves, each vertex once, gradients summed on the way.

The walk knows three things no derivative rule has to: that broadcasting is undone by summing, that a vertex waits until
all its consumers have reported, and that the record is given up once used. It runs on plain arrays; `lifted`, on
tensors, so that what it computes is itself recorded (for higher derivatives) or traced (for the compiler).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from .ops.shape import broadcast_to, sum_to
from .primitive import Vertex, mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

GONE = -1  # the stamp of a vertex whose record has been used up


def reached(*roots: Vertex, floor: int = 0) -> list[Vertex]:
    """Every vertex recorded under `roots`, and they; those recorded at `floor` or before are taken for leaves."""
    found = list(dict.fromkeys(roots))
    seen = set(found)
    for z in found:  # grows as it goes
        for x in z.inputs if z.order > floor else ():
            if isinstance(x, Vertex) and x not in seen:
                seen.add(x)
                found.append(x)
    return found


def topological(*roots: Vertex, floor: int = 0) -> list[Vertex]:
    """The same, inputs before what is made of them, leaves first. No recursion."""
    return sorted(reached(*roots, floor=floor), key=lambda z: z.order)


def leading_to(roots: Iterable[Vertex], targets: Iterable[Vertex], floor: int = 0) -> set[Vertex]:
    """The vertices under `roots`, down to `floor`, through which a gradient reaches one of `targets`."""
    useful = set(targets)
    for z in topological(*roots, floor=floor):
        if z.stamp == GONE and z.order > floor:
            raise _gone(z)  # its inputs are forgotten, and a way to a target may have led through them
        if not useful.isdisjoint(x for x in z.inputs if isinstance(x, Vertex)):
            useful.add(z)
    return useful


def pull(  # noqa: PLR0915  one loop, whose every line is paid for per vertex
    root: Vertex,
    seed: Any,
    deliver: Callable[[Vertex, Any], None],
    *,
    retain: bool = False,
    lifted: bool = False,
    targets: frozenset[Vertex] | None = None,
    more: Sequence[tuple[Vertex, Any]] = (),
    floor: int = 0,
) -> None:
    """Walk from `root`, with `seed` as its gradient, in the reverse of the order in which vertices were recorded.

    `deliver(vertex, gradient)` is called once for every leaf reached; with `targets`, once for each of them that is
    reached, and no edge is walked that does not lead to one. `more` roots with their seeds join the same walk;
    what was recorded at `floor` or before is a leaf to it. Unless `retain`, each record is given up as soon as it has
    been used, and memory with it.
    """
    roots = ((root, seed), *more)
    useful = None if targets is None else leading_to([z for z, _ in roots], targets, floor)
    watcher = mode.watcher
    pulled = None if watcher is None else getattr(watcher, "pulled", None)
    gradients: dict[Vertex, Any] = {}
    waiting: list[tuple[int, Vertex]] = []  # orders are unique among recorded vertices, and leaves are never pushed
    leaves: list[Vertex] = []
    for z, g in roots:
        if z in gradients:
            gradients[z] = gradients[z] + g
            continue
        gradients[z] = g
        if z.order <= floor:  # leaves have order 0
            leaves.append(z)
        else:
            heappush(waiting, (-z.order, z))
    while waiting:
        _, z = heappop(waiting)
        g = gradients.pop(z)
        op: Any = z.op  # only what has one ever waits
        if z.notes is not None:
            g = _arrived(z, g, lifted=lifted)
        if targets is not None and z in targets:
            deliver(z, g)
        inputs = z.inputs
        static = z.static
        values, zv = (inputs, z) if lifted else (z.arrays, z.data)
        stamp = z.version  # a rule may read the result too
        for x, rule in zip(inputs, op.rules_for(len(inputs)) if op.variadic else op.rules, strict=False):
            if not isinstance(x, Vertex):
                continue
            stamp += x.version
            if rule is None or not x.requires_grad or (useful is not None and x not in useful):
                continue
            gx = rule(g, zv, *values, **static) if static else rule(g, zv, *values)
            a = x.data
            if gx.shape != a.shape:
                gx = _unbroadcast(gx, a.shape, tell=watcher is not None or lifted)
            if gx.dtype is not a.dtype and gx.dtype != a.dtype:
                if a.dtype.kind != "f":
                    raise _whole_numbers(x)
                gx = gx.astype(a.dtype)
            if pulled is not None:
                pulled(z, x, g, gx)
            before = gradients.get(x)
            if before is not None:
                # add hands one array to both parents, so never accumulate in place
                gradients[x] = before + gx
            else:
                gradients[x] = gx
                if x.order <= floor:
                    leaves.append(x)
                else:
                    heappush(waiting, (-x.order, x))
        if stamp != z.stamp:
            raise _gone(z) if z.stamp == GONE else _mutated(z)
        if not retain:
            z.inputs = z.arrays = ()
            z.stamp = GONE
    for x in leaves:
        g = gradients.pop(x)
        if x.notes is not None:
            g = _arrived(x, g, lifted=lifted)
        if targets is None or x in targets:
            deliver(x, g)


def _unbroadcast(g: Any, shape: tuple[int, ...], *, tell: bool) -> Any:
    """`g` summed over the axes that broadcasting from `shape` made; or spread to it, where a rule left it smaller.

    Recorded or watched only if there is somebody to `tell`.
    """
    wide = g.shape
    lead = len(wide) - len(shape)
    if lead < 0 or (wide[lead:] != shape and any(n == 1 != m for n, m in zip(wide[lead:], shape, strict=True))):
        return broadcast_to(g, shape=shape)
    if tell:
        return sum_to(g, shape=shape)
    return sum_to.kernel(np, ..., g, shape=shape)  # once for every bias, so by the shortest way


def _arrived(z: Vertex, g: Any, *, lifted: bool) -> Any:
    """The rare business of a gradient's arrival: hooks, and keeping it where `retain_grad` asked for it."""
    notes = z.notes or {}
    for hook, _ in notes.get("hooks", ()):
        given = hook(g if lifted else z.plain(g))  # type: ignore[call-arg]
        if given is not None:
            if np.shape(given.data if isinstance(given, Vertex) else given) != z.data.shape:
                raise ValueError(
                    f"a hook on {_told(z)} returned a gradient of another shape, "
                    f"{np.shape(getattr(given, 'data', given))}; "
                    f"return one of {z.data.shape}, or None to leave it as it is."
                )
            if lifted:
                g = given if isinstance(given, Vertex) else z.plain(given)  # type: ignore[call-arg]
            else:
                g = np.asarray(given.data if isinstance(given, Vertex) else given, z.data.dtype)
    if notes.get("retain_grad") and z.op is not None:
        kept = g if lifted else z.plain(g.copy())  # type: ignore[call-arg]
        z.grad = kept if z.grad is None else z.grad + kept
    return g


def _whole_numbers(x: Vertex) -> TypeError:
    return TypeError(
        f"backward: {x.name or 'a tensor'} of shape {x.data.shape} requires a gradient and is {x.data.dtype}; only "
        f"floating tensors have gradients. Give floats ([1.0, 2.0]) or dtype=float."
    )


def _gone(z: Vertex) -> RuntimeError:
    return RuntimeError(
        f"backward: the graph under {_told(z)} is gone; a backward pass gives it up as it goes. "
        f"Compute the value again, or keep the graph with backward(retain_graph=True)."
    )


def _mutated(z: Vertex) -> RuntimeError:
    names = ", ".join(x.name for x in z.inputs if isinstance(x, Vertex) and x.name)
    return RuntimeError(
        f"backward: an input of {_told(z)}{names and f' (inputs: {names})'}, or itself, was changed in place after it "
        f"had been used, so its derivative can no longer be computed. Change it after backward(), or change a copy."
    )


def _told(z: Vertex) -> str:
    made = (z.notes or {}).get("made")
    maker = f"{z.op.name if z.op else 'nobody'}{f' at {made}' if made else ''}"
    return f"{z.name or 'a tensor'} of shape {z.data.shape} made by {maker}"
