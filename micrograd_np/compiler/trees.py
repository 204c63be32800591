"""What arguments and results may be nested in: tuples, lists, dicts, kinds of these, dataclasses, namespaces."""

from __future__ import annotations

from collections import deque
from copy import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from micrograd_np.core.vertex import Vertex

if TYPE_CHECKING:
    from collections.abc import Sequence


def parts(x: Any) -> dict[Any, Any] | None:
    """What `x` holds, by key, index or field; None for what is no container.

    >>> parts([1, 2]), parts({"a": 3}), parts("ab")
    ({0: 1, 1: 2}, {'a': 3}, None)
    """
    if isinstance(x, dict):
        return dict(x.items())
    if isinstance(x, tuple):
        return dict(zip(getattr(x, "_fields", range(len(x))), x, strict=True))
    if isinstance(x, (list, deque)):
        return dict(enumerate(x))
    if isinstance(x, SimpleNamespace):
        return vars(x)
    fields = getattr(type(x), "__dataclass_fields__", None)
    if fields is None or isinstance(x, Vertex) or hasattr(type(x), "named_parameters"):
        return None
    return {name: getattr(x, name) for name in fields if hasattr(x, name)}


def with_parts(x: Any, found: Sequence[Any]) -> Any:
    """A container like `x` that holds what was `found`, in the order of `parts`; for some kinds `x` if nothing differs.

    >>> with_parts({"a": 1, "b": [2]}, [3, 4])
    {'a': 3, 'b': 4}
    """
    if type(x) is dict:
        return dict(zip(x, found, strict=True))
    if type(x) is list:
        return list(found)
    if type(x) is tuple:
        return tuple(found)
    held = parts(x) or {}
    if isinstance(x, (dict, list, deque)):
        new: Any = copy(x)
        if isinstance(x, dict):
            new.update(zip(held, found, strict=True))
        else:
            new.clear()
            new.extend(found)
    elif all(a is b for a, b in zip(held.values(), found, strict=True)):
        return x
    elif isinstance(x, tuple):
        return tuple.__new__(type(x), found)
    else:
        new = copy(x)
        for name, part in zip(held, found, strict=True):
            object.__setattr__(new, name, part)  # of a frozen dataclass as well
    return new
