"""A number that changes with every module and hook: a compiled step compares it before it checks them one by one."""

from __future__ import annotations

from itertools import count

_next = count(1).__next__


class Changes:
    """`number` changes whenever an attribute of any module is set, or a hook is registered or removed.

    There is one for the process: a step of 20 µs cannot check each of its modules, and modules rarely change.
    """

    number = 0

    def note(self) -> None:
        """Record a change."""
        self.number = _next()  # never a number that was there before, in whatever thread


changes = Changes()
