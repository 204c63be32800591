"""The numbers of each epoch, and a picture of them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrograd_np.core.messages import count_of

if TYPE_CHECKING:
    from micrograd_np.pictures import Plot


class History:
    """One row of numbers for each epoch. ``history["loss"]`` is a list of them; `interrupted` is true after Ctrl-C,
    and `record` is the `Record` of weights and gradients that ``fit(..., record=...)`` kept, or None.

    >>> history = History()
    >>> history.add({"loss": 2.0, "validation loss": 2.5})
    >>> history.add({"loss": 1.0, "validation loss": 2.1})
    >>> history["loss"], history.best
    ([2.0, 1.0], 1)
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.interrupted = False
        self.record: Any = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Append the numbers of an epoch."""
        self.rows.append(dict(row))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[Any]:
        if self.rows and name not in self.rows[-1]:
            raise KeyError(f"History: there is no {name!r}; there are {', '.join(self.rows[-1])}.")
        return [row[name] for row in self.rows]

    def __getattr__(self, name: str) -> Any:
        rows = vars(self).get("rows")
        spaced = name.replace("val_", "validation_").replace("_", " ")
        name_here = next((key for key in (name, spaced) if rows and key in rows[-1]), "")
        write = f" Write history[{name_here!r}]." if name_here else " Write history.rows." if name == "history" else ""
        raise AttributeError(f"History has no {name!r}.{write}", name=name, obj=None if write else self)

    @property
    def watched(self) -> str:
        """The number that decides which epoch is best: the validation loss, or the loss if there is no validation."""
        return "validation loss" if self.rows and "validation loss" in self.rows[-1] else "loss"

    @property
    def best(self) -> int:
        """The number, from 0, of the first epoch with the lowest validation loss. ValueError before any."""
        values = self[self.watched]
        if not values:
            raise ValueError("History: there is no best epoch yet, for there is no epoch; train one first.")
        return min(range(len(values)), key=lambda i: (values[i] != values[i], values[i]))  # nan is never best

    def __repr__(self) -> str:
        if not self.rows:
            return "History of no epochs"
        return f"History of {count_of(len(self), 'epoch')}, the last with {described_row(self.rows[-1])}"

    def plot(self, path: str | Path | None = None) -> Plot:
        """Curves of all numbers over the epochs, losses above and the rest below: a `Plot`, which shows itself in a
        notebook; with `path`, it is also saved there.

        Losses that are positive and spread over a factor of 10 or more are on a logarithmic axis. ImportError if
        matplotlib is not installed.
        """
        from micrograd_np.pictures.plot import curves

        rows = [numbers_of(row) for row in self.rows]
        names = dict.fromkeys(name for row in rows for name in row)
        losses = [name for name in names if name.endswith("loss")]
        metrics = [name for name in names if name not in losses]
        panels = [
            (group[0] if len(group) == 1 else title, {n: [row.get(n, float("nan")) for row in rows] for n in group})
            for title, group in (("loss", losses), ("metrics", metrics))
            if group
        ]
        plot = curves(panels, range(1, len(self) + 1), f"{', '.join(names) or 'no numbers'} over {len(self)} epochs")
        if path is not None:
            plot.save(path)
        return plot

    def to_frame(self) -> Any:
        """A pandas DataFrame: a row for each epoch, numbered from 1, and a column for each number.

        ImportError if pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError("History.to_frame: needs pandas; install it with: pip install pandas") from None
        return pd.DataFrame(self.rows, index=pd.RangeIndex(1, len(self) + 1, name="epoch"))

    def state_dict(self) -> dict[str, Any]:
        """The rows."""
        return {"rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Replace the rows."""
        self.rows = [dict(row) for row in state_dict["rows"]]


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row, NumPy's among them, without arrays."""
    return {name: float(value) for name, value in row.items() if isinstance(value, Real)}


def described_row(row: Mapping[str, Any]) -> str:
    """The numbers of a row in words."""
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers_of(row).items())
