"""Whether this thread records: `no_grad`, `enable_grad`, `set_grad_enabled`, as context managers and decorators."""

from contextlib import ContextDecorator
from typing import Any, Self

from micrograd_np.core.messages import require_nothing
from micrograd_np.core.modes import mode
from micrograd_np.core.settings import checked


class _Recording(ContextDecorator):
    """Record applications for backward, or not, in this thread until the block ends, with or without an exception."""

    enabled: bool

    def __init__(self, *unknown: Any) -> None:
        if unknown:
            require_nothing(type(self).__name__, unknown)
        self.before: list[bool] = []  # a stack: one object may be entered more than once

    def _recreate_cm(self) -> Self:  # for each call of a decorated function, so that threads share no stack
        return type(self)()

    def __enter__(self) -> Self:
        recording, events = mode.state
        self.before.append(recording)
        mode.change(self.enabled, events)
        return self

    def __exit__(self, *_: object) -> None:
        mode.change(self.before.pop(), mode.state[1])


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

    @checked
    def __init__(self, enabled: bool) -> None:
        super().__init__()
        self.enabled = enabled
        self.previous: bool | None = mode.recording  # before this call, which takes effect at once
        mode.set(recording=enabled)

    def _recreate_cm(self) -> Self:
        return type(self)(self.enabled)

    def __enter__(self) -> Self:
        self.before.append(mode.recording if self.previous is None else self.previous)
        self.previous = None
        mode.set(recording=self.enabled)
        return self

    def __call__(self, function: Any) -> Any:
        """The function, run in this mode."""
        if self.previous is not None:  # a decorator applies to the function alone
            mode.set(recording=self.previous)
            self.previous = None
        return super().__call__(function)


class no_grad(_Recording):  # noqa: N801
    """Record nothing in this thread: results require no gradient, and keep no graph alive.

    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """

    enabled = False


class enable_grad(_Recording):  # noqa: N801
    """Record again in this thread, inside a `no_grad`.

    >>> import micrograd_np as mg
    >>> with mg.no_grad(), mg.enable_grad():
    ...     mg.is_grad_enabled()
    True
    """

    enabled = True


def is_grad_enabled() -> bool:
    """Whether applications are recorded in this thread.

    >>> import micrograd_np as mg
    >>> mg.is_grad_enabled()
    True
    >>> with mg.no_grad():
    ...     mg.is_grad_enabled()
    False
    """
    return mode.recording
