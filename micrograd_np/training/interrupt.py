"""Ctrl-C as a request that a loop grants between two steps."""

from __future__ import annotations

import signal
import threading
from typing import Any, Self


class Interrupt:
    """Inside the block, the first Ctrl-C only sets `requested`, for a loop to read; a second one raises as usual.

    So no step is left half done. Outside the main thread, where Python delivers no signals, it changes nothing.
    """

    requested = False
    _before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def _request(self, *_: Any) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self._before)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
