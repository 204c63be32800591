"""Ctrl-C as a wish instead of an explosion."""

from __future__ import annotations

import signal
import threading
from typing import Any, Self


class Interrupt:
    """Inside the block, a first Ctrl-C only sets `asked`, to be looked at between steps; a second one is the usual
    error.

    So no step is left half done. Outside the main thread, where Python delivers no signals, it changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._wished)
        return self

    def _wished(self, *_: Any) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
