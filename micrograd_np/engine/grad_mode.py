"""Whether this thread records: `no_grad`, `enable_grad`, `set_grad_enabled`, as context managers and decorators."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any, Self

from micrograd_np.core.events import QUIET
from micrograd_np.core.modes import mode


class _Recording(ContextDecorator):
    """Record applications for backward, or not, in this thread until the block ends, also by an exception."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.before: list[bool] = []  # a stack: one decorator object serves nested and recursive calls

    def _recreate_cm(self) -> Self:
        return type(self)(self.enabled)  # threads share the decorator, never the stack

    def __enter__(self) -> Self:
        self.before.append(mode.recording)
        _record(self.enabled)
        return self

    def __exit__(self, *_: object) -> None:
        _record(self.before.pop())


def _record(enabled: bool) -> None:
    """``mode.set(recording=enabled)``, in a third of the time: a small network is asked for a value in some 10 µs."""
    mode.recording = enabled
    mode.fast_path = enabled and mode.events is QUIET


class set_grad_enabled(_Recording):  # noqa: N801  a function to its users, as in PyTorch
    """Record applications for backward, or not, in this thread, from now on, or in a block or a function.

    >>> with set_grad_enabled(False):
    ...     is_grad_enabled()
    False
    >>> previous = set_grad_enabled(False)
    >>> is_grad_enabled()
    False
    >>> previous = set_grad_enabled(True)
    """

    def __init__(self, enabled: bool) -> None:
        super().__init__(enabled)
        self.found: bool | None = mode.recording  # before this call, which takes effect at once
        mode.set(recording=enabled)

    def __enter__(self) -> Self:
        if self.found is None:
            return super().__enter__()
        self.before.append(self.found)
        self.found = None
        mode.set(recording=self.enabled)
        return self

    def __call__(self, function: Any) -> Any:
        """The function, run in this mode."""
        if self.found is not None:  # a decorator is for the function alone
            mode.set(recording=self.found)
            self.found = None
        return super().__call__(function)


class no_grad(_Recording):  # noqa: N801
    """Record nothing in this thread: results require no gradient, and keep no graph alive.

    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """

    def __init__(self) -> None:
        super().__init__(enabled=False)

    def _recreate_cm(self) -> Self:
        return type(self)()


class enable_grad(_Recording):  # noqa: N801
    """Record again in this thread, inside a `no_grad`."""

    def __init__(self) -> None:
        super().__init__(enabled=True)

    def _recreate_cm(self) -> Self:
        return type(self)()


def is_grad_enabled() -> bool:
    """Whether applications are recorded in this thread."""
    return mode.recording
