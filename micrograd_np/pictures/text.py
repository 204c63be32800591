"""The words of a picture: values, formulas and names; and any text as it is, whatever DOT or SVG make of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

import numpy as np

from micrograd_np.core.values import parts_of
from micrograd_np.engine.symbol import number, setting, subscript

LIMIT = 4000  # bytes of a label; Graphviz before 16 refuses a quoted string over 16,384, and escaping can double it

_SHOWN = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}  # ␀ and its neighbours: XML has no NUL
_SHOWN |= dict.fromkeys((0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), 0xFFFD) | {9: 0x20}
_LINES = {code: to for code, to in _SHOWN.items() if code != 10}  # where a line break is meant
_INPUTS = 6  # of one op that are all named
_LENGTH = 90  # characters of a formula
_SMALL = 6  # so many numbers are printed; a matrix may have two more
BARS = ("▁", "▂", "▃", "▄", "▅", "▆")  # no higher: in another font they may run into the line above


def plain(text: str) -> str:
    """`text` in one line, control characters as their pictures: a NUL is ␀."""
    return text.translate(_SHOWN)


def label(text: str) -> Any:
    """`text`, whose line breaks are meant, as the value of a DOT attribute; cut after `LIMIT` bytes.

    >>> label("a&lt;")
    'a&amp;lt;'
    """
    from graphviz import escape, nohtml

    text = text.translate(_LINES)
    cut = text.encode()[:LIMIT].decode(errors="ignore")
    text = text if cut == text else f"{cut}…"
    return nohtml(escape(text.replace("&", "&amp;")).replace("\n", "\\n"))  # else "<a>" would be taken for HTML


def shortened(text: str, length: int = 40) -> str:
    """`text` in one line of at most `length` characters, its middle left out where it is longer.

    >>> shortened("a" * 30 + "b" * 30, 11)
    'aaaaa…bbbbb'
    """
    text, half = plain(text), (length - 1) // 2
    return text if len(text) <= length else f"{text[: length - 1 - half]}…{text[-half:]}"


class Names(Counter[Any]):
    """How often each name was given in a picture, so that no two vertices have the same."""

    def own(self, name: str, around: Any = ()) -> str:
        """The user's `name`, with a stroke for each earlier vertex of that name in the same frame."""
        self[name, around] += 1
        return name + "′" * (self[name, around] - 1)

    def numbered(self, letter: str) -> str:
        """The `letter` with the next number."""
        self[letter] += 1
        return self.own(f"{letter}{subscript(self[letter])}")


def formula(op: Any, names: list[str], static: Mapping[str, Any]) -> str:
    """The label of the op, such as ``x @ W + b``, with the `names` of its inputs."""
    fields: dict[str, Any] = {key: setting(value) for key, value in static.items()}
    fields.update(zip(op.inputs[: op.fixed], names, strict=False))
    if op.variadic:
        few, end = len(names) <= op.fixed + _INPUTS, op.fixed + 2
        fields[op.inputs[-1]] = ", ".join(names[op.fixed :] if few else [*names[op.fixed : end], "…", names[-1]])
        for name in names[op.fixed :] if "index" in fields else ():  # each stands where the index has a hole
            fields["index"] = fields["index"].strip("()").rstrip(",").replace("·", name, 1)
    return shortened(Formatter().vformat(op.label, (), fields), _LENGTH)


def op_name(op: Any) -> str:
    """The name of an op as people say it.

    >>> from micrograd_np.core.registry import registry
    >>> op_name(registry["_einsum"]), op_name(registry["log_softmax"])
    ('einsum', 'log softmax')
    """
    return str(op.name).lstrip("_").replace("_", " ")


def constant(x: Any) -> str:
    """What a number or an array without a name is called."""
    return "array" if np.ndim(x) or x is None else number(x, 6)


def summary(array: Any) -> str:
    """The values of `array`: a number, rows of numbers, or minimum, mean and maximum with a histogram below.

    >>> print(summary(np.array([[1.0, 2.5], [0.0, -1.0]])))
    [1 2.5]
    [0 -1]
    >>> print(summary(np.linspace(0, 1, 64)))
    0 … 0.5 … 1
    ▆▆▆▆▆▆▆▆
    """
    array = np.asarray(array)
    if not array.ndim:
        return number(array)
    if not array.size:
        return "empty"
    flat = array.reshape([n for n in array.shape if n > 1]) if array.ndim > 2 else array
    if flat.size <= _SMALL + 2 * (flat.ndim == 2) and flat.ndim <= 2:
        rows = flat if flat.ndim == 2 else flat.reshape(1, -1)
        return "\n".join(f"[{' '.join(map(number, row))}]" for row in rows)
    if array.dtype.kind == "b":
        return f"{int(array.sum()):,} of {array.size:,} true"
    if array.dtype.kind not in "fiu":
        return ""
    stats = [(part.min(), part.max(), part.sum(dtype=float), part.size) for part in _parts(array)]
    lows, highs, sums, sizes = zip(*stats, strict=True) if stats else ((0,), (0,), (0.0,), (0,))
    low, high, count = min(lows), max(highs), sum(sizes)
    note = f"\n{array.size - count:,} nan or infinite" if count < array.size else ""
    if low == high:
        return f"all {number(low)}{note}" if count else note.strip()
    span, middle = float(high) - float(low), sum(sums) / count
    middle = 0.0 if abs(middle) <= 1e-12 * span else middle  # but for rounding
    text = f"{number(low, 3)} … {number(middle, 3)} … {number(high, 3)}{note}\n"
    if 0 < 8 / span < np.inf:
        places = (((part.astype(float) - float(low)) * (8 / span)).astype(int).clip(0, 7) for part in _parts(array))
        counts = np.sum([np.bincount(part, minlength=8) for part in places], axis=0)
        text += "".join(BARS[int(np.ceil(5 * n / counts.max()))] for n in counts)
    return text.rstrip()


def _parts(array: Any) -> Iterator[Any]:
    """The finite elements in parts."""
    finite = (part[np.isfinite(part)] if part.dtype.kind == "f" else part for part in parts_of(array))
    return (part for part in finite if part.size)
