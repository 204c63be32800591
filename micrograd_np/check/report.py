"""What a check found, as a table: for a terminal, for a notebook, and for an `if`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import prod

from micrograd_np.core.terminal import shown

from .verdict import AGREES, Comparison

_HEADINGS = ("", "shape", "checked", "analytic", "numeric", "|error|", "relative", "at", "verdict")
_RIGHT = {2, 3, 4, 5, 6}  # columns of numbers
_COLOURS = {"agrees": "#2a7d2a", "disagrees": "#b3261e"}


class Report:
    """The comparisons of one check by name; true when every derivative agrees with its finite differences.

    One row per input or parameter: how many entries were checked, the two derivatives side by side at the entry `at`
    where they differ most, the largest difference, and that as a part of the largest derivative in the row.
    """

    def __init__(self, title: str, rows: list[Comparison]) -> None:
        self.title = title
        self.rows = rows

    def __bool__(self) -> bool:
        return all(row.verdict == AGREES for row in self.rows)

    @property
    def complaint(self) -> str:
        """The report in one sentence."""
        found = ", ".join(f"{row.name}: {row.verdict}" for row in self.rows if row.verdict != AGREES)
        return f"not all gradients agree with finite differences ({found})" if found else "all gradients agree"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> Comparison:
        for row in self.rows:
            if row.name == name:
                return row
        message = f"the report has no row {name!r}; its rows are {', '.join(row.name for row in self.rows)}."
        raise KeyError(message)

    def __repr__(self) -> str:
        table = [_HEADINGS, *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        places = "  ".join(f"{{:{'>' if i in _RIGHT else '<'}{width}}}" for i, width in enumerate(widths))
        lines = [places.format(*cells).rstrip() for cells in table]
        return shown("\n".join((self.title, *lines, *self._notes())))

    def _notes(self) -> list[str]:
        return [f"{row.name}: {row.note}" for row in self.rows if row.note]

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(h)}</th>" for h in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td{_style(i, c)}>{escape(c)}</td>" for i, c in enumerate(_cells(row))) + "</tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        title = escape(self.title)
        return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def _cells(row: Comparison) -> tuple[str, ...]:
    shape, size, at = str(row.analytic.shape), prod(row.analytic.shape), row.at
    if at is None:
        return (row.name, shape, "none", "", "", "", "", "", row.verdict)
    return (
        row.name,
        shape,
        "all" if row.checked == size else f"{row.checked} of {size}",
        f"{row.analytic[at]:.8g}",
        f"{row.numeric[at]:.8g}",
        f"{row.absolute:.1e}",
        f"{row.relative:.1e}",
        f"[{', '.join(map(str, at))}]" if at else "",
        row.verdict,
    )


def _style(column: int, text: str) -> str:
    if column == len(_HEADINGS) - 1:
        return f' style="color:{_COLOURS.get(text, "#9a6700")}"'
    return ' style="text-align:right"' if column in _RIGHT else ""
