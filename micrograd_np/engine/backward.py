"""The backward pass: from a result to the leaves, each vertex once, with gradients summed on the way.

The pass does three things for all derivative rules: it undoes broadcasting by summing, it lets a vertex wait until all
its consumers have sent their gradients, and it frees each record after use. It runs on plain arrays; `lifted`, on
tensors, so that what it computes is itself recorded (for higher derivatives) or traced (for the compiler).
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any
from weakref import ref

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.freed import keep_structure, weak_inputs, without_arrays
from micrograd_np.core.modes import mode, unusual
from micrograd_np.core.reads import VALUE
from micrograd_np.core.vertex import Constant, Node, Source, Vertex, grad_of, source, tensor_of
from micrograd_np.core.writes import writes
from micrograd_np.ops.shape import broadcast_to, sum_to


def reached(*roots: Source, floor: int = 0, freed: bool = False) -> list[Source]:
    """`roots` and every node and leaf under them; those recorded at `floor` or before count as leaves.

    With `freed` also what is left of freed records.
    """
    vertices = list(dict.fromkeys(map(source, roots)))
    seen = set(vertices)
    for z in vertices:  # grows as it goes
        for x in z.inputs if z.order > floor and (freed or not is_freed(z)) else ():
            if isinstance(x, Source) and x not in seen:
                seen.add(x)
                vertices.append(x)
    return vertices


def topological(*roots: Source, floor: int = 0, freed: bool = False) -> list[Source]:
    """The same, inputs before the results computed from them, leaves first. No recursion."""
    return sorted(reached(*roots, floor=floor, freed=freed), key=lambda z: z.order)


def is_freed(z: Source) -> bool:
    """Whether a backward pass has freed the record of `z`."""
    return isinstance(z, Node) and z.arrays is None


def leading_to(roots: Iterable[Source], targets: Iterable[Source], floor: int = 0) -> set[Source]:
    """The vertices under `roots`, down to `floor`, through which a gradient reaches one of `targets`."""
    useful = set(targets)
    for z in topological(*roots, floor=floor):
        if is_freed(z) and z.order > floor:
            raise _freed_error(z)  # its inputs are forgotten, and one of them may have led to a target
        if not useful.isdisjoint(x for x in z.inputs if isinstance(x, Source)):
            useful.add(z)
    return useful


def pull(  # noqa: PLR0915  one loop, whose every line is paid for per vertex
    root: Source, seed: Any, deliver: Callable[[Any, Any], None], *, retain: bool = False, lifted: bool = False,
    targets: frozenset[Source] | None = None, more: Sequence[tuple[Source, Any]] = (), floor: int = 0,
) -> None:  # fmt: skip
    """Walk from `root`, with `seed` as its gradient, in the reverse of the order in which vertices were recorded.

    `deliver(leaf, gradient)` is called once for every leaf reached; with `targets`, leaves and nodes, once for each of
    them that is reached, and only edges that lead to one are walked. `more` roots with their seeds join the same walk;
    what was recorded at `floor` or before counts as a leaf. Unless `retain`, each record is freed right after its use.
    """
    roots = [(source(z), g) for z, g in ((root, seed), *more)]
    useful = None if targets is None else leading_to([z for z, _ in roots], targets, floor)
    events = mode.events if unusual else QUIET
    watched = events is not QUIET
    gradients: dict[Source, Any] = {}
    waiting: list[tuple[int, Source]] = []  # orders are unique among recorded vertices, and leaves are never pushed
    leaves: list[Source] = []
    shapes: dict[Any, Any] = {}  # of freed records, each once
    settings: dict[Any, Any] = {}
    used = 0
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
        arrays: Any = z.arrays  # type: ignore[attr-defined]
        if z.notes is not None:
            g = _arrived(z, g, lifted=lifted)
        if targets is not None and z in targets:
            deliver(z, g)
        if arrays is None:
            raise _freed_error(z)
        if z.order < writes.latest and is_stale(z):  # type: ignore[arg-type]
            raise _mutated(z)
        inputs = z.inputs
        static = z.static  # type: ignore[attr-defined]
        values, zv = _lifted(z) if lifted else (arrays, z.data)  # type: ignore[arg-type]
        for x, rule in zip(inputs, op.rules_for(len(inputs)) if op.variadic else op.rules, strict=False):
            if rule is None or (type(x) is not Node and not (isinstance(x, Vertex) and x.requires_grad)):
                continue
            if useful is not None and x not in useful:
                continue
            gx = rule(g, zv, *values, **static) if static else rule(g, zv, *values)
            a = x if type(x) is Node else x.data
            if gx.shape != a.shape:
                gx = _unbroadcast(gx, a.shape, visible=watched or lifted)
            if gx.dtype is not a.dtype and gx.dtype != a.dtype:
                if a.dtype.kind != "f":
                    raise _whole_numbers(x)
                gx = gx.astype(a.dtype)
            if watched:
                events.pulled(z, x, g, gx)
            before = gradients.get(x)
            if before is not None:
                # add hands one array to both parents, so never accumulate in place
                gradients[x] = before + gx
            else:
                gradients[x] = gx
                if type(x) is Node and x.order > floor:
                    heappush(waiting, (-x.order, x))
                else:
                    leaves.append(x)
        if not retain:
            used += 1
            z.arrays = z.data = None  # type: ignore[attr-defined]
            shape = z.shape
            z.shape = shapes.setdefault(shape, shape)
            for x in inputs:
                if type(x) is not Node:
                    z.inputs = weak_inputs(inputs)
                    break
            if static:
                z.static = without_arrays(op, static, settings)  # type: ignore[attr-defined]
            if z.notes is not None:
                z.notes.pop("held", None)
                z.notes.pop("hooks", None)
        del z, inputs, arrays, values, zv  # what only the record held goes before the next rule takes memory
    if used:
        for z, _ in roots:
            if type(z) is Node and z.arrays is None:
                keep_structure(z, used)
                used = 0
    for x in leaves:
        g = gradients.pop(x)
        if (x.notes if type(x) is Node else x._notes) is not None:  # type: ignore[attr-defined]
            g = _arrived(x, g, lifted=lifted)
        if targets is None or x in targets:
            deliver(x, g)


def is_stale(z: Node) -> bool:
    """Whether memory that the rules of `z` read has been written since it was recorded."""
    arrays, order = z.arrays, z.order
    if z.notes is not None and "stale" in z.notes:  # the copy of a stale node
        return True
    if arrays is None or order >= writes.latest:
        return False
    *inputs_changed, result_changed = (isinstance(a, np.ndarray) and writes.since(a, order) for a in (*arrays, z.data))
    if not result_changed and True not in inputs_changed:
        return False
    needs = sum(1 << i for i, x in enumerate(z.inputs) if isinstance(x, Source))
    of_result, dropped, blank, _, _ = z.op.reads_of(needs, len(arrays))
    if of_result == VALUE and result_changed:
        return True
    return any(changed for i, changed in enumerate(inputs_changed) if i not in dropped and i not in blank)


def _lifted(z: Node) -> tuple[Sequence[Any], Any]:
    """The inputs and the result of `z` as tensors with their places in the graph, for rules to be recorded."""
    assert z.arrays is not None
    tensors = z.held or (None,) * len(z.inputs)
    values = [_as_recorded(t, x, a, z) for t, x, a in zip(tensors, z.inputs, z.arrays, strict=True)]
    return values, with_record(z.data, z)


def with_record(array: Any, node: Node) -> Any:
    """A tensor of `array`, the result of `node`; a stand-in for an array that no rule reads is returned as it is."""
    return tensor_of(array, node) if isinstance(array, np.ndarray) else array


def _as_recorded(t: Any, x: Any, array: Any, z: Node) -> Any:
    """An input of `z` as it was recorded, the tensor `t` if that has not changed; RuntimeError for a changed leaf."""
    if not isinstance(array, np.ndarray):
        return array
    if isinstance(t, Vertex) and t.data is array and t.node is (x if isinstance(x, Node) else None):
        return t
    if isinstance(x, Node):
        return tensor_of(array, x)
    if not isinstance(x, Vertex):
        return array
    if x.data is not array:
        raise _mutated(z)
    return x


def _unbroadcast(g: Any, shape: tuple[int, ...], *, visible: bool) -> Any:
    """`g` summed over the axes that broadcasting from `shape` added; or broadcast to it, where a rule left it smaller.

    Recorded or watched only if `visible`.
    """
    wide = g.shape
    extra = len(wide) - len(shape)
    if extra < 0 or (wide[extra:] != shape and any(n == 1 != m for n, m in zip(wide[extra:], shape, strict=True))):
        return broadcast_to(g, shape=shape)
    if visible:
        return sum_to(g, shape=shape)
    return sum_to.kernel(np, ..., g, shape=shape)  # once for every bias, so by the shortest way


def _arrived(z: Source, g: Any, *, lifted: bool) -> Any:
    """The gradient of a vertex with notes: what its hooks return, kept where `retain_grad` was called."""
    notes = z.notes or {}
    if "stale" in notes:
        raise _mutated(z)
    if z.node is not None:  # type: ignore[attr-defined]
        raise RuntimeError(
            f"backward: the gradient of {_title(z)} is asked for as of a leaf, but it was written to in the graph "
            f"since, and is a result now. Run backward() before the write, or write to a copy: x.clone()."
        )
    tensor: Any = Vertex.result_type
    hooks = notes.get("hooks", ())
    for hook, _ in hooks:
        new = hook(g if lifted else tensor(g))
        if new is None:
            continue
        array = new.data if isinstance(new, Vertex) else new
        if np.shape(array) != z.shape:
            raise ValueError(
                f"a hook on {_title(z)} returned a gradient of another shape, {np.shape(getattr(new, 'data', new))}; "
                f"return one of {z.shape}, or None to leave it as it is."
            )
        g = (new if isinstance(new, Vertex) else tensor(new)) if lifted else np.asarray(array, z.dtype)
    if hooks and not lifted:
        g = g.copy()  # a hook may keep its argument, and its result
    holder = notes["retain_grad"]() if "retain_grad" in notes and isinstance(z, Node) else None
    if holder is not None:
        kept = g if lifted else tensor(g.copy())
        before = grad_of(holder)
        holder._grad = kept if before is None else before + kept
    return g


def _whole_numbers(x: Source) -> TypeError:
    return TypeError(
        f"backward: {x.name or 'a tensor'} of shape {x.shape} requires a gradient and is {x.dtype}; only "
        f"floating tensors have gradients. Give floats ([1.0, 2.0]) or dtype=float."
    )


def _freed_error(z: Source) -> RuntimeError:
    return RuntimeError(
        f"backward: the graph under {_title(z)} is gone; a backward pass frees it as it goes. "
        f"Compute the value again, or keep the graph with backward(retain_graph=True)."
    )


def _mutated(z: Source) -> RuntimeError:
    there = [x() if isinstance(x, (ref, Constant)) else x for x in z.inputs]
    names = ", ".join(x.name for x in there if isinstance(x, Source) and x.name)
    return RuntimeError(
        f"backward: an input of {_title(z)}{names and f' (inputs: {names})'}, or itself, was changed in place after it "
        f"had been used, so its derivative can no longer be computed. Change it after backward(), or change a copy."
    )


def _title(z: Source) -> str:
    origin = (z.notes or {}).get("made")  # noted by mg.trace_origins()
    maker = f"{z.op.name if z.op else 'nobody'}{f' at {origin}' if origin else ''}"
    return f"{z.name or 'a tensor'} of shape {z.shape} made by {maker}"
