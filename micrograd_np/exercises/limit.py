"""A call of Python code that ends at a time limit, in whatever thread and on every system."""

import ctypes
from collections.abc import Callable
from threading import Lock, Timer, get_ident
from typing import Any


class _Endless(BaseException):
    """Raised inside code that runs for too long; no ``except Exception`` there catches it."""


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
    raised: list[bool] = []

    def stop() -> None:
        with lock:
            if not over:
                raised.append(True)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Endless))

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
            # What was raised as `f` returned arrives in this loop, and not later. It is not taken back: CPython 3.11
            # would then hang in a thread that is debugged or profiled.
            for _ in raised * 100:
                pass
    except _Endless:
        advice = "Look for a loop whose condition never changes."
        raise TimeoutError(f"{title} has run for {seconds:g} seconds without an end. {advice}") from None
