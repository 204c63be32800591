"""Formulas in labels: the op's own, filled with the names of its inputs."""

from __future__ import annotations

from collections import Counter
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from micrograd_np.engine.symbol import setting

from .escape import shortened
from .values import number, subscript

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from micrograd_np.core.vertex import Source

__all__ = ["Names", "constant", "formula", "spoken"]

_MANY = 6  # inputs of one op that are all named
_LENGTH = 90  # characters of a formula


class Names:
    """What vertices are called in one picture, no two alike: by the user's names, or letters with numbers."""

    def __init__(self, vertices: Iterable[Source]) -> None:
        self.given = {z.name for z in vertices}
        self.counts: Counter[Any] = Counter()

    def own(self, name: str, around: Any = ()) -> str:
        """A name that the user gave, with a stroke for each before it that has the same name in the same frame."""
        self.counts[name, around] += 1
        return name + "′" * (self.counts[name, around] - 1)

    def numbered(self, letter: str) -> str:
        """The next number behind `letter` that makes no name of the user's."""
        self.counts[letter] += 1
        name = f"{letter}{subscript(self.counts[letter])}"
        return self.numbered(letter) if name in self.given else name


def formula(op: Any, told: list[str], static: Mapping[str, Any]) -> str:
    """The label of the op, such as ``x @ W + b``, with its inputs as they are `told`."""
    fields: dict[str, Any] = {key: setting(value) for key, value in static.items()}
    fields.update(zip(op.inputs[: op.fixed], told, strict=False))
    if op.variadic:
        rest = told[op.fixed :]
        rest = rest if len(rest) <= _MANY else [*rest[:2], "…", rest[-1]]
        fields[op.inputs[-1]] = ", ".join(rest)
        for name in told[op.fixed :] if "index" in fields else ():  # each stands where the index has a hole
            fields["index"] = fields["index"].strip("()").rstrip(",").replace("·", name, 1)
    return shortened(Formatter().vformat(op.label, (), fields), _LENGTH)


def spoken(op: Any) -> str:
    """The name of an op as people say it.

    >>> from micrograd_np.core.primitive import registry
    >>> spoken(registry["_einsum"]), spoken(registry["log_softmax"])
    ('einsum', 'log softmax')
    """
    return str(op.name).lstrip("_").replace("_", " ")


def constant(x: Any) -> str:
    """What a number or an array without a name is called."""
    return "array" if np.ndim(x) or x is None else number(x, 6)
