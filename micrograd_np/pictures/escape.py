"""Any text as the text it is: what DOT, SVG or Graphviz would take for something else is spelled out."""

from __future__ import annotations

from typing import Any

__all__ = ["label", "plain", "shortened"]

LIMIT = 4000  # bytes of a label; Graphviz before 16 refuses a quoted string over 16,384, and escaping can double it

_SHOWN = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}  # ␀ and its neighbours: XML has no NUL
_SHOWN |= dict.fromkeys((0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), 0xFFFD) | {9: 0x20}
_LINES = {code: to for code, to in _SHOWN.items() if code != 10}  # where a line break is meant


def plain(text: str) -> str:
    """`text` in one line, control characters as their pictures: a NUL is ␀."""
    return text.translate(_SHOWN)


def label(text: str) -> Any:
    """`text`, whose line breaks are meant, as the value of a DOT attribute; cut after `LIMIT` bytes.

    >>> label("a&lt;")
    'a&amp;lt;'
    """
    from graphviz import escape, nohtml

    data = text.translate(_LINES).encode()
    if len(data) > LIMIT:
        text = f"{data[:LIMIT].decode(errors='ignore')}…"
    escaped = escape(text.translate(_LINES).replace("&", "&amp;"))
    return nohtml(escaped.replace("\n", "\\n"))  # else "<a>" would be taken for HTML


def shortened(text: str, length: int = 40) -> str:
    """`text` in one line of at most `length` characters, its middle left out where it is longer.

    >>> shortened("a" * 30 + "b" * 30, 11)
    'aaaaa…bbbbb'
    """
    text = plain(text)
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[: length - 1 - half]}…{text[-half:]}"
