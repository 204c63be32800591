"""What this thread does with applications of primitives: record them for backward, report them to a watcher."""

import threading
from threading import get_ident
from typing import Any

from .events import QUIET, Events

USUAL = True, QUIET
"""Applications are recorded, and nobody watches."""
unusual: set[int] = set()
"""The threads where that is not so, mostly none: ``mode.state if unusual else USUAL`` asks no attribute of a thread."""


class Mode(threading.local):
    """Whether this thread records applications for backward, and the watcher that it reports them to."""

    state: tuple[bool, Events] = USUAL
    recording: Any = property(lambda self: self.state[0], doc="Whether applications are recorded.")
    events: Any = property(lambda self: self.state[1], doc="The watcher.")
    fast_path: Any = property(lambda self: self.state == USUAL, doc="Whether all is as usual.")

    def __init__(self) -> None:  # in each thread, which may have the number of one that has ended
        unusual.discard(get_ident())

    def set(self, *, recording: bool | None = None, events: Events | None = None) -> None:
        """Change what is not None."""
        before = self.state
        self.change(before[0] if recording is None else recording, before[1] if events is None else events)

    def change(self, recording: bool, events: Events) -> None:
        """Change both."""
        self.state = recording, events
        if recording and events is QUIET:
            unusual.discard(get_ident())
        else:
            unusual.add(get_ident())


mode = Mode()
