"""Whether this thread records: `no_grad`, `enable_grad`, `set_grad_enabled`, as context managers and decorators."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Self

from .primitive import mode


class set_grad_enabled(ContextDecorator):  # noqa: N801  a function to its users, as in PyTorch
    """Record applications for backward, or not, in this thread until the block ends, also by an exception.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.before: list[bool] = []  # a stack: one decorator object serves nested and recursive calls

    def _recreate_cm(self) -> Self:
        return type(self)(self.enabled)  # threads share the decorator, never the stack

    def __enter__(self) -> Self:
        self.before.append(mode.recording)
        mode.set(recording=self.enabled)
        return self

    def __exit__(self, *_: object) -> None:
        mode.set(recording=self.before.pop())


class no_grad(set_grad_enabled):  # noqa: N801
    """Record nothing in this thread: results require no gradient, and keep no graph alive.

    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """

    def __init__(self) -> None:
        super().__init__(enabled=False)

    def _recreate_cm(self) -> Self:
        return type(self)()


class enable_grad(set_grad_enabled):  # noqa: N801
    """Record again in this thread, inside a `no_grad`."""

    def __init__(self) -> None:
        super().__init__(enabled=True)

    def _recreate_cm(self) -> Self:
        return type(self)()


def is_grad_enabled() -> bool:
    """Whether applications are recorded in this thread."""
    return mode.recording
