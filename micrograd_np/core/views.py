"""Which tensors are views of which: a write in the graph changes all that share the memory."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import ref

from .modes import mode, unusual
from .vertex import Vertex, tensor_of
from .writes import owner_of

_MAX_DEPTH = 1000  # views of views that are followed
_PRUNED_FROM = 64  # views of one tensor from which on the dead ones are removed


class View(NamedTuple):
    """How a view was taken."""

    base: Any
    """The tensor that it was taken of: a weak reference, unless that is a view, too."""
    op: Any
    """The primitive that took it; None for a detached tensor."""
    settings: Mapping[str, Any]
    depth: int
    """How many views lie between it and the tensor that owns the memory."""
    recorded: bool
    """Whether it was taken where gradients are recorded."""


def array_of_data(x: Any) -> Any:
    """The data of `x` as an array, also where it was set to a tensor, ``w.data = w.data - rate * w.grad``."""
    while isinstance(x.data, Vertex):
        x.data = x.data.data
    return x.data


def register_view(view: Any, x: Any, op: Any, settings: Mapping[str, Any], *, recorded: bool = True) -> None:
    """Note that `op` took `view` of `x`, if they share memory; `op` is None for a detached tensor.

    A view keeps alive the views between it and the tensor that owns the memory, but not that tensor: where nobody holds
    the owner, nobody can see what is written. A view without a record keeps no record alive either.
    """
    try:
        base, memory = view.data.base, x.data
    except AttributeError:
        base, memory = array_of_data(view).base, array_of_data(x)
    if view.data is not memory and (base is None or (base is not memory and base is not memory.base)):
        return
    above = getattr(x, "_view", None)
    depth = 0 if above is None else above.depth + 1
    if above is not None and x.node is not None and (view.node is None or op is None):
        x = _without_record(x, above)
    recorded = recorded and op is not None and (not unusual or mode.recording)
    parts = (ref(x) if above is None else x, op, settings, depth, recorded)
    view._view = tuple.__new__(View, parts)  # in two thirds of the time that View(...) takes
    if depth > _MAX_DEPTH:
        return
    views = getattr(x, "_views", None)
    if views is None:
        x._views = [ref(view)]
        return
    if len(views) >= _PRUNED_FROM and not len(views) & (len(views) - 1):  # at 64, 128, …
        views[:] = [alive for alive in views if alive() is not None]
    views.append(ref(view))


def _without_record(x: Any, above: View) -> Any:
    """A copy of the view `x` that shows the same part of the same memory, without a record."""
    twin = tensor_of(x.data)
    base = base_of(x)
    if base is not None:
        register_view(twin, base, above.op, above.settings, recorded=False)
    return twin


def base_of(view: Any) -> Any:
    """The tensor that `view` was taken of, if it is alive and shares its memory still; else None."""
    how = getattr(view, "_view", None)
    x = None if how is None else how.base() if isinstance(how.base, ref) else how.base
    return None if x is None or owner_of(view.data) is not owner_of(x.data) else x


def is_too_deep(view: Any) -> bool:
    """Whether `view` is a view of a view of …, so often that what is written into it is not followed."""
    how = getattr(view, "_view", None)
    return how is not None and how.depth > _MAX_DEPTH


def views_of(x: Any) -> Iterator[Any]:
    """The tensors that were taken of `x` and share its memory still."""
    for weak in getattr(x, "_views", None) or ():
        view = weak()
        if view is not None and base_of(view) is x:
            yield view


def called_as(x: Any, view: Any) -> Any:
    """`view`, which shows all of `x`, with the name of `x` where no record leads from the one to the other."""
    if isinstance(x, Vertex) and view.node is None:
        view.name = x.name
    return view


def is_view_of(view: Any, x: Any, op: Any, settings: Mapping[str, Any]) -> bool:
    """Whether `view` is what `op` took of `x` with these settings, and shares its memory still."""
    how = getattr(view, "_view", None)
    return how is not None and base_of(view) is x and (how.op, how.settings) == (op, settings)
