"""What this thread does with applications of primitives: record them for backward, report them to a watcher."""

import threading

from .events import QUIET, Events


class Mode(threading.local):
    """Whether this thread records applications for backward, and the watcher that it reports them to.

    `fast_path` says both in one attribute (recording, no watcher), because every application reads it.
    """

    fast_path: bool = True
    recording: bool = True
    events: Events = QUIET

    def set(self, *, recording: bool | None = None, events: Events | None = None) -> None:
        """Change what is not None."""
        if recording is not None:
            self.recording = recording
        if events is not None:
            self.events = events
        self.fast_path = self.recording and self.events is QUIET


mode = Mode()
