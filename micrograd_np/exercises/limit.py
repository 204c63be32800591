"""A call of Python code that ends at a time limit, in whatever thread and on every system."""

import ctypes
from collections.abc import Callable
from threading import Lock, Timer, get_ident
from typing import Any


class _Endless(BaseException):
    """Raised inside code that runs for too long; no ``except Exception`` there catches it."""


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    what = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def limited(seconds: float, title: str, f: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """``f(*args, **settings)``; TimeoutError, a sentence that begins with `title`, after `seconds`.

    A second thread raises an exception in this one. Python notices it between two of its own instructions: a single
    call into C (a product of huge matrices, ``time.sleep``) finishes first, and code that catches BaseException goes
    on. It needs CPython.

    >>> limited(0.1, "my rule", lambda: [None for _ in iter(int, 1)])
    Traceback (most recent call last):
    TimeoutError: my rule has run for 0.1 seconds without an end. Look for a loop whose condition never changes.
    """
    thread, lock = get_ident(), Lock()
    over: list[bool] = []

    def stop() -> None:
        with lock:
            if not over:
                _raise_in(thread, _Endless)

    timer = Timer(seconds, stop)
    timer.daemon = True
    try:
        timer.start()
        try:
            return f(*args, **settings)
        finally:
            with lock:
                over.append(True)
            timer.cancel()
            _raise_in(thread, None)  # what was raised as `f` returned is not to arrive later
    except _Endless:
        advice = "Look for a loop whose condition never changes."
        raise TimeoutError(f"{title} has run for {seconds:g} seconds without an end. {advice}") from None
