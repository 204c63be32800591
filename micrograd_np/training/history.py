"""What happened in each epoch, and a picture of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class History:
    """One row of numbers for each epoch. ``history["loss"]`` is a list of them; `interrupted` says whether Ctrl-C
    ended it.

    >>> history = History()
    >>> history.add({"loss": 2.0, "validation loss": 2.5})
    >>> history.add({"loss": 1.0, "validation loss": 2.1})
    >>> history["loss"], history.best
    ([2.0, 1.0], 1)
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.interrupted = False

    def add(self, row: Mapping[str, Any]) -> None:
        """Append the numbers of an epoch."""
        self.rows.append(dict(row))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[Any]:
        if self.rows and name not in self.rows[-1]:
            message = f"History: there is no {name!r}; there are {', '.join(self.rows[-1])}."
            raise KeyError(message)
        return [row[name] for row in self.rows]

    @property
    def watched(self) -> str:
        """What "best" is about: the validation loss, or the loss where nothing was validated."""
        return "validation loss" if self.rows and "validation loss" in self.rows[-1] else "loss"

    @property
    def best(self) -> int:
        """The number, from 0, of the first epoch with the lowest validation loss. ValueError before any."""
        values = self[self.watched]
        if not values:
            message = "History: there is no best epoch yet, for there is no epoch."
            raise ValueError(message)
        return min(range(len(values)), key=lambda i: (values[i] != values[i], values[i]))  # nan is never best

    def __repr__(self) -> str:
        if not self.rows:
            return "History of no epochs"
        return f"History of {len(self)} epochs, the last with {told(self.rows[-1])}"

    def plot(self, path: str | Path | None = None) -> Any:
        """Curves of all numbers over the epochs, losses above and the rest below: a matplotlib Figure, saved to `path`
        if given.

        ImportError if matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            message = (
                "History.plot: matplotlib is not installed; pip install matplotlib, or use history['loss'] as you like."
            )
            raise ImportError(message) from error
        numbers = [
            name for name, value in (self.rows[-1] if self.rows else {}).items() if isinstance(value, (int, float))
        ]
        groups = [[n for n in numbers if n.endswith("loss")], [n for n in numbers if not n.endswith("loss")]]
        groups = [group for group in groups if group]
        figure = Figure(figsize=(7, 3 * max(len(groups), 1)), layout="constrained")
        epochs = range(1, len(self) + 1)
        for axes, group in zip(figure.subplots(max(len(groups), 1), squeeze=False)[:, 0], groups, strict=False):
            for name in group:
                axes.plot(epochs, self[name], label=name, marker="." if len(self) < 30 else None)
            axes.set_xlabel("epoch")
            axes.legend()
            axes.grid(alpha=0.3)
        if path is not None:
            figure.savefig(path)
        return figure

    def state_dict(self) -> dict[str, Any]:
        """The rows."""
        return {"rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over rows."""
        self.rows = [dict(row) for row in state_dict["rows"]]


def told(row: Mapping[str, Any]) -> str:
    """The numbers of a row in words; arrays are left out."""
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, (int, float)))
