"""The result of a check as a table, for a terminal and for a notebook, which is true when all is well."""

from collections.abc import Iterator, Sequence
from html import escape
from math import prod
from typing import Any

from micrograd_np.core.terminal import shown

from .verdict import AGREES, Comparison

_COLOURS = {"agrees": "#2a7d2a", "disagrees": "#b3261e", "too coarse to tell": "#9a6700", "kink": "#9a6700"}


class Table:
    """Rows of text under a title, with notes below; `right` are the columns of numbers."""

    headings: tuple[str, ...] = ()
    right: frozenset[int] = frozenset()

    def __init__(self, title: str, cells: Sequence[tuple[str, ...]], notes: Sequence[str], caption: str = "") -> None:
        self.title, self.cells, self.notes = title, cells, notes
        self.caption = caption or title  # the title in a notebook

    def __repr__(self) -> str:
        table = [self.headings, *self.cells] if self.headings else self.cells
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        places = "  ".join(f"{{:{'>' if i in self.right else '<'}{width}}}" for i, width in enumerate(widths))
        return shown("\n".join((self.title, *(places.format(*row).rstrip() for row in table), *self.notes)))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(h)}</th>" for h in self.headings)
        head = head and f"<thead><tr>{head}</tr></thead>"
        body = "".join(f"<tr>{''.join(map(self._html, range(len(row)), row))}</tr>" for row in self.cells)
        notes = "".join(f"<pre>{escape(note)}</pre>" for note in self.notes)
        return f"<table><caption>{escape(self.caption)}</caption>{head}<tbody>{body}</tbody></table>{notes}"

    def _html(self, column: int, text: str) -> str:
        style = f"color:{_COLOURS[text]}" if text in _COLOURS else "text-align:right" if column in self.right else ""
        text = "<b>fails</b>" if text == "FAILS" else escape(text.strip())
        return f'<td style="{style}">{text}</td>' if style else f"<td>{text}</td>"


class Report(Table):
    """The comparisons of one check by name; true when every derivative agrees with its finite differences.

    One row per input or parameter: how many entries were checked, the two derivatives side by side at the entry `at`
    where they differ most, the largest difference, and that as a part of the largest derivative in the row.

    >>> import micrograd_np as mg
    >>> report = mg.check_gradients(lambda x: x * x, [3.0])
    >>> bool(report), type(report).__name__
    (True, 'Report')
    """

    headings = ("", "shape", "checked", "analytic", "numeric", "|error|", "relative", "at", "verdict")
    right = frozenset((2, 3, 4, 5, 6))

    def __init__(self, title: str, rows: list[Comparison]) -> None:
        super().__init__(title, list(map(_cells, rows)), [f"{row.name}: {row.note}" for row in rows if row.note])
        self.rows = rows

    def __setstate__(self, state: dict[str, Any]) -> None:
        Report.__init__(self, state["title"], state["rows"])  # an older pickle has these alone

    def __bool__(self) -> bool:
        return all(row.verdict == AGREES for row in self.rows)

    @property
    def complaint(self) -> str:
        """The report in one sentence."""
        wrong = ", ".join(f"{row.name}: {row.verdict}" for row in self.rows if row.verdict != AGREES)
        return f"not all gradients agree with finite differences ({wrong})" if wrong else "all gradients agree"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> Comparison:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"the report has no row {name!r}; its rows are {', '.join(row.name for row in self.rows)}.")


def _cells(row: Comparison) -> tuple[str, ...]:
    shape, size, at = str(row.analytic.shape), prod(row.analytic.shape), row.at
    if at is None:
        return (row.name, shape, "none", "", "", "", "", "", row.verdict)
    derivatives, errors = (row.analytic[at], row.numeric[at]), (row.absolute, row.relative)
    numbers = (*(f"{x:.8g}" for x in derivatives), *(f"{x:.1e}" for x in errors))
    checked = "all" if row.checked == size else f"{row.checked} of {size}"
    return (row.name, shape, checked, *numbers, f"[{', '.join(map(str, at))}]" if at else "", row.verdict)
