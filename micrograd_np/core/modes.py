"""What this thread does with applications of primitives: record them for backward, show them to who watches."""

from __future__ import annotations

import threading

from .events import QUIET, Events


class Mode(threading.local):
    """What this thread does with applications: record them for backward, show them to who watches.

    `fast_path` sums it up in one attribute (recording, nobody watching), because every application asks.
    """

    fast_path: bool = True
    recording: bool = True
    events: Events = QUIET

    def set(self, *, recording: bool | None = None, events: Events | None = None) -> None:
        """Change what is given, and leave the rest."""
        if recording is not None:
            self.recording = recording
        if events is not None:
            self.events = events
        self.fast_path = self.recording and self.events is QUIET


mode = Mode()
