"""Results as text or Markdown: times, and their ratios to a reference of the same run. Smaller is faster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

from .measure import Result, description

Rows = Sequence[Sequence[str]]


def progress(text: str) -> None:
    """Says on a terminal what is being measured; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\033[K  {text}", end="\r", file=sys.stderr, flush=True)


def microseconds(seconds: float) -> str:
    """Three digits that mean something, in µs, ms or s."""
    for limit, scale, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (float("inf"), 1.0, "s")):
        if seconds < limit:
            value = seconds * scale
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return "–"


def cell(result: Result, reference: Result | None, *, medians: bool = False) -> str:
    """Best round and its ratio to the reference's best; with ``medians``, the median round and that ratio."""
    if result.problem:
        return result.problem if len(result.problem) < 40 else result.problem[:37] + "..."
    own = result.median if medians else result.best
    if reference is None or reference.problem:
        return microseconds(own)
    return f"{microseconds(own)} {own / (reference.median if medians else reference.best):.2f}×"


def race_rows(
    results: dict[str, dict[str, Result]], contenders: Sequence[str], reference: str, *, medians: bool
) -> Rows:
    """One row for each workload, one column for each contender, header first."""
    rows = [["workload", *contenders]]
    for workload, by_name in results.items():
        base = by_name.get(reference)
        rows.append([workload, *(cell(by_name[name], base, medians=medians) for name in contenders)])
    return rows


def first_rows(results: dict[str, dict[str, Result]], contenders: Sequence[str], reference: str) -> Rows:
    """The time to the end of the first step, tracing and compiling included, as a table like ``race_rows``."""
    firsts = {
        workload: {name: Result(rounds=[r.first], problem=r.problem) for name, r in by_name.items()}
        for workload, by_name in results.items()
    }
    return race_rows(firsts, contenders, reference, medians=False)


def render(rows: Rows, *, markdown: bool = False) -> str:
    """The rows with their columns aligned; the first row is the header."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        [text.ljust(w) if not i else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in (lines[0], ["-" * w for w in widths], *lines[1:]))
    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def heading(threads: int) -> str:
    """Where and with what the table below was made."""
    about = description(threads)
    names = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    plural = "thread" if threads == 1 else "threads"
    today = datetime.now().astimezone().date()
    return f"{threads} {plural} · {today} · {about['processor']}\nNumPy's matrix products: {about['blas']}\n{names}\n"
