"""Writing to a tensor: into its memory, or in the graph where a gradient has to pass.

What is written to in the graph becomes a new result, in fresh memory, so that what was recorded of the old one stays
right. All tensors that look into the same memory see the write, as they do in NumPy: what a view looks into becomes
a new result, too, the old value with what was written in its place; and its views are taken anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .modes import mode
from .ops import index
from .vertex import Vertex
from .views import looks_into, views_of

if TYPE_CHECKING:
    from .primitive import Primitive


def update(t: Any, op: Primitive[Any], other: Any, *more: Any, **static: Any) -> None:
    """``t = op(t, other)`` in place. RuntimeError where a leaf that requires a gradient would be written to."""
    if not mode.recording or not (t.requires_grad or (isinstance(other, Vertex) and other.requires_grad)):
        op.write(t, t, other, *more, **static)
        return
    whole, inside = t, []  # from t to what it looks into, and so on
    while (found := looks_into(whole)) is not None:
        inside.append((found, *whole._look[1:3]))
        whole = found
    for x in (t, *(x for x, _, _ in inside)):
        refuse_leaf(x)
    family = list(_family(whole))
    before = _before(t)
    new = op(before, other, *more, **static)
    for x, view, settings in inside:
        old = _before(x)
        new, before = _put(view, before, new, old, settings), old
    _become(whole, before, new)
    for view, x, op_, settings in family:
        _become(view, _before(view), x.detach() if op_ is None else op_(x, **settings))


def refuse_leaf(t: Any) -> None:
    """Raise RuntimeError if `t` is a leaf that requires a gradient."""
    if t.requires_grad and t.node is None:
        message = (
            f"in-place write: {t._told()} is a leaf that requires a gradient; its old value may be needed by "
            f"backward. Write inside no_grad(), or to a copy, .clone()."
        )
        raise RuntimeError(message)


def _family(whole: Any) -> Any:
    """All that look into `whole`, directly or not: view, what it looks into, op and settings, in that order."""
    waiting = [whole]
    for x in waiting:
        for view, op, settings in views_of(x):
            yield view, x, op, settings
            waiting.append(view)


def _put(op: Any, view: Any, new: Any, x: Any, settings: Any) -> Any:
    """`x` with `new` in the place of `view`, which `op` took of it."""
    if op is index.view:
        return index.replace(x, new, index=settings["index"])
    if view.size != x.size:
        message = (
            f"in-place write: {view._told()} shows a part of {x._told()} in a way, {op.name}, by which nothing can be "
            f"written in the graph. Write to a copy, .clone()."
        )
        raise RuntimeError(message)
    return op.rules[0](new, view, x, **settings)  # all elements in another order: the adjoint is the inverse


def _before(t: Any) -> Any:
    """A tensor that stays what `t` is now, so that `t` can become something else."""
    before = object.__new__(Vertex.plain)
    before.data, before.node, before.requires_grad = t.data, t.node, t.requires_grad
    before._grad = before._name = before._notes = None
    if t.node is None:
        before._name, before._notes = t._name, t._notes
    return before


def _become(t: Any, before: Any, z: Any) -> None:
    """`t` is from now on what `z` is. Hooks belong to the old value, the name and a retained gradient to `t`."""
    name, notes = t.name, t.notes or {}
    if t.node is not None and "retain_grad" in notes:
        t.node.notes = {key: note for key, note in notes.items() if key != "retain_grad"}
    if t.node is None and z.node is not None:  # the leaf of an older graph gets no gradient of that any more
        t._notes = {"moved": True}
    t.data, t.node, t.requires_grad = z.data, z.node, z.requires_grad
    if t.node is not None:
        t.node.name = name
        if "retain_grad" in notes:
            t.node.notes = {**(t.node.notes or {}), "retain_grad": notes["retain_grad"]}
    mode.events.rebound(t, before, z)
