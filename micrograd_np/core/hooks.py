"""Hooks, functions that are called when something happens; and a number that counts changes of hooks and modules."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Self

from .messages import require_type

_next = count().__next__
_next_change = count(1).__next__


class Changes:
    """`number` changes whenever an attribute of any module is set, a hook registered or removed, or a setting changed.

    There is one for the process: a step of 20 µs cannot check each of its modules, and modules rarely change.
    """

    number = 0

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        """What holds for the whole process, by name, such as the default dtype."""

    def set(self, name: str, value: Any) -> None:
        """Let a setting of the process be another, and record the change."""
        self.settings = {**self.settings, name: value}
        self.note()

    def note(self) -> None:
        """Record a change."""
        self.number = _next_change()  # never a number that was there before, in whatever thread


changes = Changes()


class Hooks:
    """Functions in the order in which they are called, each with the options it was registered with."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[int, tuple[Callable[..., Any], dict[str, Any]]] = {}

    def add(self, hook: Callable[..., Any], *, prepend: bool = False, **options: Any) -> "RemovableHandle":
        """Register `hook`, last or first, and return the handle that removes it. TypeError if it cannot be called."""
        require_type("register a hook", "the hook", hook, callable(hook), "a function")
        key = _next()
        self.entries[key] = (hook, options)
        if prepend:
            self.entries = {key: self.entries.pop(key), **self.entries}
        changes.note()
        return RemovableHandle(self, key)

    def __iter__(self) -> Iterator[tuple[Callable[..., Any], dict[str, Any]]]:
        return iter(list(self.entries.values()))  # a hook may remove itself

    def __len__(self) -> int:
        return len(self.entries)

    def __getstate__(self) -> list[Any]:
        return list(self.entries.values())

    def __setstate__(self, state: list[Any]) -> None:
        self.entries = {_next(): entry for entry in state}


class RemovableHandle:
    """Removes a hook by ``remove()``, or at the end of a ``with`` block."""

    __slots__ = ("hooks", "key")

    def __init__(self, hooks: Hooks, key: int) -> None:
        self.hooks, self.key = hooks, key

    def remove(self) -> None:
        """Remove the hook; the second call does nothing."""
        self.hooks.entries.pop(self.key, None)
        changes.note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
