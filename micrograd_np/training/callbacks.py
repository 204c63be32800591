"""What `fit` can call after each epoch: writers of its numbers, for spreadsheets and for TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from uuid import uuid4

from .history import History, numbers_of


class CSVLog:
    """Writes the numbers of each epoch to the file `path`, a line for each, readable while training goes on.

    The first column is the epoch, from 1. The file is written anew when training begins, with the epochs before it
    where `fit` resumes; an existing file of that name is replaced.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.csv"
    >>> history = History()
    >>> history.add({"loss": 0.5})
    >>> CSVLog(path)(history)
    >>> path.read_text().split()
    ['epoch,loss', '1,0.5']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._written: tuple[History | None, int, list[str]] = None, 0, []

    def __call__(self, history: History) -> None:
        """Write the epochs that are not in the file yet; all of them where a number is new."""
        rows = [numbers_of(row) for row in history.rows]
        names = list(dict.fromkeys(name for row in rows for name in row))
        before, begun, header = self._written
        if before is not history or header != names:
            begun = 0
        with self.path.open("a" if begun else "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["epoch", *names], lineterminator="\n")
            if not begun:
                writer.writeheader()
            writer.writerows({"epoch": i + 1, **rows[i]} for i in range(begun, len(rows)))
        self._written = history, len(rows), names


class TensorBoard:
    """Writes the numbers of each epoch to `folder`, where TensorBoard finds them: a curve for each number.

    ImportError if tensorboardX is not installed, which the extra `tensorboard` brings.

    >>> import tempfile
    >>> from micrograd_np.training import TensorBoard
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     TensorBoard(folder).close()
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            import tensorboardX  # noqa: F401
        except ImportError:
            raise ImportError(
                "TensorBoard: needs tensorboardX; install it with: pip install 'micrograd_np[tensorboard]'"
            ) from None
        self.folder = Path(folder)
        self._writer: Any = None  # only while training goes on: it cannot be copied or pickled
        self._written: tuple[History | None, int] = None, 0

    def __call__(self, history: History) -> None:
        """Write the epochs that are not written yet."""
        if self._writer is None:
            from tensorboardX import SummaryWriter

            # writers of one folder and one second would overwrite each other (tensorboardX 2.6.5)
            self._writer = SummaryWriter(str(self.folder), filename_suffix=f".{uuid4().hex}")
        before, begun = self._written
        for epoch in range(begun if before is history else 0, len(history)):
            for name, value in numbers_of(history.rows[epoch]).items():
                self._writer.add_scalar(name.replace(" ", "/"), value, epoch + 1)
        self._written = history, len(history)
        self._writer.flush()

    def close(self) -> None:
        """Close the files; `fit` calls it at the end."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
