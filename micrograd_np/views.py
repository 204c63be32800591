"""Which tensors look into the memory of which: what a write in the graph has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from .writes import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEEP = 16  # views of views that are followed
_MANY = 64  # views of one tensor from which on those are counted out that are no more


def look(view: Any, x: Any, op: Any, settings: Mapping[str, Any]) -> None:
    """Note that `view` is what `op` took of `x`, if it shares its memory; `op` None stands for a detached tensor.

    A record keeps what it was made of alive, and so may the view; one without a record does not keep that of `x`.
    """
    base, memory = view.data.base, x.data
    if view.data is not memory and (base is None or (base is not memory and base is not memory.base)):
        return
    before = getattr(x, "_look", None)
    depth = 0 if before is None else before[3] + 1
    if depth > _DEEP:
        return
    held = x.node is None or (view.node is not None and op is not None)
    view._look = (x if held else ref(x), op, settings, depth)
    views = getattr(x, "_views", None)
    if views is None:
        x._views = [ref(view)]
        return
    if len(views) >= _MANY and not len(views) & (len(views) - 1):  # at 64, 128, …
        views[:] = [known for known in views if known() is not None]
    views.append(ref(view))


def looks_into(view: Any) -> Any:
    """The tensor that `view` shows a part of, to which what is written into it belongs, too; else None."""
    x, op, _, _ = getattr(view, "_look", None) or (None,) * 4
    x = x() if isinstance(x, ref) else x
    if x is None or op is None or not view.data.flags.writeable or owner_of(view.data) is not owner_of(x.data):
        return None
    return x


def views_of(x: Any) -> Iterator[tuple[Any, Any, Mapping[str, Any]]]:
    """The tensors that look into the memory of `x`, each with the op that took it of `x`, and its settings."""
    owner = owner_of(x.data)
    for known in getattr(x, "_views", None) or ():
        view = known()
        if view is not None and owner_of(view.data) is owner:
            at, op, settings, _ = view._look
            if (at() if isinstance(at, ref) else at) is x:
                yield view, op, settings


def is_part(x: Any, whole: Any, op: Any, settings: Mapping[str, Any]) -> bool:
    """Whether `x` is what `op` took of `whole` with these settings, and shares its memory still."""
    known = getattr(x, "_look", None)
    return (
        known is not None
        and known[0] is whole
        and known[1:3] == (op, settings)
        and owner_of(x.data) is owner_of(whole.data)
    )
