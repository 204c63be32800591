"""What this thread does with applications of primitives: record them for backward, show them to a watcher."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import EllipsisType

    from .primitive import Watcher


class Mode(threading.local):
    """What this thread does with applications: record them for backward, show them to a watcher.

    `usual` sums it up in one attribute (recording, nobody watching), because every application asks.
    """

    usual: bool = True
    recording: bool = True
    watcher: Watcher | None = None

    def set(self, *, recording: bool | None = None, watcher: Watcher | EllipsisType | None = ...) -> None:
        """Change what is given, and leave the rest."""
        if recording is not None:
            self.recording = recording
        if watcher is not ...:
            self.watcher = watcher
        self.usual = self.recording and self.watcher is None


mode = Mode()
