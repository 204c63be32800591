"""Rows of source: below headings, and no longer than a screen is wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir import Op

_WIDTH = 110


def under_headings(groups: Iterable[tuple[Op, list[str]]], *, sections: bool = True) -> list[tuple[str, Op | None]]:
    """The rows of operations, each with the operation, below their sections and the user's lines."""
    body: list[tuple[str, Op | None]] = []
    section = where = ""
    for op, rows in groups:
        if not rows:
            continue
        if sections and op.section != section:
            body += [("", None)] * bool(body) + [(f"# {op.section}", None)]
            section, where = op.section, ""
        if op.where and op.where != where:
            indent = rows[0][: -len(rows[0].lstrip())]
            body.append((f"{indent}# {op.where}"[:_WIDTH], None))
            where = op.where
        body += [(row, op) for row in rows]
    return body


def wrapped(head: str, parts: Sequence[str], tail: str) -> list[str]:
    """``head part, part, … tail`` on as many lines as it takes."""
    rows = [head]
    for i, part in enumerate(parts):
        text = part + (", " if i < len(parts) - 1 else "")
        if len(rows[-1]) + len(text) > _WIDTH:
            rows[-1] = rows[-1].rstrip() + " \\" if "(" not in head else rows[-1].rstrip()
            rows.append(" " * (len(head) - len(head.lstrip()) + 4))
        rows[-1] += text
    rows[-1] += tail
    return rows
