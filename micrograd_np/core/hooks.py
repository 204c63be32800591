"""Functions called when something happens: their order of registration, and the handle that takes one away."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self

from .changes import changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_next = count().__next__


class Hooks:
    """Functions in the order in which they are to be called, each with the options it was registered with."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        self.found: dict[int, tuple[Callable[..., Any], dict[str, Any]]] = {}

    def add(self, hook: Callable[..., Any], *, prepend: bool = False, **options: Any) -> RemovableHandle:
        """Register `hook`, last or first, and return the handle that removes it. TypeError if it cannot be called."""
        if not callable(hook):
            raise TypeError(f"a hook must be a function, found {type(hook).__name__}.")
        key = _next()
        self.found[key] = (hook, options)
        if prepend:
            self.found = {key: self.found.pop(key), **self.found}
        changes.note()
        return RemovableHandle(self, key)

    def __iter__(self) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
        return iter(list(self.found.values()))  # a hook may remove itself

    def __len__(self) -> int:
        return len(self.found)

    def __getstate__(self) -> list[Any]:
        return list(self.found.values())

    def __setstate__(self, state: list[Any]) -> None:
        self.found = {_next(): entry for entry in state}


class RemovableHandle:
    """Takes a hook away with ``remove()``, or at the end of a ``with`` block."""

    __slots__ = ("hooks", "key")

    def __init__(self, hooks: Hooks, key: int) -> None:
        self.hooks, self.key = hooks, key

    def remove(self) -> None:
        """Take the hook away; nothing happens the second time."""
        self.hooks.found.pop(self.key, None)
        changes.note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
