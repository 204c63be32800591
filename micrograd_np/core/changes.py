"""How often modules and hooks have changed: a number that a compiled step can compare before it looks closely."""

from __future__ import annotations

from itertools import count

_next = count(1).__next__


class Changes:
    """`number` becomes another one whenever a module gets another attribute, or anything a hook; it does not say which.

    One for the process: a step of 20 µs cannot ask each of its modules, and modules hardly ever change.
    """

    number = 0

    def note(self) -> None:
        """Something has changed."""
        self.number = _next()  # never one that was there before, whatever other threads note


changes = Changes()
