"""Writing to a tensor: into its memory, or in the graph where a gradient has to pass.

A tensor that is written to in the graph becomes a new result, in fresh memory, so that what was recorded of the old
value stays right. All tensors that share the memory see the write, as in NumPy: the tensor that a view was taken of
becomes a new result, too, the old value with the written part replaced; and its views are taken from it once more.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from micrograd_np.core.events import QUIET
from micrograd_np.core.messages import caller
from micrograd_np.core.modes import mode
from micrograd_np.core.primitive import Primitive
from micrograd_np.core.vertex import Vertex, tensor_of
from micrograd_np.core.views import base_of, is_too_deep, views_of
from micrograd_np.ops import index, state

from .grad_mode import set_grad_enabled


def update(t: Any, op: Primitive[Any], other: Any, *more: Any, **static: Any) -> None:
    """``t = op(t, other)`` in place: shape and dtype stay.

    RuntimeError where a leaf that requires a gradient would be written to, or where some tensor would miss the write or
    its gradient; ValueError or TypeError where the result does not fit, as in NumPy.
    """
    if not in_graph(t, other):
        if mode.recording:
            _refuse_unrecorded(t)
        op.write(t, t, other, *more, **static)
        return
    chain = [t]  # each is a view of the next one
    _refuse_unrecorded(t, recording=True)
    while (base := base_of(chain[-1])) is not None:
        chain.append(base)
    if is_too_deep(t):
        raise RuntimeError(f"in-place write: {t._title()} is a view of views, too many to follow. Write to .clone().")
    for x in chain:
        if x.requires_grad and x.node is None:
            raise RuntimeError(
                f"in-place write: {x._title()} is a leaf that requires a gradient; its old value may be needed by "
                f"backward. Write inside no_grad(), or to a copy, .clone()."
            )
    views = [(chain[-1], None)]  # all tensors that share the memory, each behind the one that it is a view of
    for x, _ in views:  # grows as it goes
        views += [(view, x) for view in views_of(x)]
    before = _snapshot(t)
    new = _fitted(op, before, op(before, other, *more, **static))
    written = _written(op, before.data, static)
    for view, x in pairwise(chain):
        old = _snapshot(x)
        new, before = _inserted(view, before, new, old), old
    _become(chain[-1], before, new)
    for view, x in views[1:]:
        _retake(view, x, written, recorded=view._view.recorded or any(view is y for y in chain))


def in_graph(t: Any, other: Any) -> bool:
    """Whether a write of `other` into `t` has to be recorded."""
    return mode.recording and (t.requires_grad or (isinstance(other, Vertex) and other.requires_grad))


def _written(op: Primitive[Any], memory: Any, settings: Any) -> Any:
    """The part of `memory` that is written to, as far as it is known beforehand."""
    try:
        part = memory[settings["index"]] if op is index.replace else memory
    except IndexError:  # arrays belong into the index
        return memory
    return part if isinstance(part, np.ndarray) else memory


def _fitted(op: Primitive[Any], before: Any, new: Any) -> Any:
    """`new` in the dtype of `before`; ValueError for another shape, TypeError for a dtype of another kind."""
    target = before.data
    mode.events.writes(before)
    if not target.flags.writeable:
        raise ValueError(f"{caller(op.name)}: {before._title()} is read-only. Write to a copy, .clone().")
    if new.data.shape != target.shape:
        raise ValueError(
            f"{caller(op.name)}: {before._title()} cannot become {new.data.shape} in place. Write z = x + y."
        )
    if new.data.dtype == target.dtype:
        return new
    if not np.can_cast(new.data.dtype, target.dtype, "same_kind"):
        kind = new.data.dtype.name
        raise TypeError(
            f"{caller(op.name)}: {before._title()} is {target.dtype} and cannot become {kind} in place. Write "
            f".astype({kind!r}) first."
        )
    return state.astype(new, dtype=target.dtype)


def _refuse_unrecorded(t: Any, *, recording: bool = False) -> None:
    """Raise RuntimeError if `t` shares the memory of a tensor with a gradient, which would miss the write."""
    while (base := base_of(t)) is not None and not (t.requires_grad or t._view.recorded):
        if t._view.op is None:
            if not recording:
                return
            raise RuntimeError(
                f"in-place write: {t._title()} shares the memory of a tensor that it was detached from, which would "
                f"not get the gradient. Write to a copy, .clone()."
            )
        if base.requires_grad:
            raise RuntimeError(
                f"in-place write: {t._title()} was made inside no_grad(), of a tensor that requires a gradient. "
                f"Write inside no_grad(), too, or make the view outside."
            )
        t = base


def _inserted(view: Any, before: Any, new: Any, x: Any) -> Any:
    """`x` with `new` in the place of `view`, which was `before`."""
    op, settings = view._view.op, view._view.settings
    if op is index.view:
        return index.replace(x, new, index=settings["index"])
    if before.size != x.size:
        raise RuntimeError(
            f"in-place write: {before._title()} shows a part of {x._title()} in a way, {op.name}, by which nothing can "
            f"be written in the graph. Write to a copy, .clone()."
        )
    return op.rules[0](new, before, x, **settings)  # all elements in another order: the adjoint is the inverse


def _snapshot(t: Any) -> Any:
    """A tensor that stays what `t` is now, so that `t` can become something else."""
    before = tensor_of(t.data, t.node, t.result_type)
    if t.node is None:
        before.requires_grad, before._name, before._notes = t.requires_grad, t._name, t._notes
    return before


def _retake(view: Any, x: Any, written: Any, *, recorded: bool) -> None:
    """Take `view` of what `x` is now; the memory `written` is what was written to."""
    op, settings = view._view.op, view._view.settings
    if op is not None and mode.events is QUIET and not np.may_share_memory(view.data, written):
        view.data = op.kernel(np, ..., x.data, **settings)  # its values are the same, and their record is right
    elif op is None:
        _become(view, _snapshot(view), x.detach())
    else:
        with set_grad_enabled(recorded):
            z = op(x, **settings)
        _become(view, _snapshot(view), z)


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
