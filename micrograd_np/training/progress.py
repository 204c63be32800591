"""The progress of a training loop: a bar where tqdm is installed, else a line per epoch."""

from __future__ import annotations

import sys
from typing import Any


class Progress:
    """Counts the batches of `epochs` epochs, `done` before, and shows their numbers; silent unless `shown`."""

    def __init__(self, epochs: int, batches: int | None, done: int = 0, *, shown: bool) -> None:
        self.epochs, self.shown = epochs, shown
        self.bar: Any = None
        if shown:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            self.bar = tqdm(total=None if batches is None else epochs * batches, initial=done, unit="batch")

    def advance(self) -> None:
        """A batch is done."""
        if self.bar is not None:
            self.bar.update(1)

    def report(self, epoch: int, text: str) -> None:
        """An epoch is done."""
        line = f"epoch {epoch}/{self.epochs}: {text}"
        if self.bar is not None:
            self.bar.set_postfix_str(line)
        elif self.shown:
            print(line, file=sys.stderr)  # noqa: T201  the plain line that stands in for the bar

    def close(self) -> None:
        """Training is over."""
        if self.bar is not None:
            self.bar.close()
