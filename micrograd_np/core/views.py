"""Which tensors look into the memory of which: what a write in the graph has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from .modes import mode
from .vertex import Vertex, tensor_of
from .writes import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEP = 1000  # views of views that are followed
_MANY = 64  # views of one tensor from which on those are counted out that are no more


class Look(NamedTuple):
    """What a view shows."""

    x: Any
    """The tensor that it was taken of: a weak reference, unless that is a view, too."""
    op: Any
    """How; None for a detached tensor."""
    settings: Mapping[str, Any]
    depth: int
    """How many views lie in between."""
    recorded: bool
    """Whether it was taken where gradients are recorded."""


def look(view: Any, x: Any, op: Any, settings: Mapping[str, Any], *, recorded: bool = True) -> None:
    """Note that `view` is what `op` took of `x`, if it shares its memory; `op` None stands for a detached tensor.

    A view keeps alive the views between it and the tensor that it shows in the end, but not that tensor: where nobody
    holds that one any more, nobody can see what is written. Nor does a view without a record keep records alive.
    """
    base, memory = view.data.base, x.data
    if view.data is not memory and (base is None or (base is not memory and base is not memory.base)):
        return
    above = getattr(x, "_look", None)
    depth = 0 if above is None else above.depth + 1
    if above is not None and x.node is not None and (view.node is None or op is None):
        x = _unrecorded(x, above)
    recorded = recorded and op is not None and mode.recording
    parts = (ref(x) if above is None else x, op, settings, depth, recorded)
    view._look = tuple.__new__(Look, parts)  # without Look's own, a third of the time
    if depth <= _DEEP:
        _note(x, view)


def _unrecorded(x: Any, above: Look) -> Any:
    """A twin of the view `x` that shows the same part of the same memory, without a record."""
    twin = tensor_of(x.data)
    into = looks_into(x)
    if into is not None:
        look(twin, into, above.op, above.settings, recorded=False)
    return twin


def _note(x: Any, view: Any) -> None:
    views = getattr(x, "_views", None)
    if views is None:
        x._views = [ref(view)]
        return
    if len(views) >= _MANY and not len(views) & (len(views) - 1):  # at 64, 128, …
        views[:] = [known for known in views if known() is not None]
    views.append(ref(view))


def looks_into(view: Any) -> Any:
    """The tensor that `view` shows a part of, if it is there and shares its memory still; else None."""
    known = getattr(view, "_look", None)
    x = None if known is None else known.x() if isinstance(known.x, ref) else known.x
    return None if x is None or owner_of(view.data) is not owner_of(x.data) else x


def is_deep(view: Any) -> bool:
    """Whether `view` is a view of a view of …, so often that what is written into it is not followed."""
    known = getattr(view, "_look", None)
    return known is not None and known.depth > _DEEP


def views_of(x: Any) -> Iterator[Any]:
    """The tensors that look into the memory of `x`."""
    for known in getattr(x, "_views", None) or ():
        view = known()
        if view is not None and looks_into(view) is x:
            yield view


def called_as(x: Any, view: Any) -> Any:
    """`view`, which shows all of `x`, with the name of `x` where no record leads from the one to the other."""
    if isinstance(x, Vertex) and view.node is None:
        view.name = x.name
    return view


def is_part(x: Any, whole: Any, op: Any, settings: Mapping[str, Any]) -> bool:
    """Whether `x` is what `op` took of `whole` with these settings, and shares its memory still."""
    known = getattr(x, "_look", None)
    return known is not None and looks_into(x) is whole and (known.op, known.settings) == (op, settings)
